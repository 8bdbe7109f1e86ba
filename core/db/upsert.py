"""INSERT … ON CONFLICT for both databases, as one executemany."""

from collections.abc import Iterable, Mapping, Sequence
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
    if not rows:
        return
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    key = list(on) or [column.name for column in table.primary_key]
    replaced = [name for name in rows[0] if name not in key and name not in set(keep)]
    statement = insert(table)
    if replaced:
        statement = statement.on_conflict_do_update(
            index_elements=key, set_={name: statement.excluded[name] for name in replaced}
        )
    else:
        statement = statement.on_conflict_do_nothing(index_elements=key)
    connection.execute(statement, [dict(row) for row in rows])
