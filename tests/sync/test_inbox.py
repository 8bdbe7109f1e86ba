"""The order in which notices are read, and what holds none of them up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.douyin.connector import DouyinConnector
from core.channel import Fetched, ObjectKind
from core.db import Database
from core.db.tables import receipt
from core.model import Listing, Order
from core.notices import Notice
from sandbox.faults import FaultRule
from tests.engine import Engine
from tests.engine import engine as running

CHANNEL = "douyin"
READ_ORDER, READ_LISTING = "order.orderDetail", "product.detail"


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path, channels=[CHANNEL]) as started:
        started.settle()
        yield started


def fault(engine: Engine, kind: str, method: str, **options: object) -> None:
    engine.world.faults.add(FaultRule.model_validate({"kind": kind, "channel": CHANNEL, "method": method, **options}))


def notices_of_all_listings(engine: Engine) -> int:
    shop = engine.world.shop(CHANNEL)
    notices = [
        Notice(
            channel=CHANNEL,
            app_key=engine.world.apps[CHANNEL].key,
            account=shop.shop_id,
            topic="listing",
            kind=ObjectKind.LISTING,
            object_id=listing_id,
            dedup_key=f"listing-{listing_id}",
            raw=b"{}",
        )
        for listing_id in shop.items
    ]
    engine.store(tuple(notices))
    return len(notices)


def in_feed(engine: Engine, order_id: str) -> bool:
    return engine.order(engine.shops[CHANNEL], order_id) is not None


def waiting(engine: Engine) -> int:
    with engine.runtime.database.read() as connection:
        return len(connection.execute(receipt.select().where(receipt.c.state == "due")).all())


def test_orders_are_read_before_listings_however_many_came_first(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    order_now, listing_now = DouyinConnector.order, DouyinConnector.listing

    def order(connector: DouyinConnector, order_id: str) -> Fetched[Order]:
        read.append("order")
        return order_now(connector, order_id)

    def listing(connector: DouyinConnector, listing_id: str) -> Fetched[Listing]:
        read.append("listing")
        return listing_now(connector, listing_id)

    monkeypatch.setattr(DouyinConnector, "order", order)
    monkeypatch.setattr(DouyinConnector, "listing", listing)
    listings = notices_of_all_listings(engine)
    engine.world.place(engine.world.shop(CHANNEL), variant="plain", restock=True)
    engine.settle()
    assert read[0] == "order"
    assert read.count("listing") >= listings


def test_listings_that_the_channel_holds_back_delay_no_order(engine: Engine) -> None:
    fault(engine, "throttle", READ_LISTING, seconds=60)
    notices_of_all_listings(engine)
    engine.settle()
    assert waiting(engine) > 0
    order = engine.world.place(engine.world.shop(CHANNEL), variant="plain", restock=True)
    before = engine.world.now()
    engine.settle()
    assert in_feed(engine, order.order_id)
    assert engine.world.now() - before < 1
    engine.world.faults.clear()
    engine.run(180)
    assert waiting(engine) == 0


@pytest.mark.parametrize("kind", ["http_5xx", "html", "truncated"])
def test_one_broken_answer_costs_a_notice_no_wait(engine: Engine, kind: str) -> None:
    fault(engine, kind, READ_ORDER, times=1)
    order = engine.world.place(engine.world.shop(CHANNEL), variant="plain", restock=True)
    before = engine.world.now()
    engine.settle()
    assert in_feed(engine, order.order_id)
    assert engine.world.now() - before < 0.5
