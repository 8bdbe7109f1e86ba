"""A Taobao or Tmall shop's items and their SKUs, as they are read."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from pydantic_core import to_json

from connectors.rows import named, page, sound
from connectors.taobao import CHANNEL, mapping, wire
from connectors.taobao.client import TaobaoClient
from connectors.taobao.signing import Param
from core.channel import Fetched, Page
from core.clock import Clock
from core.model import Listing, SkuKey, StockLevel

ITEMS = 20
"""Items of one reading."""
ITEM_PAGE = 200
"""Rows of a page of items: the most."""
OFF_SHELF = ("for_shelved", "sold_out", "violation_off_shelf")
"""The kinds of stock; without a `banner` the sold out items stay away."""


class Goods:
    """Reads the items of one shop."""

    def __init__(self, shop_id: str, client: TaobaoClient, clock: Clock) -> None:
        self._shop_id = shop_id
        self._client = client
        self._clock = clock

    def listings(self) -> Iterator[Page[Listing]]:
        """One list after the other. An item that changes its list meanwhile may be told twice, or wait for the next
        walk.
        """
        seen: set[str] = set()
        expected = 0
        for banner in (None, *OFF_SHELF):
            earlier = frozenset(seen)
            for rows, total in self._rows(banner):
                ids = dict.fromkeys(str(row.get("num_iid") or "") for row in rows)
                fresh = [each for each in ids if each and each not in seen]
                seen.update(fresh)
                found = page(self._details(fresh), self._fetched, named("num_iid"))
                gone = len(fresh) - len(found.items) - len(found.bad)
                expected += total - len(earlier.intersection(ids)) - gone
                yield replace(found, expected=expected)

    def listing(self, listing_id: str) -> Fetched[Listing]:
        """Raises NotFound."""
        row = self._client.call(wire.ITEM, {"num_iid": listing_id, "fields": wire.ITEM_FIELDS}).item
        return sound(lambda: self._fetched(row), channel=CHANNEL.code)

    def stock_levels(self, keys: Sequence[SkuKey]) -> list[StockLevel]:
        """Twenty listings a call."""
        items = self.read(key.listing_id for key in keys)
        read_at = self._clock.now()
        levels = {
            (listing_id, stock.sku_id): stock for listing_id, item in items.items() for stock in mapping.stocks(item)
        }
        found = ((key, levels.get((key.listing_id, key.sku_id))) for key in keys)
        return [
            StockLevel(key=key, sellable=stock.sellable, held=stock.held, read_at=read_at)
            for key, stock in found
            if stock
        ]

    def read(self, listing_ids: Iterable[str]) -> dict[str, wire.Item]:
        """Items by id; what does not exist is left out. Raises Malformed for a bad one."""
        ids = [each for each in dict.fromkeys(listing_ids) if each.isascii() and each.isdigit()]
        items = sound(lambda: [wire.Item.model_validate(row) for row in self._details(ids)], channel=CHANNEL.code)
        return {item.num_iid: item for item in items}

    def _rows(self, banner: str | None) -> Iterator[tuple[list[wire.Row], int]]:
        """A list of items, oldest change first, each page with the list's total when it is the first. Pages are not
        counted through but start anew from the newest change seen: neither does a change hide a row, nor is a page
        ever beyond what the platform answers.
        """
        method = wire.IN_STOCK if banner else wire.ON_SALE
        asked: dict[str, Param | None] = {"fields": "num_iid,modified", "order_by": "modified:asc", "banner": banner}
        since: str | None = None
        number, first = 1, True
        while True:
            answer = self._client.call(
                method, {**asked, "start_modified": since, "page_no": number, "page_size": ITEM_PAGE}
            )
            yield answer.items, (answer.total_results or 0) if first else 0
            first = False
            if len(answer.items) < ITEM_PAGE:
                return
            newest = answer.items[-1].get("modified")
            since, number = (since, number + 1) if newest is None or newest == since else (newest, 1)

    def _details(self, ids: Sequence[str]) -> Iterator[wire.Row]:
        """The rows of items; one that does not exist has none."""
        for start in range(0, len(ids), ITEMS):
            asked = {"num_iids": ",".join(ids[start : start + ITEMS]), "fields": wire.ITEM_FIELDS}
            yield from self._client.call(wire.ITEMS, asked).items

    def _fetched(self, row: wire.Row) -> Fetched[Listing]:
        return Fetched(mapping.listing(self._shop_id, wire.Item.model_validate(row)), to_json(row))
