"""More workers: backlogs of shipments in four shops of a slow channel, drained by one worker process and by two.

PostgreSQL, real worker processes, a sandbox whose every answer takes its time, so that the channel decides. What is
measured begins when the workers are up and ends when the last shipment is done. `overlaps` counts lanes in which two
owners wrote at once, by fences and times of the attempts; `shipped_twice` what the platform accepted more than once.

    python -m bench.workers [--orders 20] [--delay 0.4] [--json]
"""

import argparse
import json
import tempfile
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import redis
import sqlalchemy as sa

from bench._report import print_table
from bench._servers import databases, free_port, played, wait_for
from commands.shop import add_from_sandbox
from commands.supervisor import child, command
from connectors import CHANNELS
from core.channel import Window
from core.db import Database
from core.db.lanes import Kind, Lane
from core.db.migrations import upgrade
from core.db.tables import intent
from core.db.tables import orders as known_orders
from core.model import ParcelDraft
from core.settings import Settings
from examples.sandbox_control import SandboxControl
from sync import beat, ops
from sync.runtime import Runtime
from sync.shipments import ShipmentItem, ship
from tests import servers
from tests.scale.exclusion import overlaps

CHANNEL, SHOPS = "douyin", 4
LOOK_SECONDS = 0.1
READY_SECONDS = 90.0
LONGEST_SECONDS = 900.0


def run(workers: int, orders: int, delay: float, database: Database, redis_url: str, folder: Path) -> dict[str, Any]:
    """A world of its own: so many orders in each shop, so many worker processes."""
    upgrade(database)
    port = free_port()
    gateway = f"http://127.0.0.1:{port}"
    url = database.url.render_as_string(hide_password=False)
    settings = Settings(
        data_dir=folder, database_url=url, redis_url=redis_url, gateways=dict.fromkeys(CHANNELS, gateway)
    )
    around = {
        "QUDAO_DATA_DIR": str(folder),
        "QUDAO_DATABASE_URL": url,
        "QUDAO_REDIS_URL": redis_url,
        **{f"QUDAO_{code.upper()}_GATEWAY": gateway for code in CHANNELS},
    }
    log = folder / "log"
    platforms = child("sandbox", command("sandbox", "--port", str(port), "--shops", str(SHOPS)), {}, log=log)
    runtime = Runtime.open(settings)
    with ExitStack() as stack:
        stack.callback(runtime.close)
        stack.enter_context(played([platforms]))
        wait_for(f"{gateway}/_sandbox/clock", READY_SECONDS)
        sandbox = stack.enter_context(SandboxControl(gateway))
        shipments = _backlog(runtime, sandbox, gateway, orders)
        sandbox.settings(answer_delay=delay)
        cast = [child(f"worker {n}", command("worker", "--count", "1"), around, log=log) for n in range(workers)]
        stack.enter_context(played(cast))
        _warm(runtime, workers)
        with database.write() as connection:
            ship(connection, shipments, runtime.clock.now())
        began = time.monotonic()
        _drained(runtime)
        seconds = time.monotonic() - began
        accepts = [
            each["ship_accepts"]
            for shop in sandbox.truth()["channels"][CHANNEL]["shops"].values()
            for each in shop["orders"].values()
        ]
    return {
        "workers": workers,
        "shops": SHOPS,
        "shipments": len(shipments),
        "answer_after_s": delay,
        "seconds": round(seconds, 1),
        "per_second": round(len(shipments) / seconds, 1),
        "overlaps": len(overlaps(database)),
        "shipped": sum(count > 0 for count in accepts),
        "shipped_twice": sum(count > 1 for count in accepts),
    }


def _backlog(runtime: Runtime, sandbox: SandboxControl, gateway: str, orders: int) -> list[ShipmentItem]:
    """Orders that are known here and wait to be shipped, shop by shop."""
    identities = [view.shop.id for view in add_from_sandbox(runtime, gateway) if view.shop.channel == CHANNEL]
    for identity in identities:
        sandbox.place(CHANNEL, shop_id=identity.partition(":")[2], count=orders, variant="plain", restock=True)
    time.sleep(1.5)  # lists end a moment before now
    now = runtime.clock.now()
    for identity in identities:
        for _ in ops.resync(runtime, identity, "orders", Window(now - timedelta(minutes=10), now)):
            pass
    with runtime.database.read() as connection:
        known = connection.execute(sa.select(known_orders.c.shop_id, known_orders.c.id)).all()
    if len(known) != orders * SHOPS:
        raise SystemExit(f"{len(known)} orders are known, not {orders * SHOPS}")
    return [
        ShipmentItem(
            shop=shop_id, order_id=order_id, parcels=(ParcelDraft(carrier="ZTO", tracking_no=f"7537{n:010d}"),)
        )
        for n, (shop_id, order_id) in enumerate(known)
    ]


def _warm(runtime: Runtime, workers: int) -> None:
    """Every worker has looked at an empty lane, and so has opened what it works with."""
    _until(lambda: _count(runtime.redis) == workers, "the workers do not come up")
    runtime.bells.ring(Lane(row.shop.id, Kind.SHIP) for row in ops.list_shops(runtime))
    _until(lambda: not runtime.redis.keys("qudao:bell:*"), "the workers do not work")
    time.sleep(3)


def _drained(runtime: Runtime) -> None:
    """Rings what is due, as the beat does, until every shipment is done."""

    def done() -> bool:
        now = runtime.clock.now()
        with runtime.database.read() as connection:
            due = {lane for lane in beat.due_lanes(connection, now) if lane.kind is Kind.SHIP}
            left = connection.scalar(sa.select(sa.func.count()).select_from(intent).where(intent.c.state != "done"))
        runtime.bells.ring(due)
        return left == 0

    _until(done, "the backlog does not end", LONGEST_SECONDS)


def _count(connection: redis.Redis) -> int:
    return len(connection.smembers("rq:workers"))


def _until(reached: Any, otherwise: str, seconds: float = READY_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            raise SystemExit(otherwise)
        time.sleep(LOOK_SECONDS)


def main() -> None:
    """Parses the command line, runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=20, help="per shop")
    parser.add_argument("--delay", type=float, default=0.4, help="seconds until each answer of the channel")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = []
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as folder, servers.valkey() as redis_url:
            place = Path(folder)
            results += [
                run(workers, options.orders, options.delay, database, redis_url, place)
                for database in databases(["postgresql"], place)
            ]
    for result in results:
        result["times_one_worker"] = round(results[0]["seconds"] / result["seconds"], 2)
    if options.json:
        print(json.dumps(results))
    else:
        print_table("more workers", results)


if __name__ == "__main__":
    main()
