"""Refund applications, `pop.afs.soa.refundapply.*`: lists, the shop's answer, the warehouse's word.

Money is in fen here, unlike everywhere else on JD. Order of rows (newest application first) and half-open windows are
inferred; a window whose start is behind its end finds nothing.
"""

from collections.abc import Callable
from typing import Any

from ..ground import Refused as WorldRefused
from ..model import Refund
from . import desk, errors
from .aftersale_states import FOLLOW_UP, FORCED, INTERCEPT, UNDECIDED, application_status, checked_at
from .call import Call, Members, Method
from .desk import Reply
from .errors import Refusal
from .order_wire import when
from .receiver import mask_name, open_id

FROM_APP, FROM_REVERSE_LOGISTICS = 28, 87
AGREE, REFUSE = 1, 2
_CHANGED = (-1, "退款单状态已变更")


def query_page(call: Call) -> Members:
    """jingdong.pop.afs.soa.refundapply.queryPageList"""
    params = call.params
    page = params.integer("pageIndex", 1, low=1, high=100)
    size = params.integer("pageSize", 10, low=1, high=50)
    found = _found(call)
    rows = [_row(call, refund) for refund in found[(page - 1) * size : page * size]]
    return {"queryResult": _success() | {"totalCount": len(found), "result": rows}}


def query_one(call: Call) -> Members:
    """jingdong.pop.afs.soa.refundapply.queryById; no row for an unknown id (inferred)."""
    refund = _by_id(call, call.params.required("id"))
    rows = [] if refund is None else [_row(call, refund)]
    return {"queryResult": _success() | {"totalCount": len(rows), "result": rows}}


def waiting(call: Call) -> Members:
    """jingdong.pop.afs.soa.refundapply.getWaitRefundNum"""
    count = sum(_status(call, refund) in UNDECIDED for refund in _visible(call, 0))
    return {"queryResult": _success() | {"totalCount": count, "result": []}}


def reply(call: Call) -> Members:
    """jingdong.pop.afs.soa.refundapply.replyRefund: from status 0, or 10 after a follow-up (inferred)."""
    params = call.params
    status = params.integer("status")
    if status not in (AGREE, REFUSE, INTERCEPT, FORCED, FOLLOW_UP):
        raise errors.invalid("status")
    remark = params.text("remark", "")
    if not remark and status != FORCED:
        raise errors.invalid("remark")
    if params.text("outWareStatus", "") not in ("", "1", "2"):
        raise errors.invalid("outWareStatus")
    if status == REFUSE and params.text("rejectType", "5") not in ("1", "2", "3", "4", "5"):
        raise errors.invalid("rejectType")
    refund = _by_id(call, params.required("id"))
    if refund is None:
        raise errors.of_world("unknown_refund")
    order = call.world.order(refund.order_id)
    if _status(call, refund) not in UNDECIDED:
        raise Refusal(*_CHANGED)
    if status == INTERCEPT and order.shipped is None:
        raise Refusal(10600002, "未出库的订单不能拦截")
    call.desk.replies[desk.application_id(refund)] = Reply(
        call.world.now(), status, params.text("checkUserName", ""), remark
    )
    _apply(call, refund, status, remark)
    return {"replyResult": _success()}


def _apply(call: Call, refund: Refund, status: int, remark: str) -> None:
    """After 6 the money waits for the parcel: the control steps `refund_paid` or `force_code` 7, 8 go on from there."""
    world = call.world
    refund.code = None
    try:
        if status == REFUSE:
            world.refuse_refund(refund, remark)
        elif status == FOLLOW_UP:
            world.touch_refund(refund, "refund.modified")
        else:
            world.agree_refund(refund)
            if status != INTERCEPT:
                world.pay_back(refund)
    except WorldRefused as refused:
        raise Refusal(*_CHANGED) from refused


def warehouse_status(call: Call) -> Members:
    """jingdong.pop.afs.soa.refundapply.updateWarehouseStatus: accepted without effect (meaning of `status` unknown)."""
    refund = _by_id(call, call.params.required("refId"))
    if refund is None or refund.order_id != call.params.required("orderId"):
        raise errors.of_world("unknown_refund")
    call.params.integer("status")
    return {"returnType": {"success": True, "errorCode": "", "errorMsg": ""}}


def _status(call: Call, refund: Refund) -> int:
    return application_status(refund, call.desk.replies.get(desk.application_id(refund)))


def _by_id(call: Call, application: str) -> Refund | None:
    """The shop's after-sale behind a refund application id, when it is an application and already indexed."""
    refund = call.world.book(call.shop).refunds.get(desk.refund_id_of(application))
    if refund is None or desk.application_id(refund) != application or desk.applied_at(refund) is None:
        return None
    return refund if refund.updated <= call.visible_until() else None


def _visible(call: Call, since: float) -> list[Refund]:
    """Applications touched since then, newest application first."""
    book = call.world.book(call.shop)
    low, high = book.refunds_by_updated.span(since, call.visible_until())
    refunds = (book.refunds[key] for key in book.refunds_by_updated.keys(low, high))
    return sorted(
        (refund for refund in refunds if desk.applied_at(refund) is not None),
        key=lambda refund: (desk.applied_at(refund) or 0, int(desk.application_id(refund))),
        reverse=True,
    )


def _found(call: Call) -> list[Refund]:
    """The rows of `queryPageList`. Every window reaches back to its start only, and nothing is older than its times."""
    tests, since = _window_tests(call)
    tests += _plain_tests(call)
    return [refund for refund in _visible(call, since) if all(test(refund) for test in tests)]


Test = Callable[[Refund], bool]


def _window_tests(call: Call) -> tuple[list[Test], float]:
    times: dict[str, Callable[[Refund], float | None]] = {
        "applyTime": desk.applied_at,
        "checkTime": lambda refund: checked_at(refund, call.desk.replies.get(desk.application_id(refund))),
        "modified": lambda refund: refund.updated,
    }
    tests: list[Test] = []
    since = 0.0
    for name, time_of in times.items():
        start = call.params.when(f"{name}Start") if f"{name}Start" in call.params else None
        end = call.params.when(f"{name}End") if f"{name}End" in call.params else None
        if start is not None or end is not None:
            tests.append(_between(time_of, start or 0, end if end is not None else float("inf")))
            since = max(since, start or 0)
    return tests, since


def _between(time_of: Callable[[Refund], float | None], start: float, end: float) -> Test:
    def inside(refund: Refund) -> bool:
        at = time_of(refund)
        return at is not None and start <= at < end

    return inside


def _plain_tests(call: Call) -> list[Test]:
    params = call.params
    tests: list[Test] = []
    ids = params.words("ids")
    if ids:
        tests.append(lambda refund: desk.application_id(refund) in ids)
    if params.text("status", ""):
        status = params.integer("status")
        tests.append(lambda refund: _status(call, refund) == status)
    if params.text("orderId", ""):
        tests.append(lambda refund: refund.order_id == params.text("orderId"))
    if params.text("open_id_buyer", ""):
        wanted = params.text("open_id_buyer")
        tests.append(lambda refund: open_id(call.world.order(refund.order_id).buyer) == wanted)
    return tests


def _row(call: Call, refund: Refund) -> dict[str, Any]:
    order = call.world.order(refund.order_id)
    reply_given = call.desk.replies.get(desk.application_id(refund))
    at = checked_at(refund, reply_given)
    row: dict[str, Any] = {
        "id": int(desk.application_id(refund)),
        "buyerId": "",
        "buyerName": mask_name(order.buyer.name),
        "applyTime": when(desk.applied_at(refund) or refund.created),
        "checkTime": None if at is None else when(at),
        "applyRefundSum": float(refund.amount),
        "status": _status(call, refund),
        "checkUserName": reply_given.user if reply_given else None,
        "orderId": order.order_id,
        "checkRemark": reply_given.remark if reply_given else None,
        "reason": refund.reason,
        "systemId": FROM_REVERSE_LOGISTICS if desk.is_service(refund) else FROM_APP,
        "storeId": 0,
        "partRefundType": int(refund.amount < order.pay_amount),
        "open_id_buyer": open_id(order.buyer),
    }
    if call.params.flag("showSku"):
        lines = order.lines if refund.whole_order else [order.line(refund.line_id)]
        # What is in a row of skuVoList is not documented: the least that names the goods.
        row["skuVoList"] = [{"skuId": int(line.sku_id), "num": line.quantity} for line in lines]
    return row


def _success() -> dict[str, Any]:
    return {"success": True, "errorCode": "", "errorMsg": ""}


def _failure(refusal: Refusal) -> dict[str, Any]:
    return {"success": False, "errorCode": str(refusal.code), "errorMsg": refusal.chinese}


def _query_failure(refusal: Refusal) -> Members:
    return {"queryResult": _failure(refusal) | {"totalCount": 0, "result": []}}


def _reply_failure(refusal: Refusal) -> Members:
    return {"replyResult": _failure(refusal)}


def _warehouse_failure(refusal: Refusal) -> Members:
    return {"returnType": _failure(refusal)}


_PREFIX = "jingdong.pop.afs.soa.refundapply."
METHODS = {
    _PREFIX + "queryPageList": Method(query_page, _query_failure, listing=True),
    _PREFIX + "queryById": Method(query_one, _query_failure),
    _PREFIX + "getWaitRefundNum": Method(waiting, _query_failure),
    _PREFIX + "replyRefund": Method(reply, _reply_failure),
    _PREFIX + "updateWarehouseStatus": Method(warehouse_status, _warehouse_failure),
}
