"""One Douyin shop: each operation of the port as calls and mappings. What a code means is in client.py, errors.py."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import chain
from math import ceil
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

from pydantic import SecretStr, ValidationError
from pydantic_core import to_json

from connectors.douyin import CHANNEL, mapping, wire
from connectors.douyin.client import PAGE, Answer, DouyinClient, classify_item, walk
from core.channel import (
    BadRow,
    CarrierRow,
    Channel,
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
from core.model import AfterSale, Flag, Listing, Memo, Order, Packed, Parcel, ParcelDraft, Shipment, SkuKey, StockLevel
from core.status import AfterSaleState, Fulfilment

T = TypeVar("T")

PRODUCTS_BY_PAGE = 10_000
"""Beyond this many products only the cursor goes on."""
STOCK_ITEMS = 50
IDEMPOTENT_ID_LENGTH = 64
"""Longer keys are hashed. Inferred: no limit is documented."""
REFRESH_TOKEN_LIFE = timedelta(days=14)
DELETED = "2"
"""`status` of a product that is gone."""
_TAKES_NO_MORE = (Throttled, Unavailable, Reauthorize, Denied)
"""After these the rest of a batch is not sent."""


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
        self._carrier_rows: list[CarrierRow] = []

    def orders(self, window: Window) -> Iterator[Page[Order]]:
        def ask(since: int, until: int, page: int) -> wire.OrderPage:
            params = {
                "update_time_start": since,
                "update_time_end": until,
                "order_by": "update_time",
                "order_asc": True,
                "page": page,
                "size": PAGE,
            }
            return self._client.call("order.searchList", params, wire.OrderPage).data

        for rows, expected in walk(_first(window), _last(window), ask, _order_key):
            yield self._page(rows, expected, self._order, lambda row: _order_key(row)[0])

    def order(self, order_id: str) -> Fetched[Order]:
        params = {"shop_order_id": mapping.order_id_of(order_id)}
        row = self._client.call("order.orderDetail", params, wire.OrderDetail).data.shop_order_detail
        return self._one("order.orderDetail", row, self._order)

    def after_sales(self, window: Window) -> Iterator[Page[AfterSale]]:
        def ask(since: int, until: int, page: int) -> wire.AfterSalePage:
            params = {
                "update_start_time": since,
                "update_end_time": until + 1,  # the end of the application time is documented as exclusive
                "order_by": ["update_time asc"],
                "page": page,
                "size": PAGE,
            }
            try:
                return self._client.call("afterSale.List", params, wire.AfterSalePage).data
            except NotFound:  # 11003: no data
                return wire.AfterSalePage(total=0)

        for rows, expected in walk(_first(window), _last(window), ask, _after_sale_key):
            yield self._page(rows, expected, self._after_sale, lambda row: _after_sale_key(row)[0])

    def after_sale(self, after_sale_id: str, order_id: str = "") -> Fetched[AfterSale]:
        params = {"after_sale_id": after_sale_id, "need_operation_record": False}
        row = self._client.call("afterSale.Detail", params, wire.Verbatim).data.root
        return self._one("afterSale.Detail", row, self._after_sale_detail)

    def listings(self) -> Iterator[Page[Listing]]:
        page = self._products(page=1)
        if page.total > PRODUCTS_BY_PAGE:
            cursor: dict[str, Any] = {}
            while (page := self._products(page=1, use_cursor=True, **cursor)).rows:
                yield self._listing_page(page.rows)
                cursor = {"cursor_id": page.cursor_id}
            return
        number = 1
        while page.rows:
            yield self._listing_page(page.rows)
            if number * PAGE >= page.total:
                return
            number += 1
            page = self._products(page=number)

    def listing(self, listing_id: str) -> Fetched[Listing]:
        params = {"product_id": listing_id, "show_draft": "false"}
        product = self._client.call("product.detail", params, wire.Verbatim).data.root
        row = {"product": product, "skus": self._sku_rows(listing_id)}
        return self._one("product.detail", row, self._listing)

    def stock_levels(self, keys: Sequence[SkuKey]) -> list[StockLevel]:
        levels = []
        for listing_id in dict.fromkeys(key.listing_id for key in keys):
            try:
                rows = self._sku_rows(listing_id)
            except NotFound:
                continue
            read_at = self.clock.now()
            skus = {sku.id: sku for sku in (self._read("sku.list", row, _sku) for row in rows)}
            levels += [
                StockLevel(
                    key=key,
                    sellable=skus[key.sku_id].stock_num,
                    held=skus[key.sku_id].prehold_stock_num,
                    read_at=read_at,
                )
                for key in keys
                if key.listing_id == listing_id and key.sku_id in skus
            ]
        return levels

    def set_stock(self, batch: Sequence[StockWrite]) -> list[Outcome[StockWrite]]:
        """Fifty SKUs a call, all or none: a refused call is halved until the culprit stands alone."""
        outcomes: dict[int, Outcome[StockWrite]] = {}
        good: list[int] = []
        for index, write in enumerate(batch):
            try:
                _stock_item(write)
                good.append(index)
            except Invalid as error:
                outcomes[index] = Outcome(write, error)
        waiting = deque(good[start : start + STOCK_ITEMS] for start in range(0, len(good), STOCK_ITEMS))
        while waiting:
            indexes = waiting.popleft()
            try:
                outcomes.update(zip(indexes, self._set_stock([batch[index] for index in indexes]), strict=True))
            except (Rejected, NotYet) as refusal:
                half = len(indexes) // 2
                if half:
                    waiting.extendleft([indexes[half:], indexes[:half]])
                else:
                    outcomes[indexes[0]] = Outcome(batch[indexes[0]], refusal, request_id=refusal.request_id)
            except ChannelError as failure:
                if isinstance(failure, _TAKES_NO_MORE):
                    indexes += chain.from_iterable(waiting)
                    waiting.clear()
                outcomes.update((index, Outcome(batch[index], failure)) for index in indexes)
        return [outcomes[index] for index in range(len(batch))]

    def adjust_stock(self, batch: Sequence[StockDelta]) -> list[Outcome[StockDelta]]:
        return one_by_one(batch, self._adjust)

    def set_price(self, batch: Sequence[PriceWrite]) -> list[Outcome[PriceWrite]]:
        return one_by_one(batch, self._set_price)

    def ship(self, shipment: Shipment, idempotency_key: str) -> Outcome[Shipment]:
        return _outcome(shipment, lambda: self._ship(shipment, idempotency_key))

    def change_tracking(self, order_id: str, old: Parcel, carrier: str, tracking_no: str) -> Outcome[str]:
        """A parcel that has an id was (or may have been) shipped in packs, which have a call of their own."""

        def change() -> Answer[wire.Verbatim]:
            params = {
                "order_id": mapping.order_id_of(order_id),
                "company_code": self._carrier_code(carrier),
                "logistics_code": tracking_no,
            }
            if old.id:
                return self._write("order.logisticsEditByPack", {**params, "pack_id": old.id})
            return self._write("order.logisticsEdit", params)

        return _outcome(order_id, change)

    def memo(self, order_id: str, memo: Memo) -> Outcome[str]:
        stars = mapping.FLAG.get(Flag.NONE if memo.flag is Flag.GREY else memo.flag)
        if stars is None:
            return Outcome(order_id, self._invalid("order.addOrderRemark", f"Douyin has no {memo.flag} flag"))
        params = {
            "order_id": mapping.order_id_of(order_id),
            "remark": memo.text,
            "is_add_star": "true",
            "star": stars[0],
        }
        return _outcome(order_id, lambda: self._write("order.addOrderRemark", params))

    def carriers(self) -> list[CarrierRow]:
        rows = self._client.call("order.logisticsCompanyList", {}, wire.Rows).data.rows
        companies = [self._read("order.logisticsCompanyList", row, _company) for row in rows]
        self._carrier_rows = [
            CarrierRow(code=company.code, name=company.name, carrier=mapping.CARRIER_OF.get(company.code, ""))
            for company in companies
        ]
        return list(self._carrier_rows)

    def refresh(self) -> Credentials:
        """More than an hour before expiry the platform answers the same tokens with their remaining life. Raises
        Unavailable while another refresh of this shop runs."""
        old = self.credentials
        params = {"grant_type": "refresh_token", "refresh_token": old.refresh_token.get_secret_value()}
        told = self._client.call("token.refresh", params, wire.Tokens, token=False).data
        now = self.clock.now()
        renewed = told.refresh_token != old.refresh_token.get_secret_value() or old.refresh_expires_at is None
        return replace(
            old,
            access_token=SecretStr(told.access_token),
            refresh_token=SecretStr(told.refresh_token),
            access_expires_at=now + timedelta(seconds=told.expires_in),
            refresh_expires_at=now + REFRESH_TOKEN_LIFE if renewed else old.refresh_expires_at,
        )

    def _order(self, row: object) -> Order:
        return mapping.order(self.shop_id, wire.read_row(wire.ShopOrder, row))

    def _after_sale(self, row: object) -> AfterSale:
        return mapping.listed_after_sale(self.shop_id, wire.read_row(wire.AfterSaleRow, row))

    def _after_sale_detail(self, row: object) -> AfterSale:
        return mapping.after_sale(self.shop_id, wire.read_row(wire.AfterSaleDetail, row))

    def _listing(self, row: Any) -> Listing:
        product = wire.read_row(wire.Product, row["product"])
        return mapping.listing(self.shop_id, product, [wire.read_row(wire.Sku, sku) for sku in row["skus"]])

    def _products(self, **params: Any) -> wire.ProductPage:
        return self._client.call("product.listV2", {"size": PAGE, **params}, wire.ProductPage).data

    def _sku_rows(self, listing_id: str) -> list[Any]:
        return self._client.call("sku.list", {"product_id": _number(listing_id)}, wire.Rows).data.rows

    def _listing_page(self, products: list[Any]) -> Page[Listing]:
        """Each product with its SKUs; one that was deleted meanwhile is left out."""
        rows = []
        for product in products:
            listing_id = _id_of(product, "product_id")
            if _id_of(product, "status") == DELETED:
                continue
            try:
                rows.append({"product": product, "skus": self._sku_rows(listing_id) if listing_id else []})
            except NotFound:
                continue
        return self._page(rows, None, self._listing, lambda row: _id_of(row["product"], "product_id"))

    def _set_stock(self, batch: Sequence[StockWrite]) -> list[Outcome[StockWrite]]:
        """One call. No idempotent_id: a set is idempotent, and a remembered id would swallow the newer number."""
        method = "sku.syncStockBatchMultiProducts"
        params = {"items": [_stock_item(write) for write in batch], "incremental": False, "source": "erp"}
        answer = self._client.call(method, params, wire.StockResults, write=True)
        results = {result.sku_id: result for result in answer.data.results or ()}
        return [self._stock_outcome(write, results.get(write.key.sku_id), answer.log_id) for write in batch]

    def _stock_outcome(self, write: StockWrite, result: wire.StockResult | None, log_id: str) -> Outcome[StockWrite]:
        if result is not None and result.status_code == 0:
            return Outcome(write, request_id=log_id)
        method = "sku.syncStockBatchMultiProducts"
        if result is None:
            error: ChannelError = OutcomeUnknown("the answer leaves this SKU out", request_id=log_id)
        else:
            kind = classify_item(method, result.status_code, result.status_message)
            error = kind(result.status_message, sub_code=str(result.status_code), request_id=log_id)
        return Outcome(write, error.at(**self._place(method)), request_id=log_id)

    def _adjust(self, delta: StockDelta) -> Outcome[StockDelta]:
        key = delta.idempotency_key
        params = {
            "product_id": _number(delta.key.listing_id),
            "sku_id": _number(delta.key.sku_id),
            "stock_num": delta.change,
            "incremental": True,
            "idempotent_id": key if len(key) <= IDEMPOTENT_ID_LENGTH else hashlib.sha256(key.encode()).hexdigest(),
        }
        try:
            return Outcome(delta, request_id=self._write("sku.syncStock", params).log_id)
        except AlreadyDone as done:  # this very idempotent_id was carried out before
            return Outcome(delta, request_id=done.request_id)

    def _set_price(self, write: PriceWrite) -> Outcome[PriceWrite]:
        if write.price.sale <= 0:
            raise self._invalid("sku.editPrice", "a price must be above 0")
        params = {
            "product_id": _number(write.key.listing_id),
            "sku_id": _number(write.key.sku_id),
            "price": write.price.sale,
        }
        return Outcome(write, request_id=self._write("sku.editPrice", params).log_id)

    def _ship(self, shipment: Shipment, key: str) -> Answer[wire.Verbatim]:
        """logisticsAdd takes a whole order in one parcel; it fails once a part has gone, which only the order shows."""
        codes = [self._carrier_code(parcel.carrier) for parcel in shipment.parcels]
        first = shipment.parcels[0]
        if len(shipment.parcels) > 1 or first.lines:
            return self._ship_packs(shipment, codes, key)
        params = {
            "order_id": mapping.order_id_of(shipment.order_id),
            "company_code": codes[0],
            "logistics_code": first.tracking_no,
            "is_reject_refund": shipment.refuse_refund,
        }
        try:
            return self._write("order.logisticsAdd", params)
        except (Invalid, NotFound):
            raise
        except Rejected as refusal:
            order = self.order(shipment.order_id).value
            known = any(parcel.tracking_no == first.tracking_no for parcel in order.parcels)
            if known or order.fulfilment.value is not Fulfilment.PART_SHIPPED:
                raise refusal from None
            return self._ship_packs(shipment, codes, key, order)

    def _ship_packs(
        self, shipment: Shipment, codes: list[str], key: str, order: Order | None = None
    ) -> Answer[wire.Verbatim]:
        open_ended = [parcel for parcel in shipment.parcels if not parcel.lines]
        if len(open_ended) > 1:
            raise Invalid("Douyin must be told which lines lie in which parcel").at(
                **self._place("order.logisticsAddMultiPack")
            )
        rest: tuple[Packed, ...] = ()
        if open_ended:
            rest = _rest(order or self.order(shipment.order_id).value, shipment.parcels)
            if not rest:
                raise Conflict("nothing is left for the parcel").at(**self._place("order.logisticsAddMultiPack"))
        packs = [
            {
                "company_code": code,
                "logistics_code": parcel.tracking_no,
                "shipped_order_info": [
                    {"shipped_order_id": packed.line_id, "shipped_num": packed.quantity}
                    for packed in parcel.lines or rest
                ],
            }
            for code, parcel in zip(codes, shipment.parcels, strict=True)
        ]
        params = {
            "order_id": mapping.order_id_of(shipment.order_id),
            "request_id": key,
            "pack_list": packs,
            "is_reject_refund": shipment.refuse_refund,
        }
        return self._write("order.logisticsAddMultiPack", params)

    def _carrier_code(self, carrier: str) -> str:
        """The channel's code of a canonical carrier, or of a code from the shop's own list (read once)."""
        known = mapping.CARRIER.get(carrier, ())
        if len(known) == 1:
            return known[0]
        listed = {row.code for row in self._carrier_rows or self.carriers()}
        for code in known or (carrier,):
            if code in listed:
                return code
        raise self._invalid("ship", "Douyin does not know this carrier")

    def _write(self, method: str, params: dict[str, Any]) -> Answer[wire.Verbatim]:
        return self._client.call(method, params, wire.Verbatim, write=True)

    def _page(
        self, rows: list[Any], expected: int | None, read: Callable[[object], T], name: Callable[[Any], str]
    ) -> Page[T]:
        items, bad = [], []
        for row in rows:
            raw = to_json(row)
            try:
                items.append(Fetched(read(row), raw))
            except (ValueError, OverflowError, OSError) as error:
                bad.append(BadRow(name(row), _why(error), raw))
        return Page(tuple(items), tuple(bad), expected)

    def _one(self, method: str, row: object, read: Callable[[object], T]) -> Fetched[T]:
        return Fetched(self._read(method, row, read), to_json(row))

    def _read(self, method: str, row: object, read: Callable[[object], T]) -> T:
        try:
            return read(row)
        except (ValueError, OverflowError, OSError) as error:
            raise Malformed(_why(error)).at(**self._place(method)) from None

    def _invalid(self, operation: str, why: str) -> Invalid:
        return Invalid(why).at(**self._place(operation))

    def _place(self, operation: str) -> dict[str, str]:
        return {"channel": CHANNEL.code, "shop": self.shop_id, "operation": operation}


def _first(window: Window) -> int:
    return int(window.since.timestamp())


def _last(window: Window) -> int:
    return ceil(window.until.timestamp())


def _order_key(row: object) -> tuple[str, int]:
    return mapping.order_id_of(_id_of(row, "order_id")), _time_of(row)


def _after_sale_key(row: object) -> tuple[str, int]:
    info = row.get("aftersale_info") if isinstance(row, dict) else None
    return _id_of(info, "aftersale_id"), _time_of(info)


def _id_of(row: object, name: str) -> str:
    value = row.get(name, "") if isinstance(row, dict) else ""
    return str(value) if isinstance(value, str | int) else ""


def _time_of(row: object) -> int:
    text = _id_of(row, "update_time")
    return int(text) if text.isdigit() else 0


def _sku(row: object) -> wire.Sku:
    return wire.read_row(wire.Sku, row)


def _company(row: object) -> wire.Company:
    return wire.read_row(wire.Company, row)


def _number(text: str) -> int:
    """Product and SKU ids are numbers in requests."""
    if not (text.isascii() and text.isdigit()):
        raise Invalid("ids of Douyin are numbers", channel=CHANNEL.code)
    return int(text)


def _stock_item(write: StockWrite) -> dict[str, int]:
    if write.quantity < 0:
        raise Invalid("a stock must not be negative", channel=CHANNEL.code)
    return {
        "product_id": _number(write.key.listing_id),
        "sku_id": _number(write.key.sku_id),
        "stock_num": write.quantity,
    }


def _rest(order: Order, drafts: Sequence[ParcelDraft]) -> tuple[Packed, ...]:
    """What of the order lies neither in a declared parcel nor in another draft; refunded lines stay here."""
    left = {line.id: line.quantity for line in order.lines if line.after_sale.value is not AfterSaleState.REFUNDED}
    lying = [parcel.lines for parcel in order.parcels] + [draft.lines for draft in drafts]
    for packed in chain.from_iterable(lying):
        if packed.line_id in left:
            left[packed.line_id] -= packed.quantity
    return tuple(Packed(line_id=line_id, quantity=quantity) for line_id, quantity in left.items() if quantity > 0)


def _outcome(item: T, write: Callable[[], Answer[Any]]) -> Outcome[T]:
    try:
        return Outcome(item, request_id=write().log_id)
    except ChannelError as error:
        return Outcome(item, error, request_id=error.request_id)


def _why(error: Exception) -> str:
    """What is wrong with a row, without its values."""
    if isinstance(error, ValidationError):
        places = (f"{'.'.join(map(str, detail['loc']))}: {detail['type']}" for detail in error.errors()[:3])
        return ", ".join(places)
    return type(error).__name__
