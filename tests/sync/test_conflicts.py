"""Both sides change the same thing, on all four simulated platforms: what is decided, held, asked and told."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.channel import ObjectKind
from core.conflict import Field, Policy
from core.db import Database, conflicts
from core.db.conflicts import DecisionRow
from core.errors import ConfigurationError
from core.model import ParcelDraft
from sandbox.model import Order, Sku
from sandbox.steps import STEPS
from sync import ops, push, resolve
from sync.push import PriceItem
from sync.shipments import ShipmentItem
from tests.engine import Engine
from tests.engine import engine as running

CHANNELS = ("pinduoduo", "douyin", "taobao", "jd")
CARRIER = {"pinduoduo": "44", "douyin": "shunfeng", "taobao": "SF", "jd": "467"}
LAG = 15 * 60
"""Longer than any channel's order lists come late."""


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path, channels=CHANNELS) as started:
        started.settle()
        yield started


def code(engine: Engine) -> str:
    """A SKU of the ERP that every shop sells."""
    sold = [
        {row.sku for row in ops.list_mappings(engine.runtime, shop=shop) if row.sku} for shop in engine.shops.values()
    ]
    return min(set.intersection(*sold))


def sku_of(engine: Engine, channel: str, wanted: str) -> Sku:
    [row] = ops.list_mappings(engine.runtime, shop=engine.shops[channel], sku=wanted)
    return engine.world.sku(engine.world.shop(channel), row.key.sku_id)


def edit_stock(engine: Engine, channel: str, sku: Sku, quantity: int) -> None:
    engine.world.set_stock(engine.world.shop(channel), sku, quantity, "seller")


def look(engine: Engine) -> None:
    """Time passes, stock and listings are read, and the orders of that time come in."""
    engine.run(60, step=30)
    for shop in engine.shops.values():
        for _ in ops.resync_stock(engine.runtime, shop):
            pass
    engine.run(LAG, step=180)


def decisions(engine: Engine, channel: str, field: str, state: str = "") -> list[DecisionRow]:
    rows = resolve.list_conflicts(engine.runtime, shop=engine.shops[channel], field=field, state=state)
    return sorted(rows, key=lambda row: row.id)


def told(engine: Engine, kind: str, channel: str) -> list[dict[str, Any]]:
    return [json.loads(e.data) for e in engine.events(kind) if e.shop_id == engine.shops[channel]]


def test_stock_edited_in_the_backend_while_the_erp_wants_nothing_stands_and_is_told(engine: Engine) -> None:
    wanted = code(engine)
    engine.set_stock(**{wanted: 40})
    engine.run(60, step=30)
    skus = {channel: sku_of(engine, channel, wanted) for channel in CHANNELS}
    for channel, sku in skus.items():
        engine.world.place(engine.world.shop(channel), sku=sku, quantity=2, variant="plain")
        edit_stock(engine, channel, sku, 7)
    look(engine)
    for channel, sku in skus.items():
        assert sku.sellable == 7, channel
        [event] = told(engine, "stock.adopted", channel)
        assert (event["after"], event["wanted"], event["rule"]) == (7, None, "only_theirs"), channel
        [row] = decisions(engine, channel, "stock")
        assert (row.outcome, row.state) == ("adopt", "decided")
    look(engine)
    assert all(len(told(engine, "stock.adopted", channel)) == 1 for channel in CHANNELS)
    engine.set_stock(**{wanted: 40})
    engine.run(60, step=30)
    assert {sku.sellable for sku in skus.values()} == {40}


def test_sales_and_cancels_are_no_edit(engine: Engine) -> None:
    wanted = code(engine)
    engine.set_stock(**{wanted: 40})
    engine.run(60, step=30)
    for channel in CHANNELS:
        sku, shop = sku_of(engine, channel, wanted), engine.world.shop(channel)
        kept, gone = (engine.world.place(shop, sku=sku, quantity=n, variant="plain") for n in (2, 3))
        unpaid = engine.world.place(shop, sku=sku, quantity=1, variant="plain", paid=False)
        engine.run(30, step=30)
        engine.world.cancel(gone)
        engine.world.ship(kept, CARRIER[channel], f"SF12345678900{CHANNELS.index(channel):02}")
        assert unpaid.order_id
    look(engine)
    look(engine)
    assert [decisions(engine, channel, "stock") for channel in CHANNELS] == [[], [], [], []]


def both_edit(engine: Engine, quantity: int = 7, ours: int = 50) -> dict[str, Sku]:
    """The seller edits and it is read, and before the orders of that time are here the ERP wants something else."""
    wanted = code(engine)
    engine.set_stock(**{wanted: 40})
    engine.run(60, step=30)
    skus = {channel: sku_of(engine, channel, wanted) for channel in CHANNELS}
    for channel, sku in skus.items():
        edit_stock(engine, channel, sku, quantity)
    engine.run(60, step=30)
    for shop in engine.shops.values():
        for _ in ops.resync_stock(engine.runtime, shop):
            pass
    engine.set_stock(**{wanted: ours})
    engine.run(LAG, step=180)
    return skus


def test_by_default_the_erps_stock_stands_when_both_changed_it(engine: Engine) -> None:
    for channel, sku in both_edit(engine).items():
        assert sku.sellable == 50, channel
        [row] = decisions(engine, channel, "stock")
        assert (row.outcome, row.ours, row.theirs) == ("push", "50", "7"), channel
        assert row.rule in ("policy_erp", "policy_erp_early"), "by how far the channel's orders were read"


def test_the_channels_word_counts_where_the_policy_says_so(engine: Engine) -> None:
    resolve.set_policy(engine.runtime, "", Field.STOCK, Policy.CHANNEL)
    for channel, sku in both_edit(engine).items():
        assert sku.sellable == 7, channel
        [event] = told(engine, "stock.adopted", channel)
        assert (event["before"], event["after"], event["wanted"]) == (40, 7, 50)
        [intent] = engine.intents("stock", engine.shops[channel], f"{sku.item_id}/{sku.sku_id}")
        assert (intent.state, intent.reason_code) == ("dismissed", "adopted")


def test_an_open_conflict_holds_the_wish_until_a_person_decides(engine: Engine) -> None:
    resolve.set_policy(engine.runtime, "", Field.STOCK, Policy.ASK)
    skus = both_edit(engine)
    ids = {}
    for channel, sku in skus.items():
        assert sku.sellable == 7, channel
        [row] = decisions(engine, channel, "stock", "open")
        ids[channel] = row.id
        [event] = told(engine, "conflict.opened", channel)
        assert (event["before"], event["after"], event["wanted"], event["decision"]) == (40, 7, 50, row.id)
        [intent] = engine.intents("stock", engine.shops[channel], f"{sku.item_id}/{sku.sku_id}")
        assert (intent.state, intent.reason_code) == ("parked", "conflict")
    engine.set_stock(**{code(engine): 55})
    for held in ops.list_parked(engine.runtime):
        ops.retry(engine.runtime, held.ref)
    engine.run(60, step=30)
    assert {sku.sellable for sku in skus.values()} == {7}, "neither a newer number nor a retry gets past it"
    resolve.resolve(engine.runtime, ids["pinduoduo"], "ours", note="counted", by="li")
    resolve.resolve(engine.runtime, ids["douyin"], "theirs", by="li")
    resolve.resolve(engine.runtime, ids["taobao"], "value", value="9", by="li")
    engine.run(60, step=30)
    assert {channel: sku.sellable for channel, sku in skus.items()} == {
        "pinduoduo": 55,
        "douyin": 7,
        "taobao": 9,
        "jd": 7,
    }
    assert [event["resolution"] for event in told(engine, "conflict.resolved", "taobao")] == ["value 9"]
    assert len(told(engine, "stock.adopted", "douyin")) == 1
    with pytest.raises(ConfigurationError, match="decided already by li: ours"):
        resolve.resolve(engine.runtime, ids["pinduoduo"], "theirs", by="wang")
    look(engine)
    engine.set_stock(**{code(engine): 60})
    engine.run(60, step=30)
    assert {channel: sku.sellable for channel, sku in skus.items()} == dict.fromkeys(CHANNELS, 60) | {"jd": 7}


def edit_price(engine: Engine, channel: str, sku: Sku, sale: int) -> None:
    sku.price = type(sku.price)(sale, sku.price.single, sku.price.market)
    engine.world.touch_item(engine.world.shop(channel), engine.world.item(engine.world.shop(channel), sku.item_id))


def want_price(engine: Engine, channel: str, sku: Sku, sale: int) -> None:
    item = PriceItem(shop=engine.shops[channel], listing_id=sku.item_id, sku_id=sku.sku_id, sale=sale)
    with engine.runtime.database.write() as connection:
        [result] = push.set_prices(connection, [item], engine.runtime.clock.now()).items
    assert result.state == "queued", result


def read_listing(engine: Engine, channel: str, sku: Sku) -> None:
    ops.reread(engine.runtime, engine.shops[channel], ObjectKind.LISTING, sku.item_id)


def test_a_price_edited_in_the_backend_stands_and_is_told(engine: Engine) -> None:
    for channel in CHANNELS:
        sku = sku_of(engine, channel, code(engine))
        want_price(engine, channel, sku, 1200)
    engine.run(120, step=30)
    for channel in CHANNELS:
        sku = sku_of(engine, channel, code(engine))
        assert sku.price.sale == 1200, channel
        edit_price(engine, channel, sku, 1100)
        engine.world.advance(60)
        read_listing(engine, channel, sku)
        read_listing(engine, channel, sku)
        [event] = told(engine, "price.adopted", channel)
        assert (event["before"]["sale"], event["after"]["sale"]) == (1200, 1100), channel
        engine.run(30, step=30)
        assert sku.price.sale == 1100, channel


@pytest.mark.parametrize("resolution", ["ours", "theirs", "value"])
def test_a_price_that_both_changed_is_asked_about(engine: Engine, resolution: str) -> None:
    for channel in CHANNELS:
        sku = sku_of(engine, channel, code(engine))
        edit_price(engine, channel, sku, 1100)
        want_price(engine, channel, sku, 1150)
        engine.world.advance(60)
        read_listing(engine, channel, sku)
        [row] = decisions(engine, channel, "price", "open")
        assert (json.loads(row.ours)["sale"], json.loads(row.theirs)["sale"]) == (1150, 1100), channel
        resolve.resolve(engine.runtime, row.id, resolution, value="1130" if resolution == "value" else "")
    engine.run(120, step=30)
    for channel in CHANNELS:
        sku = sku_of(engine, channel, code(engine))
        assert sku.price.sale == {"ours": 1150, "theirs": 1100, "value": 1130}[resolution], channel


def test_a_listing_taken_off_the_shelf_by_hand_stays_off(engine: Engine) -> None:
    resolve.set_policy(engine.runtime, engine.shops["jd"], Field.SHELF, Policy.ERP)
    for channel in CHANNELS:
        sku, shop = sku_of(engine, channel, code(engine)), engine.world.shop(channel)
        engine.world.set_shelf(shop, engine.world.item(shop, sku.item_id), False)
    engine.run(30, step=30)
    for channel in CHANNELS:
        sku = sku_of(engine, channel, code(engine))
        read_listing(engine, channel, sku)
        [row] = decisions(engine, channel, "shelf")
        assert (row.object_id, row.base, row.theirs) == (sku.item_id, "on", "off"), channel
        assert (row.outcome, row.rule) == ("adopt", "only_theirs"), "the ERP wanted nothing else"


def place(engine: Engine, channel: str) -> Order:
    return engine.world.place(engine.world.shop(channel), variant="plain", restock=True)


def ship(engine: Engine, channel: str, order: Order, number: str) -> None:
    parcel = ParcelDraft(carrier="SF", tracking_no=number)
    engine.ship(ShipmentItem(shop=engine.shops[channel], order_id=order.order_id, parcels=(parcel,)))


def numbers(order: Order) -> list[str]:
    return [package.tracking_no for package in order.packages]


OURS, BY_HAND = "SF1234567890123", "SF9999999999999"


@pytest.mark.parametrize(
    ("policy", "resolution", "shown"),
    [
        (Policy.ASK, "", BY_HAND),
        (Policy.ASK, "ours", OURS),
        (Policy.ASK, "theirs", BY_HAND),
        (Policy.ERP, "", OURS),
        (Policy.CHANNEL, "", BY_HAND),
    ],
)
def test_an_order_shipped_by_hand_with_another_number(
    engine: Engine, policy: Policy, resolution: str, shown: str
) -> None:
    resolve.set_policy(engine.runtime, "", Field.TRACKING, policy)
    orders = {channel: place(engine, channel) for channel in CHANNELS}
    engine.run(60, step=30)
    for channel, order in orders.items():
        engine.world.ship(order, CARRIER[channel], BY_HAND)
        ship(engine, channel, order, OURS)
    engine.run(60, step=30)
    for channel in orders:
        [row] = decisions(engine, channel, "tracking")
        assert (row.ours, row.theirs) == (OURS, BY_HAND), channel
        if resolution:
            resolve.resolve(engine.runtime, row.id, resolution)
    engine.run(60, step=30)
    for channel, order in orders.items():
        [intent] = engine.intents("ship", engine.shops[channel], order.order_id)
        assert numbers(order) == [shown], channel
        assert intent.state == ("parked" if policy is Policy.ASK and not resolution else "done"), channel
        assert order.ship_accepts <= 1
        assert len(decisions(engine, channel, "tracking")) == 1


def test_a_later_shipment_with_the_number_by_hand_settles_the_conflict(engine: Engine) -> None:
    order = place(engine, "douyin")
    engine.settle()
    engine.world.ship(order, CARRIER["douyin"], BY_HAND)
    ship(engine, "douyin", order, OURS)
    engine.run(30, step=30)
    ship(engine, "douyin", order, BY_HAND)
    engine.run(30, step=30)
    states = [intent.state for intent in engine.intents("ship", engine.shops["douyin"], order.order_id)]
    assert (numbers(order), states) == ([BY_HAND], ["dismissed", "done"])
    assert [row.state for row in decisions(engine, "douyin", "tracking")] == ["superseded"]


def test_a_number_changed_in_the_backend_after_ours_is_a_decision(engine: Engine) -> None:
    orders = {channel: place(engine, channel) for channel in CHANNELS}
    engine.run(60, step=30)
    for channel, order in orders.items():
        ship(engine, channel, order, OURS)
    engine.run(60, step=30)
    for channel, order in orders.items():
        engine.world.change_tracking(order, CARRIER[channel], BY_HAND)
    engine.run(LAG, step=180)
    for channel in CHANNELS:
        [row] = decisions(engine, channel, "tracking")
        assert (row.base, row.theirs, row.outcome) == (OURS, BY_HAND, "adopt"), channel


def test_a_memo_is_decided_sealed_and_told_without_its_text(engine: Engine) -> None:
    orders = {channel: place(engine, channel) for channel in CHANNELS}
    engine.run(60, step=30)
    for order in orders.values():
        STEPS["memo"](engine.world, order, memo="call 13800000000 first", flag=1)
    engine.run(LAG, step=180)
    for channel in CHANNELS:
        [row] = decisions(engine, channel, "memo")
        assert (row.outcome, row.theirs) == ("adopt", ""), channel
        assert "13800000000" in resolve.show_conflict(engine.runtime, row.id).theirs
        with engine.runtime.database.read() as connection:
            kept = conflicts.get(connection, row.id)
        assert "13800000000" not in kept.theirs
        assert kept.theirs


def test_an_address_changed_after_the_erp_took_the_order(engine: Engine) -> None:
    resolve.set_policy(engine.runtime, engine.shops["douyin"], Field.ADDRESS, Policy.ASK)
    orders = {channel: place(engine, channel) for channel in CHANNELS}
    engine.run(60, step=30)
    for order in orders.values():
        STEPS["change_address"](engine.world, order)
    engine.run(LAG, step=180)
    for channel, order in orders.items():
        [row] = decisions(engine, channel, "address")
        assert row.outcome == ("ask" if channel == "douyin" else "adopt"), channel
        assert any('"field":"receiver"' in e.data for e in engine.events("order.updated"))
        ship(engine, channel, order, OURS)
    [opened] = told(engine, "conflict.opened", "douyin")
    assert {"before", "after", "wanted"}.isdisjoint(opened)
    engine.run(60, step=30)
    assert {channel: numbers(order) for channel, order in orders.items()} == {
        channel: [OURS] for channel in CHANNELS
    } | {"douyin": []}
    [row] = decisions(engine, "douyin", "address", "open")
    resolve.resolve(engine.runtime, row.id, "theirs")
    engine.run(60, step=30)
    assert numbers(orders["douyin"]) == [OURS]


def test_a_refund_holds_a_shipment_before_it_leaves_and_is_told_after(engine: Engine) -> None:
    before, after = ({channel: place(engine, channel) for channel in CHANNELS} for _ in range(2))
    engine.run(60, step=30)
    for channel in CHANNELS:
        engine.world.request_refund(before[channel])
        ship(engine, channel, before[channel], OURS)
        ship(engine, channel, after[channel], BY_HAND)
    engine.run(60, step=30)
    for channel in CHANNELS:
        engine.world.request_refund(after[channel])
    engine.run(LAG, step=180)
    for channel in CHANNELS:
        shop = engine.shops[channel]
        [held], [sent] = (engine.intents("ship", shop, orders[channel].order_id) for orders in (before, after))
        assert (held.reason_code, sent.state) in (("refund_open", "done"), ("on_hold", "done")), channel
        assert numbers(before[channel]) == []
        seen = [json.loads(e.data)["after_sale"]["order_id"] for e in engine.events("after_sale") if e.shop_id == shop]
        assert after[channel].order_id in seen, channel


def test_policies_are_those_of_the_shop_or_the_default(engine: Engine) -> None:
    shop = engine.shops["jd"]
    resolve.set_policy(engine.runtime, "", Field.PRICE, Policy.CHANNEL)
    resolve.set_policy(engine.runtime, shop, Field.STOCK, Policy.ASK)
    views = {view.field: (view.policy, view.own) for view in resolve.list_policies(engine.runtime, shop)}
    assert (views[Field.PRICE], views[Field.STOCK]) == ((Policy.CHANNEL, False), (Policy.ASK, True))
    assert views[Field.MEMO] == (Policy.NEWEST, False)
    with pytest.raises(ConfigurationError):
        resolve.set_policy(engine.runtime, "jd:0", Field.STOCK, Policy.ASK)
