"""Taking what tells of people out of rows that stay: items, their payloads, notices, events, memos and answers."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from core.db import feed as events
from core.db.engine import vault
from core.db.feed import FeedRow
from core.db.items import TABLES
from core.db.sealing import NOTHING, PERSONAL
from core.db.tables import (
    after_sales,
    agreed,
    attempt,
    bad_row,
    decision,
    delivery,
    delivery_attempt,
    feed,
    intent,
    raw,
    receipt,
    subscription,
)


def due(
    connection: Connection, kind: str, before: datetime, ended: Collection[str], limit: int
) -> list[tuple[str, str]]:
    """(shop, id) of items that ended, did not change since `before` and still tell of people."""
    table = TABLES[kind]
    query = (
        sa.select(table.c.shop_id, table.c.id)
        .where(table.c.erased_at.is_(None), table.c.changed_at < before, table.c.status.in_(ended))
        .order_by(table.c.changed_at)
        .limit(limit)
    )
    return [(row.shop_id, row.id) for row in connection.execute(query)]


def after_sales_of(connection: Connection, shop_id: str, order_id: str) -> list[str]:
    query = sa.select(after_sales.c.id).where(after_sales.c.shop_id == shop_id, after_sales.c.order_id == order_id)
    return list(connection.scalars(query))


def item(
    connection: Connection, kind: str, shop_id: str, identity: str, body: str, digest: bytes, now: datetime
) -> None:
    """Puts the erased body in the place of the item's, for good, and drops its payloads."""
    table = TABLES[kind]
    sealed = vault(connection).seal(body.encode(), table.name, "body", f"{shop_id}/{identity}")
    connection.execute(
        sa.update(table)
        .where(table.c.shop_id == shop_id, table.c.id == identity)
        .values(body=sealed, digest=digest, erased_at=now)
    )
    connection.execute(sa.delete(raw).where(raw.c.kind == kind, raw.c.shop_id == shop_id, raw.c.id == identity))
    connection.execute(
        sa.delete(bad_row).where(bad_row.c.kind == kind, bad_row.c.shop_id == shop_id, bad_row.c.object_id == identity)
    )


def told(connection: Connection, shop_id: str, ids: Collection[str], rewrite: Callable[[FeedRow], str | None]) -> None:
    """Rewrites the data of the events about these; `rewrite` answers None for an event that tells of nobody. What
    subscribers answered to them goes as well.
    """
    keeper = vault(connection)
    about = sa.select(feed).where(feed.c.shop_id == shop_id, feed.c.object_id.in_(ids))
    rows = events.opened(connection, connection.execute(about))
    for row in rows:
        if (data := rewrite(row)) is not None:
            sealed = keeper.seal(data.encode(), "feed", "data", row.id)
            connection.execute(sa.update(feed).where(feed.c.position == row.position).values(data=sealed))
    answers = sa.select(delivery.c.id).where(
        delivery.c.subscription_id.in_(sa.select(subscription.c.id)),  # so that the key is searched, not the table
        delivery.c.position.in_([row.position for row in rows]),
    )
    connection.execute(
        sa.update(delivery_attempt).where(delivery_attempt.c.delivery_id.in_(answers)).values(response=None)
    )


def words(connection: Connection, shop_id: str, order_id: str, now: datetime) -> None:
    """Forgets the memos and addresses of an order wherever they were compared, wished for or written."""

    def of_order(table: sa.Table, field: str) -> list[sa.ColumnElement[bool]]:
        return [table.c.shop_id == shop_id, table.c.object_id == order_id, table.c[field].in_(PERSONAL)]

    connection.execute(sa.delete(agreed).where(*of_order(agreed, "field")))
    connection.execute(sa.update(decision).where(*of_order(decision, "field")).values(base="", ours="", theirs=""))
    wishes = list(connection.scalars(sa.select(intent.c.id).where(*of_order(intent, "kind"))))
    connection.execute(sa.update(attempt).where(attempt.c.intent_id.in_(wishes)).values(wanted=NOTHING))
    still = sa.case((intent.c.state.in_(("due", "parked")), "dismissed"), else_=intent.c.state)
    values: dict[str, Any] = {"wanted": NOTHING, "state": still, "changed_at": now}
    connection.execute(sa.update(intent).where(intent.c.id.in_(wishes)).values(values))


def notices(connection: Connection, shop_id: str, ids: Collection[str]) -> None:
    """Drops what pushes about these said; that they came stays on record."""
    channel, _, account = shop_id.partition(":")
    about = sa.or_(receipt.c.object_id.in_(ids), receipt.c.parent_id.in_(ids))
    of_shop = sa.and_(receipt.c.channel == channel, receipt.c.account == account)
    keeper = vault(connection)
    for row in connection.execute(sa.select(receipt.c.id, receipt.c.dedup_key).where(of_shop, about)).all():
        empty = keeper.seal(b"", "receipt", "raw", f"{channel}/{row.dedup_key}")
        connection.execute(sa.update(receipt).where(receipt.c.id == row.id).values(raw=empty))


def forget_notices(connection: Connection, before: datetime, limit: int, after: int = 0) -> int | None:
    """Deletes old notices that nobody waits for, oldest first. Answers where to go on, None at the end."""
    query = sa.select(receipt.c.id, receipt.c.state, receipt.c.received_at).where(receipt.c.id > after)
    rows = connection.execute(query.order_by(receipt.c.id).limit(limit)).all()
    old = [row.id for row in rows if row.received_at < before and row.state in ("handled", "ignored")]
    connection.execute(sa.delete(receipt).where(receipt.c.id.in_(old)))
    return rows[-1].id if len(rows) == limit and rows[-1].received_at < before else None
