"""Pure checks and conversions of money. A broken identity is a warning in words, never an error."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from core.model import Line, Money, Payer, Share


def fen(yuan: Decimal | str | int) -> int:
    """Yuan as a decimal, its text or a whole number → fen, half a fen rounded up. Floats are not accepted."""
    return int(Decimal(yuan).scaleb(2).to_integral_value(ROUND_HALF_UP))


def yuan(amount: int) -> Decimal:
    """Fen → yuan with two places."""
    return Decimal(amount).scaleb(-2)


def receivable(pay: int, discounts: Iterable[Share]) -> int:
    """What the seller is due: what is paid, plus the discounts that others bear."""
    return pay + sum(share.amount for share in discounts if share.payer is not Payer.SELLER)


def warnings(money: Money, lines: Iterable[Line] = ()) -> tuple[str, ...]:
    """What does not add up, in words; empty when everything does."""
    found = []
    discounts = sum(share.amount for share in money.discounts)
    expected = money.goods + money.adjustment + money.postage + money.fees - discounts
    if expected != money.pay:
        found.append(f"pay is {money.pay} fen, the parts give {expected}")
    if money.payments and (paid := sum(share.amount for share in money.payments)) != money.pay:
        found.append(f"payments sum to {paid} fen, pay is {money.pay}")
    if (due := receivable(money.pay, money.discounts)) != money.receivable:
        found.append(f"receivable is {money.receivable} fen, the parts give {due}")
    if (lines := tuple(lines)) and (goods := sum(line.money.goods for line in lines)) != money.goods:
        found.append(f"lines sum to {goods} fen of goods, the order says {money.goods}")
    return tuple(found)
