"""Shops are compared with their channels every night and on demand; what differs is taken over, decided or asked."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.channel import Call, Connector, Fetched, Urgency
from core.db import Database, items, lanes, reconciliations, shops, watermarks
from core.db.lanes import Kind, Lane
from core.db.reconciliations import NIGHTLY, Run
from core.db.tables import feed, listings, orders
from core.errors import ConfigurationError, Malformed, NotFound, Unavailable
from core.model import Listing
from core.settings import Settings
from sandbox.model import Sku
from sync import drift, nights, ops, pull, push, reconcile
from sync.drift import Finding
from sync.limits import RedisGate
from sync.push import PriceItem
from tests.canonical import at
from tests.engine import Engine
from tests.engine import engine as running

CHANNELS = ("pinduoduo", "douyin", "taobao", "jd")
EVENING = 18 * 3600
"""When the tests begin, in seconds after the world does: an hour before the nights. A whole day waited for would be a
day of orders to be pulled.
"""


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path, channels=CHANNELS) as started:
        started.world.advance(EVENING)
        started.settle()
        yield started


@pytest.fixture
def alone(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    """With one shop, for what takes a night."""
    with running(database, redis_url, tmp_path, channels=("douyin",)) as started:
        started.world.advance(EVENING)
        started.settle()
        yield started


def compare(engine: Engine, channel: str, *parts: str, dry_run: bool = False) -> list[Finding]:
    wanted = reconcile.plan(engine.runtime, engine.shops[channel], parts, days=0.05)
    pieces = reconcile.here(engine.runtime, wanted, dry_run=dry_run)
    return [finding for _, piece in pieces for finding in piece.findings]


def forget_order(engine: Engine, shop: str, order_id: str) -> None:
    """As if neither a push nor a poll had ever brought it."""
    with engine.runtime.database.write() as connection:
        connection.execute(sa.delete(orders).where(orders.c.shop_id == shop, orders.c.id == order_id))
        connection.execute(sa.delete(feed).where(feed.c.type.startswith("order.")))


def mapped(engine: Engine, channel: str) -> tuple[str, str, Sku]:
    """(SKU, object, the simulated SKU) of a listing SKU that is mapped."""
    row = next(row for row in ops.list_mappings(engine.runtime, shop=engine.shops[channel]) if row.sku)
    sku = engine.world.sku(engine.world.shop(channel), row.key.sku_id)
    return row.sku, f"{row.key.listing_id}/{row.key.sku_id}", sku


@pytest.mark.parametrize("channel", CHANNELS)
def test_an_order_that_was_missed_comes_in_with_its_event(engine: Engine, channel: str) -> None:
    placed = engine.world.place(engine.world.shop(channel), variant="plain", restock=True).order_id
    engine.run(1200, step=300)
    forget_order(engine, engine.shops[channel], placed)
    [trial] = compare(engine, channel, "orders", dry_run=True)
    assert (trial.object_id, trial.outcome) == (placed, "created")
    assert engine.order(engine.shops[channel], placed) is None
    [found] = compare(engine, channel, "orders")
    assert found == trial
    assert engine.order(engine.shops[channel], placed) is not None
    assert [event.object_id for event in engine.events("order.created")] == [placed]
    assert compare(engine, channel, "orders") == []


def test_an_order_that_changed_unseen_shows_field_by_field_and_names_nobody(alone: Engine) -> None:
    shop = alone.shops["douyin"]
    placed = alone.world.place(alone.world.shop("douyin"), variant="plain", restock=True).order_id
    alone.run(1200, step=300)
    with alone.runtime.database.write() as connection:
        stored = items.find(connection, "order", shop, placed)
        assert stored is not None
        body = json.loads(stored.body)
        body["payment"]["value"] = "unpaid"
        body["buyer_note"] = "old words"
        changed = {"body": json.dumps(body), "digest": b"other", "created_at": stored.source_at}
        items.write(connection, "order", [asdict(stored) | changed])
    [found] = compare(alone, "douyin", "orders", dry_run=True)
    told = {each.field: (each.before, each.after) for each in found.differences}
    assert told["payment.value"] == ("unpaid", "paid")
    assert "old words" not in str(found)
    compare(alone, "douyin", "orders")
    read = alone.order(shop, placed)
    assert read is not None
    assert read.payment.value == "paid"


@pytest.mark.parametrize("channel", CHANNELS)
def test_edited_stock_price_and_shelf_are_decided_and_not_before_a_dry_run_said_so(
    engine: Engine, channel: str
) -> None:
    shop = engine.world.shop(channel)
    code, object_id, sku = mapped(engine, channel)
    engine.set_stock(**{code: 40})
    engine.run(60, step=30)
    engine.world.set_stock(shop, sku, 7, "seller")
    engine.run(60, step=30)
    trial = {(each.part, each.object_id): each.outcome for each in compare(engine, channel, "stock", dry_run=True)}
    assert trial == {("stock", object_id): "waiting"}
    before = engine.events("stock")
    assert compare(engine, channel, "stock")[0].outcome == "waiting"
    assert engine.events("stock") == before
    engine.run(900, step=180)
    assert engine.events("stock.adopted")[-1].object_id == object_id
    item = engine.world.item(shop, sku.item_id)
    engine.world.set_shelf(shop, item, False)
    engine.world.advance(30)
    [off] = [each for each in compare(engine, channel, "shelf", dry_run=True) if each.object_id == item.item_id]
    assert [(d.field, d.after) for d in off.differences if d.field.endswith("value")] == [("shelf.value", "off")]
    compare(engine, channel, "shelf")
    assert compare(engine, channel, "shelf") == []


def test_a_price_that_both_sides_changed_is_asked(alone: Engine) -> None:
    shop = alone.world.shop("douyin")
    code, object_id, sku = mapped(alone, "douyin")
    with alone.runtime.database.write() as connection:
        push.set_prices(
            connection, [PriceItem(shop=alone.shops["douyin"], sku=code, sale=4900)], alone.runtime.clock.now()
        )
    alone.run(60, step=30)
    ops.pause_shop(alone.runtime, alone.shops["douyin"], "stocktaking")
    alone.world.set_price(shop, sku, replace(sku.price, sale=5100))
    with alone.runtime.database.write() as connection:
        push.set_prices(
            connection, [PriceItem(shop=alone.shops["douyin"], sku=code, sale=4800)], alone.runtime.clock.now()
        )
    alone.run(60, step=30)
    [asked] = [each for each in compare(alone, "douyin", "price") if each.part == "price"]
    assert (asked.object_id, asked.outcome) == (object_id, "asked")
    [run] = reconcile.runs(alone.runtime)[:1]
    assert (run.counts.asked, run.ended_at is not None) == (1, True)


def tonight(engine: Engine) -> Run | None:
    return next((run for run in reconcile.runs(engine.runtime) if run.origin == NIGHTLY), None)


def until_night(engine: Engine, channel: str) -> None:
    begin = nights.next_run(engine.runtime.settings, engine.shops[channel], engine.runtime.clock.now())
    engine.world.advance((begin - engine.runtime.clock.now()).total_seconds() + 1)


def test_every_night_each_shop_is_compared_on_the_backfill_lane(engine: Engine) -> None:
    engine.runtime.settings = engine.runtime.settings.model_copy(update={"reconcile_days": 0.25})
    assert tonight(engine) is None
    with engine.runtime.database.read() as connection:
        marks = {shop: watermarks.of_shop(connection, shop)[pull.RECONCILIATION] for shop in engine.shops.values()}
    assert pull.LANES[pull.RECONCILIATION] is Kind.BACKFILL
    assert len({mark.next_at for mark in marks.values()}) == len(marks), "not all at once"
    engine.world.advance(7200)
    engine.run(8400, step=700)
    done = {run.shop_id: run for run in reconcile.runs(engine.runtime)}
    assert set(done) == set(engine.shops.values())
    for run in done.values():
        assert run.ended_at is not None
        assert run.counts.compared > 0
        assert run.counts.unread == 0
    with engine.runtime.database.read() as connection:
        after = watermarks.of_shop(connection, engine.shops["douyin"])[pull.RECONCILIATION]
    assert after.next_at > engine.runtime.clock.now()


def test_a_killed_night_goes_on_where_it_was(alone: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    pieces: list[str] = []
    real = drift.piece

    def dying(bench: drift.Bench, cursor: dict[str, object]) -> drift.Piece:
        done = real(bench, cursor)
        pieces.append(f"{done.stage} {cursor}")
        if len(pieces) == 5:
            raise Killed
        return done

    monkeypatch.setattr(drift, "piece", dying)
    until_night(alone, "douyin")
    with pytest.raises(Killed):
        alone.settle()
    begun = tonight(alone)
    assert begun is not None
    assert begun.ended_at is None
    alone.run(2000, step=500)
    ended = tonight(alone)
    assert ended is not None
    assert (ended.id, ended.ended_at is not None) == (begun.id, True)
    assert len(pieces) == len(set(pieces)), "nothing is compared twice"


def test_the_lane_is_given_back_between_pieces(alone: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "TURN_SECONDS", 0.0)
    until_night(alone, "douyin")
    row = alone.runtime.database
    with row.write() as connection:
        claim = lanes.take(
            connection,
            Lane(alone.shops["douyin"], Kind.BACKFILL),
            "test",
            alone.runtime.clock.now(),
            timedelta(minutes=1),
        )
        assert claim is not None
    with row.read() as connection:
        connector, _ = alone.runtime.connector(shops.get(connection, alone.shops["douyin"]))
    assert reconcile.drain(alone.runtime, connector, claim), "there is more"
    run = tonight(alone)
    assert run is not None
    assert run.cursor["stage"] == "orders"
    with row.read() as connection:
        assert (
            reconciliations.unfinished(connection, alone.shops["douyin"], origin=NIGHTLY, since=run.started_at) == run
        )


def speaker(engine: Engine) -> type[Connector]:
    """The class that speaks to Douyin."""
    with engine.runtime.database.read() as connection:
        row = shops.get(connection, engine.shops["douyin"])
    return type(engine.runtime.connector(row)[0])


def test_a_listing_that_cannot_be_read_stops_nothing(alone: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with alone.runtime.database.read() as connection:
        ids = sorted(connection.scalars(sa.select(listings.c.id).where(listings.c.shop_id == alone.shops["douyin"])))
    real = speaker(alone)
    read = real.listing

    def broken(self: Connector, listing_id: str) -> Fetched[Listing]:
        if listing_id == ids[0]:
            raise Malformed("no price")
        if listing_id == ids[1]:
            raise NotFound("gone")
        return read(self, listing_id)

    monkeypatch.setattr(real, "listing", broken)
    found = {each.object_id: each for each in compare(alone, "douyin", "shelf")}
    assert found[ids[0]].outcome == "unread"
    assert [(d.field, d.after) for d in found[ids[1]].differences if d.field == "shelf.value"] == [
        ("shelf.value", "deleted")
    ]
    run = reconcile.runs(alone.runtime)[0]
    assert (run.counts.compared, run.counts.unread) == (len(ids), 1)


def test_a_run_of_the_same_kind_goes_on_where_it_was_stopped(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = reconcile.plan(engine.runtime, engine.shops["pinduoduo"], ("orders", "stock"), days=0.1)
    first = reconcile.here(engine.runtime, wanted)
    run, piece = next(first)
    next(first)
    del first
    again = list(reconcile.here(engine.runtime, wanted))
    assert {each.id for each, _ in again} == {run.id}
    assert again[0][1].share > piece.share
    assert reconcile.runs(engine.runtime)[0].ended_at is not None
    with pytest.raises(ConfigurationError, match="no part horses"):
        reconcile.plan(engine.runtime, engine.shops["pinduoduo"], ("horses",))


def test_a_shop_has_its_own_minute_of_the_night() -> None:
    settings = Settings(reconcile_at="02:30", reconcile_spread_minutes=60)
    names = [f"douyin:{number}" for number in range(50)]
    begins = {nights.next_run(settings, shop, at(0)) for shop in names}
    assert len(begins) == len(names)
    first = min(begins)
    assert max(begins) - first < timedelta(hours=1)
    assert nights.next_run(settings, names[0], at(0)) == nights.next_run(settings, names[0], at(1))
    assert all(at(0) < begin <= at(0) + timedelta(days=1) for begin in begins)
    assert nights.next_run(Settings(reconcile_at=""), names[0], at(0)) == at(0) + timedelta(days=1)


def test_an_outage_waits_and_loses_nothing(alone: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    real = drift.piece
    left = [2]

    def failing(bench: drift.Bench, cursor: dict[str, object]) -> drift.Piece:
        if left[0]:
            left[0] -= 1
            raise Unavailable("busy")
        return real(bench, cursor)

    monkeypatch.setattr(drift, "piece", failing)
    until_night(alone, "douyin")
    alone.run(2000, step=500)
    run = tonight(alone)
    assert run is not None
    assert run.ended_at is not None


def test_its_calls_give_way_to_all_others(alone: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Call] = []
    enter = type(alone.runtime.gate).enter

    def heard(gate: RedisGate, call: Call) -> None:
        asked.append(call)
        enter(gate, call)

    monkeypatch.setattr(type(alone.runtime.gate), "enter", heard)
    compare(alone, "douyin", "stock")
    assert {call.urgency for call in asked} == {Urgency.BACKFILL}
    asked.clear()
    until_night(alone, "douyin")
    alone.run(2000, step=500)
    night = [call for call in asked if call.urgency is Urgency.BACKFILL]
    assert {call.shop for call in night} == set(alone.shops.values())
