"""Pinduoduo's single values: times, yuan and fen, money divided over lines, what stands in a cipher's place."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

from core.model import Masked, Money, Share
from core.money import fen, receivable

_SHANGHAI = "+08:00"
"""The wall clock's offset, the same since 1991; looking it up takes twice as long."""


def instant(epoch: int | None) -> datetime | None:
    """Epoch seconds or milliseconds, told apart by length; 0 is none."""
    if not epoch:
        return None
    return datetime.fromtimestamp(epoch / 1000 if epoch > 100_000_000_000 else epoch, UTC)


def instant_of(text: str | None) -> datetime | None:
    """A wall-clock time of Shanghai, empty while it has not come. Raises ValueError for anything else."""
    if not text:
        return None
    return datetime.fromisoformat(text + _SHANGHAI).astimezone(UTC)


def required_instant(text: str | None) -> datetime:
    """A wall-clock time that must be there. Raises ValueError where it is not."""
    at = instant_of(text)
    if at is None:
        raise ValueError("a time is missing")
    return at


def fen_of(amount: Decimal | None) -> int:
    """Yuan as fen; what is not told is 0."""
    return fen(amount) if amount else 0


def divided(money: Money, goods: Sequence[int]) -> list[Money]:
    """The order's money per line, by the lines' worth. The platform divides nothing; normal orders have one line."""
    if len(goods) == 1:
        return [_line_money(goods[0], money.adjustment, money.discounts)]
    adjustments = _apportioned(money.adjustment, goods)
    discounts = [_apportioned(share.amount, goods) for share in money.discounts]
    moneys = []
    for position, worth in enumerate(goods):
        shares = tuple(
            Share(payer=share.payer, amount=parts[position], name=share.name)
            for share, parts in zip(money.discounts, discounts, strict=True)
        )
        moneys.append(_line_money(worth, adjustments[position], shares))
    return moneys


def _line_money(goods: int, adjustment: int, discounts: tuple[Share, ...]) -> Money:
    pay = goods + adjustment - sum(share.amount for share in discounts)
    return Money(
        goods=goods, adjustment=adjustment, discounts=discounts, pay=pay, receivable=receivable(pay, discounts)
    )


def _apportioned(amount: int, weights: Sequence[int]) -> list[int]:
    """The amount in proportion to the weights, summing to it exactly."""
    total = sum(weights) or 1
    bounds = [0]
    for weight in weights:
        bounds.append(bounds[-1] + weight)
    upto = [amount * bound // total for bound in bounds[:-1]] + [amount]
    return [later - earlier for earlier, later in pairwise(upto)]


def masked(mask: str | None, sent: str | None) -> Masked:
    """A personal value. What stands in a cipher's place but is none is never kept as it is: at most its ends remain."""
    if not sent:
        return Masked(mask=mask or "")
    if sent[0] in "~$#" and sent[-1] == sent[0] and len(sent) > 2:
        return Masked(mask=mask or "", cipher=sent)
    hidden = f"{sent[:3]}****{sent[-4:]}" if len(sent) > 8 else f"{sent[:1]}**"
    return Masked(mask=mask or hidden)
