"""Memos go out: the order is re-read just before, so that what the seller wrote meanwhile is decided and not written
over, and so that an attempt without an answer is settled by what the channel shows.

A memo may name people: it is sealed in its intent and its attempts, and no event or log tells it.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from core.channel import Connector, Outcome
from core.conflict import Field, same
from core.crypto import Vault
from core.db import conflicts, feed, intents, items, lanes
from core.db.conflicts import DecisionRow
from core.db.intents import Attempt, Intent
from core.db.lanes import Claim
from core.db.outcomes import Delay, Ending
from core.errors import ChannelError
from core.model import Memo, Order
from sync import acts, deliver, ledger
from sync.accept import absorb
from sync.changes import judge_memo, wanted_memo
from sync.conflicts import alone
from sync.decisions import event_of, hold
from sync.ledger import SHOW_AGAIN, Entry
from sync.runtime import Runtime


@dataclass(frozen=True)
class _Call:
    """A write that may leave: its attempt is committed. `instead_of` is the memo that it takes the place of."""

    item: Intent
    attempt: int
    memo: str
    instead_of: str


def drain(runtime: Runtime, connector: Connector, claim: Claim) -> bool:
    """Writes one batch of memos, each alone, or what of it there is time for. True when there may be more."""
    return acts.drain(runtime, connector, claim, _step)


def _step(runtime: Runtime, connector: Connector, claim: Claim, item: Intent) -> None:
    fetched = acts.read(runtime, connector, claim, item)
    if fetched is None:
        return
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, acts.lease(runtime))
        [seen], events = absorb(connection, runtime.vault, item.shop_id, [fetched], now)
        call, more = _decide(connection, runtime.vault, claim, item.id, now, only=seen.changed == ("memo",))
        feed.append(connection, events + more)
    runtime.bells.announce_feed()
    if call is not None:
        _write(runtime, connector, claim, call)


def _decide(
    connection: Connection, vault: Vault, claim: Claim, identity: int, now: datetime, *, only: bool
) -> tuple[_Call | None, list[feed.Event]]:
    """The call to make now, if any, with its attempt opened and everything else done already."""
    alone(connection, claim.lane.shop_id)
    item = intents.find(connection, identity)
    stored = items.find(connection, "order", item.shop_id, item.object_id)
    if item.state != "due" or stored is None:
        return None, []
    order = items.order(stored)
    events: list[feed.Event] = []
    if attempt := intents.unsettled(connection, [item.id]).get(item.id):
        goes_on, events = _settle(connection, vault, item, attempt, order, now)
        if not goes_on:
            return None, events
    ours, theirs = wanted_memo(vault, item, item.wanted), order.memo.model_dump_json()
    if same(Field.MEMO, ours, theirs):
        for row in _open(connection, item):
            conflicts.supersede(connection, row.id, now)
            events.append(event_of(row, "conflict.resolved", now, resolution="superseded"))
        _agree(connection, item, item.wanted, now, now)
        return None, events + ledger.write(connection, [Entry(item, "accepted")], now)
    events += judge_memo(connection, vault, order, order, item, now, only=only)
    for row in _open(connection, item):
        hold(connection, row, item, now)
    if not intents.still_due(connection, [item.id]):
        return None, events
    begun = intents.begin(connection, [item], claim.fence, now)
    return _Call(item, begun[item.id], ours, theirs), events


def _open(connection: Connection, item: Intent) -> list[DecisionRow]:
    return list(conflicts.open_ones(connection, item.shop_id, Field.MEMO, [item.object_id]).values())


def _settle(
    connection: Connection, vault: Vault, item: Intent, attempt: Attempt, order: Order, now: datetime
) -> tuple[bool, list[feed.Event]]:
    """Says what came of an attempt without an outcome, once it has had its time to land. True when the wish may go on
    at once.
    """
    if (until := (attempt.ended_at or attempt.started_at) + SHOW_AGAIN) > now:
        intents.later(connection, item, until, "", "", failed=False)
        return False, []
    if same(Field.MEMO, wanted_memo(vault, item, attempt.wanted), order.memo.model_dump_json()):
        landed = replace(item, version=attempt.version, wanted=attempt.wanted)
        _agree(connection, item, attempt.wanted, attempt.started_at, now)
        shown = Ending(attempt.id, "accepted", message="the channel shows our memo")
        events = ledger.write(connection, [Entry(landed, "accepted", shown=shown)], now)
        return item.version > attempt.version, events
    shown = Ending(attempt.id, "not_sent", message="the channel shows another memo")
    counted = ledger.died(item, attempt, now)
    return counted is None, ledger.write(connection, [replace(counted or Entry(item), shown=shown)], now)


def _write(runtime: Runtime, connector: Connector, claim: Claim, call: _Call) -> None:
    """One write. Where another memo was read while it was under way, the order is looked at once more."""
    item, begun_at = call.item, runtime.clock.now()
    try:
        outcome = connector.memo(item.object_id, Memo.model_validate_json(call.memo))
    except ChannelError as error:
        outcome = Outcome(item.object_id, error)
    if outcome.error is not None:
        outcome = replace(outcome, error=acts.patiently(runtime, connector, item, outcome.error))
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, acts.lease(runtime))
        alone(connection, item.shop_id)
        entry = ledger.answered(item, call.attempt, outcome, now)
        if outcome.error is None:
            _agree(connection, item, item.wanted, begun_at, now)
            if _crossed(connection, call):
                entry = replace(entry, outcome="", delay=Delay(item.this_version, now + SHOW_AGAIN, failed=False))
        feed.append(connection, ledger.write(connection, [entry], now))
    runtime.bells.announce_feed()
    if (lane_error := deliver.for_the_lane(outcome.error)) is not None:
        raise lane_error


def _crossed(connection: Connection, call: _Call) -> bool:
    """Whether a memo that is neither ours nor the one before was read since the call began."""
    stored = items.find(connection, "order", call.item.shop_id, call.item.object_id)
    shown = items.order(stored).memo.model_dump_json() if stored else call.memo
    return not same(Field.MEMO, shown, call.memo) and not same(Field.MEMO, shown, call.instead_of)


def _agree(connection: Connection, item: Intent, wanted: str, since: datetime, now: datetime) -> None:
    """The channel holds this memo of ours: both sides stand on it."""
    values = {item.object_id: json.loads(wanted)}
    conflicts.agree(connection, item.shop_id, Field.MEMO, values, since, now, "accepted")
