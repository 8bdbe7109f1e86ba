"""What a batch of calls costs the database: as much for many SKUs as for two, whatever the channel answers."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core.channel import Outcome
from core.db import Database, intents
from core.db.intents import Wish
from core.db.lanes import Kind, Lane
from core.errors import ChannelError, Invalid, OutcomeUnknown, Unavailable
from sandbox.faults import FaultRule
from sandbox.items import Item, Price, Sku, StockSet
from sync import drain, ledger
from sync.ledger import SHOW_AGAIN
from tests.canonical import at
from tests.engine import Engine
from tests.engine import engine as running
from tests.vault import VAULT

CHANNEL, METHOD = "douyin", "sku.syncStockBatchMultiProducts"
MANY = 40
MOST = 60
"""Statements of a drain that reads one batch back and sends it again, those of its lane and its shop included."""


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path, channels=[CHANNEL]) as started:
        started.settle()
        yield started


def on_sale(engine: Engine, item_id: str, count: int) -> list[str]:
    """A new listing with so many SKUs, as the platform knows it; their objects here."""
    now = engine.world.now()
    item = Item(item_id, f"ITEM-{item_id}", "保温杯", now, now, {})
    for number in range(count):
        sku_id = f"{item_id}{number:03}"
        item.skus[sku_id] = Sku(sku_id, item_id, sku_id, (), Price(1990, 2990, 3990), 5, StockSet(5, now, "initial"))
    engine.world.shop(CHANNEL).items[item_id] = item
    return [f"{item_id}/{sku_id}" for sku_id in item.skus]


def wish(engine: Engine, objects: Sequence[str], quantity: int) -> None:
    shop_id = engine.shops[CHANNEL]
    wishes = [Wish("stock", f"stock/{shop_id}/{name}", shop_id, name, str(quantity)) for name in objects]
    with engine.runtime.database.write() as connection:
        intents.want(connection, wishes, engine.runtime.clock.now())


def fault(engine: Engine, kind: str) -> None:
    engine.world.faults.add(FaultRule.model_validate({"kind": kind, "channel": CHANNEL, "method": METHOD, "times": 1}))


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """Statements as they are sent, many rows of parameters in one."""
    statements: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    sa.event.listen(engine.runtime.database.engine, "before_cursor_execute", count)
    try:
        yield statements
    finally:
        sa.event.remove(engine.runtime.database.engine, "before_cursor_execute", count)


def drained(engine: Engine) -> list[str]:
    with counted(engine) as statements:
        drain.drain(engine.runtime, Lane(engine.shops[CHANNEL], Kind.STOCK))
    return statements


def states(engine: Engine, objects: Sequence[str]) -> set[str]:
    return {row.state for name in objects for row in engine.intents("stock", engine.shops[CHANNEL], name)}


@pytest.mark.parametrize("kind", ["", "throttle", "http_5xx", "timeout_before", "timeout_after"])
def test_a_batch_costs_the_same_however_many_skus_it_has(engine: Engine, kind: str) -> None:
    costs = []
    for item_id, count in (("7000", 1), ("7001", 2), ("7002", MANY)):  # what is written once is written by the first
        objects = on_sale(engine, item_id, count)
        wish(engine, objects, 7)
        if kind:
            fault(engine, kind)
        rounds = [len(drained(engine))]
        while "due" in states(engine, objects):  # again, or after reading the channel back
            engine.world.advance(SHOW_AGAIN.total_seconds() + 1)
            rounds.append(len(drained(engine)))
        costs.append(rounds)
        assert states(engine, objects) == {"done"}
        assert {engine.world.sku(engine.world.shop(CHANNEL), name.split("/")[1]).sellable for name in objects} == {7}
    _, few, many = costs
    assert few == many
    assert max(many) <= MOST
    told = [event for event in engine.events("stock.accepted") if event.object_id.startswith("700")]
    assert len(told) == len({event.object_id for event in told}) == 3 + MANY


def test_a_refused_batch_costs_no_more_and_every_sku_of_it_is_parked(engine: Engine) -> None:
    """The connector halves it until each stands alone, and proves its lane meanwhile."""
    objects = [f"7001/7001{number:03}" for number in range(MANY)]
    wish(engine, objects, 7)
    assert len(drained(engine)) <= MOST
    assert states(engine, objects) == {"parked"}
    assert len(engine.events("stock.parked")) == MANY


def test_each_of_a_mixed_batch_gets_its_own_outcome(database: Database) -> None:
    """Numbers that changed while the call was under way are neither done nor parked by it."""
    shop_id, now = "douyin:1", at(0)
    names = ["taken", "taken-changed", "refused", "refused-changed", "silent", "busy"]
    wishes = [Wish("stock", name, shop_id, f"1/{name}", "7") for name in names]
    with database.write() as connection:
        intents.want(connection, wishes, now)
        batch = {item.key: item for item in intents.due(connection, shop_id, ["stock"], now, 10)}
        opened = intents.begin(connection, list(batch.values()), 1, now)
        intents.want(connection, [wish for wish in wishes if wish.key.endswith("changed")], at(1))
        answers: dict[str, ChannelError | None] = {
            "taken": None,
            "taken-changed": None,
            "refused": Invalid(code="42", message="no such SKU"),
            "refused-changed": Invalid(code="42", message="no such SKU"),
            "silent": OutcomeUnknown("no answer"),
            "busy": Unavailable("later"),
        }
        entries = [
            ledger.answered(item, opened[item.id], Outcome(None, answers[key]), at(2)) for key, item in batch.items()
        ]
        events = ledger.write(connection, entries, at(2))
        rows = {key: intents.find(connection, item.id) for key, item in batch.items()}
        attempts = {key: intents.attempts(connection, item.id)[0].state for key, item in batch.items()}
    assert {key: (row.state, row.version, row.done_version, row.tries) for key, row in rows.items()} == {
        "taken": ("done", 1, 1, 0),
        "taken-changed": ("due", 2, 1, 0),
        "refused": ("parked", 1, 0, 0),
        "refused-changed": ("due", 2, 0, 0),
        "silent": ("due", 1, 0, 1),
        "busy": ("due", 1, 0, 1),
    }
    assert rows["silent"].not_before >= at(2) + SHOW_AGAIN
    assert attempts == {
        "taken": "accepted",
        "taken-changed": "accepted",
        "refused": "rejected",
        "refused-changed": "rejected",
        "silent": "unknown",
        "busy": "not_sent",
    }
    assert [(event.type, event.object_id, event.revision) for event in events] == [
        ("stock.parked", "1/refused", 1),
        ("stock.accepted", "1/taken", 1),
        ("stock.accepted", "1/taken-changed", 1),
    ]


def test_the_next_batch_is_found_without_looking_at_the_others(tmp_path: Path, migrated_sqlite: Path) -> None:
    """SQLite tells how it will search: by the indexes made for it, with nothing sorted."""
    database = Database(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'plans.db')}", VAULT)
    asked: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        asked.append((statement, parameters))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    with database.read() as connection:
        intents.due(connection, "douyin:1", ["stock"], at(0), 50)
        intents.sold_out(connection, at(0))
        first, rest, beat = [each for each in asked if each[0].startswith("SELECT")]
        plans = [
            " ".join(row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))
            for statement, parameters in (first, rest, beat)
        ]
    database.close()
    assert "ix_intent_sold_out (kind=? AND state=? AND wanted=? AND shop_id=? AND not_before<?)" in plans[0]
    assert "ix_intent_shop_id_kind_state_not_before_id (shop_id=? AND kind=? AND state=? AND not_before<?)" in plans[1]
    assert "ix_intent_sold_out (kind=? AND state=? AND wanted=?)" in plans[2]
    assert not any("ORDER BY" in plan for plan in plans)
