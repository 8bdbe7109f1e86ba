"""Shipping, after-sale decisions, stock, price and shelf of the simulated Douyin shop."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.faults import FaultRule
from sandbox.model import Order, RefundState, Sku, State
from tests.sandbox.douyin_kit import Shop

SF = {"company_code": "shunfeng", "logistics_code": "SF1234567890123"}
YUNDA = {"company_code": "yunda", "logistics_code": "430000000000001"}


def business(number: int) -> tuple[int, str]:
    return 50002, f"isv.business-failed:{number}"


def pieces(order: Order, *numbers: int) -> list[dict[str, Any]]:
    return [
        {"shipped_order_id": line.line_id, "shipped_num": number}
        for line, number in zip(order.lines, numbers, strict=False)
        if number
    ]


# Shipping


def test_an_order_is_shipped_once() -> None:
    shop = Shop()
    order = shop.order()
    assert shop.data("order.logisticsAdd", order_id=order.order_id, **SF) == {}
    assert shop.refused("order.logisticsAdd", order_id=order.order_id, **SF) == business(60110)
    assert (order.state, order.ship_accepts) == (State.SHIPPED, 1)
    row = shop.data("order.orderDetail", shop_order_id=order.order_id)["shop_order_detail"]
    assert [(each["company"], each["tracking_no"]) for each in row["logistics_info"]] == [
        ("shunfeng", "SF1234567890123")
    ]


def test_states_that_cannot_ship() -> None:
    shop = Shop()
    cancelled, finished = shop.order(), shop.order()
    shop.world.cancel(cancelled)
    shop.world.ship(finished, "yunda", "430000000000077")
    shop.world.finish(finished)
    for order, number in (
        (shop.order(paid=False), 60137),
        (shop.order(variant="deposit"), 60137),
        (shop.order(variant="risk"), 60109),
        (cancelled, 60021),
        (finished, 60113),
    ):
        assert shop.refused("order.logisticsAdd", order_id=order.order_id, **SF) == business(number)
        assert order.ship_accepts == (order is finished)


def test_parcel_data_that_is_refused() -> None:
    shop = Shop()
    order = shop.order()
    for change, wanted in (
        ({"company_code": ""}, (40002, "isv.missing-parameter:60011")),
        ({"company_code": "owl"}, business(60018)),
        ({"logistics_code": ""}, (40004, "isv.parameter-invalid:60017")),
        ({"logistics_code": "YT1234567890"}, business(60127)),
        ({"address_id": 7}, business(60134)),
        ({"order_id": "x"}, (40004, "isv.parameter-invalid:50049")),
        ({"order_id": "123"}, business(60033)),
    ):
        assert shop.refused("order.logisticsAdd", **({"order_id": order.order_id} | SF | change)) == wanted
    shop.data("order.logisticsAdd", order_id=order.order_id, **SF)
    stranger = shop.order(buyer=shop.world.some_buyer())
    while stranger.buyer == order.buyer:
        stranger = shop.order(buyer=shop.world.some_buyer())
    assert shop.refused("order.logisticsAdd", order_id=stranger.order_id, **SF) == business(70022)


def test_a_pending_refund_blocks_shipping_unless_it_is_refused() -> None:
    shop = Shop()
    order = shop.order()
    refund = shop.world.request_refund(order)
    assert shop.refused("order.logisticsAdd", order_id=order.order_id, **SF) == business(60040)
    shop.data("order.logisticsAdd", order_id=order.order_id, is_reject_refund=True, **SF)
    assert (refund.state, order.state) == (RefundState.CLOSED, State.SHIPPED)


def test_multi_pack_ships_in_steps_and_answers_a_repeated_request_again() -> None:
    shop = Shop()
    order = shop.order(variant="several", quantity=3)

    def ship(request_id: str, *packs: tuple[dict[str, str], tuple[int, ...]]) -> Any:
        rows = [parcel | {"shipped_order_info": pieces(order, *numbers)} for parcel, numbers in packs]
        return shop.call("order.logisticsAddMultiPack", order_id=order.order_id, request_id=request_id, pack_list=rows)

    too_many = ship("r0", (SF, (2, 0)), (YUNDA, (2, 1)))
    assert (too_many["code"], too_many["sub_code"]) == business(70023)
    assert order.packages == []
    first = ship("r1", (SF, (2, 0)))
    assert order.state is State.PART_SHIPPED
    assert ship("r1", (SF, (2, 0)))["data"] == first["data"]
    assert order.ship_accepts == 1
    assert shop.refused("order.logisticsAdd", order_id=order.order_id, **YUNDA)[0] == 50002
    again = {"company_code": "yunda", "logistics_code": "430000000000002"}
    assert ship("r2", (YUNDA, (1, 0)), (again, (0, 1)))["code"] == 10000
    assert (order.state, order.ship_accepts, len(order.packages)) == (State.SHIPPED, 2, 3)
    assert shop.refused("order.logisticsAddMultiPack", order_id=order.order_id, pack_list=[])[1].endswith(":50050")
    assert shop.refused("order.logisticsEdit", order_id=order.order_id, **SF) == business(70011)
    pack = order.packages[2]
    shop.data("order.logisticsEditByPack", order_id=order.order_id, pack_id=pack.pack_id, **YUNDA)
    assert pack.tracking_no == YUNDA["logistics_code"]


def test_single_pack_wants_one_receiver() -> None:
    shop = Shop()
    order = shop.order(quantity=1)
    sister = shop.order(buyer=order.buyer, quantity=1)
    ids = [order.order_id, sister.order_id]
    infos = pieces(order, 1) + pieces(sister, 1)
    call = {"order_id_list": ids, "shipped_order_info": infos, "request_id": "r"} | SF
    pack = shop.data("order.logisticsAddSinglePack", **call)["pack_id"]
    assert shop.data("order.logisticsAddSinglePack", **call)["pack_id"] == pack
    assert [each.packages[0].pack_id for each in (order, sister)] == [pack, pack]
    stranger = shop.order(quantity=1)
    while stranger.buyer == order.buyer:
        stranger = shop.order(quantity=1)
    other = shop.order(buyer=order.buyer, quantity=1)
    call |= {"order_id_list": [stranger.order_id, other.order_id], "request_id": "r2"}
    assert shop.refused("order.logisticsAddSinglePack", **call) == business(70020)


def test_a_waybill_is_drawn_once_and_given_back_only_unused() -> None:
    shop = Shop()
    order = shop.order()

    def draw(pack_id: str = "") -> str:
        infos = [{"order_id": order.order_id, "pack_id": pack_id}]
        made = shop.data("logistics.newCreateOrder", logistics_code="zhongtong", order_infos=infos)["ebill_infos"]
        return str(made[0]["track_no"])

    first = draw()
    assert draw() == first
    second = draw("2")
    assert second != first
    row = {"logistics_code": "zhongtong", "track_no": second}
    shop.data("logistics.cancelOrder", **row)
    assert shop.refused("logistics.cancelOrder", **row) == business(10801)
    row["track_no"] = first
    assert shop.data("logistics.trackNoRouteDetail", **row)["route__node_list"] == []
    shop.data("order.logisticsAdd", order_id=order.order_id, company_code="zhongtong", logistics_code=first)
    assert shop.refused("logistics.cancelOrder", **row) == business(10804)
    shop.world.advance(43_200)
    shop.world.receive(order)
    states = [
        node["state_description"] for node in shop.data("logistics.trackNoRouteDetail", **row)["route__node_list"]
    ]
    assert states == ["已揽收", "运输中", "已签收"]


# After-sale


def decide(shop: Shop, kind: int, refund_id: str, **more: Any) -> Any:
    return shop.call("afterSale.operate", type=kind, items=[{"aftersale_id": refund_id} | more])


def test_refund_before_shipping_cancels_the_order_and_returns_the_stock() -> None:
    shop = Shop()
    order = shop.order()
    sku = shop.world.sku(shop.shop, order.lines[0].sku_id)
    before = sku.sellable
    refund = shop.world.request_refund(order)
    assert decide(shop, 201, refund.refund_id)["sub_code"] == "isv.business-failed:20309541"
    assert decide(shop, 401, refund.refund_id)["data"]["items"][0]["aftersale_id"] == int(refund.refund_id)
    assert (order.state, refund.state) == (State.CANCELLED, RefundState.REFUNDED)
    assert sku.sellable == before + order.lines[0].quantity
    row = shop.data("order.orderDetail", shop_order_id=order.order_id)["shop_order_detail"]
    assert (row["order_status"], row["main_status"]) == (4, 21)
    assert shop.refused("order.logisticsAdd", order_id=order.order_id, **SF) == business(60068)


def test_a_decision_on_a_stale_application_is_refused() -> None:
    shop = Shop()
    order = shop.order()
    shop.world.ship(order, "yunda", "430000000000009")
    refund = shop.world.request_refund(order)
    seen = int(refund.updated)
    shop.world.advance(5)
    shop.world.modify_refund(refund, reason="又想了想")
    assert decide(shop, 201, refund.refund_id, update_time=seen)["code"] == 50002
    assert decide(shop, 202, refund.refund_id)["code"] == 40004
    assert decide(shop, 202, refund.refund_id, remark="已签收", update_time=int(refund.updated))["code"] == 10000
    row = shop.data("afterSale.Detail", after_sale_id=refund.refund_id)["process_info"]["after_sale_info"]
    assert (row["after_sale_status"], row["after_sale_type"]) == (27, 1)


def test_a_return_goes_its_way() -> None:
    shop = Shop()
    order = shop.order()
    shop.world.ship(order, "yunda", "430000000000009")
    refund = shop.world.request_refund(order, kind="return")
    seen = []
    steps: list[Callable[[], Any]] = [
        lambda: decide(shop, 101, refund.refund_id, logistics={"receiver_address_id": 95250001}),
        lambda: shop.world.return_goods(refund, "yuantong", "YT0000000000099"),
        lambda: decide(shop, 112, refund.refund_id, remark="吊牌已拆"),
        lambda: decide(shop, 111, refund.refund_id),
    ]
    for step in steps:
        step()
        info = shop.data("afterSale.List", aftersale_id=refund.refund_id)["items"][0]["aftersale_info"]
        seen.append((info["aftersale_status"], info["refund_status"]))
    assert seen == [(7, 1), (11, 1), (29, 1), (12, 3)]


def test_buyer_withdraws_and_refund_status_stays_one() -> None:
    shop = Shop()
    order = shop.order()
    shop.world.withdraw_refund(shop.world.request_refund(order))
    line = shop.data("order.orderDetail", shop_order_id=order.order_id)["shop_order_detail"]["sku_order_list"][0]
    assert line["after_sale_info"] == {"after_sale_status": 28, "after_sale_type": 2, "refund_status": 1}


def test_after_sale_pages_by_update_time() -> None:
    shop = Shop()
    refunds = []
    for _ in range(5):
        refunds.append(shop.world.request_refund(shop.order()).refund_id)
        shop.world.advance(10)
    now = int(shop.world.now())
    window = {"update_start_time": now - 50, "update_end_time": now, "order_by": ["update_time asc"], "size": 2}
    pages = [shop.data("afterSale.List", page=page, **window) for page in range(4)]
    found = [item["aftersale_info"]["aftersale_id"] for page in pages for item in page["items"]]
    assert found == refunds
    assert [page["has_more"] for page in pages] == [True, True, False, False]
    open_ended = shop.data("afterSale.List", start_time=now - 50, end_time=now - 10, size=100)
    assert [item["aftersale_info"]["aftersale_id"] for item in open_ended["items"]] == refunds[:4][::-1]
    for wrong in ({"size": 101}, {"page": -1}, {"order_by": ["colour asc"]}, {"page": 501, "size": 100}):
        assert shop.refused("afterSale.List", **wrong) == (40004, "isv.parameter-invalid:11000")


# Stock, price, shelf


def first_sku(shop: Shop) -> tuple[dict[str, int], Sku]:
    item = next(iter(shop.shop.items.values()))
    sku = next(iter(item.skus.values()))
    return {"product_id": int(item.item_id), "sku_id": int(sku.sku_id)}, sku


def test_absolute_stock_excludes_held_pieces() -> None:
    shop = Shop()
    ids, sku = first_sku(shop)
    shop.order(sku=sku, quantity=2)
    shop.data("sku.syncStock", stock_num=7, **ids)
    row = shop.data("sku.stockNum", sku_id=ids["sku_id"])
    assert (row["stock_num"], row["prehold_stock_num"]) == (7, 2)


def test_increments_need_an_id_that_works_once() -> None:
    shop = Shop()
    ids, sku = first_sku(shop)
    before = sku.sellable
    assert shop.refused("sku.syncStock", incremental=True, stock_num=-5, **ids)[0] == 40002
    change = ids | {"incremental": True, "stock_num": -5, "idempotent_id": "k1"}
    shop.data("sku.syncStock", **change)
    assert shop.refused("sku.syncStock", **change) == (40004, "isv.parameter-invalid:40010")
    assert sku.sellable == before - 5
    shop.world.advance(86_400)
    shop.data("sku.syncStock", **change)
    assert shop.refused("sku.syncStock", **(change | {"stock_num": -(10**6), "idempotent_id": "k2"})) == business(
        2010012
    )
    assert shop.data("sku.syncStock", **(change | {"idempotent_id": "k2", "stock_num": 1})) == {}


def test_batch_is_all_or_nothing() -> None:
    shop = Shop()
    item = next(iter(shop.shop.items.values()))
    one, two = list(item.skus.values())[:2]
    before = one.sellable, two.sellable
    rows = [{"sku_id": int(one.sku_id), "stock_num": 5}, {"sku_id": int(two.sku_id), "stock_num": -1}]
    batch = {"product_id": int(item.item_id), "sku_sync_list": rows, "idempotent_id": "b1"}
    assert shop.refused("sku.syncStockBatch", **batch) == business(2010012)
    assert (one.sellable, two.sellable) == before
    rows[1]["stock_num"] = 6
    shop.data("sku.syncStockBatch", **batch)
    assert (one.sellable, two.sellable) == (5, 6)
    assert shop.refused("sku.syncStockBatch", **batch) == (40004, "isv.parameter-invalid:2010021")


def test_many_products_all_or_nothing_or_partly() -> None:
    shop = Shop()
    ids, sku = first_sku(shop)
    before = sku.sellable
    rows = [ids | {"stock_num": 9}, {"product_id": 1, "sku_id": 2, "stock_num": 9}]
    call = {"items": rows, "idempotent_id": "m1"}
    assert shop.refused("sku.syncStockBatchMultiProducts", **call) == (40004, "isv.parameter-invalid:-10002")
    assert sku.sellable == before
    results = shop.data("sku.syncStockBatchMultiProducts", allow_partial_success=True, **call)["results"]
    assert [row["status_code"] for row in results] == [0, -10002]
    assert (results[0]["stock_num"], results[0]["change_num"]) == (9, 9 - before)
    assert shop.refused("sku.syncStockBatchMultiProducts", **call) == business(-20002)
    many = {"items": [ids | {"stock_num": 1}] * 51}
    assert shop.refused("sku.syncStockBatchMultiProducts", **many) == (40004, "isv.parameter-invalid:-30001")
    shop.world.faults.add(FaultRule(kind="partial_failure", channel="douyin", times=1))
    answer = shop.data(
        "sku.syncStockBatchMultiProducts", items=[ids | {"stock_num": 3}] * 2, allow_partial_success=True
    )
    assert [row["status_code"] for row in answer["results"]] == [-5000, 0]


def test_region_stock_needs_its_warehouse() -> None:
    shop = Shop()
    ids, sku = first_sku(shop)
    stocks = [{"out_warehouse_id": "HZ", "stock_num": 20}, {"out_warehouse_id": "GZ", "stock_num": 5}]
    batch = {
        "product_id": ids["product_id"],
        "sku_sync_list": [{"sku_id": ids["sku_id"], "sku_type": 1, "stock_map": stocks}],
    }
    assert shop.refused("sku.syncStockBatch", **batch)[0] == 40004
    for name in ("HZ", "GZ"):
        shop.data("warehouse.createV2", out_warehouse_id=name, name=name)
    shop.data("sku.syncStockBatch", **batch)
    assert shop.refused("sku.syncStock", stock_num=9, **ids) == (40004, "isv.parameter-invalid:40004")
    shop.data("sku.syncStock", stock_num=9, out_warehouse_id="HZ", **ids)
    shop.order(sku=sku, quantity=3)
    row = shop.data("sku.list", product_id=ids["product_id"])[0]
    assert (row["sku_type"], row["stock_num"], row["stock_map"]) == (1, 11, {"HZ": 6, "GZ": 5})


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["set", "add", "sell", "cancel", "ship", "refund"]), st.integers(0, 9)), max_size=25
    )
)
def test_stock_identity(steps: list[tuple[str, int]]) -> None:
    """sellable == last set - sold since + given back since, whatever happens in whatever order."""
    shop = Shop()
    ids, sku = first_sku(shop)
    orders: list[Order] = []
    for number, (what, amount) in enumerate(steps):
        if what == "set":
            shop.data("sku.syncStock", stock_num=amount, **ids)
        elif what == "add":
            shop.call("sku.syncStock", stock_num=amount - 5, incremental=True, idempotent_id=f"k{number}", **ids)
        elif what == "sell" and sku.sellable:
            orders.append(shop.order(sku=sku, quantity=min(1 + amount, sku.sellable), restock=False))
        elif orders and what == "cancel":
            shop.world.cancel(orders.pop())
        elif orders and what == "ship":
            order = orders.pop()
            shop.data(
                "order.logisticsAdd", order_id=order.order_id, **(YUNDA | {"logistics_code": f"4300{number:08d}"})
            )
        elif orders and what == "refund":
            decide(shop, 401, shop.world.request_refund(orders.pop()).refund_id)
        assert sku.sellable == sku.last_set.quantity - sku.sold_since + sku.given_back_since >= 0
        row = shop.data("sku.stockNum", sku_id=ids["sku_id"])
        held = sum(line.quantity for order in orders for line in order.lines)
        assert (row["stock_num"], row["prehold_stock_num"]) == (sku.sellable, held)


def test_price_holds_at_once() -> None:
    shop = Shop()
    ids, _ = first_sku(shop)
    shop.data("sku.editPrice", price="4321", **ids)
    assert shop.data("sku.list", product_id=ids["product_id"])[0]["price"] == 4321
    assert shop.refused("sku.editPrice", price=0, **ids)[0] == 40004
    assert shop.refused("sku.editPrice", **ids)[0] == 40002
    assert shop.refused("sku.editPrice", price=1, product_id=ids["product_id"], sku_id=1) == (
        40004,
        "isv.parameter-invalid:5",
    )


def test_shelf_says_already() -> None:
    shop = Shop()
    item = next(iter(shop.shop.items.values()))
    product = int(item.item_id)
    assert shop.refused("product.setOnline", product_id=product) == (40004, "isv.parameter-invalid:2010021")
    shop.data("product.setOffline", product_id=product)
    assert shop.data("product.detail", product_id=str(product))["status"] == 1
    shop.world.delete_item(shop.shop, item)
    assert shop.refused("product.setOnline", product_id=product) == (40004, "isv.parameter-invalid:2010022")


def test_products_by_page_and_by_cursor() -> None:
    shop = Shop()
    everything = {item.item_id for item in shop.shop.items.values()}
    paged = [shop.data("product.listV2", page=page, size=5)["data"] for page in (1, 2, 3, 4)]
    assert {str(row["product_id"]) for rows in paged for row in rows} == everything
    assert [len(rows) for rows in paged] == [5, 5, 2, 0]
    cursor, found = "", []
    while True:
        answer = shop.data("product.listV2", page=1, size=5, use_cursor=True, cursor_id=cursor)
        if not answer["data"]:
            break
        found += [str(row["product_id"]) for row in answer["data"]]
        cursor = answer["cursor_id"]
    assert sorted(found) == sorted(everything)
    on_sale = shop.data("product.listV2", status=0, check_status=3, size=100)
    assert on_sale["total"] == len(everything) - 1
    assert shop.refused("product.listV2", page=0) == (40004, "isv.parameter-invalid:2010004")


@pytest.mark.parametrize("offset", [0, 1])
def test_product_time_bounds_are_exclusive(offset: int) -> None:
    shop = Shop()
    at = int(shop.world.now())
    data = shop.data("product.listV2", update_start_time=at - offset, update_end_time=at + 1, size=100)
    assert bool(data["total"]) == bool(offset)
