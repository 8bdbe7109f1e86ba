"""The ERP's wishes: what is refused, item by item, before anything is stored or called."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from core.db import Database, catalog, intents
from core.model import Packed, ParcelDraft, SkuKey
from sync import mappings, push, shipments
from sync.mappings import MappingItem
from sync.push import PriceItem, StockItem
from sync.shipments import ShipmentItem
from sync.wishes import ItemResult
from tests.canonical import START
from tests.engine import Engine
from tests.engine import engine as running


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path) as started:
        started.settle()
        yield started


set_mappings = functools.partial(mappings.set_mappings, by="operator")


def ask(engine: Engine, function: Any, wanted: Sequence[Any]) -> list[ItemResult]:
    with engine.runtime.database.write() as connection:
        results: list[ItemResult] = function(connection, wanted, engine.runtime.clock.now()).items
    return results


def row(engine: Engine, channel: str) -> catalog.CatalogRow:
    with engine.runtime.database.read() as connection:
        return next(r for r in catalog.rows_of(connection, shop_id=engine.shops[channel]) if r.sku and r.price)


def price(engine: Engine, channel: str, **fields: int) -> PriceItem:
    found = row(engine, channel)
    return PriceItem(shop=found.shop_id, listing_id=found.key.listing_id, sku_id=found.key.sku_id, **fields)


def test_an_unknown_sku_is_refused_and_its_neighbour_is_not(engine: Engine) -> None:
    known = row(engine, "douyin").sku
    wanted = [StockItem(sku="NO-SUCH", quantity=1), StockItem(sku=known, quantity=2)]
    assert [r.code or r.state for r in ask(engine, push.set_stock, wanted)] == ["unknown_sku", "queued"]
    with engine.runtime.database.read() as connection:
        assert catalog.numbers(connection, ["NO-SUCH", known]) == {known: 2}


def test_a_broken_price_relation_is_refused_with_what_the_channel_shows(engine: Engine) -> None:
    shown = row(engine, "pinduoduo").price
    assert shown is not None
    assert shown.single is not None
    [refused] = ask(engine, push.set_prices, [price(engine, "pinduoduo", sale=shown.single)])
    assert refused.code == "price_relation"
    [given] = ask(engine, push.set_prices, [price(engine, "pinduoduo", sale=100, single=200, market=150)])
    assert given.code == "price_relation"
    calls = engine.world.calls["pinduoduo"]
    engine.run(10)
    assert "pdd.goods.sku.price.update" not in calls


def test_prices_end_agreed_on_both_channels(engine: Engine) -> None:
    for channel in ("pinduoduo", "douyin"):
        assert ask(engine, push.set_prices, [price(engine, channel, sale=1234)])[0].state == "queued"
    engine.run(30)
    for channel in ("pinduoduo", "douyin"):
        found = row(engine, channel)
        sku = engine.world.sku(engine.world.shop(channel), found.key.sku_id)
        assert sku.price.sale == 1234
    told = [e.type for e in engine.events("price")]
    assert sorted(told) == ["price.accepted", "price.pending"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"shop": "douyin:0"}, "unknown_shop"),
        ({"order_id": "0"}, "unknown_order"),
        ({"parcels": (ParcelDraft(carrier="PIGEON", tracking_no="1"),)}, "unknown_carrier"),
        (
            {"parcels": (ParcelDraft(carrier="SF", tracking_no="1", lines=(Packed(line_id="no", quantity=1),)),)},
            "unknown_line",
        ),
    ],
)
def test_a_shipment_that_cannot_be_right_is_refused(engine: Engine, changes: dict[str, Any], code: str) -> None:
    order = engine.world.place(engine.world.shop("douyin"), variant="plain", restock=True)
    engine.settle()
    sound = {
        "shop": engine.shops["douyin"],
        "order_id": order.order_id,
        "parcels": (ParcelDraft(carrier="SF", tracking_no="SF1"),),
    }
    assert ask(engine, shipments.ship, [ShipmentItem(**(sound | changes))])[0].code == code
    assert ask(engine, shipments.ship, [ShipmentItem(**sound)])[0].state == "queued"


def test_a_new_mapping_gets_the_skus_number_and_an_unmapping_stops_it(engine: Engine) -> None:
    mapped = row(engine, "douyin")
    ask(engine, push.set_stock, [StockItem(sku=mapped.sku, quantity=9)])
    twice = engine.world.skus_by_code(engine.world.shop("douyin"), "SKU-0001")[0]
    by_hand = MappingItem(shop=engine.shops["douyin"], listing_id=twice.item_id, sku_id=twice.sku_id, sku=mapped.sku)
    assert ask(engine, set_mappings, [by_hand])[0].state == "queued"
    engine.run(10)
    assert twice.sellable == 9
    assert ask(engine, set_mappings, [by_hand.model_copy(update={"sku": None})])[0].state == "queued"
    ask(engine, push.set_stock, [StockItem(sku=mapped.sku, quantity=4)])
    engine.run(10)
    assert twice.sellable == 9
    engine.run(3700, step=1850)
    with engine.runtime.database.read() as connection:
        key = SkuKey(listing_id=twice.item_id, sku_id=twice.sku_id)
        target = catalog.Target(engine.shops["douyin"], key)
        assert catalog.find(connection, [target])[target].sku == "", "a listing walk must not map it again"


def test_a_code_that_stops_being_unique_is_unmapped(engine: Engine) -> None:
    found = row(engine, "douyin")
    shop = engine.world.shop("douyin")
    other = next(s for s in engine.world.skus_by_code(shop, "SKU-0001"))
    other.code = found.merchant_code
    engine.world.touch_item(shop, engine.world.item(shop, other.item_id))
    engine.run(3700, step=1850)
    [result] = ask(engine, push.set_stock, [StockItem(sku=found.sku, quantity=1)])
    with engine.runtime.database.read() as connection:
        shops = [intents.find(connection, intent).shop_id for intent, _ in result.intents]
    assert shops == [engine.shops["pinduoduo"]]


def test_an_unmapping_takes_back_the_number_that_is_on_its_way(engine: Engine) -> None:
    found = row(engine, "douyin")
    sku = engine.world.sku(engine.world.shop("douyin"), found.key.sku_id)
    shown = sku.sellable
    [queued] = ask(engine, push.set_stock, [StockItem(sku=found.sku, quantity=shown + 7)])
    unmapped = MappingItem(shop=found.shop_id, listing_id=found.key.listing_id, sku_id=found.key.sku_id, sku=None)
    ask(engine, set_mappings, [unmapped])
    engine.run(10)
    assert sku.sellable == shown
    with engine.runtime.database.read() as connection:
        found_intents = [intents.find(connection, intent) for intent, _ in queued.intents]
    [withdrawn] = [intent for intent in found_intents if intent.shop_id == found.shop_id]
    assert (withdrawn.state, withdrawn.reason_code) == ("dismissed", "unmapped")


def parcels(engine: Engine, order_id: str, number: str) -> ShipmentItem:
    parcel = ParcelDraft(carrier="SF", tracking_no=number)
    return ShipmentItem(shop=engine.shops["douyin"], order_id=order_id, parcels=(parcel,))


def test_two_shipments_of_one_order_in_one_request_are_two(engine: Engine) -> None:
    order = engine.world.place(engine.world.shop("douyin"), variant="plain", restock=True)
    engine.settle()
    numbers = ["SF1234567890001", "SF1234567890001", "SF1234567890002"]
    results = ask(engine, shipments.ship, [parcels(engine, order.order_id, number) for number in numbers])
    assert [result.state for result in results] == ["queued"] * 3
    assert results[0].intents == results[1].intents != results[2].intents
    engine.run(30)
    assert [package.tracking_no for package in order.packages] == ["SF1234567890002"]
    assert [intent.state for intent in engine.intents("ship", engine.shops["douyin"], order.order_id)] == ["done"] * 2


def test_shipments_of_one_order_at_the_same_moment_are_two(engine: Engine) -> None:
    order = engine.world.place(engine.world.shop("douyin"), variant="plain", restock=True)
    engine.settle()
    numbers = ["SF1234567890001", "SF1234567890002"]
    works = [functools.partial(shipments.ship, wanted=[parcels(engine, order.order_id, n)], now=START) for n in numbers]
    beside(engine, works)
    assert len(engine.intents("ship", engine.shops["douyin"], order.order_id)) == 2


def test_a_number_and_a_mapping_at_the_same_moment_end_agreed(engine: Engine) -> None:
    found = row(engine, "douyin")
    other = engine.world.skus_by_code(engine.world.shop("douyin"), "SKU-0001")[0]
    mapping = MappingItem(shop=found.shop_id, listing_id=other.item_id, sku_id=other.sku_id, sku=found.sku)
    ask(engine, push.set_stock, [StockItem(sku=found.sku, quantity=3)])
    number = StockItem(sku=found.sku, quantity=5)
    beside(engine, [lambda c: push.set_stock(c, [number], START), lambda c: set_mappings(c, [mapping], START)])
    [intent] = engine.intents("stock", found.shop_id, f"{other.item_id}/{other.sku_id}")
    assert intent.wanted == "5"


def beside(engine: Engine, works: Sequence[Callable[[Connection], object]]) -> None:
    """Does both in transactions of their own, the second one begun before the first one commits."""

    def second() -> None:
        with engine.runtime.database.write() as connection:
            works[1](connection)

    with ThreadPoolExecutor(1) as pool:
        with engine.runtime.database.write() as connection:
            works[0](connection)
            begun = pool.submit(second)
            with contextlib.suppress(TimeoutError):
                begun.result(timeout=0.5)
        begun.result(timeout=10)


def test_more_skus_than_a_statement_takes_parameters(database: Database) -> None:
    skus = [f"S{number}" for number in range(70_000)]
    with database.write() as connection:
        catalog.set_numbers(connection, {"S69999": 4}, START)
        assert catalog.numbers(connection, skus) == {"S69999": 4}
        assert catalog.targets(connection, skus) == {}
