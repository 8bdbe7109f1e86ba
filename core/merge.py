"""Pure: what a newly read item changes in what is known. Late and repeated facts change nothing they should not."""

from collections import Counter

from core.model import AfterSale, Line, Listing, Order, Parcel, Receiver
from core.status import advance, newest


def merge_order(known: Order, told: Order, *, final: bool = False) -> Order:
    """The order after reading `told`. A reading of the same source version counts as the newer one; `final`: it was
    made when that version could not change any more.
    """
    newer = told.updated_at >= known.updated_at
    base, other = (told, known) if newer else (known, told)
    return base.model_copy(
        update={
            "payment": advance(known.payment, told.payment),
            "fulfilment": advance(known.fulfilment, told.fulfilment),
            "closing": advance(known.closing, told.closing),
            "hold": newest(known.hold, told.hold, told_is_newer=newer),
            "after_sale": newest(known.after_sale, told.after_sale, told_is_newer=newer),
            "lines": _lines(known, told, newer=newer),
            "parcels": _parcels(known, told, final=final),
            "receiver": _filled(base.receiver, other.receiver),
            "buyer_id": base.buyer_id or other.buyer_id,
            "paid_at": base.paid_at or other.paid_at,
            "shipped_at": base.shipped_at or other.shipped_at,
            "signed_at": base.signed_at or other.signed_at,
            "ended_at": base.ended_at or other.ended_at,
            "ship_by": base.ship_by or other.ship_by,
            "presale": base.presale or other.presale,
            "invoice": base.invoice or other.invoice,
        }
    )


def merge_after_sale(known: AfterSale, told: AfterSale) -> AfterSale:
    """The after-sale after reading `told`. Money that is back stays back; a list's poorer row erases no detail."""
    newer = told.updated_at >= known.updated_at
    base, other = (told, known) if newer else (known, told)
    return base.model_copy(
        update={
            "stage": newest(known.stage, told.stage, told_is_newer=newer),
            "refunded": known.refunded or told.refunded,
            "line_ids": base.line_ids or other.line_ids,
            "sku_id": base.sku_id or other.sku_id,
            "quantity": base.quantity if base.quantity is not None else other.quantity,
            "reason": base.reason or other.reason,
            "returned": base.returned or other.returned,
            "deadline": base.deadline or (other.deadline if base.stage.value == other.stage.value else None),
            "replacement": base.replacement or other.replacement,
            "platform_involved": base.platform_involved or other.platform_involved,
        }
    )


def merge_listing(known: Listing, told: Listing) -> Listing:
    """The newer of two readings; listings carry no history."""
    if known.updated_at and told.updated_at and told.updated_at < known.updated_at:
        return known
    return told


def _lines(known: Order, told: Order, *, newer: bool) -> tuple[Line, ...]:
    """The newer order's lines, each with the furthest facts learnt about it."""
    base, other = (told, known) if newer else (known, told)
    others = {line.id: line for line in other.lines}
    return tuple(_line(line, others.get(line.id), base_is_newer=newer) for line in base.lines)


def _line(line: Line, other: Line | None, *, base_is_newer: bool) -> Line:
    if other is None:
        return line
    known, told = (other, line) if base_is_newer else (line, other)
    fulfilment = known.fulfilment or told.fulfilment
    if known.fulfilment and told.fulfilment:
        fulfilment = advance(known.fulfilment, told.fulfilment)
    closing = known.closing or told.closing
    if known.closing and told.closing:
        closing = advance(known.closing, told.closing)
    after_sale = newest(known.after_sale, told.after_sale, told_is_newer=base_is_newer)
    return line.model_copy(update={"fulfilment": fulfilment, "closing": closing, "after_sale": after_sale})


def _parcels(known: Order, told: Order, *, final: bool) -> tuple[Parcel, ...]:
    """A newer reading that shows parcels replaces them; within one source version they add up, unless those read last
    hold everything that was ordered or were read when all was over; an older one adds nothing.
    """
    if not known.parcels or not told.parcels:
        return told.parcels or known.parcels
    last_word = final or _holds_everything(told)
    if told.updated_at > known.updated_at or (told.updated_at == known.updated_at and last_word):
        return told.parcels
    if told.updated_at < known.updated_at:
        return known.parcels
    numbers = {(parcel.carrier_code, parcel.tracking_no) for parcel in told.parcels}
    ids = {parcel.id for parcel in told.parcels if parcel.id}
    kept = (p for p in known.parcels if (p.carrier_code, p.tracking_no) not in numbers and p.id not in ids)
    return (*told.parcels, *kept)


def _holds_everything(order: Order) -> bool:
    """Whether the parcels say what they hold, and leave nothing for another one. A number that was corrected twice
    within the channel's clock tick would else stay beside the new one.
    """
    packed: Counter[str] = Counter()
    for parcel in order.parcels:
        packed.update({each.line_id: each.quantity for each in parcel.lines})
    return all(parcel.lines for parcel in order.parcels) and all(
        packed[line.id] >= line.quantity for line in order.lines if line.closing is None
    )


def _filled(base: Receiver, other: Receiver) -> Receiver:
    """Channels blank the receiver once an order is shipped or refunded; what was known stays."""
    blanks = {name: getattr(other, name) for name in Receiver.model_fields if not getattr(base, name)}
    return base.model_copy(update=blanks) if blanks else base
