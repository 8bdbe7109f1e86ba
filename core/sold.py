"""Pure: what a listing SKU's stock should be by now, if nobody had edited it: base − sold since + given back since.

A range, not a number, because some things cannot be known: whether the listing takes stock when an order is placed or
when it is paid; whether a refund before shipping gives stock back; on which side of a reading an order of the same
seconds fell; and, on channels that show no unpaid orders, how many pieces such orders hold.

What nobody edited may still be more than the ERP wants: a number that was written over pieces of an order, not knowing
of it, grows by them when that order ends. `ceiling` is what the ERP's own word allows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

SKEW = timedelta(seconds=5)
"""How far the channel's clock and ours may be apart, and its word of a time rounded."""
COUNTED = timedelta(hours=1)
"""What was paid so long before the ERP said a number is counted in that number."""


@dataclass(frozen=True)
class Sold:
    """One order line, as far as stock is concerned. `back_sure`: it was never paid, so it holds nothing any more."""

    quantity: int
    placed_at: datetime
    paid_at: datetime | None = None
    back_at: datetime | None = None
    back_sure: bool = False


@dataclass(frozen=True)
class Span:
    """When a number was true: not before `since`, at the latest at `until`."""

    since: datetime
    until: datetime


@dataclass(frozen=True)
class Expected:
    """What stock may be without an edit; `words` is the sum."""

    low: int
    high: int
    words: str

    def __contains__(self, shown: int) -> bool:
        return self.low <= shown <= self.high


@dataclass(frozen=True)
class Word:
    """The number that the ERP last said, at `said_at`, and that the channel took in `taken`."""

    number: int
    said_at: datetime
    taken: Span


def expected(base: int, at: Span, read: Span, sold: Iterable[Sold], unseen: int = 0) -> Expected:
    """`base` was true in `at`, the comparison is with a reading in `read`. `unseen` pieces may be held by orders that
    the channel does not show.
    """
    lines = list(sold)
    ways = [_sum(lines, at, read, on_payment, refunds) for on_payment in (False, True) for refunds in (False, True)]
    low, high = min(way.low for way in ways), max(way.high for way in ways)
    low, high = base + low - unseen, base + high
    usual = ways[1]
    words = f"{base} − {usual.out} sold since + {usual.back} given back = {low}"
    return Expected(low, high, words if low == high else f"{words} to {high}")


def ceiling(word: Word, read: Span, sold: Iterable[Sold]) -> int:
    """How many may be for sale in `read` by the ERP's word: its number − surely sold since and not given back + given
    back of what it had counted. Anything else that is given back was never taken from this number.
    """
    most = word.number
    for line in sold:
        if line.back_at is not None and _between(line.back_at, word.taken, read)[1]:
            counted = line.paid_at is not None and line.paid_at < word.said_at - COUNTED
            most += line.quantity * counted
        elif all(at is not None and _between(at, word.taken, read)[0] for at in (line.placed_at, line.paid_at)):
            most -= line.quantity
    return most


@dataclass(frozen=True)
class _Way:
    low: int
    high: int
    out: int
    back: int


def _sum(lines: Iterable[Sold], at: Span, read: Span, on_payment: bool, refunds: bool) -> _Way:
    low = high = out = back = 0
    for line in lines:
        taken = line.paid_at if on_payment else line.placed_at
        if taken is None:
            continue
        sure, maybe = _between(taken, at, read)
        out += line.quantity * maybe
        low -= line.quantity * maybe
        high -= line.quantity * sure
        if line.back_at is not None and (line.back_sure or refunds):
            sure, maybe = _between(line.back_at, at, read)
            back += line.quantity * maybe
            low += line.quantity * sure
            high += line.quantity * maybe
    return _Way(low, high, out, back)


def _between(when: datetime, at: Span, read: Span) -> tuple[bool, bool]:
    """Whether it surely, and whether it maybe happened after the base was true and before the reading."""
    sure = at.until + SKEW < when < read.since - SKEW
    return sure, at.since - SKEW <= when <= read.until + SKEW
