"""A Douyin shop's products and their SKUs: reading them, writing quantities, prices and whether they sell."""

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from pydantic_core import to_json

from connectors.douyin import CHANNEL, mapping, wire
from connectors.douyin.client import PAGE, DouyinClient, classify_item
from connectors.douyin.errors import EDIT_WORDS
from connectors.rows import TAKES_NO_MORE, outcome, page, sound, text_of
from core.channel import Fetched, Outcome, Page, PriceWrite, StockDelta, StockWrite, one_by_one
from core.clock import Clock
from core.errors import AlreadyDone, ChannelError, Invalid, NotFound, NotYet, OutcomeUnknown, Rejected, Unsupported
from core.model import Listing, SkuKey, StockLevel

PRODUCTS_BY_PAGE = 10_000
"""Beyond this many products only the cursor goes on."""
STOCK_ITEMS = 50
IDEMPOTENT_ID_LENGTH = 64
"""Longer keys are hashed. Inferred: no limit is documented."""
DELETED = "2"
"""`status` of a product that is gone."""


class Goods:
    """Reads and writes the products of one shop."""

    def __init__(self, shop_id: str, client: DouyinClient, clock: Clock) -> None:
        self._shop_id = shop_id
        self._client = client
        self._clock = clock

    def listings(self) -> Iterator[Page[Listing]]:
        """Page by page, and with a cursor beyond what pages reach."""
        found = self._products(page=1)
        if found.total > PRODUCTS_BY_PAGE:
            cursor: dict[str, Any] = {}
            while (found := self._products(page=1, use_cursor=True, **cursor)).rows:
                yield self._page(found.rows)
                cursor = {"cursor_id": found.cursor_id}
            return
        number = 1
        while found.rows:
            yield self._page(found.rows)
            if number * PAGE >= found.total:
                return
            number += 1
            found = self._products(page=number)

    def listing(self, listing_id: str) -> Fetched[Listing]:
        """The product and its SKUs, which are two calls. Raises NotFound."""
        params = {"product_id": listing_id, "show_draft": "false"}
        product = self._client.call("product.detail", params, wire.Verbatim).data.root
        row = {"product": product, "skus": self._sku_rows(listing_id)}
        return sound(lambda: self._fetched(row), **self._client.place("product.detail"))

    def stock_levels(self, keys: Sequence[SkuKey]) -> list[StockLevel]:
        """One call a product."""
        levels = []
        for listing_id in dict.fromkeys(key.listing_id for key in keys):
            try:
                rows = self._sku_rows(listing_id)
            except NotFound:
                continue
            read_at = self._clock.now()
            skus = {sku.id: sku for sku in (self._sku(row) for row in rows)}
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
                if isinstance(failure, TAKES_NO_MORE):
                    indexes += chain.from_iterable(waiting)
                    waiting.clear()
                outcomes.update((index, Outcome(batch[index], failure)) for index in indexes)
        return [outcomes[index] for index in range(len(batch))]

    def adjust_stock(self, batch: Sequence[StockDelta]) -> list[Outcome[StockDelta]]:
        """One call a SKU. Its key makes a repetition harmless."""
        return one_by_one(batch, self._adjust)

    def set_price(self, batch: Sequence[PriceWrite]) -> list[Outcome[PriceWrite]]:
        """One call a SKU, of its sale price only."""
        return one_by_one(batch, self._set_price)

    def set_shelf(self, listing_id: str, *, on: bool) -> Outcome[str]:
        """What is there already counts as done. Whether the platform still puts a product on sale by a call of its own
        must be tried: where it wants an edit and a review, only the shop's own console helps (inferred)."""

        def write() -> str:
            try:
                params = {"product_id": _number(listing_id)}
                return self._client.write("product.setOnline" if on else "product.setOffline", params)
            except AlreadyDone as done:
                return done.request_id
            except (Unsupported, Rejected, NotYet) as refusal:
                if on and _wants_edit(refusal):
                    refusal.message = (
                        f"the product must be edited and reviewed before it sells again: {refusal.message}"
                    )
                    raise refusal.renamed(Rejected) from None
                raise

        return outcome(listing_id, write)

    def _fetched(self, row: Any) -> Fetched[Listing]:
        product = wire.read_row(wire.Product, row["product"])
        skus = [wire.read_row(wire.Sku, sku) for sku in row["skus"]]
        return Fetched(mapping.listing(self._shop_id, product, skus), to_json(row))

    def _products(self, **params: Any) -> wire.ProductPage:
        return self._client.call("product.listV2", {"size": PAGE, **params}, wire.ProductPage).data

    def _sku_rows(self, listing_id: str) -> list[Any]:
        return self._client.call("sku.list", {"product_id": _number(listing_id)}, wire.Rows).data.rows

    def _sku(self, row: object) -> wire.Sku:
        return sound(lambda: wire.read_row(wire.Sku, row), **self._client.place("sku.list"))

    def _page(self, products: list[Any]) -> Page[Listing]:
        """Each product with its SKUs; one that was deleted meanwhile is left out."""
        rows = []
        for product in products:
            listing_id = text_of(product, "product_id")
            if text_of(product, "status") == DELETED:
                continue
            try:
                rows.append({"product": product, "skus": self._sku_rows(listing_id) if listing_id else []})
            except NotFound:
                continue
        return page(rows, self._fetched, lambda row: text_of(row["product"], "product_id"))

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
        return Outcome(write, error.at(**self._client.place(method)), request_id=log_id)

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
            return Outcome(delta, request_id=self._client.write("sku.syncStock", params))
        except AlreadyDone as done:  # this very idempotent_id was carried out before
            return Outcome(delta, request_id=done.request_id)

    def _set_price(self, write: PriceWrite) -> Outcome[PriceWrite]:
        if write.price.sale <= 0:
            raise Invalid("a price must be above 0").at(**self._client.place("sku.editPrice"))
        params = {
            "product_id": _number(write.key.listing_id),
            "sku_id": _number(write.key.sku_id),
            "price": write.price.sale,
        }
        return Outcome(write, request_id=self._client.write("sku.editPrice", params))


def _wants_edit(refusal: ChannelError) -> bool:
    return isinstance(refusal, Unsupported) or any(word in refusal.message for word in EDIT_WORDS)


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
