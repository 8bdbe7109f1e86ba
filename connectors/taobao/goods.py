"""A Taobao or Tmall shop's items and their SKUs: reading them, writing quantities and prices through whichever calls
its kind of shop has.

Items are read before they are written, because a quantity may hold units of unpaid orders and a price has a range. An
order that is paid or cancelled in between takes its units along and leaves more for sale than was wished, so such a
quantity is read back and written again. An order placed in between leaves less, which is right: it was sold since.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Generic, Protocol, TypeVar

from pydantic_core import to_json

from connectors.rows import TAKES_NO_MORE, named, page, sound
from connectors.taobao import CHANNEL, mapping, wire
from connectors.taobao.client import TaobaoClient
from connectors.taobao.signing import Param
from core.channel import Capability, Fetched, Outcome, Page, PriceWrite, StockDelta, StockWrite, one_by_one
from core.clock import Clock
from core.errors import ChannelError, Conflict, Invalid, NotFound, OutcomeUnknown, Rejected, Unsupported
from core.model import Listing, SkuKey, StockLevel
from core.money import yuan

ITEMS = 20
"""Items of one reading."""
SKUS = 20
"""SKUs of one write, all of one item."""
AHEAD = 5
"""Writes of quantities for which the items are read together. Fewer leave less time in which an order can be paid
unseen; five cost three readings more for each twenty writes.
"""
ROUNDS = 3
"""Writes of one quantity in a row, before it is left to be read back and tried later."""
FULL, CHANGE = 1, 2
"""`type` of a quantity: what it is to be, or by how much it changes."""
PRESALE = "isv.item-is-presale"
"""Refuses everything but a change."""
NEGATIVE = "isv.invalid-parameter:quantity"
BIZ_KEY_LENGTH = 32
"""Hexadecimal digits of `outer_biz_key`, as in the documentation's sample; the limit is not documented."""
ITEM_PAGE = 200
"""Rows of a page of items: the most."""
OFF_SHELF = ("for_shelved", "sold_out", "violation_off_shelf")
"""The kinds of stock; without a `banner` the sold out items stay away."""


class Write(Protocol):
    """What is written of one listing SKU."""

    @property
    def key(self) -> SkuKey: ...


T = TypeVar("T", bound=Write)


@dataclass(frozen=True)
class Sent:
    """What the platform answered to one call: its id of the request, and the SKUs it left out."""

    request_id: str = ""
    unseen: frozenset[str] = frozenset()


@dataclass
class _Batch(Generic[T]):
    """A batch under way: every item gets exactly one outcome, in its place."""

    items: Sequence[T]
    outcomes: dict[int, Outcome[T]] = field(default_factory=dict)
    stop: ChannelError | None = None

    def settle(self, places: Iterable[int], error: ChannelError | None, request_id: str = "") -> None:
        """A refusal to write again leaves the doubt, since what was accepted before is in force."""
        for place in places:
            if error is None or place not in self.outcomes:
                self.outcomes[place] = Outcome(self.items[place], error, request_id=request_id)

    def doubt(self, place: int, words: str) -> None:
        error = OutcomeUnknown(words, channel=CHANNEL.code)
        self.outcomes[place] = Outcome(self.items[place], error, request_id=self.outcomes[place].request_id)

    def unsettled(self) -> list[int]:
        return [place for place in range(len(self.items)) if place not in self.outcomes]

    def done(self) -> list[Outcome[T]]:
        return [self.outcomes[place] for place in range(len(self.items))]


class Goods:
    """Reads and writes the items of one shop. `tmall` answers whether the shop is one of Tmall; it may ask the
    platform.
    """

    def __init__(self, shop_id: str, client: TaobaoClient, clock: Clock, tmall: Callable[[], bool]) -> None:
        self._shop_id = shop_id
        self._client = client
        self._clock = clock
        self._tmall = tmall

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
        items = self._read(key.listing_id for key in keys)
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

    def set_stock(self, batch: Sequence[StockWrite]) -> list[Outcome[StockWrite]]:
        """What was accepted and may yet leave more for sale than was wished is OutcomeUnknown."""
        run = _Batch(batch)
        for place, write in enumerate(batch):
            if write.quantity < 0:
                run.settle([place], _invalid("a stock must not be negative"))
        places = run.unsettled()
        for _ in range(ROUNDS):
            withheld: set[SkuKey] = set()
            self._write(run, places, partial(self._set_quantities, withheld), AHEAD)
            places = self._too_many(run, places, withheld)
        return run.done()

    def adjust_stock(self, batch: Sequence[StockDelta]) -> list[Outcome[StockDelta]]:
        """Tmall takes a key that makes a repetition harmless and refuses to go below zero by itself."""
        try:
            if self._tmall():
                return one_by_one(batch, self._adjust_tmall)
            items = self._read(delta.key.listing_id for delta in batch)
        except ChannelError as error:
            return [Outcome(delta, error, request_id=error.request_id) for delta in batch]
        left = {
            (listing_id, stock.sku_id): stock.sellable
            for listing_id, item in items.items()
            for stock in mapping.stocks(item)
        }

        def adjust(delta: StockDelta) -> Outcome[StockDelta]:
            name = (delta.key.listing_id, delta.key.sku_id)
            if name not in left:
                raise _no_such_sku()
            if left[name] + delta.change < 0:
                raise Conflict("the stock would go below zero", channel=CHANNEL.code)
            sent = self._send_quantities(delta.key.listing_id, {delta.key.sku_id: delta.change}, CHANGE)
            left[name] += delta.change
            return Outcome(delta, _left_out() if sent.unseen else None, request_id=sent.request_id)

        return one_by_one(batch, adjust)

    def set_price(self, batch: Sequence[PriceWrite]) -> list[Outcome[PriceWrite]]:
        run = _Batch(batch)
        for place, write in enumerate(batch):
            if write.price.sale <= 0:
                run.settle([place], _invalid("a price must be above 0"))
        written: dict[str, dict[str, int]] = {}

        def send(item: wire.Item, writes: Sequence[PriceWrite]) -> Sent:
            return self._set_prices(item, writes, written.setdefault(item.num_iid, {}))

        self._write(run, run.unsettled(), send, ITEMS)
        return run.done()

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

    def _read(self, listing_ids: Iterable[str]) -> dict[str, wire.Item]:
        """Items by id; what does not exist is left out. Raises Malformed for a bad one."""
        ids = [each for each in dict.fromkeys(listing_ids) if each.isascii() and each.isdigit()]
        items = sound(lambda: [wire.Item.model_validate(row) for row in self._details(ids)], channel=CHANNEL.code)
        return {item.num_iid: item for item in items}

    def _details(self, ids: Sequence[str]) -> Iterator[wire.Row]:
        """The rows of items; one that does not exist has none."""
        for start in range(0, len(ids), ITEMS):
            asked = {"num_iids": ",".join(ids[start : start + ITEMS]), "fields": wire.ITEM_FIELDS}
            yield from self._client.call(wire.ITEMS, asked).items

    def _fetched(self, row: wire.Row) -> Fetched[Listing]:
        return Fetched(mapping.listing(self._shop_id, wire.Item.model_validate(row)), to_json(row))

    def _write(
        self, run: _Batch[T], places: Iterable[int], send: Callable[[wire.Item, Sequence[T]], Sent], ahead: int
    ) -> None:
        """At most 20 SKUs of one item at a time. The items of the next `ahead` such writes are read together."""
        chunks = _chunks(run.items, places)
        for start in range(0, len(chunks), ahead):
            some = chunks[start : start + ahead]
            try:
                if run.stop:
                    raise run.stop
                items = self._read(run.items[chunk[0]].key.listing_id for chunk in some)
            except ChannelError as error:
                run.settle(chain.from_iterable(some), error, error.request_id)
                run.stop = error if isinstance(error, TAKES_NO_MORE) else run.stop
                continue
            for chunk in some:
                item = items.get(run.items[chunk[0]].key.listing_id)
                if item is None:
                    run.settle(chunk, NotFound("there is no such item", channel=CHANNEL.code))
                    continue
                known = {stock.sku_id for stock in mapping.stocks(item)}
                run.settle((place for place in chunk if run.items[place].key.sku_id not in known), _no_such_sku())
                self._send_chunk(run, item, [place for place in chunk if run.items[place].key.sku_id in known], send)

    def _too_many(self, run: _Batch[StockWrite], places: Iterable[int], withheld: set[SkuKey]) -> list[int]:
        """Reads back what was accepted of the SKUs that had units withheld, and answers the places of those of which
        more can be sold than wished. Of a SKU that was written twice the last wish counts.
        """
        accepted = (place for place in places if run.outcomes[place].error is None)
        last = {run.items[place].key: place for place in accepted if run.items[place].key in withheld}
        try:
            levels = {level.key: level.sellable for level in self.stock_levels(list(last))}
        except ChannelError:
            levels = {}
        found = []
        for key, place in last.items():
            if key not in levels:
                run.doubt(place, "it was accepted, and could not be read back")
            elif levels[key] > run.items[place].quantity:
                run.doubt(place, "it was accepted, but orders paid or cancelled meanwhile leave more for sale")
                found.append(place)
        return found

    def _send_chunk(
        self, run: _Batch[T], item: wire.Item, places: Sequence[int], send: Callable[[wire.Item, Sequence[T]], Sent]
    ) -> None:
        """One call; where it is refused, one for each, so that a bad SKU never fails its neighbours."""
        if not places:
            return
        if run.stop:
            run.settle(places, run.stop)
            return
        try:
            sent = send(item, [run.items[place] for place in places])
        except Rejected as refusal:
            if len(places) == 1:
                run.settle(places, refusal, refusal.request_id)
                return
            for place in places:
                self._send_chunk(run, item, [place], send)
        except ChannelError as failure:
            run.settle(places, failure, failure.request_id)
            if isinstance(failure, TAKES_NO_MORE):
                run.stop = failure
        else:
            for place in places:
                lost = run.items[place].key.sku_id in sent.unseen
                run.settle([place], _left_out() if lost else None, sent.request_id)

    def _set_quantities(self, withheld: set[SkuKey], item: wire.Item, writes: Sequence[StockWrite]) -> Sent:
        """Notes the SKUs of which units were withheld."""
        told = {stock.sku_id: stock for stock in mapping.stocks(item)}
        withheld.update(write.key for write in writes if told[write.key.sku_id].withheld)
        wanted = {write.key.sku_id: write.quantity + told[write.key.sku_id].withheld for write in writes}
        try:
            return self._send_quantities(item.num_iid, wanted, FULL)
        except Conflict as refusal:
            if not refusal.sub_code.startswith(PRESALE):
                raise
            now = {sku_id: told[sku_id].sellable + told[sku_id].withheld for sku_id in wanted}
            changes = {sku_id: quantity - now[sku_id] for sku_id, quantity in wanted.items()}
            return self._send_quantities(item.num_iid, changes, CHANGE)

    def _send_quantities(self, listing_id: str, quantities: dict[str, int], kind: int) -> Sent:
        """Quantities by SKU id; an item without SKUs is named by its own id."""
        if self._tmall():
            return self._send_tmall(listing_id, quantities, {"type": kind})
        if listing_id in quantities:
            params: dict[str, Param] = {"num_iid": listing_id, "quantity": quantities[listing_id], "type": kind}
            return Sent(self._client.call(wire.SET_ITEM_QUANTITY, params).request_id)
        pairs = ";".join(f"{sku_id}:{quantity}" for sku_id, quantity in quantities.items())
        params = {"num_iid": listing_id, "skuid_quantities": pairs, "type": kind}
        answer = self._client.call(wire.SET_SKU_QUANTITIES, params)
        return Sent(answer.request_id, answer.unseen(quantities))

    def _send_tmall(self, listing_id: str, quantities: dict[str, int], options: dict[str, object]) -> Sent:
        params: dict[str, Param] = {"item_id": listing_id}
        if listing_id in quantities:
            params["item_quantity"] = quantities[listing_id]
        else:
            rows = [{"sku_id": _number(sku_id), "quantity": quantity} for sku_id, quantity in quantities.items()]
            params["sku_quantities"] = rows
        return Sent(self._client.call(wire.TMALL_QUANTITIES, {**params, "options": options}).request_id)

    def _adjust_tmall(self, delta: StockDelta) -> Outcome[StockDelta]:
        key = hashlib.sha256(delta.idempotency_key.encode()).hexdigest()[:BIZ_KEY_LENGTH]
        options: dict[str, object] = {"type": CHANGE, "outer_biz_key": key}
        try:
            sent = self._send_tmall(delta.key.listing_id, {delta.key.sku_id: delta.change}, options)
        except Invalid as refusal:
            if not refusal.sub_code.startswith(NEGATIVE):
                raise
            raise refusal.renamed(Conflict) from None
        return Outcome(delta, request_id=sent.request_id)

    def _set_prices(self, item: wire.Item, writes: Sequence[PriceWrite], written: dict[str, int]) -> Sent:
        """`written`: what this batch has set so far, which the reading does not show."""
        prices = {write.key.sku_id: write.price.sale for write in writes}
        if self._tmall():
            request_id = self._client.call(wire.TMALL_PRICES, _tmall_prices(item, prices, written)).request_id
            written.update(prices)
            return Sent(request_id)
        if not item.skus:
            raise Unsupported(CHANNEL.notes[Capability.SET_PRICE], channel=CHANNEL.code)
        for sku in item.skus:
            if sku.sku_id in prices:
                price = prices[sku.sku_id]
                params: dict[str, Param] = {
                    "num_iid": item.num_iid,
                    "properties": sku.properties or "",
                    "price": str(yuan(price)),
                    "item_price": str(mapping.item_price(item, {**written, sku.sku_id: price})),
                }
                request_id = self._client.call(wire.SET_SKU_PRICE, params).request_id
                written[sku.sku_id] = price
        return Sent(request_id)


def _tmall_prices(item: wire.Item, prices: dict[str, int], written: dict[str, int]) -> dict[str, Param]:
    params: dict[str, Param] = {"item_id": item.num_iid, "options": {"ignore_fake_credit": False}}
    if not item.skus:
        return {**params, "item_price": str(yuan(prices[item.num_iid]))}
    rows = [{"sku_id": _number(sku_id), "price": str(yuan(price))} for sku_id, price in prices.items()]
    item_price = str(mapping.item_price(item, {**written, **prices}))
    return {**params, "item_price": item_price, "sku_prices": rows}


def _chunks(items: Sequence[Write], places: Iterable[int]) -> list[list[int]]:
    """Places of at most 20 SKUs of one item; a SKU that is written twice goes into a later chunk than before."""
    chunks: list[list[int]] = []
    latest: dict[str, tuple[list[int], set[str]]] = {}
    for place in places:
        key = items[place].key
        chunk, skus = latest.get(key.listing_id, ([], set()))
        if not chunk or len(chunk) == SKUS or key.sku_id in skus:
            chunk, skus = [], set()
            latest[key.listing_id] = chunk, skus
            chunks.append(chunk)
        chunk.append(place)
        skus.add(key.sku_id)
    return chunks


def _number(text: str) -> int:
    """SKU ids are numbers inside JSON parameters."""
    if not (text.isascii() and text.isdigit()):
        raise _invalid("ids of Taobao are numbers")
    return int(text)


def _left_out() -> OutcomeUnknown:
    return OutcomeUnknown("the answer leaves this SKU out", channel=CHANNEL.code)


def _no_such_sku() -> NotFound:
    return NotFound("the item has no such SKU", channel=CHANNEL.code)


def _invalid(reason: str) -> Invalid:
    return Invalid(reason, channel=CHANNEL.code)
