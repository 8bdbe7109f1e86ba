"""Shipments as the ERP wishes them: what is wrong with one is said at once, item by item."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection

from core.carriers import CODES
from core.db import intents, items
from core.db.engine import lock
from core.db.intents import Wish
from core.db.lanes import Kind
from core.model import Canonical, ParcelDraft, Shipment
from core.status import Closing
from sync.wishes import ItemResult, Name, Plan, Queued, channels, no, queue


class ShipmentItem(Canonical):
    """The parcels of one order."""

    shop: Name
    order_id: Name
    parcels: Annotated[tuple[ParcelDraft, ...], Field(min_length=1, max_length=50)]
    refuse_refund: bool = False
    """Ship although the buyer asks for a refund, which refuses it where the channel can."""


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
