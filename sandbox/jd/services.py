"""Reading service orders, `asc.*`: lists, details, return waybills, refunds of service orders.

Windows are half-open and rows come oldest first (inferred). Shapes of answers without a sample follow the SDK's
classes where they are known and are marked otherwise.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ..model import Order, Refund, RefundState
from . import aftersale_wire, desk, errors
from .aftersale_states import AUDITED, REFUSED, TO_PROCESS, TO_RECEIVE, application_status, service_status
from .call import Call, Members, Method
from .desk import Service
from .errors import Refusal

Render = Callable[[Order, Refund, Service], Any]
Test = Callable[[Refund], bool]
_REASONS = {
    1: ((1, "商品已影响二次销售"), (2, "超出售后服务期"), (3, "与客户协商一致")),
    2: ((11, "商品与客户描述不符"), (12, "客户未寄回商品")),
}
"""bizType -> reasons; numbers and texts are made up."""


def check_operator(call: Call) -> None:
    """Every call carries the vender's id and who is at work."""
    if call.params.required("buId") != call.shop.shop_id:
        raise Refusal(10700001, "商家编号不正确")
    for name in ("operatePin", "operateNick"):
        if not 0 < len(call.params.text(name, "")) <= 50:
            raise errors.invalid(name)


def find(call: Call) -> Refund:
    """The service order of `serviceId`, which must be `orderId`'s when that is given."""
    refund = call.world.book(call.shop).refunds.get(call.params.required("serviceId"))
    if refund is None or not desk.is_service(refund) or refund.updated > call.visible_until():
        raise Refusal(10700002, "服务单不存在")
    if call.params.text("orderId", refund.order_id) != refund.order_id:
        raise Refusal(10700002, "服务单不存在")
    return refund


def _services(call: Call, since: float = 0) -> list[Refund]:
    book = call.world.book(call.shop)
    low, high = book.refunds_by_updated.span(since, call.visible_until())
    return [book.refunds[key] for key in book.refunds_by_updated.keys(low, high) if desk.is_service(book.refunds[key])]


def _page(call: Call, found: list[Refund], render: Render) -> Members:
    page = call.params.integer("pageNumber", 1, low=1)
    size = call.params.integer("pageSize", 10, low=1, high=50)
    rows = [
        render(call.world.order(refund.order_id), refund, call.desk.service(refund))
        for refund in found[(page - 1) * size : page * size]
    ]
    head = {"success": True, "code": "0", "msg": "", "totalCount": len(found), "pageSize": size, "pageNumber": page}
    return {"pageResult": head | {"data": rows}}


def _window(call: Call, begin: str, end: str, time_of: Callable[[Refund], float | None]) -> tuple[float, list[Test]]:
    """The start of a window given by both its ends or by none, and its test."""
    if (begin in call.params) != (end in call.params):
        raise errors.invalid(end if begin in call.params else begin)
    if begin not in call.params:
        return 0, []
    low, high = call.params.when(begin), call.params.when(end)

    def inside(refund: Refund) -> bool:
        at = time_of(refund)
        return at is not None and low <= at < high

    return low, [inside]


def _filters(call: Call) -> list[Test]:
    params = call.params
    tests: list[Test] = []
    exact: Mapping[str, Callable[[Refund], object]] = {
        "serviceId": lambda refund: refund.refund_id,
        "orderId": lambda refund: refund.order_id,
        "serviceStatus": lambda refund: str(service_status(refund, call.desk.service(refund))),
        "orderType": lambda _: str(aftersale_wire.SOP),
        "expressCode": lambda refund: refund.parcel_back[1] if refund.parcel_back else None,
    }
    for name, value_of in exact.items():
        wanted = params.text(name, "")
        if wanted:
            tests.append(_equals(value_of, wanted))
    return tests


def _equals(value_of: Callable[[Refund], object], wanted: str) -> Test:
    return lambda refund: value_of(refund) == wanted


def sync_list(call: Call) -> Members:
    """jingdong.asc.sync.list: what changed, and which return waybills did."""
    check_operator(call)
    low, updated = _window(call, "updateTimeBegin", "updateTimeEnd", lambda refund: refund.updated)
    also, freights = _window(
        call, "freightUpdateDateBegin", "freightUpdateDateEnd", lambda refund: _freight_at(call, refund)
    )
    tests = updated + freights + _filters(call)
    found = [refund for refund in _services(call, max(low, also)) if all(test(refund) for test in tests)]
    return _page(call, found, aftersale_wire.brief)


def _freight_at(call: Call, refund: Refund) -> float | None:
    return call.desk.service(refund).returned


def query_list(call: Call) -> Members:
    """jingdong.asc.query.list"""
    check_operator(call)
    windows = (
        _window(call, "applyTimeBegin", "applyTimeEnd", lambda refund: refund.created),
        _window(call, "approveTimeBegin", "approveTimeEnd", lambda refund: call.desk.service(refund).approved),
        _window(call, "finishTimeBegin", "finishTimeEnd", lambda refund: refund.closed),
    )
    tests = [test for _, found in windows for test in found] + _filters(call)
    since = max(low for low, _ in windows)
    found = [refund for refund in _services(call, since) if all(test(refund) for test in tests)]
    return _page(call, sorted(found, key=lambda refund: (refund.created, refund.refund_id)), aftersale_wire.brief)


def _in_status(statuses: frozenset[int], render: Render) -> Callable[[Call], Members]:
    """A work list: what is in one of the statuses."""

    def work_list(call: Call) -> Members:
        check_operator(call)
        tests = _filters(call)
        found = [
            refund
            for refund in _services(call)
            if service_status(refund, call.desk.service(refund)) in statuses and all(test(refund) for test in tests)
        ]
        return _page(call, sorted(found, key=lambda refund: (refund.created, refund.refund_id)), render)

    return work_list


def view(call: Call) -> Members:
    """jingdong.asc.query.view, and (inferred) the same answer for asc.receive.view and asc.audit.detail."""
    check_operator(call)
    refund = find(call)
    return success(aftersale_wire.bill(call.world.order(refund.order_id), refund, call.desk.service(refund)))


def audit_detail(call: Call) -> Members:
    """jingdong.asc.audit.detail by `applyId`."""
    check_operator(call)
    wanted = call.params.integer("applyId")
    for refund in _services(call):
        if aftersale_wire.application_number(refund) == wanted:
            return success(aftersale_wire.bill(call.world.order(refund.order_id), refund, call.desk.service(refund)))
    raise Refusal(10700002, "服务单不存在")


def reasons(call: Call) -> Members:
    """jingdong.asc.audit.reason.list: 1 to refuse with, 2 to call JD with (shape inferred)."""
    check_operator(call)
    kind = call.params.integer("bizType", low=1, high=2)
    return success([{"reasonId": number, "reasonName": name, "childList": []} for number, name in _REASONS[kind]])


def freight_view(call: Call) -> Members:
    """jingdong.asc.freight.view"""
    check_operator(call)
    refund = find(call)
    return success(aftersale_wire.freight(call.world.order(refund.order_id), refund, call.desk.service(refund)))


def log_list(call: Call) -> Members:
    """jingdong.asc.log.list and asc.track.list: what was done when by whom (shape inferred)."""
    check_operator(call)
    log = call.desk.service(find(call)).log
    return success(
        [
            {"createDate": aftersale_wire.milliseconds(at), "operateName": operator, "operateRemark": words}
            for at, operator, words in log
        ]
    )


def messages(call: Call) -> Members:
    """jingdong.asc.msg.list: nobody writes notes here."""
    check_operator(call)
    find(call)
    return success([])


def refunds_of_services(call: Call) -> Members:
    """jingdong.asc.serviceAndRefund.view: by order, apply window or approve window; numbers of the page as texts."""
    params = call.params
    _, applied = _window(call, "applyTimeBegin", "applyTimeEnd", lambda refund: refund.created)
    _, approved = _window(call, "approveTimeBegin", "approveTimeEnd", lambda refund: call.desk.service(refund).approved)
    if not (params.text("orderId", "") or applied or approved):
        raise errors.invalid("orderId")
    tests = applied + approved + _filters(call)
    found = [refund for refund in _services(call) if _is_settled(call, refund) and all(test(refund) for test in tests)]
    answer = _page(call, found, _refund_row)["pageResult"]
    numbers = {name: str(answer[name]) for name in ("totalCount", "pageSize", "pageNumber")}
    return {"pageResult": answer | numbers}


def _is_settled(call: Call, refund: Refund) -> bool:
    """Whether the money question of a service order is answered: paid, or refused as an application."""
    if refund.state is RefundState.REFUNDED:
        return True
    reply = call.desk.replies.get(desk.application_id(refund))
    return desk.applied_at(refund) is not None and application_status(refund, reply) in (REFUSED, 4)


def _refund_row(order: Order, refund: Refund, service: Service) -> dict[str, Any]:
    paid = refund.state is RefundState.REFUNDED
    return aftersale_wire.refund_row(order, refund, service, desk.application_id(refund), paid=paid)


def success(data: Any = None) -> Members:
    """Details and writes."""
    return {"result": {"success": True, "code": "0", "msg": "", "data": data}}


def failure(refusal: Refusal) -> Members:
    """Details and writes."""
    return {"result": {"success": False, "code": str(refusal.code), "msg": refusal.chinese, "data": None}}


def _page_failure(refusal: Refusal) -> Members:
    return {"pageResult": failure(refusal)["result"] | {"totalCount": 0, "pageSize": 0, "pageNumber": 0, "data": []}}


METHODS = {
    "jingdong.asc.sync.list": Method(sync_list, _page_failure, listing=True),
    "jingdong.asc.query.list": Method(query_list, _page_failure, listing=True),
    "jingdong.asc.query.view": Method(view, failure),
    "jingdong.asc.audit.list": Method(_in_status(AUDITED, aftersale_wire.audit_row), _page_failure, listing=True),
    "jingdong.asc.audit.detail": Method(audit_detail, failure),
    "jingdong.asc.audit.reason.list": Method(reasons, failure),
    "jingdong.asc.receive.list": Method(_in_status(TO_RECEIVE, aftersale_wire.brief), _page_failure, listing=True),
    "jingdong.asc.receive.view": Method(view, failure),
    "jingdong.asc.process.list": Method(_in_status(TO_PROCESS, aftersale_wire.brief), _page_failure, listing=True),
    "jingdong.asc.freight.view": Method(freight_view, failure),
    "jingdong.asc.track.list": Method(log_list, failure),
    "jingdong.asc.log.list": Method(log_list, failure),
    "jingdong.asc.msg.list": Method(messages, failure),
    "jingdong.asc.serviceAndRefund.view": Method(refunds_of_services, _page_failure),
}
