"""Several workers on the same lanes, some so slow that they lose them: never do two of them write at once."""

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from core.db import Database
from core.db.lanes import Kind, Lane
from core.db.tables import attempt, intent
from core.model import ParcelDraft
from sandbox.transport import mock_transport
from sync import beat, drain
from sync.runtime import Runtime
from sync.shipments import ShipmentItem
from tests.engine import Engine
from tests.engine import engine as running
from tests.scale.exclusion import overlaps

WORKERS, ORDERS = 4, 6
LOSES_THE_LANE = 0.12
LONGEST_SECONDS = 60


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path) as started:
        yield started


class Slow(httpx.BaseTransport):
    """Now and then an answer takes longer than a lease."""

    def __init__(self, engine: Engine, seed: int) -> None:
        self._engine, self._chance = engine, random.Random(seed)
        self._inner = mock_transport(engine.sandbox)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._inner.handle_request(request)
        time.sleep(0.002)
        if self._chance.random() < LOSES_THE_LANE:
            pass_time(self._engine, self._engine.runtime.settings.lease_seconds * 1.2)
            time.sleep(0.05)  # the others find out
        return answer


def pass_time(engine: Engine, seconds: float) -> None:
    with engine.world.lock:
        engine.world.advance(seconds)


def work(engine: Engine, seed: int, over: threading.Event) -> None:
    """A worker that looks at what is due in an order of its own."""
    runtime = replace(engine.runtime, wire=Slow(engine, seed), sleep=lambda seconds: pass_time(engine, seconds))
    chance = random.Random(-seed)
    while not over.is_set():
        pass_time(engine, 0.5)
        due = sorted(due_lanes(runtime), key=str)
        for lane in chance.sample(due, len(due)):
            drain.drain(runtime, lane)
        time.sleep(0.005)
    runtime.http.close()


def due_lanes(runtime: Runtime) -> set[Lane]:
    with runtime.database.read() as connection:
        found = beat.due_lanes(connection, runtime.clock.now())
    return {lane for lane in found if lane.kind in (Kind.SHIP, Kind.STOCK)}


def test_no_lane_is_drained_twice_at_once(engine: Engine) -> None:
    engine.settle()
    items: list[ShipmentItem] = []
    for channel, shop_id in engine.shops.items():
        for _ in range(ORDERS):
            order = engine.world.place(engine.world.shop(channel), variant="plain")
            draft = ParcelDraft(carrier="ZTO", tracking_no=f"75312345{len(items):06d}")
            items.append(ShipmentItem(shop=shop_id, order_id=order.order_id, parcels=(draft,)))
    engine.run(30)
    engine.ship(*items)
    engine.set_stock(SKU_0002=33, SKU_0003=44)

    over = threading.Event()
    workers = [threading.Thread(target=work, args=(engine, seed, over)) for seed in range(1, WORKERS + 1)]
    for thread in workers:
        thread.start()
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline and left(engine):
        time.sleep(0.05)
    over.set()
    for thread in workers:
        thread.join()

    assert left(engine) == []
    assert overlaps(engine.runtime.database) == []
    accepts = [engine.world.order(item.order_id).ship_accepts for item in items]
    assert accepts == [1] * len(items)
    assert taken_away(engine), "no lane changed hands, so nothing was proven"


def left(engine: Engine) -> list[tuple[str, str, str]]:
    with engine.runtime.database.read() as connection:
        rows = connection.execute(
            sa.select(intent.c.kind, intent.c.object_id, intent.c.reason).where(intent.c.state != "done")
        )
        return [(row.kind, row.object_id, row.reason) for row in rows]


def taken_away(engine: Engine) -> int:
    """Attempts whose owner never said what came of them: its lane was another's by then."""
    with engine.runtime.database.read() as connection:
        return (
            connection.scalar(sa.select(sa.func.count()).select_from(attempt).where(attempt.c.ended_at.is_(None))) or 0
        )
