"""Which SKU a listing SKU is: what the ERP says of it, and the numbers that follow from it.

Everything here runs inside the caller's transaction; the caller rings the lanes after it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from core.db import catalog, intents
from core.db.catalog import Target
from core.db.lanes import Kind, Lane
from core.model import Canonical, SkuKey
from sync.push import stock_wish
from sync.wishes import ItemResult, Name, Plan, Queued, channels, no, queue


class MappingItem(Canonical):
    """Which SKU a listing SKU is; null says that it must not be mapped, whatever its code."""

    shop: Name
    listing_id: Name
    sku_id: Name
    sku: Name | None = None


def set_mappings(connection: Connection, wanted: Sequence[MappingItem], now: datetime) -> Queued:
    """Refuses `unknown_shop` and `unknown_listing_sku`. A newly mapped listing SKU gets the SKU's number at once."""
    catalog.numbers_locked(connection)
    shops = channels(connection, (item.shop for item in wanted))
    named = {id(item): Target(item.shop, SkuKey(listing_id=item.listing_id, sku_id=item.sku_id)) for item in wanted}
    rows = catalog.find(connection, list(named.values()))
    numbers = catalog.numbers(connection, {item.sku for item in wanted if item.sku})

    def plan(item: MappingItem) -> Plan:
        target = named[id(item)]
        if item.shop not in shops:
            return no("unknown_shop", f"there is no shop {item.shop}")
        if target not in rows:
            return no(
                "unknown_listing_sku", f"the shop {item.shop} has no listing {item.listing_id} with SKU {item.sku_id}"
            )
        catalog.map_by_hand(connection, target, item.sku, now)
        if rows[target].sku == (item.sku or ""):
            return Plan(refused=ItemResult("unchanged"))
        if item.sku is None or item.sku not in numbers:
            intents.withdraw_stock(connection, item.shop, [f"{item.listing_id}/{item.sku_id}"], now)
            return Plan(refused=ItemResult("queued"))
        return Plan((stock_wish(target, numbers[item.sku]),))

    return queue(connection, wanted, plan, now)


def publish_known_numbers(connection: Connection, shop_id: str, skus: Iterable[str], now: datetime) -> set[Lane]:
    """Wishes the ERP's known numbers for SKUs whose mapping is new in a shop. Answers the lanes to ring."""
    catalog.numbers_locked(connection)
    numbers = catalog.numbers(connection, set(skus))
    targets = catalog.targets(connection, numbers, shop_id)
    wishes = [stock_wish(target, numbers[sku]) for sku, found in targets.items() for target in found]
    intents.want(connection, wishes, now)
    return {Lane(shop_id, Kind.STOCK)} if wishes else set()
