"""What is wrong with parcels by themselves, and what a channel's rule makes of them."""

import pytest

from core.channel import AgainstRefund, Packing, ShipmentRule
from core.model import Order, Packed, ParcelDraft, Shipment
from core.packing import refusal, warnings
from core.status import AfterSaleState, Closing, Fact, Fulfilment, Hold, Payment
from tests.canonical import line, order

FREE = ShipmentRule()
LINES = ShipmentRule(packing=Packing.LINES, most_lines=2, untold_gifts=True)
WHOLE = ShipmentRule(packing=Packing.ORDER, open_parcels=True)
TWO = order(lines=(line(1, quantity=3), line(2)))

Lines = dict[str, int]


def wish(*parcels: Lines, numbers: str = "", refuse_refund: bool = False) -> Shipment:
    names = numbers.split() or [f"SF{place}" for place in range(len(parcels))]
    drafts = [
        ParcelDraft(
            carrier="SF",
            tracking_no=name,
            lines=tuple(Packed(line_id=line_id, quantity=quantity) for line_id, quantity in lines.items()),
        )
        for name, lines in zip(names, parcels, strict=True)
    ]
    return Shipment(order_id="o1", parcels=tuple(drafts), refuse_refund=refuse_refund)


def refused(shipment: Shipment, rule: ShipmentRule = FREE, of: Order = TWO) -> str:
    found = refusal(of, shipment, rule)
    return found.code if found else ""


def warned(shipment: Shipment, rule: ShipmentRule = FREE, of: Order = TWO) -> list[str]:
    return [each.code for each in warnings(of, shipment, rule)]


@pytest.mark.parametrize(
    ("shipment", "code"),
    [
        (wish({}), ""),
        (wish({"o1-1": 3, "o1-2": 1}), ""),
        (wish({"o1-1": 1}, {"o1-1": 2}, {}), ""),
        (wish({"o1-9": 1}), "unknown_line"),
        (wish({"o1-1": 4}), "too_many_pieces"),
        (wish({"o1-1": 2}, {"o1-1": 2}), "too_many_pieces"),
        (wish({"o1-1": 3, "o1-2": 1}, {}), "parcel_empty"),
        (wish({"o1-1": 1}, {"o1-1": 1}, numbers="SF1 SF1"), "parcel_twice"),
        (wish({}, {}), "lines_missing"),
        (wish({"o1-1": 1}, {}, {}), "lines_missing"),
    ],
)
def test_parcels_that_cannot_be(shipment: Shipment, code: str) -> None:
    assert refused(shipment) == code


def test_a_line_that_ended_is_not_shipped() -> None:
    ended = order(lines=(line(1), line(2, closing=Fact[Closing](value=Closing.CLOSED_REFUNDED))))
    assert refused(wish({"o1-2": 1}), of=ended) == "line_closed"
    assert refused(wish({"o1-1": 1}, {}), of=ended) == "parcel_empty"


def test_several_numbers_may_leave_open_what_lies_in_them_where_the_channel_lets_them() -> None:
    rule = ShipmentRule(open_parcels=True)
    assert refused(wish({}, {}), rule) == ""
    assert refused(wish({"o1-1": 1}, {}, {}), rule) == "lines_missing"
    begun = TWO.model_copy(update={"fulfilment": Fact[Fulfilment](value=Fulfilment.PART_SHIPPED)})
    assert refused(wish({}, {}), rule, begun) == "lines_missing"


def test_whole_lines() -> None:
    assert refused(wish({"o1-1": 3}, {"o1-2": 1}), LINES) == ""
    assert refused(wish({"o1-1": 2}, {}), LINES) == "line_ships_whole"
    three = order(lines=(line(1), line(2), line(3)))
    assert refused(wish({"o1-1": 1, "o1-2": 1, "o1-3": 1}), LINES, three) == "too_many_lines"


def test_a_gift_without_a_line_goes_along() -> None:
    given = order(lines=(line(1), line(2, id="o1:gift:1", gift=True)))
    assert refused(wish({"o1:gift:1": 1}, {}), LINES, given) == "gift_alone"
    together = wish({"o1-1": 1, "o1:gift:1": 1})
    assert (refused(together, LINES, given), warned(together, LINES, given)) == ("", ["gift_not_told"])
    assert warned(together, FREE, given) == []


def test_an_order_that_ships_whole() -> None:
    assert refused(wish({"o1-1": 1}), WHOLE) == "order_ships_whole"
    assert (refused(wish({"o1-1": 1}, {}), WHOLE), warned(wish({"o1-1": 1}, {}), WHOLE)) == (
        "",
        ["lines_not_told", "extra_parcels"],
    )
    assert warned(wish({}), WHOLE) == []


def test_lines_of_one_sku_are_one_where_skus_are_told() -> None:
    rule = ShipmentRule(told_by_sku=True)
    same = order(lines=(line(1), line(2, sku_id="S1"), line(3)))
    assert warned(wish({"o1-1": 1}, {}), rule, same) == ["lines_by_sku"]
    assert warned(wish({"o1-1": 1, "o1-2": 1}, {}), rule, same) == []
    assert warned(wish({"o1-3": 1}, {}), rule, same) == []


@pytest.mark.parametrize(
    ("against", "code"),
    [
        (AgainstRefund.REFUSES, []),
        (AgainstRefund.STAYS, ["refund_stays_open"]),
        (AgainstRefund.NEVER, ["refund_not_refused"]),
    ],
)
def test_what_becomes_of_a_refund(against: AgainstRefund, code: list[str]) -> None:
    rule = ShipmentRule(against_refund=against)
    assert warned(wish({}, refuse_refund=True), rule) == code
    assert warned(wish({}), rule) == []


def test_one_parcel_where_there_is_but_one() -> None:
    one = ShipmentRule(packing=Packing.ORDER, most_parcels=1)
    assert (refused(wish({}), one), refused(wish({}, {}), one)) == ("", "too_many_parcels")


def test_what_must_wait_is_said() -> None:
    assert warned(wish({}), of=order(payment=Fact[Payment](value=Payment.UNPAID))) == ["not_paid"]
    assert warned(wish({}), of=order(hold=Fact[Hold](value=Hold.RISK))) == ["on_hold"]
    asked = order(after_sale=Fact[AfterSaleState](value=AfterSaleState.REQUESTED))
    assert warned(wish({}), of=asked) == ["refund_open"]
    assert warned(wish({}, refuse_refund=True), of=asked) == []
