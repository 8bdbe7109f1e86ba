"""Desired state goes out, in batches: stock, prices and shelves.

Every call has its attempt row before it leaves. An attempt without an answer, or whose worker died, is settled by
reading the channel back before anything is sent for that intent again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from core.channel import Connector, Outcome, PriceWrite, StockWrite, one_by_one
from core.conflict import Field
from core.db import catalog, feed, intents, lanes, outcomes
from core.db.conflicts import Reading
from core.db.intents import Attempt, Intent
from core.db.lanes import Claim, Kind
from core.db.outcomes import Delay, Ending
from core.errors import ChannelError, NotFound
from core.model import Price, SkuKey
from core.status import Shelf
from sync import conflicts, ledger, policy
from sync.ledger import SHOW_AGAIN, Entry
from sync.runtime import Runtime

ALONE_AFTER = 2
"""What was in so many calls in which the worker died shares no call any more."""
SHELVES_AT_ONCE = 20
SOLD_OUT = "0"
"""The wanted stock that must not wait for anything else."""


@dataclass(frozen=True)
class _Field:
    """How one kind of desired state is written and read back."""

    kind: Kind
    field: Field
    batch: Callable[[Connector], int]
    write: Callable[[Connector, Sequence[Intent]], Sequence[Outcome[Any]]]
    shown: Callable[[Connector, Sequence[Intent]], dict[SkuKey, str]]


def drain_stock(runtime: Runtime, connector: Connector, claim: Claim) -> bool:
    """Sends one batch of stock numbers. True when there may be more."""
    return _drain(runtime, connector, claim, _STOCK)


def drain_prices(runtime: Runtime, connector: Connector, claim: Claim) -> bool:
    """Sends one batch of prices. True when there may be more."""
    return _drain(runtime, connector, claim, _PRICE)


def drain_shelf(runtime: Runtime, connector: Connector, claim: Claim) -> bool:
    """Puts some listings on sale or takes them off. True when there may be more."""
    return _drain(runtime, connector, claim, _SHELF)


def _drain(runtime: Runtime, connector: Connector, claim: Claim, wanted: _Field) -> bool:
    size = wanted.batch(connector)
    with runtime.database.read() as connection:
        due = intents.due(connection, claim.lane.shop_id, [wanted.kind.value], runtime.clock.now(), size)
        open_attempts = intents.unsettled(connection, [item.id for item in due])
    if not due:
        return False
    claim.urgent = wanted.kind is Kind.STOCK and any(item.wanted == SOLD_OUT for item in due)
    due.sort(key=lambda item: item.key)  # as wishes lock these rows, so that neither waits for the other
    if open_attempts:
        doubtful = [(item, open_attempts[item.id]) for item in due if item.id in open_attempts]
        if settled := _landed_by_now(runtime, claim, doubtful):
            _read_back(runtime, connector, claim, wanted, settled)
    fresh = [item for item in due if item.id not in open_attempts]
    batch = _together(fresh)
    if batch:
        _send(runtime, connector, claim, wanted, batch)
    return len(due) == size or bool(open_attempts) or len(batch) < len(fresh)


def _together(fresh: list[Intent]) -> list[Intent]:
    """What shares the next call: everything but what was in calls that ended their workers. That is sent after it and
    one by one, so that only the one at fault goes on being counted.
    """
    suspects = [item for item in fresh if item.tries >= ALONE_AFTER and item.reason_code == ledger.DIED]
    return [item for item in fresh if item not in suspects] or suspects[:1]


def _landed_by_now(
    runtime: Runtime, claim: Claim, doubtful: list[tuple[Intent, Attempt]]
) -> list[tuple[Intent, Attempt]]:
    """Those whose write has had its time to land; a newer wish makes an intent due before that, and waits."""
    now = runtime.clock.now()
    young = [
        (item, until)
        for item, attempt in doubtful
        if (until := (attempt.ended_at or attempt.started_at) + SHOW_AGAIN) > now
    ]
    if young:
        with runtime.database.write() as connection:
            lanes.hold(connection, claim, now, _ttl(runtime))
            outcomes.delay(connection, [Delay(item.this_version, until, failed=False) for item, until in young])
    waiting = {item.id for item, _ in young}
    return [(item, attempt) for item, attempt in doubtful if item.id not in waiting]


def _send(runtime: Runtime, connector: Connector, claim: Claim, wanted: _Field, batch: list[Intent]) -> None:
    begun_at = runtime.clock.now()
    opened = _begin_unless_held(runtime, claim, wanted, batch)
    if not opened:
        return
    batch = [item for item in batch if item.id in opened]
    try:
        answers = wanted.write(connector, batch)
    except ChannelError as error:
        answers = [Outcome(item, error) for item in batch]
    now = runtime.clock.now()
    called = list(zip(batch, answers, strict=True))
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, _ttl(runtime))
        conflicts.alone(connection, claim.lane.shop_id)
        if wanted.kind is Kind.STOCK:
            sellable = {key_of(item): int(item.wanted) for item, answer in called if answer.error is None}
            catalog.note_sellable(connection, claim.lane.shop_id, sellable, now)
        entries = [ledger.answered(item, opened[item.id], answer, now) for item, answer in called]
        events = ledger.write(connection, entries, now)
        conflicts.took(connection, claim.lane.shop_id, wanted.field, _taken(entries), begun_at, now)
        feed.append(connection, events)
    runtime.bells.announce_feed()
    for answer in answers:
        if (lane_error := for_the_lane(answer.error)) is not None:
            raise lane_error


def _taken(entries: Sequence[Entry]) -> dict[str, str]:
    """Object → what the channel has from us now."""
    return {entry.item.object_id: entry.item.wanted for entry in entries if entry.outcome == "accepted"}


def _begin_unless_held(runtime: Runtime, claim: Claim, wanted: _Field, batch: Sequence[Intent]) -> dict[int, int]:
    """As `begin_attempts`, for the wishes that would overwrite nothing undecided."""
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, _ttl(runtime))
        free, considered = conflicts.before_send(
            connection, runtime.vault, claim.lane.shop_id, wanted.field, batch, now
        )
        opened = intents.begin(connection, free, claim.fence, now) if free else {}
        feed.append(connection, considered.events)
    if considered.events:
        runtime.bells.announce_feed()
    return opened


def begin_attempts(runtime: Runtime, claim: Claim, batch: Sequence[Intent]) -> dict[int, int]:
    """Proves the claim and opens an attempt for each intent, committed before any call."""
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, _ttl(runtime))
        return intents.begin(connection, batch, claim.fence, now)


def _read_back(
    runtime: Runtime, connector: Connector, claim: Claim, wanted: _Field, doubtful: list[tuple[Intent, Attempt]]
) -> None:
    """Settles attempts by what the channel shows: the number asked for means accepted, even where the call was lost and
    sales alone led to it, as writing it now would change nothing; any other means that it did not land. What cannot be
    read waits alone.
    """
    asked_at = runtime.clock.now()
    shown, unread = _look(connector, wanted, [item for item, _ in doubtful])
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, _ttl(runtime))
        conflicts.alone(connection, claim.lane.shop_id)
        entries, others = _settled(doubtful, shown, unread, asked_at, now)
        events = ledger.write(connection, entries, now)
        conflicts.took(connection, claim.lane.shop_id, wanted.field, _taken(entries), asked_at, now)
        judged = conflicts.consider_all(connection, runtime.vault, claim.lane.shop_id, wanted.field, others, now)
        feed.append(connection, events + judged.events)
    runtime.bells.ring(judged.lanes)
    runtime.bells.announce_feed()


def _settled(
    doubtful: Sequence[tuple[Intent, Attempt]],
    shown: dict[SkuKey, str],
    unread: dict[str, ChannelError],
    asked_at: datetime,
    now: datetime,
) -> tuple[list[Entry], list[Reading]]:
    """What a look at the channel says about each attempt, and the values that are not ours."""
    entries: list[Entry] = []
    others: list[Reading] = []
    for item, attempt in doubtful:
        key = key_of(item)
        value = shown.get(key)
        words = f"the channel shows {value}"
        if key.listing_id in unread:
            entries.append(ledger.postponed(item, unread[key.listing_id], now))
        elif value == attempt.wanted:
            landed = replace(item, version=attempt.version, wanted=attempt.wanted)
            entries.append(Entry(landed, "accepted", shown=Ending(attempt.id, "accepted", message=words)))
        else:
            counted = ledger.died(item, attempt, now) or Entry(item)
            entries.append(replace(counted, shown=Ending(attempt.id, "not_sent", message=words)))
            if value is not None:
                others.append(Reading(item.object_id, value, asked_at, now))
    return entries, others


def _look(
    connector: Connector, wanted: _Field, doubtful: Sequence[Intent]
) -> tuple[dict[SkuKey, str], dict[str, ChannelError]]:
    """What the channel shows, and the listings that could not be read. Raises what concerns the whole lane."""
    shown: dict[SkuKey, str] = {}
    unread: dict[str, ChannelError] = {}
    for listing_id in dict.fromkeys(key_of(item).listing_id for item in doubtful):
        try:
            shown |= wanted.shown(connector, [item for item in doubtful if key_of(item).listing_id == listing_id])
        except ChannelError as error:
            if for_the_lane(error) is not None:
                raise
            unread[listing_id] = error
    return shown, unread


def for_the_lane(error: ChannelError | None) -> ChannelError | None:
    """An error that concerns everything else on the lane as well."""
    return error if error is not None and policy.decide(error, 0).action in ledger.WHOLE_LANE else None


def key_of(item: Intent) -> SkuKey:
    listing_id, _, sku_id = item.object_id.partition("/")
    return SkuKey(listing_id=listing_id, sku_id=sku_id)


def _ttl(runtime: Runtime) -> timedelta:
    return timedelta(seconds=runtime.settings.lease_seconds)


def _set_stock(connector: Connector, batch: Sequence[Intent]) -> Sequence[Outcome[Any]]:
    return connector.set_stock([StockWrite(key_of(item), int(item.wanted)) for item in batch])


def _shown_stock(connector: Connector, batch: Sequence[Intent]) -> dict[SkuKey, str]:
    return {level.key: str(level.sellable) for level in connector.stock_levels([key_of(item) for item in batch])}


def _set_prices(connector: Connector, batch: Sequence[Intent]) -> Sequence[Outcome[Any]]:
    return connector.set_price([PriceWrite(key_of(item), Price.model_validate_json(item.wanted)) for item in batch])


def _shown_prices(connector: Connector, batch: Sequence[Intent]) -> dict[SkuKey, str]:
    """What the channel shows, restricted to the prices that were asked for."""
    asked = {key_of(item): Price.model_validate_json(item.wanted) for item in batch}
    shown: dict[SkuKey, str] = {}
    for listing_id in {key.listing_id for key in asked}:
        try:
            listing = connector.listing(listing_id).value
        except NotFound:
            continue
        for sku in listing.skus:
            key = SkuKey(listing_id=listing_id, sku_id=sku.sku_id)
            if key in asked and sku.price is not None:
                comparable = sku.price.model_dump(include=set(asked[key].model_dump(exclude_none=True)))
                shown[key] = Price(**comparable).model_dump_json(exclude_none=True)
    return shown


def _set_shelf(connector: Connector, batch: Sequence[Intent]) -> Sequence[Outcome[Any]]:
    return one_by_one([item.object_id for item in batch], partial(_put, connector, {i.object_id: i for i in batch}))


def _put(connector: Connector, wishes: dict[str, Intent], listing_id: str) -> Outcome[str]:
    return connector.set_shelf(listing_id, on=wishes[listing_id].wanted == Shelf.ON)


def _shown_shelf(connector: Connector, batch: Sequence[Intent]) -> dict[SkuKey, str]:
    """A listing that has run out is on sale all the same."""
    shown = {key_of(item): connector.listing(item.object_id).value.shelf.value for item in batch}
    return {key: (Shelf.ON if word is Shelf.SOLD_OUT else word).value for key, word in shown.items()}


_STOCK = _Field(Kind.STOCK, Field.STOCK, lambda connector: connector.channel.stock_batch, _set_stock, _shown_stock)
_PRICE = _Field(Kind.PRICE, Field.PRICE, lambda connector: connector.channel.price_batch, _set_prices, _shown_prices)
_SHELF = _Field(Kind.SHELF, Field.SHELF, lambda _connector: SHELVES_AT_ONCE, _set_shelf, _shown_shelf)
