"""Fen, and the identities that warn."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.model import Money, Payer, Share
from core.money import fen, receivable, warnings, yuan
from tests.canonical import line


@given(st.integers(-(10**12), 10**12))
def test_fen_and_yuan_are_inverse(amount: int) -> None:
    assert fen(yuan(amount)) == amount


def test_a_double_artefact_is_rounded_to_the_fen() -> None:
    assert fen(Decimal("19.899999999999999")) == 1990
    assert fen("0.005") == 1


def test_sound_money_warns_of_nothing() -> None:
    discounts = (Share(payer=Payer.SELLER, amount=100), Share(payer=Payer.PLATFORM, amount=50))
    pay = 1000 - 150 + 200
    money = Money(
        goods=1000, postage=200, discounts=discounts, pay=pay, receivable=receivable(pay, discounts),
        payments=(Share(payer=Payer.BUYER, amount=pay),),
    )  # fmt: skip
    assert money.receivable == 1100
    assert warnings(money, (line(),)) == ()


def test_each_broken_identity_is_named() -> None:
    money = Money(goods=900, pay=1000, receivable=1, payments=(Share(payer=Payer.BUYER, amount=7),))
    found = " | ".join(warnings(money, (line(),)))
    assert "the parts give 900" in found
    assert "payments sum to 7" in found
    assert "receivable is 1" in found
    assert "lines sum to 1000" in found
