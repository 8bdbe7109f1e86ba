"""A shipment meets numbers that somebody else declared: who decides, and what becomes of the wish."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from core.conflict import Field, Outcome, decide, same
from core.db import conflicts, feed, intents
from core.db.conflicts import DecisionRow
from core.db.intents import CONFLICT, Intent
from core.model import Order, Shipment
from core.shipping import OTHERWISE, Ask, Change, Step, exclude_each_other
from sync import ledger
from sync.changes import numbers
from sync.decisions import Case, carry_out, event_of, hold
from sync.ledger import Entry

FIELDS = (Field.TRACKING, Field.ADDRESS)
"""An open decision about one of these holds an order's shipments."""


def overruled(connection: Connection, shop_id: str, order_id: str) -> set[str]:
    """Numbers on the channel that ours are to take the place of, by rule or by a person's word."""
    rows = conflicts.of_object(connection, shop_id, Field.TRACKING, order_id)
    lost = [row for row in rows if row.outcome == Outcome.PUSH or row.resolution == "ours"]
    return {number for row in lost for number in row.theirs.split(",")}


def held_for_address(connection: Connection, item: Intent, now: datetime) -> bool:
    """Holds a shipment while a person is asked about the order's new address."""
    opened = conflicts.open_ones(connection, item.shop_id, Field.ADDRESS, [item.object_id])
    for row in opened.values():
        words = f"{row.reason}; `qudao conflicts resolve {row.id} theirs` lets the shipment go"
        intents.park(connection, item, CONFLICT, words, now)
    return bool(opened)


def meet(connection: Connection, item: Intent, order: Order, now: datetime) -> tuple[Outcome, list[feed.Event]]:
    """Decides about the numbers an order shows instead of ours. `push`: ours take their place; `adopt`: the shipment
    is done with theirs; `ask`: it is held.
    """
    theirs, ours = numbers(order), wished(item)
    opened = conflicts.open_ones(connection, item.shop_id, Field.TRACKING, [order.id]).get(order.id)
    if opened is not None and same(Field.TRACKING, opened.theirs, theirs):
        hold(connection, opened, item, now)
        return Outcome.ASK, []
    base = conflicts.bases(connection, item.shop_id, Field.TRACKING, [order.id]).get(order.id)
    policy = conflicts.policies(connection, item.shop_id)[Field.TRACKING]
    stood_on = base.value if base is not None and not same(Field.TRACKING, base.value, theirs) else ""
    shipped_at = max((parcel.shipped_at for parcel in order.parcels if parcel.shipped_at), default=order.shipped_at)
    made = decide(Field.TRACKING, stood_on, ours, theirs, policy, ours_at=item.created_at, theirs_at=shipped_at)
    case = Case(item.shop_id, Field.TRACKING, order.id, stood_on, ours, theirs, policy, item)
    done = carry_out(connection, case, made, opened, ours_at=item.created_at, theirs_at=shipped_at or now, now=now)
    if made.outcome is Outcome.ADOPT:
        done.events += stands(connection, item, theirs, now)
    return made.outcome, done.events


def stands(connection: Connection, item: Intent, theirs: str, now: datetime) -> list[feed.Event]:
    """The shipment is done with the numbers the channel shows."""
    conflicts.agree(connection, item.shop_id, Field.TRACKING, {item.object_id: theirs}, now, now, "decided")
    reason = f"the channel's own numbers stand: {theirs}"
    return ledger.write(connection, [Entry(item, "accepted", "adopted", reason)], now)


def declared(connection: Connection, item: Intent, shown: str, now: datetime) -> list[feed.Event]:
    """The channel shows, or took, the wished numbers: an open decision about the order's numbers is settled by it."""
    events: list[feed.Event] = []
    for row in _open(connection, item.shop_id, item.object_id):
        conflicts.supersede(connection, row.id, now)
        events.append(event_of(row, "conflict.resolved", now, resolution="superseded"))
        if row.intent_id is not None and row.intent_id != item.id:
            intents.supersede(connection, intents.find(connection, row.intent_id), now)
    conflicts.agree(connection, item.shop_id, Field.TRACKING, {item.object_id: shown}, now, now, "accepted")
    return events


def superseded(
    connection: Connection, item: Intent, wishes: Sequence[Intent], order: Order, step: Step, now: datetime
) -> bool:
    """Ends a shipment where a later one of the same goods counts instead: one that is done already, or, if this one
    could only overwrite a number, one that is still to come. The last wish wins, in whatever order they get their turn.
    """
    ours = Shipment.model_validate_json(item.wanted)
    overwrites = isinstance(step, Change) or (isinstance(step, Ask) and step.code == OTHERWISE)
    counts = any(
        exclude_each_other(order, ours, Shipment.model_validate_json(later.wanted))
        for later in wishes
        if later.id > item.id
        and (later.state == "done" or (overwrites and (later.state == "due" or later.reason_code == CONFLICT)))
    )
    if counts:
        intents.supersede(connection, item, now)
    return counts


def wished(item: Intent) -> str:
    """The numbers of a wished shipment as one value."""
    return ",".join(sorted({draft.tracking_no for draft in Shipment.model_validate_json(item.wanted).parcels}))


def _open(connection: Connection, shop_id: str, order_id: str) -> Sequence[DecisionRow]:
    return list(conflicts.open_ones(connection, shop_id, Field.TRACKING, [order_id]).values())
