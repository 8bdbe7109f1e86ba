"""Shipping at the toy: an order ships whole, in one parcel."""

from collections.abc import Callable

from connectors.rows import outcome
from core.channel import Capability, CarrierRow, Fetched, Outcome
from core.errors import Invalid, UnknownCarrier
from core.model import Order, Shipment
from tests.contract.toy_channel import CHANNEL, mapping, wire
from tests.contract.toy_channel.client import ToyClient


class Shipping:
    """Declares the parcels of one shop. `order` reads an order as it is now."""

    def __init__(self, shop_id: str, client: ToyClient, order: Callable[[str], Fetched[Order]]) -> None:
        self._shop_id = shop_id
        self._client = client
        self._order = order

    def ship(self, shipment: Shipment) -> Outcome[Shipment]:
        """Repeating it is harmless without a key: what is shipped cannot be shipped again."""
        return outcome(shipment, lambda: self._ship(shipment))

    def carriers(self) -> list[CarrierRow]:
        answer = self._client.call(wire.Carriers, "carriers.list", {})
        return [CarrierRow(row.code, row.name, mapping.CARRIER_OF.get(row.code, "")) for row in answer.carriers]

    def _ship(self, shipment: Shipment) -> str:
        parcel = shipment.parcels[0]
        code = mapping.CARRIER.get(parcel.carrier, parcel.carrier)
        if code not in mapping.CARRIER_OF:
            raise UnknownCarrier("no such carrier", channel=CHANNEL.code, shop=self._shop_id, operation="ship")
        if len(shipment.parcels) > 1 or (parcel.lines and not self._is_whole(shipment)):
            raise self._invalid(CHANNEL.notes[Capability.SHIP_LINES])
        params = {
            "order": shipment.order_id,
            "carrier": code,
            "number": parcel.tracking_no,
            "refuse_refund": shipment.refuse_refund,
        }
        return self._client.write(wire.Verbatim, "orders.ship", params)[1]

    def _is_whole(self, shipment: Shipment) -> bool:
        bought = {line.id: line.quantity for line in self._order(shipment.order_id).value.lines}
        return bought == {packed.line_id: packed.quantity for packed in shipment.parcels[0].lines}

    def _invalid(self, text: str) -> Invalid:
        return Invalid(text, channel=CHANNEL.code, shop=self._shop_id, operation="ship")
