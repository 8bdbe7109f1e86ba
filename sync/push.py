"""The ERP's wishes become intents. Everything here runs inside the caller's transaction; the caller rings the lanes
after it.

A wish that cannot be right is refused item by item, before anything is stored of it, and stops none of its neighbours.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Self, TypeVar

import sqlalchemy as sa
from pydantic import Field, StringConstraints, model_validator
from sqlalchemy import Connection

from connectors import CHANNELS
from core import conflict
from core.carriers import CODES
from core.crypto import Vault
from core.db import catalog, conflicts, intents, items
from core.db.catalog import CatalogRow, Target
from core.db.conflicts import Reading
from core.db.engine import lock
from core.db.intents import Wish
from core.db.lanes import Kind, Lane
from core.db.tables import shop
from core.model import Canonical, Flag, Memo, ParcelDraft, Price, Shipment, SkuKey
from core.status import Closing
from sync.conflicts import alone
from sync.decisions import sealed

LONGEST_MEMO = 2000
"""Characters; every channel takes fewer, and says so."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=128, strip_whitespace=True)]
Quantity = Annotated[int, Field(strict=True, ge=0, le=99_999_999)]
Fen = Annotated[int, Field(strict=True, gt=0, le=10_000_000_000)]


class StockItem(Canonical):
    """How many of a SKU may be sold. Every listing SKU that is mapped to it gets this number."""

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


class ShipmentItem(Canonical):
    """The parcels of one order."""

    shop: Name
    order_id: Name
    parcels: Annotated[tuple[ParcelDraft, ...], Field(min_length=1, max_length=50)]
    refuse_refund: bool = False
    """Ship although the buyer asks for a refund, which refuses it where the channel can."""


class NewMemo(Canonical):
    """A memo as it shall read: it takes the place of text and flag."""

    shop: Name
    text: Annotated[str, Field(max_length=LONGEST_MEMO, repr=False)]
    flag: Flag = Flag.NONE


class MemoItem(NewMemo):
    """The seller's memo on one order."""

    order_id: Name


@dataclass(frozen=True)
class ItemResult:
    """What became of one item. `state`: queued, unchanged or refused; `code` is stable, `message` is for people.

    `intents` are (intent id, version) pairs whose outcome can be asked for.
    """

    state: str
    code: str = ""
    message: str = ""
    warnings: tuple[str, ...] = ()
    intents: tuple[tuple[int, int], ...] = ()


@dataclass
class Queued:
    """The result of each item in order, and the lanes to ring after the commit."""

    items: list[ItemResult]
    lanes: set[Lane] = field(default_factory=set)


@dataclass(frozen=True)
class Plan:
    """What one item wants: wishes, or the reason why it may not want anything."""

    wishes: tuple[Wish, ...] = ()
    refused: ItemResult | None = None
    warnings: tuple[str, ...] = ()


T = TypeVar("T")


def set_stock(connection: Connection, wanted: Sequence[StockItem], now: datetime) -> Queued:
    """Refuses `unknown_sku`: a SKU that no listing is mapped to. Of a SKU named twice, the last number counts."""
    catalog.numbers_locked(connection, shared=True)
    targets = catalog.targets(connection, {item.sku for item in wanted})

    def plan(item: StockItem) -> Plan:
        found = targets.get(item.sku)
        if not found:
            return no("unknown_sku", f"no listing is mapped to the SKU {item.sku}; see `qudao map list --unmapped`")
        return Plan(tuple(stock_wish(target, item.quantity) for target in found))

    queued = queue(connection, wanted, plan, now)
    accepted = zip(wanted, queued.items, strict=True)
    catalog.set_numbers(connection, {i.sku: i.quantity for i, result in accepted if result.state != "refused"}, now)
    return queued


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


def ship(connection: Connection, wanted: Sequence[ShipmentItem], now: datetime) -> Queued:
    """Refuses `unknown_shop`, `unknown_order`, `unknown_line`, `unknown_carrier` and `order_closed`.

    The same parcels again are `unchanged`; other parcels are a new intent, which corrects the numbers declared before.
    """
    shops = channels(connection, (item.shop for item in wanted))
    lock(connection, *(f"shipments/{identity}" for identity in shops))
    planned: dict[tuple[str, str], list[Wish]] = {}

    def plan(item: ShipmentItem) -> Plan:
        if item.shop not in shops:
            return no("unknown_shop", f"there is no shop {item.shop}")
        before = planned.setdefault((item.shop, item.order_id), [])
        return _ship_plan(connection, item, shops[item.shop], before)

    return queue(connection, wanted, plan, now)


def _ship_plan(connection: Connection, item: ShipmentItem, channel: str, before: list[Wish]) -> Plan:
    """`before` are the order's new shipments of this very request; the new one joins them."""
    stored = items.find(connection, "order", item.shop, item.order_id)
    if stored is None:
        return no("unknown_order", f"the shop {item.shop} has no order {item.order_id} here yet")
    order = items.order(stored)
    if order.closing.value not in (Closing.OPEN, Closing.UNKNOWN, Closing.FINISHED):
        return no("order_closed", f"the order {item.order_id} is closed: {order.closing.value.value}")
    lines = {line.id for line in order.lines}
    if strange := [packed.line_id for parcel in item.parcels for packed in parcel.lines if packed.line_id not in lines]:
        return no("unknown_line", f"the order {item.order_id} has no line {strange[0]}")
    for parcel in item.parcels:
        if parcel.carrier not in CODES:
            return no("unknown_carrier", f"{parcel.carrier} is no carrier of {channel}")
    return _shipment(connection, item, before)


def _shipment(connection: Connection, item: ShipmentItem, before: list[Wish]) -> Plan:
    body = Shipment(order_id=item.order_id, parcels=item.parcels, refuse_refund=item.refuse_refund).model_dump_json()
    earlier = intents.of_object(connection, Kind.SHIP.value, item.shop, item.order_id)
    if before and before[-1].wanted == body:
        return Plan((before[-1],))
    if not before and earlier and earlier[-1].wanted == body and earlier[-1].state in ("due", "done"):
        last = earlier[-1]
        return Plan(refused=ItemResult("unchanged", intents=((last.id, last.version),)))
    key = f"ship/{item.shop}/{item.order_id}/{len(earlier) + len(before) + 1}"
    before.append(Wish(Kind.SHIP.value, key, item.shop, item.order_id, body))
    return Plan((before[-1],))


def set_memos(connection: Connection, vault: Vault, wanted: Sequence[MemoItem], now: datetime) -> Queued:
    """Refuses `unknown_shop` and `unknown_order`. Of an order named twice, the last memo counts.

    What is stored now is what both sides stand on, unless they stand on another memo already.
    """
    shops = channels(connection, (item.shop for item in wanted))
    for identity in sorted(shops):
        alone(connection, identity)

    def plan(item: MemoItem) -> Plan:
        if item.shop not in shops:
            return no("unknown_shop", f"there is no shop {item.shop}")
        stored = items.find(connection, "order", item.shop, item.order_id)
        if stored is None:
            return no("unknown_order", f"the shop {item.shop} has no order {item.order_id} here yet")

        def kept(memo: Memo) -> str:
            return sealed(vault, conflict.Field.MEMO, item.shop, item.order_id, memo.model_dump_json())

        shown = Reading(item.order_id, kept(items.order(stored).memo), stored.source_at, stored.source_at)
        conflicts.first_seen(connection, item.shop, conflict.Field.MEMO, [shown])
        body = json.dumps(kept(Memo(text=item.text, flag=item.flag)))
        key = f"{Kind.MEMO.value}/{item.shop}/{item.order_id}"
        return Plan((Wish(Kind.MEMO.value, key, item.shop, item.order_id, body),))

    return queue(connection, wanted, plan, now)


def queue(connection: Connection, wanted: Sequence[T], plan: Callable[[T], Plan], now: datetime) -> Queued:
    plans = [plan(item) for item in wanted]
    wishes = [wish for each in plans for wish in each.wishes]
    written = intents.want(connection, wishes, now)
    results = [
        each.refused
        or ItemResult("queued", warnings=each.warnings, intents=tuple(written[wish.key] for wish in each.wishes))
        for each in plans
    ]
    return Queued(results, {Lane(wish.shop_id, Kind(wish.kind)) for wish in wishes})


def _wish(kind: Kind, target: Target, wanted: str) -> Wish:
    object_id = f"{target.key.listing_id}/{target.key.sku_id}"
    return Wish(kind.value, f"{kind.value}/{target.shop_id}/{object_id}", target.shop_id, object_id, wanted)


def no(code: str, message: str) -> Plan:
    return Plan(refused=ItemResult("refused", code, message))


def channels(connection: Connection, named: Iterable[str]) -> dict[str, str]:
    rows = connection.execute(sa.select(shop.c.id, shop.c.channel).where(shop.c.id.in_(set(named))))
    return {row.id: row.channel for row in rows}
