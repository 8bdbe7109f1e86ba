"""The database opens safely, however many open it at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from core.db.engine import Database


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
