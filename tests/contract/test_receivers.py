"""Receivers in plain text, searches for them, and buyers who want another address: who may be known is known, nobody
else is, and nothing of it shows anywhere.
"""

import logging
from collections.abc import MutableMapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.channel import Capability, ObjectKind, Outcome, Purpose, Recipient, Refusal, Window
from core.errors import ChannelError, Conflict, Invalid, NotFound, OutcomeUnknown, Rejected, Throttled
from core.model import Order as Read
from sandbox.faults import FaultKind
from sandbox.model import Buyer, Order
from sandbox.people import invent_buyer
from tests.contract.bench import Bench, secrets
from tests.contract.channel import ChannelUnderTest
from tests.contract.skips import needs

Logs = list[MutableMapping[str, Any]]
FAULTS: tuple[FaultKind, ...] = ("throttle", "http_5xx", "html", "truncated", "timeout_before", "system_error")
"""What a read may meet."""


def person(bench: Bench, number: int) -> Buyer:
    """Somebody whose number and name nobody else has."""
    return replace(invent_buyer(bench.world.random, number), name=f"收件人{number}号")


def reveal(bench: Bench, order: Read, purpose: Purpose = Purpose.SHIP) -> Recipient:
    return bench.connector.reveal(order, purpose, "operator-7")


def everything(value: object) -> str:
    return f"{value!r} {value}"


def hidden(bench: Bench, text: str) -> bool:
    return not [secret for secret in secrets(bench) if secret and secret in text]


# Opening


@needs(Capability.REVEAL)
@pytest.mark.parametrize("purpose", Purpose)
def test_the_receiver_of_an_order_is_opened(bench: Bench, channel: ChannelUnderTest, purpose: Purpose) -> None:
    for _ in range(3):
        placed = bench.place()
        told = reveal(bench, bench.read(placed), purpose)
        assert replace(told, expires_at=None) == channel.recipient(placed)
        assert told.expires_at is None or told.expires_at > bench.clock.now()


@needs(Capability.REVEAL)
def test_who_is_opened_is_who_receives_it_now(bench: Bench, channel: ChannelUnderTest) -> None:
    placed = bench.place()
    bench.world.change_address(placed, person(bench, 8001))
    assert reveal(bench, bench.read(placed)).name == channel.recipient(placed).name


@needs(Capability.REVEAL)
def test_nothing_of_a_receiver_shows(bench: Bench, logs: Logs, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        told = reveal(bench, bench.read(bench.place()))
    assert told.phone
    shown = everything(told) + repr(logs) + caplog.text
    assert hidden(bench, shown)
    assert [part for part in (told.name, told.phone, told.address) if part in shown] == []


@needs(Capability.REVEAL)
def test_an_order_that_is_over_is_not_opened(bench: Bench, channel: ChannelUnderTest) -> None:
    for placed in channel.sealed(bench):
        with pytest.raises(Rejected) as refusal:
            reveal(bench, bench.read(placed))
        assert refusal.value.message
        assert hidden(bench, everything(refusal.value))


@needs(Capability.REVEAL)
def test_an_order_that_ended_since_it_was_read_is_not_opened(bench: Bench) -> None:
    placed = bench.place()
    order = bench.read(placed)
    bench.world.cancel(placed)
    with pytest.raises(Rejected):
        reveal(bench, order)


@needs(Capability.REVEAL)
def test_somebody_elses_order_is_not_opened(bench: Bench, channel: ChannelUnderTest) -> None:
    """Refused, or the order is read again and its own receiver opened."""
    placed = bench.place()
    first, second = bench.read(placed), bench.read(bench.place())
    try:
        told = reveal(bench, first.model_copy(update={"receiver": second.receiver}))
    except Rejected:
        return
    assert replace(told, expires_at=None) == channel.recipient(placed)


@needs(Capability.REVEAL)
def test_a_spent_allowance_of_receivers_passes(bench: Bench, channel: ChannelUnderTest) -> None:
    order = bench.read(bench.place())
    channel.spend_reveals(bench)
    with pytest.raises(Throttled) as refusal:
        reveal(bench, order)
    assert refusal.value.retry_after is None or refusal.value.retry_after > 0
    assert (refusal.value.channel, refusal.value.shop) == (bench.code, bench.connector.shop_id)


@needs(Capability.REVEAL)
@pytest.mark.parametrize("kind", FAULTS)
def test_a_failed_opening_says_so_and_no_more(bench: Bench, channel: ChannelUnderTest, kind: FaultKind) -> None:
    order = bench.read(bench.place())
    bench.fault(kind, channel.reveal_call)
    with pytest.raises(ChannelError) as failure:
        reveal(bench, order)
    assert hidden(bench, everything(failure.value))


# Searching


def ids(orders: list[Order]) -> list[str]:
    return sorted(order.order_id for order in orders)


@needs(Capability.FIND_ORDERS)
def test_a_persons_orders_are_found_and_nobody_elses(bench: Bench) -> None:
    one, other = person(bench, 8001), person(bench, 8002)
    theirs = [bench.place(buyer=one, ago=600 * number) for number in range(3)]
    bench.place(buyer=other)
    window = bench.window(minutes=120)
    assert sorted(bench.connector.find_orders(window, phone=one.phone)) == ids(theirs)
    assert sorted(bench.connector.find_orders(window, name=one.name)) == ids(theirs)
    assert sorted(bench.connector.find_orders(window, name=one.name, phone=one.phone)) == ids(theirs)
    assert bench.connector.find_orders(window, name=other.name, phone=one.phone) == []
    assert bench.connector.find_orders(window, phone="17000009999") == []


@needs(Capability.FIND_ORDERS)
def test_only_orders_created_in_the_window_are_found(bench: Bench) -> None:
    one = person(bench, 8001)
    _, wanted, _ = [bench.place(buyer=one, ago=hours * 3600) for hours in (1, 5, 9)]
    now = bench.clock.now()
    window = Window(now - timedelta(hours=6), now - timedelta(hours=4))
    assert bench.connector.find_orders(window, phone=one.phone) == [wanted.order_id]
    old = Window(now - timedelta(days=400), now - timedelta(days=300))
    assert bench.connector.find_orders(old, phone=one.phone) == []


@needs(Capability.FIND_ORDERS)
def test_all_orders_of_a_busy_receiver_are_found(bench: Bench) -> None:
    one = person(bench, 8001)
    theirs = [bench.place(buyer=one, ago=60 * number) for number in range(230)]
    found = bench.connector.find_orders(bench.window(minutes=300), phone=one.phone)
    assert len(found) == len(set(found))
    assert sorted(found) == ids(theirs)


@needs(Capability.FIND_ORDERS)
def test_a_search_names_somebody(bench: Bench) -> None:
    with pytest.raises(Invalid):
        bench.connector.find_orders(bench.window())


@needs(Capability.FIND_ORDERS)
def test_searching_too_often_passes(bench: Bench, channel: ChannelUnderTest) -> None:
    one = bench.place()
    channel.spend_searches(bench)
    with pytest.raises(Throttled):
        bench.connector.find_orders(bench.window(), phone=one.buyer.phone)


@needs(Capability.FIND_ORDERS)
@pytest.mark.parametrize("kind", FAULTS)
def test_whom_one_searches_for_shows_nowhere(
    bench: Bench, channel: ChannelUnderTest, kind: FaultKind, logs: Logs, caplog: pytest.LogCaptureFixture
) -> None:
    one = person(bench, 8001)
    bench.place(buyer=one)
    with caplog.at_level(logging.DEBUG):
        assert bench.connector.find_orders(bench.window(), name=one.name, phone=one.phone)
        bench.fault(kind, channel.find_call)
        with pytest.raises(ChannelError) as failure:
            bench.connector.find_orders(bench.window(), name=one.name, phone=one.phone)
    assert logs
    assert hidden(bench, everything(failure.value) + repr(logs) + caplog.text)


# Another address


def asked(bench: Bench) -> tuple[Order, Buyer]:
    """An order whose buyer wants it to go elsewhere."""
    placed, wanted = bench.place(), person(bench, 8001)
    bench.world.want_address(placed, wanted)
    return placed, wanted


def answer(bench: Bench, placed: Order, refusal: Refusal | None = None) -> Outcome[str]:
    outcome = bench.connector.confirm_address(placed.order_id, refusal)
    assert outcome.item == placed.order_id
    return outcome


@needs(Capability.CONFIRM_ADDRESS, Capability.PUSH)
def test_a_buyers_wish_is_told_by_a_notice(bench: Bench, channel: ChannelUnderTest) -> None:
    listener = channel.listener(bench)
    placed, _ = asked(bench)
    notices = [notice for delivery in listener.due() for notice in listener.read(delivery)]
    [wish] = [notice for notice in notices if notice.asks]
    assert (wish.asks, wish.kind, wish.object_id) == ("address", ObjectKind.ORDER, placed.order_id)
    assert hidden(bench, "".join(map(everything, notices)))


@needs(Capability.CONFIRM_ADDRESS)
def test_a_granted_wish_changes_the_receiver(bench: Bench) -> None:
    placed, wanted = asked(bench)
    before = bench.read(placed).receiver
    for _ in range(2):
        assert answer(bench, placed).error is None
        assert placed.buyer is wanted
    after = bench.read(placed).receiver
    assert after.oaid != before.oaid
    assert wanted.address.city == after.city


@needs(Capability.CONFIRM_ADDRESS)
@pytest.mark.parametrize("refusal", Refusal)
def test_a_refused_wish_changes_nothing(bench: Bench, refusal: Refusal) -> None:
    placed, wanted = asked(bench)
    before = bench.read(placed).receiver
    for _ in range(2):
        assert answer(bench, placed, refusal).error is None
    assert placed.wanted_address is None
    assert placed.buyer is not wanted
    assert bench.read(placed).receiver == before


@needs(Capability.CONFIRM_ADDRESS)
@pytest.mark.parametrize(("first", "then"), [(None, Refusal.PACKED), (Refusal.PACKED, None)])
def test_an_answer_is_not_taken_back(bench: Bench, first: Refusal | None, then: Refusal | None) -> None:
    placed, wanted = asked(bench)
    assert answer(bench, placed, first).error is None
    assert isinstance(answer(bench, placed, then).error, Conflict)
    assert (placed.buyer is wanted) is (first is None)


@needs(Capability.CONFIRM_ADDRESS)
def test_a_wish_that_an_after_sale_ended_is_not_granted(bench: Bench) -> None:
    placed, wanted = asked(bench)
    bench.world.request_refund(placed)
    assert isinstance(answer(bench, placed).error, Conflict)
    assert placed.buyer is not wanted


@needs(Capability.CONFIRM_ADDRESS)
def test_a_wish_that_the_shipment_overtook_is_refused_by_it(bench: Bench, channel: ChannelUnderTest) -> None:
    placed, wanted = asked(bench)
    bench.world.ship(placed, channel.own_carrier, "SF1234567890123")
    assert isinstance(answer(bench, placed).error, Conflict)
    assert answer(bench, placed, Refusal.SHIPPED).error is None
    assert placed.buyer is not wanted


@needs(Capability.CONFIRM_ADDRESS)
def test_a_second_wish_is_answered_on_its_own(bench: Bench) -> None:
    placed, _ = asked(bench)
    assert answer(bench, placed, Refusal.PACKED).error is None
    second = person(bench, 8002)
    bench.world.want_address(placed, second)
    assert answer(bench, placed).error is None
    assert placed.buyer is second


@needs(Capability.CONFIRM_ADDRESS)
def test_an_answer_that_got_lost_is_given_again(bench: Bench, channel: ChannelUnderTest) -> None:
    placed, wanted = asked(bench)
    bench.fault("timeout_after", channel.address_write, times=1)
    assert isinstance(answer(bench, placed).error, OutcomeUnknown)
    assert answer(bench, placed).error is None
    assert placed.buyer is wanted


@needs(Capability.CONFIRM_ADDRESS)
@pytest.mark.parametrize("refusal", [None, Refusal.OTHER])
def test_nobody_asked(bench: Bench, refusal: Refusal | None) -> None:
    assert isinstance(answer(bench, bench.place(), refusal).error, NotFound)
    assert isinstance(bench.connector.confirm_address("6900000000000000009", refusal).error, NotFound)
