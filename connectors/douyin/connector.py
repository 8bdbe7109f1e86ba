"""One Douyin shop behind the port: its orders, memos and tokens, and who does the rest.

Products with stock and prices are in goods.py, parcels in shipping.py, after-sales in after_sales.py, the people that
orders go to in receivers.py; what a code means is in client.py and errors.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import ClassVar

from pydantic import SecretStr
from pydantic_core import to_json

from connectors.douyin import CHANNEL, mapping, wire
from connectors.douyin.after_sales import AfterSales
from connectors.douyin.client import PAGE, DouyinClient, seconds, updated_at, walk
from connectors.douyin.goods import Goods
from connectors.douyin.receivers import Receivers
from connectors.douyin.shipping import Shipping
from connectors.rows import outcome, page, sound, text_of
from core.channel import (
    CarrierRow,
    Channel,
    Connector,
    Credentials,
    Fetched,
    Gate,
    Outcome,
    Page,
    PriceWrite,
    Purpose,
    Recipient,
    Refusal,
    StockDelta,
    StockWrite,
    Transport,
    Window,
)
from core.clock import Clock
from core.errors import Denied, Invalid, Reauthorize, Rejected, Unsupported
from core.model import AfterSale, Flag, Listing, Memo, Order, Parcel, Shipment, SkuKey, StockLevel

REFRESH_TOKEN_OUTLIVES = timedelta(days=7)
"""The access token beside it: both are issued at once, for 14 and 7 days."""


class DouyinConnector(Connector):
    """A shop of Douyin."""

    channel: ClassVar[Channel] = CHANNEL

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
        self._client = DouyinClient(shop_id, credentials, transport, gate, clock, gateway)
        self._goods = Goods(shop_id, self._client, clock)
        self._shipping = Shipping(self._client, self.order)
        self._after_sales = AfterSales(shop_id, self._client)
        self._receivers = Receivers(self._client, clock)

    def orders(self, window: Window) -> Iterator[Page[Order]]:
        def ask(since: int, until: int, number: int) -> wire.OrderPage:
            params = {
                "update_time_start": since,
                "update_time_end": until,
                "order_by": "update_time",
                "order_asc": True,
                "page": number,
                "size": PAGE,
            }
            return self._client.call("order.searchList", params, wire.OrderPage).data

        for rows, expected in walk(*seconds(window), ask, _key):
            yield page(rows, self._fetched, lambda row: _key(row)[0], expected)

    def order(self, order_id: str) -> Fetched[Order]:
        params = {"shop_order_id": mapping.order_id_of(order_id)}
        row = self._client.call("order.orderDetail", params, wire.OrderDetail).data.shop_order_detail
        return sound(lambda: self._fetched(row), **self._client.place("order.orderDetail"))

    def after_sales(self, window: Window) -> Iterator[Page[AfterSale]]:
        return self._after_sales.changed(window)

    def after_sale(self, after_sale_id: str, order_id: str = "") -> Fetched[AfterSale]:
        return self._after_sales.one(after_sale_id)

    def listings(self) -> Iterator[Page[Listing]]:
        return self._goods.listings()

    def listing(self, listing_id: str) -> Fetched[Listing]:
        return self._goods.listing(listing_id)

    def stock_levels(self, keys: Sequence[SkuKey]) -> list[StockLevel]:
        return self._goods.stock_levels(keys)

    def set_stock(self, batch: Sequence[StockWrite]) -> list[Outcome[StockWrite]]:
        return self._goods.set_stock(batch)

    def adjust_stock(self, batch: Sequence[StockDelta]) -> list[Outcome[StockDelta]]:
        return self._goods.adjust_stock(batch)

    def set_price(self, batch: Sequence[PriceWrite]) -> list[Outcome[PriceWrite]]:
        return self._goods.set_price(batch)

    def set_shelf(self, listing_id: str, *, on: bool) -> Outcome[str]:
        return self._goods.set_shelf(listing_id, on=on)

    def confirm_address(self, order_id: str, refusal: Refusal | None = None) -> Outcome[str]:
        return self._receivers.confirm_address(order_id, refusal)

    def reveal(self, order: Order, purpose: Purpose, operator: str) -> Recipient:
        return self._receivers.reveal(order, operator)

    def find_orders(self, window: Window, *, name: str = "", phone: str = "") -> list[str]:
        return self._receivers.find(window, name, phone)

    def ship(self, shipment: Shipment, idempotency_key: str) -> Outcome[Shipment]:
        return self._shipping.ship(shipment, idempotency_key)

    def change_tracking(self, order_id: str, old: Parcel, carrier: str, tracking_no: str) -> Outcome[str]:
        return self._shipping.change_tracking(order_id, old, carrier, tracking_no)

    def carriers(self) -> list[CarrierRow]:
        return self._shipping.carriers()

    def memo(self, order_id: str, memo: Memo) -> Outcome[str]:
        stars = mapping.FLAG.get(Flag.NONE if memo.flag is Flag.GREY else memo.flag)
        if stars is None:
            refusal = Invalid(f"Douyin has no {memo.flag} flag").at(**self._client.place("order.addOrderRemark"))
            return Outcome(order_id, refusal)
        params = {
            "order_id": mapping.order_id_of(order_id),
            "remark": memo.text,
            "is_add_star": "true",
            "star": stars[0],
        }
        return outcome(order_id, lambda: self._client.write("order.addOrderRemark", params))

    def refresh(self) -> Credentials:
        """More than an hour before expiry the platform answers the same tokens with their remaining life. After expiry
        the old pair is dead at once, even if the answer with the new one is lost; a self-use app is then handed out the
        shop's tokens, and a service market's app needs the seller. Raises Reauthorize for that, and Unavailable while
        another refresh of this shop runs."""
        old = self.credentials
        params = {"grant_type": "refresh_token", "refresh_token": old.refresh_token.get_secret_value()}
        try:
            told = self._client.call("token.refresh", params, wire.Tokens, token=False).data
        except Reauthorize as refusal:
            told = self._handed_out(refusal)
        expires_at = self.clock.now() + timedelta(seconds=told.expires_in)
        renewed = told.refresh_token != old.refresh_token.get_secret_value() or old.refresh_expires_at is None
        return replace(
            old,
            access_token=SecretStr(told.access_token),
            refresh_token=SecretStr(told.refresh_token),
            access_expires_at=expires_at,
            refresh_expires_at=expires_at + REFRESH_TOKEN_OUTLIVES if renewed else old.refresh_expires_at,
        )

    def _handed_out(self, refusal: Reauthorize) -> wire.Tokens:
        """The shop's present tokens, which only a self-use app (自用型) gets without a code. Raises the refusal of the
        refresh where this is refused as well."""
        params = {"code": "", "grant_type": "authorization_self", "shop_id": self.account}
        try:
            return self._client.call("token.create", params, wire.Tokens, token=False).data
        except (Denied, Reauthorize, Rejected, Unsupported):
            raise refusal from None

    def _fetched(self, row: object) -> Fetched[Order]:
        return Fetched(mapping.order(self.shop_id, wire.read_row(wire.ShopOrder, row)), to_json(row))


def _key(row: object) -> tuple[str, int]:
    return mapping.order_id_of(text_of(row, "order_id")), updated_at(row)
