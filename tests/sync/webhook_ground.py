"""A runtime on a clock of its own, with events to append and turns to take."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import redis

from core.clock import ManualClock
from core.db import Database, deliveries, feed, subscriptions
from core.db.deliveries import Delivery
from core.db.feed import Event
from core.db.subscriptions import SubscriptionRow, Wanted
from core.settings import Settings
from sync import subscriptions as asked
from sync import webhooks
from sync.runtime import Runtime
from sync.webhook_targets import Resolve
from tests.vault import VAULT

SHOP, OTHER = "douyin:7001", "pinduoduo:1"
LOCAL: Any = "127.0.0.0/8"


class Ground:
    """What a test does with webhooks."""

    def __init__(self, database: Database, redis_url: str, folder: Path, **settings: Any) -> None:
        self.clock = ManualClock(datetime.now(UTC).replace(microsecond=0))
        configured = Settings(data_dir=folder, redis_url=redis_url, **{"webhook_allow_networks": LOCAL, **settings})
        client = redis.Redis.from_url(redis_url)
        self.runtime = Runtime(configured, database, VAULT, client, clock=self.clock)
        self.revisions: dict[tuple[str, str], int] = {}

    def subscribe(self, url: str, *, of: tuple[str, ...] = (), **filters: Any) -> tuple[str, str]:
        """The id and the secret of a new subscription."""
        view, secret = asked.add(self.runtime, Wanted(url, **filters), of)
        return view.row.id, secret.plain

    def happen(self, *objects: str, shop: str = SHOP, kind: str = "order.updated") -> None:
        """One event for each object named, the next revision of it."""
        events = []
        for name in objects:
            revision = self.revisions[shop, name] = self.revisions.get((shop, name), 0) + 1
            data = json.dumps({"order": {"note": f"陶瓷杯 {revision}"}}, ensure_ascii=False)
            events.append(Event(kind, shop, name, revision, self.clock.now(), data))
        with self.runtime.database.write() as connection:
            feed.append(connection, events)

    def send(self, resolve: Resolve | None = None) -> None:
        """Everything that is due now."""
        for _ in range(50):
            with self.runtime.database.read() as connection:
                due = subscriptions.needing_work(connection, self.clock.now(), feed.head(connection))
            if not due:
                return
            for identity in due:
                asyncio.run(webhooks.drain(self.runtime, identity, resolve=resolve))
        raise AssertionError("work never ends")

    def row(self, identity: str) -> SubscriptionRow:
        with self.runtime.database.read() as connection:
            row = subscriptions.get(connection, identity)
        assert row is not None
        return row

    def deliveries(self, identity: str) -> list[Delivery]:
        """In the order of the feed."""
        with self.runtime.database.read() as connection:
            return deliveries.page(connection, identity, limit=10_000)[::-1]

    def states(self, identity: str) -> list[str]:
        return [each.state.value for each in self.deliveries(identity)]

    def next_turn(self, identity: str) -> datetime:
        """When something is sent next."""
        return min(each.not_before for each in self.deliveries(identity) if each.not_before is not None)

    def events(self, family: str) -> list[feed.FeedRow]:
        with self.runtime.database.read() as connection:
            return [event for event in feed.read(connection, 0, 10_000) if event.type.startswith(family)]


@contextmanager
def ground(database: Database, redis_url: str, folder: Path, **settings: Any) -> Iterator[Ground]:
    made = Ground(database, redis_url, folder, **settings)
    try:
        yield made
    finally:
        made.runtime.redis.close()
