"""Douyin's single values: times and ids. Amounts are fen already and masks are told as such."""

from datetime import UTC, datetime

from core.clock import SHANGHAI


def instant(epoch: int) -> datetime | None:
    """Epoch seconds; 0 is none."""
    return datetime.fromtimestamp(epoch, UTC) if epoch else None


def instant_of(value: object) -> datetime | None:
    """Seconds, their text, RFC 3339 or `yyyy-MM-dd HH:mm:ss` in Shanghai → UTC; None for anything else."""
    if isinstance(value, int):
        return instant(value)
    if not isinstance(value, str) or not value:
        return None
    if value.isdigit():
        return instant(int(value))
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=SHANGHAI)).astimezone(UTC)


def order_id_of(text: str) -> str:
    """An order id without the `A` that old documents and clients hang on it."""
    return text.removesuffix("A")
