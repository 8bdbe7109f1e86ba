"""Intents go out: stock and prices as desired state, in batches; shipments one by one, after a look at the order.

Every call has its attempt row before it leaves. An attempt without an answer, or whose worker died, is settled by
reading the channel back before anything is sent for that intent again.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from core.channel import Connector, Outcome, PriceWrite, StockWrite
from core.conflict import Field
from core.db import catalog, feed, intents, lanes
from core.db.conflicts import Reading
from core.db.intents import Attempt, Intent
from core.db.lanes import Claim, Kind
from core.errors import ChannelError, NotFound, OutcomeUnknown, Rejected
from core.model import Price, SkuKey
from sync import conflicts, policy
from sync.policy import Action
from sync.runtime import Runtime

log = structlog.get_logger("qudao.deliver")

SOLD_OUT = "0"
"""The wanted stock that must not wait for anything else."""
SHOW_AGAIN = timedelta(seconds=3)
"""How long after an unanswered write the channel is asked what came of it, so that a write on its way can land."""


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
    if fresh:
        _send(runtime, connector, claim, wanted, fresh)
    return len(due) == size or bool(open_attempts)


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
            for item, until in young:
                intents.later(connection, item, until, "", "", failed=False)
    waiting = {item.id for item, _ in young}
    return [(item, attempt) for item, attempt in doubtful if item.id not in waiting]


def _send(runtime: Runtime, connector: Connector, claim: Claim, wanted: _Field, batch: list[Intent]) -> None:
    begun_at = runtime.clock.now()
    opened = _begin_unless_held(runtime, claim, wanted, batch)
    if not opened:
        return
    batch = [item for item in batch if item.id in opened]
    try:
        outcomes = wanted.write(connector, batch)
    except ChannelError as error:
        outcomes = [Outcome(item, error) for item in batch]
    now = runtime.clock.now()
    lane_error: ChannelError | None = None
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, _ttl(runtime))
        conflicts.alone(connection, claim.lane.shop_id)
        events: list[feed.Event] = []
        for item, outcome in zip(batch, outcomes, strict=True):
            if outcome.error is None and wanted.kind is Kind.STOCK:
                catalog.note_sellable(connection, item.shop_id, key_of(item), int(item.wanted), now)
            events += record(connection, item, opened[item.id], outcome, now)
            lane_error = lane_error or for_the_lane(outcome.error)
        taken = {
            item.object_id: item.wanted
            for item, outcome in zip(batch, outcomes, strict=True)
            if outcome.error is None and not outcome.pending
        }
        conflicts.took(connection, claim.lane.shop_id, wanted.field, taken, begun_at, now)
        feed.append(connection, events)
    runtime.bells.announce_feed()
    if lane_error is not None:
        raise lane_error


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


def record(
    connection: Connection, item: Intent, attempt_id: int, outcome: Outcome[Any], now: datetime
) -> list[feed.Event]:
    """Writes what became of one call, and answers the events that tell of it."""
    error = outcome.error
    if error is None:
        intents.end(connection, attempt_id, "accepted", now, request_id=outcome.request_id)
        intents.accepted(connection, item.id, item.version, now)
        return [told(connection, item, "pending" if outcome.pending else "accepted", now)]
    decision = policy.decide(error, item.tries)
    code, words = policy.code(error), str(error)
    state = "rejected" if decision.action is Action.PARK or isinstance(error, Rejected) else "not_sent"
    if isinstance(error, OutcomeUnknown):
        state = "unknown"
    intents.end(connection, attempt_id, state, now, code=error.code or code, message=words, request_id=error.request_id)
    if decision.action is Action.PARK:
        return park(connection, item, code, words, now)
    wait = max(SHOW_AGAIN, decision.wait) if decision.action is Action.READ_BACK else decision.wait
    intents.later(connection, item, now + wait, code, words, failed=decision.action not in _WHOLE_LANE)
    return []


def postpone(connection: Connection, item: Intent, error: ChannelError, now: datetime) -> list[feed.Event]:
    """What was to be read before anything is sent could not be read: later, or for a person. An attempt without an
    answer stays so.
    """
    decision = policy.decide(error, item.tries)
    if decision.action is not Action.ITEM_LATER:
        return park(connection, item, policy.code(error), str(error), now)
    intents.later(connection, item, now + decision.wait, policy.code(error), str(error))
    return []


def died(connection: Connection, item: Intent, attempt: Attempt, now: datetime) -> list[feed.Event] | None:
    """Counts a call that did not land and whose worker died in it, before it could count it itself; what kills its
    worker again and again is for a person. None when there is nothing to count, and the wish may go on at once.
    """
    if attempt.state != "open" or attempt.version != item.version:
        return None
    error = OutcomeUnknown("the worker died in the call")
    decision = policy.decide(error, item.tries)
    if decision.action is Action.PARK:
        return park(connection, item, policy.code(error), f"{error}, {item.tries + 1} times", now)
    intents.later(connection, item, now + decision.wait, policy.code(error), str(error))
    return []


def park(connection: Connection, item: Intent, code: str, reason: str, now: datetime) -> list[feed.Event]:
    """Hands an intent to a person, with an event; none when a newer wish took its place meanwhile."""
    log.warning("parked", shop=item.shop_id, kind=item.kind, object=item.object_id, code=code)
    if not intents.park(connection, item, code, reason, now):
        return []
    return [told(connection, item, "parked", now, code=code, reason=reason)]


def told(
    connection: Connection, item: Intent, outcome: str, now: datetime, *, code: str = "", reason: str = ""
) -> feed.Event:
    """The event of an outcome: `stock.accepted`, `price.pending`, `shipment.parked` …"""
    family = "shipment" if item.kind == Kind.SHIP else item.kind
    named: dict[str, Any] = {"order_id": item.object_id}
    if item.kind != Kind.SHIP:
        named = dict(zip(("listing_id", "sku_id"), item.object_id.split("/", 1), strict=True))
    data = {
        **named,
        "wanted": json.loads(item.wanted),
        "intent": item.id,
        "version": item.version,
        "outcome": outcome,
        "code": code,
        "reason": reason,
    }
    revision = intents.tell(connection, item)
    text = json.dumps(data, ensure_ascii=False)
    return feed.Event(f"{family}.{outcome}", item.shop_id, item.object_id, revision, now, text)


def _read_back(
    runtime: Runtime, connector: Connector, claim: Claim, wanted: _Field, doubtful: list[tuple[Intent, Attempt]]
) -> None:
    """Settles attempts by what the channel shows: the number asked for means accepted, any other means that it did not
    land. What cannot be read waits alone.
    """
    asked_at = runtime.clock.now()
    shown, unread = _look(connector, wanted, [item for item, _ in doubtful])
    now = runtime.clock.now()
    taken: dict[str, str] = {}
    others: list[Reading] = []
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, _ttl(runtime))
        conflicts.alone(connection, claim.lane.shop_id)
        events: list[feed.Event] = []
        for item, attempt in doubtful:
            key = key_of(item)
            value = shown.get(key)
            if key.listing_id in unread:
                events += postpone(connection, item, unread[key.listing_id], now)
            elif value == attempt.wanted:
                intents.read_back(connection, attempt.id, "accepted", f"the channel shows {value}", now)
                intents.accepted(connection, item.id, attempt.version, now)
                landed = replace(item, version=attempt.version, wanted=attempt.wanted)
                events.append(told(connection, landed, "accepted", now))
                taken[item.object_id] = attempt.wanted
            else:
                intents.read_back(connection, attempt.id, "not_sent", f"the channel shows {value}", now)
                events += died(connection, item, attempt, now) or []
                if value is not None:
                    others.append(Reading(item.object_id, value, asked_at, now))
        conflicts.took(connection, claim.lane.shop_id, wanted.field, taken, asked_at, now)
        judged = conflicts.consider_all(connection, runtime.vault, claim.lane.shop_id, wanted.field, others, now)
        feed.append(connection, events + judged.events)
    runtime.bells.ring(judged.lanes)
    runtime.bells.announce_feed()


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


_WHOLE_LANE = (Action.LANE_LATER, Action.REFRESH, Action.PAUSE_SHOP)


def for_the_lane(error: ChannelError | None) -> ChannelError | None:
    """An error that concerns everything else on the lane as well."""
    return error if error is not None and policy.decide(error, 0).action in _WHOLE_LANE else None


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


_STOCK = _Field(Kind.STOCK, Field.STOCK, lambda connector: connector.channel.stock_batch, _set_stock, _shown_stock)
_PRICE = _Field(Kind.PRICE, Field.PRICE, lambda connector: connector.channel.price_batch, _set_prices, _shown_prices)
