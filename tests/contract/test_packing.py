"""What is said of a shipment beforehand is what the channel then makes of it."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from core.channel import AgainstRefund, Capability
from core.errors import Rejected
from core.model import Order, Packed, ParcelDraft, Shipment
from core.packing import refusal, warnings
from sandbox.model import RefundState
from tests.contract.bench import Bench
from tests.contract.channel import ChannelUnderTest

needs = pytest.mark.needs
WAYS = (
    "whole", "whole_named", "two_numbers", "a_piece", "a_piece_and_the_rest", "pieces_apart", "a_line",
    "a_line_and_the_rest", "lines_apart", "a_line_and_two_more", "too_many",
)  # fmt: skip


def packed(order: Order, way: str) -> list[tuple[Packed, ...]]:
    """What lies in each parcel. An order of one line has nothing but pieces to tell apart."""
    first, *others = (Packed(line_id=line.id, quantity=line.quantity) for line in order.lines)
    piece = Packed(line_id=first.line_id, quantity=1)
    rest = Packed(line_id=first.line_id, quantity=first.quantity - 1)
    ways: dict[str, list[tuple[Packed, ...]]] = {
        "whole": [()],
        "whole_named": [(first, *others)],
        "two_numbers": [(), ()],
        "a_piece": [(piece,)],
        "a_piece_and_the_rest": [(piece,), ()],
        "pieces_apart": [(piece,), (rest, *others)],
        "a_line": [(first,)],
        "a_line_and_the_rest": [(first,), ()],
        "lines_apart": [(first,), tuple(others)],
        "a_line_and_two_more": [(piece,), (), ()],
        "too_many": [(Packed(line_id=first.line_id, quantity=first.quantity + 1),)],
    }
    return ways[way]


def of(order: Order, parcels: list[tuple[Packed, ...]]) -> Shipment:
    numbers = (f"SF123456789012{place}" for place in range(len(parcels)))
    drafts = (ParcelDraft(carrier="SF", tracking_no=n, lines=lines) for n, lines in zip(numbers, parcels, strict=True))
    return Shipment(order_id=order.id, parcels=tuple(drafts))


def told(shipment: Shipment) -> Iterator[tuple[str, dict[str, int]]]:
    for draft in shipment.parcels:
        if draft.lines:
            yield draft.tracking_no, {each.line_id: each.quantity for each in draft.lines}


@needs(Capability.SHIP)
@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_pack_goes_as_it_was_said(bench: Bench, channel: ChannelUnderTest, way: str) -> None:
    placed = bench.place("several", quantity=3)
    order, rule = bench.read(placed), channel.channel.shipments
    shipment = of(order, packed(order, way))
    refused, warned = refusal(order, shipment, rule), {each.code for each in warnings(order, shipment, rule)}
    if refused is not None and refused.code == "parcel_empty":
        return  # nonsense anywhere, whatever a channel makes of it
    outcome = bench.connector.ship(shipment, "key")
    if refused is not None:
        assert isinstance(outcome.error, Rejected), (refused, outcome.error)
        assert placed.ship_accepts == 0
        return
    assert outcome.error is None, "nothing was said against it"
    shown = {parcel.tracking_no: parcel for parcel in bench.read(placed).parcels}
    assert {draft.tracking_no for draft in shipment.parcels} == set(shown)
    whole = {line.id: line.quantity for line in order.lines}
    for number, lines in told(shipment):
        here = {each.line_id: each.quantity for each in shown[number].lines}
        if "lines_not_told" in warned:
            assert here in ({}, whole), "the channel does not know what lies in it"
        else:
            assert here == lines or (not here and lines == whole)
    assert ("extra_parcels" in warned) == any(parcel.kind != "order" for parcel in shown.values() if not parcel.lines)


@needs(Capability.SHIP)
def test_shipping_against_a_refund_does_what_is_said(channel: ChannelUnderTest) -> None:
    with closing(Bench(channel.code, 7, **{**channel.settings, "ship_during_refund": True})) as bench:
        _ship_against_a_refund(bench, channel)


def _ship_against_a_refund(bench: Bench, channel: ChannelUnderTest) -> None:
    placed = bench.place()
    refund = bench.world.request_refund(placed)
    order, against = bench.read(placed), channel.channel.shipments.against_refund
    shipment = of(order, [()]).model_copy(update={"refuse_refund": True})
    codes = {each.code for each in warnings(order, shipment, channel.channel.shipments)}
    outcome = bench.connector.ship(shipment, "key")
    if against is AgainstRefund.NEVER:
        assert "refund_not_refused" in codes
        assert isinstance(outcome.error, Rejected)
        assert placed.ship_accepts == 0
        return
    assert outcome.error is None
    assert (refund.state is RefundState.REQUESTED) == ("refund_stays_open" in codes)
