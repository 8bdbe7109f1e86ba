"""The engine against the sandbox in one thread: virtual clock, real database, real Redis, drains called instead of RQ.

Pushes travel as bytes: frames of the sandbox's message session into ours, callback bodies into our reader.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import redis
from pydantic import SecretStr

from connectors import CHANNELS
from core.channel import Credentials, Push
from core.db import Database, feed, intents, items, shops
from core.db.intents import Intent
from core.errors import Unavailable
from core.model import Order
from core.notices import Notice, Session
from core.settings import Settings
from sandbox.callbacks import Callbacks
from sandbox.clock import VirtualClock
from sandbox.platform import Connection
from sandbox.sandbox import Sandbox
from sandbox.transport import mock_transport
from sync import beat, drain, inbox, push, shipments
from sync.envelope import wanted_type
from sync.push import StockItem
from sync.runtime import Runtime
from sync.shipments import ShipmentItem
from sync.wishes import Queued
from tests.vault import SECRET, VAULT

TWO = ("pinduoduo", "douyin")
"""One channel that pushes over a connection, one that pushes by callbacks: enough for most, and quick."""


class _SandboxClock:
    """The world's clock as ours."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._world = sandbox.world

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._world.now(), UTC)


class Engine:
    """A runtime whose channels are one sandbox, with one shop on each of `channels`."""

    def __init__(
        self, database: Database, redis_url: str, folder: Path, seed: int = 1, channels: Iterable[str] = TWO
    ) -> None:
        self.sandbox = Sandbox(seed, VirtualClock())
        self.world = self.sandbox.world
        settings = Settings(
            data_dir=folder, secret_key=SecretStr(SECRET), redis_url=redis_url, first_pull_days=0.01, read_ahead=False
        )
        self.runtime = Runtime(
            settings,
            database,
            VAULT,
            redis.Redis.from_url(redis_url),
            clock=_SandboxClock(self.sandbox),
            wire=mock_transport(self.sandbox),
            sleep=self.world.advance,
        )
        for code, platform in self.sandbox.platforms.items():
            if platform.callbacks is not None:
                platform.callbacks.set_url(f"http://127.0.0.1/hooks/{code}")
        self._links: dict[str, tuple[Session, Connection]] = {}
        self.shops = {channel: self._connect(channel) for channel in channels}

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
        for code in self.shops:
            platform = self.sandbox.platforms[code]
            if CHANNELS[code].channel.push is Push.WEBHOOK:
                assert platform.callbacks is not None
                self._deliver_callbacks(code, platform.callbacks)
            elif CHANNELS[code].channel.push is Push.CONNECTION:
                self._deliver_frames(code)

    def _deliver_callbacks(self, code: str, callbacks: Callbacks) -> None:
        make, app = CHANNELS[code].reader, self.world.apps[code]
        assert make is not None
        reader = make({app.key: SecretStr(app.secret)})
        while (batch := callbacks.take()) is not None:
            inbound = reader.read(batch.headers, batch.body)
            self.store(inbound.notices)
            callbacks.settle(batch, inbound.ack.status, inbound.ack.body)

    def _deliver_frames(self, code: str) -> None:
        """Hands frames to and fro until both sides are silent; a connection that was silent too long is renewed."""
        try:
            if code in self._links:
                self._send(code, self._links[code][0].tick())
        except Unavailable:
            del self._links[code]
        if code not in self._links:
            make, app = CHANNELS[code].session, self.world.apps[code]
            assert make is not None
            ours = make(app.key, SecretStr(app.secret), "ws://sandbox", self.runtime.clock)
            self._links[code] = (ours, self.sandbox.platforms[code].connect())
            self._send(code, ours.on_open())
        while frames := self._links[code][1].to_send():
            self._receive(code, frames)

    def _send(self, code: str, frames: Sequence[str | bytes]) -> None:
        for frame in frames:
            self._receive(code, self._links[code][1].on_frame(frame))

    def _receive(self, code: str, frames: Sequence[str | bytes]) -> None:
        for frame in frames:
            received = self._links[code][0].on_frame(frame)
            self.store(received.notices)
            self._send(code, [*received.reply, *received.acks])

    def store(self, notices: tuple[Notice, ...]) -> None:
        with self.runtime.database.write() as connection:
            inbox.store(connection, self.runtime.vault, notices, self.runtime.clock.now())

    def ship(self, *wanted: ShipmentItem) -> Queued:
        with self.runtime.database.write() as connection:
            return shipments.ship(connection, wanted, self.runtime.clock.now())

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
            found = feed.read(connection, 0, 100_000)
        assert {each.type for each in found if wanted_type(each.type) is None} == set(), "nobody could ask for it"
        return [e for e in found if e.type.startswith(family)]

    def intents(self, kind: str, shop_id: str, object_id: str) -> list[Intent]:
        with self.runtime.database.read() as connection:
            return intents.of_object(connection, kind, shop_id, object_id)


@contextmanager
def engine(
    database: Database, redis_url: str, folder: Path, seed: int = 1, channels: Iterable[str] = TWO
) -> Iterator[Engine]:
    running = Engine(database, redis_url, folder, seed, channels)
    try:
        yield running
    finally:
        running.runtime.http.close()
        running.runtime.redis.close()
