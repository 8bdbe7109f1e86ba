"""A reader that keeps only its last position misses nothing, however many writers commit late."""

import random
import threading
import time

from core.db import Database, feed
from core.db.feed import Event
from tests.canonical import START

WRITERS, EACH = 6, 15


def write(database: Database, writer: int) -> None:
    chance = random.Random(writer)
    for number in range(EACH):
        with database.write() as connection:
            time.sleep(chance.random() * 0.004)
            event = Event("order.created", "pinduoduo:1", f"{writer}-{number}", 1, START, "{}")
            feed.append(connection, [event])
            time.sleep(chance.random() * 0.01)


def test_no_late_commit_is_skipped_and_each_writer_stays_in_order(database: Database) -> None:
    threads = [threading.Thread(target=write, args=(database, writer)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    seen: list[str] = []
    position = 0
    while len(seen) < WRITERS * EACH and (any(t.is_alive() for t in threads) or position < head(database)):
        with database.read() as connection:
            for row in feed.read(connection, position, 1000):
                seen.append(row.object_id)
                position = row.position
    for thread in threads:
        thread.join()
    assert len(seen) == len(set(seen)) == WRITERS * EACH
    for writer in range(WRITERS):
        numbers = [int(object_id.partition("-")[2]) for object_id in seen if object_id.startswith(f"{writer}-")]
        assert numbers == sorted(numbers)


def head(database: Database) -> int:
    with database.read() as connection:
        return feed.head(connection)
