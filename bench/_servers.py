"""What the measurements run against: a sandbox process and fresh databases."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from commands.supervisor import Part, Supervisor
from core.crypto import Vault
from core.db import Database
from tests import servers

SECRET = "only for this measurement"  # noqa: S105 - encrypts nothing that matters


@contextmanager
def sandbox_server(seed: int = 1) -> Iterator[str]:
    """A sandbox in its own process; its address."""
    port = free_port()
    code = f"from sandbox.serve import run; run(port={port}, seed={seed})"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/_sandbox/clock")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def played(parts: Sequence[Part]) -> Iterator[None]:
    """The parts run, and are restarted when they die, for as long as the block lasts."""
    supervisor = Supervisor(parts)
    thread = threading.Thread(target=supervisor.run, name="supervisor")
    thread.start()
    try:
        yield
    finally:
        supervisor.stop()
        thread.join()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, seconds: float = 20) -> None:
    """Returns once something answers; raises the last error when nothing does in time."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            httpx.get(url, timeout=2)
            return
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def databases(kinds: Sequence[str], folder: Path) -> Iterator[Database]:
    """A fresh database of each kind, as durable as in production, closed when the next one is asked for."""
    for kind in kinds:
        if kind == "sqlite":
            database = Database(f"sqlite:///{folder}/bench.db", Vault(SECRET))
            yield database
            database.close()
            continue
        with servers.postgres(durable=True) as cluster:
            database = Database(cluster.url(cluster.create_database()), Vault(SECRET))
            yield database
            database.close()
