"""Shipments go out: the order is re-read just before every step, so that a hold, an open refund or somebody else's
number is seen.

The same look settles an attempt without an answer: what the channel shows is what happened.
"""

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import Connection

from core.channel import Connector, Outcome
from core.db import feed, intents, lanes
from core.db.intents import Attempt, Intent
from core.db.lanes import Claim, Kind
from core.errors import ChannelError
from core.model import Order, Shipment
from core.shipping import Ask, Change, Done, Send, Wait, next_step
from sync import deliver
from sync.accept import absorb
from sync.runtime import Runtime

BATCH = 20
WAIT_FOR_ORDER = timedelta(minutes=2)
"""How soon an order that may not be shipped yet is looked at again."""


def drain(runtime: Runtime, connector: Connector, claim: Claim) -> bool:
    """Works on one batch of shipments, each alone, or what of it there is time for. True when there may be more."""
    deadline = runtime.monotonic() + runtime.settings.drain_seconds
    with runtime.database.read() as connection:
        due = intents.due(connection, claim.lane.shop_id, [Kind.SHIP.value], runtime.clock.now(), BATCH)
    for item in due:
        _step(runtime, connector, claim, item)
        if runtime.monotonic() >= deadline:
            break
    return bool(due)


def _step(runtime: Runtime, connector: Connector, claim: Claim, item: Intent) -> None:
    shipment = Shipment.model_validate_json(item.wanted)
    try:
        fetched = connector.order(shipment.order_id)
    except ChannelError as error:
        _unreadable(runtime, claim, item, error)
        return
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, timedelta(seconds=runtime.settings.lease_seconds))
        open_attempt = intents.unsettled(connection, [item.id]).get(item.id)
        earlier = intents.of_object(connection, item.kind, item.shop_id, item.object_id)
        _, events = absorb(connection, runtime.vault, item.shop_id, [fetched], now)
        step = next_step(fetched.value, shipment, _numbers(other for other in earlier if other.id < item.id))
        if open_attempt is not None:
            _settle(runtime, connection, open_attempt, step)
        if isinstance(step, Done):
            intents.accepted(connection, item.id, item.version, now)
            events.append(deliver.told(connection, item, "accepted", now))
        elif isinstance(step, Ask):
            events += deliver.park(connection, item, step.code, step.reason, now)
        elif isinstance(step, Wait):
            intents.later(connection, item, now + WAIT_FOR_ORDER, step.code, step.reason, failed=False)
        feed.append(connection, events)
    runtime.bells.announce_feed()
    if isinstance(step, Send | Change):
        _act(runtime, connector, claim, item, shipment, step, fetched.value)


def _settle(runtime: Runtime, connection: Connection, attempt: Attempt, step: object) -> None:
    landed = isinstance(step, Done)
    words = "read back: the channel shows our numbers" if landed else "read back: the channel does not show our numbers"
    intents.end(connection, attempt.id, "accepted" if landed else "not_sent", runtime.clock.now(), message=words)


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
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, timedelta(seconds=runtime.settings.lease_seconds))
        if outcome.error is None and isinstance(step, Change):
            intents.end(connection, opened, "accepted", now, request_id=outcome.request_id)
            intents.later(connection, item, now + deliver.SHOW_AGAIN, "", "", failed=False)
        else:
            feed.append(connection, deliver.record(connection, item, opened, outcome, now))
    runtime.bells.announce_feed()
    if (lane_error := deliver.for_the_lane(outcome.error)) is not None:
        raise lane_error


def _unreadable(runtime: Runtime, claim: Claim, item: Intent, error: ChannelError) -> None:
    """The order could not be read: nothing was sent, and what was sent before stays unsettled."""
    if deliver.for_the_lane(error) is not None:
        raise error
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, timedelta(seconds=runtime.settings.lease_seconds))
        feed.append(connection, deliver.postpone(connection, item, error, now))


def _numbers(shipments: Iterable[Intent]) -> set[str]:
    return {draft.tracking_no for item in shipments for draft in Shipment.model_validate_json(item.wanted).parcels}
