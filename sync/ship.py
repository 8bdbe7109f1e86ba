"""Shipments go out: the order is re-read just before every step, so that a hold, an open refund or somebody else's
number is seen.

The same look settles an attempt without an answer: what the channel shows is what happened.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from core import conflict
from core.channel import Connector, Outcome
from core.db import feed, intents, lanes, outcomes
from core.db.intents import CONFLICT, Attempt, Intent
from core.db.lanes import Claim
from core.db.outcomes import Ending
from core.errors import AlreadyDone, ChannelError, NotYet, Rejected
from core.model import Order, Shipment
from core.shipping import OTHERWISE, Ask, Change, Done, Send, Step, Wait, next_step
from sync import acts, address, deliver, ledger, tracking
from sync.accept import absorb
from sync.changes import numbers
from sync.conflicts import alone
from sync.ledger import Entry
from sync.runtime import Runtime

WAIT_FOR_ORDER = timedelta(minutes=2)
"""How soon an order that may not be shipped yet is looked at again."""


def drain(runtime: Runtime, connector: Connector, claim: Claim) -> bool:
    """Works on one batch of shipments, each alone, or what of it there is time for. True when there may be more."""
    return acts.drain(runtime, connector, claim, _step)


def _step(runtime: Runtime, connector: Connector, claim: Claim, item: Intent) -> None:
    shipment = Shipment.model_validate_json(item.wanted)
    fetched = acts.read(runtime, connector, claim, item)
    if fetched is None:
        return
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, acts.lease(runtime))
        _, events = absorb(connection, runtime.vault, item.shop_id, [fetched], now)
        step, more = _decide(connection, item, fetched.value, now)
        feed.append(connection, events + more)
    runtime.bells.announce_feed()
    if isinstance(step, Send | Change):
        _act(runtime, connector, claim, item, shipment, step, fetched.value)


def _decide(connection: Connection, item: Intent, order: Order, now: datetime) -> tuple[Step, list[feed.Event]]:
    """What to do now, with everything but a call done already."""
    alone(connection, item.shop_id)
    shipment = Shipment.model_validate_json(item.wanted)
    open_attempt = intents.unsettled(connection, [item.id]).get(item.id)
    wishes = intents.of_object(connection, item.kind, item.shop_id, item.object_id)
    ours = _numbers(other for other in wishes if other.id < item.id)
    ours |= tracking.overruled(connection, item.shop_id, item.object_id)
    step = next_step(order, shipment, ours)
    lost = None if open_attempt is None else _settle(connection, item, open_attempt, step, now)
    if isinstance(step, Done):
        events = tracking.declared(connection, item, numbers(order), now)
        return step, [*events, *ledger.write(connection, [Entry(item, "accepted")], now)]
    if (
        lost is not None
        or tracking.superseded(connection, item, wishes, order, step, now)
        or tracking.held_for_address(connection, item, now)
        or (isinstance(step, Send | Change) and address.holds(connection, item, now))
    ):
        return Wait("held", "not now, or not before a person decided, or not any more"), lost or []
    if isinstance(step, Wait):
        intents.later(connection, item, now + WAIT_FOR_ORDER, step.code, step.reason, failed=False)
    if not isinstance(step, Ask):
        return step, []
    if step.code != OTHERWISE or not order.parcels:
        return step, ledger.write(connection, [ledger.parked(item, step.code, step.reason)], now)
    outcome, events = tracking.meet(connection, item, order, now)
    if outcome is conflict.Outcome.PUSH:
        return next_step(order, shipment, ours | set(numbers(order).split(","))), events
    if outcome is conflict.Outcome.ASK:
        events += ledger.told(connection, [Entry(item, "parked", CONFLICT, step.reason)], now)
    return step, events


def _settle(
    connection: Connection, item: Intent, attempt: Attempt, step: Step, now: datetime
) -> list[feed.Event] | None:
    """Says what came of an attempt without an outcome. A list where it may not be made again at once, else None."""
    landed = isinstance(step, Done)
    words = "the channel shows our numbers" if landed else "the channel does not show our numbers"
    state = "accepted" if landed else "not_sent"
    outcomes.read_back(connection, [Ending(attempt.id, state, message=words)], now)
    counted = ledger.died(item, attempt, now) if isinstance(step, Send | Change) else None
    return None if counted is None else ledger.write(connection, [counted], now)


def _act(
    runtime: Runtime,
    connector: Connector,
    claim: Claim,
    item: Intent,
    shipment: Shipment,
    step: Send | Change,
    order: Order,
) -> None:
    """One write. A declared shipment is done with the channel's word; a corrected number is looked at once more, since
    there may be another one to correct.
    """
    opened = deliver.begin_attempts(runtime, claim, [item])[item.id]
    outcome: Outcome[Shipment] | Outcome[str]
    try:
        if isinstance(step, Send):
            outcome = connector.ship(shipment, f"{item.key}/{item.version}")
        else:
            outcome = connector.change_tracking(order.id, step.old, step.new.carrier, step.new.tracking_no)
    except ChannelError as error:
        outcome = Outcome(shipment, error)
    if outcome.error is not None:
        patient = acts.patiently(runtime, connector, item, outcome.error)
        outcome = Outcome(shipment, _refused(connector, shipment, patient))
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, acts.lease(runtime))
        alone(connection, item.shop_id)
        if outcome.error is None and isinstance(step, Change):
            outcomes.end(connection, [Ending(opened, "accepted", request_id=outcome.request_id)], now)
            intents.later(connection, item, now + ledger.SHOW_AGAIN, "", "", failed=False)
        else:
            events = ledger.write(connection, [ledger.answered(item, opened, outcome, now)], now)
            if outcome.error is None:
                known = {*numbers(order).split(","), *tracking.wished(item).split(",")} - {""}
                events = tracking.declared(connection, item, ",".join(sorted(known)), now) + events
            feed.append(connection, events)
    runtime.bells.announce_feed()
    if (lane_error := deliver.for_the_lane(outcome.error)) is not None:
        raise lane_error


def _refused(connector: Connector, shipment: Shipment, error: ChannelError) -> ChannelError:
    """A channel that began to hold the order between our look and the call refuses it, and need not say why."""
    if not isinstance(error, Rejected) or isinstance(error, AlreadyDone):
        return error
    try:
        shown = connector.order(shipment.order_id).value
    except ChannelError:
        return error
    return error.renamed(NotYet) if isinstance(next_step(shown, shipment, ()), Wait) else error


def _numbers(shipments: Iterable[Intent]) -> set[str]:
    return {draft.tracking_no for item in shipments for draft in Shipment.model_validate_json(item.wanted).parcels}
