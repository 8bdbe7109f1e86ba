"""One JD shop behind the port: which calls make an operation, and what becomes of each item."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import chain
from math import ceil
from types import MappingProxyType
from typing import TypeVar

from pydantic import SecretStr, ValidationError
from pydantic_core import to_json

from connectors.jd import CHANNEL, mapping, wire
from connectors.jd.client import JdClient, Verdict, described, refusal
from connectors.jd.errors import ALREADY_SHIPPED
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
    one_by_one,
)
from core.clock import Clock
from core.errors import (
    AlreadyDone,
    ChannelError,
    Conflict,
    Denied,
    Garbled,
    Invalid,
    Malformed,
    NotFound,
    NotYet,
    OutcomeUnknown,
    Reauthorize,
    Rejected,
    Throttled,
    Unavailable,
)
from core.model import Flag, Listing, Memo, Order, Packed, Parcel, ParcelDraft, Shipment, SkuKey, StockLevel
from core.money import yuan
from core.status import Closing, Fulfilment, Hold, Payment

PAGE = 100
"""Rows of a page of orders: the most that the list takes."""
WARE_PAGE = 20
"""Listings of a page: as many as the search for their SKUs is asked about at once."""
SKU_PAGE = 50
DEEPEST = 100
"""Pages that the searches for listings and SKUs serve at most (one source)."""
SHIP_PART_MODE = 1
"""`belongType` and `deliveryType` of a shipment in parts (inferred: their values are not documented)."""
REMARK_LENGTH = 500
KEY_LENGTH = 64
"""Longer keys of a stock change are hashed (inferred: no limit is documented)."""

_STOPPING = (Throttled, Unavailable, Reauthorize, Denied)
"""After these the channel takes nothing more for now."""

T = TypeVar("T")
W = TypeVar("W", bound=wire.Wire)
X = TypeVar("X", bound=ChannelError)
Keyed = TypeVar("Keyed", StockDelta, PriceWrite)


@dataclass(frozen=True)
class Sending:
    """A parcel as the platform wants it named; `lines` is empty for whatever is left."""

    carrier: str
    number: str
    lines: tuple[Packed, ...] = ()


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
        self._carriers: list[CarrierRow] | None = None
        self._listing_of: dict[str, str] = {}

    # Reading

    def orders(self, window: Window) -> Iterator[Page[Order]]:
        """The search, then what waits to be paid, each of which is read for its money."""
        asked = {**_range(window, "start_date", "end_date"), "dateType": 0, "sortType": 0, "page_size": str(PAGE)}
        asked |= {"order_state": ",".join(mapping.STATES), "optional_fields": wire.ORDER_FIELDS}

        def ask(page: int) -> tuple[list[wire.Row], int]:
            answer = self._client.call(wire.ORDERS, {**asked, "page": str(page)})
            return answer.orderInfoList or [], answer.orderTotal

        total = 0
        for rows, total in _backwards(ask, PAGE):
            yield _page(rows, "orderId", self._fetched, total)
        yield from self._unpaid(window, total)

    def order(self, order_id: str) -> Fetched[Order]:
        params = {"order_id": _number(order_id), "optional_fields": wire.ORDER_FIELDS}
        row = self._client.model(wire.ORDER, self._one(wire.ORDER, params)).orderInfo
        if not row:
            raise NotFound("no such order").at(**self._place("order"))
        return _sound(lambda: self._fetched(row))

    def listings(self) -> Iterator[Page[Listing]]:
        def ask(page: int) -> tuple[list[wire.Row], int]:
            answer = self._client.call(
                wire.WARES,
                {
                    "orderField": ["created"],
                    "orderType": ["asc"],
                    "pageNo": page,
                    "pageSize": WARE_PAGE,
                    "field": list(wire.WARE_FIELDS),
                },
            )
            return answer.data or [], answer.totalItem

        for rows, total in _backwards(ask, WARE_PAGE):
            ids = [_number(str(row.get("wareId"))) for row in rows if str(row.get("wareId")).isdigit()]
            skus = self._skus({"wareId": ids}) if ids else []
            yield _page(rows, "wareId", partial(self._listed, skus), total)

    def listing(self, listing_id: str) -> Fetched[Listing]:
        params = {"wareId": [_number(listing_id)], "pageNo": 1, "pageSize": 1, "field": list(wire.WARE_FIELDS)}
        rows = self._client.call(wire.WARES, params).data or []
        if not rows:
            raise NotFound("no such listing").at(**self._place("listing"))
        return _sound(lambda: self._listed(self._skus({"wareId": params["wareId"]}), rows[0]))

    def stock_levels(self, keys: Sequence[SkuKey]) -> list[StockLevel]:
        levels = []
        known = self._known(keys)
        for key in keys:
            if key in known and (stock := self._stock(key.sku_id)):
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
        """Fifty SKUs a call, each with its own answer; a call refused as a whole is halved."""
        outcomes: dict[int, Outcome[StockWrite]] = {}
        numbers = self._numbers(batch, outcomes)
        places = list(numbers)
        size = CHANNEL.stock_batch
        waiting = deque(places[start : start + size] for start in range(0, len(places), size))
        while waiting:
            some = waiting.popleft()
            try:
                results = self._set_numbers([(batch[place].key.sku_id, numbers[place]) for place in some])
                outcomes |= {place: Outcome(batch[place], error) for place, error in zip(some, results, strict=True)}
            except ChannelError as error:
                half = len(some) // 2
                if isinstance(error, Rejected) and half:
                    waiting.extendleft([some[half:], some[:half]])
                    continue
                if isinstance(error, _STOPPING):
                    some = [*some, *chain.from_iterable(waiting)]
                    waiting.clear()
                outcomes |= {place: Outcome(batch[place], _stock_error(error)) for place in some}
        return [outcomes[place] for place in range(len(batch))]

    def adjust_stock(self, batch: Sequence[StockDelta]) -> list[Outcome[StockDelta]]:
        """The key is the platform's business number, under which a change counts once (inferred)."""

        def write(item: StockDelta) -> Outcome[StockDelta]:
            key = item.idempotency_key
            params = {
                "skuId": _number(item.key.sku_id),
                "stockNum": item.change,
                "storeId": _number(self.options["store_id"]),
                "stockRfId": key if len(key) <= KEY_LENGTH else hashlib.sha256(key.encode()).hexdigest(),
            }
            try:
                self._client.call(wire.ADD_STOCK, params)
            except Rejected as error:
                raise _stock_error(error) from None
            return Outcome(item)

        return self._known_only(batch, write)

    def set_price(self, batch: Sequence[PriceWrite]) -> list[Outcome[PriceWrite]]:
        def write(item: PriceWrite) -> Outcome[PriceWrite]:
            if item.price.sale <= 0:
                raise self._invalid("set_price", "a price must be above 0")
            self._client.call(
                wire.SET_PRICE, {"skuId": _number(item.key.sku_id), "jdPrice": str(yuan(item.price.sale))}
            )
            return Outcome(item)

        return self._known_only(batch, write)

    def ship(self, shipment: Shipment, idempotency_key: str) -> Outcome[Shipment]:
        """Repeating it is harmless without a key: the order is read first, and only what it lacks is sent."""
        return _outcome(shipment, lambda: self._ship(shipment))

    def change_tracking(self, order_id: str, old: Parcel, carrier: str, tracking_no: str) -> Outcome[str]:
        """A parcel with an id is one of several and changed alone; else all numbers of the order are told anew."""

        def write() -> None:
            sending = self._sending(ParcelDraft(carrier=carrier, tracking_no=tracking_no))
            if old.id:
                self._change_part(order_id, old.id, sending)
            else:
                self._change_whole(self.order(order_id).value, old, sending)

        return _outcome(order_id, write)

    def memo(self, order_id: str, memo: Memo) -> Outcome[str]:
        def write() -> None:
            flag = mapping.FLAG.get(Flag.NONE if memo.flag is Flag.GREY else memo.flag)
            if flag is None:
                raise self._invalid("memo", f"there is no {memo.flag} flag")
            if len(memo.text) > REMARK_LENGTH:
                raise self._invalid("memo", f"a memo takes {REMARK_LENGTH} characters")
            params = {"order_id": _number(order_id), "flag": int(flag[0]), "remark": memo.text}
            self._client.call(wire.SET_REMARK, params)

        return _outcome(order_id, write)

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

    # Parts of reading

    def _fetched(self, row: wire.Row) -> Fetched[Order]:
        return Fetched(mapping.order(self.shop_id, wire.OrderRow.model_validate(row)), to_json(row))

    def _unpaid(self, window: Window, total: int) -> Iterator[Page[Order]]:
        """Their list tells no money. One that is paid or gone by the time it is read is left to the next window."""
        asked = {**_range(window, "startDate", "endDate"), "pageSize": PAGE}

        def ask(page: int) -> tuple[list[wire.Row], int]:
            answer = self._client.call(wire.UNPAID, {**asked, "page": page})
            return answer.pageList or [], answer.totalItem

        gone = 0
        for rows, unpaid in _backwards(ask, PAGE):
            if rows:
                page = _page(rows, "orderId", lambda row: self.order(wire.UnpaidRow.model_validate(row).orderId), None)
                gone += len(rows) - len(page.items) - len(page.bad)
                yield replace(page, expected=total + unpaid - gone)

    def _skus(self, asked: Mapping[str, object]) -> list[wire.Sku]:
        """On and off the shelf. A row that cannot be read raises: a listing without it would look as if it had gone."""

        def ask(page: int) -> tuple[list[wire.Row], int]:
            params = {**asked, "skuStatuValue": [1, 2], "field": wire.SKU_FIELDS}
            answer = self._client.call(wire.SKUS, {**params, "pageNo": page, "page_size": SKU_PAGE})
            return answer.data or [], answer.totalItem

        found = {}
        for row in chain.from_iterable(rows for rows, _ in _backwards(ask, SKU_PAGE)):
            sku = _sound(partial(wire.Sku.model_validate, row))
            found[sku.skuId] = sku
        self._listing_of |= {sku.skuId: sku.wareId for sku in found.values()}
        return [found[sku_id] for sku_id in sorted(found)]

    def _listed(self, skus: Sequence[wire.Sku], row: wire.Row) -> Fetched[Listing]:
        ware = wire.Ware.model_validate(row)
        own = [sku for sku in skus if sku.wareId == ware.wareId]
        stocks = {sku.skuId: stock for sku in own if (stock := self._stock(sku.skuId))}
        value = mapping.listing(self.shop_id, ware, own, stocks)
        return Fetched(value, to_json({"ware": row, "skus": own, "stocks": stocks}))

    def _known(self, keys: Iterable[SkuKey]) -> set[SkuKey]:
        """Those that exist. The platform's calls take a SKU alone; one of another listing is none of ours."""
        wanted = {key.sku_id for key in keys if key.sku_id.isdigit()}
        asked = sorted(wanted - self._listing_of.keys())
        for start in range(0, len(asked), SKU_PAGE):
            self._skus({"skuId": [int(sku_id) for sku_id in asked[start : start + SKU_PAGE]]})
        return {key for key in keys if self._listing_of.get(key.sku_id) == key.listing_id}

    def _stock(self, sku_id: str) -> wire.SkuStock | None:
        """With bookings, where the query tells them; else the plain number."""
        sku, store = _number(sku_id), self.options["store_id"]
        told = self._client.call(wire.BOOKED, {"skuId": sku}).obj
        if told is None or told.skuStockInfos is None:
            rows = self._client.call(wire.STOCK, {"skuId": sku}).skuStocks
        else:
            rows = told.skuStockInfos
        return mapping.in_store(rows or (), store)

    def _one(self, method: wire.Method[W], params: Mapping[str, object]) -> wire.Row:
        """A thing read by its id: where only a sentence says no, it is taken for missing (inferred)."""
        try:
            return self._client.row(method, params)
        except Rejected as error:
            raise (_renamed(NotFound, error) if type(error) is Rejected else error) from None

    # Parts of writing

    def _known_only(self, batch: Sequence[Keyed], write: Callable[[Keyed], Outcome[Keyed]]) -> list[Outcome[Keyed]]:
        try:
            known = self._known([item.key for item in batch])
        except ChannelError as error:
            return [Outcome(item, error) for item in batch]

        def checked(item: Keyed) -> Outcome[Keyed]:
            if item.key not in known:
                raise NotFound("the listing has no such SKU").at(**self._place("sku"))
            return write(item)

        return one_by_one(batch, checked)

    def _numbers(self, batch: Sequence[StockWrite], outcomes: dict[int, Outcome[StockWrite]]) -> dict[int, int]:
        """What to write for each place of the batch: the wish and what is booked. Others get their outcome here."""
        stop: ChannelError | None = None
        known: set[SkuKey] = set()
        try:
            known = self._known([item.key for item in batch])
        except ChannelError as error:
            stop = error
        numbers: dict[int, int] = {}
        for place, item in enumerate(batch):
            try:
                if item.quantity < 0:
                    raise self._invalid("set_stock", "stock cannot be negative")
                if stop:
                    raise stop
                if item.key not in known:
                    raise NotFound("the listing has no such SKU").at(**self._place("set_stock"))
                stock = self._stock(item.key.sku_id)
                numbers[place] = item.quantity + ((mapping.booked(stock) or 0) if stock else 0)
            except ChannelError as error:
                outcomes[place] = Outcome(item, error)
                stop = error if isinstance(error, _STOPPING) else stop
        return numbers

    def _set_numbers(self, numbers: Sequence[tuple[str, int]]) -> list[ChannelError | None]:
        """One call. Its business number is new every time: a remembered one might swallow a newer wish."""
        store = _number(self.options["store_id"])
        rows = [{"skuId": _number(sku_id), "storeId": store, "stockNum": number} for sku_id, number in numbers]
        stamp = hashlib.sha256(f"{self.clock.now().timestamp()}{rows}".encode()).hexdigest()[:32]
        answer = self._client.call(wire.SET_STOCK, {"req": {"stockRfId": f"qudao-{stamp}", "skuStocks": rows}})
        told: dict[str, deque[wire.StockResult]] = {}
        for result in (answer.obj.updateStockResult if answer.obj else None) or ():
            told.setdefault(result.data, deque()).append(result)
        return [self._stock_outcome(told.get(sku_id)) for sku_id, _ in numbers]

    def _stock_outcome(self, results: deque[wire.StockResult] | None) -> ChannelError | None:
        place = self._place(wire.SET_STOCK.name)
        if not results:
            return OutcomeUnknown("the answer leaves this SKU out").at(**place)
        result = results.popleft()
        if result.success:
            return None
        return _stock_error(refusal(Verdict(False, text=result.message or ""), write=True)).at(**place)

    def _ship(self, shipment: Shipment) -> None:
        sendings = [self._sending(draft) for draft in shipment.parcels]
        order = self.order(shipment.order_id).value
        missing = _missing(order, sendings)
        if order.fulfilment.value not in (Fulfilment.TO_SHIP, Fulfilment.PART_SHIPPED, Fulfilment.UNKNOWN):
            raise AlreadyDone("the order is shipped").at(**self._place("ship"))
        if not missing:
            raise AlreadyDone("the parcels are declared").at(**self._place("ship"))
        _check_free(order)
        try:
            if order.fulfilment.value is Fulfilment.PART_SHIPPED or any(sending.lines for sending in sendings):
                self._ship_parts(order, missing)
            else:
                self._ship_whole(order.id, missing)
        except Rejected as error:
            if ALREADY_SHIPPED in error.message and not _missing(self.order(order.id).value, sendings):
                raise _renamed(AlreadyDone, error) from None
            raise

    def _ship_whole(self, order_id: str, sendings: Sequence[Sending]) -> None:
        """All parcels in one call: `|` between companies, `,` between the numbers of one."""
        carriers, numbers = mapping.joined((sending.carrier, sending.number) for sending in sendings)
        self._client.call(wire.SHIP, {"orderId": _number(order_id), "logiCoprId": carriers, "logiNo": numbers})

    def _ship_parts(self, order: Order, sendings: Sequence[Sending]) -> None:
        params = {
            "belongType": SHIP_PART_MODE,
            "data": [
                {
                    "deliveryType": SHIP_PART_MODE,
                    "orderIds": [_number(order.id)],
                    "deliveryNumberDtoList": [
                        {
                            "deliveryId": _number(sending.carrier),
                            "deliveryName": self._carrier_name(sending.carrier),
                            "deliveryNums": [sending.number] if sending.number else [],
                            "partialShipmentGoodsList": goods,
                        }
                        for sending, goods in zip(sendings, _goods(order, sendings), strict=True)
                    ],
                }
            ],
        }
        told = self._client.call(wire.SHIP_PART, {"request": params}).data or wire.PartShipped()
        place = self._place(wire.SHIP_PART.name)
        for failed in told.failList or ():
            raise refusal(Verdict(False, failed.code or "", failed.failReason or ""), write=True).at(**place)
        if order.id not in (told.successList or ()):
            raise OutcomeUnknown("the answer leaves the order out").at(**place)

    def _change_part(self, order_id: str, parcel_id: str, sending: Sending) -> None:
        row = {
            "shipmentId": _number(parcel_id),
            "logicId": sending.carrier,
            "logicName": self._carrier_name(sending.carrier),
            "waybillId": sending.number,
            "packageNum": 1,
        }
        data = {"orderId": _number(order_id), "partialShipmentInfoList": [row]}
        self._client.call(wire.CHANGE_PART, {"request": {"belongType": SHIP_PART_MODE, "data": data}})

    def _change_whole(self, order: Order, old: Parcel, sending: Sending) -> None:
        """All numbers of the order anew, with one replaced. `logiScope` is left out: its values are not documented."""
        shown = [(parcel.carrier_code, parcel.tracking_no) for parcel in order.parcels]
        wanted = [
            (sending.carrier, sending.number) if number == old.tracking_no else (carrier, number)
            for carrier, number in shown
        ]
        if (sending.carrier, sending.number) not in wanted:
            raise Conflict("the order has no such parcel").at(**self._place("change_tracking"))
        groups: dict[str, list[str]] = {}
        for carrier, number in dict.fromkeys(wanted):
            groups.setdefault(carrier, []).append(number)
        rows = [
            {"logiCoprId": carrier, "logiNoList": numbers, "packageNum": len(numbers)}
            for carrier, numbers in groups.items()
        ]
        params = {"logisticsGlobalModelList": rows, "oneGlobalOrderModelNoLogistic": {"orderId": _number(order.id)}}
        self._client.call(wire.CHANGE_WHOLE, params)

    def _sending(self, draft: ParcelDraft) -> Sending:
        """Raises Invalid before anything is written for a carrier that is neither canonical nor in the shop's list."""
        number, carrier = draft.tracking_no.strip(), draft.carrier
        code = next(iter(mapping.CARRIER.get(carrier, ())), "")
        if not code:
            rows = self._carriers or self.carriers()
            code = next((row.code for row in rows if carrier and carrier in (row.code, row.carrier)), "")
        if not code:
            raise self._invalid("ship", "no such carrier", carrier)
        if any(mark in number for mark in ",|") or not (number or code == mapping.SELF_DELIVERY):
            raise self._invalid("ship", "a tracking number is missing or not one number")
        return Sending(code, number, draft.lines)

    def _carrier_name(self, code: str) -> str:
        return next((row.name for row in self._carriers or self.carriers() if row.code == code), "")

    def _invalid(self, operation: str, why: str, sub_code: str = "") -> Invalid:
        return Invalid(why, sub_code=sub_code).at(**self._place(operation))

    def _place(self, operation: str) -> dict[str, str]:
        return {"channel": CHANNEL.code, "shop": self.shop_id, "operation": operation}


def _check_free(order: Order) -> None:
    """Raises Conflict for what only a person can solve, NotYet for what passes. Only what waits to be shipped ships."""
    if order.closing.value is not Closing.OPEN:
        raise Conflict("the order is closed", channel=CHANNEL.code, sub_code=order.closing.raw)
    if mapping.ships_itself(order):
        raise Conflict("JD ships this order from a warehouse of its own", channel=CHANNEL.code)
    if order.hold.raw in mapping.PAUSED or order.payment.value is not Payment.PAID:
        raise NotYet("the order is on hold", channel=CHANNEL.code, sub_code=order.hold.raw)
    if order.hold.value is not Hold.NONE:
        raise Conflict("a refund is asked for or JD stopped the order", channel=CHANNEL.code, sub_code=order.hold.raw)


def _missing(order: Order, sendings: Sequence[Sending]) -> list[Sending]:
    """What of the parcels the order does not show."""
    shown = {parcel.tracking_no for parcel in order.parcels}
    return [sending for sending in sendings if sending.number not in shown]


def _goods(order: Order, sendings: Sequence[Sending]) -> list[list[dict[str, int]]]:
    """What lies in each parcel; the one that names no lines holds what is left. Raises Invalid for what cannot be."""
    left = {line.id: line.quantity for line in order.lines}
    sku_of = {line.id: line.sku_id for line in order.lines}
    for packed in chain.from_iterable(parcel.lines for parcel in order.parcels):
        left[packed.line_id] -= packed.quantity
    for packed in chain.from_iterable(sending.lines for sending in sendings):
        if packed.line_id not in left:
            raise Invalid(f"the order has no line {packed.line_id}", channel=CHANNEL.code)
        left[packed.line_id] -= packed.quantity
        if left[packed.line_id] < 0 or packed.quantity < 1:
            raise Invalid(f"more or less than can be sent of line {packed.line_id}", channel=CHANNEL.code)
    rest = tuple(Packed(line_id=line_id, quantity=quantity) for line_id, quantity in left.items() if quantity > 0)
    if (several := sum(not sending.lines for sending in sendings)) > 1:
        raise Invalid("which lines lie in which parcel must be told", channel=CHANNEL.code)
    if several and not rest:
        raise Conflict("nothing is left for the parcel", channel=CHANNEL.code)
    goods = []
    for sending in sendings:
        pieces: dict[str, int] = {}
        for packed in sending.lines or rest:
            pieces[sku_of[packed.line_id]] = pieces.get(sku_of[packed.line_id], 0) + packed.quantity
        goods.append([{"skuId": _number(sku_id), "num": number} for sku_id, number in pieces.items()])
    return goods


def _range(window: Window, since: str, until: str) -> dict[str, object]:
    """Whole seconds. Whether the end belongs to the range is not documented, so a second is added."""
    return {
        since: mapping.wall_clock(window.since),
        until: mapping.wall_clock(window.until + timedelta(seconds=1)),
    }


def _backwards(ask: Callable[[int], tuple[list[wire.Row], int]], size: int) -> Iterator[tuple[list[wire.Row], int]]:
    """Pages with the newest total, last page first; one page is its own proof."""
    rows, total = ask(1)
    if total <= size:
        yield rows, total
        return
    for page in range(ceil(total / size), 0, -1):
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
        except (ValueError, OverflowError, OSError, Malformed) as error:
            bad.append(BadRow(str(row.get(id_field) or ""), _reason(error), to_json(row)))
    return Page(tuple(items), tuple(bad), expected)


def _sound(make: Callable[[], T]) -> T:
    try:
        return make()
    except (ValueError, OverflowError, OSError) as error:
        raise Malformed(_reason(error), channel=CHANNEL.code) from None


def _reason(error: Exception) -> str:
    """Without the value itself, which may be personal."""
    if isinstance(error, ValidationError):
        return described(error)
    return error.message if isinstance(error, Malformed) else "a time or number that is none"


def _number(text: str) -> int:
    """Ids are numbers in requests."""
    if not (text.isascii() and text.isdigit()):
        raise Invalid("ids of JD are numbers", channel=CHANNEL.code)
    return int(text)


def _stock_error(error: ChannelError) -> ChannelError:
    """A refusal that names no reason of its own is the listing's state: a promotion, a review (inferred)."""
    return _renamed(Conflict, error) if type(error) is Rejected else error


def _outcome(item: T, write: Callable[[], None]) -> Outcome[T]:
    try:
        write()
    except ChannelError as error:
        return Outcome(item, error)
    return Outcome(item)


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
