"""One Taobao or Tmall shop behind the port: which calls make an operation, and what becomes of each item.

Stock and prices are in goods.py, the calls of a shipment are planned in shipping.py.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil
from types import MappingProxyType
from typing import TypeVar

from pydantic import SecretStr, ValidationError
from pydantic_core import to_json

from connectors.taobao import CHANNEL, mapping, shipping, wire
from connectors.taobao.client import TaobaoClient, described
from connectors.taobao.goods import Goods
from connectors.taobao.messages import TOPICS
from connectors.taobao.signing import Param
from core.channel import (
    BadRow,
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
from core.clock import SHANGHAI, Clock
from core.errors import (
    AlreadyDone,
    ChannelError,
    Conflict,
    Garbled,
    Invalid,
    Malformed,
    NotFound,
    NotYet,
    Reauthorize,
    Rejected,
)
from core.model import AfterSale, Flag, Listing, Memo, Order, Parcel, ParcelKind, Shipment, SkuKey, StockLevel
from core.status import AfterSaleState, Closing, Fulfilment, Hold, Payment

PAGE = 50
"""Rows of a page of changes: 100 at most, 40 to 50 advised."""
ITEM_PAGE = 200
"""Rows of a page of items: the most."""
OFF_SHELF = ("for_shelved", "sold_out", "violation_off_shelf")
"""The kinds of stock; without a `banner` the sold out items stay away."""
MEMO_BYTES = 1000
"""The longest memo, in UTF-8 (which encoding is counted is inferred)."""
TMALL = "B"
"""`type` of a seller on Tmall."""
NO_OAID = "isv.oaid-field-miss"
"""What the detail answers when it was asked for an OAID that it cannot make."""

NO_REFRESH = "this authorization cannot be refreshed, the seller must authorize the app again"

_REFUND_OPEN = {AfterSaleState.REQUESTED, AfterSaleState.RETURNING, AfterSaleState.REFUNDING}

T = TypeVar("T")
P = TypeVar("P", bound=wire.Rows)


class TaobaoConnector(Connector):
    """Taobao's operations. Lists of changes come newest first, and a row that changes leaves them for a later window:
    they are walked from the last page to the first, which repeats rows but never jumps over one.
    """

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
        self._goods = Goods(self._client, self._on_tmall)
        self._write_api = self.options["write_api"]
        self._carriers: list[CarrierRow] | None = None

    # Reading

    def orders(self, window: Window) -> Iterator[Page[Order]]:
        asked: dict[str, Param] = {
            **_range(window),
            "fields": "tid,status,modified",
            "type": ",".join(mapping.TRADE_TYPES),
        }
        for rows, expected in self._changes(wire.TRADES, asked):
            yield _page(rows, "tid", lambda row: self.order(str(row["tid"])), expected)

    def order(self, order_id: str) -> Fetched[Order]:
        row = self._trade(order_id)
        return _sound(lambda: Fetched(mapping.order(self.shop_id, wire.Trade.model_validate(row)), to_json(row)))

    def after_sales(self, window: Window) -> Iterator[Page[AfterSale]]:
        asked: dict[str, Param] = {**_range(window), "fields": "refund_id,tid,modified"}
        for rows, expected in self._changes(wire.REFUNDS, asked):
            yield _page(rows, "refund_id", lambda row: self.after_sale(str(row["refund_id"])), expected)

    def after_sale(self, after_sale_id: str, order_id: str = "") -> Fetched[AfterSale]:
        row = self._client.call(wire.REFUND, {"refund_id": after_sale_id, "fields": wire.REFUND_FIELDS}).refund
        return _sound(lambda: Fetched(mapping.after_sale(self.shop_id, wire.Refund.model_validate(row)), to_json(row)))

    def listings(self) -> Iterator[Page[Listing]]:
        """One list after the other. An item that changes its list meanwhile may be told twice, or wait for the next
        walk.
        """
        seen: set[str] = set()
        expected = 0
        for banner in (None, *OFF_SHELF):
            earlier = frozenset(seen)
            for rows, total in self._item_rows(banner):
                ids = dict.fromkeys(str(row.get("num_iid") or "") for row in rows)
                fresh = [each for each in ids if each and each not in seen]
                seen.update(fresh)
                page = self._listing_page(fresh)
                gone = len(fresh) - len(page.items) - len(page.bad)
                expected += total - len(earlier.intersection(ids)) - gone
                yield replace(page, expected=expected)

    def listing(self, listing_id: str) -> Fetched[Listing]:
        row = self._client.call(wire.ITEM, {"num_iid": listing_id, "fields": wire.ITEM_FIELDS}).item
        return _sound(lambda: self._fetched_listing(row))

    def stock_levels(self, keys: Sequence[SkuKey]) -> list[StockLevel]:
        items = self._goods.read(key.listing_id for key in keys)
        read_at = self.clock.now()
        levels = {
            (listing_id, stock.sku_id): stock
            for listing_id, (_, item) in items.items()
            for stock in mapping.stocks(item)
        }
        found = ((key, levels.get((key.listing_id, key.sku_id))) for key in keys)
        return [
            StockLevel(key=key, sellable=stock.sellable, held=stock.held, read_at=read_at)
            for key, stock in found
            if stock
        ]

    def carriers(self) -> list[CarrierRow]:
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

    # Writing

    def set_stock(self, batch: Sequence[StockWrite]) -> list[Outcome[StockWrite]]:
        return self._goods.set_stock(batch)

    def adjust_stock(self, batch: Sequence[StockDelta]) -> list[Outcome[StockDelta]]:
        return self._goods.adjust_stock(batch)

    def set_price(self, batch: Sequence[PriceWrite]) -> list[Outcome[PriceWrite]]:
        return self._goods.set_price(batch)

    def ship(self, shipment: Shipment, idempotency_key: str) -> Outcome[Shipment]:
        """Repeating it is harmless without a key: the order is read first, and only what it lacks is sent."""
        return _outcome(shipment, lambda: self._ship(shipment))

    def change_tracking(self, order_id: str, old: Parcel, carrier: str, tracking_no: str) -> Outcome[str]:
        """A parcel of a split order is named by its lines."""

        def change() -> str:
            params: dict[str, Param] = {"tid": order_id}
            code = self._carrier_code(carrier)
            if old.kind is ParcelKind.SPLIT and old.lines:
                params |= {"sub_tid": ",".join(packed.line_id for packed in old.lines), "is_split": 1}
            params |= {"out_sid": tracking_no, "company_code": code}
            try:
                return self._client.call(wire.RESEND, params).request_id
            except AlreadyDone as done:  # it is this number already
                return done.request_id

        return _outcome(order_id, change)

    def memo(self, order_id: str, memo: Memo) -> Outcome[str]:
        """An empty text keeps the old one unless it is reset."""

        def write() -> str:
            codes = mapping.FLAG.get(Flag.NONE if memo.flag is Flag.GREY else memo.flag)
            if codes is None:
                raise self._invalid(f"there is no {memo.flag} flag")
            if len(memo.text.encode()) > MEMO_BYTES:
                raise self._invalid(f"a memo has at most {MEMO_BYTES} bytes")
            params: dict[str, Param] = {"tid": order_id, "memo": memo.text, "flag": codes[0], "reset": not memo.text}
            return self._client.call(wire.SET_MEMO, params).request_id

        return _outcome(order_id, write)

    def refresh(self) -> Credentials:
        """New tokens; the old pair dies with it. Only apps of the service market have tokens that can be refreshed."""
        old, now = self.credentials, self.clock.now()
        if not old.refresh_token.get_secret_value() or (old.refresh_expires_at and old.refresh_expires_at <= now):
            raise self._cannot_refresh()
        try:
            answer = self._client.call(wire.REFRESH, {"refresh_token": old.refresh_token.get_secret_value()})
        except Rejected as error:
            raise self._cannot_refresh(error) from None
        told = _sound(answer.tokens)
        return replace(
            old,
            access_token=SecretStr(told.access_token),
            refresh_token=SecretStr(told.refresh_token) if told.refresh_token else old.refresh_token,
            access_expires_at=now + timedelta(seconds=told.expires_in),
            refresh_expires_at=None if told.re_expires_in is None else now + timedelta(seconds=told.re_expires_in),
        )

    def subscribe(self) -> None:
        """Every topic of use; a permit replaces the one before."""
        self._client.call(wire.PERMIT, {"topics": ",".join(topic for topics in TOPICS.values() for topic in topics)})

    # Parts of the above

    def _changes(self, method: wire.Method[P], asked: Mapping[str, Param]) -> Iterator[tuple[list[wire.Row], int]]:
        """Pages of rows with how many the range holds. Counting costs the platform far more than a page does, so only
        the first look counts, and a last one that tells whether rows came in meanwhile.
        """

        def ask(page: int, *, counted: bool) -> wire.Rows:
            return self._client.call(method, {**asked, "page_no": page, "page_size": PAGE, "use_has_next": not counted})

        first = ask(1, counted=True)
        total = self._total(method, first)
        if total <= PAGE:
            yield first.rows, total
            return
        for page in range(ceil(total / PAGE), 1, -1):
            yield ask(page, counted=False).rows, total
        rows = ask(1, counted=False).rows
        yield rows, self._total(method, ask(1, counted=True))

    def _total(self, method: wire.Method[P], page: wire.Rows) -> int:
        if page.total_results is None:
            raise Malformed("the list was not counted", channel=CHANNEL.code, operation=method.name)
        return page.total_results

    def _trade(self, order_id: str) -> wire.Row:
        asked: dict[str, Param] = {"tid": order_id, "fields": wire.TRADE_FIELDS}
        try:
            return self._client.call(wire.TRADE, {**asked, "include_oaid": True}).trade
        except Invalid as refusal:
            if refusal.sub_code != NO_OAID:
                raise
            return self._client.call(wire.TRADE, asked).trade

    def _item_rows(self, banner: str | None) -> Iterator[tuple[list[wire.Row], int]]:
        """A list of items, oldest change first, each page with the list's total when it is the first. Pages are not
        counted through but start anew from the newest change seen: neither does a change hide a row, nor is a page
        ever beyond what the platform answers.
        """
        method = wire.IN_STOCK if banner else wire.ON_SALE
        asked: dict[str, Param | None] = {"fields": "num_iid,modified", "order_by": "modified:asc", "banner": banner}
        since: str | None = None
        page, first = 1, True
        while True:
            answer = self._client.call(
                method, {**asked, "start_modified": since, "page_no": page, "page_size": ITEM_PAGE}
            )
            yield answer.items, (answer.total_results or 0) if first else 0
            first = False
            if len(answer.items) < ITEM_PAGE:
                return
            newest = answer.items[-1].get("modified")
            since, page = (since, page + 1) if newest is None or newest == since else (newest, 1)

    def _listing_page(self, ids: Sequence[str]) -> Page[Listing]:
        items: list[Fetched[Listing]] = []
        bad: list[BadRow] = []
        for start in range(0, len(ids), 20):
            asked = {"num_iids": ",".join(ids[start : start + 20]), "fields": wire.ITEM_FIELDS}
            found = _page(self._client.call(wire.ITEMS, asked).items, "num_iid", self._fetched_listing, None)
            items += found.items
            bad += found.bad
        return Page(tuple(items), tuple(bad))

    def _fetched_listing(self, row: wire.Row) -> Fetched[Listing]:
        return Fetched(mapping.listing(self.shop_id, wire.Item.model_validate(row)), to_json(row))

    def _on_tmall(self) -> bool:
        """Asked once, when first needed."""
        if self._write_api == "auto":
            seller = self._client.call(wire.USER, {"fields": "user_id,nick,type"}).user
            self._write_api = "tmall" if seller.type == TMALL else "taobao"
        return self._write_api == "tmall"

    def _ship(self, shipment: Shipment) -> str:
        codes = [self._carrier_code(parcel.carrier) for parcel in shipment.parcels]
        row = self._trade(shipment.order_id)
        trade = _sound(lambda: wire.Trade.model_validate(row))
        order = _sound(lambda: mapping.order(self.shop_id, trade))
        _check_free(order, shipment, {line.oid for line in shipping.touched(trade, shipment)})
        request_id = ""
        for send in shipping.plan(trade, shipment, codes):
            request_id = self._client.call(send.method, send.params).request_id
        return request_id

    def _carrier_code(self, carrier: str) -> str:
        """Raises Invalid before anything is sent for what is neither a canonical carrier nor a code of the channel."""
        known = mapping.CARRIER.get(carrier, ())
        if len(known) == 1:
            return known[0]
        listed = self._carriers or self.carriers()
        for row in listed:
            if row.code in known or (carrier and carrier in (row.code, row.carrier)):
                return row.code
        raise self._invalid("Taobao does not know this carrier")

    def _invalid(self, why: str) -> Invalid:
        return Invalid(why, channel=CHANNEL.code, shop=self.shop_id)

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


def _range(window: Window) -> dict[str, Param]:
    """Whole seconds of the wall clock, both rounded down, so that half an hour stays half an hour."""
    return {"start_modified": _wall(window.since), "end_modified": _wall(window.until)}


def _wall(at: datetime) -> str:
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def _page(
    rows: Sequence[wire.Row], id_field: str, fetched: Callable[[wire.Row], Fetched[T]], expected: int | None
) -> Page[T]:
    """Each row on its own: one that cannot be read, or is in the list but nowhere else, is put aside."""
    items: list[Fetched[T]] = []
    bad: list[BadRow] = []
    for row in rows:
        try:
            items.append(fetched(row))
        except Garbled:
            raise  # says nothing about the row
        except (ValueError, KeyError, Malformed, NotFound) as error:
            bad.append(BadRow(str(row.get(id_field) or ""), _reason(error), to_json(row)))
    return Page(tuple(items), tuple(bad), expected)


def _sound(make: Callable[[], T]) -> T:
    try:
        return make()
    except ValueError as error:
        raise Malformed(_reason(error), channel=CHANNEL.code) from None


def _reason(error: Exception) -> str:
    """Without the value itself, which may be personal."""
    if isinstance(error, ValidationError):
        return described(error)
    if isinstance(error, NotFound):
        return "the list names it, the detail does not know it"
    return error.message if isinstance(error, Malformed) else "a time or number that is none"


def _outcome(item: T, write: Callable[[], str]) -> Outcome[T]:
    try:
        return Outcome(item, request_id=write())
    except ChannelError as error:
        return Outcome(item, error, request_id=error.request_id)
