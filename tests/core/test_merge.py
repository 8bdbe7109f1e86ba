"""A newly read order meets a known one: late, repeated and blanked facts do no harm."""

import itertools
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from core.merge import merge_after_sale, merge_order
from core.model import AfterSale, Masked, Order, Packed, Receiver
from core.status import AfterSaleKind, AfterSaleStage, Closing, Fact, Fulfilment, Hold, Payment, advance
from tests.canonical import at, line, order, parcel


def test_a_late_reading_does_not_move_a_state_back() -> None:
    shipped = order(fulfilment=Fact[Fulfilment](value=Fulfilment.SHIPPED), updated_at=at(10), parcels=(parcel(),))
    merged = merge_order(shipped, order(updated_at=at(1)))
    assert merged.fulfilment.value is Fulfilment.SHIPPED
    assert merged.parcels == shipped.parcels
    assert merged.updated_at == at(10)


def test_a_line_that_ended_stays_ended() -> None:
    """Line by line, as the order itself: a late reading, or a list's row that does not tell, opens nothing again."""
    ended = order(lines=(line(closing=Fact[Closing](value=Closing.CLOSED_REFUNDED)),), updated_at=at(5))
    for told in (
        order(lines=(line(closing=Fact[Closing](value=Closing.OPEN)),), updated_at=at(9)),
        order(lines=(line(),), updated_at=at(9)),
        order(lines=(line(closing=Fact[Closing](value=Closing.OPEN)),), updated_at=at(1)),
    ):
        [merged] = merge_order(ended, told).lines
        assert merged.closing == ended.lines[0].closing


def test_shipped_told_after_signed_keeps_signed_and_takes_the_second_parcel() -> None:
    signed = order(fulfilment=Fact[Fulfilment](value=Fulfilment.SIGNED), updated_at=at(5), parcels=(parcel("A"),))
    late = order(
        fulfilment=Fact[Fulfilment](value=Fulfilment.SHIPPED), updated_at=at(5), parcels=(parcel("A"), parcel("B"))
    )
    merged = merge_order(signed, late)
    assert merged.fulfilment.value is Fulfilment.SIGNED
    assert {p.tracking_no for p in merged.parcels} == {"A", "B"}


def test_a_corrected_number_replaces_the_old_one() -> None:
    known = order(parcels=(parcel("OLD"),), updated_at=at(1))
    merged = merge_order(known, order(parcels=(parcel("NEW"),), updated_at=at(2)))
    assert [p.tracking_no for p in merged.parcels] == ["NEW"]


def test_a_number_corrected_twice_within_one_clock_tick_replaces_the_first_correction() -> None:
    """Taobao counts whole seconds: both corrections carry one source version."""
    whole = (Packed(line_id=line().id, quantity=line().quantity),)
    known = order(parcels=(parcel("FIRST").model_copy(update={"lines": whole}),), updated_at=at(1))
    told = order(parcels=(parcel("SECOND").model_copy(update={"lines": whole}),), updated_at=at(1))
    assert [p.tracking_no for p in merge_order(known, told).parcels] == ["SECOND"]


def test_a_blanked_receiver_keeps_the_ciphertext_that_waybills_need() -> None:
    receiver = Receiver(name=Masked(mask="张*", cipher="~c~i~1~~"), province="浙江省", oaid="oa")
    merged = merge_order(order(receiver=receiver), order(receiver=Receiver(province="浙江省"), updated_at=at(3)))
    assert merged.receiver == receiver


def test_a_hold_may_return() -> None:
    free = order(updated_at=at(1))
    held = order(hold=Fact[Hold](value=Hold.RISK), updated_at=at(2))
    assert merge_order(free, held).hold.value is Hold.RISK
    assert merge_order(merge_order(free, held), order(updated_at=at(3))).hold.value is Hold.NONE
    assert merge_order(held, free).hold.value is Hold.RISK


def test_an_unknown_status_displaces_nothing_and_is_displaced_by_anything() -> None:
    unknown = Fact[Fulfilment](value=Fulfilment.UNKNOWN, raw="99")
    known = Fact[Fulfilment](value=Fulfilment.TO_SHIP, raw="1")
    assert advance(known, unknown) is known
    assert advance(unknown, known) is known


FULFILMENTS = [f for f in Fulfilment if f is not Fulfilment.UNKNOWN]
readings = st.builds(
    lambda minute, payment, fulfilment, closing, hold, numbers: order(
        updated_at=at(minute),
        payment=Fact[Payment](value=payment),
        fulfilment=Fact[Fulfilment](value=fulfilment),
        closing=Fact[Closing](value=closing),
        hold=Fact[Hold](value=hold),
        parcels=tuple(parcel(number) for number in numbers),
    ),
    st.integers(0, 5),
    st.sampled_from(list(Payment)),
    st.sampled_from(list(Fulfilment)),
    st.sampled_from(list(Closing)),
    st.sampled_from(list(Hold)),
    st.lists(st.sampled_from("ABC"), unique=True, max_size=2),
)


@given(st.lists(readings, min_size=2, max_size=6))
def test_reading_anything_again_changes_nothing(told: list[Order]) -> None:
    merged = told[0]
    for reading in told[1:]:
        merged = merge_order(merged, reading)
        again = merge_order(merged, reading)
        assert again.model_dump(exclude={"parcels"}) == merged.model_dump(exclude={"parcels"})
        assert {p.tracking_no for p in again.parcels} == {p.tracking_no for p in merged.parcels}


@given(st.lists(readings, min_size=2, max_size=4, unique_by=lambda reading: reading.updated_at))
def test_advancing_axes_do_not_depend_on_the_order_of_arrival(told: list[Order]) -> None:
    ends = set()
    for arrival in itertools.permutations(told):
        merged = arrival[0]
        for reading in arrival[1:]:
            merged = merge_order(merged, reading)
        ends.add((merged.payment.value, merged.fulfilment.value, merged.hold.value if not _unknown(told) else None))
    assert len(ends) == 1


def _unknown(told: list[Order]) -> bool:
    return any(reading.hold.value is Hold.UNKNOWN for reading in told)


def test_a_poorer_reading_of_the_same_stage_keeps_the_deadline_and_a_new_stage_does_not() -> None:
    known = after_sale(AfterSaleStage.REQUESTED, 1, deadline=at(90))
    assert merge_after_sale(known, after_sale(AfterSaleStage.REQUESTED, 2)).deadline == at(90)
    assert merge_after_sale(known, after_sale(AfterSaleStage.REFUNDED, 2)).deadline is None


def after_sale(stage: AfterSaleStage, minutes: float, deadline: datetime | None = None) -> AfterSale:
    return AfterSale(
        shop_id="pinduoduo:1",
        id="r1",
        order_id="o1",
        kind=AfterSaleKind.REFUND_ONLY,
        stage=Fact[AfterSaleStage](value=stage),
        created_at=at(0),
        updated_at=at(minutes),
        deadline=deadline,
    )
