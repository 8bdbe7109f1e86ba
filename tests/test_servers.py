"""The servers behind the fixtures are real, separate per test, and gone when their process is gone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa

from core.db import Database
from core.db.migrations import newest, present
from core.db.tables import metadata
from tests import servers

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("time_round", [1, 2])
def test_each_test_gets_an_empty_database(database_url: str, time_round: int) -> None:
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        assert sa.inspect(connection).get_table_names() == []
        connection.execute(sa.text("CREATE TABLE left_behind (id INTEGER)"))
    engine.dispose()


@pytest.mark.parametrize("time_round", [1, 2])
def test_each_test_gets_an_empty_mariadb(mariadb_url: str, time_round: int) -> None:
    engine = sa.create_engine(mariadb_url)
    with engine.begin() as connection:
        assert sa.inspect(connection).get_table_names() == []
        connection.execute(sa.text("CREATE TABLE left_behind (id INTEGER)"))
    engine.dispose()


def test_database_url_names_both_engines(database_url: str, request: pytest.FixtureRequest) -> None:
    assert sa.make_url(database_url).get_backend_name() in request.node.name


def test_a_database_is_copied_from_a_template(postgres_cluster: servers.Postgres, postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE kept (id INTEGER)"))
    engine.dispose()
    copy = postgres_cluster.create_database(template=str(sa.make_url(postgres_url).database))
    engine = sa.create_engine(postgres_cluster.url(copy))
    assert sa.inspect(engine).get_table_names() == ["kept"]
    engine.dispose()
    postgres_cluster.drop_database(copy)


@pytest.mark.parametrize("time_round", [1, 2])
def test_each_test_gets_the_newest_schema_without_rows(database: Database, time_round: int) -> None:
    assert present(database) == newest() != ""
    with database.write() as connection:
        assert set(sa.inspect(connection).get_table_names()) - {"alembic_version"} == set(metadata.tables)
        assert [name for name, table in metadata.tables.items() if connection.execute(sa.select(table)).first()] == []
        connection.execute(sa.text("CREATE TABLE left_behind (id INTEGER)"))


@pytest.mark.parametrize("time_round", [1, 2])
def test_each_test_gets_an_empty_redis(redis_url: str, time_round: int) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left behind", 1)


def test_a_server_that_cannot_start_says_what_it_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "START_SECONDS", 0.3)
    monkeypatch.setattr(servers, "valkey_binary", lambda: Path("/bin/ls"))
    with pytest.raises(RuntimeError, match="unrecognized option"), servers.valkey():
        pass


def test_no_binary_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "_runs", lambda _: False)
    with pytest.raises(servers.ServerMissing, match="no PostgreSQL server"):
        servers.postgres_binaries()
    with pytest.raises(servers.ServerMissing, match="no MariaDB server"):
        servers.mariadb_binaries()
    with pytest.raises(servers.ServerMissing, match="no Valkey or Redis server"):
        servers.valkey_binary()


@pytest.mark.parametrize("missing_is_failure", [False, True])
def test_missing_servers_skip_or_fail(missing_is_failure: bool, tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text("def test_one(database_url): pass\ndef test_two(mariadb_url): pass\n")
    (tmp_path / "conftest.py").write_text(
        "from tests import servers\nfrom tests.conftest import *\nservers._runs = lambda binary: False\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-ra",
        "-p",
        "no:cacheprovider",
        f"--rootdir={tmp_path}",
        str(tmp_path),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for server in ("POSTGRES", "MARIADB"):
        environment[f"QUDAO_TEST_REQUIRE_{server}"] = str(int(missing_is_failure))
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "no PostgreSQL server" in run.stdout
    assert "no MariaDB server" in run.stdout
    assert ("1 passed, 2 errors" if missing_is_failure else "1 passed, 2 skipped") in run.stdout


@pytest.mark.parametrize("server", ["postgres", "mariadb", "valkey"])
def test_a_killed_test_process_leaves_no_server_behind(server: str, request: pytest.FixtureRequest) -> None:
    fixture = {"postgres": "postgres_cluster", "mariadb": "mariadb_server", "valkey": "valkey_server"}[server]
    request.getfixturevalue(fixture)  # skips where there is none
    program = (
        f"import time\nfrom tests import servers\nwith servers.{server}() as it:\n"
        "    print(getattr(it, 'folder', it), flush=True)\n    time.sleep(60)\n"
    )
    starter = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert starter.stdout is not None
    folder = Path(starter.stdout.readline().strip().removeprefix("unix://").removesuffix("/socket"))
    assert folder.is_dir()
    starter.send_signal(signal.SIGKILL)
    starter.communicate()
    deadline = time.monotonic() + 20
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists()
