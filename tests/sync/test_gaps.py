"""What is not proven to be here is found, and walked again until it is."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.channel import BadRow, Connector, Fetched, ObjectKind, Page, Window
from core.db import Database, watermarks
from core.db.gaps import Gap
from core.db.watermarks import Walk
from core.errors import ConfigurationError
from core.model import Order
from core.notices import Notice
from sync import gaps, ops, pull
from tests.canonical import order
from tests.engine import Engine
from tests.engine import engine as running


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path) as started:
        started.settle()
        yield started


def walked(engine: Engine, minutes: tuple[float, float], expected: int, received: int) -> None:
    """A walk over a range given in minutes before now."""
    now, shop = engine.runtime.clock.now(), engine.shops["pinduoduo"]
    since, until = (now - timedelta(minutes=each) for each in minutes)
    walk = Walk(since, until, expected, received, 0, received >= expected)
    with engine.runtime.database.write() as connection:
        watermarks.log(connection, shop, pull.ORDERS, walk, now)


def found(engine: Engine) -> list[Gap]:
    return [view.gap for view in gaps.find(engine.runtime)[0]]


def place(engine: Engine) -> str:
    return engine.world.place(engine.world.shop("pinduoduo"), variant="plain", restock=True).order_id


def test_tries_of_one_window_are_one_gap_until_a_complete_walk_covers_it(engine: Engine) -> None:
    assert found(engine) == []
    walked(engine, (30, 10), 3, 2)
    walked(engine, (30, 5), 4, 2)
    [gap] = found(engine)
    assert (gap.tries, gap.expected, gap.received) == (2, 4, 2)
    assert gap.until - gap.since == timedelta(minutes=25)
    walked(engine, (31, 15), 2, 2)
    [rest] = found(engine)
    assert rest.id == gap.id
    assert rest.until - rest.since == timedelta(minutes=10)
    walked(engine, (16, 4), 2, 2)
    assert found(engine) == []
    walked(engine, (20, 10), 3, 2)
    [new] = found(engine)
    assert new.id != gap.id, "what was closed stays closed"
    assert new.tries == 1


def test_a_repair_brings_what_was_missing_and_closes_the_gap(engine: Engine) -> None:
    order_id = place(engine)
    engine.world.advance(600)
    walked(engine, (15, 0), 1, 0)
    [gap] = found(engine)
    trial = gaps.repair(engine.runtime, gap, dry_run=True)
    assert [(each.id, each.effect) for each in trial.changed] == [(order_id, "created")]
    assert found(engine) == [gap]
    assert ops.list_orders(engine.runtime) == []
    done = gaps.repair(engine.runtime, gap)
    assert (done.closed, done.missing) == (True, ())
    assert [(each.id, each.effect) for each in done.changed] == [(order_id, "created")]
    assert found(engine) == []
    assert [event.object_id for event in engine.events("order.created")] == [order_id]
    with pytest.raises(ConfigurationError, match="no open gap"):
        gaps.get(engine.runtime, gap.id)


def test_a_repair_in_vain_says_what_is_missing_and_why(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    here = place(engine)
    engine.settle()
    engine.world.advance(600)
    now, shop = engine.runtime.clock.now(), engine.shops["pinduoduo"]
    told = Notice(
        channel="pinduoduo",
        app_key=engine.world.apps["pinduoduo"].key,
        account=engine.world.shop("pinduoduo").shop_id,
        topic="trade",
        kind=ObjectKind.ORDER,
        object_id="no-such-order",
        dedup_key="1",
        source_at=now - timedelta(minutes=3),
    )
    engine.store((told,))
    walked(engine, (15, 0), 5, 0)

    def pages(connector: Connector, window: Window) -> Iterator[Page[Order]]:
        yield Page(
            (Fetched(order(shop_id=connector.shop_id, id="listed", updated_at=window.since), b"{}"),), expected=5
        )

    monkeypatch.setitem(pull._STREAMS, pull.ORDERS, replace(pull._STREAMS[pull.ORDERS], pages=pages))
    [gap] = found(engine)
    [view] = gaps.find(engine.runtime, shop=shop, stream=pull.ORDERS)[0]
    assert [each.id for each in view.missing] == ["no-such-order"]
    done = gaps.repair(engine.runtime, gap)
    assert not done.closed
    missing = {each.id: each.why for each in done.missing}
    assert "does not exist" in missing["no-such-order"]
    assert "list does not show it" in missing[here]
    [still] = found(engine)
    assert (still.id, still.expected, still.received) == (gap.id, 5, 1)


def test_a_stream_that_stands_is_named_with_its_reason(engine: Engine) -> None:
    now, shop = engine.runtime.clock.now(), engine.shops["pinduoduo"]
    assert gaps.find(engine.runtime)[1] == []
    with engine.runtime.database.write() as connection:
        watermarks.again(connection, shop, pull.ORDERS, now, "received 1 of 2")
    [standing] = gaps.find(engine.runtime)[1]
    assert (standing.stream, standing.tries, standing.why) == (pull.ORDERS, 1, "received 1 of 2")
    engine.settle()
    assert gaps.find(engine.runtime)[1] == []
    engine.world.advance(1800)
    streams = {each.stream for each in gaps.find(engine.runtime, shop=shop)[1]}
    assert {pull.ORDERS, pull.AFTER_SALES} <= streams
    ops.pause_shop(engine.runtime, shop, "holiday")
    assert "holiday" in gaps.find(engine.runtime, shop=shop)[1][0].why


def test_a_row_without_an_id_does_not_keep_a_walk_from_being_complete() -> None:
    seen = pull.Seen()
    nameless = BadRow("", "no number", b'{"a": 1}')
    for _ in range(2):
        seen.add(Page((), bad=(nameless, BadRow("", "no number", b'{"a": 2}')), expected=2))
    now = order().created_at
    walk = seen.walk(Window(now, now))
    assert (walk.received, walk.complete) == (2, True), "counted once, however often a page repeats it"
