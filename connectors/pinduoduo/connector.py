"""One Pinduoduo shop behind the port: its orders, memos and tokens, and who does the rest.

Listings with stock and prices are in goods.py, parcels in shipping.py, after-sales in after_sales.py, the people that
orders go to in receivers.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import ceil
from types import MappingProxyType

from pydantic import SecretStr
from pydantic_core import to_json

from connectors.pinduoduo import CHANNEL, mapping, wire
from connectors.pinduoduo.after_sales import AfterSales
from connectors.pinduoduo.client import PAGE, PinduoduoClient, changed_in
from connectors.pinduoduo.goods import Goods
from connectors.pinduoduo.receivers import Receivers
from connectors.pinduoduo.shipping import Shipping
from connectors.pinduoduo.signing import Param
from connectors.rows import named, outcome, page, sound
from core.channel import (
    CarrierRow,
    Connector,
    Credentials,
    Fetched,
    Gate,
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

TAG_NAMES = {Flag.RED: "红色", Flag.YELLOW: "黄色", Flag.GREEN: "绿色", Flag.BLUE: "蓝色", Flag.PURPLE: "紫色"}
"""A tag travels with a name of at most three characters, or not at all."""

BLANK_NOTE = " "
"""Stands for an empty memo (inferred): an empty value may not be sent, and without a note the old one may stay."""


class PinduoduoConnector(Connector):
    """Pinduoduo's operations. Lists are walked from the last page to the first: changed rows move to the front."""

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
        self._client = PinduoduoClient(shop_id, credentials, transport, gate, clock, gateway)
        self._goods = Goods(shop_id, self._client, clock)
        self._shipping = Shipping(shop_id, self._client, self.order)
        self._after_sales = AfterSales(shop_id, self._client)
        self._receivers = Receivers(shop_id, self._client, clock)

    def orders(self, window: Window) -> Iterator[Page[Order]]:
        asked: dict[str, Param] = {**changed_in(window), "order_status": 5, "refund_status": 5, "is_lucky_flag": 0}

        def ask(number: int, size: int = PAGE, *, counted: bool = False) -> wire.OrderPage:
            return self._client.call(
                wire.ORDERS, {**asked, "page": number, "page_size": size, "use_has_next": not counted}
            )

        first = ask(1, counted=True)
        total = first.total_count or 0
        if total <= PAGE:
            yield page(first.order_sn_list, self._fetched, named("order_sn"), total)
            return
        for number in range(ceil(total / PAGE), 1, -1):
            yield page(ask(number).order_sn_list, self._fetched, named("order_sn"), total)
        rows = ask(1).order_sn_list
        yield page(rows, self._fetched, named("order_sn"), ask(1, 1, counted=True).total_count)

    def order(self, order_id: str) -> Fetched[Order]:
        answer = self._client.call(wire.ORDER, {"order_sn": order_id})
        return sound(lambda: self._fetched(answer.order_info), channel=CHANNEL.code)

    def after_sales(self, window: Window) -> Iterator[Page[AfterSale]]:
        return self._after_sales.changed(window)

    def after_sale(self, after_sale_id: str, order_id: str = "") -> Fetched[AfterSale]:
        return self._after_sales.one(after_sale_id, order_id)

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

    def reveal(self, order: Order, purpose: Purpose, operator: str) -> Recipient:
        return self._receivers.reveal(order)

    def find_orders(self, window: Window, *, name: str = "", phone: str = "") -> list[str]:
        return self._receivers.find(window, name, phone)

    def ship(self, shipment: Shipment, idempotency_key: str) -> Outcome[Shipment]:
        return self._shipping.ship(shipment)

    def change_tracking(self, order_id: str, old: Parcel, carrier: str, tracking_no: str) -> Outcome[str]:
        return self._shipping.change_tracking(order_id, old, carrier, tracking_no)

    def carriers(self) -> list[CarrierRow]:
        return self._shipping.carriers()

    def memo(self, order_id: str, memo: Memo) -> Outcome[str]:
        def write() -> str | None:
            tag: dict[str, Param] = {}
            if memo.flag is not Flag.NONE:
                if memo.flag not in TAG_NAMES:
                    raise Invalid(f"there is no {memo.flag} flag", channel=CHANNEL.code, shop=self.shop_id)
                tag = {"tag": mapping.FLAG[memo.flag][0], "tag_name": TAG_NAMES[memo.flag]}
            note = {"order_sn": order_id, "note": memo.text or BLANK_NOTE}
            return self._client.call(wire.SET_NOTE, {**note, **tag}).request_id

        return outcome(order_id, write)

    def refresh(self) -> Credentials:
        """New tokens; the old ones may have died with the call. Of the permission levels, the first to end counts."""
        try:
            fresh = self._client.call(
                wire.REFRESH, {"refresh_token": self.credentials.refresh_token.get_secret_value()}
            )
        except Rejected as error:
            raise error.renamed(Reauthorize) from None
        now = self.clock.now()
        ends = (fresh.expires_at, fresh.r1_expires_at, fresh.r2_expires_at, fresh.w1_expires_at, fresh.w2_expires_at)
        ahead = [end for end in map(mapping.instant, ends) if end and end > now]
        return replace(
            self.credentials,
            access_token=SecretStr(fresh.access_token),
            refresh_token=SecretStr(fresh.refresh_token),
            access_expires_at=min(ahead, default=None),
            refresh_expires_at=mapping.instant(fresh.refresh_token_expires_at),
        )

    def subscribe(self) -> None:
        """Every topic that the app subscribes to."""
        self._client.call(wire.PERMIT)

    def _fetched(self, row: wire.Row) -> Fetched[Order]:
        return Fetched(mapping.order(self.shop_id, wire.OrderRow.model_validate(row)), to_json(row))
