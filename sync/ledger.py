"""The book of calls: what one came to is judged alone, and a whole batch of it is written in a handful of statements.

Lives here: what an answer, a silence or a look at the channel means for the attempt and its intent. Does not: how calls
are made (sync/deliver, sync/ship), nor what an error class asks for (sync/policy).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from core.channel import Outcome
from core.db import feed, outcomes
from core.db.intents import Attempt, Intent
from core.db.lanes import Kind
from core.db.outcomes import Delay, Ending, Parking
from core.errors import ChannelError, OutcomeUnknown, Rejected
from sync import policy
from sync.policy import Action

log = structlog.get_logger("qudao.ledger")

SHOW_AGAIN = timedelta(seconds=3)
"""How long after an unanswered write the channel is asked what came of it, so that a write on its way can land."""
WHOLE_LANE = (Action.LANE_LATER, Action.REFRESH, Action.PAUSE_SHOP)
"""What concerns everything else on the lane as well."""

DIED = "worker_died"
"""Reason code of a wish in whose call the worker died, until its next try."""


@dataclass(frozen=True)
class Entry:
    """What is to be written about one intent. `outcome` is told in the feed: accepted, pending (the channel took it and
    reviews it) or parked; empty when there is nothing to tell.
    """

    item: Intent
    outcome: str = ""
    code: str = ""
    reason: str = ""
    delay: Delay | None = None
    ended: Ending | None = None
    """What was answered."""
    shown: Ending | None = None
    """What the channel shows of an attempt without an answer."""


def write(connection: Connection, entries: Sequence[Entry], now: datetime) -> list[feed.Event]:
    """Writes entries about one kind of intent in one shop, each about another object; answers the events that tell of
    them. What is parked while a newer wish took its place is neither parked nor told.
    """
    if not entries:
        return []
    newest = outcomes.locked(connection, [each.item.id for each in entries])
    outcomes.end(connection, [each.ended for each in entries if each.ended], now)
    outcomes.read_back(connection, [each.shown for each in entries if each.shown], now)
    taken = [each.item.this_version for each in entries if each.outcome in ("accepted", "pending")]
    outcomes.accept(connection, taken, now)
    outcomes.delay(connection, [each.delay for each in entries if each.delay])
    current = [each for each in entries if each.outcome != "parked" or newest[each.item.id] == each.item.version]
    parked = [Parking(e.item.this_version, e.code, e.reason) for e in current if e.outcome == "parked"]
    outcomes.park(connection, parked, now)
    return told(connection, [each for each in current if each.outcome], now)


def answered(item: Intent, attempt_id: int, outcome: Outcome[Any], now: datetime) -> Entry:
    """What one call came to."""
    error = outcome.error
    if error is None:
        ended = Ending(attempt_id, "accepted", request_id=outcome.request_id)
        return Entry(item, "pending" if outcome.pending else "accepted", ended=ended)
    decision = policy.decide(error, item.tries)
    code, words = policy.code(error), str(error)
    state = "rejected" if decision.action is Action.PARK or isinstance(error, Rejected) else "not_sent"
    if isinstance(error, OutcomeUnknown):
        state = "unknown"
    ended = Ending(attempt_id, state, error.code or code, words, error.request_id)
    if decision.action is Action.PARK:
        return replace(parked(item, code, words), ended=ended)
    wait = max(SHOW_AGAIN, decision.wait) if decision.action is Action.READ_BACK else decision.wait
    failed = decision.action not in WHOLE_LANE
    return Entry(item, delay=Delay(item.this_version, now + wait, code, words, failed), ended=ended)


def postponed(item: Intent, error: ChannelError, now: datetime) -> Entry:
    """What was to be read before anything is sent could not be read: later, or for a person. An attempt without an
    answer stays so.
    """
    decision = policy.decide(error, item.tries)
    code, words = policy.code(error), str(error)
    if decision.action is not Action.ITEM_LATER:
        return parked(item, code, words)
    return Entry(item, delay=Delay(item.this_version, now + decision.wait, code, words))


def died(item: Intent, attempt: Attempt, now: datetime) -> Entry | None:
    """Counts a call that did not land and whose worker died in it, before it could count it itself; what kills its
    worker again and again is for a person. None when there is nothing to count, and the wish may go on at once.
    """
    if attempt.state != "open" or attempt.version != item.version:
        return None
    error = OutcomeUnknown("the worker died in the call")
    decision = policy.decide(error, item.tries)
    if decision.action is Action.PARK:
        return parked(item, policy.code(error), f"{error}, {item.tries + 1} times")
    return Entry(item, delay=Delay(item.this_version, now + decision.wait, DIED, str(error)))


def parked(item: Intent, code: str, reason: str) -> Entry:
    """Hands an intent to a person, unless a newer wish took its place meanwhile."""
    log.warning("parked", shop=item.shop_id, kind=item.kind, object=item.object_id, code=code)
    return Entry(item, "parked", code, reason)


def told(connection: Connection, entries: Sequence[Entry], now: datetime) -> list[feed.Event]:
    """The events of outcomes: `stock.accepted`, `price.pending`, `shipment.parked` …"""
    revisions = outcomes.tell(connection, [each.item.id for each in entries])
    return [_event(each, revisions[each.item.id], now) for each in entries]


def _event(entry: Entry, revision: int, now: datetime) -> feed.Event:
    item = entry.item
    family = "shipment" if item.kind == Kind.SHIP else item.kind
    named: dict[str, Any] = {"order_id": item.object_id}
    if item.kind == Kind.SHELF:
        named = {"listing_id": item.object_id, "wanted": item.wanted}
    elif item.kind in (Kind.STOCK, Kind.PRICE):
        named = dict(zip(("listing_id", "sku_id"), item.object_id.split("/", 1), strict=True))
    if item.kind not in (Kind.MEMO, Kind.SHELF):  # a memo may name people
        named["wanted"] = json.loads(item.wanted)
    data = {
        **named,
        "intent": item.id,
        "version": item.version,
        "outcome": entry.outcome,
        "code": entry.code,
        "reason": entry.reason,
    }
    text = json.dumps(data, ensure_ascii=False)
    return feed.Event(f"{family}.{entry.outcome}", item.shop_id, item.object_id, revision, now, text)
