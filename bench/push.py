"""Stock out: changed SKUs through the engine and its rate budget to a simulated shop, beside one RQ job per SKU.

Both sides run against the sandbox in this process on its virtual clock, so that what is measured is how the quota is
used and not how fast this machine is; `own_seconds` says what the work itself cost. Every call takes a round trip. The
naive shape has one worker and no budget: a refused job sleeps a second and tries again. It is measured on a part of the
SKUs and its rows are scaled up to all.

    python -m bench.push [--skus 100000] [--naive 2000] [--channel douyin] [--database sqlite] [--json]
"""

import argparse
import json
import logging
import tempfile
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import Any

import httpx
import redis
import structlog
from pydantic import SecretStr
from rq import Queue
from rq.worker import SimpleWorker

from bench._report import print_table
from bench._servers import SECRET, databases
from connectors import CHANNELS, Http
from core.channel import Connector, Credentials, Limit, OpenGate, StockWrite
from core.crypto import Vault
from core.db import Database, intents, shops
from core.db.intents import Wish
from core.db.lanes import Kind, Lane
from core.db.migrations import upgrade
from core.errors import Throttled
from core.model import SkuKey
from core.settings import Settings
from sandbox.clock import VirtualClock
from sandbox.items import Item, Price, Sku, StockSet
from sandbox.sandbox import Sandbox
from sandbox.transport import mock_transport
from sync import drain
from sync.runtime import Runtime
from tests import servers

ROUND_TRIP = 0.05
NAP = 1.0
"""How long a refused job of the naive shape sleeps."""
SKUS_OF_AN_ITEM = 20
FIRST_ITEM, FIRST_SKU = 4_000_000_000_000_000_000, 5_000_000_000_000_000_000


@dataclass(frozen=True)
class Write:
    """How a channel takes stock: the method and how many SKUs go into one call."""

    method: str
    skus: int

    def limit(self, channel: str) -> Limit:
        return next(limit for limit in CHANNELS[channel].channel.limits if limit.method == self.method)


WRITES = {"douyin": Write("sku.syncStockBatchMultiProducts", 50)}
"""Channels whose calls take many SKUs of any listing, where batches decide."""


@dataclass
class World:
    """A simulated shop with many SKUs, and the times at which calls reached it."""

    channel: str
    keys: list[SkuKey]
    sandbox: Sandbox
    arrivals: list[float] = field(default_factory=list)

    @classmethod
    def with_skus(cls, channel: str, count: int) -> "World":
        sandbox = Sandbox(1, VirtualClock())
        items = sandbox.world.shop(channel).items
        at = sandbox.world.now()
        for number in range(count):
            item_id = str(FIRST_ITEM + number // SKUS_OF_AN_ITEM)
            if item_id not in items:
                items[item_id] = Item(item_id, f"ITEM-{item_id}", "保温杯", at, at, {})
            sku_id = str(FIRST_SKU + number)
            price = Price(1990, 2990, 3990)
            items[item_id].skus[sku_id] = Sku(sku_id, item_id, sku_id, (), price, 5, StockSet(5, at, "initial"))
        keys = [
            SkuKey(listing_id=str(FIRST_ITEM + number // SKUS_OF_AN_ITEM), sku_id=str(FIRST_SKU + number))
            for number in range(count)
        ]
        return cls(channel, keys, sandbox)

    def wire(self) -> httpx.BaseTransport:
        return _Travelling(self)

    def credentials(self) -> Credentials:
        shop, app = self.sandbox.world.shop(self.channel), self.sandbox.world.apps[self.channel]
        access, refresh = SecretStr(shop.grant.access_token), SecretStr(shop.grant.refresh_token)
        return Credentials(app.key, SecretStr(app.secret), access, refresh)

    def now(self) -> datetime:
        """The world's time, as a clock of ours."""
        return datetime.fromtimestamp(self.sandbox.world.now(), UTC)

    def wrong(self, wanted: Callable[[int], int]) -> int:
        """SKUs whose stock is not what was wanted."""
        items = self.sandbox.world.shop(self.channel).items
        shown = (items[key.listing_id].skus[key.sku_id].sellable for key in self.keys)
        return sum(stock != wanted(number) for number, stock in enumerate(shown))


class _Travelling(httpx.BaseTransport):
    """The way to the sandbox and back."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._inner = mock_transport(world.sandbox)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        clock = self._world.sandbox.world
        clock.advance(ROUND_TRIP / 2)
        self._world.arrivals.append(clock.now())
        response = self._inner.handle_request(request)
        clock.advance(ROUND_TRIP / 2)
        return response


def wanted(number: int) -> int:
    """The new stock of a SKU; one in a hundred has run out."""
    return number % 100


def ours(database: Database, redis_url: str, folder: Path, channel: str, skus: int) -> dict[str, Any]:
    """All SKUs changed at once; the stock lane is drained until nothing is due."""
    upgrade(database)
    world = World.with_skus(channel, skus)
    settings = Settings(data_dir=folder, secret_key=SecretStr(SECRET), redis_url=redis_url, read_ahead=False)
    runtime = Runtime(
        settings,
        database,
        Vault(SECRET),
        redis.Redis.from_url(redis_url),
        clock=world,
        wire=world.wire(),
        sleep=world.sandbox.world.advance,
    )
    shop = world.sandbox.world.shop(channel)
    with database.write() as connection:
        identity = shops.add(
            connection,
            runtime.vault,
            channel=channel,
            account=shop.shop_id,
            name="bench",
            credentials=world.credentials(),
            now=world.now(),
        )
        wishes = [
            Wish("stock", f"stock:{identity}:{key.sku_id}", identity, f"{key.listing_id}/{key.sku_id}", str(wanted(i)))
            for i, key in enumerate(world.keys)
        ]
        intents.want(connection, wishes, world.now())
    started = time.perf_counter()
    lane = Lane(identity, Kind.STOCK)
    while _due(database, identity, world.now()):
        drain.drain(runtime, lane)
    own = time.perf_counter() - started
    runtime.http.close()
    runtime.redis.close()
    return {"shape": "qudao", "database": database.engine.dialect.name, **_told(world, skus, skus, own)}


def _due(database: Database, shop_id: str, now: datetime) -> bool:
    with database.read() as connection:
        return bool(intents.due(connection, shop_id, ["stock"], now, 1))


@dataclass
class Naive:
    """What a job of the naive shape works with."""

    connector: Connector
    sleep: Callable[[float], None]


_NAIVE: ContextVar[Naive] = ContextVar("naive")
"""Where a job finds it: RQ calls jobs by name."""


def push_one(listing_id: str, sku_id: str, quantity: int) -> None:
    """One job of the naive shape."""
    naive = _NAIVE.get()
    write = StockWrite(SkuKey(listing_id=listing_id, sku_id=sku_id), quantity)
    while True:
        [outcome] = naive.connector.set_stock([write])
        if not isinstance(outcome.error, Throttled):
            break
        naive.sleep(NAP)
    if outcome.error is not None:
        raise outcome.error


def naive(redis_url: str, channel: str, skus: int, part: int) -> dict[str, Any]:
    """One RQ job per SKU, one worker, sleep and retry. `part` of `skus` are really sent."""
    world = World.with_skus(channel, part)
    http = Http(OpenGate(), world.wire(), sleep=world.sandbox.world.advance)
    make = CHANNELS[channel].connector
    shop_id = world.sandbox.world.shop(channel).shop_id
    connector = make(
        f"{channel}:{shop_id}", shop_id, world.credentials(), http, OpenGate(), world, "http://sandbox", {}
    )
    _NAIVE.set(Naive(connector, world.sandbox.world.advance))
    connection = redis.Redis.from_url(redis_url)
    queue = Queue("bench", connection=connection)
    started = time.perf_counter()
    queue.enqueue_many(
        [Queue.prepare_data(push_one, [key.listing_id, key.sku_id, wanted(i)]) for i, key in enumerate(world.keys)]
    )
    SimpleWorker([queue], connection=connection).work(burst=True, logging_level="WARNING")
    own = time.perf_counter() - started
    http.close()
    connection.close()
    return {"shape": f"one RQ job per SKU ({part} of them)", "database": "none", **_told(world, skus, part, own)}


def _told(world: World, skus: int, sent: int, own: float) -> dict[str, Any]:
    """What was seen at the platform, scaled from `sent` to `skus`."""
    write = WRITES[world.channel]
    limit = write.limit(world.channel)
    scale = skus / sent
    counted = world.sandbox.world.calls[world.channel][write.method]
    calls, refused = int(counted["count"]) * scale, int(counted["throttled"]) * scale
    least = ceil(skus / write.skus)
    rate = limit.calls / limit.seconds
    took = (world.arrivals[-1] - world.arrivals[0]) * scale + limit.seconds / limit.calls
    return {
        "skus": skus,
        "calls": round(calls),
        "of_least": round(calls / least, 3),
        "refused": round(refused),
        "quota_used": round((calls - refused) / rate / took, 3),
        "busiest_window": f"{_busiest(world.arrivals, limit.seconds)} of {limit.calls}",
        "virtual_seconds": round(took),
        "own_seconds": round(own * scale, 1),
        "wrong_at_the_end": world.wrong(wanted),
    }


def _busiest(arrivals: list[float], seconds: float) -> int:
    """The most calls that reached the platform in any time of this length."""
    first, most = 0, 0
    for last, at in enumerate(arrivals):
        while arrivals[first] <= at - seconds + 1e-6:
            first += 1
        most = max(most, last - first + 1)
    return most


def main() -> None:
    """Parses the command line, runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skus", type=int, default=100_000)
    parser.add_argument("--naive", type=int, default=2_000, help="SKUs that the naive shape really sends")
    parser.add_argument("--channel", choices=sorted(WRITES), default="douyin")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder, servers.valkey() as redis_url:
        results = [
            ours(database, redis_url, Path(folder), options.channel, options.skus)
            for database in databases([options.database], Path(folder))
        ]
        results.append(naive(redis_url, options.channel, options.skus, min(options.naive, options.skus)))
    if options.json:
        print(json.dumps(results))
    else:
        print_table("stock out", results)


if __name__ == "__main__":
    main()
