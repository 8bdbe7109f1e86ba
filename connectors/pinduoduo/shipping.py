"""Shipping at Pinduoduo: an order ships whole under one number, and further numbers are told beside it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from connectors.pinduoduo import CHANNEL, mapping, wire
from connectors.pinduoduo.client import PinduoduoClient
from connectors.pinduoduo.signing import Param
from connectors.rows import outcome
from core.channel import Capability, CarrierRow, Fetched, Outcome
from core.errors import AlreadyDone, Conflict, Invalid, NotYet, UnknownCarrier, Unsupported
from core.model import Order, Parcel, ParcelKind, Shipment
from core.status import AfterSaleState, Closing, Fulfilment, Hold, Payment

_PASSING = {Hold.RISK, Hold.GROUP, Hold.GIFT_PENDING}
"""Holds that end by themselves."""

_REFUND_OPEN = {AfterSaleState.REQUESTED, AfterSaleState.RETURNING, AfterSaleState.REFUNDING}


@dataclass(frozen=True)
class Sending:
    """A parcel as the platform wants it named."""

    logistics_id: str
    tracking_no: str


class Shipping:
    """Declares the parcels of one shop. `order` reads an order as it is now."""

    def __init__(self, shop_id: str, client: PinduoduoClient, order: Callable[[str], Fetched[Order]]) -> None:
        self._shop_id = shop_id
        self._client = client
        self._order = order
        self._carriers: list[CarrierRow] | None = None

    def ship(self, shipment: Shipment) -> Outcome[Shipment]:
        """Repeating it is harmless without a key: the order is read first, and only what it lacks is sent."""
        return outcome(shipment, lambda: self._ship(shipment))

    def change_tracking(self, order_id: str, old: Parcel, carrier: str, tracking_no: str) -> Outcome[str]:
        """Of the main parcel only."""

        def write() -> str:
            if old.kind is not ParcelKind.ORDER:
                raise Unsupported(CHANNEL.notes[Capability.CHANGE_TRACKING], channel=CHANNEL.code, shop=self._shop_id)
            return self._send(order_id, self._sending(carrier, tracking_no), redelivery_type=2)

        return outcome(order_id, write)

    def carriers(self) -> list[CarrierRow]:
        """The platform's whole list, with which of them this shop may name now."""
        companies = self._client.call(wire.COMPANIES).logistics_companies
        self._carriers = [
            CarrierRow(
                code=company.id,
                name=company.logistics_company,
                carrier=mapping.CARRIER_OF.get(company.id, ""),
                available=company.available == 1,
            )
            for company in companies
        ]
        return self._carriers

    def _ship(self, shipment: Shipment) -> str:
        sendings = [self._sending(parcel.carrier, parcel.tracking_no) for parcel in shipment.parcels]
        order = self._order(shipment.order_id).value
        _check_whole(order, shipment)
        if order.fulfilment.value in {Fulfilment.SHIPPED, Fulfilment.SIGNED}:
            if not (missing := _missing(order, sendings)):
                raise AlreadyDone("the order is shipped", channel=CHANNEL.code, shop=self._shop_id)
            return self._send_extras(order.id, missing)
        _check_free(order, despite_refund=shipment.refuse_refund)
        if not shipment.refuse_refund:
            self._check_refunds(order.id)
        request_id = self._send(order.id, sendings[0], redelivery_type=1)
        return self._send_extras(order.id, sendings[1:]) if sendings[1:] else request_id

    def _check_refunds(self, order_id: str) -> None:
        """A refund may be newer than the order's own row."""
        found = self._client.call(wire.OPEN_REFUNDS, {"order_sns": order_id}).order_sns_exists_refund or []
        if any(one.order_sn == order_id for one in found):
            raise Conflict("a refund is open", channel=CHANNEL.code, shop=self._shop_id)

    def _send(self, order_id: str, sending: Sending, *, redelivery_type: int) -> str:
        params: dict[str, Param] = {
            "order_sn": order_id,
            "logistics_id": sending.logistics_id,
            "tracking_number": sending.tracking_no,
            "redelivery_type": redelivery_type,
        }
        return self._client.call(wire.SEND, params).request_id or ""

    def _send_extras(self, order_id: str, sendings: Sequence[Sending]) -> str:
        tracks = [{"shipping_id": int(one.logistics_id), "tracking_number": one.tracking_no} for one in sendings]
        params: dict[str, Param] = {"order_sn": order_id, "extra_track_type": 1, "extra_track_list": tracks}
        return self._client.call(wire.SEND_EXTRA, params).request_id or ""

    def _sending(self, carrier: str, tracking_no: str) -> Sending:
        """Raises UnknownCarrier, before any write, for what is neither canonical nor an id of the channel."""
        number = tracking_no.strip()
        if not number:
            raise Invalid("a tracking number is missing", channel=CHANNEL.code, shop=self._shop_id)
        if codes := mapping.CARRIER.get(carrier):
            return Sending(codes[0], number)
        known = (self._carriers or self.carriers()) if carrier.isdigit() else []
        if not any(row.code == carrier and row.available for row in known):
            raise UnknownCarrier("no such carrier", channel=CHANNEL.code, shop=self._shop_id, sub_code=carrier)
        return Sending(carrier, number)


def _check_whole(order: Order, shipment: Shipment) -> None:
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


def _check_free(order: Order, *, despite_refund: bool) -> None:
    """Raises Conflict for what only a person can solve, NotYet for what passes."""
    if order.closing.value is not Closing.OPEN:
        raise Conflict("the order is closed", channel=CHANNEL.code, sub_code=order.closing.raw)
    if order.hold.value in _PASSING or order.payment.value is not Payment.PAID:
        raise NotYet("the order is on hold", channel=CHANNEL.code, sub_code=order.hold.raw)
    if order.hold.value is not Hold.NONE:
        raise Conflict("the platform stopped the order", channel=CHANNEL.code, sub_code=order.hold.raw)
    if order.after_sale.value in _REFUND_OPEN and not despite_refund:
        raise Conflict("a refund is open", channel=CHANNEL.code, sub_code=order.after_sale.raw)


def _missing(order: Order, sendings: list[Sending]) -> list[Sending] | None:
    """What a shipped order still lacks of these parcels; None when it was shipped under another number."""
    known = {parcel.tracking_no for parcel in order.parcels}
    if not order.parcels or order.parcels[0].tracking_no != sendings[0].tracking_no:
        return None
    return [sending for sending in sendings if sending.tracking_no not in known]
