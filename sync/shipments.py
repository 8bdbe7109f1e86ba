"""Shipments as the ERP wishes them: what is wrong with one, and what of it its channel cannot be told, is said at once,
item by item.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints
from sqlalchemy import Connection

from connectors import CHANNELS
from core import packing
from core.carriers import CODES
from core.db import intents, items, requests
from core.db.engine import lock
from core.db.intents import Wish
from core.db.lanes import Kind
from core.model import Canonical, Order, Packed, ParcelDraft, Shipment
from core.packing import Remark
from core.status import Closing
from sync import address
from sync.wishes import ItemResult, Name, Plan, Queued, channels, no, queue

TrackingNo = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9A-Za-z_-]{1,64}$")]
WAITS = Remark(address.ASKED, "the buyer asks for another address; the shipment waits for the answer")
Pieces = Annotated[int, Field(strict=True, ge=1, le=99_999_999)]


class PackedItem(Packed):
    """So many pieces of a line are in the parcel."""

    model_config = ConfigDict(from_attributes=True)

    line_id: Name
    quantity: Pieces


class ParcelItem(ParcelDraft):
    """A parcel with its number. Without `lines` it holds everything that is in no other parcel."""

    model_config = ConfigDict(from_attributes=True)

    carrier: Name
    tracking_no: TrackingNo
    lines: Annotated[tuple[PackedItem, ...], Field(max_length=500)] = ()


class ShipmentItem(Canonical):
    """The parcels of one order."""

    shop: Name
    order_id: Name
    parcels: Annotated[tuple[ParcelItem, ...], Field(min_length=1, max_length=50)]
    refuse_refund: bool = False
    """Ship although the buyer asks for a refund, which refuses it where the channel can."""

    @property
    def shipment(self) -> Shipment:
        return Shipment(order_id=self.order_id, parcels=self.parcels, refuse_refund=self.refuse_refund)


def ship(connection: Connection, wanted: Sequence[ShipmentItem], now: datetime) -> Queued:
    """Refuses `unknown_shop`, `unknown_order`, `unknown_carrier`, `order_closed` and what `core.packing` does.

    The same parcels again are `unchanged`; other parcels are a new intent, which corrects the numbers declared before.
    """
    shops = channels(connection, (item.shop for item in wanted))
    lock(connection, *(f"shipments/{identity}" for identity in shops))
    named = {shop: list({item.order_id for item in wanted if item.shop == shop}) for shop in shops}
    known = {shop: items.find_many(connection, "order", shop, ids) for shop, ids in named.items()}
    asking = {shop: requests.asking(connection, shop, ids) for shop, ids in named.items()}
    planned: dict[tuple[str, str], list[Wish]] = {}

    def plan(item: ShipmentItem) -> Plan:
        if item.shop not in shops:
            return no("unknown_shop", f"there is no shop {item.shop}")
        stored = known[item.shop].get(item.order_id)
        if stored is None:
            return no("unknown_order", f"the shop {item.shop} has no order {item.order_id} here yet")
        before = planned.setdefault((item.shop, item.order_id), [])
        waits = (WAITS,) if item.order_id in asking[item.shop] else ()
        return _plan(connection, item, shops[item.shop], items.order(stored), before, waits)

    return queue(connection, wanted, plan, now)


def _plan(
    connection: Connection,
    item: ShipmentItem,
    channel: str,
    order: Order,
    before: list[Wish],
    waits: tuple[Remark, ...],
) -> Plan:
    """`before` are the order's new shipments of this very request; the new one joins them."""
    if order.closing.value not in (Closing.OPEN, Closing.UNKNOWN, Closing.FINISHED):
        return no("order_closed", f"the order {item.order_id} is closed: {order.closing.value.value}")
    rule = CHANNELS[channel].channel.shipments
    if refused := packing.refusal(order, item.shipment, rule):
        return no(*refused)
    for parcel in item.parcels:
        if parcel.carrier not in CODES:
            return no("unknown_carrier", f"{parcel.carrier} is no carrier of {channel}")
    warnings = (*packing.warnings(order, item.shipment, rule), *waits)
    return _shipment(connection, item, before, warnings)


def _shipment(connection: Connection, item: ShipmentItem, before: list[Wish], warnings: tuple[Remark, ...]) -> Plan:
    body = item.shipment.model_dump_json()
    earlier = intents.of_object(connection, Kind.SHIP.value, item.shop, item.order_id)
    if before and before[-1].wanted == body:
        return Plan((before[-1],), warnings=warnings)
    if not before and earlier and earlier[-1].wanted == body and earlier[-1].state in ("due", "done"):
        last = earlier[-1]
        return Plan(refused=ItemResult("unchanged", warnings=warnings, intents=((last.id, last.version),)))
    key = f"ship/{item.shop}/{item.order_id}/{len(earlier) + len(before) + 1}"
    before.append(Wish(Kind.SHIP.value, key, item.shop, item.order_id, body))
    return Plan((before[-1],), warnings=warnings)
