"""How long it takes: `PUT /v1/stock` until the platform has taken the call, and a push until a waiting reader of the
feed sees the event. Real processes as under `qudao up`, the sandbox in one of its own, on both databases.

Stock: an ERP sends one SKU after another; the end is the moment at which the platform set the number. Push: buyers pay,
the platform sends its message; the end is the moment at which `GET /v1/feed?wait=` answers. Both ends are on this
machine's clock. Reading the order again, as every push makes us do, is part of it.

    python -m bench.latency [--orders 120] [--writes 40] [--database sqlite] [--json]
"""

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx

from bench._report import print_table
from bench._servers import databases, free_port, played
from commands.shop import add_from_sandbox
from commands.supervisor import child, command
from commands.up import parts
from connectors import CHANNELS
from core.channel import Push
from core.db import Database
from core.db.migrations import upgrade
from core.settings import Settings
from examples.sandbox_control import SandboxControl
from sync import embedded, keys
from sync.runtime import Runtime

PACE_SECONDS = 0.25
"""Between two orders, and between two stock numbers: far below every budget, so that nothing waits for its turn."""
READY_SECONDS = 120.0
SETTLE_SECONDS = 30.0
FIRST_PULL_DAYS = 0.002
PUSHING = (Push.WEBHOOK, Push.CONNECTION)
STARTED = 100
"""Where the measured stock numbers begin: above them all is ours alone."""


class Reader:
    """An ERP that waits for news."""

    def __init__(self, url: str, key: str) -> None:
        self.seen: dict[tuple[str, str], float] = {}
        """(shop, order) → when its first event arrived."""
        self.client = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=40, trust_env=False
        )
        self._over = threading.Event()

    @contextmanager
    def reading(self) -> Iterator["Reader"]:
        thread = threading.Thread(target=self._follow)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()
            self.client.close()

    def _follow(self) -> None:
        cursor = ""
        while not self._over.is_set():
            try:
                answer = self.client.get("/v1/feed", params={"after": cursor, "wait": 2, "type": "order.*"})
            except httpx.TransportError:
                time.sleep(0.2)
                continue
            arrived = time.time()
            page = answer.raise_for_status().json()
            cursor = page["cursor"]
            for event in page["events"]:
                self.seen.setdefault((event["source"].removeprefix("/shops/"), event["subject"]), arrived)

    def mapped(self) -> list[dict[str, Any]]:
        """Listing SKUs that a SKU of ours stands for."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            page = self.client.get("/v1/stock", params={"after": after, "limit": 500}).raise_for_status().json()
            found += [row for row in page["items"] if row["sku"]]
            after = page["cursor"]
            if not page["more"]:
                return found

    def set_stock(self, sku: str, quantity: int) -> float:
        """When it was sent."""
        sent = time.time()
        body = {"items": [{"sku": sku, "quantity": quantity}]}
        key = {"Idempotency-Key": f"latency-{sku}-{quantity}"}
        self.client.put("/v1/stock", json=body, headers=key).raise_for_status()
        return sent


def run(database: Database, folder: Path, orders: int, writes: int) -> list[dict[str, Any]]:
    """One database: a row for every channel that pushes."""
    upgrade(database)
    channels = [code for code, adapter in CHANNELS.items() if adapter.channel.push in PUSHING]
    sandbox_port, web_port = free_port(), free_port()
    gateway, web = f"http://127.0.0.1:{sandbox_port}", f"http://127.0.0.1:{web_port}"
    url = database.url.render_as_string(hide_password=False)
    settings = embedded.with_redis(
        Settings(
            data_dir=folder,
            first_pull_days=FIRST_PULL_DAYS,
            database_url=url,
            gateways=dict.fromkeys(CHANNELS, gateway),
        )
    )
    runtime = Runtime.open(settings)
    key = keys.create(runtime, "latency", keys.granted(per_minute=0)).plain
    around = {
        "QUDAO_DATABASE_URL": url,
        "QUDAO_LOG_LEVEL": "warning",
        "QUDAO_FIRST_PULL_DAYS": str(FIRST_PULL_DAYS),
        **{f"QUDAO_{code.upper()}_GATEWAY": gateway for code in CHANNELS},
    }
    log = folder / "log"
    platforms = child("sandbox", command("sandbox", "--port", str(sandbox_port)), {}, log=log)
    platforms.foundation = True
    cast = [platforms, *parts(settings, "127.0.0.1", web_port, 3, environment=around, log=log)]
    with played(cast), SandboxControl(gateway) as sandbox, Reader(web, key).reading() as reader:
        _until(sandbox.answers, "the sandbox does not answer")
        for code in channels:
            if CHANNELS[code].channel.push is Push.WEBHOOK:
                sandbox.callback(code, f"{web}/hooks/{code}")
        add_from_sandbox(runtime, gateway)
        _warm(sandbox, reader, channels)
        pushed = _pushes(sandbox, reader, channels, orders)
        taken = _writes(sandbox, reader, channels, writes)
    runtime.close()
    name = database.engine.dialect.name
    return [
        {"database": name, "channel": code, **_row("stock", taken[code]), **_row("push", pushed[code])}
        for code in channels
    ]


def _warm(sandbox: SandboxControl, reader: Reader, channels: list[str]) -> None:
    """Goods are known in every shop, and an order has gone all the way."""
    _until(lambda: set(channels) <= {row["shop"].partition(":")[0] for row in reader.mapped()}, "no goods are known")
    for code in channels:
        sandbox.place(code, variant="plain")
    _until(lambda: {shop.partition(":")[0] for shop, _ in reader.seen} >= set(channels), "no order comes")
    time.sleep(5)  # what the first pulls have left to do


def _pushes(sandbox: SandboxControl, reader: Reader, channels: list[str], orders: int) -> dict[str, list[float]]:
    placed = {code: set[str]() for code in channels}
    for number in range(orders):
        code = channels[number % len(channels)]
        placed[code].update(sandbox.place(code, variant="plain"))
        time.sleep(PACE_SECONDS)
    wanted = set().union(*placed.values())
    _until(lambda: wanted <= {order for _, order in reader.seen}, "an order does not come", SETTLE_SECONDS)
    truth = sandbox.truth()["channels"]
    found: dict[str, list[float]] = {}
    for code in channels:
        first: dict[tuple[str, str], float] = {}
        for push in truth[code]["pushes"]:
            if push["first_sent_at"] is not None and push["object_id"] in placed[code]:
                place = (f"{code}:{push['shop_id']}", push["object_id"])
                first[place] = min(push["first_sent_at"], first.get(place, push["first_sent_at"]))
        found[code] = [reader.seen[place] - sent for place, sent in first.items()]
    return found


def _writes(sandbox: SandboxControl, reader: Reader, channels: list[str], writes: int) -> dict[str, list[float]]:
    """Every SKU once a round, so that the platform's last word about each is the round's."""
    skus = sorted({row["sku"] for row in reader.mapped()})
    found: dict[str, list[float]] = {code: [] for code in channels}
    done = 0
    while done < writes:
        batch = skus[: writes - done]
        sent = {}
        for number, sku in enumerate(batch):
            quantity = STARTED + done + number
            sent[sku] = (quantity, reader.set_stock(sku, quantity))
            time.sleep(PACE_SECONDS)
        done += len(batch)
        _until(lambda sent=sent: not _untaken(sandbox, channels, sent), "a number does not arrive", SETTLE_SECONDS)
        for code, sku in _mapped(sandbox, channels):
            if sku["code"] in sent:
                found[code].append(sku["last_set"]["at"] - sent[sku["code"]][1])
    return found


def _mapped(sandbox: SandboxControl, channels: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """Channel and SKU, where the SKU's code is the only one of its shop, as the engine maps."""
    truth = sandbox.truth()["channels"]
    found = []
    for code in channels:
        for shop in truth[code]["shops"].values():
            codes = [sku["code"] for sku in shop["skus"].values()]
            found += [(code, sku) for sku in shop["skus"].values() if codes.count(sku["code"]) == 1]
    return found


def _untaken(sandbox: SandboxControl, channels: list[str], sent: Mapping[str, tuple[int, float]]) -> list[str]:
    return [
        sku["code"]
        for _, sku in _mapped(sandbox, channels)
        if sku["code"] in sent and sku["last_set"]["quantity"] != sent[sku["code"]][0]
    ]


def _row(name: str, seconds: list[float]) -> dict[str, float]:
    cuts = quantiles(sorted(seconds), n=100, method="inclusive")
    return {
        f"{name}_n": len(seconds),
        f"{name}_p50_ms": round(cuts[49] * 1000, 1),
        f"{name}_p99_ms": round(cuts[98] * 1000, 1),
    }


def _until(reached: Any, otherwise: str, seconds: float = READY_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if reached():
                return
        except httpx.TransportError:
            pass  # not up yet
        if time.monotonic() > deadline:
            raise SystemExit(otherwise)
        time.sleep(0.2)


def main() -> None:
    """Parses the command line, runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=120)
    parser.add_argument("--writes", type=int, default=40)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = []
    for kind in options.database or ["sqlite", "postgresql"]:
        with tempfile.TemporaryDirectory() as folder:
            for database in databases([kind], Path(folder)):
                results += run(database, Path(folder), options.orders, options.writes)
    if options.json:
        print(json.dumps(results))
    else:
        print_table("how long it takes", results)


if __name__ == "__main__":
    main()
