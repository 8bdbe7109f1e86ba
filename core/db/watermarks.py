"""Watermarks: how far each stream of a shop is proven complete, and when to look again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from core.db.tables import pull_window, shop, watermark
from core.db.upsert import upsert


@dataclass(frozen=True)
class Watermark:
    """Everything the channel changed in a stream up to `complete_through` has been accepted. `deadly_until` as in the
    table.
    """

    shop_id: str
    stream: str
    complete_through: datetime
    next_at: datetime
    tries: int
    reason: str
    deadly_until: datetime | None = None


@dataclass(frozen=True)
class Walk:
    """One walk over a window, as the proof of it. `expected` is None where the channel does not say."""

    since: datetime
    until: datetime
    expected: int | None
    received: int
    bad: int
    complete: bool


_COLUMNS = [watermark.c[name] for name in Watermark.__dataclass_fields__]
# Made once: making a statement costs more than running it, and these run at every look.
_OF_SHOP = watermark.c.shop_id == sa.bindparam("of_shop")
_OF_STREAM = watermark.c.stream == sa.bindparam("of_stream")
_WITHOUT = sa.select(shop.c.id).where(
    shop.c.id.not_in(sa.select(watermark.c.shop_id).where(_OF_STREAM)), shop.c.state == "active"
)
_DUE = sa.select(*_COLUMNS).where(_OF_SHOP, watermark.c.next_at <= sa.bindparam("now")).order_by(watermark.c.next_at)
_FURTHER = sa.case(
    (watermark.c.complete_through < sa.bindparam("through"), sa.bindparam("through")),
    else_=watermark.c.complete_through,
)
_ADVANCE = (
    sa.update(watermark)
    .where(_OF_SHOP, _OF_STREAM)
    .values(complete_through=_FURTHER, next_at=sa.bindparam("then"), tries=0, reason="")
)


def begin(connection: Connection, shop_id: str, streams: Mapping[str, datetime], now: datetime) -> None:
    """Starts the streams a shop does not have yet, each from the given instant, due at once."""
    rows = [
        {"shop_id": shop_id, "stream": stream, "complete_through": since, "next_at": now}
        for stream, since in streams.items()
    ]
    upsert(connection, watermark, rows, keep=("complete_through", "next_at"))


def without(connection: Connection, stream: str) -> list[str]:
    """Shops that have not begun a stream."""
    return list(connection.scalars(_WITHOUT, {"of_stream": stream}))


def due(connection: Connection, shop_id: str, now: datetime) -> list[Watermark]:
    """Streams of a shop that are to be looked at now, longest waiting first."""
    return [Watermark(*row) for row in connection.execute(_DUE, {"of_shop": shop_id, "now": now})]


def of_shop(connection: Connection, shop_id: str) -> dict[str, Watermark]:
    query = sa.select(*_COLUMNS).where(watermark.c.shop_id == shop_id)
    return {row.stream: Watermark(*row) for row in connection.execute(query)}


def log(connection: Connection, shop_id: str, stream: str, walk: Walk, now: datetime) -> None:
    """Keeps the proof of a walk."""
    row = {"shop_id": shop_id, "stream": stream, "ended_at": now, **vars(walk)}
    connection.execute(sa.insert(pull_window), row)


def forget_walks(connection: Connection, before: datetime) -> None:
    """Drops the proofs of walks that ended before then."""
    connection.execute(sa.delete(pull_window).where(pull_window.c.ended_at < before))


def advance(connection: Connection, shop_id: str, stream: str, complete_through: datetime, next_at: datetime) -> None:
    """Moves a watermark forward, never back."""
    named = {"of_shop": shop_id, "of_stream": stream}
    connection.execute(_ADVANCE, {**named, "through": complete_through, "then": next_at})


def again(connection: Connection, shop_id: str, stream: str, next_at: datetime, reason: str) -> None:
    """Leaves a watermark where it is, to be tried again."""
    connection.execute(
        sa.update(watermark)
        .where(watermark.c.shop_id == shop_id, watermark.c.stream == stream)
        .values(next_at=next_at, tries=watermark.c.tries + 1, reason=reason[:500])
    )


def deadly(connection: Connection, shop_id: str, stream: str, until: datetime | None) -> None:
    """Remembers how far the walk was to reach that ended its worker; None once it was walked."""
    connection.execute(
        sa.update(watermark)
        .where(watermark.c.shop_id == shop_id, watermark.c.stream == stream)
        .values(deadly_until=until)
    )


def look_now(connection: Connection, shop_id: str, stream: str, now: datetime) -> None:
    """Makes a stream that waits for its next try due at once."""
    connection.execute(
        sa.update(watermark)
        .where(watermark.c.shop_id == shop_id, watermark.c.stream == stream, watermark.c.next_at > now)
        .values(next_at=now)
    )
