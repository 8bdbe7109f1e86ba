"""Watermarks are proofs: they move only over windows that were read completely, and a bad row stops nothing."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from connectors import pinduoduo
from core.channel import BadRow, Connector, Fetched, Page, Paging, Window
from core.db import Database, lanes, shops, watermarks
from core.db.lanes import Claim, Kind, Lane
from core.db.tables import bad_row, pull_window, watermark
from core.model import AfterSale, Order
from sync import pull
from tests.canonical import at, order
from tests.engine import Engine
from tests.engine import engine as running

PAGING = Paging(
    timedelta(minutes=30), lag=timedelta(minutes=3), overlap=timedelta(minutes=5), horizon=timedelta(days=90)
)


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path) as started:
        yield started


class Telling(Connector):
    """A shop on Pinduoduo whose order list says what a test wants."""

    channel = pinduoduo.CHANNEL

    def __init__(self, engine: Engine, *pages: Page[Order]) -> None:
        row, shop = engine.world.shop("pinduoduo"), engine.shops["pinduoduo"]
        with engine.runtime.database.read() as connection:
            stored = shops.get(connection, shop)
        real, _ = engine.runtime.connector(stored)
        super().__init__(
            shop, row.shop_id, real.credentials, real.transport, real.gate, engine.runtime.clock, real.gateway
        )
        self.row = stored
        self.pages = pages
        self.asked: list[Window] = []

    def orders(self, window: Window) -> Iterator[Page[Order]]:
        self.asked.append(window)
        yield from self.pages


def walk(engine: Engine, connector: Telling) -> watermarks.Watermark:
    """One look at the order stream; its watermark afterwards."""
    shop = engine.shops["pinduoduo"]
    pull.begin(engine.runtime, shop)
    mark = _mark(engine)
    claim = _claim(engine)
    pull._look(engine.runtime, connector, claim, mark)
    with engine.runtime.database.write() as connection:
        lanes.abandon(connection, claim)
    return _mark(engine)


def _mark(engine: Engine) -> watermarks.Watermark:
    with engine.runtime.database.read() as connection:
        return watermarks.of_shop(connection, engine.shops["pinduoduo"])[pull.ORDERS]


def _claim(engine: Engine) -> Claim:
    with engine.runtime.database.write() as connection:
        lane = Lane(engine.shops["pinduoduo"], Kind.PULL)
        claim = lanes.take(connection, lane, "test", engine.runtime.clock.now(), timedelta(minutes=1))
    assert claim is not None
    return claim


def told(engine: Engine, *ids: str) -> tuple[Fetched[Order], ...]:
    shop = engine.shops["pinduoduo"]
    return tuple(Fetched(order(shop_id=shop, id=identity), b"{}") for identity in ids)


def test_a_complete_walk_moves_the_watermark_up_to_the_lag(engine: Engine) -> None:
    connector = Telling(engine, Page(told(engine, "a", "b")), Page(told(engine, "b"), expected=2))
    mark = walk(engine, connector)
    lag = connector.channel.orders.lag if connector.channel.orders else None
    assert lag is not None
    assert mark.complete_through == engine.runtime.clock.now() - lag
    assert mark.next_at > engine.runtime.clock.now()


def test_a_walk_that_misses_a_row_leaves_the_watermark_and_says_why(engine: Engine) -> None:
    before_pulling = engine.runtime.clock.now() - timedelta(days=engine.runtime.settings.first_pull_days)
    mark = walk(engine, Telling(engine, Page(told(engine, "a", "b"), expected=3)))
    assert mark.complete_through == before_pulling
    assert "received 2 of 3" in mark.reason
    with engine.runtime.database.read() as connection:
        [proof] = connection.execute(sa.select(pull_window)).all()
    assert (proof.expected, proof.received, proof.complete) == (3, 2, False)
    assert [e.object_id for e in engine.events("order")] == ["a", "b"], "what was read is kept"


def test_a_row_that_does_not_parse_is_parked_and_stops_nothing(engine: Engine) -> None:
    broken = BadRow("c", "pay_amount: decimal_parsing", b'{"order_sn": "c"}')
    mark = walk(engine, Telling(engine, Page(told(engine, "a"), bad=(broken,), expected=2)))
    assert mark.tries == 0
    with engine.runtime.database.read() as connection:
        [row] = connection.execute(sa.select(bad_row)).all()
    assert (row.object_id, row.reason, row.state) == ("c", "pay_amount: decimal_parsing", "parked")
    assert b"order_sn" not in row.payload, "a raw row holds personal data and is sealed"


def test_a_row_that_parses_at_last_needs_nobody_any_more(engine: Engine) -> None:
    broken = BadRow("c", "pay_amount: decimal_parsing", b"{}")
    connector = Telling(engine, Page(told(engine, "a"), bad=(broken,), expected=2))
    walk(engine, connector)
    claim = _claim(engine)
    pull.accept_page(engine.runtime, claim, "order", Page(told(engine, "c")))
    with engine.runtime.database.read() as connection:
        assert connection.execute(sa.select(bad_row)).all() == []


def test_a_stream_far_behind_does_not_wait_window_by_window_for_a_slow_one(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull, "TURN_SECONDS", 0.3)
    looks: list[str] = []

    class Slow(Telling):
        def orders(self, window: Window) -> Iterator[Page[Order]]:
            looks.append("orders")
            yield from super().orders(window)

        def after_sales(self, window: Window) -> Iterator[Page[AfterSale]]:
            del window
            looks.append("after-sales")
            time.sleep(0.3)
            yield Page(())

    now = engine.runtime.clock.now()
    pull.begin(engine.runtime, engine.shops["pinduoduo"])
    with engine.runtime.database.write() as connection:
        connection.execute(sa.update(watermark).values(complete_through=now - timedelta(days=7), next_at=now))
    assert pull.drain(engine.runtime, Slow(engine, Page(())), _claim(engine)), "seven days take more than a turn"
    assert looks.count("after-sales") == 1
    assert looks.index("after-sales") == looks.count("orders") > 1


def test_windows_overlap_and_never_reach_beyond_what_the_channel_allows() -> None:
    behind = pull.window_after(at(0), PAGING, at(600))
    assert (behind.since, behind.until) == (at(-5), at(25))
    fresh = pull.window_after(at(597), PAGING, at(600))
    assert (fresh.since, fresh.until) == (at(592), at(600))
    ancient = pull.window_after(at(0), PAGING, at(60 * 24 * 100))
    assert ancient.since == at(60 * 24 * 10)


def test_reading_ahead_gives_the_same_pages_and_the_same_error() -> None:
    assert list(pull.read_ahead(iter([1, 2, 3]))) == [1, 2, 3]

    def failing() -> Iterator[int]:
        yield 1
        raise ValueError("page two")

    pages = pull.read_ahead(failing())
    assert next(pages) == 1
    with pytest.raises(ValueError, match="page two"):
        next(pages)
