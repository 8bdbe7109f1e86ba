"""The database opens safely, however many open it at once, and outlives clients that fall silent."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from core.db.engine import Database, lock


def test_many_processes_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    """SQLite answers "locked" at once, without waiting, to two that switch a new file to WAL together."""
    for attempt in range(20):
        databases = [Database(f"sqlite:///{tmp_path}/{attempt}.db") for _ in range(8)]
        together = threading.Barrier(len(databases))

        def write(database: Database, together: threading.Barrier = together) -> None:
            together.wait()
            with database.write() as connection:
                connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS t (id INTEGER)")

        with ThreadPoolExecutor(len(databases)) as pool:
            list(pool.map(write, databases))
        for database in databases:
            database.close()


def test_what_a_silent_client_has_locked_is_given_to_others(postgres_url: str) -> None:
    """A host that is cut off in the middle of a transaction says nothing any more; it must not stop everybody."""
    silent, other = (
        Database(f"{postgres_url}&options=-c idle_in_transaction_session_timeout=200"),
        Database(postgres_url),
    )
    holding = silent.engine.connect()
    lock(holding, "feed")
    with other.write() as waiting:
        lock(waiting, "feed")
    with pytest.raises(sa.exc.DBAPIError):
        holding.execute(sa.text("SELECT 1"))
    holding.close()
    silent.close()
    other.close()


def test_every_session_has_these_limits_unless_its_url_says_otherwise(postgres_url: str) -> None:
    database = Database(f"{postgres_url}&connect_timeout=3&options=-c%20tcp_user_timeout=7s")
    with database.read() as connection:
        shown = connection.execute(
            sa.text("SELECT name, setting FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'")
        ).one()
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        told = raw.info.get_parameters()
    database.close()
    assert shown.setting == "15000"
    assert told["connect_timeout"] == "3"
    assert told["keepalives_idle"] == "5"
    assert told["options"].endswith("tcp_user_timeout=7s")
