"""A consumer that is killed at random points, while others write, ends with every event once and each object in order.

The consumer is a process over the real server. It is killed from outside at random moments, and kills itself at the
points that matter: in a transaction, between commit and acknowledgement, after it.
"""

import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from core.db import Database, feed
from core.db.feed import Event
from sync.runtime import Runtime
from tests.web import crashing_consumer
from tests.web.conftest import DOUYIN, NOW, eventually

EACH, OBJECTS = 40, 3


class Broken(Exception):
    """A transaction that comes to nothing after it has appended."""


def write(runtime: Runtime, writer: int, told: list[str]) -> None:
    """Updates of a few objects of this writer's own; some commits are slow, some never come."""
    chance = random.Random(writer)
    revisions = {f"w{writer}-o{number}": 0 for number in range(OBJECTS)}
    for _ in range(EACH):
        names = chance.sample(list(revisions), chance.randint(1, OBJECTS))
        events = [Event("order.updated", DOUYIN, name, revisions[name] + 1, NOW, "{}") for name in names]
        with suppress(Broken), runtime.database.write() as connection:
            feed.append(connection, events)
            time.sleep(chance.choice((0, 0, 0.01, 0.05)))
            if chance.random() < 0.1:
                raise Broken
            told += [event.id for event in events]
            revisions |= {event.object_id: event.revision for event in events}
        runtime.bells.announce_feed()
        time.sleep(chance.random() * 0.1)


@contextmanager
def consuming(server: str, key: str, file: Path, name: str, chance: float) -> Iterator[subprocess.Popen[bytes]]:
    """A consumer that is killed at the end of the block, if it has not done so itself."""
    program = crashing_consumer.__file__
    process = subprocess.Popen([sys.executable, "-I", program, server, key, str(file), name, str(chance)])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def seen(file: Path) -> list[tuple[str, str, int]]:
    with closing(sqlite3.connect(file, timeout=20)) as store:
        return store.execute("SELECT id, subject, revision FROM seen ORDER BY n").fetchall()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["", "erp"])
def test_a_consumer_that_dies_anywhere_sees_every_event_once_and_in_order(
    erp: httpx.Client, server: str, key: str, database: Database, runtime: Runtime, tmp_path: Path, name: str
) -> None:
    chance = random.Random(name)
    file = tmp_path / "consumer.db"
    if name:
        erp.put(f"/v1/consumers/{name}", json={}).raise_for_status()
    told: list[list[str]] = [[] for _ in range(8 if database.postgresql else 3)]
    writers = [threading.Thread(target=write, args=(runtime, *each)) for each in enumerate(told)]
    for thread in writers:
        thread.start()
    deaths = 0
    while deaths < 5 or any(thread.is_alive() for thread in writers):
        with consuming(server, key, file, name, 0.01) as process, suppress(subprocess.TimeoutExpired):
            process.wait(0.3 + 2 * chance.random())
        deaths += 1
    ids = [identity for each in told for identity in each]
    with consuming(server, key, file, name, 0):
        assert eventually(lambda: len(seen(file)) >= len(ids), 30)
    rows = seen(file)
    assert sorted(identity for identity, _, _ in rows) == sorted(ids)
    last: dict[str, int] = {}
    for _, subject, revision in rows:
        assert revision == last.get(subject, 0) + 1
        last[subject] = revision
    with closing(sqlite3.connect(file)) as store:
        assert dict(store.execute("SELECT subject, times FROM applied")) == last
        [repeated] = store.execute("SELECT count(*) FROM repeated").fetchone()
    assert bool(name) == bool(repeated), "only what was not acknowledged comes again"
