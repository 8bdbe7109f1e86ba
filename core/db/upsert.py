"""INSERT … ON CONFLICT for both databases, as one executemany."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    on: Iterable[str] = (),
    keep: Iterable[str] = (),
) -> None:
    """Inserts rows; where the key (`on`, else the primary key) is taken, replaces every given column but the key and
    `keep`.
    """
    if rows:
        key = tuple(on) or tuple(column.name for column in table.primary_key)
        statement = _statement(connection.dialect.name, table, tuple(rows[0]), key, tuple(keep))
        connection.execute(statement, [dict(row) for row in rows])


@cache
def _statement(
    dialect: str, table: Table, given: tuple[str, ...], key: tuple[str, ...], keep: tuple[str, ...]
) -> postgresql.Insert | sqlite.Insert:
    """Made once for each use of `upsert`: making it costs more than running it."""
    statement = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
    replaced = {name: statement.excluded[name] for name in given if name not in (*key, *keep)}
    if not replaced:
        return statement.on_conflict_do_nothing(index_elements=key)
    return statement.on_conflict_do_update(index_elements=key, set_=replaced)
