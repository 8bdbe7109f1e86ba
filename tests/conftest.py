"""Fixtures every test may ask for: real databases and a real Redis-protocol server, started on first use."""

import gc
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any, ClassVar

import pytest
import redis
import sqlalchemy as sa

from core.db import Database
from core.db.migrations import upgrade
from tests import servers
from tests.vault import VAULT


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[servers.Postgres]:
    """A PostgreSQL cluster, one per test process.

    Without a server binary the test is skipped with the reason, or fails under QUDAO_TEST_REQUIRE_POSTGRES=1.
    """
    try:
        servers.postgres_binaries()
    except servers.ServerMissing as missing:
        if os.environ.get("QUDAO_TEST_REQUIRE_POSTGRES") == "1":
            pytest.fail(str(missing))
        pytest.skip(str(missing))
    with servers.postgres() as cluster:
        yield cluster


@pytest.fixture
def postgres_url(postgres_cluster: servers.Postgres) -> Iterator[str]:
    """SQLAlchemy's address of an empty PostgreSQL database of this test's own."""
    name = postgres_cluster.create_database()
    yield postgres_cluster.url(name)
    postgres_cluster.drop_database(name)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[servers.Mariadb]:
    """A MariaDB server, one per test process: where a channel writes its pushes into a table.

    Without a server binary the test is skipped with the reason, or fails under QUDAO_TEST_REQUIRE_MARIADB=1.
    """
    try:
        servers.mariadb_binaries()
    except servers.ServerMissing as missing:
        if os.environ.get("QUDAO_TEST_REQUIRE_MARIADB") == "1":
            pytest.fail(str(missing))
        pytest.skip(str(missing))
    with servers.mariadb() as server:
        yield server


@pytest.fixture
def mariadb_url(mariadb_server: servers.Mariadb) -> Iterator[str]:
    """SQLAlchemy's address of an empty MariaDB database of this test's own."""
    name = mariadb_server.create_database()
    yield mariadb_server.url(name)
    mariadb_server.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLAlchemy's address of an empty database of this test's own, once on SQLite (a file) and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/qudao.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the newest schema and no rows; copy it, never write to it."""
    path = tmp_path_factory.mktemp("migrated") / "qudao.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_cluster: servers.Postgres) -> str:
    """The name of a PostgreSQL database with the newest schema and no rows; a template, never to be connected to."""
    name = postgres_cluster.create_database()
    migrate(postgres_cluster.url(name))
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database of this test's own with the newest schema and no rows, once on SQLite and once on PostgreSQL."""
    with new_database(request, tmp_path, request.param) as opened:
        yield opened


class Kept:
    """The engine of all databases of a kind, one after the other: what SQLAlchemy compiled for one test serves the
    next. A SQLite file is not forced to the disk, which matters to a power cut only.
    """

    _kinds: ClassVar[dict[str, "Kept"]] = {}

    def __init__(self, first: Database) -> None:
        self._first, self._newest = first, first.url
        sa.event.listen(first.engine, "do_connect", self._connect)
        if not first.postgresql:
            sa.event.listen(first.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))

    @classmethod
    def lend(cls, url: str) -> Database:
        """The database at `url`; whoever had the engine before must have closed theirs."""
        newest = sa.make_url(url)
        kept = cls._kinds.get(newest.get_backend_name())
        if kept is None:
            kept = cls._kinds[newest.get_backend_name()] = cls(Database(url, VAULT))
        lent = copy(kept._first)
        lent.url = kept._newest = newest
        return lent

    def _connect(self, dialect: sa.Dialect, _: Any, arguments: list[Any], options: dict[str, Any]) -> None:
        arguments[:], where = dialect.create_connect_args(self._newest)
        options.update(where)


@contextmanager
def new_database(request: pytest.FixtureRequest, folder: Path, kind: str) -> Iterator[Database]:
    """A copy of the migrated one, for tests that choose on which kind they run."""
    if kind == "sqlite":
        path = shutil.copy(request.getfixturevalue("migrated_sqlite"), folder / "qudao.db")
        opened = Kept.lend(f"sqlite:///{path}")
        yield opened
        opened.close()
        return
    template: str = request.getfixturevalue("migrated_postgres")
    cluster: servers.Postgres = request.getfixturevalue("postgres_cluster")
    name = cluster.create_database(template)
    opened = Kept.lend(cluster.url(name))
    yield opened
    opened.close()
    cluster.drop_database(name)


def migrate(url: str) -> None:
    """Bring an empty database to the newest schema and leave no connection behind."""
    empty = Database(url)
    upgrade(empty)
    empty.close()


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[str]:
    """The address of a Valkey server, one per test process; use `redis_url`, which empties it."""
    with servers.valkey() as url:
        yield url


@pytest.fixture
def redis_url(valkey_server: str) -> str:
    """The address of a Valkey server, empty when the test begins; other test processes have their own."""
    with redis.Redis.from_url(valkey_server) as client:
        client.flushall()
    return valkey_server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leaves out what takes minutes, unless it is asked for."""
    if os.environ.get("QUDAO_TEST_LONG"):
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="takes minutes; make proofs runs it"))


def pytest_collection_finish() -> None:
    """What is loaded by now stays: the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
