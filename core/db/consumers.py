"""Named readers of the feed: where each stands, what it asked for, how far it is behind."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from core.db.engine import lock
from core.db.feed import matching
from core.db.tables import consumer, delivery, feed, subscription

COUNTED = 10_000
"""Up to how many events a lag is counted."""


@dataclass(frozen=True)
class Consumer:
    """A named reader. `position` is what it has acknowledged; `epoch` tells it from an earlier one of the same name."""

    name: str
    epoch: str
    types: tuple[str, ...]
    shops: tuple[str, ...]
    channels: tuple[str, ...]
    start: str
    position: int
    created_at: datetime
    acked_at: datetime | None


@dataclass(frozen=True)
class Lag:
    """How many events of its choice a consumer has not acknowledged (at most COUNTED), and since when the oldest of
    them waits.
    """

    events: int
    oldest: datetime | None


def create(
    connection: Connection,
    name: str,
    *,
    types: Sequence[str],
    shops: Sequence[str],
    channels: Sequence[str],
    start: str,
    position: int,
    now: datetime,
) -> Consumer:
    """Call it after `claimed` found none."""
    row = {
        "name": name,
        "epoch": secrets.token_hex(4),
        **_filters(types, shops, channels),
        "start": start,
        "position": position,
        "created_at": now,
    }
    return _consumer(connection.execute(sa.insert(consumer).values(row).returning(consumer)).one())


def change(
    connection: Connection, name: str, *, types: Sequence[str], shops: Sequence[str], channels: Sequence[str]
) -> None:
    """Other filters from the acknowledged place on."""
    filters = _filters(types, shops, channels)
    connection.execute(sa.update(consumer).where(consumer.c.name == name).values(filters))


def acknowledge(connection: Connection, reader: Consumer, position: int, now: datetime) -> bool:
    """Moves forward only. True when it moved."""
    moved = connection.execute(
        sa.update(consumer)
        .where(consumer.c.name == reader.name, consumer.c.epoch == reader.epoch, consumer.c.position < position)
        .values(position=position, acked_at=now)
    )
    return moved.rowcount == 1


def remove(connection: Connection, name: str) -> bool:
    """False when there is none of that name."""
    return connection.execute(sa.delete(consumer).where(consumer.c.name == name)).rowcount == 1


def find(connection: Connection, name: str) -> Consumer | None:
    row = connection.execute(sa.select(consumer).where(consumer.c.name == name)).one_or_none()
    return _consumer(row) if row else None


def claimed(connection: Connection, name: str) -> Consumer | None:
    """As `find`; nobody else makes one of that name until the transaction ends."""
    lock(connection, f"consumer/{name}")
    return find(connection, name)


def every(connection: Connection) -> list[Consumer]:
    """By name."""
    return [_consumer(row) for row in connection.execute(sa.select(consumer).order_by(consumer.c.name))]


def lag(connection: Connection, reader: Consumer) -> Lag:
    """Counts the events of its choice behind what it acknowledged."""
    wanted = matching(reader.types, reader.shops, reader.channels)
    behind = sa.select(feed.c.position, feed.c.at).where(feed.c.position > reader.position, *wanted)
    some = behind.order_by(feed.c.position).limit(COUNTED).subquery()
    count = connection.scalar(sa.select(sa.func.count()).select_from(some)) or 0
    oldest = connection.execute(behind.order_by(feed.c.position).limit(1)).one_or_none() if count else None
    return Lag(count, oldest.at if oldest else None)


def slowest(connection: Connection) -> int | None:
    """Up to which position every consumer has acknowledged, and every subscription was served; None without any."""
    served = sa.select(subscription.c.position).where(subscription.c.state != "disabled")
    due = sa.select(delivery.c.position - 1).where(delivery.c.state == "due")
    places = sa.union_all(sa.select(consumer.c.position), served, due).subquery()
    found: int | None = connection.scalar(sa.select(sa.func.min(places.c[0])))
    return found


def _filters(types: Sequence[str], shops: Sequence[str], channels: Sequence[str]) -> dict[str, str]:
    return {"types": json.dumps(types), "shops": json.dumps(shops), "channels": json.dumps(channels)}


def _consumer(row: sa.Row[Any]) -> Consumer:
    types, shops, channels = (tuple(json.loads(each)) for each in (row.types, row.shops, row.channels))
    return Consumer(row.name, row.epoch, types, shops, channels, row.start, row.position, row.created_at, row.acked_at)
