"""The feed out: one event to a thousand waiting readers of one server process, and all events to one reader as lines,
beside reading the same rows straight from the table.

The server runs in its own process and is the real one. Long-poll: every reader has a connection of its own and waits;
an event is committed and announced, and the time runs until each of them has the whole answer. Lines: one reader
drains everything with `Accept: application/x-ndjson`, 10,000 events an answer, and counts the lines; the floor selects
the same rows with SQLAlchemy, in pages as the server reads them, and does nothing with them: what is sealed stays so.

    python -m bench.feed [--readers 1000] [--rounds 20] [--events 100000] [--database sqlite] [--json]
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx
import redis
import sqlalchemy as sa

from bench._report import print_table
from bench._servers import SECRET, databases, free_port, wait_for
from core.clock import SystemClock
from core.db import Database, feed, keys
from core.db.feed import Event
from core.db.keys import Grant
from core.db.migrations import upgrade
from core.db.tables import feed as table
from core.model import OrderData
from sync.queue import Bells
from tests import canonical, servers

SHOP = "pinduoduo:1"
PAGE = 10_000
BATCH = 1000
SETTLE_SECONDS = 0.5
"""Between two rounds, so that all readers wait again."""
LONGEST_SECONDS = 30


def main() -> None:
    """Parses the command line, runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    _raise_limit(options.readers)
    with tempfile.TemporaryDirectory() as folder, servers.valkey() as redis_url:
        results = [
            run(database, redis_url, Path(folder), options.readers, options.rounds, options.events)
            for database in databases(options.database or ["sqlite", "postgresql"], Path(folder))
        ]
    if options.json:
        print(json.dumps(results))
    else:
        print_table("the feed out", results)


def run(database: Database, redis_url: str, folder: Path, readers: int, rounds: int, events: int) -> dict[str, Any]:
    """One database: first the drain, then the waiting."""
    upgrade(database)
    with database.write() as connection:
        key = keys.create(connection, "bench", SystemClock().now(), Grant(per_minute=0)).plain
    size = _fill(database, events)
    with _server(database, redis_url, folder) as (port, process):
        url = f"http://127.0.0.1:{port}"
        drained = max(_drain(url, key, events) for _ in range(2))
        floor = max(_floor(database, events) for _ in range(2))
        before = _rss(process.pid)
        seconds = asyncio.run(_wake(database, redis_url, port, key, readers, rounds))
        after = _rss(process.pid, peak=True)
    cuts = quantiles(seconds, n=100, method="inclusive")
    return {
        "database": database.engine.dialect.name,
        "events": events,
        "bytes_per_event": size,
        "lines_per_s": round(drained),
        "table_per_s": round(floor),
        "of_table": round(drained / floor, 3),
        "readers": readers,
        "wakes": len(seconds),
        "wake_p50_ms": round(cuts[49] * 1000, 1),
        "wake_p99_ms": round(cuts[98] * 1000, 1),
        "wake_max_ms": round(max(seconds) * 1000, 1),
        "rss_before_mib": round(before),
        "rss_peak_mib": round(after),
    }


def _fill(database: Database, events: int) -> int:
    """Events as orders make them. Answers how many bytes the data of one has."""
    data = OrderData(order=canonical.order()).model_dump_json()
    now = SystemClock().now()
    for first in range(0, events, BATCH):
        numbers = range(first, min(first + BATCH, events))
        with database.write() as connection:
            feed.append(connection, [Event("order.created", SHOP, f"o{n}", 1, now, data) for n in numbers])
    return len(data)


def _drain(url: str, key: str, events: int) -> float:
    """Lines a second. A missing one ends the measurement."""
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/x-ndjson"}
    seen, after, more = 0, "", True
    with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as client:
        began = time.perf_counter()
        while more:
            last = b""
            with client.stream("GET", "/v1/feed", params={"after": after, "limit": PAGE}) as answer:
                for chunk in answer.raise_for_status().iter_bytes():
                    seen += chunk.count(b"\n")
                    last = (last + chunk)[-BATCH:]
            seen -= 1
            control = json.loads(last.strip().rpartition(b"\n")[2])
            after, more = control["cursor"], control["more"]
        took = time.perf_counter() - began
    assert seen == events, f"{seen} of {events} events"
    return events / took


def _floor(database: Database, events: int) -> float:
    """Rows a second, read in pages as the server reads them."""
    began = time.perf_counter()
    after = seen = 0
    query = sa.select(table).where(table.c.position > sa.bindparam("after")).order_by(table.c.position).limit(BATCH)
    with database.read() as connection:
        while rows := connection.execute(query, {"after": after}).all():
            seen += len(rows)
            after = rows[-1].position
    assert seen == events, f"{seen} of {events} rows"
    return events / (time.perf_counter() - began)


async def _wake(database: Database, redis_url: str, port: int, key: str, readers: int, rounds: int) -> list[float]:
    """Seconds from before the commit of an event to each reader's whole answer."""
    loop = asyncio.get_running_loop()
    connections = [await asyncio.open_connection("127.0.0.1", port) for _ in range(readers)]
    bells = Bells(redis.Redis.from_url(redis_url))
    head = "GET /v1/feed?after={after}&wait=30 HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer " + key + "\r\n\r\n"
    after = "now"
    seconds: list[float] = []
    for number in range(rounds):
        asked = [asyncio.create_task(_ask(*each, head.format(after=after).encode())) for each in connections]
        await asyncio.sleep(SETTLE_SECONDS + readers / 2000)
        began = loop.time()
        await asyncio.to_thread(_happen, database, bells, number)
        async with asyncio.timeout(LONGEST_SECONDS):
            answers = await asyncio.gather(*asked)
        seconds += [at - began for at, _ in answers]
        [after] = {answer["cursor"] for _, answer in answers}
        assert all(len(answer["events"]) == 1 for _, answer in answers)
    for _, writer in connections:
        writer.close()
    return seconds


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[float, Any]:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    body = await reader.readexactly(length)
    arrived = asyncio.get_running_loop().time()
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"not answered: {head!r} {body!r}")
    return arrived, json.loads(body)


def _happen(database: Database, bells: Bells, number: int) -> None:
    with database.write() as connection:
        feed.append(connection, [Event("stock.accepted", SHOP, "L/S", number + 1, SystemClock().now(), "{}")])
    bells.announce_feed()


@contextmanager
def _server(database: Database, redis_url: str, folder: Path) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    port = free_port()
    environment = os.environ | {
        "QUDAO_DATABASE_URL": database.url.render_as_string(hide_password=False),
        "QUDAO_REDIS_URL": redis_url,
        "QUDAO_DATA_DIR": str(folder),
        "QUDAO_SECRET_KEY": SECRET,
        "QUDAO_PORT": str(port),
        "QUDAO_LOG_LEVEL": "warning",
    }
    code = "from core.settings import Settings; from web import serve; serve.run(Settings.load())"
    process = subprocess.Popen([sys.executable, "-c", code], env=environment)
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz")
        yield port, process
    finally:
        process.terminate()
        process.wait()


def _rss(pid: int, *, peak: bool = False) -> float:
    """MiB of memory a process has now, or had at most; Linux only."""
    name = "VmHWM:" if peak else "VmRSS:"
    lines: Sequence[str] = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


def _raise_limit(readers: int) -> None:
    """Every reader is an open file here, and one in the server, which inherits the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < readers + 200:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, readers + 200), hard))


if __name__ == "__main__":
    main()
