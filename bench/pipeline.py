"""Orders in: pages of a simulated shop → fetch, parse, map, accept, feed, on both databases, beside a floor.

The floor does the least that any connector must: the same requests, the wire model over the bytes, two bulk upserts; no
mapping, no comparison, no feed. Both run in this process, one after the other; the sandbox runs in its own.

    python -m bench.pipeline [--orders 100000] [--channel pinduoduo] [--database sqlite] [--json]
"""

import argparse
import json
import logging
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import redis
import structlog
from httpx import Client
from pydantic import BaseModel, SecretStr

from bench._report import print_table
from bench._servers import SECRET, databases, sandbox_server
from connectors import CHANNELS, Http
from connectors.douyin.wire import ShopOrder as DouyinOrder
from connectors.pinduoduo.wire import OrderRow as PinduoduoOrder
from core.channel import Connector, Credentials, OpenGate, Request, Window
from core.clock import SystemClock
from core.crypto import Vault
from core.db import Database, feed, items, lanes, shops, tables
from core.db.lanes import Kind, Lane
from core.db.migrations import upgrade
from core.db.upsert import upsert
from core.settings import Settings
from sync import accept as door
from sync import jobs, pull
from sync.runtime import Runtime
from tests import servers

T = TypeVar("T")
HOURS = 24.0
"""The orders are spread over this time, so that windows are as full as on a busy day."""


class _PinduoduoPage(BaseModel):
    class Root(BaseModel):
        order_sn_list: list[PinduoduoOrder] = []

    order_sn_increment_get_response: Root

    def rows(self) -> list[tuple[str, Any]]:
        return [(row.order_sn, row) for row in self.order_sn_increment_get_response.order_sn_list]


class _DouyinPage(BaseModel):
    class Data(BaseModel):
        shop_order_list: list[DouyinOrder] = []

    data: Data

    def rows(self) -> list[tuple[str, Any]]:
        return [(row.order_id, row) for row in self.data.shop_order_list]


PAGES: dict[str, type[_PinduoduoPage] | type[_DouyinPage]] = {"pinduoduo": _PinduoduoPage, "douyin": _DouyinPage}


@dataclass
class Stages:
    """Seconds by stage."""

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - started

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            with self.of(name):
                return function(*args, **options)

        return run


class Tap:
    """A transport that times requests and remembers them."""

    def __init__(self, http: Http, stages: Stages) -> None:
        self._http, self._stages = http, stages
        self.requests: list[Request] = []

    def send(self, request: Request) -> bytes:
        self.requests.append(request)
        with self._stages.of("fetch"):
            return self._http.send(request)


def run(channel: str, count: int, database: Database, gateway: str, redis_url: str, folder: Path) -> dict[str, Any]:
    """One database: records the requests, runs the floor over them, then the real thing."""
    upgrade(database)
    settings = Settings(data_dir=folder, redis_url=redis_url)
    runtime = Runtime(settings, database, Vault(SECRET), redis.Redis.from_url(redis_url))
    shop_id = _connect(runtime, channel, gateway)
    recorded = Tap(Http(OpenGate()), Stages())
    for window in _windows(channel):
        for _ in _connector(runtime, shop_id, recorded, gateway).orders(window):
            pass
    floor = _floor(runtime, channel, shop_id, recorded.requests)
    ours = _ours(runtime, channel, shop_id, gateway)
    with database.read() as connection:
        events = feed.head(connection)
    runtime.close()
    return {
        "channel": channel,
        "database": database.engine.dialect.name,
        "orders": count,
        "events": events,
        "floor_per_s": round(floor["rows"] / floor["seconds"]),
        "ours_per_s": round(count / ours["seconds"]),
        "of_floor": round(floor["seconds"] / floor["rows"] / (ours["seconds"] / count), 3),
        "first_10k_per_s": ours["first"],
        "last_10k_per_s": ours["last"],
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "shares": ours["shares"],
    }


def _windows(channel: str) -> Iterator[Window]:
    paging = CHANNELS[channel].channel.orders
    assert paging is not None
    now = datetime.now(UTC)
    since = now - timedelta(hours=HOURS, minutes=30)
    while since < now:
        until = min(since + paging.window, now)
        yield Window(since, until)
        since = until


def _floor(runtime: Runtime, channel: str, shop_id: str, requests: list[Request]) -> dict[str, Any]:
    """Fetch, validate, two bulk upserts, commit."""
    http, page_model, now = Http(OpenGate()), PAGES[channel], datetime.now(UTC)
    rows = 0
    started = time.perf_counter()
    for request in requests:
        page = page_model.model_validate_json(http.send(request)).rows()
        with runtime.database.write() as connection:
            bodies = [(identity, row.model_dump_json()) for identity, row in page]
            items.write(connection, "order", [_plain(shop_id, identity, body, now) for identity, body in bodies])
            upsert(
                connection,
                tables.raw,
                [
                    {"kind": "floor", "shop_id": shop_id, "id": identity, "payload": body.encode(), "fetched_at": now}
                    for identity, body in bodies
                ],
            )
        rows += len(page)
    seconds = time.perf_counter() - started
    with runtime.database.write() as connection:
        connection.execute(items.TABLES["order"].delete())
        connection.execute(tables.raw.delete())
    return {"rows": rows, "seconds": seconds}


def _plain(shop_id: str, identity: str, body: str, now: datetime) -> dict[str, Any]:
    return {
        "shop_id": shop_id,
        "id": identity,
        "status": "",
        "revision": 1,
        "digest": b"",
        "body": body,
        "source_at": now,
        "changed_at": now,
        "created_at": now,
        "ship_by": None,
    }


def _ours(runtime: Runtime, channel: str, shop_id: str, gateway: str) -> dict[str, Any]:
    """What a pull does: every page accepted in a transaction of its own, in the name of a lane's owner."""
    stages = Stages()
    connector = _connector(runtime, shop_id, Tap(Http(OpenGate()), stages), gateway)
    with runtime.database.write() as connection:
        claim = lanes.take(connection, Lane(shop_id, Kind.PULL), "bench", runtime.clock.now(), timedelta(hours=1))
    assert claim is not None
    marks: list[tuple[int, float]] = [(0, time.perf_counter())]
    with _timed_parts(stages):
        for window in _windows(channel):
            for page in pull.read_ahead(_timed_pages(connector.orders(window), stages)):
                with stages.of("accept"):
                    pull.accept_page(runtime, claim, "order", page)
                marks.append((marks[-1][0] + len(page.items), time.perf_counter()))
    seconds = marks[-1][1] - marks[0][1]
    return {"seconds": seconds, "first": _rate(marks, 0), "last": _rate(marks, -1), "shares": _shares(stages, seconds)}


def _rate(marks: list[tuple[int, float]], end: int) -> int:
    """Orders a second over the first or the last 10,000."""
    total = marks[-1][0]
    if end == 0:
        part = [mark for mark in marks if mark[0] <= 10_000]
    else:
        part = [mark for mark in marks if mark[0] >= total - 10_000]
    return round((part[-1][0] - part[0][0]) / max(1e-9, part[-1][1] - part[0][1]))


def _timed_pages(pages: Iterator[T], stages: Stages) -> Iterator[T]:
    while True:
        with stages.of("page"):
            page = next(pages, None)
        if page is None:
            return
        yield page


def _shares(stages: Stages, seconds: float) -> dict[str, float]:
    """Parts of the wall clock. Fetching and mapping run beside accepting, so that they add up to more than the
    whole.
    """
    spent = stages.seconds
    parts = {
        "fetch": spent["fetch"],
        "parse and map": spent["page"] - spent["fetch"],
        "accept": spent["accept"],
        "  compare and dump": spent["compare"],
        "  write rows": spent["rows"],
        "  seal and write raw": spent["raw"],
        "  feed": spent["feed"],
        "  transaction": spent["accept"] - spent["compare"] - spent["rows"] - spent["raw"] - spent["feed"],
    }
    return {name: round(value / seconds, 3) for name, value in parts.items()}


@contextmanager
def _timed_parts(stages: Stages) -> Iterator[None]:
    """Times the parts of `accept` by wrapping what it calls."""
    parts = [
        (items, "write", "rows"),
        (items, "write_raw", "raw"),
        (feed, "append", "feed"),
        (door, "_compare", "compare"),
    ]
    plain = [(module, name, getattr(module, name)) for module, name, _ in parts]
    for (module, name, function), (_, _, stage) in zip(plain, parts, strict=True):
        setattr(module, name, stages.timed(stage, function))
    try:
        yield
    finally:
        for module, name, function in plain:
            setattr(module, name, function)


def _connect(runtime: Runtime, channel: str, gateway: str) -> str:
    with Client() as client:
        app = client.get(f"{gateway}/_sandbox/credentials").json()["channels"][channel]
    shop = app["shops"][0]
    tokens = SecretStr(shop["access_token"]), SecretStr(shop["refresh_token"])
    credentials = Credentials(app["app_key"], SecretStr(app["app_secret"]), *tokens)
    with runtime.database.write() as connection:
        return shops.add(
            connection,
            runtime.vault,
            channel=channel,
            account=shop["shop_id"],
            name="bench",
            credentials=credentials,
            now=runtime.clock.now(),
        )


def _connector(runtime: Runtime, shop_id: str, transport: Tap, gateway: str) -> Connector:
    with runtime.database.read() as connection:
        row = shops.get(connection, shop_id)
        held = shops.credentials(connection, runtime.vault, row)
    make = CHANNELS[row.channel].connector
    return make(row.id, row.account, held.credentials, transport, OpenGate(), SystemClock(), gateway)


def main() -> None:
    """Parses the command line, runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--channel", choices=sorted(PAGES), default="pinduoduo")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    jobs.tune_interpreter()
    with tempfile.TemporaryDirectory() as folder, sandbox_server() as gateway, servers.valkey() as redis_url:
        with Client(timeout=600) as client:
            settings = {"rate_limits_on": False}
            client.post(f"{gateway}/_sandbox/settings", json=settings).raise_for_status()
            placed = {
                "channel": options.channel,
                "count": options.orders,
                "spread_seconds": HOURS * 3600,
                "restock": True,
            }
            client.post(f"{gateway}/_sandbox/orders", json=placed).raise_for_status()
        results = [
            run(options.channel, options.orders, database, gateway, redis_url, Path(folder))
            for database in databases(options.database or ["sqlite", "postgresql"], Path(folder))
        ]
    if options.json:
        print(json.dumps(results))
    else:
        print_table("orders in", results)


if __name__ == "__main__":
    main()
