"""Shipping at Douyin: a whole order in one parcel, or packs that name what lies in them; each has calls of its own."""

from collections.abc import Callable, Sequence
from itertools import chain

from connectors.douyin import mapping, wire
from connectors.douyin.client import DouyinClient
from connectors.rows import outcome, sound
from core.channel import CarrierRow, Fetched, Outcome
from core.errors import Conflict, Invalid, NotFound, Rejected, UnknownCarrier
from core.model import Order, Packed, Parcel, ParcelDraft, Shipment
from core.status import AfterSaleState, Fulfilment


class Shipping:
    """Declares the parcels of one shop. `order` reads an order as it is now."""

    def __init__(self, client: DouyinClient, order: Callable[[str], Fetched[Order]]) -> None:
        self._client = client
        self._order = order
        self._carriers: list[CarrierRow] = []

    def ship(self, shipment: Shipment, idempotency_key: str) -> Outcome[Shipment]:
        """The key makes a repetition of packs harmless; a whole order ships only once."""
        return outcome(shipment, lambda: self._ship(shipment, idempotency_key))

    def change_tracking(self, order_id: str, old: Parcel, carrier: str, tracking_no: str) -> Outcome[str]:
        """A parcel that has an id was (or may have been) shipped in packs, which have a call of their own."""

        def change() -> str:
            params = {
                "order_id": mapping.order_id_of(order_id),
                "company_code": self._carrier_code(carrier),
                "logistics_code": tracking_no,
            }
            if old.id:
                return self._client.write("order.logisticsEditByPack", {**params, "pack_id": old.id})
            return self._client.write("order.logisticsEdit", params)

        return outcome(order_id, change)

    def carriers(self) -> list[CarrierRow]:
        """The platform's whole list."""
        rows = self._client.call("order.logisticsCompanyList", {}, wire.Rows).data.rows
        place = self._client.place("order.logisticsCompanyList")
        companies = sound(lambda: [wire.read_row(wire.Company, row) for row in rows], **place)
        self._carriers = [
            CarrierRow(code=company.code, name=company.name, carrier=mapping.CARRIER_OF.get(company.code, ""))
            for company in companies
        ]
        return list(self._carriers)

    def _ship(self, shipment: Shipment, key: str) -> str:
        """logisticsAdd takes a whole order in one parcel; it fails once a part has gone, which only the order shows."""
        codes = [self._carrier_code(parcel.carrier) for parcel in shipment.parcels]
        first = shipment.parcels[0]
        if len(shipment.parcels) > 1 or first.lines:
            return self._ship_packs(shipment, codes, key)
        params = {
            "order_id": mapping.order_id_of(shipment.order_id),
            "company_code": codes[0],
            "logistics_code": first.tracking_no,
            "is_reject_refund": shipment.refuse_refund,
        }
        try:
            return self._client.write("order.logisticsAdd", params)
        except (Invalid, NotFound):
            raise
        except Rejected as refusal:
            order = self._order(shipment.order_id).value
            known = any(parcel.tracking_no == first.tracking_no for parcel in order.parcels)
            if known or order.fulfilment.value is not Fulfilment.PART_SHIPPED:
                raise refusal from None
            return self._ship_packs(shipment, codes, key, order)

    def _ship_packs(self, shipment: Shipment, codes: list[str], key: str, order: Order | None = None) -> str:
        open_ended = [parcel for parcel in shipment.parcels if not parcel.lines]
        if len(open_ended) > 1:
            raise Invalid("Douyin must be told which lines lie in which parcel").at(
                **self._client.place("order.logisticsAddMultiPack")
            )
        rest: tuple[Packed, ...] = ()
        if open_ended:
            rest = _rest(order or self._order(shipment.order_id).value, shipment.parcels)
            if not rest:
                raise Conflict("nothing is left for the parcel").at(**self._client.place("order.logisticsAddMultiPack"))
        packs = [
            {
                "company_code": code,
                "logistics_code": parcel.tracking_no,
                "shipped_order_info": [
                    {"shipped_order_id": packed.line_id, "shipped_num": packed.quantity}
                    for packed in parcel.lines or rest
                ],
            }
            for code, parcel in zip(codes, shipment.parcels, strict=True)
        ]
        params = {
            "order_id": mapping.order_id_of(shipment.order_id),
            "request_id": key,
            "pack_list": packs,
            "is_reject_refund": shipment.refuse_refund,
        }
        return self._client.write("order.logisticsAddMultiPack", params)

    def _carrier_code(self, carrier: str) -> str:
        """The channel's code of a canonical carrier, or of a code from the shop's own list (read once)."""
        known = mapping.CARRIER.get(carrier, ())
        if len(known) == 1:
            return known[0]
        listed = {row.code for row in self._carriers or self.carriers()}
        for code in known or (carrier,):
            if code in listed:
                return code
        raise UnknownCarrier("Douyin does not know this carrier", sub_code=carrier).at(**self._client.place("ship"))


def _rest(order: Order, drafts: Sequence[ParcelDraft]) -> tuple[Packed, ...]:
    """What of the order lies neither in a declared parcel nor in another draft; refunded lines stay here."""
    left = {line.id: line.quantity for line in order.lines if line.after_sale.value is not AfterSaleState.REFUNDED}
    lying = [parcel.lines for parcel in order.parcels] + [draft.lines for draft in drafts]
    for packed in chain.from_iterable(lying):
        if packed.line_id in left:
            left[packed.line_id] -= packed.quantity
    return tuple(Packed(line_id=line_id, quantity=quantity) for line_id, quantity in left.items() if quantity > 0)
