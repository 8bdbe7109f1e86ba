"""JD orders in the sandbox: states, money, windows and pages, memos, shipping."""

from decimal import Decimal
from typing import Any

import pytest

from sandbox.faults import FaultRule
from sandbox.jd.order_wire import NEVER, when
from sandbox.jd.states import TEXTS
from sandbox.model import Order
from sandbox.steps import STEPS
from tests.sandbox.jd_kit import START, Keeper

MONEY = (
    "orderTotalPrice,sellerDiscount,orderSellerPrice,orderPayment,freightPrice,balanceUsed,taxFee,serviceFee,"
    "couponDetailList"
)
SHIPMENT = "jingdong.pop.order.shipment"


def money_of(keeper: Keeper, order: Order) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """(amounts by field, discounts by type number)."""
    told = keeper.told(order, MONEY)
    coupons: dict[str, Decimal] = {}
    for row in told.pop("couponDetailList"):
        number = row["couponType"].partition("-")[0]
        coupons[number] = coupons.get(number, Decimal(0)) + Decimal(row["couponPrice"])
        assert bool(row["skuId"]) == (number == "30")
    return {name: Decimal(text) for name, text in told.items()}, coupons


@pytest.mark.parametrize("variant", ["plain", "coupons", "gift", "several", "prepaid"])
def test_money_adds_up(variant: str) -> None:
    keeper = Keeper()
    order = keeper.order(variant, quantity=3)
    told, coupons = money_of(keeper, order)
    assert told["orderSellerPrice"] == told["orderTotalPrice"] - told["sellerDiscount"]
    assert told["sellerDiscount"] == coupons.get("30", 0) + coupons.get("100", 0)
    platform = coupons.get("39", Decimal(0)) + coupons.get("41", Decimal(0))
    prepaid = coupons.get("52", Decimal(0)) + told["balanceUsed"]
    assert told["orderPayment"] == told["orderSellerPrice"] - platform - prepaid + told["freightPrice"]
    assert (told["orderPayment"] + prepaid) * 100 == order.pay_amount
    assert (platform > 0) == (variant == "coupons")
    assert (prepaid > 0) == (variant == "prepaid")


def test_coupon_totals_repeat_the_orders_money() -> None:
    keeper = Keeper()
    order = keeper.order("coupons")
    told, coupons = money_of(keeper, order)
    totals = keeper.call("jingdong.pop.order.coupondetail", orderId=int(order.order_id))["couponDetailExternal"]
    vo = totals["couponDetailVo"]
    assert Decimal(str(vo["totalItemPrice"])) == told["orderTotalPrice"]
    assert Decimal(str(vo["totalShouldPay"])) == told["orderPayment"]
    assert Decimal(str(vo["totalJingDou"])) == coupons["39"]
    assert Decimal(str(vo["totalCoupon"])).quantize(Decimal("0.01")) == coupons["41"] + coupons["100"]


def test_paid_on_delivery() -> None:
    keeper = Keeper()
    order = keeper.order("cod", paid=False)
    told = keeper.told(order, "payType,paymentConfirmTime,orderPayment,orderState")
    assert (told["payType"], told["paymentConfirmTime"]) == ("1-货到付款", NEVER)
    assert told["orderState"] == "WAIT_SELLER_STOCK_OUT"
    assert Decimal(told["orderPayment"]) % Decimal("0.5") == 0


def test_gifts_cost_nothing_and_have_no_line_id() -> None:
    keeper = Keeper()
    rows = keeper.told(keeper.order("gift"), "itemInfoList")["itemInfoList"]
    assert [row["jdPrice"] == "0.00" for row in rows] == [False, True]
    assert not {name for row in rows for name in row if "line" in name.lower() or name == "id"}


# States

FROM_THE_START: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "WAIT_SELLER_STOCK_OUT": [],
    "PAUSE": [("hold", {})],
    "LOCKED": [("request_refund", {})],
    "TRADE_CANCELED": [("cancel", {})],
    "WAIT_GOODS_RECEIVE_CONFIRM": [("ship", {"carrier": "467", "tracking_no": "SF0000000000001"})],
    "FINISHED_L": [("ship", {"carrier": "467", "tracking_no": "SF0000000000001"}), ("receive", {}), ("finish", {})],
    "DELIVERY_RETURN": [
        ("ship", {"carrier": "467", "tracking_no": "SF0000000000001"}),
        ("force_state", {"state": "DELIVERY_RETURN"}),
    ],
    "UN_KNOWN": [("force_state", {"state": "UN_KNOWN"})],
}
BY_VARIANT = {
    "POP_ORDER_PAUSE": "group",
    "WAIT_SEND_CODE": "virtual",
    "WAIT_SELLER_DELIVERY": "overseas",
    "PARENT_TRADE_CANCELED": "split",
}


@pytest.mark.parametrize("state", TEXTS)
def test_every_state_can_be_reached(state: str) -> None:
    keeper = Keeper()
    order = keeper.order(BY_VARIANT.get(state, "plain"), paid=state != "NOT_PAY")
    for name, arguments in FROM_THE_START.get(state, []):
        STEPS[name](keeper.world, order, **arguments)
    told = keeper.told(order, "orderState,orderStateRemark")
    assert told == {"orderState": state, "orderStateRemark": TEXTS[state]}
    assert order.order_id in keeper.ids(order_state=state)


def test_a_refund_locks_and_its_withdrawal_unlocks() -> None:
    keeper = Keeper()
    order = keeper.order()
    refund = keeper.world.request_refund(order)
    assert keeper.state(order) == "LOCKED"
    assert keeper.ship(order)["errorCode"] == "10400013"
    keeper.world.withdraw_refund(refund)
    assert keeper.state(order) == "WAIT_SELLER_STOCK_OUT"
    assert keeper.ship(order)["success"]
    keeper.world.request_refund(order)
    locked = keeper.told(order, "orderState,logisticsId")
    assert locked == {"orderState": "LOCKED", "logisticsId": "467"}, "it had already shipped"


def test_a_hold_pauses_until_it_is_released() -> None:
    keeper = Keeper(risk_hold=100)
    order = keeper.order("risk")
    assert keeper.state(order) == "PAUSE"
    assert keeper.ship(order)["errorCode"] == "10400012"
    keeper.world.advance(101)
    assert keeper.state(order) == "WAIT_SELLER_STOCK_OUT"


def test_splitting_replaces_the_order_by_children() -> None:
    keeper = Keeper()
    parent = keeper.order("split", paid=False)
    whole = parent.pay_amount
    keeper.world.advance(10)
    keeper.world.pay(parent)
    paid_at = keeper.world.now()
    keeper.world.advance(2)
    told = keeper.told(parent, MONEY + ",orderState,modified")
    assert told["orderState"] == "PARENT_TRADE_CANCELED"
    assert told["modified"] == when(paid_at + 1)
    assert {told[name] for name in ("orderTotalPrice", "orderPayment", "freightPrice")} == {"0.00"}
    children = [keeper.world.order(order_id) for order_id in parent.children]
    assert len(children) == 2
    assert sum(child.pay_amount for child in children) == whole
    for child in children:
        row = keeper.told(child, "orderState,parentOrderId,directParentOrderId")
        assert row == {
            "orderState": "WAIT_SELLER_STOCK_OUT",
            "parentOrderId": parent.order_id,
            "directParentOrderId": parent.order_id,
        }
        assert keeper.ship(child)["success"]
    for line in parent.lines:
        sku = keeper.world.sku(keeper.shop, line.sku_id)
        assert sku.held == 0


def test_an_unpaid_order_is_cancelled_after_exactly_a_day() -> None:
    keeper = Keeper()
    order, paid = keeper.order(paid=False), keeper.order(paid=False)
    keeper.world.pay(paid)
    keeper.world.advance(86_400 - 10)
    assert keeper.state(order) == "NOT_PAY"
    keeper.world.advance(1000)
    told = keeper.told(order, MONEY + ",orderState,orderEndTime,paymentConfirmTime")
    assert (told["orderState"], told["orderEndTime"]) == ("TRADE_CANCELED", when(START + 86_400))
    assert told["paymentConfirmTime"] == NEVER
    assert told["orderTotalPrice"] == "0.00" != told["orderPayment"], "the totals are gone, the payment is left"
    assert keeper.state(paid) == "WAIT_SELLER_STOCK_OUT"


def test_a_finished_order_was_modified_five_seconds_after_its_end() -> None:
    keeper = Keeper()
    order = keeper.received()
    keeper.world.advance(100)
    keeper.world.finish(order)
    told = keeper.told(order, "orderEndTime,modified")
    assert told == {"orderEndTime": when(keeper.world.now() - 5), "modified": when(keeper.world.now())}


# Lists


def test_only_named_fields_come_back() -> None:
    keeper = Keeper()
    keeper.order()
    rows = keeper.search(optional_fields="orderId,noSuchField,venderRemark")["orderInfoList"]
    assert [set(row) for row in rows] == [{"orderId", "venderRemark"}]


@pytest.mark.parametrize(
    "wrong",
    [
        {"optional_fields": ""},
        {"optional_fields": None},
        {"order_state": None},
        {"page_size": "101"},
        {"page": "0"},
        {"page": None},
        {"start_date": ""},
        {"start_date": "2026-03-15"},
        {"end_date": "2026-03-01 00:00:00"},
    ],
    ids=str,
)
def test_wrong_queries_are_business_errors(wrong: dict[str, Any]) -> None:
    found = Keeper().search(**wrong)
    assert not found["apiResult"]["success"]
    assert (found["orderTotal"], found["orderInfoList"]) == (0, [])


def test_dates_may_be_left_out_only_for_orders_to_ship() -> None:
    keeper = Keeper()
    order = keeper.order()
    none = {"start_date": "", "end_date": ""}
    assert keeper.ids(**none, order_state="WAIT_SELLER_STOCK_OUT") == [order.order_id]
    assert not keeper.search(**none, order_state="ALL")["apiResult"]["success"]


def test_windows_are_half_open_on_seconds() -> None:
    keeper = Keeper()
    order = keeper.order()
    modified = int(order.updated)
    for start, end, inside in ((0, 1, True), (1, 2, False), (-1, 0, False)):
        ids = keeper.ids(start_date=when(modified + start), end_date=when(modified + end))
        assert (order.order_id in ids) is inside
    created = keeper.ids(dateType=1, start_date=when(order.created), end_date=when(order.created + 1))
    assert created == [order.order_id]


def test_versions_of_an_order_never_share_a_second() -> None:
    keeper = Keeper()
    order = keeper.order()
    seen = [keeper.told(order)["modified"]]
    for text in "一二三":
        keeper.world.set_memo(order, text, 1)
        seen.append(keeper.told(order)["modified"])
    assert seen == sorted(set(seen))


def test_pages_in_both_directions_hold_everything_once() -> None:
    keeper = Keeper()
    placed = [keeper.order().order_id for _ in range(7)]
    for direction, expected in ((0, placed), (1, placed[::-1])):
        pages = [keeper.ids(page=str(n), page_size="3", sortType=direction) for n in (1, 2, 3, 4)]
        assert [len(page) for page in pages] == [3, 3, 1, 0]
        assert [order_id for page in pages for order_id in page] == expected
    assert keeper.search(page_size="3")["orderTotal"] == 7


def test_a_change_between_pages_skips_a_row_of_an_open_window() -> None:
    keeper = Keeper()
    placed = [keeper.order().order_id for _ in range(4)]
    first = keeper.ids(page_size="2")
    keeper.world.urge(keeper.world.order(placed[0]))
    second = keeper.ids(page="2", page_size="2")
    assert placed[2] not in first + second, "it moved to the first page when the first row left it"


def test_the_fault_between_pages_is_that_change() -> None:
    keeper = Keeper()
    for _ in range(4):
        keeper.order()
    before = {order_id: order.updated for order_id, order in keeper.world.book(keeper.shop).orders.items()}
    keeper.world.faults.add(FaultRule(kind="modify_between_pages", channel="jd", times=1))
    keeper.search(page_size="2")
    after = {order_id: order.updated for order_id, order in keeper.world.book(keeper.shop).orders.items()}
    assert sum(before[each] != after[each] for each in before) == 1


def test_late_indexes_hide_fresh_rows() -> None:
    keeper = Keeper(index_lag={"jd": 30})
    order = keeper.order()
    assert keeper.ids() == []
    missing = keeper.call("jingdong.pop.order.enGet", order_id=int(order.order_id), optional_fields="orderId")
    assert missing["orderDetailInfo"]["apiResult"]["numberCode"] == 10100012
    keeper.world.advance(31)
    assert keeper.ids() == [order.order_id]


def test_unpaid_orders_have_a_list_of_their_own() -> None:
    keeper = Keeper()
    order, paid = keeper.order("several", paid=False), keeper.order()
    assert keeper.ids() == [paid.order_id]
    window = {"startDate": when(START - 60), "endDate": when(START + 60), "page": 1, "pageSize": 1}
    found = keeper.call("jingdong.pop.order.notPayOrderInfo", **window)["paginatedInfo"]
    assert [row["orderId"] for row in found["pageList"]] == [int(order.order_id)]
    assert (found["totalItem"], found["totalPage"], len(found["pageList"][0]["itemList"])) == (1, 1, 2)
    one = keeper.call("jingdong.pop.order.notPayOrderById", orderId=int(order.order_id))
    assert one["orderDataNotPayInfo"] == found["pageList"][0]
    gone = keeper.call("jingdong.pop.order.notPayOrderById", orderId=int(paid.order_id))
    assert not gone["apiResult"]["success"]
    assert not keeper.call("jingdong.pop.order.notPayOrderInfo", **(window | {"pageSize": 101}))["apiResult"]["success"]


# Memos


def test_a_memo_gets_a_suffix_and_is_overwritten_with_its_flag() -> None:
    keeper = Keeper()
    order = keeper.order("emoji")
    method = "jingdong.pop.order.modifyVenderRemark"
    assert keeper.call(method, order_id=int(order.order_id), flag=3, remark="@仓库 加急🚚")["modifyvenderremark_result"]
    remark = keeper.told(order, "venderRemark")["venderRemark"]
    assert remark.startswith("@仓库 加急🚚【")
    assert remark.endswith(f"{when(keeper.world.now())}】")
    read = keeper.call("jingdong.order.venderRemark.queryByOrderId", order_id=int(order.order_id))
    assert read["venderRemarkQueryResult"]["vender_remark"]["remark"] == remark
    keeper.call(method, order_id=int(order.order_id), remark="改")
    assert (order.memo, order.flag) == ("改", 0)
    for wrong in ({"remark": "长" * 501}, {"remark": "x", "flag": 6}):
        result = keeper.call(method, order_id=int(order.order_id), **wrong)["modifyvenderremark_result"]
        assert not result["success"]
    assert order.memo == "改"


def test_memos_by_time_give_one_page_of_a_hundred() -> None:
    keeper = Keeper()
    orders = [keeper.order() for _ in range(3)]
    for order in orders:
        keeper.world.set_memo(order, "记", 1)
        keeper.world.advance(1)
    method = "jingdong.pop.order.getRemarkByModifyTime"
    window = {"startTime": when(START), "endTime": when(keeper.world.now())}
    found = keeper.call(method, **window, page=1, sortTime=-1)["getremarkbymodifytime_result"]
    assert [row["orderId"] for row in found["remarkList"]] == [int(order.order_id) for order in orders][::-1]
    assert found["totleNum"] == 3
    assert keeper.call(method, **window, page=2)["getremarkbymodifytime_result"]["remarkList"] == []
    created = keeper.call("jingdong.pop.order.getRemarkByCreateTime", **window)["getremarkbymodifytime_result"]
    assert created["totleNum"] == 3
    wide = keeper.call(method, **(window | {"startTime": "2026-01-01 00:00:00"}))["getremarkbymodifytime_result"]
    assert wide["resultCode"] == 10100006


# Shipping


def test_several_companies_and_numbers_in_one_call() -> None:
    keeper = Keeper()
    order = keeper.order("several")
    assert keeper.ship(order, "467|1499", "SF0000000000002,SF0000000000003|75000000000001")["success"]
    told = keeper.told(order, "logisticsId,waybill,orderState,partialLogisticsInfoModel")
    assert told == {
        "logisticsId": "467|1499",
        "waybill": "SF0000000000002,SF0000000000003|75000000000001",
        "orderState": "WAIT_GOODS_RECEIVE_CONFIRM",
        "partialLogisticsInfoModel": [],
    }
    assert order.ship_accepts == 1


@pytest.mark.parametrize(
    ("companies", "numbers", "code"),
    [
        ("1", "SF0000000000001", "10400018"),
        ("467", "", "10400020"),
        ("467", "有", "10400020"),
        ("467|1499", "SF0000000000001", "10400019"),
        ("", "SF0000000000001", "10100001"),
    ],
)
def test_wrong_parcels_are_refused(companies: str, numbers: str, code: str) -> None:
    keeper = Keeper()
    order = keeper.order()
    assert keeper.ship(order, companies, numbers)["errorCode"] == code
    assert keeper.state(order) == "WAIT_SELLER_STOCK_OUT"


def test_own_delivery_needs_no_number() -> None:
    keeper = Keeper()
    order = keeper.order()
    assert keeper.ship(order, "1274", "")["success"]
    assert keeper.told(order, "logisticsId,waybill") == {"logisticsId": "1274", "waybill": ""}


@pytest.mark.parametrize(
    ("variant", "paid", "code"),
    [
        ("plain", False, "10400011"),
        ("virtual", True, "10400011"),
        ("group", True, "10400012"),
        ("platform_stock", True, "10400017"),
        ("split", True, "10400011"),
    ],
)
def test_only_orders_to_ship_are_shipped(variant: str, paid: bool, code: str) -> None:
    keeper = Keeper()
    assert keeper.ship(keeper.order(variant, paid=paid))["errorCode"] == code


def test_a_transient_failure_ships_nothing() -> None:
    keeper = Keeper()
    order = keeper.order()
    keeper.world.faults.add(FaultRule(kind="system_error", channel="jd", method=SHIPMENT, code=999999, times=1))
    failed = keeper.ship(order)
    assert (failed["success"], failed["errorCode"], failed["chineseErrCode"]) == (False, "999999", "系统异常")
    assert order.ship_accepts == 0
    assert keeper.ship(order)["success"]


def _outship(keeper: Keeper, orders: list[Order], *deliveries: dict[str, Any]) -> dict[str, Any]:
    entry = {"orderIds": [int(each.order_id) for each in orders], "deliveryNumberDtoList": list(deliveries)}
    answer = keeper.call("jingdong.pop.order.partial.outship", request={"belongType": 1, "data": [entry]})
    data: dict[str, Any] = answer["response"]["data"]
    return data


def test_parts_are_shipped_line_by_line_and_numbers_changed_one_by_one() -> None:
    keeper = Keeper()
    order = keeper.order("several", quantity=2)
    goods = {"skuId": int(order.lines[0].sku_id), "num": 1}
    part = {"deliveryId": 467, "deliveryNums": ["SF0000000000004"], "partialShipmentGoodsList": [goods]}
    number = int(order.order_id)
    judged = keeper.call("jingdong.pop.order.partialship.judge", request={"data": {"orderList": [number]}})
    assert judged["response"]["data"]["partialShipmentItemList"][0]["supportPartialShipment"]
    assert _outship(keeper, [order], part) == {"successList": [number], "failList": []}
    told = keeper.told(order, "orderState,waybill,partialLogisticsInfoModel")
    assert (told["orderState"], told["waybill"]) == ("WAIT_SELLER_STOCK_OUT", "SF0000000000004")
    assert told["partialLogisticsInfoModel"][0]["skus"] == [{"skuUuid": "u-0001"} | goods]
    too_many = part | {"partialShipmentGoodsList": [goods | {"num": 9}]}
    assert _outship(keeper, [order], too_many)["failList"][0]["code"] == 10400014
    rest = {"deliveryId": 1499, "deliveryNums": ["75000000000001"]}
    assert _outship(keeper, [order], rest)["successList"] == [number]
    assert keeper.state(order) == "WAIT_GOODS_RECEIVE_CONFIRM"
    change = {"shipmentId": 2, "logicId": "463", "waybillId": "YT0000000000009"}
    update = {"data": {"orderId": number, "partialShipmentInfoList": [change]}}
    method = "jingdong.pop.order.waybill.update"
    assert keeper.call(method, request=update)["response"] == {"code": 0, "msg": "", "data": True}
    assert keeper.told(order, "waybill")["waybill"] == "SF0000000000004|YT0000000000009"
    change["shipmentId"] = 3
    assert keeper.call(method, request=update)["response"]["code"] == 10400021


def test_one_failing_order_of_several_fails_alone() -> None:
    keeper = Keeper()
    fine, sent = keeper.order(), keeper.shipped()
    data = _outship(keeper, [sent, fine], {"deliveryId": 467, "deliveryNums": ["SF0000000000005"]})
    assert data["successList"] == [int(fine.order_id)]
    assert [(row["orderId"], row["code"]) for row in data["failList"]] == [(int(sent.order_id), 10400010)]
    third = keeper.order()
    keeper.world.faults.add(FaultRule(kind="partial_failure", channel="jd", times=1))
    assert _outship(keeper, [third], {"deliveryId": 1274})["failList"][0]["code"] == 999999
    assert third.ship_accepts == 0


def test_all_numbers_of_a_shipped_order_anew() -> None:
    keeper = Keeper()
    order = keeper.order()
    method = "jingdong.pop.order.sop.logistics.update"
    wanted = {
        "oneGlobalOrderModelNoLogistic": {"orderId": int(order.order_id)},
        "logisticsGlobalModelList": [{"logiCoprId": "463", "logiNoList": ["YT0000000000001", "YT0000000000002"]}],
    }
    assert keeper.call(method, **wanted)["returnType"]["resultCode"] == "10400011", "nothing to change yet"
    keeper.ship(order)
    keeper.world.advance(5)
    assert keeper.call(method, **wanted)["returnType"]["success"]
    told = keeper.told(order, "logisticsId,waybill,modified")
    assert (told["logisticsId"], told["waybill"]) == ("463", "YT0000000000001,YT0000000000002")
    assert told["modified"] == when(keeper.world.now())


def test_an_address_can_be_changed_before_shipping() -> None:
    keeper = Keeper()
    order = keeper.order()
    wanted = {
        "orderId": int(order.order_id), "customerName": "王一", "customerPhone": "17000009999", "provinceId": 15,
        "cityId": 1213, "countyId": 3411, "townId": -1, "detailAddr": "示例路2号",
    }  # fmt: skip
    assert keeper.call("jingdong.pop.order.modifyOrderAddr", **wanted) == {"success": True}
    assert (order.buyer.name, order.buyer.address.district) == ("王一", "西湖区")
    assert keeper.call("jingdong.pop.order.modifyOrderAddr", **(wanted | {"countyId": 1})) == {"success": False}
    keeper.ship(order)
    assert keeper.call("jingdong.pop.order.modifyOrderAddr", **wanted) == {"success": False}


def test_another_shops_order_does_not_exist() -> None:
    keeper = Keeper()
    order = keeper.order()
    order_id = order.order_id
    del keeper.world.book(keeper.shop).orders[order_id]
    assert keeper.ship(order)["errorCode"] == "10100012"
