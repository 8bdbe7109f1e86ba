"""The numbers JD has for the states of refund applications and service orders, and their Chinese names.

Which step of the world shows as which number is partly inferred: the documentation lists the numbers, not the moves.
A number forced by the control API (`force_code`) is shown while the after-sale runs: below 100 on the refund
application, from 10000 on the service order.
"""

from ..model import Refund, RefundKind, RefundState
from .desk import Reply, Service, applied_at

WAITING, APPROVED, REFUSED, PAID, APPROVED_BY_STAFF = 0, 1, 2, 3, 5
INTERCEPT, FORCED, FOLLOW_UP, WITHDRAWN = 6, 9, 10, 11
UNDECIDED = frozenset({WAITING, FOLLOW_UP})
SERVICE_CODES = 10_000

SERVICE_STATUS_NAMES = {
    10000: "待领取", 10001: "待审核", 10002: "待客户反馈", 10004: "审核关闭", 10005: "待收货", 10006: "待领取处理",
    10007: "待处理", 10009: "待用户确认", 10010: "完成", 10011: "取消", 10012: "客户已反馈",
    10013: "待审核和待客户反馈", 10041: "提交退款申请", 12000: "上门维修", 13000: "上门取件", 14000: "上门检测",
}  # fmt: skip
AUDITED = frozenset({10000, 10001, 10002, 10012, 10013})
DECIDABLE = AUDITED - {10000}
TO_RECEIVE = frozenset({10005, 13000})
TO_PROCESS = frozenset({10006, 10007})
UNCLAIMED = {10000: 10001, 10006: 10007}
EXPECT = {
    RefundKind.RETURN: (10, "退货"),
    RefundKind.REFUND_ONLY: (11, "仅退款"),
    RefundKind.EXCHANGE: (20, "换货"),
    RefundKind.REPAIR: (30, "维修"),
    RefundKind.RESEND: (80, "补发商品"),
}
APPROVE_NAMES = {21: "直赔商品", 22: "上门换新", 31: "上门取件", 32: "客户送货", 33: "客户发货", 87: "补发商品"}
_SERVICE_STATUS = {
    RefundState.REFUNDING: 10041,
    RefundState.REFUNDED: 10010,
    RefundState.REFUSED: 10004,
    RefundState.RETURN_REFUSED: 10009,
    RefundState.WITHDRAWN: 10011,
    RefundState.CLOSED: 10011,
    RefundState.SENT: 10009,
    RefundState.DONE: 10010,
    RefundState.ARBITRATION: 10007,
}


_APPLICATION_STATUS = {
    RefundState.REFUNDED: PAID,
    RefundState.REFUSED: REFUSED,
    RefundState.RETURN_REFUSED: REFUSED,
    RefundState.ARBITRATION: REFUSED,
}


def application_status(refund: Refund, reply: Reply | None) -> int:
    """`status` of a refund application. Asking JD to judge leaves it refused (inferred)."""
    if refund.code is not None and refund.code < SERVICE_CODES and refund.open:
        return refund.code
    answered = reply.status if reply else WAITING
    if refund.state is RefundState.REFUNDING:
        if answered in (INTERCEPT, FORCED):
            return answered
        return APPROVED_BY_STAFF if refund.by_platform else APPROVED
    if refund.state in (RefundState.WITHDRAWN, RefundState.CLOSED):
        return REFUSED if refund.refuse_reason else WITHDRAWN
    return _APPLICATION_STATUS.get(refund.state, FOLLOW_UP if answered == FOLLOW_UP else WAITING)


def checked_at(refund: Refund, reply: Reply | None) -> float | None:
    """`checkTime` of a refund application: the last answer, whoever gave it."""
    if refund.state in (RefundState.REFUNDING, RefundState.REFUNDED):
        return refund.agreed
    if reply is not None:
        return reply.at
    refused = application_status(refund, reply) == REFUSED
    return (refund.closed or refund.updated) if refused else None


def locks(refund: Refund) -> bool:
    """Whether the after-sale keeps its order LOCKED: an application for the order's money that is not settled."""
    return refund.whole_order and refund.open


def service_status(refund: Refund, service: Service) -> int:
    """`serviceStatus` of a service order."""
    if refund.code is not None and refund.code >= SERVICE_CODES and refund.open:
        return refund.code
    match refund.state:
        case RefundState.REQUESTED:
            return {None: 10001, "asked": 10002}.get(service.question, 10012)
        case RefundState.RETURN_AGREED:
            return 13000 if service.pickup else 10005
        case RefundState.RETURNED:
            processed = 10007 if applied_at(refund) is None else 10041
            return 10005 if refund.registered is None else processed
        case RefundState.SENDING:
            return 10009 if service.new_order_id else 10007
    return _SERVICE_STATUS[refund.state]
