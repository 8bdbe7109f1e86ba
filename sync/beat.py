"""The beat: one leader rings every lane that SQL says is due. It is the timer and the sweeper in one.

Losing a bell, a job, a worker or the whole of Redis costs the time until the next beat and nothing else.
"""

import secrets
import threading
import time
from datetime import datetime, timedelta

import redis
import sqlalchemy as sa
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from core.db import audit, commands, intents, lanes, watermarks
from core.db.lanes import Kind, Lane
from core.db.shops import shop_id
from core.db.tables import Instant, intent, receipt, shop, watermark
from sync import feed_retention, privacy, pull, subscriptions
from sync.runtime import Runtime

log = structlog.get_logger("qudao.beat")

LEADER_KEY = "qudao:beat"
LEADER_SECONDS = 10
TIDY_SECONDS = 3600
RETAIN_SECONDS = 5
"""How long a beat may be busy with erasing; the rest is for the next hour."""
KEEP_WALKS = timedelta(days=30)


def run(runtime: Runtime, stop: threading.Event) -> None:
    """Beats until `stop` is set, as long as this process is the leader. An outage is logged and waited out."""
    owner = secrets.token_hex(8)
    tidied = 0.0
    while not stop.wait(runtime.settings.beat_seconds):
        try:
            if _lead(runtime.redis, owner):
                beat(runtime)
                if time.monotonic() - tidied > TIDY_SECONDS:
                    tidied = time.monotonic()
                    tidy(runtime)
        except (redis.RedisError, SQLAlchemyError) as error:
            log.warning("beat missed", error=type(error).__name__)
            stop.wait(1)
    _step_down(runtime.redis, owner)


def tidy(runtime: Runtime) -> None:
    """Forgets what may be forgotten: answers to commands older than their promised week, proofs of old walks."""
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        commands.forget(connection, now)
        watermarks.forget_walks(connection, now - KEEP_WALKS)
        audit.forget(connection, now - timedelta(days=runtime.settings.audit_keep_days))
    feed_retention.shorten(runtime)
    subscriptions.forget(runtime)
    enough = time.monotonic() + RETAIN_SECONDS
    for _ in privacy.retain(runtime):
        if time.monotonic() > enough:
            break


def beat(runtime: Runtime) -> set[Lane]:
    """Rings what is due and answers it."""
    now = runtime.clock.now()
    with runtime.database.read() as connection:
        fresh = watermarks.without(connection, pull.RECONCILIATION)
        due = due_lanes(connection, now)
        urgent = {Lane(identity, Kind.STOCK) for identity in intents.sold_out(connection, now)} & due
    for identity in fresh:
        pull.begin(runtime, identity)
        due.add(Lane(identity, Kind.PULL))
    runtime.bells.ring(urgent, urgent=True)
    runtime.bells.ring(due - urgent)
    return due


def due_lanes(connection: Connection, now: datetime) -> set[Lane]:
    """Lanes of active shops with work whose time has come, that nobody works on and that are not asleep."""
    active = set(connection.scalars(_ACTIVE))
    found = _notices(connection, now) | _intents(connection, now) | _streams(connection, now)
    return {lane for lane in found if lane.shop_id in active} - lanes.busy_or_asleep(connection, now)


def _notices(connection: Connection, now: datetime) -> set[Lane]:
    rows = connection.execute(_NOTICES, {"now": now})
    return {Lane(shop_id(row.channel, row.account), Kind.NOTICES) for row in rows}


def _intents(connection: Connection, now: datetime) -> set[Lane]:
    return {Lane(row.shop_id, Kind(row.kind)) for row in connection.execute(_INTENTS, {"now": now})}


def _streams(connection: Connection, now: datetime) -> set[Lane]:
    return {Lane(row.shop_id, pull.LANES[row.stream]) for row in connection.execute(_STREAMS, {"now": now})}


# Made once: making a statement costs more than running it, and these run at every beat.
_NOW = sa.bindparam("now", type_=Instant)
_ACTIVE = sa.select(shop.c.id).where(shop.c.state == "active")
_NOTICES = (
    sa.select(receipt.c.channel, receipt.c.account)
    .where(receipt.c.state == "due", receipt.c.not_before <= _NOW)
    .distinct()
)
_INTENTS = (
    sa.select(intent.c.shop_id, intent.c.kind).where(intent.c.state == "due", intent.c.not_before <= _NOW).distinct()
)
_STREAMS = sa.select(watermark.c.shop_id, watermark.c.stream).where(watermark.c.next_at <= _NOW)


def _lead(connection: redis.Redis, owner: str) -> bool:
    if connection.set(LEADER_KEY, owner, nx=True, ex=LEADER_SECONDS):
        return True
    if connection.get(LEADER_KEY) != owner.encode():
        return False
    connection.expire(LEADER_KEY, LEADER_SECONDS)
    return True


def _step_down(connection: redis.Redis, owner: str) -> None:
    """Lets another process lead at once."""
    try:
        if connection.get(LEADER_KEY) == owner.encode():
            connection.delete(LEADER_KEY)
    except redis.RedisError as error:
        log.warning("leadership left to expire", error=type(error).__name__)
