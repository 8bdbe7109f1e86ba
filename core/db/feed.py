"""The feed: events appended in the transaction that changed the thing they tell of, read by position.

Position order is commit order: on PostgreSQL every appender holds one advisory lock from its first append to its
commit, and so must append last in its transaction; on SQLite there is one writer anyway.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from core.db.engine import lock
from core.db.tables import feed, watermark


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
                "data": event.data,
            }
            for event in events
        ],
    )


def read(
    connection: Connection, after: int, limit: int, *, types: Sequence[str] = (), shops: Sequence[str] = ()
) -> list[FeedRow]:
    """The next events after a position. A type that ends in `.*` means all of its family."""
    query = sa.select(feed).where(feed.c.position > after).order_by(feed.c.position).limit(limit)
    if types:
        query = query.where(sa.or_(*(_of_type(wanted) for wanted in types)))
    if shops:
        query = query.where(feed.c.shop_id.in_(shops))
    return [
        FeedRow(row.type, row.shop_id, row.object_id, row.revision, row.at, row.data, row.position)
        for row in connection.execute(query)
    ]


def _of_type(wanted: str) -> sa.ColumnElement[bool]:
    if wanted.endswith(".*"):
        return feed.c.type.startswith(wanted[:-1], autoescape=True)
    return feed.c.type == wanted


def head(connection: Connection) -> int:
    """The position of the newest event; 0 when there is none."""
    return connection.scalar(sa.select(sa.func.max(feed.c.position))) or 0


def complete_through(connection: Connection) -> dict[str, datetime]:
    """Shop → the instant up to which every order change of the channel is in the feed."""
    rows = connection.execute(
        sa.select(watermark.c.shop_id, watermark.c.complete_through).where(watermark.c.stream == "orders")
    )
    return {row.shop_id: row.complete_through for row in rows}
