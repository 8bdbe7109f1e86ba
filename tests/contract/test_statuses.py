"""Group 3: every documented status means something, an invented one is kept as it is and stops nothing."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import pytest

from core.channel import Capability, Page
from core.model import AfterSale, Listing, Order
from core.status import AfterSaleKind, AfterSaleStage, Closing, Fulfilment, Hold, OrderStatus, Payment
from sandbox.model import RefundKind
from tests.contract.bench import Bench
from tests.contract.channel import ChannelUnderTest, Code
from tests.contract.channels import CHANNELS
from tests.contract.lives import live
from tests.contract.skips import needs

T = TypeVar("T")

pytestmark = needs(Capability.ORDERS)

ENDS = [
    pytest.param(channel, life, id=f"{channel.name}-{life}") for channel in CHANNELS for life in channel.order_codes
]
CODES = [
    pytest.param(channel, code, id=f"{channel.name}-{code}")
    for channel in CHANNELS
    for code in channel.after_sale_codes
]
CLOSINGS = {
    "cancelled_unpaid": Closing.CLOSED_UNPAID,
    "cancelled_paid": Closing.CLOSED_REFUNDED,
    "refunded_unshipped": Closing.CLOSED_REFUNDED,
    "refunded_shipped": Closing.CLOSED_REFUNDED,
}
KINDS = {
    RefundKind.REFUND_ONLY: {AfterSaleKind.REFUND_ONLY, AfterSaleKind.REFUND_UNSHIPPED},
    RefundKind.RETURN: {AfterSaleKind.RETURN},
    RefundKind.EXCHANGE: {AfterSaleKind.EXCHANGE},
    RefundKind.RESEND: {AfterSaleKind.RESEND},
    RefundKind.REPAIR: {AfterSaleKind.REPAIR},
}


@pytest.mark.parametrize(("channel", "life"), ENDS)
def test_a_status_means_what_happened(channel: ChannelUnderTest, life: str) -> None:
    bench = channel.bench()
    placed = live(bench, channel, life)
    order = bench.read(placed)
    code, status = channel.order_codes[life]
    assert (order.fulfilment.raw, order.status) == (code, status)
    assert Payment.UNKNOWN is not order.payment.value
    assert Fulfilment.UNKNOWN is not order.fulfilment.value
    assert Closing.UNKNOWN is not order.closing.value
    assert Hold.UNKNOWN is not order.hold.value
    bench.close()


def test_every_documented_order_status_is_reached_or_excused(channel: ChannelUnderTest) -> None:
    reached = {code for code, _ in channel.order_codes.values()}
    assert reached.isdisjoint(channel.other_order_codes)
    assert reached | channel.other_order_codes.keys() == channel.documented_order_codes
    assert all(channel.other_order_codes.values())


def test_the_lives_lead_to_every_axis(channel: ChannelUnderTest) -> None:
    """What holds whatever the channel calls it: refunded is closed, a hold is no order to ship."""
    bench = channel.bench()
    ends = {life: bench.read(live(bench, channel, life)) for life in channel.order_codes}
    assert ends["to_ship"].payment.value is Payment.PAID
    assert (ends["shipped"].shipped_at is None) is ("shipped_at" in channel.untold)
    assert ends["shipped"].parcels[0].carrier == "SF"
    assert {"risk", *CLOSINGS} - {"cancelled_unpaid"} <= ends.keys()
    for life in channel.holds.keys() & ends.keys():
        assert ends[life].hold.value is channel.holds[life], life
    for life in CLOSINGS.keys() & ends.keys():
        assert ends[life].closing.value is CLOSINGS[life], life
    bench.close()


def test_an_invented_status_is_kept_and_stops_nothing(bench: Bench, channel: ChannelUnderTest) -> None:
    placed = [bench.place() for _ in range(3)]
    bench.wire.edit = lambda answer: channel.invent_order_status(answer, 777)
    found = bench.walk(bench.window())
    assert found.bad == []
    assert found.orders.keys() == {each.order_id for each in placed}
    for order in found.orders.values():
        assert (order.fulfilment.value, order.fulfilment.raw) == (Fulfilment.UNKNOWN, "777")
        assert order.status is OrderStatus.UNKNOWN
        assert Order.model_validate_json(order.model_dump_json()) == order


def test_fields_nobody_knows_stop_nothing(bench: Bench) -> None:
    placed = [bench.place(variant) for variant in ("plain", "coupons", "gift", "emoji")]
    bench.world.request_refund(placed[0])
    plain = everything(bench)
    bench.wire.edit = sprinkle
    bench.connector = bench.connect()
    assert everything(bench) == plain
    assert bench.connector.carriers()
    assert bench.connector.memo(placed[0].order_id, plain[0][0].memo).error is None


def everything(bench: Bench) -> tuple[list[Order], list[AfterSale], list[Listing]]:
    """All that the shop's lists hold, without a bad row."""
    orders = values(bench.connector.orders(bench.window()))
    after_sales = values(bench.after_sales())
    listings = values(bench.connector.listings())
    assert len(orders) == 4
    assert len(after_sales) == bool(bench.connector.channel.supports(Capability.AFTER_SALES))
    assert listings
    return orders, after_sales, listings


def values(pages: Iterable[Page[T]]) -> list[T]:
    """What a list holds; no row of it may be bad."""
    found = list(pages)
    assert [row for page in found for row in page.bad] == []
    return [item.value for page in found for item in page.items]


def sprinkle(answer: Any) -> None:
    """Puts a field of every JSON type into each object of an answer."""
    if isinstance(answer, dict):
        for value in list(answer.values()):
            sprinkle(value)
        answer |= {"brand_new": {"deep": [1.5, None]}, "brandNewFlag": True, "_": ["x"], "brand_new_id": 2**63}
    elif isinstance(answer, list):
        for value in answer:
            sprinkle(value)


@needs(Capability.AFTER_SALE)
@pytest.mark.parametrize(("channel", "code"), CODES)
def test_every_documented_after_sale_status_means_something(channel: ChannelUnderTest, code: Code) -> None:
    bench = channel.bench()
    placed, refund = channel.ask(bench, code)
    channel.show_after_sale(bench, refund, code)
    found = bench.connector.after_sale(channel.after_sale_id(refund), placed.order_id).value
    assert found.stage.value is channel.after_sale_codes[code]
    assert found.stage.raw.partition("/")[0] == str(code)
    assert values(bench.connector.after_sales(bench.window())) == [found]
    bench.close()


@needs(Capability.AFTER_SALE)
def test_an_invented_after_sale_status_is_kept_and_stops_nothing(bench: Bench, channel: ChannelUnderTest) -> None:
    placed, refund = channel.ask(bench, channel.unknown_after_sale_code)
    channel.show_after_sale(bench, refund, channel.unknown_after_sale_code)
    found = bench.connector.after_sale(channel.after_sale_id(refund), placed.order_id).value
    assert found.stage.value is AfterSaleStage.UNKNOWN
    assert found.stage.raw.partition("/")[0] == str(channel.unknown_after_sale_code)
    known = bench.world.request_refund(bench.place())
    listed = {one.id: one for one in values(bench.connector.after_sales(bench.window()))}
    expected = [refund, known] if channel.lists_unknown_after_sales else [known]
    assert listed.keys() == {channel.after_sale_id(each) for each in expected}
    assert listed.get(found.id, found) == found
    assert bench.walk(bench.window()).orders.keys() >= {placed.order_id}


@needs(Capability.AFTER_SALE)
@pytest.mark.parametrize("kind", RefundKind)
def test_every_kind_of_after_sale_is_told(bench: Bench, channel: ChannelUnderTest, kind: RefundKind) -> None:
    placed = live(bench, channel, "shipped")
    refund = bench.world.request_refund(placed, kind=kind)
    found = bench.connector.after_sale(channel.after_sale_id(refund), placed.order_id).value
    assert found.kind in KINDS[kind]
    assert (found.id, found.order_id) == (channel.after_sale_id(refund), placed.order_id)
    assert found.refund == (refund.amount if kind in channel.priced else 0)
    assert (found.deadline is None) is ("deadline" in channel.untold)


@needs(Capability.AFTER_SALES)
def test_an_after_sale_reads_the_same_from_list_and_detail_at_each_step(
    bench: Bench, channel: ChannelUnderTest
) -> None:
    world = bench.world
    placed = live(bench, channel, "shipped")
    refund = world.request_refund(placed, kind=RefundKind.RETURN)
    stages = []
    steps: tuple[Callable[[], object], ...] = (
        lambda: None,
        lambda: world.agree_return(refund),
        lambda: world.return_goods(refund, channel.own_carrier, "SF9876543210987"),
        lambda: world.agree_refund(refund),
        lambda: world.refund_paid(refund),
    )
    for step in steps:
        step()
        world.advance(1)
        found = values(bench.connector.after_sales(bench.window()))
        [listed] = [one for one in found if one.id == channel.after_sale_id(refund)]
        assert listed == bench.connector.after_sale(listed.id, placed.order_id).value
        stages.append(listed.stage.value)
    assert stages == list(channel.return_stages)
