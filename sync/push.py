"""Stock and prices as the ERP wishes them. Everything here runs inside the caller's transaction; the caller rings the
lanes after it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator
from sqlalchemy import Connection

from connectors import CHANNELS
from core.db import catalog, mappings
from core.db.catalog import CatalogRow, Target
from core.db.intents import Wish
from core.db.lanes import Kind
from core.model import Canonical, Price, SkuKey
from core.packing import Remark
from core.stock import Part, published
from sync.wishes import Name, Plan, Queued, channels, no, queue

Quantity = Annotated[int, Field(strict=True, ge=0, le=99_999_999)]
Fen = Annotated[int, Field(strict=True, gt=0, le=10_000_000_000)]


class StockItem(Canonical):
    """How many of a SKU may be sold. Every listing SKU that is mapped to it gets this number, every bundle that holds
    it as many as can be made of its parts.
    """

    sku: Name
    quantity: Quantity


class PriceItem(Canonical):
    """Prices in fen of one listing SKU, or of all in the shop that are mapped to a SKU."""

    shop: Name
    sku: Name | None = None
    listing_id: Name | None = None
    sku_id: Name | None = None
    sale: Fen
    single: Fen | None = None
    market: Fen | None = None

    @model_validator(mode="after")
    def _one_way_to_name_it(self) -> Self:
        by_listing = self.listing_id is not None and self.sku_id is not None
        if (self.sku is not None) == by_listing:
            raise ValueError("give either sku, or listing_id with sku_id")
        return self


def set_stock(connection: Connection, wanted: Sequence[StockItem], now: datetime) -> Queued:
    """Refuses `unknown_sku`: a SKU that no listing is mapped to. Of a SKU named twice, the last number counts. A bundle
    of which another part has no number yet gets none, and a warning says so.
    """
    catalog.numbers_locked(connection, shared=True)
    told = {item.sku: item.quantity for item in wanted}
    held = mappings.holders(connection, told)
    if any(parts != (Part(parts[0].sku),) for parts in held.values()):
        catalog.bundles_locked(connection)
    numbers = catalog.numbers(connection, {part.sku for parts in held.values() for part in parts}) | told
    fed: dict[str, list[Target]] = {}
    for target, parts in held.items():
        for part in parts:
            fed.setdefault(part.sku, []).append(target)

    def plan(item: StockItem) -> Plan:
        if item.sku not in fed:
            return no("unknown_sku", f"no listing is mapped to the SKU {item.sku}; see `qudao map list --unmapped`")
        return stock_plan({target: held[target] for target in fed[item.sku]}, numbers)

    queued = queue(connection, wanted, plan, now)
    accepted = zip(wanted, queued.items, strict=True)
    catalog.set_numbers(connection, {i.sku: i.quantity for i, result in accepted if result.state != "refused"}, now)
    return queued


def stock_plan(held: Mapping[Target, tuple[Part, ...]], numbers: Mapping[str, int]) -> Plan:
    """The number that follows for each of these, and a warning for each that has none yet."""
    found = {target: published(parts, numbers) for target, parts in held.items()}
    return Plan(
        tuple(stock_wish(target, number) for target, number in found.items() if number is not None),
        warnings=tuple(_unknown(target, held[target], numbers) for target, number in found.items() if number is None),
    )


def _unknown(target: Target, parts: tuple[Part, ...], numbers: Mapping[str, int]) -> Remark:
    missing = ", ".join(part.sku for part in parts if part.sku not in numbers)
    named = f"{target.key.listing_id}/{target.key.sku_id} in {target.shop_id}"
    return Remark("number_unknown", f"nothing is published for {named} until there is a number of {missing}")


def stock_wish(target: Target, quantity: int) -> Wish:
    return _wish(Kind.STOCK, target, str(quantity))


def set_prices(connection: Connection, wanted: Sequence[PriceItem], now: datetime) -> Queued:
    """Refuses `unknown_shop`, `unknown_sku`, `unknown_listing_sku` and `price_relation` (the channel's own rule is
    broken).

    Prices that are left out keep what the channel shows.
    """
    catalog.numbers_locked(connection, shared=True)
    shops = channels(connection, (item.shop for item in wanted))
    by_sku = {
        shop_id: catalog.targets(connection, {i.sku for i in wanted if i.shop == shop_id and i.sku}, shop_id)
        for shop_id in shops
    }
    named = {id(item): _price_targets(item, by_sku.get(item.shop, {})) for item in wanted}
    rows = catalog.find(connection, [target for targets in named.values() for target in targets])

    def plan(item: PriceItem) -> Plan:
        if item.shop not in shops:
            return no("unknown_shop", f"there is no shop {item.shop}")
        known = [rows[target] for target in named[id(item)] if target in rows]
        if not known:
            code = "unknown_sku" if item.sku else "unknown_listing_sku"
            return no(code, f"the shop {item.shop} has no listing SKU for this price")
        return _price_plan(item, known, shops[item.shop])

    return queue(connection, wanted, plan, now)


def _price_targets(item: PriceItem, by_sku: dict[str, list[Target]]) -> list[Target]:
    if item.sku is not None:
        return by_sku.get(item.sku, [])
    return [Target(item.shop, SkuKey(listing_id=item.listing_id or "", sku_id=item.sku_id or ""))]


def _price_plan(item: PriceItem, rows: list[CatalogRow], channel: str) -> Plan:
    """What is left out is looked up for the check only: the connector takes it from the channel when it writes."""
    price = Price(sale=item.sale, single=item.single, market=item.market)
    rule = CHANNELS[channel].channel.price_rule
    for row in rows:
        if rule is not None and (broken := rule(_completed(price, row.price))):
            return no("price_relation", f"{broken} (listing {row.key.listing_id}, SKU {row.key.sku_id})")
    wanted = price.model_dump_json(exclude_none=True)
    return Plan(tuple(_wish(Kind.PRICE, Target(row.shop_id, row.key), wanted) for row in rows))


def _completed(price: Price, shown: Price | None) -> Price:
    if shown is None:
        return price
    return Price(
        sale=price.sale,
        single=price.single if price.single is not None else shown.single,
        market=price.market if price.market is not None else shown.market,
    )


def _wish(kind: Kind, target: Target, wanted: str) -> Wish:
    object_id = f"{target.key.listing_id}/{target.key.sku_id}"
    return Wish(kind.value, f"{kind.value}/{target.shop_id}/{object_id}", target.shop_id, object_id, wanted)
