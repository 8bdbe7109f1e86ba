"""Our number lands between a buyer's order and its end: what the channel gives back then was never taken from it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.conflict import Field, Policy
from core.db import Database
from sandbox.model import Order, Sku
from sync import ops, reconcile, resolve
from tests.engine import Engine
from tests.engine import engine as running
from tests.sync.test_conflicts import CHANNELS, code, decisions, look, sku_of, told


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path, channels=CHANNELS) as started:
        started.settle()
        yield started


def buy(engine: Engine, channel: str, sku: Sku, pieces: int = 1, *, paid: bool = True) -> Order:
    return engine.world.place(engine.world.shop(channel), sku=sku, quantity=pieces, variant="plain", paid=paid)


def refund(engine: Engine, order: Order) -> None:
    case = engine.world.request_refund(order)
    engine.world.agree_refund(case)
    engine.world.refund_paid(case)


def want(engine: Engine, pieces: int) -> None:
    """The ERP says its number, and it is sent."""
    engine.set_stock(**{code(engine): pieces})
    engine.run(60, step=30)


def goods(engine: Engine) -> dict[str, Sku]:
    """Of every shop the same, with 40 on sale by the ERP's word."""
    want(engine, 40)
    return {channel: sku_of(engine, channel, code(engine)) for channel in CHANNELS}


def on_sale(skus: dict[str, Sku]) -> dict[str, int]:
    return {channel: sku.sellable for channel, sku in skus.items()}


def all_have(pieces: int) -> dict[str, int]:
    return dict.fromkeys(CHANNELS, pieces)


def nothing_decided(engine: Engine) -> bool:
    return not any(decisions(engine, channel, "stock") for channel in CHANNELS)


def passed(engine: Engine, skus: dict[str, Sku], pieces: int = 1) -> dict[str, Order]:
    """Orders that our number passes on its way: it is written over what they took."""
    orders = {channel: buy(engine, channel, sku, pieces) for channel, sku in skus.items()}
    want(engine, 40)
    assert on_sale(skus) == all_have(40)
    return orders


def test_what_comes_back_on_top_is_put_right_by_the_polls_alone(engine: Engine) -> None:
    skus = goods(engine)
    orders = passed(engine, skus)
    for order in orders.values():
        refund(engine, order)
    assert on_sale(skus) == all_have(41)
    engine.run(5400, step=180)
    assert on_sale(skus) == all_have(40)
    for channel in CHANNELS:
        [row] = decisions(engine, channel, "stock")
        assert (row.outcome, row.rule, row.theirs) == ("push", "given_back", "41"), channel
    engine.run(7200, step=600)
    assert on_sale(skus) == all_have(40)
    assert all(len(decisions(engine, channel, "stock")) == 1 for channel in CHANNELS)


def test_what_was_never_paid_comes_back_on_top_too(engine: Engine) -> None:
    """Pinduoduo shows no such order: there it is a number that somebody changed, which the ERP is told of."""
    skus = goods(engine)
    orders = {channel: buy(engine, channel, sku, paid=False) for channel, sku in skus.items()}
    want(engine, 40)
    for order in orders.values():
        engine.world.cancel(order)
    look(engine)
    look(engine)
    assert on_sale(skus) == all_have(40) | {"pinduoduo": 41}
    [event] = told(engine, "stock.adopted", "pinduoduo")
    assert (event["before"], event["after"], event["rule"]) == (40, 41, "only_theirs")
    want(engine, 40)
    assert on_sale(skus) == all_have(40)


def test_the_erp_may_say_a_new_number_first(engine: Engine) -> None:
    skus = goods(engine)
    for order in passed(engine, skus).values():
        refund(engine, order)
    for shop in engine.shops.values():
        for _ in ops.resync_stock(engine.runtime, shop):
            pass
    engine.run(600, step=60)
    assert on_sale(skus) == all_have(41)
    want(engine, 41)
    look(engine)
    assert on_sale(skus) == all_have(41)
    assert nothing_decided(engine)


def bought_after(engine: Engine, skus: dict[str, Sku]) -> None:
    want(engine, 40)
    for channel, sku in skus.items():
        order = buy(engine, channel, sku)
        engine.run(30, step=30)
        refund(engine, order)


def refunded_before(engine: Engine, skus: dict[str, Sku]) -> None:
    for channel, sku in skus.items():
        refund(engine, buy(engine, channel, sku))
    want(engine, 40)


def kept_by_the_channel(engine: Engine, skus: dict[str, Sku]) -> None:
    def keep(sku: Sku, quantity: int) -> None:
        sku.held -= quantity

    engine.world.give_back = keep  # type: ignore[method-assign]
    for order in passed(engine, skus).values():
        refund(engine, order)


@pytest.mark.parametrize("story", [bought_after, refunded_before, kept_by_the_channel])
def test_where_nothing_is_on_top_nothing_is_done(
    engine: Engine, story: Callable[[Engine, dict[str, Sku]], None]
) -> None:
    skus = goods(engine)
    engine.run(60, step=30)
    story(engine, skus)
    assert on_sale(skus) == all_have(40)
    sent = {channel: sku.last_set for channel, sku in skus.items()}
    look(engine)
    look(engine)
    assert on_sale(skus) == all_have(40)
    assert nothing_decided(engine)
    assert all(sku.last_set is sent[channel] for channel, sku in skus.items())


def test_what_the_erp_had_counted_comes_back_rightly(engine: Engine) -> None:
    skus = goods(engine)
    orders = {channel: buy(engine, channel, sku) for channel, sku in skus.items()}
    engine.run(3900, step=300)
    want(engine, 40)
    for order in orders.values():
        refund(engine, order)
    look(engine)
    look(engine)
    assert on_sale(skus) == all_have(41)
    assert nothing_decided(engine)


def test_where_more_was_sold_since_only_the_erp_knows(engine: Engine) -> None:
    skus = goods(engine)
    orders = passed(engine, skus, 2)
    engine.run(60, step=30)
    for channel, order in orders.items():
        refund(engine, order)
        buy(engine, channel, skus[channel])
    look(engine)
    look(engine)
    for channel in CHANNELS:
        [event] = told(engine, "stock.adopted", channel)
        assert (event["after"], event["wanted"], event["rule"]) == (41, 40, "given_back"), channel
        assert "39 at most" in event["reason"]
    want(engine, 39)
    assert on_sale(skus) == all_have(39)
    look(engine)
    assert all(len(decisions(engine, channel, "stock")) == 1 for channel in CHANNELS)


def test_where_the_channels_word_counts_it_stands_and_is_told(engine: Engine) -> None:
    resolve.set_policy(engine.runtime, "", Field.STOCK, Policy.CHANNEL)
    skus = goods(engine)
    for order in passed(engine, skus).values():
        refund(engine, order)
    look(engine)
    look(engine)
    assert on_sale(skus) == all_have(41)
    assert [len(told(engine, "stock.adopted", channel)) for channel in CHANNELS] == [1] * len(CHANNELS)


def test_a_comparison_finds_it(engine: Engine) -> None:
    skus = goods(engine)
    for order in passed(engine, skus).values():
        refund(engine, order)
    engine.run(60, step=30)
    for shop in engine.shops.values():
        pieces = list(reconcile.here(engine.runtime, reconcile.plan(engine.runtime, shop, ["stock"])))
        [found] = [finding for _, piece in pieces for finding in piece.findings]
        assert found.outcome == "waiting"
    engine.run(1200, step=120)
    assert on_sale(skus) == all_have(40)
