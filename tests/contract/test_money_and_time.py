"""Group 4: money adds up in fen, instants are aware, and any order the sandbox can hold survives its own JSON."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, given, settings

from core import money
from core.channel import Capability
from core.model import AfterSale, Canonical, Listing, Money, Order
from core.status import Closing
from sandbox.orders import VARIANTS
from tests.contract.bench import Bench
from tests.contract.channel import ChannelUnderTest
from tests.contract.lives import PLANS, Plan, lead
from tests.contract.skips import needs

pytestmark = needs(Capability.ORDERS)

ZONES = ("UTC", "America/New_York", "Asia/Shanghai", "Asia/Kathmandu")


def no_float(text: str) -> NoReturn:
    raise AssertionError(f"a float: {text}")


def survives(value: Canonical) -> None:
    """Canonical -> JSON -> canonical changes nothing; no float, and every instant says its zone."""
    told = value.model_dump_json()
    assert type(value).model_validate_json(told) == value
    json.loads(told, parse_float=no_float)
    for instant in instants(value.model_dump()):
        assert instant.utcoffset() == timedelta(0)


def instants(value: Any) -> Iterator[datetime]:
    if isinstance(value, datetime):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from instants(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from instants(each)


def adds_up(order: Order) -> None:
    """The order's identities, its lines' own, and what the lines bear of its discounts."""
    assert order.warnings == ()
    assert money.warnings(order.money, order.lines) == ()
    for line in order.lines:
        assert money.warnings(line.money) == ()
    for of_order, of_lines in zip(borne(order.money), borne(*(line.money for line in order.lines)), strict=True):
        assert of_order == of_lines


def borne(*parts: Money) -> list[tuple[str, int]]:
    """Who bears how much, summed over the parts."""
    sums: dict[str, int] = {}
    for part in parts:
        for share in part.discounts:
            sums[share.payer.value] = sums.get(share.payer.value, 0) + share.amount
    return sorted(sums.items())


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=PLANS)
def test_any_order_the_sandbox_can_hold_survives_and_adds_up(channel: ChannelUnderTest, plan: Plan) -> None:
    bench = channel.bench()
    placed = lead(bench, channel, plan)
    bench.world.advance(1)
    read = bench.read(placed)
    adds_up(read)
    survives(read)
    assert read.money.pay == placed.pay_amount
    assert read.updated_at == datetime.fromtimestamp(int(placed.updated), UTC)
    assert [line.quantity for line in read.lines] == [line.quantity for line in placed.lines]
    assert (read.memo.text, read.buyer_note) == (placed.memo.strip(), placed.buyer_note)
    if placed.confirmed is not None or placed.order_id in bench.walk(bench.window()).orders:
        assert bench.walk(bench.window()).orders == {placed.order_id: read}
    for page in bench.after_sales():
        assert page.bad == ()
        for item in page.items:
            survives(item.value)
            assert isinstance(item.value, AfterSale)
            assert 0 <= item.value.refund <= placed.pay_amount
    bench.close()


@pytest.mark.parametrize("variant", VARIANTS)
def test_whatever_is_sold_adds_up(bench: Bench, variant: str) -> None:
    for _ in range(5):
        placed = bench.place(variant)
        order = bench.read(placed)
        adds_up(order)
        assert order.money.pay == placed.pay_amount
        assert order.money.postage == placed.postage
        assert sum(line.money.goods for line in order.lines) == sum(line.amount for line in placed.lines)


def test_a_changed_price_is_an_adjustment(bench: Bench) -> None:
    for delta in (-500, 300):
        placed = bench.place(paid=False)
        before = placed.pay_amount
        bench.world.change_amount(placed, delta)
        bench.world.pay(placed)
        order = bench.read(placed)
        adds_up(order)
        assert (order.money.adjustment, order.money.pay) == (delta, before + delta)
        assert order.money.goods == sum(line.amount for line in placed.lines)


@needs(Capability.LISTINGS)
def test_listings_survive_and_tell_prices_in_fen(bench: Bench) -> None:
    listings = [item.value for page in bench.connector.listings() for item in page.items]
    assert {listing.id for listing in listings} == set(bench.shop.items)
    for listing in listings:
        survives(listing)
        assert isinstance(listing, Listing)
        for sku in listing.skus:
            real = bench.world.sku(bench.shop, sku.sku_id)
            assert sku.price is not None
            assert sku.price.sale == real.price.sale
            assert (sku.sellable, sku.held, sku.merchant_code) == (real.sellable, real.held, real.code)


def test_the_greatest_ids_are_exact(bench: Bench) -> None:
    """Beyond 2^53 wherever the platform has such ids: the sandbox's goods begin with some."""
    big = max(bench.skus(), key=lambda sku: (int(sku.item_id), int(sku.sku_id)))
    placed = bench.place(sku=big)
    [line] = bench.read(placed).lines
    assert (line.listing_id, line.sku_id) == (big.item_id, big.sku_id)
    listing = bench.connector.listing(big.item_id).value
    assert big.sku_id in {sku.sku_id for sku in listing.skus}


@pytest.mark.parametrize("note", ["请发货😀", "@客服 送一个😺", "@", "👨‍👩‍👧‍👦", "a@b"])
def test_emoji_and_texts_that_begin_with_an_at_sign_arrive_as_written(bench: Bench, note: str) -> None:
    placed = bench.place()
    bench.world.set_buyer_note(placed, note)
    bench.world.set_memo(placed, note, None)
    order = bench.read(placed)
    assert (order.buyer_note, order.memo.text) == (note, note)
    survives(order)


def test_the_machines_time_zone_changes_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    placed = [bench.place(variant, ago=100) for variant in ("plain", "presale", "coupons")]
    bench.world.request_refund(placed[0])
    told = []
    try:
        for zone in ZONES:
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            lists = (bench.connector.orders(bench.window()), bench.after_sales())
            told.append([item for each in lists for page in each for item in page.items])
    finally:
        monkeypatch.undo()
        time.tzset()
    assert all(each == told[0] for each in told)
    orders = {item.value.id: item.value for item in told[0] if isinstance(item.value, Order)}
    assert len(told[0]) - len(orders) == bool(bench.connector.channel.supports(Capability.AFTER_SALES))
    for each in placed:
        assert each.paid is not None
        assert orders[each.order_id].paid_at == datetime.fromtimestamp(int(each.paid), UTC)


def test_every_instant_is_the_worlds(bench: Bench, channel: ChannelUnderTest) -> None:
    placed = bench.place(ago=60)
    bench.world.ship(placed, channel.own_carrier, "SF1234567890123")
    bench.world.advance(100)
    bench.world.receive(placed)
    bench.world.advance(100)
    bench.world.finish(placed)
    order = bench.read(placed)
    told = (order.created_at, order.paid_at, order.shipped_at, order.signed_at, order.ship_by, order.updated_at)
    received = placed.received if channel.tells_receipt else None
    real = (placed.created, placed.paid, placed.shipped, received, placed.ship_by, placed.updated)
    assert told == tuple(None if at is None else datetime.fromtimestamp(int(at), UTC) for at in real)
    assert order.closing.value in {Closing.FINISHED, Closing.OPEN}
