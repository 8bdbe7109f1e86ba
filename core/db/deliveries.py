"""Deliveries: which event is sent to which subscription, in which order, and every try.

Of one object only the first delivery that is due has a `not_before`, and only such a one is ever sent: that is the
whole of the order. `arrange` keeps it so after everything that changes who is first.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from core.db import feed
from core.db.engine import vault
from core.db.feed import FeedRow
from core.db.subscriptions import SubscriptionRow, move
from core.db.tables import DUE, delivery, delivery_attempt
from core.db.tables import feed as feed_table
from core.db.upsert import upsert

AT_ONCE = 1000
"""Events that are turned into deliveries in one transaction."""
FORGOTTEN_AT_ONCE = 5000


class State(StrEnum):
    """Due: still to be sent. Failed: given up after the last try. Skipped: nobody wants it, or it is kept no more."""

    DUE = "due"
    DELIVERED = "delivered"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Delivery:
    """One event for one subscription. Without `not_before` it waits for earlier events of its object."""

    id: int
    subscription_id: str
    position: int
    event_id: str
    object_key: str
    state: State
    tries: int
    attempts: int
    not_before: datetime | None
    status: int | None
    error: str
    created_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True)
class Attempt:
    """One call: the answer's status, or in one word why there was none. `response`: how its body began."""

    at: datetime
    status: int | None
    ms: int
    error: str = ""
    response: bytes = field(default=b"", repr=False)
    number: int = 0


@dataclass(frozen=True)
class Ended:
    """What became of a delivery by one call: what it is now, and when it is tried again."""

    delivery: Delivery
    attempt: Attempt
    state: State
    not_before: datetime | None = None


# Made once: making a statement costs more than running it, and these run at every turn.
_QUEUE = sa.and_(delivery.c.subscription_id == sa.bindparam("of"), DUE)
_OF_KEYS = sa.and_(_QUEUE, delivery.c.object_key.in_(sa.bindparam("keys", expanding=True)))
_IS_HEAD = delivery.c.position.in_(sa.bindparam("heads", expanding=True))
_HEADS = sa.select(sa.func.min(delivery.c.position)).where(_OF_KEYS).group_by(delivery.c.object_key)
_HOLD_BACK = sa.update(delivery).where(_OF_KEYS, delivery.c.not_before.is_not(None), ~_IS_HEAD).values(not_before=None)
_LET_GO = (
    sa.update(delivery)
    .where(_QUEUE, delivery.c.not_before.is_(None), _IS_HEAD)
    .values(not_before=sa.bindparam("now_on"))
)
_SENDABLE = (
    sa.select(delivery)
    .where(_QUEUE, delivery.c.not_before <= sa.bindparam("now_on"))
    .order_by(delivery.c.not_before, delivery.c.position)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_RECORD = (
    sa.update(delivery)
    .where(delivery.c.id == sa.bindparam("id_of"), DUE)
    .values(
        state=sa.bindparam("to_state"),
        tries=sa.bindparam("to_tries"),
        attempts=delivery.c.attempts + 1,
        not_before=sa.bindparam("from_then"),
        status=sa.bindparam("said"),
        error=sa.bindparam("word"),
        settled_at=sa.bindparam("settled"),
    )
    .returning(delivery.c.attempts)
)
_ATTEMPTS = sa.insert(delivery_attempt)


def fan_out(connection: Connection, row: SubscriptionRow, now: datetime) -> bool:
    """Makes deliveries of the next events and moves the subscription past them; True when there may be more.

    An event that has a delivery already, because the subscription was moved back, gets no second one.
    """
    names = (feed_table.c.position, feed_table.c.id, feed_table.c.type, feed_table.c.shop_id, feed_table.c.object_id)
    query = sa.select(*names).where(feed_table.c.position > row.position).order_by(feed_table.c.position)
    events = connection.execute(query.limit(AT_ONCE)).all()
    if not events:
        return False
    wanted = [event for event in events if row.wants(event.type, event.shop_id, event.object_id)]
    rows = [
        {
            "subscription_id": row.id,
            "position": event.position,
            "event_id": event.id,
            "object_key": f"{event.shop_id}/{event.object_id}",
            "created_at": now,
        }
        for event in wanted
    ]
    unchanged = ("event_id", "object_key", "created_at")
    upsert(connection, delivery, rows, on=("subscription_id", "position"), keep=unchanged)
    arrange(connection, row.id, now, {each["object_key"] for each in rows})
    move(connection, row.id, events[-1].position)
    return len(events) == AT_ONCE


def arrange(connection: Connection, identity: str, now: datetime, keys: Collection[str] | None = None) -> None:
    """Lets the first due delivery of each object be sent, and no other. `keys`: only these objects."""
    if keys is None:
        every = sa.select(delivery.c.object_key).where(_QUEUE).distinct()
        keys = list(connection.scalars(every, {"of": identity}))
    ordered = sorted(keys)
    for start in range(0, len(ordered), AT_ONCE):
        told = {"of": identity, "keys": ordered[start : start + AT_ONCE], "now_on": now}
        heads = list(connection.scalars(_HEADS, told))
        connection.execute(_HOLD_BACK, {**told, "heads": heads})
        connection.execute(_LET_GO, {**told, "heads": heads})


def sendable(connection: Connection, identity: str, now: datetime, room: int, busy: Collection[str]) -> list[Delivery]:
    """At most `room` deliveries whose turn has come, of objects that are not busy."""
    told = {"of": identity, "now_on": now, "most": room + len(busy)}
    found = [_delivery(row) for row in connection.execute(_SENDABLE, told)]
    return [each for each in found if each.object_key not in busy][:room]


def events(connection: Connection, positions: Collection[int]) -> dict[int, FeedRow]:
    """The events at these positions; those that the feed keeps no more are missing."""
    query = sa.select(feed_table).where(feed_table.c.position.in_(sorted(positions)))
    return {row.position: row for row in feed.opened(connection, connection.execute(query))}


def record(connection: Connection, ended: Iterable[Ended], now: datetime) -> None:
    """Writes down what became of calls. What is not due any more, or gone, is left as it is."""
    rows = []
    for each in ended:
        attempt = each.attempt
        told = {
            "id_of": each.delivery.id,
            "to_state": each.state.value,
            "to_tries": each.delivery.tries + (each.state is not State.DELIVERED),
            "from_then": each.not_before,
            "said": attempt.status,
            "word": attempt.error,
            "settled": None if each.state is State.DUE else now,
        }
        number = connection.execute(_RECORD, told).scalar_one_or_none()
        if number is not None:
            rows.append(_attempt_row(connection, each.delivery.id, number, attempt))
    if rows:
        connection.execute(_ATTEMPTS, rows)


def _attempt_row(connection: Connection, identity: int, number: int, attempt: Attempt) -> dict[str, Any]:
    sealed = None
    if attempt.response:
        sealed = vault(connection).seal(attempt.response, "delivery_attempt", "response", f"{identity}/{number}")
    return {
        "delivery_id": identity,
        "number": number,
        "at": attempt.at,
        "status": attempt.status,
        "ms": attempt.ms,
        "error": attempt.error,
        "response": sealed,
    }


def skip(connection: Connection, ids: Iterable[int], now: datetime, error: str) -> None:
    """These will not be sent, though they were due."""
    query = sa.update(delivery).where(delivery.c.id.in_(sorted(ids)), DUE)
    connection.execute(query.values(state=State.SKIPPED.value, not_before=None, settled_at=now, error=error))


def skip_all(connection: Connection, identity: str, now: datetime) -> int:
    """All that is due for a subscription will not be sent. How many."""
    query = sa.update(delivery).where(delivery.c.subscription_id == identity, DUE)
    return connection.execute(query.values(state=State.SKIPPED.value, not_before=None, settled_at=now)).rowcount


def resend(connection: Connection, row: SubscriptionRow, number: int, now: datetime) -> Delivery | None:
    """Sends one again, or at once what waits for its next try. None when the subscription has no such delivery."""
    own = sa.and_(delivery.c.id == number, delivery.c.subscription_id == row.id)
    found = connection.execute(sa.select(delivery).where(own)).one_or_none()
    if found is None:
        return None
    fresh = {} if found.state == State.DUE else {"tries": 0, "state": State.DUE.value, "settled_at": None}
    connection.execute(sa.update(delivery).where(own).values(not_before=now, **fresh))
    arrange(connection, row.id, now, {found.object_key})
    return _delivery(connection.execute(sa.select(delivery).where(own)).one())


def recover(connection: Connection, row: SubscriptionRow, since: datetime, now: datetime) -> int:
    """What failed or was skipped of the events since then is due again, and what never became a delivery will. How
    many of the former.
    """
    first = connection.scalar(sa.select(sa.func.min(feed_table.c.position)).where(feed_table.c.at >= since))
    if first is None:
        return 0
    lost = delivery.c.state.in_((State.FAILED.value, State.SKIPPED.value))
    query = sa.update(delivery).where(delivery.c.subscription_id == row.id, lost, delivery.c.position >= first)
    again = connection.execute(query.values(state=State.DUE.value, tries=0, settled_at=None)).rowcount
    arrange(connection, row.id, now)
    if first <= row.position:
        move(connection, row.id, first - 1)
    return again


def page(
    connection: Connection, identity: str, *, state: State | None = None, before: int | None = None, limit: int = 100
) -> list[Delivery]:
    """The newest events first; `before` is the position of the last one of the page before."""
    query = sa.select(delivery).where(delivery.c.subscription_id == identity)
    if state is not None:
        query = query.where(delivery.c.state == state.value)
    if before is not None:
        query = query.where(delivery.c.position < before)
    return [_delivery(row) for row in connection.execute(query.order_by(delivery.c.position.desc()).limit(limit))]


def attempts(connection: Connection, ids: Sequence[int]) -> dict[int, list[Attempt]]:
    """Every try of these deliveries, oldest first, with what was answered."""
    query = sa.select(delivery_attempt).where(delivery_attempt.c.delivery_id.in_(ids))
    found: dict[int, list[Attempt]] = {}
    for row in connection.execute(query.order_by(delivery_attempt.c.delivery_id, delivery_attempt.c.number)):
        response = b""
        if row.response is not None:
            place = f"{row.delivery_id}/{row.number}"
            response = vault(connection).open(row.response, "delivery_attempt", "response", place)
        attempt = Attempt(row.at, row.status, row.ms, row.error, response, row.number)
        found.setdefault(row.delivery_id, []).append(attempt)
    return found


def count(connection: Connection, identity: str, state: State) -> int:
    """How many deliveries of a subscription are in this state."""
    query = sa.select(sa.func.count()).where(delivery.c.subscription_id == identity, delivery.c.state == state.value)
    return connection.scalar(query) or 0


def waiting_since(connection: Connection, identity: str) -> datetime | None:
    """When the first delivery may be sent, or might have been; None when none is due."""
    due = sa.and_(delivery.c.subscription_id == identity, DUE, delivery.c.not_before.is_not(None))
    found: datetime | None = connection.scalar(sa.select(sa.func.min(delivery.c.not_before)).where(due))
    return found


def unseen_since(connection: Connection, row: SubscriptionRow) -> datetime | None:
    """Since when the feed is ahead of the subscription; None when it is not."""
    query = sa.select(feed_table.c.at).where(feed_table.c.position > row.position).order_by(feed_table.c.position)
    found: datetime | None = connection.scalar(query.limit(1))
    return found


def forget(connection: Connection, before: datetime) -> int:
    """Deletes some of the settled deliveries that were made before then; how many."""
    old = sa.select(delivery.c.id).where(delivery.c.created_at < before, ~DUE).limit(FORGOTTEN_AT_ONCE)
    return connection.execute(sa.delete(delivery).where(delivery.c.id.in_(old))).rowcount


def _delivery(row: sa.Row[Any]) -> Delivery:
    values = dict(row._mapping)
    return Delivery(**{**values, "state": State(values["state"])})
