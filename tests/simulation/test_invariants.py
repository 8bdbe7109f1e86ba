"""What a day's judge lets pass, and what not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.db import Database
from sandbox.model import Sku
from tests.engine import Engine
from tests.engine import engine as running
from tests.simulation.invariants import explained

CHANNEL = "douyin"
LONG = 100.0
"""Seconds; no clock is that wrong."""


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path, channels=[CHANNEL]) as started:
        started.settle()
        yield started


def sell(engine: Engine, sku: Sku, pieces: int) -> float:
    """Answers a time after it at which nothing was sold for long."""
    engine.world.advance(LONG)
    engine.world.place(engine.world.shop(CHANNEL), sku=sku, quantity=pieces, variant="plain")
    engine.world.advance(LONG)
    return engine.world.now()


def test_sales_explain_a_number_that_was_shown_and_never_set_only_as_far_as_they_went_by_then(engine: Engine) -> None:
    """Found by a simulated day: set to 50, 7 sold, 43 wished, the call lost, 43 shown."""
    shop = engine.world.shop(CHANNEL)
    sku = next(sku for item in shop.items.values() if item.on_shelf for sku in item.skus.values())
    engine.world.set_stock(shop, sku, 50)
    begun = sell(engine, sku, 6)
    shown = sell(engine, sku, 1)
    sell(engine, sku, 2)

    def passes(looked: tuple[float, float] | None) -> list[int]:
        return [wanted for wanted in range(60) if explained(engine.world, CHANNEL, sku, wanted, looked)]

    assert passes(None) == [50]
    assert passes((begun, shown)) == [43, 44, 50]
    assert passes((begun, begun)) == [44, 50]
    assert passes((shown, shown)) == [43, 50]
