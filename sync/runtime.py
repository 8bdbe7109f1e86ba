"""What one process works with: settings, database, vault, Redis, clock, gate and the connectors made from them."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import redis
from httpx import BaseTransport

from connectors import CHANNELS, Http
from core.channel import Connector, Transport
from core.clock import Clock, SystemClock
from core.crypto import Vault
from core.db import Database, shops
from core.db.shops import ShopRow
from core.errors import ConfigurationError
from core.settings import Settings
from sync.limits import RedisGate
from sync.queue import Bells


def vault_of(settings: Settings) -> Vault:
    """The vault whose secrets the settings or the data folder hold."""
    if settings.secret_key is not None:
        return Vault(*(each.get_secret_value() for each in (settings.secret_key, *settings.old_secret_keys)))
    return Vault.kept_in(settings.data_dir)


@dataclass
class Runtime:
    """Everything the engine needs, made once per process and handed down."""

    settings: Settings
    database: Database
    vault: Vault
    redis: redis.Redis
    clock: Clock = field(default_factory=SystemClock)
    wire: BaseTransport | None = None
    """Replaces the network in tests."""
    sleep: Callable[[float], None] = time.sleep
    """Sits out short waits inside a call."""
    monotonic: Callable[[], float] = time.monotonic
    """Measures how long something took; goes on while `sleep` sleeps."""

    @classmethod
    def open(cls, settings: Settings) -> "Runtime":
        """Connects to the database and to Redis at `settings.redis_url`; starts nothing."""
        vault = vault_of(settings)
        return cls(settings, Database(settings.database, vault), vault, redis.Redis.from_url(settings.redis_url))

    @cached_property
    def bells(self) -> Bells:
        return Bells(self.redis)

    @cached_property
    def gate(self) -> RedisGate:
        """Counts on the clock of Redis, which all processes share, unless a test brings its own time."""
        limits = {code: adapter.channel.limits for code, adapter in CHANNELS.items()}
        wait = self.settings.longest_wait_seconds
        clock = None if isinstance(self.clock, SystemClock) else self.clock
        return RedisGate(self.redis, limits, longest_wait=wait, clock=clock, sleep=self.sleep)

    @cached_property
    def http(self) -> Http:
        return Http(self.gate, self.wire, sleep=self.sleep)

    def connector(self, row: ShopRow, transport: Transport | None = None) -> tuple[Connector, int]:
        """A session of the shop, and the version of the tokens it carries."""
        adapter = CHANNELS.get(row.channel)
        if adapter is None:
            raise ConfigurationError(f"shop {row.id} is on the channel {row.channel}, which is not in the registry")
        with self.database.read() as connection:
            held = shops.credentials(connection, self.vault, row)
        session = adapter.connector(
            row.id,
            row.account,
            held.credentials,
            transport or self.http,
            self.gate,
            self.clock,
            self.settings.gateway(adapter.channel),
            row.options,
        )
        return session, held.version

    def close(self) -> None:
        self.http.close()
        self.database.close()
        self.redis.close()
