"""Pure: what becomes of a field that two sides may change, by comparing three values.

*base* is what both sides last stood on, *ours* what the ERP wants now (None: nothing beyond base), *theirs* what the
channel shows. One side moved: its value goes to the other. Both moved: the shop's policy for the field decides. Values
are text: a whole number for stock, JSON of `core.model.Price` or `Memo` for prices and memos, numbers joined by commas
for tracking, one word for the shelf. Stock is sold while nobody edits it; what it should be by now is `core.sold`.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.sold import Expected


class Field(StrEnum):
    """What two sides may change."""

    STOCK = "stock"
    PRICE = "price"
    SHELF = "shelf"
    TRACKING = "tracking"
    MEMO = "memo"
    ADDRESS = "address"


class Policy(StrEnum):
    """Whose value stands when both sides moved."""

    ERP = "erp"
    CHANNEL = "channel"
    NEWEST = "newest"
    ASK = "ask"


class Outcome(StrEnum):
    """`push`: ours is to be sent · `adopt`: theirs stands, the ERP is told · `ask`: a person decides."""

    AGREED = "agreed"
    PUSH = "push"
    ADOPT = "adopt"
    ASK = "ask"


DEFAULTS = {
    Field.STOCK: Policy.ERP,
    Field.PRICE: Policy.ASK,
    Field.SHELF: Policy.CHANNEL,
    Field.TRACKING: Policy.ASK,
    Field.MEMO: Policy.NEWEST,
    Field.ADDRESS: Policy.CHANNEL,
}
UNWRITTEN = {
    Field.ADDRESS: "Qudao does not write addresses to a channel",
}
"""Fields that are only read. The ERP stands on what it was told, so a change of theirs is always put to the policy."""
GIVEN_BACK = "given_back"
"""The rule by which orders that ended leave more stock for sale than the ERP said."""
PERSONAL = {Field.MEMO, Field.ADDRESS}
"""Fields whose values may name people: sealed where they are kept, never told."""


@dataclass(frozen=True)
class Decision:
    """What to do. `rule` is stable; `reason` says the same in words, without any value that may be personal."""

    outcome: Outcome
    rule: str
    reason: str


def decide(
    field: Field,
    base: str | None,
    ours: str | None,
    theirs: str,
    policy: Policy,
    *,
    ours_at: datetime | None = None,
    theirs_at: datetime | None = None,
    expected: Expected | None = None,
) -> Decision:
    """`expected` is what stock should be by now if nobody had edited it; without it base itself is."""
    if base is None:
        return Decision(Outcome.AGREED, "first_sight", "nothing was known of it before")
    if ours is not None and same(field, ours, theirs):
        return Decision(Outcome.AGREED, "same", "both sides have the same")
    ours_moved = ours is not None and not same(field, ours, base)
    if int(theirs) in expected if expected is not None else same(field, base, theirs):
        return _unmoved(ours_moved)
    if field in UNWRITTEN:
        return _read_only(field, policy)
    if not ours_moved:
        return Decision(Outcome.ADOPT, "only_theirs", f"it was changed on the channel only{_sums(expected)}")
    return _both(policy, ours_at, theirs_at, _sums(expected))


def too_many(policy: Policy, ours: int, allowed: int, *, whole: bool) -> Decision:
    """More stock is for sale than the `allowed` rest of the ERP's number, `ours`, though nobody edited it. `whole`:
    none of that number is sold; where some is, only the ERP knows what it should be.
    """
    words = f"orders from before the channel got {ours} gave pieces back; by the ERP's word it is {allowed} at most"
    if policy is Policy.ERP and whole:
        return Decision(Outcome.PUSH, GIVEN_BACK, f"{words}, so its number is sent again")
    return Decision(Outcome.ADOPT, GIVEN_BACK, f"{words}, so it is told")


def same(field: Field, one: str, other: str) -> bool:
    """Whether two values mean the same. Prices are compared where both name one; sold out is still on the shelf; around
    a memo channels cut off blanks, and grey is how some of them show no flag.
    """
    if field is Field.PRICE:
        left, right = json.loads(one), json.loads(other)
        named = [name for name in left.keys() & right.keys() if None not in (left[name], right[name])]
        return all(left[name] == right[name] for name in named)
    if field is Field.SHELF:
        return _on_shelf(one) == _on_shelf(other)
    if field is Field.TRACKING:
        return set(one.split(",")) == set(other.split(","))
    if field is Field.MEMO:
        return _memo(one) == _memo(other)
    return one == other


def _on_shelf(word: str) -> str:
    return "on" if word == "sold_out" else word


def same_text(one: str, other: str) -> bool:
    """Whether two memos say the same, whatever their flags."""
    return _memo(one)[0] == _memo(other)[0]


def _memo(value: str) -> tuple[str, str]:
    memo = json.loads(value)
    return memo["text"].strip(), "none" if memo["flag"] == "grey" else memo["flag"]


def _sums(expected: Expected | None) -> str:
    return f" ({expected.words})" if expected is not None else ""


def _unmoved(ours_moved: bool) -> Decision:
    if ours_moved:
        return Decision(Outcome.PUSH, "only_ours", "only the ERP changed it")
    return Decision(Outcome.AGREED, "unmoved", "nobody changed it")


def _read_only(field: Field, policy: Policy) -> Decision:
    if policy in (Policy.CHANNEL, Policy.NEWEST):
        return Decision(Outcome.ADOPT, f"policy_{policy.value}", "it was changed on the channel, whose word counts")
    if policy is Policy.ERP:
        return Decision(Outcome.ASK, "unwritten", f"it was changed on the channel; {UNWRITTEN[field]}")
    return Decision(Outcome.ASK, "policy_ask", "it was changed on the channel")


def _both(policy: Policy, ours_at: datetime | None, theirs_at: datetime | None, sums: str) -> Decision:
    both = f"both sides changed it{sums}"
    if policy is Policy.ERP:
        return Decision(Outcome.PUSH, "policy_erp", f"{both}; the ERP's word counts")
    if policy is Policy.CHANNEL:
        return Decision(Outcome.ADOPT, "policy_channel", f"{both}; the channel's word counts")
    if policy is Policy.ASK:
        return Decision(Outcome.ASK, "policy_ask", both)
    if ours_at is None or theirs_at is None or ours_at == theirs_at:
        return Decision(Outcome.ASK, "newest_unknown", f"{both}, and it is not known who did last")
    if ours_at > theirs_at:
        return Decision(Outcome.PUSH, "policy_newest", f"{both}; the ERP did last")
    return Decision(Outcome.ADOPT, "policy_newest", f"{both}; the channel did last")
