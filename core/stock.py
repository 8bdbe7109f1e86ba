"""Pure: how many of a listing SKU may be sold, by the numbers of what it is made of."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """So many of a SKU of the ERP's are in one piece of a listing SKU. Most listing SKUs are one piece of one SKU."""

    sku: str
    quantity: int = 1


def made_of(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Parts in the order in which they are kept and compared."""
    return tuple(sorted(parts, key=lambda part: part.sku))


def published(parts: Collection[Part], numbers: Mapping[str, int]) -> int | None:
    """So many pieces can be made of what there is: the scarcest part decides. None while a part's number is unknown, or
    when it is made of nothing we know.
    """
    if not parts or any(part.sku not in numbers for part in parts):
        return None
    return min(numbers[part.sku] // part.quantity for part in parts)
