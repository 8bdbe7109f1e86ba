"""The seller's memo of an order: overwritten whole, with a flag; read one by one or by time."""

from typing import Any

from ..model import Order
from . import errors, orders
from .call import Call, Members, Method
from .errors import Refusal
from .order_wire import milliseconds, vender_remark, when

LONGEST, ROWS = 500, 100


def modify(call: Call) -> Members:
    """jingdong.pop.order.modifyVenderRemark: at most 500 characters; without a flag it becomes 0 (grey)."""
    params = call.params
    remark, flag = params.text("remark"), params.integer("flag", 0, low=0, high=5)
    if len(remark) > LONGEST:
        raise errors.invalid("remark")
    call.world.set_memo(call.order(params.required("order_id")), remark, flag)
    return {"modifyvenderremark_result": {"success": True, "errorCode": "", "chineseErrCode": "", "englishErrCode": ""}}


def _modify_failure(refusal: Refusal) -> Members:
    return {
        "modifyvenderremark_result": {
            "success": False,
            "errorCode": str(refusal.code),
            "chineseErrCode": refusal.chinese,
            "englishErrCode": refusal.english,
        }
    }


def query(call: Call) -> Members:
    """jingdong.order.venderRemark.queryByOrderId; without a memo only the result (inferred)."""
    order = call.order(call.params.required("order_id"))
    result = {"api_jos_result": {"success": True, "result_code": "0", "result_describe": ""}}
    if order.memo_changed is None:
        return {"venderRemarkQueryResult": result}
    remark = {
        "order_id": int(order.order_id),
        "remark": vender_remark(order),
        "created": when(order.memo_created),
        "modified": when(order.memo_changed),
        "flag": order.flag or 0,
    }
    return {"venderRemarkQueryResult": result | {"vender_remark": remark}}


def _query_failure(refusal: Refusal) -> Members:
    result = {"success": False, "result_code": str(refusal.code), "result_describe": refusal.chinese}
    return {"venderRemarkQueryResult": {"api_jos_result": result}}


def _row(order: Order) -> dict[str, Any]:
    return {
        "orderId": int(order.order_id),
        "remark": vender_remark(order),
        "created": milliseconds(order.memo_created),
        "modified": milliseconds(order.memo_changed),
        "flag": order.flag or 0,
    }


def _listed(call: Call, *, by_creation: bool) -> Members:
    """A hundred rows; every page but the first is empty. `sortTime` 1 is ascending (inferred)."""
    start, end = orders.window(call, "startTime", "endTime")
    page, direction = call.params.integer("page", 1, low=1), call.params.integer("sortTime", 1)
    if direction not in (1, -1):
        raise errors.invalid("sortTime")

    def at(order: Order) -> float:
        return (order.memo_created if by_creation else order.memo_changed) or 0

    found = [order for order in call.world.book(call.shop).orders.values() if start <= at(order) < end]
    found.sort(key=lambda order: (at(order), order.order_id), reverse=direction == -1)
    rows = [_row(order) for order in found[:ROWS]] if page == 1 else []
    return {
        "getremarkbymodifytime_result": {"resultCode": 0, "errorMsg": "", "totleNum": len(found), "remarkList": rows}
    }


def by_modify_time(call: Call) -> Members:
    """jingdong.pop.order.getRemarkByModifyTime"""
    return _listed(call, by_creation=False)


def by_create_time(call: Call) -> Members:
    """jingdong.pop.order.getRemarkByCreateTime: the same result key."""
    return _listed(call, by_creation=True)


def _list_failure(refusal: Refusal) -> Members:
    result = {"resultCode": refusal.code, "errorMsg": refusal.chinese, "totleNum": 0, "remarkList": []}
    return {"getremarkbymodifytime_result": result}


METHODS = {
    "jingdong.pop.order.modifyVenderRemark": Method(modify, _modify_failure),
    "jingdong.order.venderRemark.queryByOrderId": Method(query, _query_failure),
    "jingdong.pop.order.getRemarkByModifyTime": Method(by_modify_time, _list_failure),
    "jingdong.pop.order.getRemarkByCreateTime": Method(by_create_time, _list_failure),
}
