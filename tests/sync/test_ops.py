"""What an operator can do, against the simulated platforms."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.channel import Window
from core.db import Database, items, parked
from core.db.parked import Parked
from core.errors import ConfigurationError
from core.model import ParcelDraft
from sync import health, ops, shipments
from sync.health import State
from sync.shipments import ShipmentItem
from tests.engine import Engine
from tests.engine import engine as running


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path) as started:
        started.settle()
        yield started


def place(engine: Engine, channel: str = "douyin") -> str:
    return engine.world.place(engine.world.shop(channel), variant="plain", restock=True).order_id


def ship(engine: Engine, order_id: str) -> None:
    parcel = ParcelDraft(carrier="SF", tracking_no="SF1234567890123")
    wanted = ShipmentItem(shop=engine.shops["douyin"], order_id=order_id, parcels=(parcel,))
    with engine.runtime.database.write() as connection:
        queued = shipments.ship(connection, [wanted], engine.runtime.clock.now())
    assert queued.items[0].state == "queued"
    engine.settle()


def waiting(engine: Engine) -> list[Parked]:
    return ops.list_parked(engine.runtime)


def test_a_parked_shipment_is_retried_once_its_reason_is_gone(engine: Engine) -> None:
    order_id = place(engine)
    engine.settle()
    order = engine.world.order(order_id)
    refund = engine.world.request_refund(order)
    ship(engine, order_id)
    (stopped,) = waiting(engine)
    assert (stopped.kind, stopped.object_id) == ("ship", order_id)
    engine.world.withdraw_refund(refund)
    assert ops.retry(engine.runtime, stopped.ref) == stopped
    engine.settle()
    assert waiting(engine) == []
    assert order.ship_accepts == 1


def test_a_dismissed_shipment_stays_away(engine: Engine) -> None:
    order_id = place(engine)
    engine.settle()
    engine.world.request_refund(engine.world.order(order_id))
    ship(engine, order_id)
    (stopped,) = waiting(engine)
    ops.dismiss(engine.runtime, stopped.ref, "the buyer changed their mind")
    engine.settle()
    assert waiting(engine) == []
    view = ops.show_order(engine.runtime, order_id)
    assert [(item.state, item.reason) for item in view.shipments] == [("dismissed", "the buyer changed their mind")]
    with pytest.raises(ConfigurationError, match="nothing parked"):
        ops.dismiss(engine.runtime, stopped.ref, "again")


def test_a_notice_that_stopped_can_be_looked_at_again(engine: Engine) -> None:
    order_id = place(engine)
    engine.settle()
    row = engine.runtime.database
    with row.write() as connection:
        connection.exec_driver_sql("UPDATE receipt SET state = 'parked', reason = 'stopped'")
    found = waiting(engine)
    assert {(item.kind, item.object_id, item.shop_id) for item in found} == {
        ("order", order_id, engine.shops["douyin"])
    }
    assert ops.list_shops(engine.runtime)[0].parked == len(found)
    ops.retry(engine.runtime, found[0].ref)
    for item in found[1:]:
        ops.dismiss(engine.runtime, item.ref, "seen")
    engine.settle()
    assert waiting(engine) == []


def test_an_unreadable_row_is_read_again_from_its_channel(engine: Engine) -> None:
    order_id = place(engine)
    shop = engine.shops["douyin"]
    runtime = engine.runtime
    with runtime.database.write() as connection:
        items.park_row(
            connection,
            runtime.vault,
            kind="order",
            shop_id=shop,
            identity=order_id,
            reason="no number",
            payload=b"{}",
            now=runtime.clock.now(),
        )
    (stopped,) = waiting(engine)
    assert stopped.code == "malformed"
    ops.retry(runtime, stopped.ref)
    assert waiting(engine) == []
    assert ops.show_order(runtime, order_id).stored.status == "to_ship"


def test_a_reference_that_is_none(engine: Engine) -> None:
    with engine.runtime.database.read() as connection:
        for ref in ("notice-99", "row-99", "row-x", "horse-1", ""):
            with pytest.raises(ConfigurationError, match="nothing parked is called"):
                parked.get(connection, ref)


@pytest.mark.parametrize("channel", ["pinduoduo", "douyin"])
def test_a_dry_resync_says_what_a_real_one_does(engine: Engine, channel: str) -> None:
    order_id = place(engine, channel)
    engine.world.advance(600)
    now = engine.runtime.clock.now()
    window = Window(now - timedelta(hours=1), now)

    def effects(*, dry_run: bool) -> list[tuple[str, str]]:
        pages = ops.resync(engine.runtime, engine.shops[channel], "orders", window, dry_run=dry_run)
        return [(outcome.id, outcome.effect) for _, outcomes in pages for outcome in outcomes]

    assert set(effects(dry_run=True)) == {(order_id, "created")}
    assert ops.list_orders(engine.runtime) == []
    assert (order_id, "created") in effects(dry_run=False)
    assert set(effects(dry_run=True)) == {(order_id, "unchanged")}


@pytest.mark.parametrize("channel", ["pinduoduo", "douyin"])
def test_a_resync_refreshes_a_dead_token_and_goes_on(engine: Engine, channel: str) -> None:
    engine.world.shop(channel).grant.access_expires = engine.world.now() - 1
    readings = [each for batch in ops.resync_stock(engine.runtime, engine.shops[channel]) for each in batch]
    assert readings
    assert all(each.now is not None for each in readings)


def test_stock_edited_in_the_shop_is_seen_and_ours_sent_again(engine: Engine) -> None:
    shop = engine.shops["douyin"]
    row = next(row for row in ops.list_mappings(engine.runtime, shop=shop) if row.sku)
    assert ops.set_stock(engine.runtime, row.sku, 40).state == "queued"
    engine.settle()
    sku = engine.world.sku(engine.world.shop("douyin"), row.key.sku_id)
    engine.world.set_stock(engine.world.shop("douyin"), sku, 7, "seller")
    readings = {each.row.key: each for batch in ops.resync_stock(engine.runtime, shop) for each in batch}
    level = readings[row.key].now
    assert level is not None
    assert (level.sellable, readings[row.key].wanted) == (7, 40)
    assert ops.push_stock(engine.runtime, shop) == 1
    engine.settle()
    assert sku.sellable == 40
    (view,) = [view for view in ops.show_stock(engine.runtime, sku=row.sku) if view.row.shop_id == shop]
    assert (view.wanted, view.state) == (40, "done")


def test_a_mapping_by_hand_gets_the_number_at_once(engine: Engine) -> None:
    shop = engine.shops["douyin"]
    mapped = next(row for row in ops.list_mappings(engine.runtime, shop=shop) if row.sku)
    bare = ops.list_mappings(engine.runtime, shop=shop, unmapped=True)[0]
    ops.set_stock(engine.runtime, mapped.sku, 12)
    assert ops.set_mapping(engine.runtime, shop, bare.key.listing_id, bare.key.sku_id, mapped.sku).state == "queued"
    engine.settle()
    assert engine.world.sku(engine.world.shop("douyin"), bare.key.sku_id).sellable == 12


def test_connecting_again_renews_the_tokens_and_keeps_the_rest(engine: Engine) -> None:
    shop, app = engine.world.shop("douyin"), engine.world.apps["douyin"]
    before = ops.show_shop(engine.runtime, engine.shops["douyin"])
    fresh = ops.credentials(app.key, app.secret, shop.grant.access_token, shop.grant.refresh_token)
    again = ops.connect_shop(engine.runtime, channel="douyin", account=shop.shop_id, name="renamed", credentials=fresh)
    assert (again.shop.id, again.shop.name) == (before.shop.id, "renamed")
    assert again.complete_through == before.complete_through


def test_a_paused_shop_is_not_called_and_resuming_catches_up(engine: Engine) -> None:
    shop = engine.shops["douyin"]
    assert ops.pause_shop(engine.runtime, shop, "holiday")
    order_id = place(engine)
    engine.run(60)
    assert ops.list_orders(engine.runtime) == []
    assert ops.resume_shop(engine.runtime, shop)
    engine.settle()
    assert [item.id for item in ops.list_orders(engine.runtime)] == [order_id]


def test_the_doctor_finds_a_dead_token_and_a_paused_shop(engine: Engine) -> None:
    grant = engine.world.shop("douyin").grant
    grant.access_expires = engine.world.now() - 1
    ops.pause_shop(engine.runtime, engine.shops["pinduoduo"], "holiday")
    found = {(finding.what, finding.state): finding for finding in health.examine(engine.runtime)}
    assert "holiday" in found[engine.shops["pinduoduo"], State.WARN].detail
    assert "Reauthorize" in found[engine.shops["douyin"], State.WARN].detail
    assert found["redis", State.OK].advice == ""


def test_the_doctor_says_when_nobody_works(engine: Engine) -> None:
    row = next(row for row in ops.list_mappings(engine.runtime) if row.sku)
    ops.set_stock(engine.runtime, row.sku, 3)
    engine.world.advance(300)
    found = {finding.what: finding for finding in health.examine(engine.runtime, gateways=False)}
    assert found["work"].state is State.BAD
    assert "qudao worker" in found["work"].advice
