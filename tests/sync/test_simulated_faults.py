"""Faults that the simulation found, each as the shortest day that shows it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.douyin.connector import DouyinConnector
from core.channel import ObjectKind, Outcome
from core.db import Database
from core.errors import NotFound
from core.model import Packed, ParcelDraft, Shipment
from sandbox.faults import FaultRule
from sync import ops, push
from sync.push import PriceItem
from sync.shipments import ShipmentItem
from tests.engine import Engine
from tests.engine import engine as running


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path) as started:
        started.settle()
        yield started


def ship(engine: Engine, channel: str, order_id: str, number: str = "SF1234567890123") -> None:
    parcel = ParcelDraft(carrier="SF", tracking_no=number)
    engine.ship(ShipmentItem(shop=engine.shops[channel], order_id=order_id, parcels=(parcel,)))


def fault(engine: Engine, kind: str, channel: str, **options: object) -> None:
    engine.world.faults.add(FaultRule.model_validate({"kind": kind, "channel": channel, **options}))


def test_a_replica_that_lost_sight_of_an_order_parks_no_shipment(engine: Engine) -> None:
    order = engine.world.place(engine.world.shop("douyin"), variant="plain", restock=True)
    engine.settle()
    fault(engine, "index_lag", "douyin", seconds=300)
    ship(engine, "douyin", order.order_id)
    engine.run(60)
    [intent] = engine.intents("ship", engine.shops["douyin"], order.order_id)
    assert (intent.state, intent.reason_code) == ("due", "not_yet")
    engine.world.faults.clear()
    engine.run(120, step=20)
    assert order.ship_accepts == 1


def test_a_writing_replica_that_does_not_know_the_order_yet_parks_no_shipment(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = engine.world.place(engine.world.shop("douyin"), variant="plain", restock=True)
    engine.settle()
    ship_now, refusals = DouyinConnector.ship, [NotFound("not here yet")]

    def behind(connector: DouyinConnector, shipment: Shipment, key: str) -> Outcome[Shipment]:
        return Outcome(shipment, refusals.pop()) if refusals else ship_now(connector, shipment, key)

    monkeypatch.setattr(DouyinConnector, "ship", behind)
    ship(engine, "douyin", order.order_id)
    engine.run(20)
    assert (refusals, order.ship_accepts) == ([], 1)


@pytest.mark.parametrize("refused", [3, 0], ids=["not sent yet", "in review"])
def test_our_own_price_leaving_review_is_no_conflict_with_the_next_one(engine: Engine, refused: int) -> None:
    shop_id, shop = engine.shops["pinduoduo"], engine.world.shop("pinduoduo")
    [sku, *_] = next(iter(shop.items.values())).skus.values()

    def want(sale: int) -> None:
        item = PriceItem(shop=shop_id, listing_id=sku.item_id, sku_id=sku.sku_id, sale=sale)
        with engine.runtime.database.write() as connection:
            push.set_prices(connection, [item], engine.runtime.clock.now())

    first, second = sku.price.single - 300, sku.price.single - 200
    fault(engine, "drop_push", "pinduoduo")
    want(first)
    engine.run(45)
    assert sku.price.sale == first
    if refused:
        fault(engine, "throttle", "pinduoduo", method="pdd.goods.sku.price.update", times=refused)
    want(second)
    engine.settle()
    assert (sku.pending_price is None) == bool(refused)
    ops.reread(engine.runtime, shop_id, ObjectKind.LISTING, sku.item_id)
    engine.run(90)
    assert [intent.state for intent in engine.intents("price", shop_id, f"{sku.item_id}/{sku.sku_id}")] == ["done"]
    assert (sku.price.sale, engine.events("conflict")) == (second, [])


def test_jd_ships_one_sku_of_two_lines_in_two_parcels(database: Database, redis_url: str, tmp_path: Path) -> None:
    with running(database, redis_url, tmp_path, channels=("jd",)) as engine:
        shop = engine.world.shop("jd")
        [sku, *_] = next(iter(shop.items.values())).skus.values()
        order = engine.world.place(shop, sku=sku, quantity=2, variant="several", restock=True)
        order.lines[1] = replace(order.lines[0], line_id=order.lines[1].line_id, quantity=1)
        engine.run(40, step=20)
        stored = engine.order(engine.shops["jd"], order.order_id)
        assert stored is not None
        parcels = tuple(
            ParcelDraft(
                carrier="SF",
                tracking_no=f"SF123456789012{n}",
                lines=(Packed(line_id=line.id, quantity=line.quantity),),
            )
            for n, line in enumerate(sorted(stored.lines, key=lambda line: line.quantity))
        )
        engine.ship(ShipmentItem(shop=engine.shops["jd"], order_id=order.order_id, parcels=parcels))
        engine.run(20)
        assert [intent.state for intent in engine.intents("ship", engine.shops["jd"], order.order_id)] == ["done"]
        assert [line.shipped for line in order.lines] == [2, 1]
