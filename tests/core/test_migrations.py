"""The revisions lead to exactly the tables the code works with, on both databases, and everybody may run them."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from core.db import Database, feed, migrations
from core.db.tables import metadata
from tests.vault import VAULT


def test_autogenerate_finds_nothing_to_add(database_url: str) -> None:
    database = Database(database_url)
    migrations.upgrade(database)
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def test_the_revisions_make_what_the_tables_make(database_url: str) -> None:
    """Autogenerate overlooks check constraints, defaults and the conditions of indexes."""
    database = Database(database_url)
    migrations.upgrade(database)
    migrated = schema_of(database)
    with database.write() as connection:
        command.downgrade(migrations.configured(connection), "base")
    with database.write() as connection:
        metadata.create_all(connection)
    assert migrated == schema_of(database)
    database.close()


def schema_of(database: Database) -> dict[str, Any]:
    """Everything the database says of our tables, in an order that does not depend on how they were made."""

    def plain(found: Any) -> Any:
        return sorted(json.dumps(entry, sort_keys=True, default=str) for entry in found)

    with database.read() as connection:
        inspector = sa.inspect(connection)
        return {
            name: {
                "columns": plain(inspector.get_columns(name)),
                "indexes": plain(inspector.get_indexes(name)),
                "unique": plain(inspector.get_unique_constraints(name)),
                "checks": plain(inspector.get_check_constraints(name)),
                "foreign": plain(inspector.get_foreign_keys(name)),
                "primary": plain([inspector.get_pk_constraint(name)]),
            }
            for name in sorted(metadata.tables)
        }


def test_the_feed_never_gives_a_position_twice(database_url: str) -> None:
    """Without AUTOINCREMENT, SQLite reuses the number of a deleted last row."""
    database = Database(database_url)
    migrations.upgrade(database)
    insert = sa.text(
        "INSERT INTO feed (id, type, shop_id, object_id, revision, at, data)"
        " VALUES (:id, '', '', '', 1, '2026-01-01 00:00:00+00:00', '{}')"
    )
    with database.write() as connection:
        connection.execute(insert, {"id": "a"})
        connection.execute(sa.text("DELETE FROM feed"))
        connection.execute(insert, {"id": "b"})
        assert connection.scalar(sa.text("SELECT position FROM feed")) == 2
    database.close()


def test_what_was_stored_in_plain_text_is_sealed(database_url: str) -> None:
    database = Database(database_url, VAULT)
    with database.write() as connection:
        command.upgrade(migrations.configured(connection), "0011")
        insert = sa.text(
            "INSERT INTO feed (id, type, shop_id, object_id, revision, at, data)"
            " VALUES (:id, 'order.created', 'toy:1', '7', 1, '2026-01-01 00:00:00', :data)"
        )
        told = [{"id": f"event-{n}", "data": f'{{"note": "请放门口 {n}"}}'} for n in range(2500)]
        connection.execute(insert, told)
    migrations.upgrade(database)
    with database.read() as connection:
        kept = connection.execute(sa.text("SELECT data FROM feed")).scalars().all()
        assert all("请放门口".encode() not in bytes(data) for data in kept)
        assert [row.data for row in feed.read(connection, 0, 5000)] == [row["data"] for row in told]
    database.close()


def test_a_second_upgrade_finds_nothing_to_do(database_url: str) -> None:
    database = Database(database_url)
    assert migrations.present(database) == ""
    assert migrations.upgrade(database) == ("", migrations.newest())
    assert migrations.upgrade(database) == (migrations.newest(), migrations.newest())
    assert migrations.present(database) == migrations.newest()
    database.close()


def test_many_processes_may_upgrade_at_once(database_url: str) -> None:
    databases = [Database(database_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(migrations.upgrade, databases))
    assert sorted(before for before, _ in outcomes) == ["", *[migrations.newest()] * 3]
    for database in databases:
        database.close()


def test_every_revision_can_be_undone(database_url: str) -> None:
    database = Database(database_url)
    migrations.upgrade(database)
    with database.write() as connection:
        command.downgrade(migrations.configured(connection), "base")
        assert set(sa.inspect(connection).get_table_names()) <= {"alembic_version", "sqlite_sequence"}
    database.close()


def test_only_its_owner_can_read_the_database_file(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/new/qudao.db")
    migrations.upgrade(database)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "new").iterdir()}
    database.close()
    assert set(modes.values()) == {0o600}, modes
