"""Pushes in: signed Douyin callbacks a second, durable before the acknowledgement, beside the same server without a
write.

The server runs in its own process and is the real one; the floor differs in one thing: its writer stores nothing.
Requests are signed beforehand and sent over keep-alive connections, each waiting for its answer before it sends the
next; there are enough of them that work decides, not the latency of one commit.

    python -m bench.hooks [--pushes 20000] [--connections 256] [--database sqlite] [--json]
"""

import argparse
import asyncio
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa
from pydantic import SecretStr

from bench._report import print_table
from bench._servers import SECRET, databases, free_port, wait_for
from core.channel import Credentials
from core.clock import SystemClock
from core.crypto import Vault
from core.db import Database, shops
from core.db.migrations import upgrade
from core.db.tables import receipt
from core.notices import Notice
from core.settings import Settings
from tests import servers
from web import receipts, serve

APP_KEY, APP_SECRET, SHOP = "7000000000000000001", "only-for-this-measurement", "12345678"


def main() -> None:
    """Parses the command line, runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pushes", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=256)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, servers.valkey() as redis_url:
        results = [
            run(database, redis_url, Path(folder), options.pushes, options.connections)
            for database in databases(options.database or ["sqlite", "postgresql"], Path(folder))
        ]
    if options.json:
        print(json.dumps(results))
    else:
        print_table("pushes in", results)


def run(database: Database, redis_url: str, folder: Path, pushes: int, connections: int) -> dict[str, Any]:
    """One database: floor and real server in turn, twice, the better of each; every push is a new message."""
    upgrade(database)
    _connect(database)
    best = {"floor": 0.0, "ours": 0.0}
    sent = 0
    for turn in range(2):
        for kind in ("floor", "ours"):
            bodies = [_request(f"{kind}-{turn}-{number}") for number in range(pushes)]
            with _server(database, redis_url, folder, writes=kind == "ours") as port:
                asyncio.run(_load(port, bodies[:1], 1))  # the first push waits until the writer has started
                best[kind] = max(best[kind], asyncio.run(_load(port, bodies[1:], connections)))
            sent += pushes if kind == "ours" else 0
    with database.read() as connection:
        stored = connection.scalar(sa.select(sa.func.count()).select_from(receipt))
    return {
        "database": database.engine.dialect.name,
        "connections": connections,
        "floor_per_s": round(best["floor"]),
        "ours_per_s": round(best["ours"]),
        "of_floor": round(best["ours"] / best["floor"], 3),
        "acknowledged": sent,
        "stored": stored,
    }


def _connect(database: Database) -> None:
    credentials = Credentials(APP_KEY, SecretStr(APP_SECRET), SecretStr("-"), SecretStr("-"))
    with database.write() as connection:
        shops.add(
            connection,
            Vault(SECRET),
            channel="douyin",
            account=SHOP,
            name="bench",
            credentials=credentials,
            now=SystemClock().now(),
        )


def _request(message: str) -> bytes:
    """One signed callback as it stands on the wire."""
    data = {"p_id": 6920000000000000001, "s_ids": [6920000000000000001], "shop_id": int(SHOP), "order_status": 2}
    content = [{"tag": "101", "msg_id": message, "data": json.dumps(data, separators=(",", ":"))}]
    body = json.dumps(content, separators=(",", ":")).encode()
    sign = hashlib.md5(APP_KEY.encode() + body + APP_SECRET.encode()).hexdigest()  # noqa: S324 - the platform's own
    head = (
        "POST /hooks/douyin HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
        f"app-id: {APP_KEY}\r\nevent-sign: {sign}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _load(port: int, requests: Sequence[bytes], connections: int) -> float:
    """Answers a second. Anything but an acknowledgement ends the measurement."""
    waiting = iter(requests)
    started = time.perf_counter()
    await asyncio.gather(*(_ask(port, waiting) for _ in range(connections)))
    return len(requests) / (time.perf_counter() - started)


async def _ask(port: int, waiting: Iterator[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in waiting:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 200") or json.loads(body)["code"] != 0:
            raise SystemExit(f"not acknowledged: {head!r} {body!r}")
    writer.close()
    await writer.wait_closed()


@contextmanager
def _server(database: Database, redis_url: str, folder: Path, *, writes: bool) -> Iterator[int]:
    port = free_port()
    url = database.url.render_as_string(hide_password=False)
    environment = os.environ | {
        "QUDAO_DATABASE_URL": url,
        "QUDAO_REDIS_URL": redis_url,
        "QUDAO_DATA_DIR": str(folder),
        "QUDAO_SECRET_KEY": SECRET,
        "QUDAO_PORT": str(port),
        "QUDAO_LOG_LEVEL": "warning",
    }
    code = f"from bench.hooks import serve_one; serve_one({writes})"
    process = subprocess.Popen([sys.executable, "-c", code], env=environment)
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz")
        yield port
    finally:
        process.terminate()
        process.wait()


async def _forget(_writer: receipts.Writer, _notices: Sequence[Notice]) -> None:
    """Stores nothing."""


def serve_one(writes: bool) -> None:
    """The server process of one measurement."""
    with nullcontext() if writes else patch.object(receipts.Writer, "store", _forget):
        serve.run(Settings.load())


if __name__ == "__main__":
    main()
