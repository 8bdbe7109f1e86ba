"""A toy shop's listings and their SKUs: reading them, writing quantities and prices."""

from collections.abc import Iterator, Sequence

from pydantic_core import to_json

from connectors.rows import TAKES_NO_MORE, backwards, named, page, sound
from core.channel import Fetched, Outcome, Page, PriceWrite, StockWrite, one_by_one
from core.clock import Clock
from core.errors import ChannelError
from core.model import Listing, SkuKey, StockLevel
from tests.contract.toy_channel import CHANNEL, mapping, wire
from tests.contract.toy_channel.client import ToyClient

PAGE = 50


class Goods:
    """Reads and writes the listings of one shop."""

    def __init__(self, shop_id: str, client: ToyClient, clock: Clock) -> None:
        self._shop_id = shop_id
        self._client = client
        self._clock = clock

    def listings(self) -> Iterator[Page[Listing]]:
        """From the last page to the first: a deleted listing moves later ones up."""

        def ask(number: int) -> tuple[list[wire.Row], int]:
            answer = self._client.call(wire.ItemPage, "items.list", {"page": number, "size": PAGE})
            return answer.items, answer.total

        for rows, total in backwards(ask, PAGE):
            yield page(rows, self._fetched, named("id"), total)

    def listing(self, listing_id: str) -> Fetched[Listing]:
        """Raises NotFound."""
        row = self._client.call(wire.Verbatim, "items.get", {"item": listing_id}).model_dump()
        return sound(lambda: self._fetched(row), channel=CHANNEL.code, shop=self._shop_id, operation="items.get")

    def stock_levels(self, keys: Sequence[SkuKey]) -> list[StockLevel]:
        """In one call; a SKU that does not exist is left out of the answer."""
        asked = [{"item": key.listing_id, "sku": key.sku_id} for key in keys]
        answer = self._client.call(wire.Levels, "stock.get", {"rows": asked})
        now = self._clock.now()
        return [
            StockLevel(
                key=SkuKey(listing_id=row.item, sku_id=row.sku), sellable=row.sellable, held=row.held, read_at=now
            )
            for row in answer.rows
        ]

    def set_stock(self, batch: Sequence[StockWrite]) -> list[Outcome[StockWrite]]:
        """A call for every ten rows, each row with its own answer."""
        outcomes: list[Outcome[StockWrite]] = []
        stop: ChannelError | None = None
        for first in range(0, len(batch), CHANNEL.stock_batch):
            part = batch[first : first + CHANNEL.stock_batch]
            told = [Outcome(item, stop) for item in part] if stop else self._set_part(part)
            outcomes += told
            stop = stop or next((one.error for one in told if isinstance(one.error, TAKES_NO_MORE)), None)
        return outcomes

    def set_price(self, batch: Sequence[PriceWrite]) -> list[Outcome[PriceWrite]]:
        """One call a SKU."""

        def write(item: PriceWrite) -> Outcome[PriceWrite]:
            params = {"item": item.key.listing_id, "sku": item.key.sku_id, "sale": item.price.sale}
            return Outcome(item, request_id=self._client.write(wire.Verbatim, "prices.set", params)[1])

        return one_by_one(batch, write)

    def _set_part(self, part: Sequence[StockWrite]) -> list[Outcome[StockWrite]]:
        rows = [{"item": one.key.listing_id, "sku": one.key.sku_id, "quantity": one.quantity} for one in part]
        try:
            answer, request_id = self._client.write(wire.Results, "stock.set", {"rows": rows})
        except ChannelError as error:
            return [Outcome(item, error, request_id=error.request_id) for item in part]
        refused = [
            self._client.refusal("stock.set", row.error, row.text, request_id) if row.error else None
            for row in answer.rows
        ]
        return [Outcome(item, error, request_id=request_id) for item, error in zip(part, refused, strict=True)]

    def _fetched(self, row: wire.Row) -> Fetched[Listing]:
        return Fetched(mapping.listing(self._shop_id, wire.Item.model_validate(row)), to_json(row))
