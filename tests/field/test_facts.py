"""Facts that came late, twice, or back from ourselves, and what other systems made of them.

frappe/ecommerce_integrations#425 got «paid» before «created»; nearmerch.com#214 let a late «shipped» take an order
back from delivered and forgot the earlier tracking number; ShopifySharp#919 got the same webhook twice in one instant,
saleor#10165 copies that differ in a timestamp only; OpenLinker's ADR-017 wrote an order out, read it back and took it
for news. Alibaba's document 120397 says that one receiver has another id in every shop and every week: whoever compares
them, merges or parts the wrong orders.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from core.channel import Capability
from core.db.lanes import Kind
from core.status import Fulfilment, Payment
from tests.field.ground import Ground, numbers

SECOND = "SF1234567890124"


def test_frappe_425_paid_before_created(ground: Ground) -> None:
    if "unpaid" not in ground.channel.order_codes:
        pytest.skip(f"{ground.channel.channel.label} tells nothing of an order before it is paid")
    ground.settle()
    ground.fault("delay_push", times=1, seconds=50)
    order = ground.place(paid=False)
    ground.connector().order(order.order_id)
    unpaid = dict(ground.wire.last)
    ground.world.advance(1)
    ground.world.pay(order)
    ground.run(20, step=10)
    assert ground.told(order)[0] == "order.created"
    assert ground.stored(order).payment.value is Payment.PAID
    told = ground.told(order)
    heard = len(ground.heard)
    ground.wire.old = unpaid
    ground.run(60, step=20)
    assert len(ground.heard) > heard, "the late push never came"
    assert ground.stored(order).payment.value is Payment.PAID
    assert ground.told(order) == told


def test_nearmerch_214_shipped_after_signed_and_a_second_parcel(ground: Ground) -> None:
    ground.settle()
    order = ground.place("several" if ground.channel.channel.supports(Capability.SHIP_LINES) else "plain")
    ground.settle()
    detail = ground.channel.order_detail
    ground.connector().order(order.order_id)
    stages = [ground.wire.last[detail]]
    carrier = ground.channel.own_carrier
    if len(order.lines) > 1:
        for line, number in zip(order.lines, ("SF1234567890123", SECOND), strict=True):
            ground.world.advance(5)
            ground.world.ship(order, carrier, number, {line.line_id: line.quantity})
            ground.run(5)
            stages.append(ground.wire.last[detail])
    else:
        ground.world.advance(5)
        ground.world.ship(order, carrier, "SF1234567890123", more=[(carrier, SECOND)])
        ground.run(5)
        stages.append(ground.wire.last[detail])
    ground.world.advance(5)
    ground.world.receive(order)
    ground.run(10)
    known = ground.stored(order)
    assert known.fulfilment.value in (Fulfilment.SIGNED, Fulfilment.SHIPPED)
    assert numbers(known.parcels) == ["SF1234567890123", SECOND]
    told = ground.told(order)
    for late in reversed(stages):
        ground.wire.old = {detail: late}
        ground.store(tuple(ground.heard))
        ground.world.advance(5)
        ground.drain(Kind.NOTICES)
        assert ground.stored(order).model_copy(update={"updated_at": known.updated_at}) == known
    assert ground.told(order) == told


def test_shopifysharp_919_the_same_push_twice_in_one_instant(ground: Ground) -> None:
    ground.settle()
    order = ground.place()
    ground.wait_for_pushes()
    told = tuple(notice for notice in ground.heard if notice.object_id == order.order_id)
    assert told

    def receive(_: int) -> None:
        ground.store(told)
        ground.drain(Kind.NOTICES)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(receive, range(4)))
    ground.run(30, step=10)
    assert ground.told(order) == ["order.created"]
    counted = [seen for object_id, state, seen in ground.receipts() if object_id == order.order_id]
    assert sum(counted) == 5 * len(told)
    assert {state for _, state, _ in ground.receipts()} == {"handled"}


def test_saleor_10165_copies_that_differ_in_a_timestamp_only(ground: Ground) -> None:
    ground.settle()
    order = ground.place()
    ground.run(15, step=5)
    for _ in range(3):
        ground.world.advance(7)
        ground.world.touch_order(order, "order.paid")
        ground.run(15, step=5)
    assert ground.told(order) == ["order.created"]
    ours = [row for row in ground.receipts() if row[0] == order.order_id]
    assert sum(seen for _, _, seen in ours) >= 4
    assert ground.stored(order).updated_at.timestamp() > order.created + 20


def test_openlinker_adr_017_our_own_write_read_back_is_no_news(ground: Ground) -> None:
    ground.settle()
    order, sku = ground.taken(), ground.mapped()
    ground.send(order)
    ground.set_stock(**{sku.code: 77})
    ground.run(120, step=20)
    assert ground.told(order) == ["order.created", "order.updated"]
    assert (order.ship_accepts, sku.sellable) == (1, 77)
    before = [event.type for event in ground.events()]
    ground.run(3700, step=1850)
    assert ground.shipped(order).state == "done"
    ours = {"stock.accepted", "listing.updated", "order.created", "order.updated", "shipment.accepted"}
    news = [event for event in ground.events() if event.position > len(before)]
    assert {event.type for event in ground.events()} - ours == {"listing.created", "listing.mapped"}
    assert [event.data for event in news if not event.type.startswith("listing.")] == []


def test_document_120397_one_buyer_in_two_weeks_is_never_merged(ground: Ground) -> None:
    ground.settle()
    week = 7 * 86_400
    buyer = ground.world.some_buyer()
    first = ground.place(buyer=buyer, at=ground.world.now() - week)
    second = ground.place(buyer=buyer)
    same_day = ground.place(buyer=buyer)
    ground.run(15, step=5)
    known = [ground.stored(order) for order in (first, second, same_day)]
    assert len({each.id for each in known}) == 3
    if ground.code == "taobao":
        assert known[0].receiver.oaid != known[1].receiver.oaid
        assert known[1].receiver.oaid == known[2].receiver.oaid
    ground.send(second)
    ground.run(30, step=10)
    assert [order.ship_accepts for order in (first, second, same_day)] == [0, 1, 0]
    assert [len(ground.stored(order).parcels) for order in (first, second, same_day)] == [0, 1, 0]
    assert [ground.stored(order).receiver.oaid for order in (first, same_day)] == [
        known[0].receiver.oaid,
        known[2].receiver.oaid,
    ]
