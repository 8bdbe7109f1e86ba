"""Shipping at Taobao: a line ships whole, in one parcel; a trade ships whole in one call, or line by line with every
parcel naming its lines.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from connectors.rows import outcome, sound
from connectors.taobao import CHANNEL, mapping, wire
from connectors.taobao.client import TaobaoClient
from connectors.taobao.mapping import CASH_ON_DELIVERY, VIRTUAL, left_to_ship
from connectors.taobao.signing import Param
from core.channel import Capability, CarrierRow, Outcome
from core.errors import AlreadyDone, Conflict, Invalid, NotYet, UnknownCarrier
from core.model import Order, Parcel, ParcelDraft, ParcelKind, Shipment
from core.status import AfterSaleState, Closing, Fulfilment, Hold, Payment

OFFLINE_LINES, ONLINE_LINES = 50, 20
"""How many lines a parcel may name."""

_REFUND_OPEN = {AfterSaleState.REQUESTED, AfterSaleState.RETURNING, AfterSaleState.REFUNDING}


class Shipping:
    """Declares the parcels of one shop. `trade` reads a trade's row as it is now."""

    def __init__(self, shop_id: str, client: TaobaoClient, trade: Callable[[str], wire.Row]) -> None:
        self._shop_id = shop_id
        self._client = client
        self._trade = trade
        self._carriers: list[CarrierRow] | None = None

    def ship(self, shipment: Shipment) -> Outcome[Shipment]:
        """Repeating it is harmless without a key: the order is read first, and only what it lacks is sent."""
        return outcome(shipment, lambda: self._ship(shipment))

    def change_tracking(self, order_id: str, old: Parcel, carrier: str, tracking_no: str) -> Outcome[str]:
        """A parcel of a split order is named by its lines."""

        def change() -> str:
            params: dict[str, Param] = {"tid": order_id}
            code = self._code(carrier)
            if old.kind is ParcelKind.SPLIT and old.lines:
                params |= {"sub_tid": ",".join(packed.line_id for packed in old.lines), "is_split": 1}
            params |= {"out_sid": tracking_no, "company_code": code}
            try:
                return self._client.call(wire.RESEND, params).request_id
            except AlreadyDone as done:  # it is this number already
                return done.request_id

        return outcome(order_id, change)

    def carriers(self) -> list[CarrierRow]:
        """The platform's list."""
        companies = self._client.call(wire.COMPANIES, {"fields": "id,code,name,reg_mail_no"}).logistics_companies
        self._carriers = [
            CarrierRow(
                code=company.code,
                name=company.name,
                # By its name first: a code outlives its company (HTKY was taken over by J&T).
                carrier=mapping.CARRIER_OF_NAME.get(company.name) or mapping.CARRIER_OF.get(company.code, ""),
            )
            for company in companies
        ]
        return self._carriers

    def _ship(self, shipment: Shipment) -> str:
        codes = [self._code(parcel.carrier) for parcel in shipment.parcels]
        row = self._trade(shipment.order_id)
        trade = sound(lambda: wire.Trade.model_validate(row), channel=CHANNEL.code)
        order = sound(lambda: mapping.order(self._shop_id, trade), channel=CHANNEL.code)
        _check_free(order, shipment, {line.oid for line in _touched(trade, shipment)})
        request_id = ""
        for send in plan(trade, shipment, codes):
            request_id = self._client.call(send.method, send.params).request_id
        return request_id

    def _code(self, carrier: str) -> str:
        """Raises UnknownCarrier, before any write, for what is neither canonical nor a code of the channel."""
        known = mapping.CARRIER.get(carrier, ())
        if len(known) == 1:
            return known[0]
        for row in self._carriers or self.carriers():
            if row.code in known or (carrier and carrier in (row.code, row.carrier)):
                return row.code
        raise UnknownCarrier("Taobao does not know this carrier", channel=CHANNEL.code, sub_code=carrier)


@dataclass(frozen=True)
class Send:
    """One call."""

    method: wire.Method[wire.Ack]
    params: Mapping[str, Param]


@dataclass(frozen=True)
class _Parcel:
    draft: ParcelDraft
    code: str
    rows: Sequence[wire.OrderLine]


def _check_free(order: Order, shipment: Shipment, touched: set[str]) -> None:
    """Raises Conflict for what only a person can solve, NotYet for what passes, AlreadyDone for what went."""
    if order.closing.value not in (Closing.OPEN, Closing.UNKNOWN):
        raise Conflict("the order is closed", channel=CHANNEL.code, sub_code=order.closing.raw)
    if order.fulfilment.value in {Fulfilment.SHIPPED, Fulfilment.SIGNED, Fulfilment.REJECTED}:
        raise AlreadyDone("the order is shipped", channel=CHANNEL.code)
    if order.payment.value is not Payment.PAID:
        raise NotYet("the order is not paid", channel=CHANNEL.code, sub_code=order.payment.raw)
    if order.hold.value is not Hold.NONE:
        raise NotYet("the order is on hold", channel=CHANNEL.code, sub_code=order.hold.raw)
    if not shipment.refuse_refund:
        for line in order.lines:
            if line.id in touched and line.after_sale.value in _REFUND_OPEN:
                raise Conflict("a refund is open", channel=CHANNEL.code, sub_code=line.after_sale.raw)


def plan(trade: wire.Trade, shipment: Shipment, codes: Sequence[str]) -> list[Send]:
    """Pure: the calls still to make; `codes` are the platform's codes of the parcels' companies.

    Raises Invalid for parcels that cannot be declared so, AlreadyDone when nothing is left to send.
    """
    rows = {row.oid: row for row in trade.orders}
    named = _named(rows, shipment, trade.tid)
    rest = [row for row in trade.orders if left_to_ship(row) and not any(row in lines for lines in named.values())]
    parcels = []
    for place, (draft, code) in enumerate(zip(shipment.parcels, codes, strict=True)):
        lines = named.get(place, rest)
        shown = [row for row in lines if row.invoice_no == draft.tracking_no]
        if place not in named and any(row.invoice_no == draft.tracking_no for row in trade.orders):
            continue
        if missing := [row for row in lines if row not in shown]:
            parcels.append(_Parcel(draft, code, missing))
    if not parcels:
        raise AlreadyDone("nothing is left to ship", channel=CHANNEL.code)
    for parcel in parcels:
        _check_left(parcel)
    if trade.shipping_type == VIRTUAL:
        return [Send(wire.SEND_DUMMY, {"tid": trade.tid})]
    return _sends(trade, parcels)


def _touched(trade: wire.Trade, shipment: Shipment) -> list[wire.OrderLine]:
    """The lines that the shipment is about: the named ones, or all that are left."""
    named = {packed.line_id for parcel in shipment.parcels for packed in parcel.lines}
    everything = any(not parcel.lines for parcel in shipment.parcels)
    return [row for row in trade.orders if row.oid in named or (everything and left_to_ship(row))]


def _named(rows: Mapping[str, wire.OrderLine], shipment: Shipment, tid: str) -> dict[int, list[wire.OrderLine]]:
    """The lines that each parcel names, by the parcel's place. Gifts without a line of their own go along."""
    named: dict[int, list[wire.OrderLine]] = {}
    seen: set[str] = set()
    for place, parcel in enumerate(shipment.parcels):
        for packed in parcel.lines:
            row = rows.get(packed.line_id)
            if row is None and packed.line_id.startswith(f"{tid}:"):
                continue
            if row is None:
                raise _invalid("the order has no such line")
            if row.oid in seen or packed.quantity != row.num:
                raise _invalid(CHANNEL.notes[Capability.SHIP_LINES])
            seen.add(row.oid)
            named.setdefault(place, []).append(row)
        if parcel.lines and place not in named:
            raise _invalid("a parcel holds nothing that the platform knows")
    if len(shipment.parcels) - len(named) > 1:
        raise _invalid("it must be told which lines lie in which parcel")
    return named


def _check_left(parcel: _Parcel) -> None:
    if not parcel.draft.tracking_no.strip():
        raise _invalid("a tracking number is missing")
    gone = [row for row in parcel.rows if not left_to_ship(row)]
    if len(gone) == len(parcel.rows) and all(row.invoice_no for row in gone):
        raise AlreadyDone("the lines are shipped under another number", channel=CHANNEL.code)
    if gone:
        raise Conflict("a line is shipped or closed already", channel=CHANNEL.code, sub_code=gone[0].status or "")


def _sends(trade: wire.Trade, parcels: Sequence[_Parcel]) -> list[Send]:
    online = trade.type in CASH_ON_DELIVERY
    method, most = (wire.SEND_ONLINE, ONLINE_LINES) if online else (wire.SEND_OFFLINE, OFFLINE_LINES)
    left = [row for row in trade.orders if left_to_ship(row)]
    # Once split, always split; and never on a trade that ships whole.
    begun = bool(trade.is_part_consign) or any(row.invoice_no for row in trade.orders)
    split = begun or len(parcels) > 1 or len(parcels[0].rows) != len(left)
    agreement = trade.logistics_agreement
    if split and agreement and agreement.no_detail_part_consign == "1":
        raise _invalid("the platform forbids shipping this order in parts")
    sends = []
    for parcel in parcels:
        _check_bound(parcel, left)
        if split and len(parcel.rows) > most:
            raise _invalid(f"a parcel names at most {most} lines")
        params: dict[str, Param] = {"tid": trade.tid}
        if split:
            params |= {"sub_tid": ",".join(row.oid for row in parcel.rows), "is_split": 1}
        params |= {"out_sid": parcel.draft.tracking_no.strip(), "company_code": parcel.code}
        sends.append(Send(method, params))
    return sends


def _check_bound(parcel: _Parcel, left: Sequence[wire.OrderLine]) -> None:
    """Lines that are bound to each other must be declared together."""
    here = {row.oid for row in parcel.rows}
    elsewhere = {row.oid for row in left} - here
    for row in parcel.rows:
        bound = {*(row.bind_oids or "").split(","), row.bind_oid or ""}
        if bound & elsewhere:
            raise _invalid("bound lines must lie in one parcel", row.oid)


def _invalid(reason: str, line_id: str = "") -> Invalid:
    return Invalid(reason, channel=CHANNEL.code, sub_code=line_id)
