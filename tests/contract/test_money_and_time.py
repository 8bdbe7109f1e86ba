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
from core.model import AfterSale, Canonical, Listing, Money, Order, Payer
from core.status import Closing
from sandbox.model import Order as Placed
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


def adds_up(order: Order, *, emptied: bool = False) -> None:
    """The order's identities, its lines' own, and what the lines bear of its discounts.

    A line that left the order before it was paid counts for nothing. Of an order whose amounts the platform took out,
    only the lines add up: it says itself that it does not.
    """
    lines = [line for line in order.lines if line.closing is None or line.closing.value is not Closing.CLOSED_UNPAID]
    lines = list(order.lines) if order.closing.value is Closing.CLOSED_UNPAID else lines
    assert bool(order.warnings) == emptied
    assert bool(money.warnings(order.money, lines)) == emptied
    for line in order.lines:
        assert money.warnings(line.money) == ()
    for of_order, of_lines in zip(borne(order.money), borne(*(line.money for line in lines)), strict=True):
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
    adds_up(read, emptied=channel.emptied(placed))
    survives(read)
    assert read.money.pay == channel.pays(placed)
    assert read.updated_at == datetime.fromtimestamp(int(placed.updated), UTC)
    assert [line.quantity for line in read.lines] == [line.quantity for line in placed.lines]
    assert (read.memo.text, read.buyer_note) == (placed.memo.strip(), placed.buyer_note)
    if placed.confirmed is not None or placed.order_id in bench.walk(bench.window()).orders:
        known = {part.order_id: bench.read(part) for part in parts(bench, placed)} | {placed.order_id: read}
        assert bench.walk(bench.window()).orders == known
    for page in bench.after_sales():
        assert page.bad == ()
        for item in page.items:
            survives(item.value)
            assert isinstance(item.value, AfterSale)
            assert 0 <= item.value.refund <= placed.pay_amount
    bench.close()


@pytest.mark.parametrize("variant", VARIANTS)
def test_whatever_is_sold_adds_up(bench: Bench, channel: ChannelUnderTest, variant: str) -> None:
    for _ in range(5):
        for placed in parts(bench, bench.place(variant)):
            order = bench.read(placed)
            adds_up(order)
            assert order.money.pay == channel.pays(placed)
            assert order.money.postage == placed.postage
            others = [line.discounts.total - line.discounts.seller for line in placed.lines]
            assert order.money.receivable - order.money.pay == sum(others)
            assert sum(line.money.goods for line in order.lines) == sum(line.amount for line in placed.lines)
            given, bears = [line.discounts for line in placed.lines], dict(borne(order.money))
            assert bears.pop(Payer.SELLER.value, 0) == sum(each.seller for each in given)
            assert sum(bears.values()) == sum(each.total - each.seller for each in given)


def test_what_an_order_is_split_into_sums_to_it(bench: Bench, channel: ChannelUnderTest) -> None:
    """Where it is split, it is replaced by its parts, and counts for nothing beside them."""
    whole = bench.place("split")
    split = parts(bench, whole)
    orders = [bench.read(placed) for placed in split]
    assert sum(order.money.pay for order in orders) == whole.pay_amount
    assert sum(order.money.goods for order in orders) == sum(line.amount for line in whole.lines)
    if whole not in split:
        assert {order.lineage.parent_id for order in orders} == {whole.order_id}
        told = bench.read(whole)
        assert (told.closing.value, told.money.pay, told.money.receivable) == (Closing.REPLACED, 0, 0)
        adds_up(told, emptied=channel.emptied(whole))


def parts(bench: Bench, placed: Placed) -> list[Placed]:
    """The orders that took its place, or itself."""
    return [bench.world.order(order_id) for order_id in placed.children] or [placed]


def test_a_changed_price_is_an_adjustment_or_the_sellers_discount(bench: Bench, channel: ChannelUnderTest) -> None:
    for delta in (-500, 300):
        placed = bench.place(paid=False)
        before = placed.pay_amount
        bench.world.change_amount(placed, delta)
        bench.world.pay(placed)
        order = bench.read(placed)
        adds_up(order)
        borne_by_seller = dict(borne(order.money)).get(Payer.SELLER.value, 0)
        shown = (0, -delta) if channel.discounts_price_changes else (delta, 0)
        assert (order.money.adjustment, borne_by_seller) == shown
        assert order.money.pay == before + delta
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


def test_ids_of_64_bits_are_exact(bench: Bench) -> None:
    """Whatever the platform's ids are today: as numbers and as text."""
    placed = bench.place()
    [line] = placed.lines
    longer = {line.sku_id: str(2**63 - 1), line.item_id: str(2**63 - 5)}

    def lengthen(answer: Any) -> Any:
        if isinstance(answer, dict):
            return {name: lengthen(value) for name, value in answer.items()}
        if isinstance(answer, list):
            return [lengthen(value) for value in answer]
        wanted = longer.get(str(answer))
        return answer if wanted is None else type(answer)(wanted)

    bench.wire.edit = lambda answer: answer.update(lengthen(answer))
    [read] = bench.read(placed).lines
    assert (read.sku_id, read.listing_id) == tuple(longer.values())
    [listed] = bench.walk(bench.window()).orders[placed.order_id].lines
    assert listed == read


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
    real = {
        "created_at": placed.created,
        "paid_at": placed.paid,
        "shipped_at": placed.shipped,
        "signed_at": placed.received,
        "ship_by": placed.ship_by,
        "updated_at": placed.updated,
    }
    for name, at in real.items():
        known = None if at is None or name in channel.untold else datetime.fromtimestamp(int(at), UTC)
        assert getattr(order, name) == known, name
    assert order.closing.value in {Closing.FINISHED, Closing.OPEN}
