"""The same fact is never two events, a value that returns is: of everything that tells the feed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.db import Database, feed, intents
from core.db.intents import Wish
from sandbox.steps import STEPS
from sync import ledger, ops
from sync.conflicts import alone
from sync.ledger import Entry
from tests.engine import Engine
from tests.engine import engine as running

CHANNEL = "douyin"


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path, channels=[CHANNEL]) as started:
        started.settle()
        yield started


def told(engine: Engine, kind: str) -> list[int]:
    """The revisions of one type, all of them about one object."""
    rows = [row for row in engine.events(kind) if row.type == kind]
    assert len({row.object_id for row in rows}) <= 1
    return [row.revision for row in rows]


def test_a_shop_that_is_paused_again_is_told_again(engine: Engine) -> None:
    shop = engine.shops[CHANNEL]
    for _ in range(2):
        for _ in range(2):
            ops.pause_shop(engine.runtime, shop, "holiday")
        for _ in range(2):
            ops.resume_shop(engine.runtime, shop)
    assert (told(engine, "shop.paused"), told(engine, "shop.resumed")) == ([1, 3], [2, 4])


def test_a_number_that_returns_is_told_again_and_its_reading_back_is_not(engine: Engine) -> None:
    items = engine.world.shop(CHANNEL).items.values()
    codes = [sku.code for item in items for sku in item.skus.values()]
    code = next(code for code in codes if code and codes.count(code) == 1)
    for quantity in (51, 52, 51):
        engine.set_stock(**{code.replace("-", "_"): quantity})
        engine.settle()
    engine.run(7200, step=3600)
    assert told(engine, "stock.accepted") == [1, 2, 3]


def test_an_order_that_is_read_again_is_told_once(engine: Engine) -> None:
    order = engine.world.place(engine.world.shop(CHANNEL), variant="plain", restock=True)
    engine.settle()
    STEPS["change_address"](engine.world, order)
    engine.settle()
    before = engine.events("order.")
    engine.run(90, step=30)
    assert engine.events("order.") == before
    assert {row.type for row in before} == {"order.created", "order.updated"}


def test_outcomes_of_two_shipments_of_an_order_at_the_same_moment_are_two_events(engine: Engine) -> None:
    shop, now = engine.shops[CHANNEL], engine.runtime.clock.now()
    database = engine.runtime.database
    with database.write() as connection:
        wishes = [Wish("ship", f"ship/{number}", shop, "o1", '{"order_id": "o1"}') for number in range(8)]
        intents.want(connection, wishes, now)
        items = intents.of_object(connection, "ship", shop, "o1")

    def tell(item: intents.Intent) -> None:
        with database.write() as connection:
            alone(connection, shop)
            feed.append(connection, ledger.write(connection, [Entry(item, "accepted")], now))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(tell, items))
    assert told(engine, "shipment.accepted") == list(range(1, 9))
