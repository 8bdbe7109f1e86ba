"""One Pinduoduo shop behind the port: which calls make an operation, and what becomes of each item."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from types import MappingProxyType
from typing import TypeVar

from pydantic import SecretStr, ValidationError
from pydantic_core import to_json

from connectors.pinduoduo import CHANNEL, mapping, wire
from connectors.pinduoduo.client import PinduoduoClient, described
from connectors.pinduoduo.signing import Param
from core.channel import (
    BadRow,
    Capability,
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
    one_by_one,
)
from core.clock import Clock
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
    Throttled,
    Unavailable,
    Unsupported,
)
from core.model import AfterSale, Flag, Listing, Memo, Order, Parcel, ParcelKind, Shipment, SkuKey, StockLevel
from core.status import AfterSaleState, Closing, Fulfilment, Hold, Payment

PAGE = 100
"""Rows of a page: the most that every list takes."""

TAG_NAMES = {Flag.RED: "红色", Flag.YELLOW: "黄色", Flag.GREEN: "绿色", Flag.BLUE: "蓝色", Flag.PURPLE: "紫色"}
"""A tag travels with a name of at most three characters, or not at all."""

BLANK_NOTE = " "
"""Stands for an empty memo (inferred): an empty value may not be sent, and without a note the old one may stay."""

_PASSING = {Hold.RISK, Hold.GROUP, Hold.GIFT_PENDING}
"""Holds that end by themselves."""

_REFUND_OPEN = {AfterSaleState.REQUESTED, AfterSaleState.RETURNING, AfterSaleState.REFUNDING}

T = TypeVar("T")
W = TypeVar("W", bound=wire.Wire)
X = TypeVar("X", bound=ChannelError)


@dataclass(frozen=True)
class Sending:
    """A parcel as the platform wants it named."""

    logistics_id: str
    tracking_no: str


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
        self._carriers: list[CarrierRow] | None = None

    # Reading

    def orders(self, window: Window) -> Iterator[Page[Order]]:
        asked: dict[str, Param] = {**_range(window), "order_status": 5, "refund_status": 5, "is_lucky_flag": 0}

        def ask(page: int, size: int = PAGE, *, counted: bool = False) -> wire.OrderPage:
            return self._client.call(
                wire.ORDERS, {**asked, "page": page, "page_size": size, "use_has_next": not counted}
            )

        first = ask(1, counted=True)
        total = first.total_count or 0
        if total <= PAGE:
            yield _page(first.order_sn_list, "order_sn", self._fetched, total)
            return
        for page in range(ceil(total / PAGE), 1, -1):
            yield _page(ask(page).order_sn_list, "order_sn", self._fetched, total)
        rows = ask(1).order_sn_list
        yield _page(rows, "order_sn", self._fetched, ask(1, 1, counted=True).total_count)

    def order(self, order_id: str) -> Fetched[Order]:
        answer = self._client.call(wire.ORDER, {"order_sn": order_id})
        return _sound(lambda: self._fetched(answer.order_info))

    def after_sales(self, window: Window) -> Iterator[Page[AfterSale]]:
        asked: dict[str, Param] = {**_range(window), "after_sales_type": 1}
        done = 0
        for status in mapping.STATUSES:

            def ask(page: int, status: str = status) -> tuple[list[wire.Row], int]:
                params = {**asked, "after_sales_status": status, "page": page, "page_size": PAGE}
                answer = self._client.call(wire.REFUNDS, params)
                return answer.refund_list, answer.total_count

            total = 0
            for rows, total in _backwards(ask):
                if rows:
                    yield _page(rows, "id", self._listed_after_sale, done + total)
            done += total
        yield Page(items=(), expected=done)

    def after_sale(self, after_sale_id: str, order_id: str = "") -> Fetched[AfterSale]:
        if not order_id:
            raise Invalid("an after-sale is found by its order and its id together", channel=CHANNEL.code)
        row = self._one(wire.REFUND, {"order_sn": order_id, "after_sales_id": after_sale_id})
        detail = self._client.model(wire.REFUND, row)
        return _sound(lambda: Fetched(mapping.after_sale(self.shop_id, detail), _raw(row)))

    def listings(self) -> Iterator[Page[Listing]]:
        def ask(page: int) -> tuple[list[wire.Row], int]:
            answer = self._client.call(wire.GOODS_LIST, {"page": page, "page_size": PAGE})
            return answer.goods_list, answer.total_count

        gone = 0  # listed, but deleted before its detail was read
        for rows, total in _backwards(ask):
            page = _page(rows, "goods_id", self._listed, None)
            gone += len(rows) - len(page.items) - len(page.bad)
            yield replace(page, expected=total - gone)

    def listing(self, listing_id: str) -> Fetched[Listing]:
        row, goods = self._goods(listing_id)
        return _sound(lambda: Fetched(mapping.listing(self.shop_id, goods), _raw(row)))

    def stock_levels(self, keys: Sequence[SkuKey]) -> list[StockLevel]:
        levels = []
        for listing_id in dict.fromkeys(key.listing_id for key in keys):
            try:
                goods = self._goods(listing_id)[1]
            except NotFound:
                continue
            read_at = self.clock.now()
            held = {sku.sku_id: sku for sku in goods.sku_list if sku.quantity is not None}
            levels += [
                StockLevel(key=key, sellable=sku.quantity or 0, held=sku.reserve_quantity, read_at=read_at)
                for key in keys
                if key.listing_id == listing_id and (sku := held.get(key.sku_id))
            ]
        return levels

    def carriers(self) -> list[CarrierRow]:
        companies = self._client.call(wire.COMPANIES).logistics_companies
        self._carriers = [
            CarrierRow(
                code=company.id,
                name=company.logistics_company,
                carrier=mapping.CARRIER_OF.get(company.id, ""),
                available=company.available == 1,
            )
            for company in companies
        ]
        return self._carriers

    # Writing

    def set_stock(self, batch: Sequence[StockWrite]) -> list[Outcome[StockWrite]]:
        def write(item: StockWrite) -> Outcome[StockWrite]:
            if item.quantity < 0:
                raise Invalid("stock cannot be negative", channel=CHANNEL.code, shop=self.shop_id)
            return self._set_quantity(item, item.key, item.quantity, absolute=True)

        return one_by_one(batch, write)

    def adjust_stock(self, batch: Sequence[StockDelta]) -> list[Outcome[StockDelta]]:
        return one_by_one(batch, lambda item: self._set_quantity(item, item.key, item.change, absolute=False))

    def set_price(self, batch: Sequence[PriceWrite]) -> list[Outcome[PriceWrite]]:
        """A listing's SKUs go in one call, because every call is a review of its own."""
        positions: dict[str, list[int]] = {}
        for position, item in enumerate(batch):
            positions.setdefault(item.key.listing_id, []).append(position)
        outcomes: dict[int, Outcome[PriceWrite]] = {}
        stop: ChannelError | None = None
        for listing_id, places in positions.items():
            writes = [batch[place] for place in places]
            found = [Outcome(item, stop) for item in writes] if stop else self._set_prices(listing_id, writes)
            outcomes.update(zip(places, found, strict=True))
            stop = stop or next((one.error for one in found if isinstance(one.error, _STOPPING)), None)
        return [outcomes[position] for position in range(len(batch))]

    def ship(self, shipment: Shipment, idempotency_key: str) -> Outcome[Shipment]:
        """Repeating it is harmless without a key: the order is read first, and only what it lacks is sent."""
        return _outcome(shipment, lambda: self._ship(shipment))

    def change_tracking(self, order_id: str, old: Parcel, carrier: str, tracking_no: str) -> Outcome[str]:
        def write() -> str:
            if old.kind is not ParcelKind.ORDER:
                raise Unsupported(CHANNEL.notes[Capability.CHANGE_TRACKING], channel=CHANNEL.code, shop=self.shop_id)
            return self._send(order_id, self._sending(carrier, tracking_no), redelivery_type=2)

        return _outcome(order_id, write)

    def memo(self, order_id: str, memo: Memo) -> Outcome[str]:
        def write() -> str:
            tag: dict[str, Param] = {}
            if memo.flag is not Flag.NONE:
                if memo.flag not in TAG_NAMES:
                    raise Invalid(f"there is no {memo.flag} flag", channel=CHANNEL.code, shop=self.shop_id)
                tag = {"tag": mapping.FLAG[memo.flag][0], "tag_name": TAG_NAMES[memo.flag]}
            note = {"order_sn": order_id, "note": memo.text or BLANK_NOTE}
            return self._client.call(wire.SET_NOTE, {**note, **tag}).request_id or ""

        return _outcome(order_id, write)

    def refresh(self) -> Credentials:
        """New tokens; the old ones may have died with the call. Of the permission levels, the first to end counts."""
        try:
            fresh = self._client.call(
                wire.REFRESH, {"refresh_token": self.credentials.refresh_token.get_secret_value()}
            )
        except Rejected as error:
            raise _renamed(Reauthorize, error) from None
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

    # Parts of the above

    def _fetched(self, row: wire.Row) -> Fetched[Order]:
        return Fetched(mapping.order(self.shop_id, wire.OrderRow.model_validate(row)), to_json(row))

    def _listed(self, row: wire.Row) -> Fetched[Listing]:
        return self.listing(wire.GoodsRow.model_validate(row).goods_id)

    def _listed_after_sale(self, row: wire.Row) -> Fetched[AfterSale]:
        """The detail, so that polling and pushes tell the same; the row itself only where there is none to read."""
        listed = wire.RefundRow.model_validate(row)
        try:
            return self.after_sale(listed.id, listed.order_sn)
        except Garbled:
            raise
        except (NotFound, Malformed):
            return Fetched(mapping.listed_after_sale(self.shop_id, listed), to_json(row))

    def _goods(self, listing_id: str) -> tuple[wire.Row, wire.Goods]:
        row = self._one(wire.GOODS, {"goods_id": listing_id})
        return row, self._client.model(wire.GOODS, row)

    def _one(self, method: wire.Method[W], params: Mapping[str, Param]) -> wire.Row:
        """A thing read by its id: where only a sentence says no, it is taken for missing (inferred)."""
        try:
            return self._client.row(method, params)
        except Rejected as error:
            raise (_renamed(NotFound, error) if type(error) is Rejected else error) from None

    def _set_quantity(self, item: T, key: SkuKey, quantity: int, *, absolute: bool) -> Outcome[T]:
        params: dict[str, Param] = {
            "goods_id": key.listing_id,
            "sku_id": key.sku_id,
            "quantity": quantity,
            "update_type": 1 if absolute else 2,
        }
        try:
            ack = self._client.call(wire.SET_QUANTITY, params)
        except Rejected as error:
            if type(error) is Rejected:  # a business rule: below zero, or the listing has a promotion slot
                raise _renamed(Conflict, error) from None
            raise
        return Outcome(item, request_id=ack.request_id or "")

    def _set_prices(self, listing_id: str, writes: Sequence[PriceWrite]) -> list[Outcome[PriceWrite]]:
        try:
            goods = self._goods(listing_id)[1]
        except ChannelError as error:
            return [Outcome(item, error) for item in writes]
        plan = mapping.price_plan(goods, writes)
        planned = [(item, row) for item, row in zip(writes, plan.rows, strict=True) if not isinstance(row, Rejected)]
        sent = iter(self._send_prices(listing_id, plan.market, planned))
        return [
            Outcome(item, row) if isinstance(row, Rejected) else next(sent)
            for item, row in zip(writes, plan.rows, strict=True)
        ]

    def _send_prices(
        self, listing_id: str, market: int | None, planned: Sequence[tuple[PriceWrite, dict[str, int]]]
    ) -> list[Outcome[PriceWrite]]:
        """One outcome each, with the id of the commit that the platform now reviews."""
        if not planned:
            return []
        params: dict[str, Param | None] = {
            "goods_id": listing_id,
            "market_price": market,
            "sync_goods_operate": 1,  # keep the shelf as it is; left out, the platform puts the listing on sale
            "sku_price_list": [row for _, row in planned],
        }
        try:
            commit = self._client.call(wire.SET_PRICE, params).goods_commit_id or ""
        except Rejected as error:
            if len(planned) == 1:
                return [Outcome(planned[0][0], error)]
            # One bad SKU fails the whole call: each goes alone.
            return [outcome for one in planned for outcome in self._send_prices(listing_id, market, [one])]
        except ChannelError as error:
            return [Outcome(item, error) for item, _ in planned]
        return [Outcome(item, request_id=commit, pending=True) for item, _ in planned]

    def _ship(self, shipment: Shipment) -> str:
        sendings = [self._sending(parcel.carrier, parcel.tracking_no) for parcel in shipment.parcels]
        order = self.order(shipment.order_id).value
        _check_whole(order, shipment)
        if order.fulfilment.value in {Fulfilment.SHIPPED, Fulfilment.SIGNED}:
            if not (missing := _missing(order, sendings)):
                raise AlreadyDone("the order is shipped", channel=CHANNEL.code, shop=self.shop_id)
            return self._send_extras(order.id, missing)
        _check_free(order, despite_refund=shipment.refuse_refund)
        if not shipment.refuse_refund:
            self._check_refunds(order.id)
        request_id = self._send(order.id, sendings[0], redelivery_type=1)
        return self._send_extras(order.id, sendings[1:]) if sendings[1:] else request_id

    def _check_refunds(self, order_id: str) -> None:
        """A refund may be newer than the order's own row."""
        found = self._client.call(wire.OPEN_REFUNDS, {"order_sns": order_id}).order_sns_exists_refund or []
        if any(one.order_sn == order_id for one in found):
            raise Conflict("a refund is open", channel=CHANNEL.code, shop=self.shop_id)

    def _send(self, order_id: str, sending: Sending, *, redelivery_type: int) -> str:
        params: dict[str, Param] = {
            "order_sn": order_id,
            "logistics_id": sending.logistics_id,
            "tracking_number": sending.tracking_no,
            "redelivery_type": redelivery_type,
        }
        return self._client.call(wire.SEND, params).request_id or ""

    def _send_extras(self, order_id: str, sendings: Sequence[Sending]) -> str:
        tracks = [{"shipping_id": int(one.logistics_id), "tracking_number": one.tracking_no} for one in sendings]
        params: dict[str, Param] = {"order_sn": order_id, "extra_track_type": 1, "extra_track_list": tracks}
        return self._client.call(wire.SEND_EXTRA, params).request_id or ""

    def _sending(self, carrier: str, tracking_no: str) -> Sending:
        """Raises Invalid before anything is sent for a carrier that is neither canonical nor an id of the channel."""
        number = tracking_no.strip()
        if not number:
            raise Invalid("a tracking number is missing", channel=CHANNEL.code, shop=self.shop_id)
        if codes := mapping.CARRIER.get(carrier):
            return Sending(codes[0], number)
        known = (self._carriers or self.carriers()) if carrier.isdigit() else []
        if not any(row.code == carrier and row.available for row in known):
            raise Invalid("no such carrier", channel=CHANNEL.code, shop=self.shop_id, sub_code=carrier)
        return Sending(carrier, number)


_STOPPING = (Throttled, Unavailable, Reauthorize)
"""After these the channel takes nothing more for now."""


def _check_whole(order: Order, shipment: Shipment) -> None:
    """Raises Invalid when the parcels leave something out: the platform would call all of it shipped."""
    known = {line.id: line.quantity for line in order.lines}
    packed: Counter[str] = Counter()
    for parcel in shipment.parcels:
        for part in parcel.lines:
            packed[part.line_id] += part.quantity
    if unknown := packed.keys() - known.keys():
        raise Invalid(f"the order has no line {min(unknown)}", channel=CHANNEL.code)
    if over := [line for line, quantity in packed.items() if quantity > known[line]]:
        raise Invalid(f"more than was bought of line {over[0]}", channel=CHANNEL.code)
    if all(parcel.lines for parcel in shipment.parcels) and packed != known:
        raise Invalid(CHANNEL.notes[Capability.SHIP_LINES], channel=CHANNEL.code)


def _check_free(order: Order, *, despite_refund: bool) -> None:
    """Raises Conflict for what only a person can solve, NotYet for what passes."""
    if order.closing.value is not Closing.OPEN:
        raise Conflict("the order is closed", channel=CHANNEL.code, sub_code=order.closing.raw)
    if order.hold.value in _PASSING or order.payment.value is not Payment.PAID:
        raise NotYet("the order is on hold", channel=CHANNEL.code, sub_code=order.hold.raw)
    if order.hold.value is not Hold.NONE:
        raise Conflict("the platform stopped the order", channel=CHANNEL.code, sub_code=order.hold.raw)
    if order.after_sale.value in _REFUND_OPEN and not despite_refund:
        raise Conflict("a refund is open", channel=CHANNEL.code, sub_code=order.after_sale.raw)


def _missing(order: Order, sendings: list[Sending]) -> list[Sending] | None:
    """What a shipped order still lacks of these parcels; None when it was shipped under another number."""
    known = {parcel.tracking_no for parcel in order.parcels}
    if not order.parcels or order.parcels[0].tracking_no != sendings[0].tracking_no:
        return None
    return [sending for sending in sendings if sending.tracking_no not in known]


def _range(window: Window) -> dict[str, Param]:
    """Whole seconds, both rounded down, so that 30 minutes stay 30 minutes."""
    return {
        "start_updated_at": int(window.since.timestamp()),
        "end_updated_at": int(window.until.timestamp()),
    }


def _backwards(ask: Callable[[int], tuple[list[wire.Row], int]]) -> Iterator[tuple[list[wire.Row], int]]:
    """Pages with the newest total, last page first; one page is its own proof."""
    rows, total = ask(1)
    if total <= PAGE:
        yield rows, total
        return
    for page in range(ceil(total / PAGE), 0, -1):
        yield ask(page)


def _page(
    rows: Sequence[wire.Row], id_field: str, fetched: Callable[[wire.Row], Fetched[T]], expected: int | None
) -> Page[T]:
    """Each row on its own: a bad one is put aside, one that is gone by now is left out."""
    items: list[Fetched[T]] = []
    bad: list[BadRow] = []
    for row in rows:
        try:
            items.append(fetched(row))
        except NotFound:
            continue
        except Garbled:
            raise  # says nothing about the row
        except (ValueError, Malformed) as error:
            bad.append(BadRow(str(row.get(id_field) or ""), _reason(error), to_json(row)))
    return Page(tuple(items), tuple(bad), expected)


def _sound(make: Callable[[], T]) -> T:
    try:
        return make()
    except ValueError as error:
        raise Malformed(_reason(error), channel=CHANNEL.code) from None


def _reason(error: ValueError | Malformed) -> str:
    """Without the value itself, which may be personal."""
    if isinstance(error, ValidationError):
        return described(error)
    return error.message if isinstance(error, Malformed) else "a time or number that is none"


def _raw(row: wire.Row) -> bytes:
    """The object without the answer's own id, which differs with every reading."""
    return to_json({name: value for name, value in row.items() if name != "request_id"})


def _outcome(item: T, write: Callable[[], str]) -> Outcome[T]:
    try:
        return Outcome(item, request_id=write())
    except ChannelError as error:
        return Outcome(item, error)


def _renamed(kind: type[X], error: ChannelError) -> X:
    return kind(
        error.message,
        channel=error.channel,
        shop=error.shop,
        operation=error.operation,
        code=error.code,
        sub_code=error.sub_code,
        request_id=error.request_id,
    )
