"""Lists that only name what changed: what was read often enough is not read again, and nothing is missed for it."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.taobao.connector import TaobaoConnector
from core.channel import Fetched
from core.db import Database, watermarks
from core.model import Order
from sandbox.faults import FaultRule
from tests.engine import Engine
from tests.engine import engine as running

CHANNEL = "taobao"


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path, channels=[CHANNEL]) as started:
        started.world.faults.add(FaultRule.model_validate({"kind": "drop_push", "channel": CHANNEL}))
        started.settle()
        yield started


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each order was read."""
    counted: Counter[str] = Counter()
    original = TaobaoConnector.order

    def order(connector: TaobaoConnector, order_id: str) -> Fetched[Order]:
        counted[order_id] += 1
        return original(connector, order_id)

    monkeypatch.setattr(TaobaoConnector, "order", order)
    return counted


def test_an_order_that_rests_is_read_three_times_and_a_changed_one_again(engine: Engine, read: Counter[str]) -> None:
    """A second time, because its version is a whole second, in which it may have changed again after the first
    reading; a third time when two minutes are over and what both sides saw is final."""
    nearly_polled(engine)
    order = engine.world.place(engine.world.shop(CHANNEL), variant="plain", paid=False, restock=True)
    engine.run(3, step=3)
    assert read[order.order_id] == 1
    engine.run(360, step=30)
    assert read[order.order_id] == 3
    nearly_polled(engine)
    engine.world.pay(order)
    engine.run(3, step=3)
    assert read[order.order_id] == 4
    engine.run(360, step=30)
    assert read[order.order_id] == 6
    stored = engine.order(engine.shops[CHANNEL], order.order_id)
    assert stored is not None
    assert stored.status == "to_ship"


def test_a_change_in_the_second_of_the_first_reading_is_not_missed(engine: Engine, read: Counter[str]) -> None:
    nearly_polled(engine)
    order = engine.world.place(engine.world.shop(CHANNEL), variant="plain", paid=False, restock=True)
    engine.run(3, step=3)
    assert read[order.order_id] == 1
    order.memo, seen = "包装请仔细", order.updated
    engine.run(30, step=30)
    assert (order.updated, read[order.order_id]) == (seen, 2), "content changed without a new version"
    stored = engine.order(engine.shops[CHANNEL], order.order_id)
    assert stored is not None
    assert stored.memo.text == order.memo


def nearly_polled(engine: Engine) -> None:
    """Lets time pass until two seconds before the next look at the list."""
    engine.run(30, step=30)
    with engine.runtime.database.read() as connection:
        orders = watermarks.of_shop(connection, engine.shops[CHANNEL])["orders"]
    engine.world.advance((orders.next_at - engine.runtime.clock.now()).total_seconds() - 2)
