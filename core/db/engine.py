"""Opens the database. SQLite runs in WAL mode and takes its write lock at BEGIN; PostgreSQL runs at READ COMMITTED.

`read()` and `write()` are the only ways to a connection; one call is one transaction. Errors do not show the values of
a statement, which are personal. A connection carries the vault that seals and opens what people wrote.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, event
from tenacity import retry, retry_if_exception, stop_after_delay, wait_random

from core.crypto import Vault
from core.errors import ConfigurationError

LOCK_WAIT_SECONDS = 30
"""How long a SQLite writer waits for its turn."""

POOL_SIZE = 10
OVERFLOW = 20
"""Connections to PostgreSQL that a process keeps, and how many more it opens at most."""

ABANDONED_SECONDS = 15
"""PostgreSQL ends a transaction in which nothing happened for so long: its host was cut off or frozen, and nobody else
gets what it has locked. Ours are never idle that long.
"""
_SESSION = {
    "idle_in_transaction_session_timeout": ABANDONED_SECONDS * 1000,
    "tcp_user_timeout": ABANDONED_SECONDS * 1000,
    "tcp_keepalives_idle": 5,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 2,
}
"""What the server is told of every session, so that it notices a client that is gone."""
_WIRE = {
    "connect_timeout": 10,
    "tcp_user_timeout": ABANDONED_SECONDS * 1000,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}
"""The same on our side: a server that cannot be reached is an error after this, not a wait for ever."""


class Database:
    """One engine for one process. `postgresql` tells which of the two it is. Without a vault nothing that is sealed can
    be written or read.
    """

    def __init__(self, url: str, vault: Vault | None = None, *, pool_size: int = POOL_SIZE) -> None:
        self.url = sa.make_url(url)
        self.postgresql = self.url.get_backend_name() == "postgresql"
        if self.postgresql:
            self.engine: Engine = sa.create_engine(
                self.url,
                pool_size=pool_size,
                max_overflow=OVERFLOW,
                pool_pre_ping=True,
                hide_parameters=True,
                connect_args=_outliving_a_cut(self.url),
            )
        else:
            self.engine = _sqlite(self.url)
        self.engine.update_execution_options(qudao_vault=vault)
        self._writing = self.engine.execution_options(qudao_write=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that writes nothing."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes; on SQLite it is alone from its first moment."""
        with self._writing.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        self.engine.dispose()


def _outliving_a_cut(url: sa.URL) -> dict[str, Any]:
    """Arguments of a connection; what the URL says itself counts."""
    asked = url.query.get("options", "")
    session = " ".join(f"-c {name}={value}" for name, value in _SESSION.items())
    options = f"{session} {asked if isinstance(asked, str) else ' '.join(asked)}"
    return {name: value for name, value in _WIRE.items() if name not in url.query} | {"options": options.strip()}


def _sqlite(url: sa.URL) -> Engine:
    if url.database and url.database != ":memory:":
        path = Path(url.database)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)  # its journals take over the mode
    engine = sa.create_engine(
        url, connect_args={"timeout": LOCK_WAIT_SECONDS, "check_same_thread": False}, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def prepare(raw: sqlite3.Connection, _record: Any) -> None:
        raw.isolation_level = None
        _write_ahead(raw)
        for pragma in (
            "synchronous=FULL",
            "foreign_keys=ON",
            "cache_size=-16384",
            "temp_store=MEMORY",
        ):
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("qudao_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


@retry(
    retry=retry_if_exception(lambda error: getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY),
    wait=wait_random(0.01, 0.05),
    stop=stop_after_delay(LOCK_WAIT_SECONDS),
    reraise=True,
)
def _write_ahead(raw: sqlite3.Connection) -> None:
    """Switches a new file to WAL. SQLite does not wait for its turn here, whatever the connection's timeout says."""
    raw.execute("PRAGMA journal_mode=WAL")


def vault(connection: Connection) -> Vault:
    """The vault that the database was opened with. Raises ConfigurationError when it was opened without one."""
    found: Vault | None = connection.get_execution_options().get("qudao_vault")
    if found is None:
        raise ConfigurationError("the database was opened without the secret key that its values are encrypted with")
    return found


def lock(connection: Connection, *names: str, shared: bool = False) -> None:
    """Holds the named locks until the transaction ends, `shared` with others that ask so. On SQLite a writer holds
    everything already.
    """
    if connection.dialect.name == "postgresql":
        take = sa.func.pg_advisory_xact_lock_shared if shared else sa.func.pg_advisory_xact_lock
        for name in sorted(names):
            connection.execute(sa.select(take(sa.func.hashtextextended(name, 0))))
