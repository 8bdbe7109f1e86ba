"""Commands of a key that is limited to shops: what is about another shop is refused as if that shop did not exist."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from core.access import Caller
from core.db import mappings
from core.model import Canonical
from sync.push import StockItem
from sync.wishes import ItemResult, Queued

T = TypeVar("T", bound=Canonical)


def within(
    connection: Connection,
    caller: Caller,
    wanted: Sequence[T],
    now: datetime,
    push: Callable[[Connection, Sequence[T], datetime], Queued],
) -> Queued:
    """Pushes the items that the key may send, and answers for all of them in order.

    A stock number is one for all shops. A SKU that is sold elsewhere too is refused: `sku_elsewhere`.
    """
    if not caller.shops:
        return push(connection, wanted, now)
    refused = _refused(connection, caller, wanted)
    allowed = [item for place, item in enumerate(wanted) if place not in refused]
    queued = push(connection, allowed, now) if allowed else Queued([])
    results = iter(queued.items)
    return replace(queued, items=[refused.get(place) or next(results) for place in range(len(wanted))])


def _refused(connection: Connection, caller: Caller, wanted: Sequence[T]) -> dict[int, ItemResult]:
    skus = {item.sku for item in wanted if isinstance(item, StockItem)}
    sold: dict[str, set[str]] = {sku: set() for sku in skus}
    for target, parts in mappings.holders(connection, skus).items():
        for part in parts:
            if part.sku in sold:
                sold[part.sku].add(target.shop_id)
    refused = {}
    for place, item in enumerate(wanted):
        result = _stock(caller, item, sold) if isinstance(item, StockItem) else _shop(caller, item)
        if result:
            refused[place] = result
    return refused


def _stock(caller: Caller, item: StockItem, sold: dict[str, set[str]]) -> ItemResult | None:
    shops = sold[item.sku]
    if all(caller.reaches(shop) for shop in shops):
        return None
    if not any(caller.reaches(shop) for shop in shops):
        return ItemResult("refused", "unknown_sku", f"no listing is mapped to the SKU {item.sku}")
    return ItemResult("refused", "sku_elsewhere", f"the SKU {item.sku} is sold in shops that the key does not reach")


def _shop(caller: Caller, item: Canonical) -> ItemResult | None:
    shop: str | None = getattr(item, "shop", None)
    if shop is None or caller.reaches(shop):
        return None
    return ItemResult("refused", "unknown_shop", f"there is no shop {shop}")
