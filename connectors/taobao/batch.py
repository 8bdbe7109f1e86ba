"""A batch of writes to items: the items it reads first, the calls it makes, and what became of each of its writes.

Items are read before they are written, because a quantity may hold units of unpaid orders and a price has a range.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Generic, Protocol, TypeVar

from connectors.rows import TAKES_NO_MORE
from connectors.taobao import CHANNEL, mapping, wire
from connectors.taobao.goods import Goods
from core.channel import Outcome
from core.errors import ChannelError, Invalid, NotFound, OutcomeUnknown, Rejected
from core.model import SkuKey

SKUS = 20
"""SKUs of one write, all of one item."""


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
class Batch(Generic[T]):
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


def send_all(
    goods: Goods, run: Batch[T], places: Iterable[int], send: Callable[[wire.Item, Sequence[T]], Sent], ahead: int
) -> None:
    """At most 20 SKUs of one item at a time. The items of the next `ahead` such writes are read together."""
    chunks = _chunks(run.items, places)
    for start in range(0, len(chunks), ahead):
        some = chunks[start : start + ahead]
        try:
            if run.stop:
                raise run.stop
            items = goods.read(run.items[chunk[0]].key.listing_id for chunk in some)
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
            run.settle((place for place in chunk if run.items[place].key.sku_id not in known), no_such_sku())
            _send_chunk(run, item, [place for place in chunk if run.items[place].key.sku_id in known], send)


def _send_chunk(
    run: Batch[T], item: wire.Item, places: Sequence[int], send: Callable[[wire.Item, Sequence[T]], Sent]
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
            _send_chunk(run, item, [place], send)
    except ChannelError as failure:
        run.settle(places, failure, failure.request_id)
        if isinstance(failure, TAKES_NO_MORE):
            run.stop = failure
    else:
        for place in places:
            lost = run.items[place].key.sku_id in sent.unseen
            run.settle([place], left_out() if lost else None, sent.request_id)


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


def number(text: str) -> int:
    """SKU ids are numbers inside JSON parameters."""
    if not (text.isascii() and text.isdigit()):
        raise invalid("ids of Taobao are numbers")
    return int(text)


def left_out() -> OutcomeUnknown:
    return OutcomeUnknown("the answer leaves this SKU out", channel=CHANNEL.code)


def no_such_sku() -> NotFound:
    return NotFound("the item has no such SKU", channel=CHANNEL.code)


def invalid(reason: str) -> Invalid:
    return Invalid(reason, channel=CHANNEL.code)
