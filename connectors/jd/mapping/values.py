"""JD's single values: times, yuan and fen, money divided over lines, ciphertext and masks, regions."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from core.clock import SHANGHAI
from core.model import Masked
from core.money import fen

_OFFSET = "+08:00"
"""The wall clock's offset, the same since 1991; looking it up takes twice as long."""

_CIPHER = "AAS"
"""How every ciphertext begins: a weak key and AES-128 in base64."""
_CIPHER_LENGTH = 68
"""Of the shortest one: header, key id, initial vector and a block."""

_STAMP = re.compile(r"\s*【[^【】]*\d{1,2}:\d{2}[^【】]*】$")
"""What the platform writes behind a remark: the operator and the time. Its exact form is inferred."""

_MUNICIPALITIES = ("北京", "天津", "上海", "重庆")


def instant(milliseconds: int | None) -> datetime | None:
    """Epoch milliseconds; 0 is none."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None


def instant_of(text: str | None) -> datetime | None:
    """A wall-clock time of Shanghai, or epoch milliseconds in text; none while it is empty, of year 1 or of 1970.

    Raises ValueError for anything else.
    """
    if not text or text.startswith(("0001", "1970")):
        return None
    if text.isdigit():
        return instant(int(text))
    return datetime.fromisoformat(text + _OFFSET).astimezone(UTC)


def required_instant(text: str) -> datetime:
    """A wall-clock time that must be there. Raises ValueError where it is not."""
    at = instant_of(text)
    if at is None:
        raise ValueError("a time is missing")
    return at


def wall_clock(at: datetime) -> str:
    """An instant as requests want it, to the second."""
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def fen_of(amount: Decimal | str | None) -> int:
    """Yuan as fen; what is not told is 0."""
    return fen(amount) if amount else 0


def apportioned(amount: int, weights: Sequence[int]) -> list[int]:
    """The amount in proportion to the weights. The last one that weighs anything takes what rounding leaves."""
    total = sum(weights)
    parts = [amount * weight // total if total else 0 for weight in weights]
    last = max((place for place, weight in enumerate(weights) if weight), default=len(weights) - 1)
    parts[last] += amount - sum(parts)
    return parts


def masked(sent: str | None, mask: str | None = None) -> Masked:
    """A personal value. What is neither ciphertext nor masked is never kept as it is: at most its ends remain."""
    if not sent:
        return Masked(mask=mask or "")
    if sent.startswith(_CIPHER) and len(sent) >= _CIPHER_LENGTH:
        return Masked(mask=mask or "", cipher=sent)
    if "*" in sent:
        return Masked(mask=mask or sent)
    hidden = f"{sent[:3]}****{sent[-4:]}" if len(sent) > 8 else f"{sent[:1]}**"
    return Masked(mask=mask or hidden)


def unstamped(remark: str | None) -> str:
    """A seller's remark without what the platform wrote behind it."""
    return _STAMP.sub("", remark or "").strip()


def region(province: str, city: str, county: str, town: str) -> tuple[str, str, str, str]:
    """Province, city, district, town. Under the four municipalities the platform's levels sit one too high."""
    name = province.removesuffix("市")
    if name not in _MUNICIPALITIES or not city or city.startswith(name):
        return province, city, county, town
    return province, f"{name}市", city, county + town
