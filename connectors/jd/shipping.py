"""Shipping at JD: which calls declare a shipment's parcels, and what they say, given the order as the platform shows it
now.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from connectors.jd import CHANNEL, mapping, wire
from connectors.jd.client import JdClient, Verdict, number, refusal
from connectors.jd.errors import ALREADY_SHIPPED
from connectors.rows import outcome
from core.channel import CarrierRow, Fetched, Outcome
from core.errors import AlreadyDone, Conflict, Invalid, NotYet, OutcomeUnknown, Rejected, UnknownCarrier
from core.model import Order, Packed, Parcel, ParcelDraft, Shipment
from core.status import Closing, Fulfilment, Hold, Payment

MODE = 1
"""`belongType` and `deliveryType` (inferred: their values are not documented)."""


@dataclass(frozen=True)
class Sending:
    """A parcel as the platform wants it named; `lines` is empty for whatever is left."""

    carrier: str
    carrier_name: str
    tracking_no: str
    lines: tuple[Packed, ...] = ()


class Shipping:
    """Declares the parcels of one shop. `order` reads an order as it is now."""

    def __init__(self, client: JdClient, order: Callable[[str], Fetched[Order]]) -> None:
        self._client = client
        self._order = order
        self._carriers: list[CarrierRow] | None = None

    def ship(self, shipment: Shipment) -> Outcome[Shipment]:
        """Repeating it is harmless without a key: the order is read first, and only what it lacks is sent."""
        return outcome(shipment, lambda: self._ship(shipment))

    def change_tracking(self, order_id: str, old: Parcel, carrier: str, tracking_no: str) -> Outcome[str]:
        """A parcel with an id is one of several and changed alone; else all numbers of the order are told anew."""

        def write() -> None:
            sending = self._sending(ParcelDraft(carrier=carrier, tracking_no=tracking_no))
            if old.id:
                self._client.call(wire.CHANGE_PART, _changed_part(order_id, old.id, sending))
            else:
                order = self._order(order_id).value
                self._client.call(wire.CHANGE_WHOLE, _changed_whole(order, old, sending))

        return outcome(order_id, write)

    def carriers(self) -> list[CarrierRow]:
        """Those that the shop works with."""
        rows = self._client.call(wire.COMPANIES, {"optional_fields": wire.COMPANY_FIELDS}).logistics_list or []
        self._carriers = [
            CarrierRow(row.logistics_id, row.logistics_name, mapping.carrier_of(row.logistics_id, row.logistics_name))
            for row in rows
        ]
        return list(self._carriers)

    def _ship(self, shipment: Shipment) -> None:
        sendings = [self._sending(draft) for draft in shipment.parcels]
        order = self._order(shipment.order_id).value
        left = _missing(order, sendings)
        if not left or order.fulfilment.value in (Fulfilment.SHIPPED, Fulfilment.SIGNED, Fulfilment.REJECTED):
            raise AlreadyDone("the order is shipped, or shows these parcels")
        _check_free(order)
        try:
            if order.fulfilment.value is Fulfilment.PART_SHIPPED or any(sending.lines for sending in sendings):
                self._ship_parts(order, left)
            else:
                self._client.call(wire.SHIP, _whole(order.id, left))
        except Rejected as error:
            if ALREADY_SHIPPED in error.message and not _missing(self._order(order.id).value, sendings):
                raise error.renamed(AlreadyDone) from None
            raise

    def _ship_parts(self, order: Order, sendings: Sequence[Sending]) -> None:
        told = self._client.call(wire.SHIP_PART, _parts(order, sendings)).data or wire.PartShipped()
        for failed in told.failList or ():
            raise refusal(Verdict(False, failed.code or "", failed.failReason or ""), write=True)
        if order.id not in (told.successList or ()):
            raise OutcomeUnknown("the answer leaves the order out")

    def _sending(self, draft: ParcelDraft) -> Sending:
        """Raises UnknownCarrier, before any write, for what is neither canonical nor in the shop's list."""
        tracking_no = draft.tracking_no.strip()
        rows = self._carriers or self.carriers()
        wanted = {draft.carrier, *mapping.CARRIER.get(draft.carrier, ())} - {""}
        row = next((row for row in rows if row.code in wanted or row.carrier in wanted), None)
        if row is None:
            raise UnknownCarrier("the shop's list has no such carrier", sub_code=draft.carrier)
        if "," in tracking_no or "|" in tracking_no or not (tracking_no or row.code == mapping.SELF_DELIVERY):
            raise Invalid("a tracking number is missing or not one number")
        return Sending(row.code, row.name, tracking_no, draft.lines)


def _check_free(order: Order) -> None:
    """Raises Conflict for what only a person can solve, NotYet for what passes. Only what waits to be shipped ships."""
    if order.closing.value is not Closing.OPEN:
        raise Conflict("the order is closed", channel=CHANNEL.code, sub_code=order.closing.raw)
    if mapping.jd_ships(order):
        raise Conflict("JD ships this order from a warehouse of its own", channel=CHANNEL.code)
    if order.hold.raw in mapping.PAUSED or order.payment.value is not Payment.PAID:
        raise NotYet("the order is on hold", channel=CHANNEL.code, sub_code=order.hold.raw)
    if order.hold.value is not Hold.NONE:
        raise Conflict("a refund is asked for or JD stopped the order", channel=CHANNEL.code, sub_code=order.hold.raw)
    if order.fulfilment.raw != mapping.TO_SHIP:
        raise Conflict("an order of this kind is not shipped so", channel=CHANNEL.code, sub_code=order.fulfilment.raw)


def _missing(order: Order, sendings: Sequence[Sending]) -> list[Sending]:
    """What of the parcels the order does not show."""
    shown = {parcel.tracking_no for parcel in order.parcels}
    return [sending for sending in sendings if sending.tracking_no not in shown]


def _whole(order_id: str, sendings: Sequence[Sending]) -> dict[str, object]:
    """The order in all its parcels at once: `|` stands between companies, `,` between the numbers of one."""
    groups = _grouped((sending.carrier, sending.tracking_no) for sending in sendings)
    return {
        "orderId": number(order_id),
        "logiCoprId": "|".join(groups),
        "logiNo": "|".join(",".join(numbers) for numbers in groups.values()),
    }


def _parts(order: Order, sendings: Sequence[Sending]) -> dict[str, object]:
    """Parcels with what lies in each. Raises Invalid or Conflict for what cannot be packed so."""
    rows = [
        {
            "deliveryId": number(sending.carrier),
            "deliveryName": sending.carrier_name,
            "deliveryNums": [sending.tracking_no] if sending.tracking_no else [],
            "partialShipmentGoodsList": goods,
        }
        for sending, goods in zip(sendings, _goods(order, sendings), strict=True)
    ]
    data = [{"deliveryType": MODE, "orderIds": [number(order.id)], "deliveryNumberDtoList": rows}]
    return {"request": {"belongType": MODE, "data": data}}


def _changed_part(order_id: str, parcel_id: str, sending: Sending) -> dict[str, object]:
    """The number of one parcel of several."""
    row = {
        "shipmentId": number(parcel_id),
        "logicId": sending.carrier,
        "logicName": sending.carrier_name,
        "waybillId": sending.tracking_no,
        "packageNum": 1,
    }
    data = {"orderId": number(order_id), "partialShipmentInfoList": [row]}
    return {"request": {"belongType": MODE, "data": data}}


def _changed_whole(order: Order, old: Parcel, sending: Sending) -> dict[str, object]:
    """All numbers of the order anew, with one replaced. `logiScope` is left out: its values are not documented.

    Raises Conflict where the order shows neither the old number nor the new one.
    """
    new = (sending.carrier, sending.tracking_no)
    wanted = [
        new if parcel.tracking_no == old.tracking_no else (parcel.carrier_code, parcel.tracking_no)
        for parcel in order.parcels
    ]
    if new not in wanted:
        raise Conflict("the order has no such parcel", channel=CHANNEL.code)
    rows = [
        {"logiCoprId": carrier, "logiNoList": numbers, "packageNum": len(numbers)}
        for carrier, numbers in _grouped(wanted).items()
    ]
    return {"logisticsGlobalModelList": rows, "oneGlobalOrderModelNoLogistic": {"orderId": number(order.id)}}


def _grouped(parcels: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Numbers by company, each once."""
    groups: dict[str, list[str]] = {}
    for carrier, tracking_no in dict.fromkeys(parcels):
        groups.setdefault(carrier, []).append(tracking_no)
    return groups


def _goods(order: Order, sendings: Sequence[Sending]) -> list[list[dict[str, int]]]:
    """SKUs and pieces of each parcel; the one that names no lines holds what is left."""
    left = _left(order, sendings)
    rest = tuple(Packed(line_id=line_id, quantity=quantity) for line_id, quantity in left.items() if quantity > 0)
    if (several := sum(not sending.lines for sending in sendings)) > 1:
        raise Invalid("which lines lie in which parcel must be told", channel=CHANNEL.code)
    if several and not rest:
        raise Conflict("nothing is left for the parcel", channel=CHANNEL.code)
    sku_of = {line.id: line.sku_id for line in order.lines}
    goods = []
    for sending in sendings:
        pieces: dict[str, int] = {}
        for packed in sending.lines or rest:
            sku_id = sku_of[packed.line_id]
            pieces[sku_id] = pieces.get(sku_id, 0) + packed.quantity
        goods.append([{"skuId": number(sku_id), "num": quantity} for sku_id, quantity in pieces.items()])
    return goods


def _left(order: Order, sendings: Sequence[Sending]) -> dict[str, int]:
    """Pieces of each line that are in no parcel, shown or wished."""
    left = {line.id: line.quantity for line in order.lines}
    for packed in chain.from_iterable(parcel.lines for parcel in order.parcels):
        left[packed.line_id] -= packed.quantity
    for packed in chain.from_iterable(sending.lines for sending in sendings):
        if packed.line_id not in left:
            raise Invalid(f"the order has no line {packed.line_id}", channel=CHANNEL.code)
        left[packed.line_id] -= packed.quantity
        if left[packed.line_id] < 0 or packed.quantity < 1:
            raise Invalid(f"more or less than can be sent of line {packed.line_id}", channel=CHANNEL.code)
    return left
