"""Writes without an answer: looked up before anything is sent again, told as what they were, and never for ever."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.pinduoduo.connector import PinduoduoConnector
from core.channel import Outcome
from core.db import Database, catalog, intents, shops
from core.errors import Malformed
from core.model import ParcelDraft, Shipment
from sandbox.faults import FaultRule
from sandbox.model import Sku
from sync import policy
from sync.shipments import ShipmentItem
from tests.engine import Engine
from tests.engine import engine as running

SHOP = "pinduoduo"
SET_STOCK, DETAIL = "pdd.goods.quantity.update", "pdd.goods.detail.get"


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path) as started:
        started.settle()
        yield started


def mapped(engine: Engine, count: int) -> list[Sku]:
    """SKUs of as many listings."""
    with engine.runtime.database.read() as connection:
        rows = {r.key.listing_id: r for r in catalog.rows_of(connection, shop_id=engine.shops[SHOP]) if r.sku}
    shop = engine.world.shop(SHOP)
    return [engine.world.sku(shop, row.key.sku_id) for row in list(rows.values())[:count]]


def fault(engine: Engine, kind: str, method: str, times: int | None = 1) -> None:
    engine.world.faults.add(FaultRule.model_validate({"kind": kind, "channel": SHOP, "method": method, "times": times}))


def stock_intent(engine: Engine, sku: Sku) -> intents.Intent:
    [found] = engine.intents("stock", engine.shops[SHOP], f"{sku.item_id}/{sku.sku_id}")
    return found


def attempts(engine: Engine, intent: intents.Intent) -> list[str]:
    with engine.runtime.database.read() as connection:
        return [attempt.state for attempt in intents.attempts(connection, intent.id)]


def test_a_listing_that_cannot_be_read_back_stops_no_other(engine: Engine) -> None:
    doubtful, other = mapped(engine, 2)
    fault(engine, "timeout_before", SET_STOCK)
    fault(engine, "http_5xx", DETAIL, times=None)
    engine.set_stock(**{doubtful.code: 71})
    engine.run(10)
    engine.set_stock(**{other.code: 72})
    engine.run(30)
    assert other.sellable == 72
    assert attempts(engine, stock_intent(engine, doubtful)) == ["unknown"]
    engine.world.faults.clear()
    engine.run(120)
    assert doubtful.sellable == 71


def test_a_landed_number_is_not_told_as_the_newer_one(engine: Engine) -> None:
    [sku] = mapped(engine, 1)
    fault(engine, "timeout_after", SET_STOCK)
    engine.set_stock(**{sku.code: 71})
    engine.settle()
    engine.set_stock(**{sku.code: 72})
    engine.run(30)
    told = [event.data for event in engine.events("stock.accepted") if event.object_id.endswith(sku.sku_id)]
    assert ['"wanted": 71' in told[0], '"wanted": 72' in told[1], len(told)] == [True, True, 2]


def test_a_lost_number_that_sales_led_to_meanwhile_is_accepted_as_shown(engine: Engine) -> None:
    """Found by a simulated day. To write it again would change nothing, and both sides stand on it from the look on."""
    [sku] = mapped(engine, 1)
    engine.set_stock(**{sku.code: 44})
    engine.run(60)
    fault(engine, "timeout_before", SET_STOCK)
    engine.set_stock(**{sku.code: 43})
    engine.settle()
    engine.world.place(engine.world.shop(SHOP), sku=sku, quantity=1, variant="plain")
    engine.run(60)
    assert attempts(engine, stock_intent(engine, sku)) == ["accepted", "accepted"]
    assert (sku.last_set.quantity, sku.sellable) == (44, 43)
    engine.world.place(engine.world.shop(SHOP), sku=sku, quantity=3, variant="plain")
    engine.run(3600, step=60)
    assert (sku.last_set.quantity, sku.sellable) == (44, 40)
    assert not engine.events("conflict.") + engine.events("stock.adopted")


def test_a_write_that_is_never_answered_is_shown_to_a_person(engine: Engine) -> None:
    [sku] = mapped(engine, 1)
    fault(engine, "timeout_before", SET_STOCK, times=None)
    engine.set_stock(**{sku.code: 71})
    engine.run(3000, step=60)
    intent = stock_intent(engine, sku)
    assert (intent.state, intent.reason_code) == ("parked", "outcome_unknown")
    states = attempts(engine, intent)
    assert states == ["not_sent"] * policy.UNSETTLED_TRIES + ["unknown"]


def test_waiting_for_an_order_uses_up_no_patience(engine: Engine) -> None:
    order = engine.world.place(engine.world.shop(SHOP), variant="risk", restock=True)
    engine.settle()
    parcel = ParcelDraft(carrier="SF", tracking_no="SF1234567890123")
    engine.ship(ShipmentItem(shop=engine.shops[SHOP], order_id=order.order_id, parcels=(parcel,)))
    engine.run(policy.UNSETTLED_TRIES * 150, step=120)
    fault(engine, "http_5xx", "pdd.order.information.get", times=10)
    engine.run(150, step=30)
    engine.world.release(order)
    engine.run(300, step=30)
    assert order.ship_accepts == 1


def test_an_order_held_between_the_look_and_the_call_is_waited_for(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by a simulated day: a review began just before our call, and the refusal has no code of its own."""
    order = engine.world.place(engine.world.shop(SHOP), restock=True)
    engine.settle()
    ship = PinduoduoConnector.ship

    def late(connector: PinduoduoConnector, *arguments: Any) -> Outcome[Shipment]:
        if order.hold is None:
            engine.world.hold(order)
        return ship(connector, *arguments)

    monkeypatch.setattr(PinduoduoConnector, "ship", late)
    parcel = ParcelDraft(carrier="SF", tracking_no="SF1234567890123")
    engine.ship(ShipmentItem(shop=engine.shops[SHOP], order_id=order.order_id, parcels=(parcel,)))
    engine.run(30, step=5)
    [intent] = engine.intents("ship", engine.shops[SHOP], order.order_id)
    assert (intent.state, order.ship_accepts) == ("due", 0)
    monkeypatch.undo()
    engine.world.release(order)
    engine.run(300, step=30)
    assert order.ship_accepts == 1


@pytest.mark.parametrize("tries", [20, 5000])
def test_the_wait_ends_at_the_longest(tries: int) -> None:
    assert policy.backoff(tries) == policy.LONGEST_WAIT_SECONDS


def test_a_newer_number_waits_until_an_unanswered_one_has_had_time_to_land(engine: Engine) -> None:
    [sku] = mapped(engine, 1)
    fault(engine, "timeout_before", SET_STOCK)
    engine.set_stock(**{sku.code: 71})
    engine.settle()
    engine.set_stock(**{sku.code: 72})
    engine.settle()
    assert engine.world.calls[SHOP][SET_STOCK]["count"] == 1
    engine.run(10)
    assert sku.sellable == 72


def test_a_listing_with_an_impossible_value_is_malformed(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    [sku] = mapped(engine, 1)
    with engine.runtime.database.read() as connection:
        connector, _ = engine.runtime.connector(shops.get(connection, engine.shops[SHOP]))

    def impossible(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr("connectors.pinduoduo.connector.mapping.listing", impossible)
    with pytest.raises(Malformed):
        connector.listing(sku.item_id)
