"""Single values of the toy's JSON."""

from datetime import UTC, datetime


def instant(seconds: int | None) -> datetime | None:
    """None stays None."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
