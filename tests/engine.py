"""The engine against the sandbox in one thread: virtual clock, real database, real Redis, drains called instead of RQ.

Pushes travel as bytes: frames of the sandbox's message session into ours, callback bodies into our reader.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import redis
from pydantic import SecretStr

from connectors import CHANNELS
from core.channel import Credentials, Notice
from core.crypto import Vault
from core.db import Database, feed, intents, items, shops
from core.db.intents import Intent
from core.model import Order
from core.settings import Settings
from sandbox.clock import VirtualClock
from sandbox.pinduoduo import session
from sandbox.sandbox import Sandbox
from sandbox.transport import mock_transport
from sync import beat, drain, inbox, push
from sync.push import Queued, ShipmentItem, StockItem
from sync.runtime import Runtime

SECRET = "a secret for tests only"


class _SandboxClock:
    """The world's clock as ours."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._world = sandbox.world

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._world.now(), UTC)


class Engine:
    """A runtime whose channels are one sandbox, with one shop on each."""

    def __init__(self, database: Database, redis_url: str, folder: Path, seed: int = 1) -> None:
        self.sandbox = Sandbox(seed, VirtualClock())
        self.world = self.sandbox.world
        settings = Settings(
            data_dir=folder, secret_key=SecretStr(SECRET), redis_url=redis_url, first_pull_days=0.01, read_ahead=False
        )
        self.runtime = Runtime(
            settings,
            database,
            Vault(SECRET),
            redis.Redis.from_url(redis_url),
            clock=_SandboxClock(self.sandbox),
            wire=mock_transport(self.sandbox),
            sleep=self.world.advance,
        )
        self.sandbox.douyin.callbacks.set_url("http://127.0.0.1/hooks/douyin")
        self._listening: session.Session | None = None
        self.shops = {channel: self._connect(channel) for channel in ("pinduoduo", "douyin")}

    def _connect(self, channel: str) -> str:
        shop, app = self.world.shop(channel), self.world.apps[channel]
        credentials = Credentials(
            app.key,
            SecretStr(app.secret),
            SecretStr(shop.grant.access_token),
            SecretStr(shop.grant.refresh_token),
        )
        with self.runtime.database.write() as connection:
            return shops.add(
                connection,
                self.runtime.vault,
                channel=channel,
                account=shop.shop_id,
                name=shop.name,
                credentials=credentials,
                now=self.runtime.clock.now(),
            )

    def settle(self, rounds: int = 200) -> None:
        """Delivers pushes and drains lanes until nothing is due; fails when it never ends."""
        for _ in range(rounds):
            self.deliver_pushes()
            lanes = beat.beat(self.runtime)
            if not lanes:
                return
            for lane in sorted(lanes, key=str):
                drain.drain(self.runtime, lane)
        raise AssertionError(f"work never ends: {lanes}")

    def run(self, seconds: float, step: float = 5) -> None:
        """Lets time pass."""
        for _ in range(max(1, round(seconds / step))):
            self.world.advance(step)
            self.settle()

    def deliver_pushes(self) -> None:
        self._deliver_pinduoduo()
        self._deliver_douyin()

    def _deliver_pinduoduo(self) -> None:
        make = CHANNELS["pinduoduo"].session
        assert make is not None
        app = self.world.apps["pinduoduo"]
        if self._listening is None:
            self._listening = session.Session(self.world)
        ours = make(app.key, SecretStr(app.secret), "ws://sandbox", self.runtime.clock)
        for frame in self._listening.to_send():
            received = ours.on_frame(frame)
            self.store(received.notices)
            for ack in received.acks:
                self._listening.on_frame(ack)

    def _deliver_douyin(self) -> None:
        make = CHANNELS["douyin"].reader
        assert make is not None
        reader = make({self.world.apps["douyin"].key: SecretStr(self.world.apps["douyin"].secret)})
        while (batch := self.sandbox.douyin.callbacks.take()) is not None:
            inbound = reader.read(batch.headers, batch.body)
            self.store(inbound.notices)
            self.sandbox.douyin.callbacks.settle(batch, inbound.ack.status, inbound.ack.body)

    def store(self, notices: tuple[Notice, ...]) -> None:
        with self.runtime.database.write() as connection:
            inbox.store(connection, self.runtime.vault, notices, self.runtime.clock.now())

    def ship(self, *wanted: ShipmentItem) -> Queued:
        with self.runtime.database.write() as connection:
            return push.ship(connection, wanted, self.runtime.clock.now())

    def set_stock(self, **numbers: int) -> Queued:
        wanted = [StockItem(sku=sku.replace("_", "-"), quantity=quantity) for sku, quantity in numbers.items()]
        with self.runtime.database.write() as connection:
            return push.set_stock(connection, wanted, self.runtime.clock.now())

    def order(self, shop_id: str, order_id: str) -> Order | None:
        with self.runtime.database.read() as connection:
            stored = items.find(connection, "order", shop_id, order_id)
        return items.order(stored) if stored else None

    def events(self, family: str = "") -> list[feed.FeedRow]:
        with self.runtime.database.read() as connection:
            return [e for e in feed.read(connection, 0, 100_000) if e.type.startswith(family)]

    def intents(self, kind: str, shop_id: str, object_id: str) -> list[Intent]:
        with self.runtime.database.read() as connection:
            return intents.of_object(connection, kind, shop_id, object_id)


@contextmanager
def engine(database: Database, redis_url: str, folder: Path, seed: int = 1) -> Iterator[Engine]:
    running = Engine(database, redis_url, folder, seed)
    try:
        yield running
    finally:
        running.runtime.http.close()
        running.runtime.redis.close()
