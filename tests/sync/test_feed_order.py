"""A reader that keeps only its last position misses nothing, however many writers commit late."""

import random
import threading
import time
from contextlib import suppress

import pytest

from core.db import Database, feed
from core.db.feed import Event
from tests.canonical import START

WRITERS, EACH, READERS = 12, 12, 3


class Broken(Exception):
    """A transaction that comes to nothing after it has appended."""


def event(name: str) -> Event:
    return Event("order.created", "pinduoduo:1", name, 1, START, "{}")


def write(database: Database, writer: int) -> None:
    """Transactions of one to three events; some take long before, some after appending, some are rolled back."""
    chance = random.Random(writer)
    for number in range(EACH):
        with suppress(Broken), database.write() as connection:
            time.sleep(chance.choice((0, 0.001, 0.006)))
            for part in range(chance.randint(1, 3)):
                feed.append(connection, [event(f"{writer}-{number}-{part}")])
            time.sleep(chance.choice((0, 0, 0.002, 0.015)))
            if chance.random() < 0.15:
                raise Broken


def kept(writer: int) -> list[str]:
    """What a writer commits, in its order: the same chance again."""
    chance = random.Random(writer)
    names: list[str] = []
    for number in range(EACH):
        chance.choice((0, 0.001, 0.006))
        told = [f"{writer}-{number}-{part}" for part in range(chance.randint(1, 3))]
        chance.choice((0, 0, 0.002, 0.015))
        names += [] if chance.random() < 0.15 else told
    return names


def follow(database: Database, reader: int, over: threading.Event, seen: list[str]) -> None:
    """Reads pages of a few events after its own position until the writers are done and nothing more comes."""
    chance, position = random.Random(-reader), 0
    while True:
        last = over.is_set()
        with database.read() as connection:
            rows = feed.read(connection, position, chance.randint(1, 7))
        seen += [row.object_id for row in rows]
        position = rows[-1].position if rows else position
        if last and not rows:
            return
        time.sleep(chance.random() * 0.003)


def test_no_late_commit_is_skipped_by_any_reader(database: Database) -> None:
    over = threading.Event()
    seen: list[list[str]] = [[] for _ in range(READERS)]
    writers = [threading.Thread(target=write, args=(database, number)) for number in range(WRITERS)]
    readers = [threading.Thread(target=follow, args=(database, n, over, each)) for n, each in enumerate(seen)]
    for thread in writers + readers:
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    for thread in readers:
        thread.join()
    expected = {writer: kept(writer) for writer in range(WRITERS)}
    assert seen[0] == seen[1] == seen[2], "every reader saw the same order"
    assert len(seen[0]) == sum(map(len, expected.values()))
    for writer, names in expected.items():
        assert [name for name in seen[0] if name.startswith(f"{writer}-")] == names


@pytest.mark.parametrize("commits", [True, False])
def test_nobody_commits_past_one_who_has_appended(database: Database, commits: bool) -> None:
    """The second writer is ready at once; what it wrote may be seen only after the first one's end."""
    later = threading.Thread(target=append_alone, args=(database, "second"))
    with suppress(Broken), database.write() as connection:
        feed.append(connection, [event("first")])
        later.start()
        later.join(0.3)
        assert later.is_alive()
        with database.read() as reading:
            assert feed.read(reading, 0, 10) == []
        if not commits:
            raise Broken
    later.join()
    with database.read() as connection:
        names = [row.object_id for row in feed.read(connection, 0, 10)]
    assert names == (["first", "second"] if commits else ["second"])


def append_alone(database: Database, name: str) -> None:
    with database.write() as connection:
        feed.append(connection, [event(name)])
