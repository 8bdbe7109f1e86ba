"""Whether an order may be shipped now, and what of a shipment is still to be said. Pure.

An order ships whole: its first parcel ships it, further parcels are extra numbers.
"""

from collections import Counter
from dataclasses import dataclass

from connectors.pinduoduo import CHANNEL
from core.channel import Capability
from core.errors import Conflict, Invalid, NotYet
from core.model import Order, Shipment
from core.status import AfterSaleState, Closing, Hold, Payment

_PASSING = {Hold.RISK, Hold.GROUP, Hold.GIFT_PENDING}
"""Holds that end by themselves."""

_REFUND_OPEN = {AfterSaleState.REQUESTED, AfterSaleState.RETURNING, AfterSaleState.REFUNDING}


@dataclass(frozen=True)
class Sending:
    """A parcel as the platform wants it named."""

    logistics_id: str
    tracking_no: str


def check_whole(order: Order, shipment: Shipment) -> None:
    """Raises Invalid when the parcels leave something out: the platform would call all of it shipped."""
    known = {line.id: line.quantity for line in order.lines}
    packed: Counter[str] = Counter()
    for parcel in shipment.parcels:
        for part in parcel.lines:
            packed[part.line_id] += part.quantity
    if unknown := packed.keys() - known.keys():
        raise Invalid(f"the order has no line {min(unknown)}", channel=CHANNEL.code)
    if over := [line for line, quantity in packed.items() if quantity > known[line]]:
        raise Invalid(f"more than was bought of line {over[0]}", channel=CHANNEL.code)
    if all(parcel.lines for parcel in shipment.parcels) and packed != known:
        raise Invalid(CHANNEL.notes[Capability.SHIP_LINES], channel=CHANNEL.code)


def check_free(order: Order, *, despite_refund: bool) -> None:
    """Raises Conflict for what only a person can solve, NotYet for what passes."""
    if order.closing.value is not Closing.OPEN:
        raise Conflict("the order is closed", channel=CHANNEL.code, sub_code=order.closing.raw)
    if order.hold.value in _PASSING or order.payment.value is not Payment.PAID:
        raise NotYet("the order is on hold", channel=CHANNEL.code, sub_code=order.hold.raw)
    if order.hold.value is not Hold.NONE:
        raise Conflict("the platform stopped the order", channel=CHANNEL.code, sub_code=order.hold.raw)
    if order.after_sale.value in _REFUND_OPEN and not despite_refund:
        raise Conflict("a refund is open", channel=CHANNEL.code, sub_code=order.after_sale.raw)


def missing(order: Order, sendings: list[Sending]) -> list[Sending] | None:
    """What a shipped order still lacks of these parcels; None when it was shipped under another number."""
    known = {parcel.tracking_no for parcel in order.parcels}
    if not order.parcels or order.parcels[0].tracking_no != sendings[0].tracking_no:
        return None
    return [sending for sending in sendings if sending.tracking_no not in known]
