"""JD's refund applications (`pop.afs.soa.*`) and service orders (`asc.*`) in the sandbox."""

from typing import Any

import pytest

from sandbox.gateway import NoAnswer
from sandbox.jd.desk import application_id
from sandbox.jd.states import order_state
from sandbox.model import Refund, RefundState, State
from sandbox.world import FaultRule, Refused
from tests.sandbox.jd_kit import FIXTURES, TOKEN, Keeper, differences, sample

REFUND = "jingdong.pop.afs.soa.refundapply."
OPERATOR = {"buId": "10000001", "operatePin": "erp-user", "operateNick": "erp-user"}
CHECKED = {
    "receivePin": "erp-user", "receiveName": "erp-user", "packingState": 10, "qualityState": 10, "invoiceRecord": 10,
    "judgmentReason": 10, "accessoryOrGift": 10, "appearanceState": 10,
}  # fmt: skip
REQUESTS = sorted(
    path.name.removesuffix(".json")
    for kind in ("refund", "aftersale", "item", "sku", "stock", "price")
    for path in FIXTURES.glob(f"{kind}.*.request.json")
)


def rows(keeper: Keeper, **wanted: Any) -> list[dict[str, Any]]:
    result = keeper.call(REFUND + "queryPageList", **({"pageSize": 50} | wanted))["queryResult"]
    assert result["success"]
    found: list[dict[str, Any]] = result["result"]
    return found


def application(keeper: Keeper, refund: Refund) -> dict[str, Any]:
    found = keeper.call(REFUND + "queryById", id=int(application_id(refund)))["queryResult"]["result"]
    assert len(found) == 1
    row: dict[str, Any] = found[0]
    return row


def reply(keeper: Keeper, refund: Refund, status: int, **more: Any) -> dict[str, Any]:
    wanted = {"id": int(application_id(refund)), "status": status, "checkUserName": "erp-user", "remark": "好"}
    result: dict[str, Any] = keeper.call(REFUND + "replyRefund", **(wanted | more))["replyResult"]
    return result


def asc(keeper: Keeper, name: str, refund: Refund | None = None, **more: Any) -> dict[str, Any]:
    ids = {} if refund is None else {"serviceId": int(refund.refund_id), "orderId": int(refund.order_id)}
    members = keeper.call(f"jingdong.asc.{name}", **(OPERATOR | ids | more))
    assert len(members) == 1
    result: dict[str, Any] = members.popitem()[1]
    return result


def bill(keeper: Keeper, refund: Refund) -> dict[str, Any]:
    found: dict[str, Any] = asc(keeper, "query.view", refund)["data"]
    return found


def decide(keeper: Keeper, name: str, refund: Refund, **more: Any) -> None:
    version = bill(keeper, refund)["sysVersion"]
    result = asc(keeper, name, refund, sysVersion=version, approveNotes="同意", **more)
    assert result == {"success": True, "code": "0", "msg": "", "data": None}


def service(keeper: Keeper, kind: str = "return") -> Refund:
    return keeper.world.request_refund(keeper.received(), kind=kind)


def returned(keeper: Keeper, kind: str = "return") -> Refund:
    """A service order whose goods were agreed to come back and were registered."""
    refund = service(keeper, kind)
    decide(keeper, "audit.send", refund)
    keeper.world.return_goods(refund, "圆通", "YT0000000000099")
    assert asc(keeper, "receive.register", refund, **CHECKED)["success"]
    return refund


@pytest.mark.parametrize("name", REQUESTS)
def test_request_samples_pass_the_gateway(name: str) -> None:
    keeper = Keeper()
    keeper.world.set_tokens(keeper.shop, TOKEN, "refresh")
    answer = keeper.post(sample(name)["form"])
    assert "error_response" not in answer
    assert answer[sample(name)["form"]["method"].replace(".", "_") + "_responce"]["code"] == "0"


def test_refund_answers_have_the_samples_fields_and_types() -> None:
    keeper = Keeper()
    refund = keeper.world.request_refund(keeper.order())
    ids = {"id": int(refund.refund_id)}
    for name, params in (("refund.list", {"pageIndex": 1, "pageSize": 50}), ("refund.get", ids)):
        method = sample(f"{name}.request")["form"]["method"]
        assert differences(sample(f"{name}.response"), keeper.answer(method, **params)) == []
    method = REFUND + "replyRefund"
    agreed = keeper.answer(method, **ids, status=1, remark="同意退款", checkUserName="erp-user", outWareStatus=2)
    assert agreed == sample("refund.agree.response")
    late = keeper.answer(method, **ids, status=2, remark="商品已在配送途中", rejectType=1)
    assert late == sample("refund.refuse.response")


def test_service_answers_have_the_samples_fields_and_types() -> None:
    keeper = Keeper()
    refund = service(keeper)
    decide(keeper, "audit.send", refund)
    names = {"sync_list": "sync.list", "query_list": "query.list", "view": "query.view"}
    for name, method in names.items():
        ours = {f"jingdong_asc_{method.replace('.', '_')}_responce": _wrapped(asc(keeper, method, refund), name)}
        assert differences(sample(f"aftersale.{name}.response"), ours) == []
    keeper.world.return_goods(refund, "圆通", "YT0000000000099")
    received = keeper.answer("jingdong.asc.receive.register", **OPERATOR, **CHECKED, serviceId=int(refund.refund_id))
    assert received == sample("aftersale.receive.response")
    assert reply(keeper, refund, 1)["success"]
    view = keeper.answer("jingdong.asc.serviceAndRefund.view", orderId=refund.order_id, pageNumber=1, pageSize=45)
    assert differences(sample("aftersale.refund_view.response"), view) == []


def _wrapped(result: dict[str, Any], name: str) -> dict[str, Any]:
    return {"code": "0", ("result" if name == "view" else "pageResult"): result}


def test_an_application_locks_the_order_and_agreeing_ends_it() -> None:
    keeper = Keeper()
    order = keeper.order(quantity=2)
    sku = keeper.world.sku(keeper.shop, order.lines[0].sku_id)
    before = sku.sellable
    refund = keeper.world.request_refund(order)
    assert order_state(order) == "LOCKED"
    row = application(keeper, refund)
    assert (row["status"], row["applyRefundSum"], row["checkTime"]) == (0, float(order.pay_amount), None)
    assert keeper.call(REFUND + "getWaitRefundNum")["queryResult"]["totalCount"] == 1
    assert reply(keeper, refund, 1)["success"]
    assert order_state(order) == "TRADE_CANCELED"
    assert sku.sellable == before + 2
    assert application(keeper, refund)["status"] == 3
    assert keeper.call(REFUND + "getWaitRefundNum")["queryResult"]["totalCount"] == 0
    assert not reply(keeper, refund, 1)["success"]


def test_an_application_is_for_every_line_of_the_order() -> None:
    keeper = Keeper()
    order = keeper.order(variant="several")
    refund = keeper.world.request_refund(order)
    with pytest.raises(Refused, match="running"):
        keeper.world.request_refund(order, line=order.lines[1])
    assert refund.amount == order.pay_amount
    reply(keeper, refund, 9, remark="")
    assert order.state is State.CANCELLED
    assert all(line.cancelled for line in order.lines)


def test_a_refused_application_unlocks_the_order_and_the_buyer_may_apply_anew() -> None:
    keeper = Keeper()
    order = keeper.order()
    refund = keeper.world.request_refund(order)
    assert reply(keeper, refund, 2, rejectType=5)["success"]
    assert order_state(order) == "WAIT_SELLER_STOCK_OUT"
    row = application(keeper, refund)
    assert (row["status"], row["checkUserName"], row["checkRemark"]) == (2, "erp-user", "好")
    again = keeper.world.request_refund(order)
    assert [row["id"] for row in rows(keeper, orderId=order.order_id)] == [int(again.refund_id), int(refund.refund_id)]


def test_the_warehouse_may_say_something_about_known_applications() -> None:
    keeper = Keeper()
    refund = keeper.world.request_refund(keeper.order())
    known = {"orderId": refund.order_id, "refId": int(refund.refund_id), "status": 1}
    assert keeper.call(REFUND + "updateWarehouseStatus", **known)["returnType"]["success"]
    assert not keeper.call(REFUND + "updateWarehouseStatus", **(known | {"refId": 1}))["returnType"]["success"]


def test_withdrawn_applications_say_eleven() -> None:
    keeper = Keeper()
    refund = keeper.world.request_refund(keeper.order())
    keeper.world.withdraw_refund(refund)
    assert application(keeper, refund)["status"] == 11


def test_money_back_takes_the_finance_departments_time() -> None:
    keeper = Keeper(refund_delay=3600)
    refund = keeper.world.request_refund(keeper.order())
    reply(keeper, refund, 1)
    assert application(keeper, refund)["status"] == 1
    assert order_state(keeper.world.order(refund.order_id)) == "LOCKED"
    keeper.world.advance(3601)
    assert application(keeper, refund)["status"] == 3


def test_parcels_on_their_way_can_be_intercepted_or_followed_up() -> None:
    keeper = Keeper()
    inside = keeper.world.request_refund(keeper.order())
    assert reply(keeper, inside, 6)["errorMsg"] == "未出库的订单不能拦截"
    order = keeper.shipped()
    refund = keeper.world.request_refund(order)
    assert reply(keeper, refund, 10)["success"]
    assert application(keeper, refund)["status"] == 10
    assert reply(keeper, refund, 6)["success"]
    assert application(keeper, refund)["status"] == 6
    for code in (7, 8, 4, 5):
        keeper.world.force_code(refund, code)
        assert application(keeper, refund)["status"] == code
    keeper.world.refund_paid(refund)
    assert application(keeper, refund)["status"] == 3
    assert order_state(order) == "TRADE_CANCELED"


@pytest.mark.parametrize(
    "wrong",
    [{"status": 3}, {"remark": ""}, {"rejectType": 9, "status": 2}, {"outWareStatus": 3}, {"id": 1}, {"id": ""}],
)
def test_wrong_replies_are_refused_and_change_nothing(wrong: dict[str, Any]) -> None:
    keeper = Keeper()
    refund = keeper.world.request_refund(keeper.order())
    assert not reply(keeper, refund, **({"status": 1} | wrong))["success"]
    assert refund.state is RefundState.REQUESTED


def test_windows_are_by_apply_time_unless_the_modified_ones_are_asked_for() -> None:
    keeper = Keeper()
    refund = keeper.world.request_refund(keeper.order())
    keeper.world.advance(86_400)
    reply(keeper, refund, 2)
    first = {"applyTimeStart": "2026-03-15 10:00:00", "applyTimeEnd": "2026-03-15 11:00:00"}
    second = {"applyTimeStart": "2026-03-16 10:00:00", "applyTimeEnd": "2026-03-16 11:00:00"}
    modified = {"modifiedStart": "2026-03-16 10:00:00", "modifiedEnd": "2026-03-16 11:00:00"}
    checked = {"checkTimeStart": "2026-03-16 10:00:00", "checkTimeEnd": "2026-03-16 11:00:00"}
    assert len(rows(keeper, **first)) == len(rows(keeper, **modified)) == len(rows(keeper, **checked)) == 1
    assert rows(keeper, **second) == []
    swapped = {"applyTimeStart": "2026-03-15 11:00:00", "applyTimeEnd": "2026-03-15 10:00:00"}
    assert rows(keeper, **swapped) == []
    assert len(rows(keeper, applyTimeStart="2026-03-15 10:20:30")) == 1
    assert rows(keeper, applyTimeEnd="2026-03-15 10:20:30") == []


def test_pages_filters_and_skus_of_the_refund_list() -> None:
    keeper = Keeper()
    refunds = [keeper.world.request_refund(keeper.order()) for _ in range(3)]
    reply(keeper, refunds[0], 1)
    page = keeper.call(REFUND + "queryPageList", pageIndex=2, pageSize=2)["queryResult"]
    assert (page["totalCount"], [row["id"] for row in page["result"]]) == (3, [int(refunds[0].refund_id)])
    assert [row["id"] for row in rows(keeper, status=3)] == [int(refunds[0].refund_id)]
    assert len(rows(keeper, ids=f"{refunds[1].refund_id},{refunds[2].refund_id}", showSku=True)[0]["skuVoList"]) == 1
    for wrong in ({"pageSize": 51}, {"pageIndex": 0}, {"pageIndex": 101}):
        assert not keeper.call(REFUND + "queryPageList", **wrong)["queryResult"]["success"]


def test_a_return_ends_in_an_application_that_the_shop_must_answer() -> None:
    keeper = Keeper()
    refund = service(keeper)
    assert bill(keeper, refund)["serviceStatus"] == 10001
    assert rows(keeper) == []
    decide(keeper, "audit.send", refund)
    assert bill(keeper, refund)["serviceStatus"] == 10005
    assert [row["serviceId"] for row in asc(keeper, "receive.list")["data"]] == [int(refund.refund_id)]
    keeper.world.return_goods(refund, "圆通", "YT0000000000099")
    assert asc(keeper, "freight.view", refund)["data"]["expressCode"] == "YT0000000000099"
    assert asc(keeper, "receive.register", refund, **CHECKED)["success"]
    assert bill(keeper, refund)["serviceStatus"] == 10041
    [row] = rows(keeper)
    assert (row["status"], row["applyRefundSum"]) == (0, float(refund.amount))
    assert row["id"] != int(refund.refund_id)
    assert order_state(keeper.world.order(refund.order_id)) == "WAIT_GOODS_RECEIVE_CONFIRM"
    assert reply(keeper, refund, 1)["success"]
    assert application(keeper, refund)["status"] == 3
    assert bill(keeper, refund)["serviceStatus"] == 10010
    view = keeper.call("jingdong.asc.serviceAndRefund.view", orderId=refund.order_id)["pageResult"]
    assert (view["totalCount"], view["data"][0]["status"]) == ("1", 13)
    assert view["data"][0]["afsRefundId"] == row["id"]


def test_refusing_the_money_after_the_return() -> None:
    keeper = Keeper()
    refund = returned(keeper)
    assert reply(keeper, refund, 2)["success"]
    assert (application(keeper, refund)["status"], bill(keeper, refund)["serviceStatus"]) == (2, 10009)
    view = keeper.call("jingdong.asc.serviceAndRefund.view", orderId=refund.order_id)["pageResult"]
    assert view["data"][0]["status"] == 14
    decide(keeper, "process.JdIntervene", refund)
    assert refund.state is RefundState.ARBITRATION


def test_an_old_version_is_refused_and_a_new_one_passes() -> None:
    keeper = Keeper()
    refund = service(keeper)
    version = bill(keeper, refund)["sysVersion"]
    keeper.world.modify_refund(refund, reason="换个理由")
    stale = asc(keeper, "audit.send", refund, sysVersion=version, approveNotes="同意")
    assert (stale["success"], stale["msg"]) == (False, "服务单已被修改，请刷新后重试")
    assert not asc(keeper, "audit.send", refund, approveNotes="同意")["success"]
    decide(keeper, "audit.send", refund)
    assert bill(keeper, refund)["sysVersion"] > version
    assert not asc(keeper, "audit.send", refund, approveNotes="x", sysVersion=refund.revision)["success"]


def test_audits_that_do_not_agree() -> None:
    keeper = Keeper()
    refund = service(keeper)
    decide(keeper, "audit.waitFeedback", refund)
    assert bill(keeper, refund)["serviceStatus"] == 10002
    keeper.world.modify_refund(refund, reason="尺码不合适")
    assert bill(keeper, refund)["serviceStatus"] == 10012
    decide(keeper, "audit.refuse", refund, approveReasonCid1=1)
    assert bill(keeper, refund)["serviceStatus"] == 10004
    assert refund.state is RefundState.REFUSED
    other = service(keeper)
    decide(keeper, "common.cancel", other)
    assert bill(keeper, other)["serviceStatus"] == 10011
    log = asc(keeper, "log.list", refund)["data"]
    assert [row["operateRemark"] for row in log] == ["待客户反馈", "审核不通过"]


def test_door_pickup_and_forced_statuses() -> None:
    keeper = Keeper()
    refund = service(keeper)
    keeper.world.force_code(refund, 10000)
    assert not asc(keeper, "audit.send", refund, sysVersion=refund.revision, approveNotes="x")["success"]
    decide(keeper, "audit.fetch", refund)
    assert bill(keeper, refund)["serviceStatus"] == 10001
    decide(keeper, "audit.homepick", refund)
    assert (bill(keeper, refund)["serviceStatus"], bill(keeper, refund)["pickwareType"]) == (13000, 4)
    for code in (10006, 10013, 12000, 14000):
        keeper.world.force_code(refund, code)
        assert bill(keeper, refund)["serviceStatus"] == code


def test_an_exchange_is_a_new_order_for_nothing() -> None:
    keeper = Keeper()
    refund = returned(keeper, "exchange")
    assert bill(keeper, refund)["serviceStatus"] == 10007
    assert rows(keeper) == []
    assert [row["serviceId"] for row in asc(keeper, "process.list")["data"]] == [int(refund.refund_id)]
    decide(keeper, "process.renew", refund)
    new = keeper.world.order(str(bill(keeper, refund)["newOrderId"]))
    assert keeper.told(new, "returnOrder,orderPayment") == {"returnOrder": "2", "orderPayment": "0.00"}
    assert (new.pay_amount, new.state, bill(keeper, refund)["serviceStatus"]) == (0, State.TO_SHIP, 10009)


def test_repaired_goods_go_back_and_can_be_recalled() -> None:
    keeper = Keeper()
    refund = returned(keeper, "repair")
    decide(keeper, "process.back", refund, shipWayId=467, shipWayName="顺丰", expressCode="SF1234567890999")
    assert (bill(keeper, refund)["serviceStatus"], refund.parcel_out) == (10009, ("顺丰", "SF1234567890999"))
    decide(keeper, "process.return.cancel", refund)
    assert bill(keeper, refund)["serviceStatus"] == 10007
    decide(keeper, "process.close", refund, refuseReason=1, refuseReasonName="检测无故障")
    assert bill(keeper, refund)["serviceStatus"] == 10009
    offline = returned(keeper, "exchange")
    decide(keeper, "process.offline.change", offline, shipWayName="顺丰", expressCode="SF1234567890998")
    keeper.world.confirm_replacement(offline)
    assert bill(keeper, offline)["serviceStatus"] == 10010


def test_new_goods_without_return() -> None:
    keeper = Keeper()
    resend, reissue = service(keeper, "resend"), service(keeper, "resend")
    decide(keeper, "audit.compensate", resend)
    assert bill(keeper, resend)["serviceStatus"] == 10007
    decide(keeper, "audit.reissue", reissue, shipWayName="顺丰", expressCode="SF1234567890997", wareNum=1)
    assert bill(keeper, reissue)["serviceStatus"] == 10009


def test_sync_list_tells_changes_and_return_waybills_by_their_windows() -> None:
    keeper = Keeper()
    refund, other = service(keeper), service(keeper)
    decide(keeper, "audit.send", refund)
    keeper.world.advance(3600)
    keeper.world.return_goods(refund, "圆通", "YT0000000000099")
    window: dict[str, Any] = {"updateTimeBegin": "2026-03-15 11:00:00", "updateTimeEnd": "2026-03-15 12:00:00"}
    assert [row["serviceId"] for row in asc(keeper, "sync.list", **window)["data"]] == [int(refund.refund_id)]
    freight: dict[str, Any] = {
        "freightUpdateDateBegin": "2026-03-15 11:00:00",
        "freightUpdateDateEnd": "2026-03-15 12:00:00",
    }
    assert [row["serviceId"] for row in asc(keeper, "sync.list", **freight)["data"]] == [int(refund.refund_id)]
    assert asc(keeper, "sync.list", pageNumber="1", pageSize="1")["totalCount"] == 2
    assert asc(keeper, "audit.list")["data"][0]["serviceIdList"] == [int(other.refund_id)]
    del window["updateTimeEnd"]
    assert not asc(keeper, "sync.list", **window)["success"]
    assert not asc(keeper, "sync.list", pageSize=51)["success"]
    assert not asc(keeper, "sync.list", buId="1")["success"]


def test_applications_and_service_orders_do_not_answer_to_each_others_ids() -> None:
    keeper = Keeper()
    bare, back = keeper.world.request_refund(keeper.order()), service(keeper)
    assert not asc(keeper, "query.view", bare)["success"]
    found = keeper.call(REFUND + "queryById", id=int(back.refund_id))["queryResult"]
    assert (found["success"], found["totalCount"], found["result"]) == (True, 0, [])


def test_lists_lag_behind_when_told_to() -> None:
    keeper = Keeper(index_lag={"jd": 60})
    refund, back = keeper.world.request_refund(keeper.order()), service(keeper)
    assert (rows(keeper), asc(keeper, "sync.list")["data"]) == ([], [])
    keeper.world.advance(61)
    assert [row["id"] for row in rows(keeper)] == [int(refund.refund_id)]
    assert [row["serviceId"] for row in asc(keeper, "sync.list")["data"]] == [int(back.refund_id)]


def test_a_write_that_times_out_has_happened() -> None:
    keeper = Keeper()
    refund = keeper.world.request_refund(keeper.order())
    keeper.world.faults.add(FaultRule(kind="timeout_after", channel="jd", method=REFUND + "replyRefund", times=1))
    with pytest.raises(NoAnswer):
        reply(keeper, refund, 1)
    assert application(keeper, refund)["status"] == 3
