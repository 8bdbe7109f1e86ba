"""One toy shop behind the port: its orders, memos and tokens, and who does the rest."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import ceil
from types import MappingProxyType

from pydantic import SecretStr
from pydantic_core import to_json

from connectors.rows import backwards, named, outcome, page, sound
from core.channel import (
    CarrierRow,
    Connector,
    Credentials,
    Fetched,
    Gate,
    Outcome,
    Page,
    PriceWrite,
    StockWrite,
    Transport,
    Window,
)
from core.clock import Clock
from core.errors import Invalid
from core.model import Listing, Memo, Order, Shipment, SkuKey, StockLevel
from tests.contract.toy_channel import CHANNEL, mapping, wire
from tests.contract.toy_channel.client import ToyClient
from tests.contract.toy_channel.goods import Goods
from tests.contract.toy_channel.shipping import Shipping

PAGE = 100


class ToyConnector(Connector):
    """The toy's operations."""

    channel = CHANNEL

    def __init__(
        self,
        shop_id: str,
        account: str,
        credentials: Credentials,
        transport: Transport,
        gate: Gate,
        clock: Clock,
        gateway: str,
        options: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(shop_id, account, credentials, transport, gate, clock, gateway, options)
        self._client = ToyClient(shop_id, credentials, transport, gate, clock, gateway)
        self._goods = Goods(shop_id, self._client, clock)
        self._shipping = Shipping(shop_id, self._client, self.order)

    def orders(self, window: Window) -> Iterator[Page[Order]]:
        """From the last page to the first: a row that changes leaves the window and moves later ones up."""
        asked = {"since": int(window.since.timestamp()), "until": ceil(window.until.timestamp())}

        def ask(number: int) -> tuple[list[wire.Row], int]:
            answer = self._client.call(wire.OrderPage, "orders.list", asked | {"page": number, "size": PAGE})
            return answer.orders, answer.total

        for rows, total in backwards(ask, PAGE):
            yield page(rows, self._fetched, named("id"), total)

    def order(self, order_id: str) -> Fetched[Order]:
        row = self._client.call(wire.Verbatim, "orders.get", {"order": order_id}).model_dump()
        return sound(lambda: self._fetched(row), channel=CHANNEL.code, shop=self.shop_id, operation="orders.get")

    def listings(self) -> Iterator[Page[Listing]]:
        return self._goods.listings()

    def listing(self, listing_id: str) -> Fetched[Listing]:
        return self._goods.listing(listing_id)

    def stock_levels(self, keys: Sequence[SkuKey]) -> list[StockLevel]:
        return self._goods.stock_levels(keys)

    def set_stock(self, batch: Sequence[StockWrite]) -> list[Outcome[StockWrite]]:
        return self._goods.set_stock(batch)

    def set_price(self, batch: Sequence[PriceWrite]) -> list[Outcome[PriceWrite]]:
        return self._goods.set_price(batch)

    def ship(self, shipment: Shipment, idempotency_key: str) -> Outcome[Shipment]:
        return self._shipping.ship(shipment)

    def carriers(self) -> list[CarrierRow]:
        return self._shipping.carriers()

    def memo(self, order_id: str, memo: Memo) -> Outcome[str]:
        def write() -> str:
            if memo.flag not in mapping.FLAG:
                raise Invalid(f"there is no {memo.flag} flag", channel=CHANNEL.code, shop=self.shop_id)
            params = {"order": order_id, "text": memo.text, "flag": mapping.FLAG[memo.flag]}
            return self._client.write(wire.Verbatim, "orders.memo", params)[1]

        return outcome(order_id, write)

    def refresh(self) -> Credentials:
        params = {"refresh": self.credentials.refresh_token.get_secret_value()}
        fresh = self._client.call(wire.Tokens, "token.refresh", params, token=False)
        return replace(
            self.credentials,
            access_token=SecretStr(fresh.access),
            refresh_token=SecretStr(fresh.refresh),
            access_expires_at=mapping.instant(fresh.access_until),
            refresh_expires_at=mapping.instant(fresh.refresh_until),
        )

    def _fetched(self, row: wire.Row) -> Fetched[Order]:
        return Fetched(mapping.order(self.shop_id, wire.Order.model_validate(row)), to_json(row))
