"""The audit: every write has its key, an intent before the call, an attempt after it and an outcome, and all of it can
be told.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.db import Database, commands
from core.db.tables import attempt, command, intent, receipt
from core.errors import ConfigurationError
from core.model import ParcelDraft
from sandbox.faults import FaultRule
from sync import by_hand, ops, push, story, wishes
from sync.push import StockItem
from sync.shipments import ShipmentItem
from sync.story import Step
from tests.engine import Engine
from tests.engine import engine as running


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path) as started:
        started.settle()
        yield started


def asked(engine: Engine, kind: str, key: str, queued: wishes.Queued) -> None:
    """Keeps a command of an ERP as the API does."""
    with engine.runtime.database.write() as connection:
        identity = commands.claim(
            connection, caller="qk_erp", key=key, kind=kind, digest=b"", now=engine.runtime.clock.now()
        )
        assert isinstance(identity, str)
        wanted = [item.intents for item in queued.items]
        commands.finish(connection, identity, answer="{}", status=202, intents=wanted)


def order_id(engine: Engine, channel: str) -> str:
    placed = engine.world.place(engine.world.shop(channel), variant="plain", restock=True).order_id
    engine.settle()
    return placed


def parcels(number: int) -> tuple[ParcelDraft, ...]:
    return (ParcelDraft(carrier="SF", tracking_no=f"SF{10**12 + number}"),)


def whats(steps: list[Step]) -> list[str]:
    return [step.what for step in steps]


def test_a_shipment_without_an_answer_is_told_from_its_key_to_its_read_back(engine: Engine) -> None:
    shop, placed = engine.shops["douyin"], order_id(engine, "douyin")
    engine.sandbox.world.faults.add(
        FaultRule(kind="timeout_after", channel="douyin", method="order.logisticsAdd", times=1)
    )
    asked(engine, "shipments", "ship-1", engine.ship(ShipmentItem(shop=shop, order_id=placed, parcels=parcels(1))))
    engine.run(30)
    [item] = engine.intents("ship", shop, placed)
    steps = story.of_intent(engine.runtime, item.id)
    told = whats(steps)
    assert told.index("command") < told.index("wish") < told.index("call") < told.index("answer")
    assert told.index("answer") < told.index("read_back") < told.index("event")
    by = {step.what: step for step in steps}
    assert by["command"].facts["idempotency_key"] == "ship-1"
    assert by["command"].facts["caller"] == "qk_erp"
    assert by["answer"].facts["outcome"] == "unknown"
    assert by["read_back"].facts["outcome"] == "accepted"
    assert by["state"].facts["state"] == "done"
    assert "SF1000000000001" in json.dumps(by["call"].facts["wanted"])


def test_an_order_is_told_from_its_notice_to_its_shipment_and_names_nobody(engine: Engine) -> None:
    for channel, shop in engine.shops.items():
        placed = order_id(engine, channel)
        engine.ship(ShipmentItem(shop=shop, order_id=placed, parcels=parcels(2)))
        engine.run(240, step=60)
        steps = story.of_order(engine.runtime, shop, placed)
        told = whats(steps)
        assert {"notice", "event", "poll", "wish", "call", "answer", "state"} <= set(told)
        created = next(step for step in steps if step.words.startswith("order.created"))
        assert created.at <= next(step.at for step in steps if step.what == "wish")
        answer = next(step for step in steps if step.what == "answer")
        assert answer.facts["outcome"] == "accepted"
        assert answer.facts["request_id"]
        order = engine.order(shop, placed)
        assert order is not None
        everything = json.dumps([[step.words, step.facts] for step in steps], default=str)
        personal = (order.receiver.name, order.receiver.phone, order.receiver.detail)
        for value in (*(part for each in personal for part in (each.mask, each.cipher)), order.buyer_id):
            assert not value or value not in everything


def test_a_sku_is_told_with_its_rule_its_numbers_and_its_decisions(engine: Engine) -> None:
    shop = engine.shops["douyin"]
    row = next(row for row in ops.list_mappings(engine.runtime, shop=shop) if row.sku)
    with engine.runtime.database.write() as connection:
        queued = push.set_stock(connection, [StockItem(sku=row.sku, quantity=40)], engine.runtime.clock.now())
    asked(engine, "stock", "stock-1", queued)
    engine.settle()
    assert ops.set_stock(engine.runtime, row.sku, 41).state == "queued"
    engine.settle()
    engine.run(60)
    sku = engine.world.sku(engine.world.shop("douyin"), row.key.sku_id)
    engine.world.set_stock(engine.world.shop("douyin"), sku, 7, "seller")
    list(ops.resync_stock(engine.runtime, shop))
    engine.run(120)
    steps = story.of_sku(engine.runtime, row.sku, shop)
    assert [step.facts["caller"] for step in steps if step.what == "command"] == ["qk_erp", by_hand.OPERATOR]
    assert [step.facts["wanted"] for step in steps if step.what == "call"][:2] == [40, 41]
    rules = [step.words for step in steps if step.what == "rule"]
    assert any("by its merchant code" in words for words in rules)
    assert any("is 41" in words for words in rules)
    [decision] = [step for step in steps if step.what == "decision"]
    assert (decision.facts["base"], decision.facts["theirs"]) == ("41", "7")


def test_what_nobody_knows_is_said_so(engine: Engine) -> None:
    with pytest.raises(ConfigurationError, match="no intent 99"):
        story.of_intent(engine.runtime, 99)
    with pytest.raises(ConfigurationError, match="nothing is known of an order"):
        story.of_order(engine.runtime, engine.shops["douyin"], "1")
    with pytest.raises(ConfigurationError, match="is mapped to"):
        story.of_sku(engine.runtime, "NO-SUCH", engine.shops["douyin"])


def test_every_write_has_a_key_an_intent_before_it_and_an_outcome_after_it(engine: Engine) -> None:
    """A rough hour: timeouts, throttling, refusals. What is on record afterwards leaves no call unexplained."""
    faults = engine.sandbox.world.faults
    for channel, shop in engine.shops.items():
        for kind in ("timeout_after", "timeout_before", "throttle"):
            faults.add(FaultRule(kind=kind, channel=channel, probability=0.2))
        for number in range(3):
            placed = engine.world.place(engine.world.shop(channel), variant="plain", restock=True).order_id
            engine.run(20, step=10)
            queued = engine.ship(ShipmentItem(shop=shop, order_id=placed, parcels=parcels(number)))
            asked(engine, "shipments", f"{channel}-{number}", queued)
        row = next(row for row in ops.list_mappings(engine.runtime, shop=shop) if row.sku)
        for number in range(3):
            ops.set_stock(engine.runtime, row.sku, 10 + number)
            engine.run(20, step=10)
    faults.clear()
    engine.run(400, step=50)
    with engine.runtime.database.read() as connection:
        wanted = {row.id: row for row in connection.execute(sa.select(intent))}
        calls = connection.execute(sa.select(attempt)).all()
        assert connection.scalar(sa.select(sa.func.count()).select_from(receipt)), "pushes came"
        keys = {row.idempotency_key for row in connection.execute(sa.select(command))}
    assert {f"{channel}-{number}" for channel in engine.shops for number in range(3)} <= keys
    assert calls
    for call in calls:
        assert wanted[call.intent_id].created_at <= call.started_at, "an intent before the call"
        assert call.state in ("accepted", "rejected", "not_sent"), "nothing stays unknown"
        assert call.resolved_at is not None or call.ended_at is not None
        assert (call.resolved_at or call.ended_at) >= call.started_at
    for item in wanted.values():
        assert (item.state, item.done_version) == ("done", item.version)
        told = whats(story.of_intent(engine.runtime, item.id))
        assert {"wish", "call", "state"} <= set(told)
