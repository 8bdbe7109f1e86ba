"""One JD shop behind the port: its orders, memos and tokens, and who does the rest.

Listings with stock and prices are in goods.py, parcels in shipping.py, refund applications and service orders in
after_sales.py, receivers in receivers.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import TypeVar

from pydantic import SecretStr
from pydantic_core import to_json

from connectors.jd import CHANNEL, mapping, wire
from connectors.jd.after_sales import AfterSales
from connectors.jd.client import JdClient, number
from connectors.jd.goods import Goods
from connectors.jd.receivers import Receivers
from connectors.jd.shipping import Shipping
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
    Purpose,
    Recipient,
    StockDelta,
    StockWrite,
    Transport,
    Window,
)
from core.clock import Clock
from core.errors import Invalid, NotFound, Rejected
from core.model import AfterSale, Flag, Listing, Memo, Order, Parcel, Shipment, SkuKey, StockLevel

PAGE = 100
"""Rows of a page of orders: the most that the list takes."""
REMARK_LENGTH = 500

T = TypeVar("T")


class JdConnector(Connector):
    """JD's operations. Lists are walked from the last page to the first: a row that leaves moves later ones up."""

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
        self._client = JdClient(shop_id, credentials, transport, gate, clock, gateway)
        self._goods = Goods(shop_id, self._client, clock, self.options["store_id"])
        self._shipping = Shipping(self._client, self.order)
        self._after_sales = AfterSales(shop_id, account, self.options["operator"], self._client)
        self._receivers = Receivers(self._client, lambda order_id: self.order(order_id).value, self.options)

    def orders(self, window: Window) -> Iterator[Page[Order]]:
        """The search, then what waits to be paid, each of which is read for its money."""
        asked = {**_range(window, "start_date", "end_date"), "dateType": 0, "sortType": 0, "page_size": str(PAGE)}
        asked |= {"order_state": ",".join(mapping.STATES), "optional_fields": wire.ORDER_FIELDS}

        def ask(place: int) -> tuple[list[wire.Row], int]:
            answer = self._client.call(wire.ORDERS, {**asked, "page": str(place)})
            return answer.orderInfoList or [], answer.orderTotal

        total = 0
        for rows, total in backwards(ask, PAGE):
            yield page(rows, self._fetched, named("orderId"), total)
        yield from self._unpaid(window, total)

    def order(self, order_id: str) -> Fetched[Order]:
        params = {"order_id": number(order_id), "optional_fields": wire.ORDER_FIELDS}
        try:
            row = self._client.call(wire.ORDER, params).orderInfo
        except Rejected as error:  # where only a sentence says no, it is taken for missing (inferred)
            raise (error.renamed(NotFound) if type(error) is Rejected else error) from None
        if not row:
            raise NotFound("no such order").at(**self._client.place("order"))
        return sound(lambda: self._fetched(row), **self._client.place("order"))

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
        return [self._placed(each, "set_stock") for each in self._goods.set_stock(batch)]

    def adjust_stock(self, batch: Sequence[StockDelta]) -> list[Outcome[StockDelta]]:
        return [self._placed(each, "adjust_stock") for each in self._goods.adjust_stock(batch)]

    def set_price(self, batch: Sequence[PriceWrite]) -> list[Outcome[PriceWrite]]:
        return [self._placed(each, "set_price") for each in self._goods.set_price(batch)]

    def set_shelf(self, listing_id: str, *, on: bool) -> Outcome[str]:
        return self._placed(self._goods.set_shelf(listing_id, on=on), "set_shelf")

    def ship(self, shipment: Shipment, idempotency_key: str) -> Outcome[Shipment]:
        return self._placed(self._shipping.ship(shipment), "ship")

    def change_tracking(self, order_id: str, old: Parcel, carrier: str, tracking_no: str) -> Outcome[str]:
        return self._placed(self._shipping.change_tracking(order_id, old, carrier, tracking_no), "change_tracking")

    def carriers(self) -> list[CarrierRow]:
        return self._shipping.carriers()

    def memo(self, order_id: str, memo: Memo) -> Outcome[str]:
        def write() -> None:
            flag = mapping.FLAG.get(Flag.NONE if memo.flag is Flag.GREY else memo.flag)
            if flag is None:
                raise Invalid(f"there is no {memo.flag} flag")
            if len(memo.text) > REMARK_LENGTH:
                raise Invalid(f"a memo takes {REMARK_LENGTH} characters")
            params = {"order_id": number(order_id), "flag": int(flag[0]), "remark": memo.text}
            self._client.call(wire.SET_REMARK, params)

        return self._placed(outcome(order_id, write), "memo")

    def reveal(self, order: Order, purpose: Purpose, operator: str) -> Recipient:
        """The platform asks for the app's name, not for a person's."""
        return self._receivers.reveal(order, purpose)

    def find_orders(self, window: Window, *, name: str = "", phone: str = "") -> list[str]:
        return self._receivers.find(window, name, phone)

    def refresh(self) -> Credentials:
        """The platform prolongs the token; its value may stay the same."""
        fresh = self._client.refreshed()
        issued = mapping.instant(fresh.time) or self.clock.now()
        return replace(
            self.credentials,
            access_token=SecretStr(fresh.access_token),
            refresh_token=SecretStr(fresh.refresh_token),
            access_expires_at=issued + timedelta(seconds=fresh.expires_in),
        )

    def _fetched(self, row: wire.Row) -> Fetched[Order]:
        return Fetched(mapping.order(self.shop_id, wire.OrderRow.model_validate(row)), to_json(row))

    def _unpaid(self, window: Window, total: int) -> Iterator[Page[Order]]:
        """Their list tells no money, so each is read. `expected` counts them on top of the search's total."""
        asked = {**_range(window, "startDate", "endDate"), "pageSize": PAGE}

        def ask(place: int) -> tuple[list[wire.Row], int]:
            answer = self._client.call(wire.UNPAID, {**asked, "page": place})
            return answer.pageList or [], answer.totalItem

        gone = 0  # listed, but not to be read any more
        for rows, unpaid in backwards(ask, PAGE):
            if rows:
                found = page(rows, self._unpaid_order, named("orderId"))
                gone += len(rows) - len(found.items) - len(found.bad)
                yield replace(found, expected=total + unpaid - gone)

    def _unpaid_order(self, row: wire.Row) -> Fetched[Order]:
        return self.order(wire.UnpaidRow.model_validate(row).orderId)

    def _placed(self, told: Outcome[T], operation: str) -> Outcome[T]:
        if told.error is not None:
            told.error.at(**self._client.place(operation))
        return told


def _range(window: Window, since: str, until: str) -> dict[str, object]:
    """Whole seconds. Whether the end belongs to the range is not documented, so a second is added."""
    return {
        since: mapping.wall_clock(window.since),
        until: mapping.wall_clock(window.until + timedelta(seconds=1)),
    }
