"""Group 2: no order is lost between pages, at the edges of windows, or while others come."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import pairwise
from random import Random

import pytest

from core.channel import Capability, Window
from core.errors import NotFound
from core.model import AfterSale
from core.status import AfterSaleStage
from sandbox.model import RefundState
from tests.contract.bench import Bench, Walk
from tests.contract.channel import ChannelUnderTest
from tests.contract.skips import needs

PAGE = 3
CHANGING, GROWING, RETURNING = 200, 60, 20
"""Seeded runs per channel of the tests about lists that move while they are read."""

pytestmark = needs(Capability.ORDERS)


@pytest.fixture
def short_pages(channel: ChannelUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three rows a page, so that many pages cost little."""
    for module, name in channel.page_sizes:
        monkeypatch.setattr(import_module(module), name, PAGE)


def benches(channel: ChannelUnderTest, count: int) -> Iterator[tuple[Bench, Random]]:
    """A fresh bench and a die for every seed."""
    for seed in range(count // channel.one_in):
        bench = channel.bench(seed)
        yield bench, Random(seed)
        bench.close()


def settled(bench: Bench, since: datetime) -> Window:
    """A window from `since` that ends as long ago as the channel's lag says."""
    paging = bench.connector.channel.orders
    assert paging is not None
    return Window(since, bench.clock.now() - paging.lag)


def pull(bench: Bench, since: datetime, walk: Walk) -> None:
    """What the engine does later: another window that reaches back by the overlap."""
    paging = bench.connector.channel.orders
    assert paging is not None
    bench.world.advance((paging.lag + paging.overlap).total_seconds())
    for page in bench.connector.orders(settled(bench, since - paging.overlap)):
        walk.add(page)


def test_a_new_paid_order_is_found(bench: Bench) -> None:
    placed = bench.place()
    found = bench.walk(bench.window())
    assert found.seen == [placed.order_id]
    assert (found.bad, found.expected) == ([], 1)
    order = found.orders[placed.order_id]
    assert (order.shop_id, order.id) == (bench.connector.shop_id, placed.order_id)
    assert [line.quantity for line in order.lines] == [line.quantity for line in placed.lines]
    assert [line.sku_id for line in order.lines] == [line.sku_id for line in placed.lines]


def test_an_empty_window_is_empty(bench: Bench) -> None:
    found = bench.walk(bench.window())
    assert (found.seen, found.bad) == ([], [])
    assert not found.expected
    assert [(page.items, page.bad) for page in bench.after_sales() if page.items or page.bad] == []
    for item in bench.shop.items.values():
        bench.world.delete_item(bench.shop, item)
    assert [page.items for page in bench.connector.listings() if page.items] == []


def test_the_list_and_the_detail_tell_the_same_order(bench: Bench) -> None:
    placed = [bench.place(variant) for variant in ("plain", "coupons", "gift", "presale", "emoji", "risk")]
    found = bench.walk(bench.window())
    for each in placed:
        assert found.orders[each.order_id] == bench.read(each)


def test_a_second_reading_is_equal(bench: Bench) -> None:
    for variant in ("plain", "coupons", "gift", "emoji"):
        bench.place(variant)
    first = [item for page in bench.connector.orders(bench.window()) for item in page.items]
    bench.connector = bench.connect()
    second = [item for page in bench.connector.orders(bench.window()) for item in page.items]
    assert first == second


def test_what_does_not_exist_is_not_found(bench: Bench) -> None:
    placed = bench.place()
    nobody = placed.order_id[:-3] + "000"
    with pytest.raises(NotFound):
        bench.connector.order(nobody)


def test_every_row_of_a_long_list_comes_once(bench: Bench) -> None:
    placed = [bench.place(ago=1000 - n).order_id for n in range(230)]
    found = bench.walk(bench.window())
    assert sorted(set(found.seen)) == sorted(placed)
    assert found.expected == 230


def test_window_edges_lose_and_double_nothing(bench: Bench) -> None:
    start = bench.world.now() - 1200
    offsets = (0, 0.4, 1, 299, 299.5, 300, 300.4, 300.999, 301, 599.999, 600, 600.5)
    placed = {order.order_id: order.updated for order in (bench.place(ago=1200 - offset) for offset in offsets)}
    edges = [datetime.fromtimestamp(start + seconds, UTC) for seconds in (0, 300, 600, 602)]
    seen: dict[str, object] = {}
    for since, until in pairwise(edges):
        found = bench.walk(Window(since, until))
        assert len(found.seen) == len(set(found.seen))
        for order_id, order in found.orders.items():
            assert since.timestamp() - 1 < placed[order_id] < until.timestamp() + 1
            assert seen.setdefault(order_id, order) == order
    assert seen.keys() == placed.keys()


@pytest.mark.usefixtures("short_pages")
def test_orders_that_change_between_pages_hide_no_other(channel: ChannelUnderTest) -> None:
    """The sandbox changes an order after every page; it leaves the window and is found in the next one."""
    for bench, dice in benches(channel, CHANGING):
        since = bench.clock.now() - timedelta(minutes=25)
        placed = {bench.place(ago=dice.uniform(300, 1400)).order_id for _ in range(dice.randint(7, 14))}
        bench.fault("modify_between_pages")
        window = settled(bench, since)
        found = Walk()
        for page in bench.connector.orders(window):
            found.add(page)
            bench.world.advance(dice.choice((0, 0.5, 1)))
        untouched = {name for name in placed if bench.world.order(name).urged is None}
        assert untouched <= found.orders.keys(), bench.world.seed
        bench.world.faults.clear()
        pull(bench, window.until, found)
        assert found.orders.keys() == placed, bench.world.seed
        assert found.bad == []


@pytest.mark.usefixtures("short_pages")
def test_orders_placed_and_changed_during_a_walk_are_found_in_the_end(channel: ChannelUnderTest) -> None:
    for bench, dice in benches(channel, GROWING):
        since = bench.clock.now() - timedelta(minutes=25)
        placed = [bench.place(ago=dice.uniform(300, 1400)) for _ in range(dice.randint(7, 14))]
        window = settled(bench, since)
        found = Walk()
        for page in bench.connector.orders(window):
            found.add(page)
            bench.world.advance(dice.choice((0, 1, 5)))
            placed.append(bench.place())
            bench.world.set_memo(dice.choice(placed), "加急", None)
        pull(bench, window.until, found)
        assert found.orders.keys() == {each.order_id for each in placed}, bench.world.seed
        for each in placed:
            assert found.orders[each.order_id].memo.text == each.memo


@needs(Capability.AFTER_SALES)
@pytest.mark.usefixtures("short_pages")
def test_after_sales_that_change_between_pages_hide_no_other(channel: ChannelUnderTest) -> None:
    paging = channel.channel.after_sales
    assert paging is not None
    for bench, dice in benches(channel, RETURNING):
        refunds = []
        for _ in range(dice.randint(7, 11)):
            refunds.append(bench.world.request_refund(bench.place()))
            bench.world.advance(dice.choice((0, 1, 30)))
        bench.world.advance(paging.lag.total_seconds() + 1)
        window = Window(bench.clock.now() - timedelta(minutes=25), bench.clock.now() - paging.lag)
        told: dict[str, AfterSale] = {}
        for page in bench.connector.after_sales(window):
            told |= {item.value.id: item.value for item in page.items}
            bench.world.advance(1)
            moved = dice.choice(refunds)
            if moved.state is RefundState.REQUESTED:
                bench.world.withdraw_refund(moved)
        untouched = {channel.after_sale_id(refund) for refund in refunds if refund.state is RefundState.REQUESTED}
        assert untouched <= told.keys(), bench.world.seed
        bench.world.advance((paging.lag + paging.overlap).total_seconds())
        for page in bench.connector.after_sales(Window(window.until - paging.overlap, bench.clock.now() - paging.lag)):
            told |= {item.value.id: item.value for item in page.items}
        assert {name: one.refund for name, one in told.items()} == {
            channel.after_sale_id(one): one.amount for one in refunds
        }
        assert {one.id for one in told.values() if one.stage.value is AfterSaleStage.REQUESTED} == untouched


@needs(Capability.LISTINGS)
@pytest.mark.usefixtures("short_pages")
def test_every_listing_of_many_pages_comes_once(bench: Bench) -> None:
    gone = next(iter(bench.shop.items.values()))
    bench.world.delete_item(bench.shop, gone)
    seen = [item.value.id for page in bench.connector.listings() for item in page.items]
    assert sorted(seen) == sorted(set(bench.shop.items) - {gone.item_id})


@pytest.mark.usefixtures("short_pages")
def test_many_orders_of_one_second_are_all_found(bench: Bench) -> None:
    placed = {bench.place(ago=400).order_id for _ in range(23)} | {bench.place(ago=500).order_id for _ in range(9)}
    found = bench.walk(bench.window())
    assert found.orders.keys() == placed


def test_one_unreadable_row_does_not_stop_its_page(bench: Bench, channel: ChannelUnderTest) -> None:
    good, bad = bench.place(), bench.place()

    def spoil(answer: object) -> None:
        if isinstance(answer, dict):
            if str(answer.get(channel.row_id)) == bad.order_id:
                answer |= {name: "nonsense" for name in channel.row_fields if name in answer}
            answer = list(answer.values())
        if isinstance(answer, list):
            for value in answer:
                spoil(value)

    bench.wire.edit = spoil
    found = bench.walk(bench.window())
    assert list(found.orders) == [good.order_id]
    assert [row.id for row in found.bad] == [bad.order_id]
    assert "nonsense" not in found.bad[0].reason
