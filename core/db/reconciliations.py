"""Comparisons of a shop with its channel: what they looked at and found, and where one that was stopped goes on."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from core.db.items import TABLES
from core.db.tables import decision, reconciliation
from core.errors import ConfigurationError

NIGHTLY, ASKED, RESYNC = "nightly", "asked", "resync"


@dataclass(frozen=True)
class Counts:
    """`differing`: found other than known · `repaired`: taken over, or ours sent again · `asked`: a person must decide
    · `unread`: could not be read.
    """

    compared: int = 0
    differing: int = 0
    repaired: int = 0
    asked: int = 0
    unread: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, name) + getattr(other, name) for name in Counts.__dataclass_fields__))


@dataclass(frozen=True)
class Run:
    """One comparison. `cursor` says where it goes on; `ended_at` is None until it is through."""

    id: int
    shop_id: str
    origin: str
    parts: tuple[str, ...]
    since: datetime
    until: datetime
    started_at: datetime
    ended_at: datetime | None = None
    counts: Counts = Counts()
    cursor: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


def begin(
    connection: Connection,
    shop_id: str,
    origin: str,
    parts: Collection[str],
    since: datetime,
    until: datetime,
    now: datetime,
) -> Run:
    values = {
        "shop_id": shop_id,
        "origin": origin,
        "parts": ",".join(parts),
        "since": since,
        "until": until,
        "started_at": now,
    }
    made = connection.execute(sa.insert(reconciliation).values(values).returning(reconciliation.c.id))
    return get(connection, int(made.scalar_one()))


def get(connection: Connection, run_id: int) -> Run:
    """Raises ConfigurationError for an id that does not exist."""
    row = connection.execute(sa.select(reconciliation).where(reconciliation.c.id == run_id)).one_or_none()
    if row is None:
        raise ConfigurationError(f"no comparison {run_id}; `qudao reconcile --list` shows them")
    return _run(row)


def unfinished(connection: Connection, shop_id: str = "", *, origin: str, since: datetime) -> Run | None:
    """The newest run that was begun after `since` and is not through."""
    query = sa.select(reconciliation).where(
        reconciliation.c.origin == origin, reconciliation.c.ended_at.is_(None), reconciliation.c.started_at >= since
    )
    if shop_id:
        query = query.where(reconciliation.c.shop_id == shop_id)
    row = connection.execute(query.order_by(reconciliation.c.id.desc()).limit(1)).one_or_none()
    return _run(row) if row else None


def note(connection: Connection, run_id: int, found: Counts, cursor: Mapping[str, Any] | None = None) -> None:
    """Adds what was found, and moves the cursor when one is given."""
    values: dict[str, Any] = {
        name: reconciliation.c[name] + getattr(found, name) for name in Counts.__dataclass_fields__
    }
    if cursor is not None:
        values["cursor"] = json.dumps(cursor)
    connection.execute(sa.update(reconciliation).where(reconciliation.c.id == run_id).values(values))


def end(connection: Connection, run_id: int, now: datetime, reason: str = "") -> None:
    connection.execute(
        sa.update(reconciliation)
        .where(reconciliation.c.id == run_id, reconciliation.c.ended_at.is_(None))
        .values(ended_at=now, reason=reason[:500])
    )


def listed(connection: Connection, *, shop_id: str = "", limit: int = 50) -> list[Run]:
    """Newest first."""
    query = sa.select(reconciliation).order_by(reconciliation.c.id.desc()).limit(limit)
    if shop_id:
        query = query.where(reconciliation.c.shop_id == shop_id)
    return [_run(row) for row in connection.execute(query)]


def changed_between(connection: Connection, kind: str, shop_id: str, since: datetime, until: datetime) -> set[str]:
    """Ids of stored items whose newest source version lies in the range."""
    table = TABLES[kind]
    query = sa.select(table.c.id).where(
        table.c.shop_id == shop_id, table.c.source_at >= since, table.c.source_at <= until
    )
    return set(connection.scalars(query))


def last_decision(connection: Connection, shop_id: str) -> int:
    return connection.scalar(sa.select(sa.func.max(decision.c.id)).where(decision.c.shop_id == shop_id)) or 0


def decided_since(
    connection: Connection, shop_id: str, after: int, fields: Collection[str]
) -> list[tuple[str, str, str, str, str]]:
    """(field, object, outcome, base, theirs) of decisions made after one."""
    query = sa.select(
        decision.c.field, decision.c.object_id, decision.c.outcome, decision.c.base, decision.c.theirs
    ).where(decision.c.shop_id == shop_id, decision.c.id > after, decision.c.field.in_(fields))
    return [tuple(row) for row in connection.execute(query.order_by(decision.c.id))]


def _run(row: sa.Row[Any]) -> Run:
    values = row._mapping
    return Run(
        id=values["id"],
        shop_id=values["shop_id"],
        origin=values["origin"],
        parts=tuple(values["parts"].split(",")),
        since=values["since"],
        until=values["until"],
        started_at=values["started_at"],
        ended_at=values["ended_at"],
        counts=Counts(*(values[name] for name in Counts.__dataclass_fields__)),
        cursor=json.loads(values["cursor"] or "{}"),
        reason=values["reason"],
    )
