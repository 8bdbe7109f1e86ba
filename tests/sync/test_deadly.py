"""What ends its worker every time: it is counted, set aside with its reason, and the others go on."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from connectors.pinduoduo import CHANGES
from connectors.pinduoduo.connector import PinduoduoConnector
from core.channel import Outcome, Page, StockWrite
from core.db import Database, catalog, lanes, watermarks
from core.db.lanes import Kind
from sandbox.model import Order as Placed
from sync import beat, drain, gaps, inbox, ops, policy, pull, push
from sync.advice import ADVICE, advise
from sync.push import StockItem
from tests.engine import Engine
from tests.engine import engine as running

CHANNEL = "pinduoduo"


class Killed(BaseException):
    """The process is gone: nothing after this is done by it."""


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path, channels=[CHANNEL]) as started:
        started.settle()
        yield started


@pytest.fixture(params=[Killed, RuntimeError])
def end(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[BaseException]:
    """How a worker ends: killed, or by a defect that it reports itself."""
    abandon = lanes.abandon

    def gone(*args: Any, failed: bool = False) -> None:
        if request.param is not Killed:
            abandon(*args, failed=failed)

    monkeypatch.setattr(lanes, "abandon", gone)
    kind: type[BaseException] = request.param
    return kind


def run(engine: Engine, seconds: float, end: type[BaseException], step: float = 10) -> int:
    """Lets time pass; answers how many workers ended."""
    ended = 0
    for _ in range(round(seconds / step)):
        engine.world.advance(step)
        engine.deliver_pushes()
        for lane in sorted(beat.beat(engine.runtime), key=str):
            try:
                drain.drain(engine.runtime, lane)
            except end:
                ended += 1
    return ended


def place(engine: Engine, count: int = 1) -> list[Placed]:
    return [engine.world.place(engine.world.shop(CHANNEL), variant="plain", restock=True) for _ in range(count)]


def test_a_notice_that_ends_its_worker_is_parked_and_the_others_are_read(
    engine: Engine, end: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = place(engine, 5)
    poison = orders[2].order_id
    read = inbox._read

    def reading(connector: Any, named: Any) -> Any:
        if named.object_id == poison:
            raise end
        return read(connector, named)

    with monkeypatch.context() as patched:
        patched.setattr(inbox, "_read", reading)
        patched.setitem(drain.WORK, Kind.PULL, lambda *_: False)
        ended = run(engine, 900, end)
        [parked] = ops.list_parked(engine.runtime)
        assert ended == policy.DEADLY_TRIES
        assert (parked.object_id, parked.code) == (poison, "deadly")
        assert parked.reason == f"its handling ended the worker {ended} times"
        assert advise(parked) is ADVICE["deadly"]
        for order in orders:
            assert (engine.order(engine.shops[CHANNEL], order.order_id) is None) == (order.order_id == poison)
        engine.world.set_memo(orders[2], "again", None)
        later = place(engine)[0]
        assert run(engine, 300, end) == 1, "another notice of the same order is not tried as often"
        assert {each.object_id for each in ops.list_parked(engine.runtime)} == {poison}
        assert engine.order(engine.shops[CHANNEL], later.order_id) is not None
        for each in ops.list_parked(engine.runtime):
            ops.retry(engine.runtime, each.ref)
    run(engine, 60, end)
    assert engine.order(engine.shops[CHANNEL], poison) is not None
    assert ops.list_parked(engine.runtime) == []


def test_a_worker_that_ends_once_costs_nothing(
    engine: Engine, end: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = place(engine, 3)
    read, ends = inbox._read, iter([end])

    def reading(connector: Any, named: Any) -> Any:
        for each in ends:
            raise each
        return read(connector, named)

    monkeypatch.setattr(inbox, "_read", reading)
    monkeypatch.setitem(drain.WORK, Kind.PULL, lambda *_: False)
    assert run(engine, 120, end) == 1
    assert all(engine.order(engine.shops[CHANNEL], order.order_id) for order in orders)
    assert ops.list_parked(engine.runtime) == []


def test_a_window_that_ends_its_worker_is_made_smaller_and_left_out_at_last(
    engine: Engine, end: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = engine.shops[CHANNEL]
    monkeypatch.setitem(drain.WORK, Kind.NOTICES, lambda *_: False)
    placed: list[list[Placed]] = []
    for _ in range(3):
        engine.world.advance(600)
        placed.append(place(engine, 2))
    engine.world.advance(600)
    before, poison, after = placed
    bad = {order.order_id for order in poison}
    accept = pull.accept_page

    def accepting(runtime: Any, claim: Any, kind: str, page: Page[Any], asked_at: Any = None, **options: Any) -> Any:
        if bad & {item.value.id for item in page.items}:
            raise end
        return accept(runtime, claim, kind, page, asked_at, **options)

    monkeypatch.setattr(pull, "accept_page", accepting)
    ended = run(engine, 7200, end, step=30)
    here = {order.order_id for order in before + poison + after if engine.order(shop, order.order_id)}
    assert here == {order.order_id for order in before + after}
    assert ended < 20
    found, _ = gaps.find(engine.runtime, shop=shop, stream="orders")
    assert found
    assert all(view.gap.until - view.gap.since <= pull.SMALLEST + CHANGES.overlap for view in found)
    with engine.runtime.database.read() as connection:
        mark = watermarks.of_shop(connection, shop)["orders"]
    assert (engine.runtime.clock.now() - mark.complete_through) < 2 * CHANGES.lag
    new = place(engine)[0]
    assert run(engine, 120, end) == 0
    assert engine.order(shop, new.order_id) is not None


def test_of_a_batch_that_ends_its_worker_only_the_one_at_fault_is_parked(
    engine: Engine, end: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine.runtime.database.read() as connection:
        rows = [row for row in catalog.rows_of(connection, shop_id=engine.shops[CHANNEL]) if row.sku][:5]
    poison = rows[2].key
    write = PinduoduoConnector.set_stock
    batches: list[int] = []

    def writing(connector: PinduoduoConnector, batch: Sequence[StockWrite]) -> list[Outcome[StockWrite]]:
        batches.append(len(batch))
        if poison in [each.key for each in batch]:
            raise end
        return write(connector, batch)

    monkeypatch.setattr(PinduoduoConnector, "set_stock", writing)
    wanted = [StockItem(sku=str(row.sku), quantity=40 + number) for number, row in enumerate(rows)]
    with engine.runtime.database.write() as connection:
        push.set_stock(connection, wanted, engine.runtime.clock.now())
    run(engine, 200, end)
    for number, row in enumerate(rows):
        sku = engine.world.sku(engine.world.shop(CHANNEL), row.key.sku_id)
        assert (sku.sellable == 40 + number) == (row.key != poison)
    assert batches[:2] == [5, 5]
    assert set(batches[2:]) == {1}
    run(engine, 3600, end, step=30)
    [parked] = ops.list_parked(engine.runtime)
    assert parked.object_id == f"{poison.listing_id}/{poison.sku_id}"
    assert "the worker died in the call" in parked.reason
