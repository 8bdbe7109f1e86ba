"""Pure: what to do next about a wished shipment, given the order as its channel shows it now."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from core.model import Order, Parcel, ParcelDraft, Shipment
from core.status import AfterSaleState, Closing, Fulfilment, Hold, Payment

OPEN_AFTER_SALE = {
    AfterSaleState.REQUESTED,
    AfterSaleState.RETURNING,
    AfterSaleState.REFUNDING,
    AfterSaleState.REFUNDED,
}
OTHERWISE = "shipped_otherwise"
"""Code of the question that arises when somebody else declared other numbers."""
REFUND_OPEN = "refund_open"


@dataclass(frozen=True)
class Done:
    """The channel shows every wished number."""


@dataclass(frozen=True)
class Send:
    """Declare the parcels; those that the channel shows already do no harm."""


@dataclass(frozen=True)
class Change:
    """A number declared by us before is to be corrected."""

    old: Parcel
    new: ParcelDraft


@dataclass(frozen=True)
class Wait:
    """Right, but not now."""

    code: str
    reason: str


@dataclass(frozen=True)
class Ask:
    """A person must decide."""

    code: str
    reason: str


Step = Done | Send | Change | Wait | Ask


def next_step(order: Order, shipment: Shipment, ours: Collection[str]) -> Step:
    """`ours` are the tracking numbers that earlier shipments of ours declared for this order."""
    shown = {parcel.tracking_no for parcel in order.parcels}
    wished = {draft.tracking_no for draft in shipment.parcels}
    if wished <= shown:
        return Done()
    return obstacle(order, shipment) or _way(order, shipment, shown, wished, ours)


def exclude_each_other(order: Order, one: Shipment, other: Shipment) -> bool:
    """Whether two shipments are about the same goods: together they hold more of a line than was ordered."""
    first, second = pieces(order, one), pieces(order, other)
    return any(first[line.id] + second[line.id] > line.quantity for line in order.lines)


def pieces(order: Order, shipment: Shipment) -> Counter[str]:
    """How much of each line is in a shipment; one with a parcel that names no lines holds all of them."""
    if any(not draft.lines for draft in shipment.parcels):
        return Counter({line.id: line.quantity for line in order.lines})
    held: Counter[str] = Counter()
    for draft in shipment.parcels:
        for packed in draft.lines:
            held[packed.line_id] += packed.quantity
    return held


def obstacle(order: Order, shipment: Shipment) -> Wait | Ask | None:
    """What stops a shipment as the order stands."""
    if order.closing.value not in (Closing.OPEN, Closing.UNKNOWN):
        return Ask("order_closed", f"the order has ended: {order.closing.value.value}")
    if order.payment.value is not Payment.PAID:
        return Wait("not_paid", f"the order is not paid: {order.payment.value.value}")
    if order.hold.value is not Hold.NONE:
        return Wait("on_hold", f"the channel holds the order: {order.hold.value.value}")
    if not shipment.refuse_refund and _refund_open(order, shipment):
        return Ask(REFUND_OPEN, "the buyer asks for a refund; ship with refuse_refund to refuse it")
    return None


def _refund_open(order: Order, shipment: Shipment) -> bool:
    """Whether a wished parcel holds a line under after-sale; a parcel that names no lines holds them all."""
    named = {packed.line_id for draft in shipment.parcels for packed in draft.lines}
    everything = any(not draft.lines for draft in shipment.parcels)
    touched = [line for line in order.lines if everything or line.id in named]
    return any(line.after_sale.value in OPEN_AFTER_SALE for line in touched) or (
        order.after_sale.value in OPEN_AFTER_SALE
        and all(line.after_sale.value is AfterSaleState.NONE for line in order.lines)
    )


def _way(order: Order, shipment: Shipment, shown: set[str], wished: set[str], ours: Collection[str]) -> Step:
    begun = bool(shown & wished)
    nothing_left = order.fulfilment.value not in (Fulfilment.TO_SHIP, Fulfilment.PART_SHIPPED, Fulfilment.UNKNOWN)
    if not nothing_left or begun:
        return Send()
    outdated = [parcel for parcel in order.parcels if parcel.tracking_no in ours and parcel.tracking_no not in wished]
    missing = [draft for draft in shipment.parcels if draft.tracking_no not in shown]
    if outdated:
        return Change(outdated[0], missing[0])
    return Ask(OTHERWISE, f"the channel shows other numbers: {', '.join(sorted(shown)) or 'none'}")
