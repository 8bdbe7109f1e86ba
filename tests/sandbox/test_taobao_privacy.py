"""Searching trades by receiver, the quotas of opening and searching, and the audit of both."""

from typing import Any

import pytest

from sandbox.model import Buyer, Order
from sandbox.taobao.call import Opened
from sandbox.taobao.gateway import Platform
from sandbox.taobao.values import when
from tests.sandbox.taobao_kit import Seller

FIND, OPEN = "taobao.trades.sold.query", "taobao.top.oaid.decrypt"
OAID = "receiver_name,receiver_address,created,receiver_mobile,receiver_phone,oaid"
DAY = 86_400


def found(seller: Seller, *conditions: dict[str, Any], scene: str = "1001", **more: Any) -> list[str]:
    answer = seller.call(FIND, query_list=list(conditions), scene=scene, **more)
    tids: list[str] = answer.get("tid_list", {}).get("string", [])
    assert ("tid_list" in answer) is bool(tids)
    return tids


def audit(seller: Seller) -> list[Opened]:
    platform = seller.sandbox.platforms["taobao"]
    assert isinstance(platform, Platform)
    return platform.memory.opened


def orders_of(seller: Seller, buyer: Buyer, *hours: int) -> list[Order]:
    return [seller.order(buyer=buyer, at=seller.world.now() - each * 3600) for each in hours]


def test_trades_are_found_by_their_receiver() -> None:
    seller = Seller()
    other = seller.order()
    buyer = seller.stranger()
    old, new = orders_of(seller, buyer, 3, 1)
    both = [new.order_id, old.order_id]
    assert found(seller, {"receiver_name": buyer.name}) == both
    assert found(seller, {"receiver_mobile": buyer.phone}) == both
    assert found(seller, {"receiver_name": buyer.name, "receiver_mobile": other.buyer.phone}) == []
    assert found(seller, {"receiver_phone": buyer.phone}) == []
    either = found(seller, {"receiver_name": buyer.name}, {"receiver_mobile": other.buyer.phone}, scene="1002")
    assert sorted(either) == sorted([*both, other.order_id])
    assert found(seller, {"receiver_name": buyer.name}, order_type="3") == []


def test_a_search_has_a_time_and_an_end() -> None:
    seller = Seller()
    buyer = seller.stranger()
    *_, new = orders_of(seller, buyer, *range(101, 0, -1))
    whole = found(seller, {"receiver_name": buyer.name})
    assert (len(whole), whole[0]) == (100, new.order_id)
    at = when(new.created)
    assert found(seller, {"receiver_name": buyer.name, "start_created": at, "end_created": at}) == [new.order_id]


def test_trades_of_more_than_three_months_ago_are_not_found() -> None:
    seller = Seller()
    buyer = seller.stranger()
    [old, young] = orders_of(seller, buyer, 91 * 24, 89 * 24)
    assert found(seller, {"receiver_name": buyer.name, "start_created": when(old.created)}) == [young.order_id]


@pytest.mark.parametrize(
    "wrong",
    [
        {"query_list": []},
        {"query_list": [{"start_created": "2024-03-15 10:00:00"}]},
        {"query_list": [{"receiver_name": "x"}] * 21},
        {"query_list": [{"receiver_name": "x", "end_created": "yesterday"}]},
        {"scene": "2001"},
        {"order_type": "4"},
    ],
)
def test_wrong_searches(wrong: dict[str, Any]) -> None:
    asked = {"query_list": [{"receiver_name": "x"}], "scene": "1001"} | wrong
    assert Seller().refused(FIND, **asked).startswith("41")


def test_opening_and_searching_have_quotas_of_a_day_and_an_audit() -> None:
    seller = Seller(reveals_a_day={"taobao": 2}, searches_a_day={"taobao": 1})
    order = seller.order()
    query = {"oaid": seller.detail(order, OAID)["oaid"], "tid": order.order_id, "scene": "1006"}
    condition = [{"receiver_name": order.buyer.name}]
    for _ in range(2):
        seller.call(OPEN, query_list=[query])
    assert found(seller, *condition) == [order.order_id]
    for method, asked in ((OPEN, {"query_list": [query]}), (FIND, {"query_list": condition, "scene": "1001"})):
        refusal = seller.refused(method, **asked)
        assert "accesscontrol.limited-by-app-api-access-count" in refusal
    assert [(each.method, each.scene, each.tid) for each in audit(seller)] == [
        (OPEN, "1006", order.order_id),
        (OPEN, "1006", order.order_id),
        (FIND, "1001", ""),
    ]
    assert order.buyer.name not in repr(audit(seller))
    seller.world.advance(DAY)
    seller.call(OPEN, query_list=[query])


@pytest.mark.parametrize("method", [OPEN, FIND])
def test_both_need_a_permission(method: str) -> None:
    seller = Seller()
    seller.shop.scopes = frozenset({"taobao.trade.fullinfo.get"})
    assert seller.refused(method, query_list=[{}], scene="1001").startswith("11")


def test_putting_on_sale_keeps_what_unpaid_orders_withhold() -> None:
    seller = Seller(taobao_sub_stock=2)
    plain = next(item for item in seller.shop.items.values() if list(item.skus) == [item.item_id])
    [sku] = plain.skus.values()
    seller.world.set_stock(seller.shop, sku, 10)
    seller.order(sku=sku, quantity=3, paid=False)
    listing = "taobao.item.update.listing"
    seller.call(listing, num_iid=plain.item_id, num="10")
    assert sku.sellable == 7
    seller.call(listing, num_iid=plain.item_id, num="12")
    assert sku.sellable == 9
    assert "isv.error-inventory-invalid-item-quantity" in seller.refused(listing, num_iid=plain.item_id, num="2")


def test_an_item_without_stock_is_not_put_on_sale() -> None:
    seller = Seller()
    item = next(item for item in seller.shop.items.values() if list(item.skus) != [item.item_id])
    for sku in item.skus.values():
        seller.world.set_stock(seller.shop, sku, 0)
    refusal = seller.refused("taobao.item.update.listing", num_iid=item.item_id, num="5")
    assert "isv.item-listing-service-error" in refusal
