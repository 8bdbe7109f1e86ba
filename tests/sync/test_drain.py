"""A drain holds its lane while its calls take long, stops when it must, and leaves alone what fails unforeseen."""

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from core.channel import Connector, Credentials
from core.db import Database, lanes, shops
from core.db.lanes import Claim, Kind, Lane
from core.db.shops import ShopRow
from core.errors import Reauthorize
from core.model import ParcelDraft
from sync import beat, drain, ops, tokens
from sync.runtime import Runtime
from sync.shipments import ShipmentItem
from tests.engine import Engine
from tests.engine import engine as running

CHANNEL = "pinduoduo"
LISTED, REFRESHED = "pdd.goods.list.get", "pdd.pop.auth.token.refresh"
TTL = timedelta(seconds=30)


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path) as started:
        started.settle()
        yield started


@pytest.fixture
def lane(engine: Engine) -> Lane:
    return Lane(engine.shops[CHANNEL], Kind.BACKFILL)


def calls(engine: Engine, method: str) -> int:
    return int(engine.world.calls[CHANNEL].get(method, {"count": 0})["count"])


def rival(engine: Engine, lane: Lane) -> Claim | None:
    with engine.runtime.database.write() as connection:
        return lanes.take(connection, lane, "rival", engine.runtime.clock.now(), TTL)


def row(engine: Engine) -> ShopRow:
    with engine.runtime.database.read() as connection:
        return shops.get(connection, engine.shops[CHANNEL])


def test_a_batch_of_many_slow_calls_keeps_its_lane(engine: Engine, lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    rivals: list[Claim | None] = []

    def slow(_runtime: Runtime, connector: Connector, _claim: Claim) -> bool:
        for _ in range(4):
            engine.world.advance(20)
            next(connector.listings())
        rivals.append(rival(engine, lane))
        return False

    monkeypatch.setitem(drain.WORK, Kind.BACKFILL, slow)
    drain.drain(engine.runtime, lane)
    assert rivals[0] is None


def test_no_request_leaves_once_the_lane_is_lost(engine: Engine, lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(_runtime: Runtime, connector: Connector, _claim: Claim) -> bool:
        engine.world.advance(31)
        assert rival(engine, lane) is not None
        next(connector.listings())
        return False

    monkeypatch.setitem(drain.WORK, Kind.BACKFILL, late)
    before = calls(engine, LISTED)
    drain.drain(engine.runtime, lane)
    assert calls(engine, LISTED) == before


def test_an_unforeseen_error_leaves_the_lane_alone_for_a_while(
    engine: Engine, lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_runtime: Runtime, _connector: Connector, _claim: Claim) -> bool:
        raise ZeroDivisionError

    engine.world.advance(3700)
    monkeypatch.setitem(drain.WORK, Kind.BACKFILL, broken)
    assert lane in beat.beat(engine.runtime)
    with pytest.raises(ZeroDivisionError):
        drain.drain(engine.runtime, lane)
    assert lane not in beat.beat(engine.runtime)
    engine.world.advance(drain.FAILED_SECONDS + 1)
    assert lane in beat.beat(engine.runtime)


def test_a_shop_paused_meanwhile_gets_no_further_batch(
    engine: Engine, lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = []

    def endless(_runtime: Runtime, _connector: Connector, _claim: Claim) -> bool:
        batches.append(ops.pause_shop(engine.runtime, lane.shop_id, "holiday"))
        return len(batches) < 5

    monkeypatch.setitem(drain.WORK, Kind.BACKFILL, endless)
    drain.drain(engine.runtime, lane)
    assert batches == [True]
    assert rival(engine, lane) is not None


def test_a_token_refused_right_after_its_refresh_pauses_the_shop(
    engine: Engine, lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_runtime: Runtime, _connector: Connector, _claim: Claim) -> bool:
        raise Reauthorize("this token will never do")

    monkeypatch.setitem(drain.WORK, Kind.BACKFILL, refused)
    before = calls(engine, REFRESHED)
    for _ in range(3):
        drain.drain(engine.runtime, lane)
        engine.world.advance(10)
    assert calls(engine, REFRESHED) == before + 1
    assert not row(engine).active
    assert len(engine.events("shop.paused")) == 1


@pytest.mark.parametrize("answered", [True, False])
def test_tokens_given_during_a_refresh_stay(engine: Engine, answered: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = row(engine)
    connector, version = engine.runtime.connector(shop)
    old = connector.credentials
    given = Credentials(old.app_key, old.app_secret, SecretStr("given"), SecretStr("given too"))

    def overtaken(_runtime: Runtime, _row: ShopRow) -> Credentials:
        ops.connect_shop(engine.runtime, channel=CHANNEL, account=shop.account, name=shop.name, credentials=given)
        if not answered:
            raise Reauthorize("the old grant is gone")
        return old

    monkeypatch.setattr(tokens, "_fresh", overtaken)
    tokens.refresh(engine.runtime, shop, version)
    held, _ = engine.runtime.connector(shop)
    assert held.credentials.access_token.get_secret_value() == "given"
    assert row(engine).active


@pytest.mark.parametrize("kind", [Kind.NOTICES, Kind.SHIP])
def test_a_batch_of_slow_items_gives_the_worker_back_in_time(engine: Engine, kind: Kind) -> None:
    orders = [engine.world.place(engine.world.shop(CHANNEL), variant="plain", restock=True) for _ in range(3)]
    if kind is Kind.SHIP:
        engine.settle()
        for order in orders:
            parcel = ParcelDraft(carrier="SF", tracking_no=f"SF{order.order_id[-12:]}")
            engine.ship(ShipmentItem(shop=engine.shops[CHANNEL], order_id=order.order_id, parcels=(parcel,)))
    else:
        engine.deliver_pushes()
    hurried = dataclasses.replace(
        engine.runtime, settings=engine.runtime.settings.model_copy(update={"drain_seconds": 0})
    )
    with engine.runtime.database.write() as connection:
        claim = lanes.take(
            connection, Lane(engine.shops[CHANNEL], kind), "test", engine.runtime.clock.now(), timedelta(minutes=5)
        )
    assert claim is not None
    connector, _ = engine.runtime.connector(row(engine))
    looked = []
    while drain.WORK[kind](hurried, connector, claim):
        looked.append(calls(engine, "pdd.order.information.get"))
        assert len(looked) < 10
    assert len(set(looked)) >= 3
