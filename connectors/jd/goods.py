"""A JD shop's listings and their SKUs: reading them, their stock with what is booked of it, and writing quantities and
prices.

The platform's stock number counts goods that running orders have booked; ours is what can still be sold. So the
bookings are read before an absolute number is written. An order that is shipped in between takes its bookings along and
leaves more for sale than was wished, so the number is read back and written again. An order that is placed in between
leaves less, which is right: it was sold since; where the number would be below the bookings then, the platform refuses
it, and it is written again as well.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import TypeVar

from pydantic_core import to_json

from connectors.jd import CHANNEL, mapping, wire
from connectors.jd.client import JdClient, Verdict, number, refusal
from connectors.rows import TAKES_NO_MORE, backwards, named, outcome, page, sound
from core.channel import Fetched, Outcome, Page, PriceWrite, StockDelta, StockWrite, one_by_one
from core.clock import Clock
from core.errors import ChannelError, Conflict, Invalid, NotFound, NotYet, OutcomeUnknown, Rejected
from core.model import Listing, SkuKey, StockLevel
from core.money import yuan

WARE_PAGE = 50
DEEPEST = 100
"""Pages that the search for listings serves at most (one source says so)."""
SKU_PAGE = 50
"""SKUs of a page, and of one question about single SKUs (inferred: no limit of that is documented)."""
LISTINGS = 20
"""Listings of one question about their SKUs (inferred, as many as the search for listings takes)."""
GROUP = 10
"""SKUs of one stock write, right after their bookings were read one by one. Fewer leave less time in which an order can
be shipped unseen, but every write takes its share of the app's 40 calls a second. Ten readings take 250 ms at that
rate, a fifth of what fifty would, for eight calls more in a hundred. No limit is documented.
"""
ROUNDS = 3
"""Writes of one SKU in a row, before it is left to be read back and tried later."""
UP, DOWN = 1, 2
"""`opType`."""
NOTE = "qudao"
"""What JD notes as the reason of a move on or off the shelf."""
KEY_LENGTH = 64
"""Longer keys of a stock change are hashed (inferred: no limit is documented)."""

Write = TypeVar("Write", StockDelta, PriceWrite)


class Goods:
    """Reads and writes the listings of one shop in one of its warehouses. Remembers which listing a SKU belongs to."""

    def __init__(self, shop_id: str, client: JdClient, clock: Clock, store_id: str) -> None:
        self._shop_id = shop_id
        self._client = client
        self._clock = clock
        self._store = store_id
        self._listing_of: dict[str, str] = {}

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
                skus = self._of_listings([str(row.get("wareId")) for row in rows])
                yield page(rows, partial(self._listed, skus), named("wareId"), whole)
            at = mapping.instant(newest)
            if total <= DEEPEST * WARE_PAGE or newest == since or at is None:
                return
            asked["startCreatedTime"] = mapping.wall_clock(at)

    def listing(self, listing_id: str) -> Fetched[Listing]:
        """Raises NotFound."""
        params = {"wareId": [number(listing_id)], "pageNo": 1, "pageSize": 1, "field": list(wire.WARE_FIELDS)}
        rows = self._client.call(wire.WARES, params).data or []
        if not rows:
            raise NotFound("no such listing").at(**self._client.place("listing"))
        return sound(lambda: self._listed(self._of_listings([listing_id]), rows[0]), **self._client.place("listing"))

    def stock_levels(self, keys: Sequence[SkuKey]) -> list[StockLevel]:
        """One call a SKU, beside those that tell which exist."""
        levels = []
        known = self._known(keys)
        for key in keys:
            if key in known and (stock := self._stock(key.sku_id)):
                sellable, held = mapping.sellable(stock), mapping.booked(stock)
                levels.append(StockLevel(key=key, sellable=sellable, held=held, read_at=self._clock.now()))
        return levels

    def set_stock(self, batch: Sequence[StockWrite]) -> list[Outcome[StockWrite]]:
        """Ten SKUs a call, each with its own answer; a call refused as a whole is halved. What was accepted and may yet
        leave more for sale than was wished is OutcomeUnknown.
        """
        run = _Run(batch)
        try:
            run.known = self._known([item.key for item in batch])
        except ChannelError as error:
            run.stop = error
        places = range(len(batch))
        for start in range(0, len(batch), GROUP):
            booked = self._bookings(run, places[start : start + GROUP])
            for _ in range(ROUNDS):
                self._write(run, booked)
                booked = self._too_many(run, booked) | self._outrun(run, booked)
        return [run.outcomes[place] for place in places]

    def adjust_stock(self, batch: Sequence[StockDelta]) -> list[Outcome[StockDelta]]:
        """The key is the platform's business number, under which a change counts once (inferred)."""
        return self._checked(batch, self._adjust)

    def set_price(self, batch: Sequence[PriceWrite]) -> list[Outcome[PriceWrite]]:
        return self._checked(batch, self._set_price)

    def set_shelf(self, listing_id: str, *, on: bool) -> Outcome[str]:
        """Harmless to repeat: what is there already stays there (inferred)."""

        def write() -> None:
            params = {"wareId": number(listing_id), "opType": UP if on else DOWN, "note": NOTE}
            try:
                self._client.call(wire.UP_OR_DOWN, params)
            except Rejected as error:
                raise _explained(error) from None

        return outcome(listing_id, write)

    def _listed(self, skus: Sequence[wire.Sku], row: wire.Row) -> Fetched[Listing]:
        ware = wire.Ware.model_validate(row)
        own = [sku for sku in skus if sku.wareId == ware.wareId]
        stocks = {sku.skuId: stock for sku in own if (stock := self._stock(sku.skuId))}
        value = mapping.listing(self._shop_id, ware, own, stocks)
        return Fetched(value, to_json({"ware": row, "skus": own, "stocks": stocks}))

    def _of_listings(self, listing_ids: Sequence[str]) -> list[wire.Sku]:
        """On and off the shelf, by id. Raises Malformed for one that cannot be read: without it, it would look gone."""
        ids = [int(each) for each in listing_ids if each.isdigit()]
        parts = [ids[start : start + LISTINGS] for start in range(0, len(ids), LISTINGS)]
        found = chain.from_iterable(self._search({"wareId": part}) for part in parts)
        return sorted(found, key=lambda sku: sku.skuId)

    def _known(self, keys: Iterable[SkuKey]) -> set[SkuKey]:
        """Those that exist. The platform's calls take a SKU alone; one of another listing is none of ours."""
        wanted = {key.sku_id for key in keys if key.sku_id.isdigit()}
        asked = sorted(wanted - self._listing_of.keys())
        for start in range(0, len(asked), SKU_PAGE):
            self._search({"skuId": [int(sku_id) for sku_id in asked[start : start + SKU_PAGE]]})
        return {key for key in keys if self._listing_of.get(key.sku_id) == key.listing_id}

    def _stock(self, sku_id: str) -> wire.SkuStock | None:
        """With bookings, where the query tells them; else the plain number. None where the warehouse has no row."""
        sku = {"skuId": number(sku_id)}
        told = self._client.call(wire.BOOKED, sku).obj
        if told is None or told.skuStockInfos is None:
            return mapping.in_store(self._client.call(wire.STOCK, sku).skuStocks or (), self._store)
        return mapping.in_store(told.skuStockInfos, self._store)

    def _search(self, asked: Mapping[str, object]) -> list[wire.Sku]:
        def ask(page: int) -> tuple[list[wire.Row], int]:
            params = {**asked, "skuStatuValue": [1, 2], "field": wire.SKU_FIELDS}
            answer = self._client.call(wire.SKUS, {**params, "pageNo": page, "page_size": SKU_PAGE})
            return answer.data or [], answer.totalItem

        found: dict[str, wire.Sku] = {}
        for row in chain.from_iterable(rows for rows, _ in backwards(ask, SKU_PAGE)):
            sku = sound(partial(wire.Sku.model_validate, row), channel=CHANNEL.code)
            found[sku.skuId] = sku
        self._listing_of |= {sku.skuId: sku.wareId for sku in found.values()}
        return list(found.values())

    def _bookings(self, run: "_Run", places: Iterable[int]) -> dict[int, int]:
        """What is booked of the SKUs at these places; what is not to be written gets its outcome."""
        booked: dict[int, int] = {}
        for place in places:
            item = run.items[place]
            try:
                if item.quantity < 0:
                    raise Invalid("stock cannot be negative", channel=CHANNEL.code)
                if run.stop:
                    raise run.stop
                stock = self._stock(item.key.sku_id) if item.key in run.known else None
                if stock is None:
                    raise NotFound("the listing has no such SKU", channel=CHANNEL.code)
                booked[place] = mapping.booked(stock) or 0
            except ChannelError as error:
                run.settle(place, error)
                run.stop = error if isinstance(error, TAKES_NO_MORE) else run.stop
        return booked

    def _write(self, run: "_Run", booked: Mapping[int, int]) -> None:
        """Writes the wishes and what is booked of each."""
        waiting = deque([list(booked)] if booked else [])
        while waiting:
            some = waiting.popleft()
            results: list[ChannelError | None]
            try:
                items = [(run.items[place], booked[place]) for place in some]
                results = self._set([(item.key.sku_id, item.quantity + more) for item, more in items])
            except ChannelError as error:
                half = len(some) // 2
                if isinstance(error, Rejected) and half:
                    waiting.extendleft([some[half:], some[:half]])
                    continue
                if isinstance(error, TAKES_NO_MORE):
                    run.stop = error
                    some = [*some, *chain.from_iterable(waiting)]
                    waiting.clear()
                results = [_explained(error)] * len(some)
            for place, result in zip(some, results, strict=True):
                run.settle(place, result)

    def _too_many(self, run: "_Run", booked: Mapping[int, int]) -> dict[int, int]:
        """Reads back what was accepted, and answers the present bookings of SKUs of which more can be sold than wished.
        Where nothing was booked nothing can have been shipped. Of a SKU that was written twice the last wish counts.
        """
        found: dict[int, int] = {}
        stop: ChannelError | None = None
        last = {run.items[place].key.sku_id: place for place in booked if run.outcomes[place].error is None}
        for sku_id, place in last.items():
            if not booked[place]:
                continue
            try:
                stock = None if stop else self._stock(sku_id)
            except ChannelError as error:
                stock, stop = None, error if isinstance(error, TAKES_NO_MORE) else None
                run.stop = run.stop or stop
            if stock is None:
                run.doubt(place, "it was accepted, and could not be read back", self._client)
            elif mapping.sellable(stock) > run.items[place].quantity:
                run.doubt(place, "it was accepted, but orders shipped meanwhile leave more for sale", self._client)
                found[place] = mapping.booked(stock) or 0
        return found

    def _outrun(self, run: "_Run", booked: Mapping[int, int]) -> dict[int, int]:
        """The present bookings of SKUs whose number was refused and that have more of them by now. Unless it is written
        again, such a wish is not refused for good.
        """
        found: dict[int, int] = {}
        for place in booked:
            error = run.outcomes[place].error
            if not isinstance(error, Conflict) or run.stop:
                continue
            try:
                stock = self._stock(run.items[place].key.sku_id)
            except ChannelError as unreadable:
                run.stop = unreadable if isinstance(unreadable, TAKES_NO_MORE) else None
                continue
            if stock and (now := mapping.booked(stock) or 0) > booked[place]:
                run.outcomes[place] = Outcome(run.items[place], error.renamed(NotYet))
                found[place] = now
        return found

    def _set(self, wanted: Sequence[tuple[str, int]]) -> list[ChannelError | None]:
        """One call. Its business number is new every time: a remembered one might swallow a newer wish."""
        store = number(self._store)
        rows = [{"skuId": number(sku_id), "storeId": store, "stockNum": quantity} for sku_id, quantity in wanted]
        stamp = hashlib.sha256(f"{self._clock.now().timestamp()}{rows}".encode()).hexdigest()[:32]
        answer = self._client.call(wire.SET_STOCK, {"req": {"stockRfId": f"qudao-{stamp}", "skuStocks": rows}})
        told: dict[str, deque[wire.StockResult]] = {}
        for result in (answer.obj.updateStockResult if answer.obj else None) or ():
            told.setdefault(result.data, deque()).append(result)
        return [_error(told.get(sku_id)) for sku_id, _ in wanted]

    def _adjust(self, item: StockDelta) -> Outcome[StockDelta]:
        key = item.idempotency_key
        params = {
            "skuId": number(item.key.sku_id),
            "stockNum": item.change,
            "storeId": number(self._store),
            "stockRfId": key if len(key) <= KEY_LENGTH else hashlib.sha256(key.encode()).hexdigest(),
        }
        try:
            self._client.call(wire.ADD_STOCK, params)
        except Rejected as error:
            raise _explained(error) from None
        return Outcome(item)

    def _set_price(self, item: PriceWrite) -> Outcome[PriceWrite]:
        if item.price.sale <= 0:
            raise Invalid("a price must be above 0", channel=CHANNEL.code)
        params = {"skuId": number(item.key.sku_id), "jdPrice": str(yuan(item.price.sale))}
        self._client.call(wire.SET_PRICE, params)
        return Outcome(item)

    def _checked(self, batch: Sequence[Write], write: Callable[[Write], Outcome[Write]]) -> list[Outcome[Write]]:
        """One by one; a SKU that its listing does not have is not sent."""
        try:
            known = self._known([item.key for item in batch])
        except ChannelError as error:
            return [Outcome(item, error) for item in batch]

        def checked(item: Write) -> Outcome[Write]:
            if item.key not in known:
                raise NotFound("the listing has no such SKU", channel=CHANNEL.code)
            return write(item)

        return one_by_one(batch, checked)


@dataclass
class _Run:
    """A batch of stock numbers under way: every item gets exactly one outcome, in its place."""

    items: Sequence[StockWrite]
    known: set[SkuKey] = field(default_factory=set)
    outcomes: dict[int, Outcome[StockWrite]] = field(default_factory=dict)
    stop: ChannelError | None = None
    """Why nothing more is sent."""

    def settle(self, place: int, error: ChannelError | None) -> None:
        """A refusal to write again leaves the doubt, since what was accepted before is in force."""
        if error is None or place not in self.outcomes:
            self.outcomes[place] = Outcome(self.items[place], error)

    def doubt(self, place: int, words: str, client: JdClient) -> None:
        error = OutcomeUnknown(words).at(**client.place(wire.SET_STOCK.name))
        self.outcomes[place] = Outcome(self.items[place], error)


def _error(results: deque[wire.StockResult] | None) -> ChannelError | None:
    """What became of one SKU of a stock write; equal SKUs are answered in the order in which they were sent."""
    if not results:
        return OutcomeUnknown("the answer leaves this SKU out", channel=CHANNEL.code)
    result = results.popleft()
    if result.success:
        return None
    error = _explained(refusal(Verdict(False, text=result.message or ""), write=True))
    return error.at(channel=CHANNEL.code, shop="", operation=wire.SET_STOCK.name)


def _explained(error: ChannelError) -> ChannelError:
    """A refusal that gives no reason we know is the listing's state: a promotion, a review (inferred)."""
    return error.renamed(Conflict) if type(error) is Rejected else error


def _created(row: wire.Row) -> int:
    value = row.get("created")
    return value if isinstance(value, int) else 0
