"""Pinduoduo's orders, after-sales, goods: windows, paging, lag, states, stock and price rules."""

from typing import Any

import pytest

from sandbox.faults import FaultRule
from sandbox.model import Order
from tests.sandbox.pdd_kit import Shopkeeper

INCREMENT = "pdd.order.number.list.increment.get"


def _increment(keeper: Shopkeeper, **changes: Any) -> Any:
    now = int(keeper.world.now())
    params = {
        "start_updated_at": now - 1800,
        "end_updated_at": now,
        "order_status": 5,
        "refund_status": 5,
        "is_lucky_flag": 0,
        "page": 1,
        "page_size": 100,
    }
    return keeper.call(INCREMENT, **(params | changes))


def _sns(answer: Any) -> list[str]:
    return [row["order_sn"] for row in answer["order_sn_list"]]


def _spread(keeper: Shopkeeper, count: int) -> list[Order]:
    """Orders one second apart, the last one now."""
    now = keeper.world.now()
    return [keeper.place(at=now - count + 1 + n) for n in range(count)]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"start_updated_at": 1767225600 - 1801}, 21001),
        ({"page_size": 101}, 21001),
        ({"page": 0}, 21001),
        ({"page": "x"}, 10000),
        ({"order_status": ""}, 21002),
        ({"order_status": 4}, 21001),
        ({"use_has_next": "True"}, 10000),
        ({"end_updated_at": ""}, 21002),
    ],
)
def test_bad_list_parameters(changes: dict[str, Any], code: int) -> None:
    assert _increment(Shopkeeper(), **changes)["error_code"] == code


def test_confirm_window_is_a_day() -> None:
    keeper = Shopkeeper()
    keeper.place()
    now = int(keeper.world.now())
    params = {"end_confirm_at": now, "order_status": 5, "refund_status": 5, "page": 1, "page_size": 100}
    assert keeper.call("pdd.order.list.get", start_confirm_at=now - 86_400, **params)["total_count"] == 1
    assert keeper.code("pdd.order.list.get", start_confirm_at=now - 86_401, **params) == 21001


def test_pages_newest_first_with_total_or_has_next() -> None:
    keeper = Shopkeeper()
    ids = [order.order_id for order in _spread(keeper, 25)]
    pages = [_increment(keeper, page=page, page_size=10) for page in (1, 2, 3, 4)]
    assert [page["total_count"] for page in pages] == [25] * 4
    assert [sn for page in pages for sn in _sns(page)] == ids[::-1]
    assert all("has_next" not in page for page in pages)
    more = [_increment(keeper, page=page, page_size=10, use_has_next=True) for page in (1, 2, 3)]
    assert [page["has_next"] for page in more] == [True, True, False]
    assert all("total_count" not in page for page in more)


def test_window_ends_are_both_included() -> None:
    keeper = Shopkeeper()
    order = keeper.place()
    now = int(keeper.world.now())
    assert _sns(_increment(keeper, start_updated_at=now, end_updated_at=now)) == [order.order_id]
    assert _sns(_increment(keeper, end_updated_at=now - 1)) == []


def test_paging_forward_loses_an_order_that_paging_backward_keeps() -> None:
    """The documented trap: an order updated between two pages shifts the rest."""
    for pages, complete in (((1, 2, 3), False), ((3, 2, 1), True)):
        keeper = Shopkeeper()
        orders = _spread(keeper, 30)
        keeper.world.advance(1)
        end = int(keeper.world.now())
        seen: set[str] = set()
        for page in pages:
            seen |= set(_sns(_increment(keeper, end_updated_at=end, page=page, page_size=10)))
            if page == pages[0]:
                keeper.world.advance(10)
                keeper.world.urge(orders[25])
        lost = {order.order_id for order in orders} - seen - {orders[25].order_id}
        assert (not lost) is complete


def test_modify_between_pages_fault_moves_an_order() -> None:
    keeper = Shopkeeper()
    _spread(keeper, 5)
    keeper.world.advance(60)
    keeper.world.faults.add(FaultRule(kind="modify_between_pages", channel="pinduoduo", times=1))
    before = _sns(_increment(keeper))
    assert _sns(_increment(keeper)) != before


def test_unpaid_and_ungrouped_orders_are_not_listed() -> None:
    keeper = Shopkeeper()
    keeper.place(paid=False)
    waiting = keeper.place(variant="group")
    assert _increment(keeper)["total_count"] == 0
    keeper.world.release(waiting)
    assert _sns(_increment(keeper)) == [waiting.order_id]


def test_status_filters() -> None:
    keeper = Shopkeeper()
    to_ship, shipped, received, refunded = (keeper.place() for _ in range(4))
    keeper.ship(shipped)
    keeper.ship(received, "YT2222222")
    keeper.world.receive(received)
    refund = keeper.world.request_refund(refunded)
    assert _sns(_increment(keeper, refund_status=2)) == [refunded.order_id]
    keeper.world.agree_refund(refund)
    keeper.world.refund_paid(refund)
    assert _sns(_increment(keeper, refund_status=4)) == [refunded.order_id]
    assert set(_sns(_increment(keeper, order_status=1))) == {to_ship.order_id, refunded.order_id}
    assert _sns(_increment(keeper, order_status=2)) == [shipped.order_id]
    assert _sns(_increment(keeper, order_status=3, use_has_next=True)) == [received.order_id]


def test_index_lag_hides_fresh_orders_from_lists_and_queries() -> None:
    keeper = Shopkeeper(index_lag={"pinduoduo": 30})
    order = keeper.place()
    assert _increment(keeper)["total_count"] == 0
    answer = keeper.call("pdd.order.information.get", order_sn=order.order_id)
    assert (answer["error_code"], answer["sub_code"]) == (50001, "45001")
    keeper.world.advance(31)
    assert _increment(keeper)["total_count"] == 1
    assert keeper.call("pdd.order.information.get", order_sn=order.order_id)["order_info"]["order_status"] == 1


def test_orders_older_than_ninety_days_are_not_found() -> None:
    keeper = Shopkeeper()
    order = keeper.place()
    keeper.shop.grant.access_expires += 91 * 86_400
    keeper.world.advance(91 * 86_400)
    assert keeper.call("pdd.order.information.get", order_sn=order.order_id)["sub_code"] == "45001"
    assert keeper.call("pdd.order.status.get", order_sns=order.order_id)["order_status_list"][0]["order_status"] == 0


def test_receiver_is_shown_only_while_the_order_waits_for_shipping() -> None:
    keeper = Shopkeeper()
    plain, risky = keeper.place(), keeper.place(variant="risk")

    def shown(order: Order) -> dict[str, Any]:
        info: dict[str, Any] = keeper.call("pdd.order.information.get", order_sn=order.order_id)["order_info"]
        return info

    assert shown(plain)["receiver_name"][0] == shown(plain)["receiver_name"][-1] == "~"
    assert (shown(risky)["receiver_phone"], shown(risky)["risk_control_status"]) == ("", 1)
    keeper.world.advance(3601)
    assert shown(risky)["receiver_phone"].startswith("$")
    keeper.ship(plain)
    assert shown(plain)["receiver_name"] == ""
    assert shown(plain)["receiver_name_mask"]


def test_equal_receivers_have_equal_index_and_different_cipher() -> None:
    keeper = Shopkeeper()
    one = keeper.place()
    other = keeper.place(buyer=one.buyer)
    phones = [
        keeper.call("pdd.order.information.get", order_sn=each.order_id)["order_info"]["receiver_phone"]
        for each in (one, other)
    ]
    first, second = (phone.split("$") for phone in phones)
    assert first[1] == second[1]
    assert first[2] != second[2]


def test_shipping_rules() -> None:
    keeper = Shopkeeper()
    order, risky = keeper.place(), keeper.place(variant="risk")
    assert keeper.ship(order, redelivery_type=2)["error_code"] == 50001
    assert (
        keeper.call("pdd.logistics.online.send", order_sn=order.order_id, logistics_id=3, tracking_number="HT12345")[
            "error_code"
        ]
        == 50001
    )
    assert keeper.ship(risky)["error_code"] == 50001
    assert keeper.ship(order)["is_success"] is True
    assert keeper.ship(order)["error_code"] == 50001
    assert order.ship_accepts == 1
    assert keeper.ship(order, "YT0000000000002", redelivery_type=2)["is_success"] is True
    info = keeper.call("pdd.order.information.get", order_sn=order.order_id)["order_info"]
    assert (info["order_status"], info["logistics_id"], info["tracking_number"]) == (2, 85, "YT0000000000002")
    asked = keeper.place()
    keeper.world.request_refund(asked)
    assert keeper.ship(asked)["error_code"] == 50001


def test_foreign_orders_are_not_found() -> None:
    keeper = Shopkeeper()
    assert keeper.call("pdd.order.information.get", order_sn="260101-000000000000000")["sub_code"] == "45001"


def test_refund_life_with_both_numberings_and_units() -> None:
    keeper = Shopkeeper()
    order = keeper.place()
    sku = keeper.world.sku(keeper.shop, order.lines[0].sku_id)
    sellable = sku.sellable
    refund = keeper.world.request_refund(order)
    now = int(keeper.world.now())
    window = {"start_updated_at": now - 60, "end_updated_at": now, "page": 1, "page_size": 100, "after_sales_status": 2}
    assert keeper.call("pdd.refund.list.increment.get", after_sales_type=3, **window)["total_count"] == 0
    row = keeper.call("pdd.refund.list.increment.get", after_sales_type=2, **window)["refund_list"][0]
    key = {"order_sn": order.order_id, "after_sales_id": refund.refund_id}
    detail = keeper.call("pdd.refund.information.get", **key)
    assert (row["after_sales_type"], detail["after_sales_type"]) == (2, 1)
    assert row["refund_amount"] == f"{detail['refund_amount'] / 100:.2f}"
    assert keeper.call("pdd.refund.agree", request=key)["result"]["succ"] is True
    again = keeper.call("pdd.refund.agree", request=key)["result"]
    assert again["succ"] is False
    info = keeper.call("pdd.order.information.get", order_sn=order.order_id)["order_info"]
    assert (info["order_status"], info["refund_status"], info["after_sales_status"]) == (1, 4, 10)
    assert sku.sellable == sellable + order.lines[0].quantity


def test_stock_writes() -> None:
    keeper = Shopkeeper()
    item = next(iter(keeper.shop.items.values()))
    sku = next(iter(item.skus.values()))
    write = {"goods_id": item.item_id, "sku_id": sku.sku_id}
    assert keeper.call("pdd.goods.quantity.update", **write, quantity=5)["is_success"] is True
    assert keeper.call("pdd.goods.quantity.update", **write, quantity=-3, update_type=2)["is_success"] is True
    assert (sku.sellable, sku.last_set.kind) == (2, "delta")
    assert keeper.code("pdd.goods.quantity.update", **write, quantity=-3, update_type=2) == 50001
    assert keeper.code("pdd.goods.quantity.update", **write, quantity=-1) == 21001
    item.promoted = True
    assert keeper.code("pdd.goods.quantity.update", **write, quantity=1) == 50001
    assert keeper.call("pdd.goods.quantity.update", **write, quantity=9)["is_success"] is True


def test_a_price_edit_waits_for_review() -> None:
    keeper = Shopkeeper()
    item = next(iter(keeper.shop.items.values()))
    sku = next(iter(item.skus.values()))
    before = sku.price.sale

    def edit(group: int, single: int, **more: Any) -> Any:
        rows = [{"sku_id": int(sku.sku_id), "group_price": group, "single_price": single, "is_onsale": 1}]
        return keeper.call(
            "pdd.goods.sku.price.update", goods_id=item.item_id, market_price=99_900, sku_price_list=rows, **more
        )

    assert edit(7000, 7000, sync_goods_operate=1)["error_code"] == 50001
    commit = edit(4321, 5000, sync_goods_operate=1)["goods_commit_id"]
    status = {"goods_commit_id_list": [commit]}
    assert sku.price.sale == before
    assert keeper.call("pdd.goods.commit.status.get", **status)["list"][0]["check_status"] == 1
    keeper.world.advance(6)
    assert sku.price.sale == 4321
    assert keeper.call("pdd.goods.commit.status.get", **status)["list"][0]["check_status"] == 2


def test_price_update_relists_the_item_unless_told_otherwise() -> None:
    keeper = Shopkeeper()
    item = next(each for each in keeper.shop.items.values() if not each.on_shelf)
    rows = [{"sku_id": next(iter(item.skus)), "group_price": 100, "single_price": 200}]
    keeper.call(
        "pdd.goods.sku.price.update", goods_id=item.item_id, market_price=900, sku_price_list=rows, sync_goods_operate=1
    )
    assert item.on_shelf is False
    keeper.call("pdd.goods.sku.price.update", goods_id=item.item_id, market_price=900, sku_price_list=rows)
    assert item.on_shelf is True


def test_goods_list_uses_one_filter_only() -> None:
    keeper = Shopkeeper()
    both = keeper.call("pdd.goods.list.get", page=1, page_size=100, is_onsale=1, outer_id="SKU-0001")
    assert both["total_count"] == 11
    by_code = keeper.call("pdd.goods.list.get", page=1, page_size=100, outer_id="SKU-0001")
    assert by_code["total_count"] == 2, "a merchant code that two items share"


def test_status_words_of_the_trade() -> None:
    keeper = Shopkeeper()
    deposit = keeper.place(variant="deposit")
    keeper.world.pay(deposit)
    info = keeper.call("pdd.order.information.get", order_sn=deposit.order_id)["order_info"]
    assert (info["trade_type"], info["step_order_info"]["step_trade_status"]) == (1, 2)
    lottery = keeper.place(variant="lottery")
    assert _sns(_increment(keeper, is_lucky_flag=2)) == [lottery.order_id]
    gift = keeper.place(variant="gift")
    info = keeper.call("pdd.order.information.get", order_sn=gift.order_id)["order_info"]
    assert len(info["item_list"]) == len(info["gift_list"]) == 1
