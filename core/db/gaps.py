"""What walks left open: windows whose ids did not all come, less what later complete walks proved.

Reads the proofs of walks (`pull_window`), receipts and items; writes nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from core.db.items import TABLES
from core.db.tables import bad_row, pull_window, receipt

KINDS = {"orders": "order", "after_sales": "after_sale", "listings": "listing"}
"""Stream → the kind of item it brings."""


@dataclass(frozen=True)
class Gap:
    """A time range that no complete walk has proven yet. `id` is its first walk's, so that it stays while it is tried
    again; counts are the newest walk's. `expected` is None where the channel does not count.
    """

    id: int
    shop_id: str
    stream: str
    since: datetime
    until: datetime
    expected: int | None
    received: int
    bad: int
    tries: int
    first_at: datetime
    last_at: datetime


def find(connection: Connection, *, shop_id: str = "", stream: str = "", since: datetime | None = None) -> list[Gap]:
    """Every open gap, oldest first; with `since` only those whose last walk ended after it."""
    query = sa.select(pull_window).where(sa.not_(pull_window.c.complete)).order_by(pull_window.c.id)
    for column, wanted in ((pull_window.c.shop_id, shop_id), (pull_window.c.stream, stream)):
        if wanted:
            query = query.where(column == wanted)
    groups: list[list[Gap]] = []
    for row in connection.execute(query):
        tried = _gap(row)
        group = next((each for each in groups if _meets(each, tried)), None)
        if group is None:
            groups.append([tried])
        else:
            group.append(tried)
    found = [gap for group in groups if (gap := _left_open(group, _proofs(connection, group))) is not None]
    return [gap for gap in found if since is None or gap.last_at >= since]


def get(connection: Connection, gap_id: int) -> Gap | None:
    return next((gap for gap in find(connection) if gap.id == gap_id), None)


def named_but_missing(connection: Connection, gap: Gap, limit: int = 20) -> list[str]:
    """Ids that pushes of that time named and that are not here: the likeliest to be missing."""
    kind = KINDS.get(gap.stream)
    if kind is None:
        return []
    channel, _, account = gap.shop_id.partition(":")
    table = TABLES[kind]
    here = sa.select(table.c.id).where(table.c.shop_id == gap.shop_id, table.c.id == receipt.c.object_id)
    told_at = sa.func.coalesce(receipt.c.source_at, receipt.c.received_at)
    query = (
        sa.select(receipt.c.object_id)
        .where(
            receipt.c.channel == channel,
            receipt.c.account == account,
            receipt.c.kind == kind,
            told_at >= gap.since,
            told_at <= gap.until,
            sa.not_(sa.exists(here)),
        )
        .distinct()
        .order_by(receipt.c.object_id)
        .limit(limit)
    )
    return list(connection.scalars(query))


def changed_within(connection: Connection, gap: Gap) -> list[str]:
    """Ids of stored items whose newest source version lies in the gap: a complete walk should show them."""
    table = TABLES[KINDS[gap.stream]]
    query = sa.select(table.c.id).where(
        table.c.shop_id == gap.shop_id, table.c.source_at >= gap.since, table.c.source_at <= gap.until
    )
    return list(connection.scalars(query))


def unreadable(connection: Connection, gap: Gap) -> list[tuple[str, str]]:
    """(id, reason) of rows of this stream that came and could not be read."""
    query = sa.select(bad_row.c.object_id, bad_row.c.reason).where(
        bad_row.c.shop_id == gap.shop_id, bad_row.c.kind == KINDS.get(gap.stream, ""), bad_row.c.state == "parked"
    )
    return [(row.object_id, row.reason) for row in connection.execute(query.order_by(bad_row.c.id).limit(20))]


def last_walks(connection: Connection, shop_id: str = "") -> dict[tuple[str, str], datetime]:
    """(shop, stream) → when its newest walk ended."""
    query = sa.select(pull_window.c.shop_id, pull_window.c.stream, sa.func.max(pull_window.c.ended_at).label("at"))
    if shop_id:
        query = query.where(pull_window.c.shop_id == shop_id)
    rows = connection.execute(query.group_by(pull_window.c.shop_id, pull_window.c.stream))
    return {(row.shop_id, row.stream): row.at for row in rows}


def _meets(group: list[Gap], tried: Gap) -> bool:
    """A watermark that stands is tried again from the same instant, to a later end."""
    if (group[0].shop_id, group[0].stream) != (tried.shop_id, tried.stream):
        return False
    return any(tried.since <= each.until and each.since <= tried.until for each in group)


def _gap(row: sa.Row[tuple[object, ...]]) -> Gap:
    values = row._mapping
    return Gap(
        id=values["id"],
        shop_id=values["shop_id"],
        stream=values["stream"],
        since=values["since"],
        until=values["until"],
        expected=values["expected"],
        received=values["received"],
        bad=values["bad"],
        tries=1,
        first_at=values["ended_at"],
        last_at=values["ended_at"],
    )


def _proofs(connection: Connection, group: list[Gap]) -> list[tuple[int, datetime, datetime]]:
    """Complete walks after the group's first that touch its range: (walk, since, until)."""
    first = group[0]
    query = sa.select(pull_window.c.id, pull_window.c.since, pull_window.c.until).where(
        pull_window.c.shop_id == first.shop_id,
        pull_window.c.stream == first.stream,
        pull_window.c.ended_at >= first.first_at,
        pull_window.c.id > first.id,
        pull_window.c.complete,
        pull_window.c.since <= max(tried.until for tried in group),
        pull_window.c.until >= min(tried.since for tried in group),
    )
    return [(row.id, row.since, row.until) for row in connection.execute(query)]


def _left_open(group: list[Gap], proofs: list[tuple[int, datetime, datetime]]) -> Gap | None:
    """Replays the walks in their order: one that missed something opens its range, a complete one closes its own."""
    ranges: list[tuple[datetime, datetime]] = []
    gap: Gap | None = None
    opened = [(tried.id, tried.since, tried.until) for tried in group]
    by_id = {tried.id: tried for tried in group}
    for walk, since, until in sorted(opened + proofs):
        ranges = _without(ranges, since, until)
        if tried := by_id.get(walk):
            ranges.append((since, until))
            gap = tried if gap is None else replace(tried, id=gap.id, tries=gap.tries + 1, first_at=gap.first_at)
        gap = gap if ranges else None
    if gap is None:
        return None
    return replace(gap, since=min(begin for begin, _ in ranges), until=max(end for _, end in ranges))


def _without(
    ranges: list[tuple[datetime, datetime]], since: datetime, until: datetime
) -> list[tuple[datetime, datetime]]:
    left = []
    for begin, end in ranges:
        left += [part for part in ((begin, min(end, since)), (max(begin, until), end)) if part[0] < part[1]]
    return left
