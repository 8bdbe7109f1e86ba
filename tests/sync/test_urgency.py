"""What is costly to starve goes first: in the stock lane, in the queues and in the budget; bans put lanes to sleep."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from core.channel import Call, Connector, Outcome, StockWrite, Urgency
from core.db import Database, intents, lanes, shops
from core.db.intents import Wish
from core.db.lanes import Kind, Lane
from core.db.shops import ShopRow
from sandbox.faults import FaultRule
from sync import beat, drain
from sync.queue import NORMAL, URGENT
from sync.runtime import Runtime
from tests.engine import Engine
from tests.engine import engine as running

SHOPS = ("pinduoduo", "taobao")


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path, channels=SHOPS) as started:
        started.settle()
        yield started


def want_stock(engine: Engine, channel: str, numbers: dict[str, int]) -> None:
    shop = engine.shops[channel]
    wishes = [
        Wish("stock", f"stock:{shop}:{name}", shop, f"1/{name}", str(quantity)) for name, quantity in numbers.items()
    ]
    with engine.runtime.database.write() as connection:
        intents.want(connection, wishes, engine.runtime.clock.now())


def asleep_until(engine: Engine, lane: Lane) -> datetime | None:
    with engine.runtime.database.read() as connection:
        return lanes.asleep_until(connection, lane)


def test_stock_that_has_run_out_is_sent_first_and_as_urgent_as_a_shipment(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = engine.shops["pinduoduo"]
    want_stock(engine, "pinduoduo", {f"{number:03}": number for number in range(1, 40)})
    engine.world.advance(60)
    want_stock(engine, "pinduoduo", {"999": 0})
    sent: list[list[int]] = []
    urgencies: list[Urgency] = []
    enter = engine.runtime.gate.enter

    def entered(call: Call) -> None:
        urgencies.append(call.urgency)
        enter(call)

    def set_stock(connector: Connector, batch: list[StockWrite]) -> list[Outcome[StockWrite]]:
        sent.append([write.quantity for write in batch])
        return original(connector, batch)

    adapter = type(engine.runtime.connector(shop_row(engine, shop))[0])
    original = adapter.set_stock
    monkeypatch.setattr(adapter, "set_stock", set_stock)
    monkeypatch.setattr(engine.runtime.gate, "enter", entered)
    drain.drain(engine.runtime, Lane(shop, Kind.STOCK))
    assert 0 in sent[0]
    assert len(sent[0]) == adapter.channel.stock_batch
    assert all(0 not in batch for batch in sent[1:])
    assert urgencies[0] is Urgency.NOW
    assert urgencies[-1] is Urgency.STOCK


def test_stock_that_has_run_out_is_rung_for_in_the_urgent_queue(engine: Engine) -> None:
    lane = Lane(engine.shops["pinduoduo"], Kind.STOCK)
    engine.runtime.redis.flushall()
    want_stock(engine, "pinduoduo", {"1": 5})
    beat.beat(engine.runtime)
    assert queued(engine) == {NORMAL: 1}
    want_stock(engine, "pinduoduo", {"2": 0})
    for _ in range(3):
        beat.beat(engine.runtime)
    assert queued(engine) == {NORMAL: 1, URGENT: 1}, "once, beside the bell that was out"
    engine.runtime.bells.silence(lane)
    beat.beat(engine.runtime)
    assert queued(engine) == {NORMAL: 1, URGENT: 2}


def test_a_ban_for_the_rest_of_the_day_puts_lanes_to_sleep_and_no_worker(engine: Engine) -> None:
    shop = engine.shops["taobao"]
    ban = {"kind": "throttle", "sub_code": "accesscontrol.limited-by-app-access-count", "seconds": 31_062}
    engine.world.faults.add(FaultRule.model_validate({**ban, "channel": "taobao", "times": 1}))
    engine.world.advance(70)
    began = engine.runtime.clock.now()
    for kind in (Kind.PULL, Kind.STOCK, Kind.BACKFILL):
        if kind is Kind.STOCK:
            want_stock(engine, "taobao", {"1": 5})
        drain.drain(engine.runtime, Lane(shop, kind))
    assert engine.runtime.clock.now() - began < timedelta(seconds=5)
    calls = total(engine, "taobao")
    for kind in (Kind.PULL, Kind.STOCK):
        until = asleep_until(engine, Lane(shop, kind))
        assert until is not None
        assert abs(until - began - timedelta(seconds=31_062)) < timedelta(seconds=5)
    engine.world.advance(31_000)
    beat.beat(engine.runtime)
    engine.settle()
    assert total(engine, "taobao") == calls, "nobody asks again before the ban is over"
    engine.run(120)
    assert total(engine, "taobao") > calls


def test_a_shop_whose_calls_fail_on_the_way_takes_no_workers_time_from_others(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = engine.shops["pinduoduo"]
    engine.world.faults.add(FaultRule.model_validate({"kind": "http_5xx", "channel": "pinduoduo"}))
    drains: list[Lane] = []
    original = drain.drain

    def counted(runtime: Runtime, lane: Lane) -> None:
        drains.append(lane)
        original(runtime, lane)

    monkeypatch.setattr(drain, "drain", counted)
    before = total(engine, "pinduoduo"), total(engine, "taobao")
    engine.run(900, step=5)
    failing = total(engine, "pinduoduo") - before[0]
    assert failing < 120, "three tries each, less and less often"
    assert total(engine, "taobao") > before[1] + 15
    engine.world.faults.clear()
    engine.run(400, step=5)
    assert total(engine, "pinduoduo") - before[0] - failing > 5, "and it comes back by itself"
    assert shop in {lane.shop_id for lane in drains}


def shop_row(engine: Engine, identity: str) -> ShopRow:
    with engine.runtime.database.read() as connection:
        return shops.get(connection, identity)


def total(engine: Engine, channel: str) -> int:
    return sum(int(each["count"]) for each in engine.world.calls[channel].values())


def queued(engine: Engine) -> dict[str, int]:
    lengths = {name: engine.runtime.redis.llen(f"rq:queue:{name}") for name in (NORMAL, URGENT)}
    return {name: int(length) for name, length in lengths.items() if length}
