"""One Taobao or Tmall shop behind the port: its orders, memos and tokens, and who does the rest.

Listings are read in goods.py and written in stock.py, prices.py and shelf.py. Parcels are in shipping.py, after-sales
in after_sales.py, receivers in receivers.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from types import MappingProxyType

from pydantic import SecretStr
from pydantic_core import to_json

from connectors.rows import outcome, sound
from connectors.taobao import CHANNEL, mapping, wire
from connectors.taobao.after_sales import AfterSales
from connectors.taobao.client import TaobaoClient, changed_in, read_whole
from connectors.taobao.goods import Goods
from connectors.taobao.prices import Prices
from connectors.taobao.receivers import Receivers
from connectors.taobao.shelf import Shelf
from connectors.taobao.shipping import Shipping
from connectors.taobao.signing import Param
from connectors.taobao.stock import Stock
from core.channel import (
    CarrierRow,
    Connector,
    Credentials,
    Fetched,
    Gate,
    ObjectKind,
    Outcome,
    Page,
    PriceWrite,
    Purpose,
    Recipient,
    StockDelta,
    StockWrite,
    Transport,
    Window,
)
from core.clock import Clock
from core.errors import Invalid, Reauthorize, Rejected
from core.model import AfterSale, Flag, Listing, Memo, Order, Parcel, Shipment, SkuKey, StockLevel

MEMO_BYTES = 1000
"""The longest memo, in UTF-8 (which encoding is counted is inferred)."""
NO_OAID = "isv.oaid-field-miss"
"""What the detail answers when it was asked for an OAID that it cannot make."""
TMALL = "B"
"""`type` of a seller on Tmall."""
NO_REFRESH = "this authorization cannot be refreshed, the seller must authorize the app again"


class TaobaoConnector(Connector):
    """Taobao's operations. Lists of changes name what changed; the detail of each is the truth about it."""

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
        sign_method = self.options["sign_method"]
        self._client = TaobaoClient(shop_id, credentials, transport, gate, clock, gateway, sign_method)
        self._write_api = self.options["write_api"]
        self._goods = Goods(shop_id, self._client, clock)
        self._stock = Stock(self._client, self._goods, self._on_tmall)
        self._prices = Prices(self._client, self._goods, self._on_tmall)
        self._shelf = Shelf(self._client, self._goods, self._stock.set_stock, self._on_tmall)
        self._shipping = Shipping(shop_id, self._client, self._trade)
        self._after_sales = AfterSales(shop_id, self._client)
        self._receivers = Receivers(self._client, lambda order_id: self.order(order_id).value, self.options)

    def orders(self, window: Window) -> Iterator[Page[Order]]:
        asked: dict[str, Param] = {
            **changed_in(window),
            "fields": "tid,status,modified",
            "type": ",".join(mapping.TRADE_TYPES),
        }
        for rows, expected in self._client.changes(wire.TRADES, asked):
            yield read_whole(rows, "tid", self.order, partial(self.known, ObjectKind.ORDER), expected)

    def order(self, order_id: str) -> Fetched[Order]:
        row = self._trade(order_id)
        return sound(
            lambda: Fetched(mapping.order(self.shop_id, wire.Trade.model_validate(row)), to_json(row)),
            channel=CHANNEL.code,
        )

    def after_sales(self, window: Window) -> Iterator[Page[AfterSale]]:
        return self._after_sales.changed(window, partial(self.known, ObjectKind.AFTER_SALE))

    def after_sale(self, after_sale_id: str, order_id: str = "") -> Fetched[AfterSale]:
        return self._after_sales.one(after_sale_id)

    def listings(self) -> Iterator[Page[Listing]]:
        return self._goods.listings()

    def listing(self, listing_id: str) -> Fetched[Listing]:
        return self._goods.listing(listing_id)

    def stock_levels(self, keys: Sequence[SkuKey]) -> list[StockLevel]:
        return self._goods.stock_levels(keys)

    def set_stock(self, batch: Sequence[StockWrite]) -> list[Outcome[StockWrite]]:
        return self._stock.set_stock(batch)

    def adjust_stock(self, batch: Sequence[StockDelta]) -> list[Outcome[StockDelta]]:
        return self._stock.adjust_stock(batch)

    def set_price(self, batch: Sequence[PriceWrite]) -> list[Outcome[PriceWrite]]:
        return self._prices.set_price(batch)

    def set_shelf(self, listing_id: str, *, on: bool) -> Outcome[str]:
        return self._shelf.set_shelf(listing_id, on=on)

    def ship(self, shipment: Shipment, idempotency_key: str) -> Outcome[Shipment]:
        return self._shipping.ship(shipment)

    def change_tracking(self, order_id: str, old: Parcel, carrier: str, tracking_no: str) -> Outcome[str]:
        return self._shipping.change_tracking(order_id, old, carrier, tracking_no)

    def carriers(self) -> list[CarrierRow]:
        return self._shipping.carriers()

    def memo(self, order_id: str, memo: Memo) -> Outcome[str]:
        """An empty text keeps the old one unless it is reset."""

        def write() -> str:
            codes = mapping.FLAG.get(Flag.NONE if memo.flag is Flag.GREY else memo.flag)
            if codes is None:
                raise Invalid(f"there is no {memo.flag} flag", channel=CHANNEL.code, shop=self.shop_id)
            if len(memo.text.encode()) > MEMO_BYTES:
                raise Invalid(f"a memo has at most {MEMO_BYTES} bytes", channel=CHANNEL.code, shop=self.shop_id)
            params: dict[str, Param] = {"tid": order_id, "memo": memo.text, "flag": codes[0], "reset": not memo.text}
            return self._client.call(wire.SET_MEMO, params).request_id

        return outcome(order_id, write)

    def reveal(self, order: Order, purpose: Purpose, operator: str) -> Recipient:
        """The platform's audit knows the app and the seller; it does not ask who."""
        return self._receivers.reveal(order, purpose)

    def find_orders(self, window: Window, *, name: str = "", phone: str = "") -> list[str]:
        return self._receivers.find(window, name, phone)

    def refresh(self) -> Credentials:
        """New tokens; the old pair dies with it. Only apps of the service market have tokens that can be refreshed."""
        old, now = self.credentials, self.clock.now()
        if not old.refresh_token.get_secret_value() or (old.refresh_expires_at and old.refresh_expires_at <= now):
            raise self._cannot_refresh()
        try:
            answer = self._client.call(wire.REFRESH, {"refresh_token": old.refresh_token.get_secret_value()})
        except Rejected as error:
            raise self._cannot_refresh(error) from None
        told = sound(answer.tokens, channel=CHANNEL.code, shop=self.shop_id, operation=wire.REFRESH.name)
        return replace(
            old,
            access_token=SecretStr(told.access_token),
            refresh_token=SecretStr(told.refresh_token) if told.refresh_token else old.refresh_token,
            access_expires_at=now + timedelta(seconds=told.expires_in),
            refresh_expires_at=None if told.re_expires_in is None else now + timedelta(seconds=told.re_expires_in),
        )

    def subscribe(self) -> None:
        """Every topic that the app subscribes to. They are not named: one that it lacks could cost all the others."""
        self._client.call(wire.PERMIT, {})

    def _trade(self, order_id: str) -> wire.Row:
        asked: dict[str, Param] = {"tid": order_id, "fields": wire.TRADE_FIELDS}
        try:
            return self._client.call(wire.TRADE, {**asked, "include_oaid": True}).trade
        except Invalid as refusal:
            if refusal.sub_code != NO_OAID:
                raise
            return self._client.call(wire.TRADE, asked).trade

    def _on_tmall(self) -> bool:
        """Asked once, when first needed."""
        if self._write_api == "auto":
            seller = self._client.call(wire.USER, {"fields": "user_id,nick,type"}).user
            self._write_api = "tmall" if seller.type == TMALL else "taobao"
        return self._write_api == "tmall"

    def _cannot_refresh(self, error: Rejected | None = None) -> Reauthorize:
        return Reauthorize(
            f"{NO_REFRESH}: {error.message}" if error else NO_REFRESH,
            channel=CHANNEL.code,
            shop=self.shop_id,
            operation=wire.REFRESH.name,
            code=error.code if error else "",
            sub_code=error.sub_code if error else "",
            request_id=error.request_id if error else "",
        )
