"""Pure: what is wrong with the parcels of a wished shipment, and what of them a channel cannot be told."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from core.channel import AgainstRefund, Packing, ShipmentRule
from core.model import Line, Order, Packed, Shipment
from core.shipping import REFUND_OPEN, Ask, Wait, obstacle, pieces
from core.status import Fulfilment


class Remark(NamedTuple):
    """What a wish cannot have, will lack or must wait for: a stable code, and the same in words for people."""

    code: str
    message: str


def refusal(order: Order, shipment: Shipment, rule: ShipmentRule) -> Remark | None:
    """Why these parcels cannot be, whatever happens to the order meanwhile: by themselves, or on this channel."""
    return _impossible(order, shipment) or _inexpressible(order, shipment, rule)


def warnings(order: Order, shipment: Shipment, rule: ShipmentRule) -> list[Remark]:
    """What the channel will not be told of parcels that it takes, and why they must wait as things stand."""
    found = list(_untold(order, shipment, rule))
    match obstacle(order, shipment):
        case Wait(code, reason):
            found.append(Remark(code, f"{reason}; the shipment waits"))
        case Ask(code, reason) if code == REFUND_OPEN:
            found.append(Remark(code, reason))
    return found


def _impossible(order: Order, shipment: Shipment) -> Remark | None:
    lines = {line.id: line for line in order.lines}
    held: Counter[str] = Counter()
    for packed in _packed(shipment):
        line = lines.get(packed.line_id)
        if line is None:
            return Remark("unknown_line", f"the order {order.id} has no line {packed.line_id}")
        if line.closing is not None:
            return Remark("line_closed", f"the line {line.id} has ended: {line.closing.value.value}")
        held[line.id] += packed.quantity
        if held[line.id] > line.quantity:
            return Remark("too_many_pieces", f"of the line {line.id} only {line.quantity} were ordered")
    numbers = Counter((draft.carrier, draft.tracking_no) for draft in shipment.parcels)
    if twice := [number for (_, number), count in numbers.items() if count > 1]:
        return Remark("parcel_twice", f"two parcels have the number {twice[0]}")
    left = any(held[line.id] < line.quantity for line in order.lines if line.closing is None)
    if not left and not all(draft.lines for draft in shipment.parcels):
        return Remark("parcel_empty", "a parcel names no lines, and the others hold everything")
    return None


def _inexpressible(order: Order, shipment: Shipment, rule: ShipmentRule) -> Remark | None:
    if rule.most_parcels is not None and len(shipment.parcels) > rule.most_parcels:
        return Remark("too_many_parcels", f"an order ships in at most {rule.most_parcels} parcels here")
    if rule.packing is Packing.ORDER:
        return _not_whole(order, shipment)
    unclear = [draft for draft in shipment.parcels if not draft.lines]
    begun = order.fulfilment.value is Fulfilment.PART_SHIPPED
    if len(unclear) > 1 and (not rule.open_parcels or begun or len(unclear) < len(shipment.parcels)):
        return Remark("lines_missing", "which lines lie in which parcel must be said, of all parcels but one")
    untold = {line.id for line in order.lines if _untold_gift(order, line, rule)}
    for draft in shipment.parcels:
        if draft.lines and untold >= {packed.line_id for packed in draft.lines}:
            return Remark("gift_alone", "a parcel holds only gifts that have no line at the channel")
        if rule.most_lines is not None and len(draft.lines) > rule.most_lines:
            return Remark("too_many_lines", f"a parcel may name at most {rule.most_lines} lines here")
    return _broken_line(order, shipment, untold) if rule.packing is Packing.LINES else None


def _not_whole(order: Order, shipment: Shipment) -> Remark | None:
    whole = {line.id: line.quantity for line in order.lines}
    if all(draft.lines for draft in shipment.parcels) and pieces(order, shipment) != whole:
        return Remark("order_ships_whole", "the channel takes the first parcel for the whole order: pack all of it")
    return None


def _broken_line(order: Order, shipment: Shipment, untold: set[str]) -> Remark | None:
    quantities = {line.id: line.quantity for line in order.lines if line.id not in untold}
    for packed in _packed(shipment):
        if packed.line_id in quantities and packed.quantity != quantities[packed.line_id]:
            return Remark("line_ships_whole", f"all pieces of the line {packed.line_id} must lie in one parcel")
    return None


def _untold(order: Order, shipment: Shipment, rule: ShipmentRule) -> Iterator[Remark]:
    named = {packed.line_id for packed in _packed(shipment)}
    if rule.packing is Packing.ORDER and named:
        yield Remark("lines_not_told", "the channel is not told what lies in which parcel")
    if rule.packing is Packing.ORDER and len(shipment.parcels) > 1:
        yield Remark(
            "extra_parcels",
            "the first parcel ships the order; further numbers are shown beside it and stay as they are",
        )
    if any(line.id in named and _untold_gift(order, line, rule) for line in order.lines):
        yield Remark("gift_not_told", "a gift has no line at the channel and goes along untold")
    if rule.told_by_sku and _mixed_skus(order, shipment):
        yield Remark("lines_by_sku", "lines with the same SKU are one to the channel: it is told pieces of that SKU")
    if shipment.refuse_refund and rule.against_refund is AgainstRefund.STAYS:
        yield Remark("refund_stays_open", "shipping refuses no refund here: one that is open stays open")
    if shipment.refuse_refund and rule.against_refund is AgainstRefund.NEVER:
        yield Remark("refund_not_refused", "nothing is shipped here before an open refund is settled")


def _mixed_skus(order: Order, shipment: Shipment) -> bool:
    """Whether a parcel names one of several lines with the same SKU and leaves another."""
    lines = {line.id: line.sku_id for line in order.lines}
    for draft in shipment.parcels:
        here = {packed.line_id for packed in draft.lines}
        skus = {lines[line_id] for line_id in here}
        if any(sku in skus and line_id not in here for line_id, sku in lines.items()):
            return True
    return False


def _untold_gift(order: Order, line: Line, rule: ShipmentRule) -> bool:
    return rule.untold_gifts and line.gift and line.id.startswith(f"{order.id}:")


def _packed(shipment: Shipment) -> Iterator[Packed]:
    return chain.from_iterable(draft.lines for draft in shipment.parcels)
