"""What an order asks of an ERP: the pure part of the Tryton example, on orders as the feed shows them."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from core.model import Masked, Money, Order, Receiver
from core.status import AfterSaleState, Closing, Fact, Fulfilment, Hold, Payment
from examples.tryton.decisions import Action, Address, Wanted, decide, mapping
from tests.canonical import line, order

SHOP = "pinduoduo:1"
MAPPED = {(SHOP, "L1", "S1"): [("TEA", 1)], (SHOP, "L1", "S2"): [("CUP", 1)]}
TEA = Wanted("o1-1", "TEA", "", 1, Decimal("10.0000"))


def told(made: Order) -> Mapping[str, Any]:
    """As an event holds it."""
    found: Mapping[str, Any] = json.loads(made.model_dump_json())
    return found


def test_a_paid_order_is_sold_with_its_lines() -> None:
    decision = decide(told(order()), MAPPED)
    assert (decision.action, decision.lines, decision.held) == (Action.SELL, (TEA,), False)


@pytest.mark.parametrize("payment", [Payment.UNPAID, Payment.PART_PAID, Payment.UNKNOWN])
def test_nothing_happens_before_it_is_paid(payment: Payment) -> None:
    assert decide(told(order(payment=Fact[Payment](value=payment))), MAPPED).action is Action.WAIT


@pytest.mark.parametrize("closing", [Closing.CLOSED_UNPAID, Closing.CLOSED_REFUNDED, Closing.REPLACED])
@pytest.mark.parametrize("payment", [Payment.UNPAID, Payment.PAID])
def test_what_ended_is_given_up(closing: Closing, payment: Payment) -> None:
    ended = order(payment=Fact[Payment](value=payment), closing=Fact[Closing](value=closing))
    assert decide(told(ended), MAPPED).action is Action.CANCEL


def test_a_finished_order_is_still_a_sale() -> None:
    left = Fact[Fulfilment](value=Fulfilment.SIGNED)
    finished = order(closing=Fact[Closing](value=Closing.FINISHED), fulfilment=left)
    assert decide(told(finished), MAPPED).action is Action.LEAVE


@pytest.mark.parametrize("hold", [Hold.RISK, Hold.BUYER_CHANGE, Hold.UNKNOWN])
def test_a_hold_keeps_it_in_the_house(hold: Hold) -> None:
    decision = decide(told(order(hold=Fact[Hold](value=hold))), MAPPED)
    assert (decision.action, decision.held) == (Action.SELL, True)


@pytest.mark.parametrize(
    ("state", "held"),
    [
        (AfterSaleState.REQUESTED, True),
        (AfterSaleState.REFUNDING, True),
        (AfterSaleState.WITHDRAWN, False),
        (AfterSaleState.REFUSED, False),
    ],
)
def test_a_request_for_money_holds_it_while_it_is_open(state: AfterSaleState, held: bool) -> None:
    assert decide(told(order(after_sale=Fact[AfterSaleState](value=state))), MAPPED).held is held


def test_a_refunded_line_is_left_out_and_with_the_last_the_whole_order() -> None:
    refunded = Fact[AfterSaleState](value=AfterSaleState.REFUNDED)
    closed = Fact[Closing](value=Closing.CLOSED_REFUNDED)
    one = order(lines=(line(1), line(2, after_sale=refunded)))
    assert decide(told(one), MAPPED).lines == (TEA,)
    both = order(lines=(line(1, closing=closed), line(2, after_sale=refunded)))
    assert decide(told(both), MAPPED).action is Action.CANCEL


def test_a_line_that_is_mapped_to_nothing_asks_a_person() -> None:
    decision = decide(told(order(lines=(line(1), line(3, title="Odd thing")))), MAPPED)
    assert decision.action is Action.ASK
    assert [wanted.sku for wanted in decision.lines] == ["TEA", ""]


def test_a_bundle_becomes_its_parts_and_brings_what_the_line_brings() -> None:
    """2 bundles of 2 TEA and 1 CUP for 30 yuan: 6 pieces at 5 yuan."""
    rows = [{"shop": SHOP, "listing_id": "L1", "sku_id": "S1", "sku": None, "components": parts("TEA", 2, "CUP", 1)}]
    bought = order(lines=(line(1, quantity=2, money=Money(goods=3000, pay=3000, receivable=3000)),))
    decision = decide(told(bought), mapping(rows))
    assert decision.lines == (
        Wanted("o1-1", "TEA", "", 4, Decimal("5.0000"), 2),
        Wanted("o1-1", "CUP", "", 2, Decimal("5.0000"), 1),
    )
    assert sum(wanted.price * wanted.quantity for wanted in decision.lines) == 30


def parts(*words: Any) -> list[dict[str, Any]]:
    return [{"sku": sku, "quantity": quantity} for sku, quantity in zip(words[::2], words[1::2], strict=True)]


def test_rows_without_a_sku_are_not_mapped() -> None:
    rows: list[dict[str, Any]] = [
        {"shop": SHOP, "listing_id": "L1", "sku_id": "S1", "sku": "TEA", "components": []},
        {"shop": SHOP, "listing_id": "L1", "sku_id": "S2", "sku": None, "components": []},
    ]
    assert mapping(rows) == {(SHOP, "L1", "S1"): [("TEA", 1)]}


def test_the_address_is_what_may_be_known() -> None:
    receiver = Receiver(
        name=Masked(mask="张*", cipher="secret"),
        phone=Masked(mask="138****0000"),
        detail=Masked(mask="梅花巷***"),
        province="浙江省",
        city="杭州市",
        district="西湖区",
    )
    decision = decide(told(order(receiver=receiver)), MAPPED)
    assert decision.address == Address("张*", "梅花巷***", "浙江省 杭州市 西湖区")
    assert "secret" not in repr(decision)
