"""Every place where something is sealed, and how it gets under the newest key. A value names the key that sealed it, so
a walk that was interrupted goes on where it was, and what is written meanwhile is left alone.
"""

import base64
import json
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, Connection, FromClause

from core.crypto import Vault
from core.db import tables
from core.db.engine import Database, vault

AT_ONCE = 500
PERSONAL = ("memo", "address")
"""The fields whose values are sealed where values of all fields are kept as text."""
NOTHING = '""'
"""A wish that was erased, as an intent keeps it."""
WISHES = ("memo",)
"""The kinds of wishes that are sealed. One of the kind `address` is a yes or no and holds no address."""
EMPTY = ("", NOTHING)


@dataclass(frozen=True)
class Place:
    """A column of sealed values. The values of `row`, joined by `/`, are the row's name in the seal. With a `field` the
    column is text that is sealed (in base64, in an intent as a JSON string) for the `sealed` ones of its values only.
    """

    column: Column[Any]
    row: tuple[Column[Any], ...]
    field: Column[Any] | None = None
    source: FromClause | None = None
    """Where `row` and `field` are, if not in the column's own table."""
    sealed: tuple[str, ...] = PERSONAL

    @property
    def name(self) -> str:
        return f"{self.column.table.name}.{self.column.name}"


def _place(table: sa.Table, column: str, *row: str, field: str = "") -> Place:
    return Place(table.c[column], tuple(table.c[each] for each in row), table.c[field] if field else None)


PLACES = (
    _place(tables.app, "secret", "channel", "app_key"),
    _place(tables.credential, "tokens", "shop_id"),
    _place(tables.receipt, "raw", "channel", "dedup_key"),
    _place(tables.raw, "payload", "kind", "shop_id", "id"),
    _place(tables.bad_row, "payload", "kind", "shop_id", "object_id"),
    _place(tables.orders, "body", "shop_id", "id"),
    _place(tables.after_sales, "body", "shop_id", "id"),
    _place(tables.listings, "body", "shop_id", "id"),
    _place(tables.feed, "data", "id"),
    _place(tables.subscription, "secret", "id"),
    _place(tables.subscription, "previous_secret", "id"),
    _place(tables.delivery_attempt, "response", "delivery_id", "number"),
    *(_place(tables.decision, each, "shop_id", "object_id", field="field") for each in ("base", "ours", "theirs")),
    *(_place(tables.agreed, each, "shop_id", "object_id", field="field") for each in ("value", "seen")),
    Place(
        tables.intent.c.wanted,
        (tables.intent.c.shop_id, tables.intent.c.object_id),
        tables.intent.c.kind,
        sealed=WISHES,
    ),
    Place(
        tables.attempt.c.wanted,
        (tables.intent.c.shop_id, tables.intent.c.object_id),
        tables.intent.c.kind,
        tables.attempt.join(tables.intent),
        sealed=WISHES,
    ),
)


def renew(database: Database) -> Generator[tuple[str, int]]:
    """Seals everything anew that an older key sealed, part by part, each in a transaction of its own. Yields the place
    and how many values were renewed after each part. Raises ConfigurationError for a value whose key is gone.
    """
    for place in PLACES:
        after: tuple[Any, ...] | None = None
        while True:
            with database.write() as connection:
                after, renewed = _part(connection, place, after)
            yield place.name, renewed
            if after is None:
                break


def outstanding(connection: Connection) -> dict[str, int]:
    """Place → how many values an older key sealed; places without any are left out."""
    head = vault(connection).head
    counts = {}
    for place in PLACES:
        values = connection.execute(_older(sa.select(place.column), place, head)).scalars()
        if count := sum(_bytes(value)[: len(head)] != head for value in values):
            counts[place.name] = count
    return counts


def _part(connection: Connection, place: Place, after: tuple[Any, ...] | None) -> tuple[tuple[Any, ...] | None, int]:
    """The next rows of a place; answers the key to go on behind, None at the end, and how many were renewed."""
    keeper, table = vault(connection), place.column.table
    key = list(table.primary_key)
    fields = [] if place.field is None else [place.field]
    query = _older(sa.select(*key, place.column, *fields, *place.row), place, keeper.head)
    if after is not None:
        query = query.where(sa.tuple_(*key) > sa.tuple_(*after))
    rows = connection.execute(query.order_by(*key).limit(AT_ONCE)).all()
    renewed = 0
    for row in rows:
        found, value, rest = row[: len(key)], row[len(key)], row[len(key) + 1 :]
        new = _renewed(keeper, place, value, rest)
        if new is not None:
            same = [column == part for column, part in zip(key, found, strict=True)]
            done = connection.execute(
                sa.update(table).where(*same, place.column == value).values({place.column.name: new})
            )
            renewed += done.rowcount
    return (tuple(rows[-1][: len(key)]) if len(rows) == AT_ONCE else None), renewed


def _older(query: sa.Select[Any], place: Place, head: bytes) -> sa.Select[Any]:
    """Rows whose value may be under an older key; in text only a look inside tells."""
    if place.source is not None:
        query = query.select_from(place.source)
    if place.field is not None:
        return query.where(place.field.in_(place.sealed), place.column.not_in(EMPTY))
    return query.where(place.column.is_not(None), sa.func.substr(place.column, 1, len(head)) != head)


def _renewed(keeper: Vault, place: Place, value: Any, rest: Any) -> bytes | str | None:
    """The value under the newest key; None where it is already."""
    sealed = _bytes(value)
    if sealed[: len(keeper.head)] == keeper.head:
        return None
    name = "/".join(str(part) for part in rest[len(rest) - len(place.row) :])
    where = (place.column.table.name, place.column.name) if place.field is None else ("decision", str(rest[0]))
    new = keeper.seal(keeper.open(sealed, *where, name), *where, name)
    if place.field is None:
        return new
    text = base64.b64encode(new).decode()
    return json.dumps(text) if value.startswith('"') else text


def _bytes(value: bytes | str) -> bytes:
    if isinstance(value, bytes | memoryview):
        return bytes(value)
    return base64.b64decode(json.loads(value) if value.startswith('"') else value)
