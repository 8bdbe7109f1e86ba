"""The old end of the feed: what is forgotten after its time, and what is thinned out before."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from core.db.feed import before, head
from core.db.items import TABLES
from core.db.tables import feed, feed_end
from core.db.upsert import upsert


@dataclass(frozen=True)
class End:
    """Nothing at or before `expired` is kept, the newest of which was of `expired_at`; up to `compacted` only what
    no later event up to there supersedes is.
    """

    expired: int = 0
    expired_at: datetime | None = None
    compacted: int = 0


def end(connection: Connection) -> End:
    row = connection.execute(sa.select(feed_end.c.expired, feed_end.c.expired_at, feed_end.c.compacted)).one_or_none()
    return End(*row) if row else End()


def expire(connection: Connection, older_than: datetime, limit: int) -> int:
    """Forgets up to `limit` events that are older, the oldest first, never the newest of all. Answers how many."""
    last = min(before(connection, older_than), head(connection) - 1)
    rows = sa.select(feed.c.position, feed.c.at).where(feed.c.position <= last).order_by(feed.c.position).limit(limit)
    gone = connection.execute(rows).all()
    if gone:
        through = gone[-1].position
        connection.execute(sa.delete(feed).where(feed.c.position <= through))
        known = end(connection)
        newest = max(row.at for row in gone)
        if known.expired_at is not None:
            newest = max(newest, known.expired_at)
        _write(connection, expired=through, expired_at=newest, compacted=max(through, known.compacted))
    return len(gone)


def compact(connection: Connection, older_than: datetime, through: int | None, limit: int) -> tuple[int, int]:
    """Looks at the next `limit` events that are older and, where given, not after position `through`, and lets those go
    that one of them supersedes. Answers how many it looked at and how many went.
    """
    known = end(connection)
    last = before(connection, older_than)
    if through is not None:
        last = min(last, through)
    columns = (feed.c.position, feed.c.type, feed.c.shop_id, feed.c.object_id, feed.c.revision)
    query = sa.select(*columns).where(feed.c.position > known.compacted, feed.c.position <= last)
    seen = connection.execute(query.order_by(feed.c.position).limit(limit)).all()
    if not seen:
        return 0, 0
    newest = {_topic(row): row.position for row in seen}
    doubled = [row.position for row in seen if newest[_topic(row)] != row.position]
    objects = list({(row.shop_id, row.object_id) for row in seen})
    earlier = sa.select(*columns).where(
        feed.c.position <= known.compacted, sa.tuple_(feed.c.shop_id, feed.c.object_id).in_(objects)
    )
    doubled += [row.position for row in connection.execute(earlier) if _topic(row) in newest]
    _delete(connection, doubled)
    _write(connection, expired=known.expired, expired_at=known.expired_at, compacted=seen[-1].position)
    return len(seen), len(doubled)


def _topic(row: Any) -> tuple[str, str, str]:
    """Events of one topic supersede one another: what an object is now, what became of a wish, one conflict."""
    family, _, effect = row.type.partition(".")
    if family == "conflict":
        return f"{family}/{row.revision}", row.shop_id, row.object_id
    if family in TABLES and effect not in ("created", "updated"):
        return row.type, row.shop_id, row.object_id
    return family, row.shop_id, row.object_id


def _delete(connection: Connection, positions: Iterable[int]) -> None:
    if rows := [{"place": position} for position in positions]:
        connection.execute(sa.delete(feed).where(feed.c.position == sa.bindparam("place")), rows)


def _write(connection: Connection, **values: Any) -> None:
    upsert(connection, feed_end, [{"id": 1, **values}])
