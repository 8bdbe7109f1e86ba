"""When a difference counts: late orders, stale and waiting readings, sends beside them, and who may decide."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from sqlalchemy import Connection

from core.conflict import Decision, Field, Outcome, Policy
from core.db import Database, conflicts, intents, outcomes, watermarks
from core.db.intents import Intent, Wish
from core.db.outcomes import Ending
from sync.accept import accept
from sync.conflicts import before_send, consider, review, took
from sync.decisions import Considered
from tests.canonical import at, fetched, line, order
from tests.vault import VAULT

SHOP, SKU = "taobao:1", "L1/S1"


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """One transaction; 40 were accepted at minute 0, and every order up to minute 1 is here."""
    with database.write() as opened:
        watermarks.begin(opened, SHOP, {"orders": at(1)}, at(1))
        took(opened, SHOP, Field.STOCK, {SKU: "40"}, at(0), at(0))
        yield opened


def read(connection: Connection, shown: int, minute: float, asked: float | None = None) -> str:
    asked_at = at(minute if asked is None else asked)
    done = consider(connection, VAULT, SHOP, Field.STOCK, SKU, str(shown), at(minute), at(minute), asked_at=asked_at)
    return done.outcomes[SKU]


def orders_are_here(connection: Connection, minute: float) -> Considered:
    watermarks.advance(connection, SHOP, "orders", at(minute), at(minute))
    return review(connection, VAULT, SHOP, at(minute))


def buy(connection: Connection, quantity: int, minute: float, now: float) -> None:
    bought = order(shop_id=SHOP, lines=(line(quantity=quantity),), created_at=at(minute), paid_at=at(minute))
    accept(connection, VAULT, SHOP, [fetched(bought)], at(now))


def wish(connection: Connection, quantity: int, now: datetime) -> Intent:
    wanted = Wish("stock", f"stock/{SHOP}/{SKU}", SHOP, SKU, str(quantity))
    [(identity, _)] = intents.want(connection, [wanted], now).values()
    return intents.find(connection, identity)


def made(connection: Connection) -> list[tuple[str, str]]:
    rows = conflicts.of_object(connection, SHOP, Field.STOCK, SKU)
    return [(row.outcome, row.theirs) for row in rows]


def test_an_order_that_comes_late_is_no_edit(connection: Connection) -> None:
    assert read(connection, 38, 10) == "wait"
    assert orders_are_here(connection, 5).outcomes == {}, "the watermark has not passed the reading"
    buy(connection, 2, 9, now=11)
    assert orders_are_here(connection, 12).outcomes == {SKU: "agreed"}
    assert made(connection) == []
    assert read(connection, 38, 20) == "agreed"


def test_a_difference_that_no_order_explains_is_an_edit(connection: Connection) -> None:
    assert read(connection, 38, 10) == "wait"
    buy(connection, 1, 9, now=11)
    assert orders_are_here(connection, 12).outcomes == {SKU: "adopt"}
    assert made(connection) == [("adopt", "38")]
    assert read(connection, 38, 10) == "stale", "the same message again"
    assert orders_are_here(connection, 30).outcomes == {}
    assert made(connection) == [("adopt", "38")]


@pytest.mark.parametrize(("asked", "outcome"), [(-1, "stale"), (0, "stale"), (0.4, "stale"), (0.6, "wait")])
def test_what_was_asked_beside_our_own_write_may_be_from_before_it(
    connection: Connection, asked: float, outcome: str
) -> None:
    assert read(connection, 12, 5, asked=asked) == outcome


def test_a_reading_beside_an_unsettled_attempt_waits_for_its_end(connection: Connection) -> None:
    item = wish(connection, 50, at(2))
    opened = intents.begin(connection, [item], 1, at(2))[item.id]
    orders_are_here(connection, 20)
    assert read(connection, 50, 10) == "wait", "it may be our own"
    outcomes.end(connection, [Ending(opened, "accepted")], at(11))
    outcomes.accept(connection, [item.this_version], at(11))
    took(connection, SHOP, Field.STOCK, {SKU: "50"}, at(2), at(11))
    assert orders_are_here(connection, 21).outcomes == {}
    assert made(connection) == []


@pytest.mark.parametrize(
    ("policy", "leaves", "rows"),
    [("erp", True, [("push", "7")]), ("channel", False, []), ("newest", False, []), ("ask", False, [])],
)
def test_a_wish_waits_for_a_reading_that_waits_unless_ours_counts_anyway(
    connection: Connection, policy: str, leaves: bool, rows: list[tuple[str, str]]
) -> None:
    conflicts.set_policy(connection, SHOP, Field.STOCK, Policy(policy))
    assert read(connection, 7, 10) == "wait"
    item = wish(connection, 50, at(11))
    free, _ = before_send(connection, VAULT, SHOP, Field.STOCK, [item], at(11))
    assert ([each.id for each in free] == [item.id]) is leaves
    assert made(connection) == rows
    rules = [row.rule for row in conflicts.of_object(connection, SHOP, Field.STOCK, SKU)]
    assert rules == ["policy_erp_early"] * len(rows)
    waiting = intents.find(connection, item.id)
    assert (waiting.state, waiting.tries) == ("due", 0)


@pytest.mark.parametrize(
    ("wished", "outcome"), [(12, "ask"), (9, "adopt")], ids=["between two readings", "before the base"]
)
def test_newest_needs_to_know_who_was_last(connection: Connection, wished: float, outcome: str) -> None:
    conflicts.set_policy(connection, SHOP, Field.STOCK, Policy.NEWEST)
    wish(connection, 50, at(wished))
    took(connection, SHOP, Field.STOCK, {SKU: "40"}, at(10), at(10))
    orders_are_here(connection, 30)
    assert read(connection, 7, 15) == outcome


def test_of_many_who_decide_at_once_one_wins(database: Database) -> None:
    with database.write() as connection:
        identity = conflicts.write(
            connection,
            SHOP,
            Field.STOCK,
            SKU,
            values=("40", "50", "7"),
            policy=Policy.ASK,
            made=Decision(Outcome.ASK, "policy_ask", "both sides changed it"),
            intent_id=None,
            ours_at=None,
            theirs_at=at(1),
            now=at(2),
        )

    def decide(person: int) -> bool:
        with database.write() as connection:
            return conflicts.resolve(
                connection, identity, resolution="theirs", by=f"person {person}", note="", now=at(3)
            )

    with ThreadPoolExecutor(6) as pool:
        won = list(pool.map(decide, range(6)))
    assert won.count(True) == 1
    with database.read() as connection:
        row = conflicts.get(connection, identity)
    assert (row.state, row.by) == ("resolved", f"person {won.index(True)}")
