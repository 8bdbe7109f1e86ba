"""The next step of a shipment, from what the channel shows."""

import pytest

from core.model import Order, Packed, ParcelDraft, Shipment
from core.shipping import Ask, Change, Done, Send, Wait, exclude_each_other, next_step
from core.status import AfterSaleState, Closing, Fact, Fulfilment, Hold, Payment
from tests.canonical import line, order, parcel

SHIPPED = Fact[Fulfilment](value=Fulfilment.SHIPPED)


def wish(*numbers: str, refuse_refund: bool = False) -> Shipment:
    drafts = tuple(ParcelDraft(carrier="SF", tracking_no=number) for number in numbers)
    return Shipment(order_id="o1", parcels=drafts, refuse_refund=refuse_refund)


def asked(value: AfterSaleState) -> Fact[AfterSaleState]:
    return Fact[AfterSaleState](value=value)


def test_what_the_channel_shows_already_is_done() -> None:
    shown = order(fulfilment=SHIPPED, parcels=(parcel("SF1"), parcel("SF2")))
    assert next_step(shown, wish("SF2"), ours=()) == Done()


def test_an_order_to_ship_is_sent() -> None:
    assert next_step(order(), wish("SF1"), ours=()) == Send()


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        (order(payment=Fact[Payment](value=Payment.UNPAID)), "not_paid"),
        (order(hold=Fact[Hold](value=Hold.RISK)), "on_hold"),
        (order(hold=Fact[Hold](value=Hold.UNKNOWN, raw="7")), "on_hold"),
    ],
)
def test_an_order_that_may_not_ship_yet_waits(shown: Order, code: str) -> None:
    step = next_step(shown, wish("SF1"), ours=())
    assert isinstance(step, Wait)
    assert step.code == code


def test_a_closed_order_asks() -> None:
    step = next_step(order(closing=Fact[Closing](value=Closing.CLOSED_REFUNDED)), wish("SF1"), ours=())
    assert isinstance(step, Ask)
    assert step.code == "order_closed"


def test_an_open_refund_is_never_refused_by_shipping_unless_asked_for() -> None:
    refund = order(after_sale=asked(AfterSaleState.REQUESTED))
    step = next_step(refund, wish("SF1"), ours=())
    assert isinstance(step, Ask)
    assert step.code == "refund_open"
    assert next_step(refund, wish("SF1", refuse_refund=True), ours=()) == Send()


def test_a_refund_of_another_line_does_not_stop_a_parcel() -> None:
    shown = order(
        lines=(line(1), line(2, after_sale=asked(AfterSaleState.REQUESTED))), after_sale=asked(AfterSaleState.REQUESTED)
    )
    first = ParcelDraft(carrier="SF", tracking_no="SF1", lines=(Packed(line_id="o1-1", quantity=1),))
    second = ParcelDraft(carrier="SF", tracking_no="SF1", lines=(Packed(line_id="o1-2", quantity=1),))
    assert next_step(shown, Shipment(order_id="o1", parcels=(first,)), ours=()) == Send()
    assert isinstance(next_step(shown, Shipment(order_id="o1", parcels=(second,)), ours=()), Ask)


def test_a_number_of_ours_is_corrected() -> None:
    old = parcel("SF-OLD")
    step = next_step(order(fulfilment=SHIPPED, parcels=(old,)), wish("SF-NEW"), ours={"SF-OLD"})
    assert step == Change(old, wish("SF-NEW").parcels[0])


def test_a_number_somebody_else_entered_is_a_conflict() -> None:
    step = next_step(order(fulfilment=SHIPPED, parcels=(parcel("BY-HAND"),)), wish("SF1"), ours=())
    assert isinstance(step, Ask)
    assert step.code == "shipped_otherwise"


def test_a_shipment_that_landed_in_part_goes_on() -> None:
    shown = order(fulfilment=SHIPPED, parcels=(parcel("SF1"),))
    assert next_step(shown, wish("SF1", "SF2"), ours=()) == Send()


def packed(line_id: str, quantity: int) -> Shipment:
    lines = (Packed(line_id=line_id, quantity=quantity),)
    return Shipment(order_id="o1", parcels=(ParcelDraft(carrier="SF", tracking_no="SF1", lines=lines),))


def test_two_shipments_exclude_each_other_where_they_hold_the_same_goods() -> None:
    both = order(lines=(line(1), line(2, quantity=2)))
    assert exclude_each_other(both, wish("SF1"), wish("SF2"))
    assert exclude_each_other(both, wish("SF1"), packed("o1-1", 1))
    assert exclude_each_other(both, packed("o1-2", 1), packed("o1-2", 2))
    assert not exclude_each_other(both, packed("o1-2", 1), packed("o1-2", 1))
    assert not exclude_each_other(both, packed("o1-1", 1), packed("o1-2", 2))
