"""Whose value stands: every combination of what both sides did, and what stock should be after sales."""

from datetime import timedelta

import pytest

from core.conflict import DEFAULTS, GIVEN_BACK, UNWRITTEN, Field, Outcome, Policy, decide, same, too_many
from core.sold import Expected, Sold, Span, Word, ceiling, expected
from tests.canonical import at

TEN, ELEVEN, TWELVE = '{"sale":1000}', '{"sale":1100}', '{"sale":1200}'
VALUES = {
    Field.STOCK: ("40", "50", "7"),
    Field.PRICE: (TEN, ELEVEN, TWELVE),
    Field.SHELF: ("on", "off", "banned"),
    Field.TRACKING: ("SF1", "SF2", "YT9"),
    Field.MEMO: tuple(f'{{"text":"{text}","flag":"none"}}' for text in "abc"),
}
BOTH_SIDES = sorted(VALUES)


@pytest.mark.parametrize("field", BOTH_SIDES)
@pytest.mark.parametrize("policy", list(Policy))
@pytest.mark.parametrize(
    ("sides", "outcome", "rule"),
    [
        ("-.b", "agreed", "first_sight"),
        ("-ob", "agreed", "first_sight"),
        ("b.b", "agreed", "unmoved"),
        ("bbb", "agreed", "same"),
        ("bob", "push", "only_ours"),
        ("b.t", "adopt", "only_theirs"),
        ("bbt", "adopt", "only_theirs"),
        ("boo", "agreed", "same"),
    ],
)
def test_one_side_or_none_moved(field: Field, policy: Policy, sides: str, outcome: str, rule: str) -> None:
    named = dict(zip("bot", VALUES[field], strict=True)) | {"-": None, ".": None}
    base, ours, theirs = (named[side] for side in sides)
    assert theirs is not None
    made = decide(field, base, ours, theirs, policy)
    assert (made.outcome, made.rule) == (outcome, rule)


@pytest.mark.parametrize("field", BOTH_SIDES)
@pytest.mark.parametrize(
    ("policy", "ours_at", "theirs_at", "outcome", "rule"),
    [
        ("erp", 1, 2, "push", "policy_erp"),
        ("channel", 2, 1, "adopt", "policy_channel"),
        ("ask", 2, 1, "ask", "policy_ask"),
        ("newest", 2, 1, "push", "policy_newest"),
        ("newest", 1, 2, "adopt", "policy_newest"),
        ("newest", 1, 1, "ask", "newest_unknown"),
        ("newest", None, 1, "ask", "newest_unknown"),
        ("newest", 1, None, "ask", "newest_unknown"),
    ],
)
def test_both_sides_moved(
    field: Field, policy: str, ours_at: int | None, theirs_at: int | None, outcome: str, rule: str
) -> None:
    base, ours, theirs = VALUES[field]
    instants = [None if minute is None else at(minute) for minute in (ours_at, theirs_at)]
    made = decide(field, base, ours, theirs, Policy(policy), ours_at=instants[0], theirs_at=instants[1])
    assert (made.outcome, made.rule) == (outcome, rule)
    assert "both sides changed it" in made.reason


@pytest.mark.parametrize("field", sorted(UNWRITTEN))
@pytest.mark.parametrize(
    ("policy", "outcome", "rule"),
    [
        ("channel", "adopt", "policy_channel"),
        ("newest", "adopt", "policy_newest"),
        ("erp", "ask", "unwritten"),
        ("ask", "ask", "policy_ask"),
    ],
)
def test_what_is_only_read_is_put_to_the_policy(field: Field, policy: str, outcome: str, rule: str) -> None:
    made = decide(field, "on", None, "off", Policy(policy))
    assert (made.outcome, made.rule) == (outcome, rule)


def test_every_field_has_a_default() -> None:
    assert set(DEFAULTS) == set(Field)


@pytest.mark.parametrize(
    ("field", "one", "other", "alike"),
    [
        (Field.PRICE, '{"sale":1000}', '{"sale":1000,"single":1200}', True),
        (Field.PRICE, '{"sale":1000,"market":null}', '{"sale":1000,"market":9}', True),
        (Field.PRICE, '{"sale":1000,"market":8}', '{"sale":1000,"market":9}', False),
        (Field.SHELF, "on", "sold_out", True),
        (Field.SHELF, "off", "sold_out", False),
        (Field.TRACKING, "A,B", "B,A", True),
        (Field.TRACKING, "A", "A,B", False),
    ],
)
def test_what_means_the_same(field: Field, one: str, other: str, alike: bool) -> None:
    assert same(field, one, other) is alike


def test_stock_within_what_was_sold_is_unmoved() -> None:
    made = decide(Field.STOCK, "40", None, "38", Policy.ERP, expected=Expected(38, 38, "40 − 2 sold since"))
    assert made.rule == "unmoved"
    moved = decide(Field.STOCK, "40", "50", "37", Policy.ERP, expected=Expected(38, 38, "40 − 2 sold since"))
    assert (moved.outcome, moved.rule) == (Outcome.PUSH, "policy_erp")
    assert "40 − 2 sold since" in moved.reason


BASE, READ = Span(at(0), at(0)), Span(at(60), at(60))


@pytest.mark.parametrize(
    ("lines", "low", "high"),
    [
        ([], 40, 40),
        ([Sold(3, at(10), at(10))], 37, 37),
        ([Sold(3, at(-10), at(-10))], 40, 40),
        ([Sold(3, at(70), at(70))], 40, 40),
        ([Sold(3, at(10))], 37, 40),
        ([Sold(3, at(-10), at(10))], 37, 40),
        ([Sold(3, at(10), None, at(20), True)], 40, 40),
        ([Sold(3, at(-10), None, at(20), True)], 40, 43),
        ([Sold(3, at(10), at(10), at(20))], 37, 40),
        ([Sold(3, at(-10), at(-10), at(20))], 40, 43),
        ([Sold(3, at(0), at(0))], 37, 40),
        ([Sold(3, at(60), at(60))], 37, 40),
        ([Sold(3, at(10), at(10)), Sold(2, at(11), at(12))], 35, 35),
    ],
    ids=[
        "nothing",
        "sold",
        "sold before",
        "sold after",
        "not paid yet",
        "placed before, paid since",
        "never paid, ended",
        "placed before, ended unpaid since",
        "refunded before shipping",
        "sold before, refunded since",
        "as the base was taken",
        "as it was read",
        "two",
    ],
)
def test_what_stock_should_be(lines: list[Sold], low: int, high: int) -> None:
    should_be = expected(40, BASE, READ, lines)
    assert (should_be.low, should_be.high) == (low, high)


def test_orders_that_are_not_shown_may_hold_some() -> None:
    should_be = expected(40, BASE, READ, [Sold(1, at(5), at(5))], unseen=4)
    assert (should_be.low, should_be.high) == (35, 39)


def test_clocks_may_be_apart_by_some_seconds() -> None:
    soon = BASE.until + timedelta(seconds=4)
    assert 40 in expected(40, BASE, READ, [Sold(1, soon, soon)])
    later = BASE.until + timedelta(seconds=6)
    assert 40 not in expected(40, BASE, READ, [Sold(1, later, later)])


HOUR = 60
SAID = Word(40, at(0), Span(at(1), at(2)))


@pytest.mark.parametrize(
    ("line", "allowed"),
    [
        (Sold(3, at(10), at(10)), 37),
        (Sold(3, at(10)), 40),
        (Sold(3, at(-10), at(10)), 40),
        (Sold(3, at(-10), at(-10)), 40),
        (Sold(3, at(2), at(2)), 40),
        (Sold(3, at(70), at(70)), 40),
        (Sold(3, at(10), at(10), at(20)), 40),
        (Sold(3, at(10), at(10), at(70)), 37),
        (Sold(3, at(-10), at(-10), at(20)), 40),
        (Sold(3, at(-10), None, at(20), True), 40),
        (Sold(3, at(-2 * HOUR), at(-10), at(20)), 40),
        (Sold(3, at(-2 * HOUR), at(-2 * HOUR), at(20)), 43),
        (Sold(3, at(-2 * HOUR), None, at(20), True), 40),
        (Sold(3, at(-2 * HOUR), at(-2 * HOUR), at(-10)), 40),
    ],
    ids=[
        "sold since",
        "not paid yet",
        "placed before, paid since",
        "sold before",
        "sold while it was sent",
        "sold after the reading",
        "sold and given back since",
        "sold since, given back after the reading",
        "sold before, given back since",
        "never paid, given back since",
        "paid too late to be counted, given back since",
        "counted, given back since",
        "never paid, so never counted",
        "counted, given back before",
    ],
)
def test_what_the_word_of_the_erp_allows(line: Sold, allowed: int) -> None:
    assert ceiling(SAID, READ, [line]) == allowed


@pytest.mark.parametrize("policy", list(Policy))
def test_too_many_are_put_right_where_the_word_of_the_erp_counts_and_is_whole(policy: Policy) -> None:
    whole, less = too_many(policy, 40, 40, whole=True), too_many(policy, 40, 39, whole=False)
    assert {whole.rule, less.rule} == {GIVEN_BACK}
    assert whole.outcome is (Outcome.PUSH if policy is Policy.ERP else Outcome.ADOPT)
    assert less.outcome is Outcome.ADOPT
