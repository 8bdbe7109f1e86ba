"""Taobao's single values: times, yuan and fen, ids of listing SKUs, what stands in a personal value's place."""

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from core.model import Masked
from core.money import fen

_SHANGHAI = "+08:00"
"""The wall clock's offset, the same since 1991; looking it up takes twice as long."""

_CIPHER = re.compile(r"(?s)([~$]).+\1-?\d+\1{1,2}|\x01.+\x01-?\d+\x01")
"""Values of apps from before the OAID: opaque, kept as they are."""


def instant_of(text: str | None) -> datetime | None:
    """A wall-clock time of Shanghai, empty while it has not come. Raises ValueError for anything else."""
    if not text:
        return None
    return datetime.fromisoformat(text + _SHANGHAI).astimezone(UTC)


def required_instant(text: str) -> datetime:
    """A wall-clock time that must be there. Raises ValueError where it is not."""
    return datetime.fromisoformat(text + _SHANGHAI).astimezone(UTC)


def loose_instant(text: str | None) -> datetime | None:
    """A time from a field that may hold free text ("2024年03月25日24点前"); None for what is no time."""
    try:
        return instant_of(text)
    except ValueError:
        return None


def fen_of(yuan: str | None) -> int:
    """Yuan as fen; what is not told, or told as an empty text, is 0. Raises ValueError for what is no number."""
    if not yuan or yuan == "0.00":
        return 0
    try:
        return fen(Decimal(yuan))
    except (InvalidOperation, OverflowError):
        raise ValueError("an amount that is no number") from None


def sku_id_of(num_iid: str | None, sku_id: str | None) -> str:
    """The id that names a listing's SKU: the item's own id for an item without SKUs."""
    return sku_id if sku_id and sku_id != "0" else num_iid or ""


def masked(sent: str | None) -> Masked:
    """A personal value as the platform masked it. What comes plain is never kept as it is: at most its ends remain."""
    if not sent:
        return Masked()
    if "*" in sent:
        return Masked(mask=sent)
    if _CIPHER.fullmatch(sent):
        return Masked(cipher=sent)
    return Masked(mask=f"{sent[:3]}****{sent[-4:]}" if len(sent) > 8 else f"{sent[:1]}**")
