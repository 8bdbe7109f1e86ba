"""The whole loop against the simulated platforms: whatever is lost, doubled, late or unanswered, both sides end
agreed.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.conflict import Field, Policy
from core.db import Database, catalog, intents, shops
from core.db.tables import bad_row
from core.model import ParcelDraft
from core.status import Fulfilment
from sandbox.faults import FaultRule
from sandbox.model import Order, Sku
from sync import ops, resolve
from sync.shipments import ShipmentItem
from tests.engine import Engine
from tests.engine import engine as running

CHANNELS = ["pinduoduo", "douyin"]
READ = {"pinduoduo": "pdd.order.information.get", "douyin": "order.orderDetail"}
LIST = {"pinduoduo": "pdd.order.number.list.increment.get", "douyin": "order.searchList"}
SET_STOCK = {"pinduoduo": "pdd.goods.quantity.update", "douyin": "sku.syncStockBatchMultiProducts"}
SF = {"pinduoduo": "44", "douyin": "shunfeng"}
SHIP = {"pinduoduo": "pdd.logistics.online.send", "douyin": "order.logisticsAdd"}


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path) as started:
        started.settle()
        yield started


@pytest.fixture(params=CHANNELS)
def channel(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def place(engine: Engine, channel: str, count: int = 1) -> list[Order]:
    shop = engine.world.shop(channel)
    return [engine.world.place(shop, variant="plain", restock=True) for _ in range(count)]


def mapped(engine: Engine, channel: str) -> Sku:
    with engine.runtime.database.read() as connection:
        row = next(r for r in catalog.rows_of(connection, shop_id=engine.shops[channel]) if r.sku)
    return engine.world.sku(engine.world.shop(channel), row.key.sku_id)


def fault(engine: Engine, channel: str, kind: str, method: str | None = None, times: int | None = 1) -> None:
    engine.world.faults.add(
        FaultRule.model_validate({"kind": kind, "channel": channel, "method": method, "times": times})
    )


def parcel(
    engine: Engine, channel: str, order: Order, number: str = "SF1234567890123", **options: bool
) -> ShipmentItem:
    return ShipmentItem(
        shop=engine.shops[channel],
        order_id=order.order_id,
        parcels=(ParcelDraft(carrier="SF", tracking_no=number),),
        **options,
    )


def created(engine: Engine, channel: str) -> list[str]:
    return [e.object_id for e in engine.events("order.created") if e.shop_id == engine.shops[channel]]


def test_a_pushed_order_is_in_the_feed_once(engine: Engine, channel: str) -> None:
    ids = {order.order_id for order in place(engine, channel, 3)}
    engine.settle()
    assert sorted(created(engine, channel)) == sorted(ids)


def test_orders_whose_pushes_are_lost_come_by_polling(engine: Engine, channel: str) -> None:
    fault(engine, channel, "drop_push", times=None)
    ids = {order.order_id for order in place(engine, channel, 25)}
    engine.run(60)
    assert sorted(created(engine, channel)) == sorted(ids)


def test_a_doubled_late_and_reordered_push_doubles_nothing(engine: Engine, channel: str) -> None:
    fault(engine, channel, "duplicate_push", times=None)
    fault(engine, channel, "reorder_push", times=None)
    [order] = place(engine, channel)
    engine.run(20)
    engine.world.ship(order, SF[channel], "SF99")
    engine.run(20)
    assert created(engine, channel) == [order.order_id]
    told = engine.order(engine.shops[channel], order.order_id)
    assert told is not None
    assert told.fulfilment.value is Fulfilment.SHIPPED


def test_a_push_before_the_query_api_knows_the_order_is_waited_for(engine: Engine, channel: str) -> None:
    engine.world.change_settings({"index_lag": {channel: 90}})
    [order] = place(engine, channel)
    engine.run(30)
    assert created(engine, channel) == []
    engine.run(120)
    assert created(engine, channel) == [order.order_id]


def test_broken_answers_lose_no_order(engine: Engine, channel: str) -> None:
    for kind in ("http_5xx", "html", "truncated", "timeout_before", "throttle"):
        fault(engine, channel, kind, READ[channel])
        fault(engine, channel, kind, LIST[channel])
    ids = {order.order_id for order in place(engine, channel, 5)}
    engine.run(400, step=10)
    assert sorted(created(engine, channel)) == sorted(ids)


@pytest.mark.parametrize("kind", ["html", "truncated", "http_5xx"])
def test_a_garbled_answer_in_the_middle_of_a_listing_walk_loses_no_listing(
    engine: Engine, channel: str, kind: str
) -> None:
    detail = {"pinduoduo": "pdd.goods.detail.get", "douyin": "sku.list"}[channel]
    shop = engine.world.shop(channel)
    added = engine.world.skus_by_code(shop, "SKU-0003")[0]
    added.code = "BRAND-NEW"
    fault(engine, channel, kind, detail, times=4)
    engine.run(3700, step=1850)
    engine.run(20)
    with engine.runtime.database.read() as connection:
        codes = {row.merchant_code for row in catalog.rows_of(connection, shop_id=engine.shops[channel])}
        assert connection.execute(sa.select(bad_row)).all() == []
    assert "BRAND-NEW" in codes


def test_a_dead_token_is_refreshed_once_and_nothing_is_lost(engine: Engine, channel: str) -> None:
    before = engine.world.shop(channel).grant.access_token
    engine.world.shop(channel).grant.access_expires = engine.world.now() - 1
    ids = {order.order_id for order in place(engine, channel, 3)}
    engine.run(30)
    assert sorted(created(engine, channel)) == sorted(ids)
    assert engine.world.shop(channel).grant.access_token != before


def test_a_seller_who_withdrew_the_grant_pauses_the_shop_with_one_alert(engine: Engine, channel: str) -> None:
    engine.world.shop(channel).authorised = False
    place(engine, channel, 3)
    engine.run(120)
    with engine.runtime.database.read() as connection:
        assert not shops.get(connection, engine.shops[channel]).active
    assert len([e for e in engine.events("shop.paused") if e.shop_id == engine.shops[channel]]) == 1


@pytest.mark.parametrize("kind", ["", "timeout_before", "timeout_after", "http_5xx", "html", "throttle"])
def test_stock_ends_agreed_whatever_the_call_answers(engine: Engine, channel: str, kind: str) -> None:
    sku = mapped(engine, channel)
    if kind:
        fault(engine, channel, kind, SET_STOCK[channel])
    engine.set_stock(**{sku.code: 77})
    engine.run(60)
    assert sku.last_set is not None
    assert (sku.sellable, sku.last_set.quantity) == (77, 77)
    [intent] = engine.intents("stock", engine.shops[channel], f"{sku.item_id}/{sku.sku_id}")
    assert (intent.state, intent.done_version) == ("done", 1)


def test_only_the_newest_number_is_sent(engine: Engine, channel: str) -> None:
    sku = mapped(engine, channel)
    for quantity in range(10, 60, 10):
        engine.set_stock(**{sku.code: quantity})
    engine.run(10)
    assert sku.sellable == 50
    assert engine.world.calls[channel][SET_STOCK[channel]]["count"] == 1


@pytest.mark.parametrize("kind", ["", "timeout_before", "timeout_after", "http_5xx", "truncated", "throttle"])
def test_a_shipment_is_accepted_exactly_once(engine: Engine, channel: str, kind: str) -> None:
    [order] = place(engine, channel)
    engine.settle()
    if kind:
        fault(engine, channel, kind, SHIP[channel])
    queued = engine.ship(parcel(engine, channel, order))
    assert queued.items[0].state == "queued"
    engine.run(90)
    assert order.ship_accepts == 1
    assert [package.tracking_no for package in order.packages] == ["SF1234567890123"]
    [intent] = engine.intents("ship", engine.shops[channel], order.order_id)
    assert intent.state == "done"
    assert engine.ship(parcel(engine, channel, order)).items[0].state == "unchanged"


def test_a_corrected_number_goes_through_the_change_call(engine: Engine, channel: str) -> None:
    [order] = place(engine, channel)
    engine.settle()
    engine.ship(parcel(engine, channel, order))
    engine.run(10)
    engine.ship(parcel(engine, channel, order, "SF9999999999999"))
    engine.run(30)
    assert [package.tracking_no for package in order.packages] == ["SF9999999999999"]
    assert order.ship_accepts == 1
    assert [intent.state for intent in engine.intents("ship", engine.shops[channel], order.order_id)] == [
        "done",
        "done",
    ]


@pytest.mark.parametrize("corrects", [True, False])
def test_a_delayed_shipment_never_displaces_a_later_one(engine: Engine, channel: str, corrects: bool) -> None:
    resolve.set_policy(engine.runtime, "", Field.TRACKING, Policy.ERP)
    [order] = place(engine, channel)
    engine.settle()
    if corrects:
        engine.ship(parcel(engine, channel, order))
        engine.run(30)
    older = engine.ship(parcel(engine, channel, order, "SF1111111111111"))
    intent = engine.intents("ship", engine.shops[channel], order.order_id)[-1]
    with engine.runtime.database.write() as connection:
        intents.later(connection, intent, engine.runtime.clock.now() + timedelta(seconds=60), "unavailable", "busy")
    engine.ship(parcel(engine, channel, order, "SF9999999999999"))
    engine.run(200)
    assert [package.tracking_no for package in order.packages] == ["SF9999999999999"]
    assert order.ship_accepts == 1
    with engine.runtime.database.read() as connection:
        [told] = intents.states(connection, older.items[0].intents).values()
    assert told == ("superseded", "", "a newer wish took its place")
    assert [each.state for each in engine.intents("ship", engine.shops[channel], order.order_id)][-2:] == [
        "dismissed",
        "done",
    ]
    assert ops.list_parked(engine.runtime) == []


def test_an_order_shipped_by_hand_with_another_number_asks(engine: Engine, channel: str) -> None:
    [order] = place(engine, channel)
    engine.settle()
    engine.world.ship(order, SF[channel], "BY-HAND-1")
    engine.ship(parcel(engine, channel, order))
    engine.run(30)
    [intent] = engine.intents("ship", engine.shops[channel], order.order_id)
    assert (intent.state, intent.reason_code) == ("parked", "conflict")
    assert [package.tracking_no for package in order.packages] == ["BY-HAND-1"]


def test_shipping_never_refuses_a_buyers_refund(engine: Engine, channel: str) -> None:
    [order] = place(engine, channel)
    engine.settle()
    engine.world.request_refund(order)
    engine.ship(parcel(engine, channel, order))
    engine.run(30)
    [intent] = engine.intents("ship", engine.shops[channel], order.order_id)
    assert (intent.state, intent.reason_code) == ("parked", "refund_open")
    assert order.packages == []


def test_an_order_in_risk_review_is_shipped_once_it_is_free(engine: Engine, channel: str) -> None:
    order = engine.world.place(engine.world.shop(channel), variant="risk", restock=True)
    engine.settle()
    engine.ship(parcel(engine, channel, order))
    engine.run(30)
    assert order.packages == []
    engine.world.release(order)
    engine.run(300, step=20)
    assert order.ship_accepts == 1


def test_after_sales_reach_the_feed(engine: Engine, channel: str) -> None:
    [order] = place(engine, channel)
    engine.settle()
    refund = engine.world.request_refund(order)
    engine.run(90)
    engine.world.agree_refund(refund)
    engine.run(90)
    told = [e.type for e in engine.events("after_sale") if e.object_id == refund.refund_id]
    assert told[0] == "after_sale.created"
    assert "after_sale.updated" in told


def test_losing_all_of_redis_costs_time_and_nothing_else(engine: Engine, channel: str) -> None:
    sku = mapped(engine, channel)
    engine.runtime.redis.flushall()
    ids = {order.order_id for order in place(engine, channel, 3)}
    engine.set_stock(**{sku.code: 5})
    engine.runtime.redis.flushall()
    engine.run(40)
    engine.runtime.redis.flushall()
    engine.run(40)
    assert sorted(created(engine, channel)) == sorted(ids)
    assert sku.last_set is not None
    assert sku.last_set.quantity == 5


def test_an_ambiguous_code_is_never_written(engine: Engine, channel: str) -> None:
    twice = engine.world.skus_by_code(engine.world.shop(channel), "SKU-0001")
    assert len(twice) == 2
    assert engine.set_stock(**{"SKU-0001": 3}).items[0].code == "unknown_sku"
    engine.run(10)
    assert SET_STOCK[channel] not in engine.world.calls[channel]
