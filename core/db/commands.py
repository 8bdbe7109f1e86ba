"""Commands: one request of an ERP with the answer it got, so that its repetition gets the same answer.

A command's row is inserted first and filled last, in one transaction with the intents it makes. A repetition that
arrives meanwhile waits at the unique row until that transaction ends.
"""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from core.db.tables import command, command_item, intent

KEPT = timedelta(days=7)
"""How long an Idempotency-Key is remembered."""


@dataclass(frozen=True)
class CommandRow:
    """A stored command. `answer` is the JSON text it was answered with, `status` the HTTP status, `caller` the key."""

    id: str
    caller: str
    kind: str
    digest: bytes
    answer: str
    status: int
    created_at: datetime


@dataclass(frozen=True)
class Wanted:
    """An intent that an item of a command asked for, at a version."""

    item: int
    intent_id: int
    version: int
    shop_id: str
    object_id: str


def claim(
    connection: Connection, *, caller: str, key: str, kind: str, digest: bytes, now: datetime
) -> CommandRow | str:
    """The id of a new command, or the command that this caller gave the key to before.

    Waits for a transaction under way that uses the same key. A key older than KEPT is free again.
    """
    same = sa.and_(command.c.caller == caller, command.c.idempotency_key == key)
    connection.execute(sa.delete(command).where(same, command.c.created_at < now - KEPT))
    identity = f"cmd_{uuid.uuid4().hex}"
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    taken = connection.scalar(
        insert(command)
        .values(
            id=identity,
            caller=caller,
            idempotency_key=key,
            kind=kind,
            digest=digest,
            answer="",
            status=0,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["caller", "idempotency_key"])
        .returning(command.c.id)
    )
    if taken is not None:
        return identity
    return _row(connection.execute(sa.select(command).where(same)).one())


def finish(
    connection: Connection, identity: str, *, answer: str, status: int, intents: Sequence[Sequence[tuple[int, int]]]
) -> None:
    """Stores the answer, and for each item the intents it asked for with their versions."""
    connection.execute(sa.update(command).where(command.c.id == identity).values(answer=answer, status=status))
    rows = [
        {"command_id": identity, "item": item, "intent_id": intent_id, "version": version}
        for item, wanted in enumerate(intents)
        for intent_id, version in wanted
    ]
    if rows:
        connection.execute(sa.insert(command_item), rows)


def remember(
    connection: Connection,
    *,
    caller: str,
    kind: str,
    states: Sequence[str],
    intents: Sequence[Sequence[tuple[int, int]]],
    now: datetime,
) -> None:
    """Keeps what was asked for by other ways than a request, under a key of its own."""
    identity = f"cmd_{uuid.uuid4().hex}"
    items = [{"index": place, "state": state} for place, state in enumerate(states)]
    answer = json.dumps({"id": identity, "kind": kind, "created_at": now.isoformat(), "items": items})
    row = {"id": identity, "caller": caller, "idempotency_key": identity, "kind": kind, "digest": b""}
    connection.execute(sa.insert(command).values(**row, answer="", status=0, created_at=now))
    finish(connection, identity, answer=answer, status=202, intents=intents)


def get(connection: Connection, identity: str) -> CommandRow | None:
    row = connection.execute(sa.select(command).where(command.c.id == identity)).one_or_none()
    return _row(row) if row else None


def wanted(connection: Connection, identity: str) -> list[Wanted]:
    """Everything the command asked for, item by item."""
    rows = connection.execute(
        sa.select(command_item.c.item, intent.c.id, command_item.c.version, intent.c.shop_id, intent.c.object_id)
        .join(intent, intent.c.id == command_item.c.intent_id)
        .where(command_item.c.command_id == identity)
        .order_by(command_item.c.item, intent.c.id)
    )
    return [Wanted(*row) for row in rows]


def forget(connection: Connection, now: datetime) -> int:
    """Deletes the commands older than KEPT with their items; answers how many."""
    return connection.execute(sa.delete(command).where(command.c.created_at < now - KEPT)).rowcount


def _row(row: sa.Row[tuple[object, ...]]) -> CommandRow:
    values = row._mapping
    return CommandRow(
        id=values["id"],
        caller=values["caller"],
        kind=values["kind"],
        digest=values["digest"],
        answer=values["answer"],
        status=values["status"],
        created_at=values["created_at"],
    )
