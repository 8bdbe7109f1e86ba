"""A Pinduoduo shop's listings and their SKUs: reading them, writing quantities, prices and whether they sell."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from pydantic_core import to_json

from connectors.pinduoduo import CHANNEL, mapping, wire
from connectors.pinduoduo.client import PAGE, PinduoduoClient
from connectors.pinduoduo.signing import Param
from connectors.rows import backwards, named, outcome, page, sound
from core.channel import Fetched, Outcome, Page, PriceWrite, StockDelta, StockWrite, one_by_one
from core.clock import Clock
from core.errors import ChannelError, Conflict, Invalid, NotFound, Reauthorize, Rejected, Throttled, Unavailable
from core.model import Listing, SkuKey, StockLevel

T = TypeVar("T")

_TAKES_NO_MORE = (Throttled, Unavailable, Reauthorize)
"""After these the rest of a batch is not sent."""


class Goods:
    """Reads and writes the listings of one shop."""

    def __init__(self, shop_id: str, client: PinduoduoClient, clock: Clock) -> None:
        self._shop_id = shop_id
        self._client = client
        self._clock = clock

    def listings(self) -> Iterator[Page[Listing]]:
        """The list carries no prices, so each listing's detail is read."""

        def ask(number: int) -> tuple[list[wire.Row], int]:
            answer = self._client.call(wire.GOODS_LIST, {"page": number, "page_size": PAGE})
            return answer.goods_list, answer.total_count

        gone = 0  # listed, but deleted before its detail was read
        for rows, total in backwards(ask, PAGE):
            found = page(rows, self._listed, named("goods_id"))
            gone += len(rows) - len(found.items) - len(found.bad)
            yield replace(found, expected=total - gone)

    def listing(self, listing_id: str) -> Fetched[Listing]:
        """Raises NotFound."""
        row, goods = self._goods(listing_id)
        return sound(lambda: Fetched(mapping.listing(self._shop_id, goods), to_json(row)), channel=CHANNEL.code)

    def stock_levels(self, keys: Sequence[SkuKey]) -> list[StockLevel]:
        """From the details of the listings."""
        levels = []
        for listing_id in dict.fromkeys(key.listing_id for key in keys):
            try:
                goods = self._goods(listing_id)[1]
            except NotFound:
                continue
            read_at = self._clock.now()
            held = {sku.sku_id: sku for sku in goods.sku_list if sku.quantity is not None}
            levels += [
                StockLevel(key=key, sellable=sku.quantity or 0, held=sku.reserve_quantity, read_at=read_at)
                for key in keys
                if key.listing_id == listing_id and (sku := held.get(key.sku_id))
            ]
        return levels

    def set_stock(self, batch: Sequence[StockWrite]) -> list[Outcome[StockWrite]]:
        """One call a SKU."""

        def write(item: StockWrite) -> Outcome[StockWrite]:
            if item.quantity < 0:
                raise Invalid("stock cannot be negative", channel=CHANNEL.code, shop=self._shop_id)
            return self._set_quantity(item, item.key, item.quantity, absolute=True)

        return one_by_one(batch, write)

    def adjust_stock(self, batch: Sequence[StockDelta]) -> list[Outcome[StockDelta]]:
        """One call a SKU; repeating one counts twice."""
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
            stop = stop or next((one.error for one in found if isinstance(one.error, _TAKES_NO_MORE)), None)
        return [outcomes[position] for position in range(len(batch))]

    def set_shelf(self, listing_id: str, *, on: bool) -> Outcome[str]:
        """Setting what already is, is a success."""
        params: dict[str, Param] = {"goods_id": listing_id, "is_onsale": int(on)}
        return outcome(listing_id, lambda: self._client.call(wire.SET_SALE, params).request_id)

    def _listed(self, row: wire.Row) -> Fetched[Listing]:
        return self.listing(wire.GoodsRow.model_validate(row).goods_id)

    def _goods(self, listing_id: str) -> tuple[wire.Row, wire.Goods]:
        row = self._client.one(wire.GOODS, {"goods_id": listing_id})
        return row, self._client.model(wire.GOODS, row)

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
                raise error.renamed(Conflict) from None
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
            return [sent for one in planned for sent in self._send_prices(listing_id, market, [one])]
        except ChannelError as error:
            return [Outcome(item, error) for item, _ in planned]
        return [Outcome(item, request_id=commit, pending=True) for item, _ in planned]
