"""What the feed forgets, and what it never does."""

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from core.clock import ManualClock
from core.db import Database, consumers, feed, feed_end, subscriptions
from core.db.feed import Event, FeedRow
from core.db.subscriptions import Wanted
from core.settings import Settings
from sync import beat, feed_retention
from sync.runtime import Runtime
from tests.canonical import START
from tests.vault import VAULT

SHOP = "pinduoduo:1"


@pytest.fixture
def runtime(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Runtime]:
    settings = Settings(data_dir=tmp_path, redis_url=redis_url, feed_keep_days=90, feed_compact_days=30)
    clock = ManualClock(START)
    opened = Runtime(settings, database, VAULT, redis.Redis.from_url(redis_url), clock=clock)
    yield opened
    opened.redis.close()


def tell(runtime: Runtime, day: float, *events: tuple[str, str, int]) -> None:
    at = START + timedelta(days=day)
    with runtime.database.write() as connection:
        feed.append(connection, [Event(kind, SHOP, name, revision, at, "{}") for kind, name, revision in events])


def left(runtime: Runtime) -> list[FeedRow]:
    with runtime.database.read() as connection:
        return feed.read(connection, 0, 10_000)


def on(runtime: Runtime, day: float) -> None:
    runtime.clock.at = START + timedelta(days=day)  # type: ignore[attr-defined]  # the clock of these tests
    beat.tidy(runtime)


def read_by(runtime: Runtime, name: str, position: int) -> None:
    with runtime.database.write() as connection:
        consumers.create(
            connection, name, types=(), shops=(), channels=(), start="", position=position, now=runtime.clock.now()
        )


def test_what_is_older_than_its_time_goes(runtime: Runtime) -> None:
    for day in range(5):
        tell(runtime, day, ("order.created", f"o{day}", 1))
    on(runtime, 92.5)
    assert [row.object_id for row in left(runtime)] == ["o3", "o4"]
    with runtime.database.read() as connection:
        assert feed_end.end(connection) == feed_end.End(3, START + timedelta(days=2), 5)


def test_the_newest_event_stays_and_positions_go_on(runtime: Runtime) -> None:
    tell(runtime, 0, ("order.created", "o1", 1), ("order.created", "o2", 1))
    on(runtime, 1000)
    assert [row.position for row in left(runtime)] == [2]
    tell(runtime, 1000, ("order.created", "o3", 1))
    assert left(runtime)[-1].position == 3


def test_the_newest_of_each_topic_stays(runtime: Runtime) -> None:
    tell(
        runtime,
        0,
        ("order.created", "o1", 1),
        ("order.updated", "o1", 2),
        ("order.address_requested", "o1", 1),
        ("shipment.parked", "o1", 1),
        ("shipment.accepted", "o1", 2),
        ("conflict.opened", "o1", 7),
        ("conflict.opened", "o1", 8),
        ("conflict.resolved", "o1", 7),
        ("order.updated", "o1", 3),
    )
    tell(runtime, 20, ("order.updated", "o1", 4))
    on(runtime, 31)
    assert [(row.type, row.revision) for row in left(runtime)] == [
        ("order.address_requested", 1),
        ("shipment.accepted", 2),
        ("conflict.opened", 8),
        ("conflict.resolved", 7),
        ("order.updated", 3),
        ("order.updated", 4),
    ]
    on(runtime, 51)
    assert [row.revision for row in left(runtime) if row.type == "order.updated"] == [4]


def test_nothing_is_thinned_out_before_the_slowest_has_read_it(runtime: Runtime) -> None:
    tell(runtime, 0, *(("stock.accepted", "L/S", number) for number in range(1, 7)))
    read_by(runtime, "quick", 6)
    read_by(runtime, "slow", 3)
    on(runtime, 40)
    assert [row.position for row in left(runtime)] == [3, 4, 5, 6]
    on(runtime, 95)
    assert [row.position for row in left(runtime)] == [6], "too old for any reader"


def test_a_subscription_that_was_not_served_holds_back_too(runtime: Runtime) -> None:
    tell(runtime, 0, *(("stock.accepted", "L/S", number) for number in range(1, 7)))
    with runtime.database.write() as connection:
        wanted = Wanted("https://erp.example/hook")
        identity, _ = subscriptions.add(connection, wanted, reach=(), position=4, now=runtime.clock.now())
    on(runtime, 40)
    assert [row.position for row in left(runtime)] == [4, 5, 6]
    with runtime.database.write() as connection:
        subscriptions.disable(connection, identity, "gone")
    on(runtime, 40)
    assert [row.position for row in left(runtime)] == [6]


def test_nothing_goes_where_it_is_switched_off(runtime: Runtime) -> None:
    runtime.settings = runtime.settings.model_copy(update={"feed_keep_days": 0, "feed_compact_days": 0})
    tell(runtime, 0, *(("stock.accepted", "L/S", number) for number in range(1, 4)))
    on(runtime, 1000)
    assert len(left(runtime)) == 3


@pytest.mark.parametrize("seed", range(3))
def test_whoever_begins_late_ends_with_the_same_picture(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """In small parts, with events between them: a reader of what is left knows the newest of every object, in order."""
    monkeypatch.setattr(feed_retention, "COMPACTED_AT_ONCE", 7)
    chance = random.Random(seed)
    revisions = {f"o{number}": 0 for number in range(8)}
    for day in range(60):
        for _ in range(chance.randint(0, 4)):
            name = chance.choice(list(revisions))
            revisions[name] += 1
            tell(runtime, day, ("order.updated" if revisions[name] > 1 else "order.created", name, revisions[name]))
        if chance.random() < 0.3:
            on(runtime, day)
    on(runtime, 60)
    rows = left(runtime)
    assert [row.position for row in rows] == sorted({row.position for row in rows})
    seen: dict[str, int] = {}
    for row in rows:
        assert row.revision > seen.get(row.object_id, 0)
        seen[row.object_id] = row.revision
    assert seen == {name: revision for name, revision in revisions.items() if revision}
    old = [row.object_id for row in rows if row.at < START + timedelta(days=30)]
    assert len(old) == len(set(old))


def test_a_time_leads_to_the_first_event_of_it(database: Database) -> None:
    """Hosts' clocks differ, so positions and times disagree a little; nothing of that time or later is left out."""
    minutes = [0, 1, 3, 2, 4, 60, 61]
    with database.write() as connection:
        assert feed.before(connection, START) == 0
        for number, minute in enumerate(minutes):
            at = START + timedelta(minutes=minute)
            feed.append(connection, [Event("order.created", SHOP, f"o{number}", 1, at, "{}")])
    with database.read() as connection:
        found = [feed.before(connection, START + timedelta(minutes=minute)) for minute in (-5, 0, 1, 2, 3, 30, 61, 90)]
    assert found == [0, 0, 1, 2, 2, 5, 6, 7]
