"""One JD shop behind the port: which calls make an operation, and what becomes of each item.

SKUs, stock and prices are in goods.py, refund applications and service orders in after_sales.py, what the calls of a
shipment say in shipping.py.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from pydantic import SecretStr
from pydantic_core import to_json

from connectors.jd import CHANNEL, mapping, shipping, wire
from connectors.jd.after_sales import AfterSales
from connectors.jd.client import JdClient, Verdict, number, refusal
from connectors.jd.errors import ALREADY_SHIPPED
from connectors.jd.goods import Goods
from connectors.jd.shipping import Sending
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
    StockDelta,
    StockWrite,
    Transport,
    Window,
)
from core.clock import Clock
from core.errors import AlreadyDone, Invalid, NotFound, OutcomeUnknown, Rejected
from core.model import AfterSale, Flag, Listing, Memo, Order, Parcel, ParcelDraft, Shipment, SkuKey, StockLevel
from core.status import Fulfilment

PAGE = 100
"""Rows of a page of orders: the most that the list takes."""
WARE_PAGE = 50
DEEPEST = 100
"""Pages that the search for listings serves at most (one source says so)."""
REMARK_LENGTH = 500

T = TypeVar("T")
W = TypeVar("W", bound=wire.Wire)


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
        self._goods = Goods(self._client, clock, self.options["store_id"])
        self._after_sales = AfterSales(shop_id, account, self.options["operator"], self._client)
        self._carriers: list[CarrierRow] | None = None

    # Reading

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
        row = self._client.model(wire.ORDER, self._one(wire.ORDER, params)).orderInfo
        if not row:
            raise NotFound("no such order").at(**self._place("order"))
        return sound(lambda: self._fetched(row), **self._place("order"))

    def after_sales(self, window: Window) -> Iterator[Page[AfterSale]]:
        return self._after_sales.changed(window)

    def after_sale(self, after_sale_id: str, order_id: str = "") -> Fetched[AfterSale]:
        return self._after_sales.one(after_sale_id, order_id)

    def listings(self) -> Iterator[Page[Listing]]:
        """By time of creation. Where there are more than the search serves, it is begun again from the last one."""
        asked: dict[str, object] = {"orderField": ["created"], "orderType": ["asc"], "pageSize": WARE_PAGE}
        whole, newest = 0, 0

        def ask(place: int) -> tuple[list[wire.Row], int]:
            answer = self._client.call(wire.WARES, {**asked, "pageNo": place, "field": list(wire.WARE_FIELDS)})
            return answer.data or [], answer.totalItem

        while True:
            total, since = 0, newest
            for rows, total in backwards(ask, WARE_PAGE, DEEPEST):
                whole = whole if since else total
                newest = max([newest, *(_created(row) for row in rows)])
                skus = self._goods.of_listings([str(row.get("wareId")) for row in rows])
                yield page(rows, partial(self._listed, skus), named("wareId"), whole)
            at = mapping.instant(newest)
            if total <= DEEPEST * WARE_PAGE or newest == since or at is None:
                return
            asked["startCreatedTime"] = mapping.wall_clock(at)

    def listing(self, listing_id: str) -> Fetched[Listing]:
        params = {"wareId": [number(listing_id)], "pageNo": 1, "pageSize": 1, "field": list(wire.WARE_FIELDS)}
        rows = self._client.call(wire.WARES, params).data or []
        if not rows:
            raise NotFound("no such listing").at(**self._place("listing"))
        return sound(lambda: self._listed(self._goods.of_listings([listing_id]), rows[0]), **self._place("listing"))

    def stock_levels(self, keys: Sequence[SkuKey]) -> list[StockLevel]:
        levels = []
        known = self._goods.known(keys)
        for key in keys:
            if key in known and (stock := self._goods.stock(key.sku_id)):
                sellable, held = mapping.sellable(stock), mapping.booked(stock)
                levels.append(StockLevel(key=key, sellable=sellable, held=held, read_at=self.clock.now()))
        return levels

    def carriers(self) -> list[CarrierRow]:
        rows = self._client.call(wire.COMPANIES, {"optional_fields": wire.COMPANY_FIELDS}).logistics_list or []
        self._carriers = [
            CarrierRow(row.logistics_id, row.logistics_name, mapping.carrier_of(row.logistics_id, row.logistics_name))
            for row in rows
        ]
        return list(self._carriers)

    # Writing

    def set_stock(self, batch: Sequence[StockWrite]) -> list[Outcome[StockWrite]]:
        return self._placed(self._goods.set_stock(batch), "set_stock")

    def adjust_stock(self, batch: Sequence[StockDelta]) -> list[Outcome[StockDelta]]:
        return self._placed(self._goods.adjust_stock(batch), "adjust_stock")

    def set_price(self, batch: Sequence[PriceWrite]) -> list[Outcome[PriceWrite]]:
        return self._placed(self._goods.set_price(batch), "set_price")

    def ship(self, shipment: Shipment, idempotency_key: str) -> Outcome[Shipment]:
        """Repeating it is harmless without a key: the order is read first, and only what it lacks is sent."""
        return self._outcome(shipment, "ship", lambda: self._ship(shipment))

    def change_tracking(self, order_id: str, old: Parcel, carrier: str, tracking_no: str) -> Outcome[str]:
        """A parcel with an id is one of several and changed alone; else all numbers of the order are told anew."""

        def write() -> None:
            sending = self._sending(ParcelDraft(carrier=carrier, tracking_no=tracking_no))
            if old.id:
                self._client.call(wire.CHANGE_PART, shipping.changed_part(order_id, old.id, sending))
            else:
                order = self.order(order_id).value
                self._client.call(wire.CHANGE_WHOLE, shipping.changed_whole(order, old, sending))

        return self._outcome(order_id, "change_tracking", write)

    def memo(self, order_id: str, memo: Memo) -> Outcome[str]:
        def write() -> None:
            flag = mapping.FLAG.get(Flag.NONE if memo.flag is Flag.GREY else memo.flag)
            if flag is None:
                raise Invalid(f"there is no {memo.flag} flag")
            if len(memo.text) > REMARK_LENGTH:
                raise Invalid(f"a memo takes {REMARK_LENGTH} characters")
            params = {"order_id": number(order_id), "flag": int(flag[0]), "remark": memo.text}
            self._client.call(wire.SET_REMARK, params)

        return self._outcome(order_id, "memo", write)

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

    # Parts of the above

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

    def _listed(self, skus: Sequence[wire.Sku], row: wire.Row) -> Fetched[Listing]:
        ware = wire.Ware.model_validate(row)
        own = [sku for sku in skus if sku.wareId == ware.wareId]
        stocks = {sku.skuId: stock for sku in own if (stock := self._goods.stock(sku.skuId))}
        value = mapping.listing(self.shop_id, ware, own, stocks)
        return Fetched(value, to_json({"ware": row, "skus": own, "stocks": stocks}))

    def _one(self, method: wire.Method[W], params: Mapping[str, object]) -> wire.Row:
        """A thing read by its id: where only a sentence says no, it is taken for missing (inferred)."""
        try:
            return self._client.row(method, params)
        except Rejected as error:
            raise (error.renamed(NotFound) if type(error) is Rejected else error) from None

    def _ship(self, shipment: Shipment) -> None:
        sendings = [self._sending(draft) for draft in shipment.parcels]
        order = self.order(shipment.order_id).value
        missing = shipping.missing(order, sendings)
        if not missing or order.fulfilment.value in (Fulfilment.SHIPPED, Fulfilment.SIGNED, Fulfilment.REJECTED):
            raise AlreadyDone("the order is shipped, or shows these parcels")
        shipping.check_free(order)
        try:
            if order.fulfilment.value is Fulfilment.PART_SHIPPED or any(sending.lines for sending in sendings):
                self._ship_parts(order, missing)
            else:
                self._client.call(wire.SHIP, shipping.whole(order.id, missing))
        except Rejected as error:
            if ALREADY_SHIPPED in error.message and not shipping.missing(self.order(order.id).value, sendings):
                raise error.renamed(AlreadyDone) from None
            raise

    def _ship_parts(self, order: Order, sendings: Sequence[Sending]) -> None:
        told = self._client.call(wire.SHIP_PART, shipping.parts(order, sendings)).data or wire.PartShipped()
        for failed in told.failList or ():
            raise refusal(Verdict(False, failed.code or "", failed.failReason or ""), write=True)
        if order.id not in (told.successList or ()):
            raise OutcomeUnknown("the answer leaves the order out")

    def _sending(self, draft: ParcelDraft) -> Sending:
        """Raises Invalid before anything is written for a carrier that is neither canonical nor in the shop's list."""
        tracking_no = draft.tracking_no.strip()
        rows = self._carriers or self.carriers()
        wanted = {draft.carrier, *mapping.CARRIER.get(draft.carrier, ())} - {""}
        row = next((row for row in rows if row.code in wanted or row.carrier in wanted), None)
        if row is None:
            raise Invalid("the shop's list has no such carrier", sub_code=draft.carrier)
        if "," in tracking_no or "|" in tracking_no or not (tracking_no or row.code == mapping.SELF_DELIVERY):
            raise Invalid("a tracking number is missing or not one number")
        return Sending(row.code, row.name, tracking_no, draft.lines)

    def _outcome(self, item: T, operation: str, write: Callable[[], None]) -> Outcome[T]:
        [done] = self._placed([outcome(item, write)], operation)
        return done

    def _placed(self, outcomes: list[Outcome[T]], operation: str) -> list[Outcome[T]]:
        for each in outcomes:
            if each.error is not None:
                each.error.at(**self._place(operation))
        return outcomes

    def _place(self, operation: str) -> dict[str, str]:
        return {"channel": CHANNEL.code, "shop": self.shop_id, "operation": operation}


def _range(window: Window, since: str, until: str) -> dict[str, object]:
    """Whole seconds. Whether the end belongs to the range is not documented, so a second is added."""
    return {
        since: mapping.wall_clock(window.since),
        until: mapping.wall_clock(window.until + timedelta(seconds=1)),
    }


def _created(row: wire.Row) -> int:
    value = row.get("created")
    return value if isinstance(value, int) else 0
