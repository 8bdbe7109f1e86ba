"""What tells of people goes for good, on demand and with age, and everything else stays."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.conflict import Field
from core.db import Database, audit, conflicts, erasure, intents, items
from core.errors import ConfigurationError
from core.model import Memo, Order
from core.people import without_people
from sandbox.model import Order as Placed
from sandbox.steps import STEPS
from sync import beat, memos, privacy, story
from sync.memos import MemoItem
from tests.engine import Engine
from tests.engine import engine as running

CHANNEL = "douyin"
OURS, THEIRS, NOTE = "call 13800000000 first", "wrap as a gift for Li Lei", "请放门口，找李雷"


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path, channels=[CHANNEL]) as started:
        started.settle()
        yield started


@pytest.fixture
def closed(engine: Engine) -> Placed:
    """An order with everything that people write, which ended with its refund."""
    shop = engine.shops[CHANNEL]
    order = engine.world.place(engine.world.shop(CHANNEL), variant="plain", restock=True)
    STEPS["note"](engine.world, order, note=NOTE)
    engine.run(30, step=15)
    item = MemoItem(shop=shop, order_id=order.order_id, text=OURS)
    with engine.runtime.database.write() as connection:
        memos.set_memos(connection, engine.runtime.vault, [item], engine.runtime.clock.now())
    engine.run(60, step=20)
    STEPS["memo"](engine.world, order, memo=THEIRS)
    engine.run(60, step=20)
    STEPS["request_refund"](engine.world, order)
    engine.run(60, step=20)
    STEPS["agree_refund"](engine.world, order)
    STEPS["refund_paid"](engine.world, order)
    engine.run(300, step=60)
    return order


def kept(engine: Engine) -> str:
    """Everything that is known of all orders, opened."""
    with engine.runtime.database.read() as connection:
        bodies = [item.body for kind in ("order", "after_sale") for item in items.page(connection, kind)]
    return "\n".join([*bodies, *(event.data for event in engine.events())])


def telling(order: Order) -> set[str]:
    receiver = order.receiver
    return {receiver.oaid, order.buyer_id, NOTE, THEIRS} | {
        text for part in (receiver.name, receiver.phone, receiver.detail) for text in (part.mask, part.cipher)
    }


def test_an_order_that_is_over_tells_of_nobody_once_erased(engine: Engine, closed: Placed) -> None:
    shop, number = engine.shops[CHANNEL], closed.order_id
    before = engine.order(shop, number)
    assert before is not None
    assert before.status == "closed"
    words = telling(before) - {""}
    assert len(words) > 6
    assert all(word in kept(engine) for word in words)
    events = [event.id for event in engine.events()]
    privacy.erase(engine.runtime, shop, number, "the buyer asked for it")
    after = engine.order(shop, number)
    assert after == without_people(before)
    assert [word for word in words if word in kept(engine)] == []
    assert [event.id for event in engine.events()] == events, "the feed keeps its events"
    assert all(json.loads(e.data).get("erased") for e in engine.events("order.") if e.object_id == number)
    with engine.runtime.database.read() as connection:
        assert items.read_raw(connection, engine.runtime.vault, "order", shop, number) is None
        assert conflicts.bases(connection, shop, Field.MEMO, [number]) == {}
        wishes = intents.of_object(connection, "memo", shop, number)
        calls = [call for wish in wishes for call in intents.attempts(connection, wish.id)]
        assert {wish.wanted for wish in wishes} == {call.wanted for call in calls} == {'""'}
        [row] = audit.page(connection, action="people:erase", limit=10)
    assert (row.key, row.object_id, row.reason) == (audit.CLI, number, "the buyer asked for it")
    assert story.of_order(engine.runtime, shop, number), "the story can still be told"


def test_what_was_erased_is_not_brought_back(engine: Engine, closed: Placed) -> None:
    shop, number = engine.shops[CHANNEL], closed.order_id
    privacy.erase(engine.runtime, shop, number, "asked")
    events = len(engine.events())
    engine.run(120, step=60)
    assert len(engine.events()) == events
    STEPS["memo"](engine.world, closed, memo="Li Lei called again")
    engine.run(120, step=60)
    found = engine.order(shop, number)
    assert found is not None
    assert found.memo == Memo(flag=found.memo.flag)
    assert "Li Lei" not in kept(engine)
    with engine.runtime.database.read() as connection:
        assert items.read_raw(connection, engine.runtime.vault, "order", shop, number) is None


def test_an_order_that_is_not_over_keeps_its_people(engine: Engine) -> None:
    order = engine.world.place(engine.world.shop(CHANNEL), variant="plain", restock=True)
    engine.run(30, step=15)
    with pytest.raises(ConfigurationError, match="needed until it is over"):
        privacy.erase(engine.runtime, engine.shops[CHANNEL], order.order_id, "asked")
    with pytest.raises(ConfigurationError, match="has no order"):
        privacy.erase(engine.runtime, engine.shops[CHANNEL], "7", "asked")


def test_with_age_people_and_pushes_go_by_themselves(engine: Engine, closed: Placed) -> None:
    waiting = engine.world.place(engine.world.shop(CHANNEL), variant="plain", restock=True)
    engine.run(30, step=15)
    assert privacy.overdue(engine.runtime) == 0
    beat.tidy(engine.runtime)
    assert NOTE in kept(engine)
    engine.world.advance(timedelta(days=366).total_seconds())
    assert privacy.overdue(engine.runtime) == 2  # the order and its after-sale
    beat.tidy(engine.runtime)
    assert privacy.overdue(engine.runtime) == 0
    assert NOTE not in kept(engine)
    still = engine.order(engine.shops[CHANNEL], waiting.order_id)
    assert still is not None
    assert still.receiver.name.mask
    with engine.runtime.database.write() as connection:
        now = engine.runtime.clock.now()
        assert erasure.forget_notices(connection, now, 1000) is None
        assert story.of_order(engine.runtime, engine.shops[CHANNEL], closed.order_id)
