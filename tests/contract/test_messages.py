"""Group 9: genuine pushes name things and are acknowledged, forged ones are refused, repeated ones are recognised."""

import pytest

from core.channel import Capability, ObjectKind, Push
from core.errors import BadSignature
from core.notices import Notice
from tests.contract.bench import Bench
from tests.contract.channel import ChannelUnderTest, Listener
from tests.contract.channels import CHANNELS, by_push
from tests.contract.skips import needs

pytestmark = needs(Capability.PUSH)


@pytest.fixture
def listener(bench: Bench, channel: ChannelUnderTest) -> Listener:
    """Our receiving end, connected and subscribed."""
    return channel.listener(bench)


def hear(listener: Listener) -> list[Notice]:
    """Everything that is due, acknowledged."""
    notices: list[Notice] = []
    for delivery in listener.due():
        notices += listener.read(delivery)
        listener.acknowledge(delivery)
    return notices


def test_a_new_order_is_told_and_acknowledged(bench: Bench, listener: Listener) -> None:
    placed = bench.place()
    notices = hear(listener)
    assert (ObjectKind.ORDER, placed.order_id) in {(notice.kind, notice.object_id) for notice in notices}
    for notice in notices:
        assert (notice.channel, notice.app_key, notice.account) == (bench.code, bench.app.key, bench.shop.shop_id)
        assert notice.dedup_key
        assert notice.raw
    assert bench.world.outboxes[bench.code].backlog() == 0
    bench.world.advance(3600)
    assert hear(listener) == []


def test_a_notice_leads_to_the_thing_it_names(bench: Bench, channel: ChannelUnderTest, listener: Listener) -> None:
    placed = bench.place()
    refund = bench.world.request_refund(placed)
    item = bench.world.item(bench.shop, bench.keys(1)[0].listing_id)
    bench.world.set_shelf(bench.shop, item, False)
    named = {notice.kind: notice for notice in hear(listener)}
    assert named.keys() == channel.pushes
    assert bench.connector.order(named[ObjectKind.ORDER].object_id).value.id == placed.order_id
    if ObjectKind.AFTER_SALE in named and bench.connector.channel.supports(Capability.AFTER_SALE):
        told = named[ObjectKind.AFTER_SALE]
        assert told.object_id == channel.after_sale_id(refund)
        assert bench.connector.after_sale(told.object_id, told.parent_id).value.order_id == placed.order_id
    if ObjectKind.LISTING in named:
        assert bench.connector.listing(named[ObjectKind.LISTING].object_id).value.id == item.item_id


def test_a_batch_is_told_whole(bench: Bench, listener: Listener) -> None:
    placed = {bench.place().order_id for _ in range(50)}
    told = {notice.object_id for notice in hear(listener) if notice.kind is ObjectKind.ORDER}
    assert told == placed


def test_what_is_not_acknowledged_comes_again_under_the_same_key(bench: Bench, listener: Listener) -> None:
    bench.place()
    first = [notice for delivery in listener.due() for notice in listener.read(delivery)]
    bench.world.advance(3600)
    again = hear(listener)
    assert first
    assert {notice.dedup_key for notice in again} == {notice.dedup_key for notice in first}
    assert bench.world.outboxes[bench.code].backlog() == 0


def test_a_push_delivered_twice_has_one_key(bench: Bench, channel: ChannelUnderTest, listener: Listener) -> None:
    placed = bench.place()
    assert hear(listener)
    bench.world.advance(10)
    bench.fault("duplicate_push")
    bench.world.ship(placed, channel.own_carrier, "SF1234567890123")
    told = [notice.dedup_key for notice in hear(listener)]
    bench.world.advance(5)
    again = [notice.dedup_key for notice in hear(listener)]
    assert told
    assert set(told) >= set(again)
    assert len(told + again) == len(set(told)) * (1 if listener.remembers else 2)


def test_two_changes_of_one_order_are_two_messages(bench: Bench, channel: ChannelUnderTest, listener: Listener) -> None:
    placed = bench.place()
    keys = {notice.dedup_key for notice in hear(listener)}
    bench.world.advance(10)
    bench.world.ship(placed, channel.own_carrier, "SF1234567890123")
    later = {notice.dedup_key for notice in hear(listener)}
    assert later
    assert keys.isdisjoint(later)


@pytest.mark.parametrize("channel", by_push(Push.WEBHOOK), ids=lambda channel: channel.name)
def test_a_forged_push_is_refused_and_the_genuine_one_still_read(bench: Bench, listener: Listener) -> None:
    placed = bench.place()
    [delivery] = listener.due()
    for forgery in listener.forgeries(delivery):
        with pytest.raises(BadSignature):
            listener.read(forgery)
    assert {notice.object_id for notice in listener.read(delivery)} == {placed.order_id}
    assert bench.world.outboxes[bench.code].backlog() > 0


@pytest.mark.parametrize("channel", [each for each in CHANNELS if each.unknown_topic], ids=lambda channel: channel.name)
def test_an_unknown_topic_is_counted_and_acknowledged(
    bench: Bench, channel: ChannelUnderTest, listener: Listener
) -> None:
    bench.world.outboxes[bench.code].publish(bench.shop, channel.unknown_topic, "1", {"shop_id": 1, "word": "x"})
    [notice] = hear(listener)
    assert (notice.kind, notice.topic) == (ObjectKind.OTHER, channel.unknown_topic)
    assert notice.dedup_key
    assert bench.world.outboxes[bench.code].backlog() == 0


def test_a_push_later_than_its_successor_still_names_its_order(bench: Bench, listener: Listener) -> None:
    bench.fault("reorder_push")
    placed = {bench.place().order_id for _ in range(10)}
    bench.world.advance(5)
    assert {notice.object_id for notice in hear(listener) if notice.kind is ObjectKind.ORDER} == placed
