"""The feed: events appended in the transaction that changed the thing they tell of, read by position.

Position order is commit order: on PostgreSQL every appender holds one advisory lock from its first append to its
commit, and so must append last in its transaction; on SQLite there is one writer anyway. What an event tells is sealed
at rest, since people stand in it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from core.db.engine import lock, vault
from core.db.tables import feed, watermark

CLOCKS = timedelta(minutes=10)
"""How far the clocks of two of our hosts may be apart."""


@dataclass(frozen=True)
class Event:
    """Something that became so. `data` is JSON text; the id follows from type, object and revision."""

    type: str
    shop_id: str
    object_id: str
    revision: int
    at: datetime
    data: str

    @property
    def id(self) -> str:
        return f"{self.type}/{self.shop_id}/{self.object_id}/{self.revision}"


@dataclass(frozen=True)
class FeedRow(Event):
    """An event with its place in the feed."""

    position: int = 0


def append(connection: Connection, events: Sequence[Event]) -> None:
    """Must be the last thing a transaction does: from here to the commit no other appender can write."""
    if not events:
        return
    seal = vault(connection).seal
    lock(connection, "feed")
    connection.execute(
        sa.insert(feed),
        [
            {
                "id": event.id,
                "type": event.type,
                "shop_id": event.shop_id,
                "object_id": event.object_id,
                "revision": event.revision,
                "at": event.at,
                "data": seal(event.data.encode(), "feed", "data", event.id),
            }
            for event in events
        ],
    )


def read(
    connection: Connection,
    after: int,
    limit: int,
    *,
    types: Sequence[str] = (),
    shops: Sequence[str] = (),
    channels: Sequence[str] = (),
) -> list[FeedRow]:
    """The next events after a position. A type that ends in `.*` means all of its family."""
    wanted = matching(types, shops, channels)
    query = sa.select(feed).where(feed.c.position > after, *wanted).order_by(feed.c.position).limit(limit)
    return opened(connection, connection.execute(query))


def opened(connection: Connection, rows: Iterable[sa.Row[Any]]) -> list[FeedRow]:
    """Rows of the table as events, with their data as text."""
    unseal = vault(connection).open
    return [
        FeedRow(
            row.type,
            row.shop_id,
            row.object_id,
            row.revision,
            row.at,
            unseal(row.data, "feed", "data", row.id).decode(),
            row.position,
        )
        for row in rows
    ]


def matching(
    types: Sequence[str] = (), shops: Sequence[str] = (), channels: Sequence[str] = ()
) -> list[sa.ColumnElement[bool]]:
    """What an event must be to be one of these; no conditions for all events."""
    conditions: list[sa.ColumnElement[bool]] = []
    if types:
        conditions.append(sa.or_(*(_of_type(wanted) for wanted in types)))
    if shops:
        conditions.append(feed.c.shop_id.in_(shops))
    if channels:
        conditions.append(sa.or_(*(feed.c.shop_id.startswith(f"{each}:", autoescape=True) for each in channels)))
    return conditions


def _of_type(wanted: str) -> sa.ColumnElement[bool]:
    if wanted.endswith(".*"):
        return feed.c.type.startswith(wanted[:-1], autoescape=True)
    return feed.c.type == wanted


def head(connection: Connection) -> int:
    """The position of the newest event; 0 when there is none."""
    return connection.scalar(sa.select(sa.func.max(feed.c.position))) or 0


def before(connection: Connection, at: datetime) -> int:
    """The position before every event of that instant or later. Positions and times disagree by as much as the clocks
    of our hosts do, for which it looks back from the first such event by CLOCKS.
    """
    newest = head(connection)
    first = connection.scalar(sa.select(feed.c.at).where(feed.c.at >= at).order_by(feed.c.at).limit(1))
    if first is None:
        return newest
    about = sa.select(sa.func.min(feed.c.position)).where(feed.c.at >= at, feed.c.at <= first + CLOCKS)
    return int(connection.scalars(about).one()) - 1


def complete_through(connection: Connection) -> dict[str, datetime]:
    """Shop → the instant up to which every order change of the channel is in the feed."""
    rows = connection.execute(
        sa.select(watermark.c.shop_id, watermark.c.complete_through).where(watermark.c.stream == "orders")
    )
    return {row.shop_id: row.complete_through for row in rows}
