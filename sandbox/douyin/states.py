"""The platform's numbers for order and after-sale states, and how world states become them."""

from typing import Final

from ..model import Line, Order, Refund, RefundKind, RefundState, State

ORDER_STATUS: Final = {
    State.UNPAID: 1,
    State.DEPOSIT_PAID: 103,
    State.WAITING: 105,
    State.TO_SHIP: 2,
    State.PART_SHIPPED: 101,
    State.SHIPPED: 3,
    State.RECEIVED: 3,
    State.FINISHED: 5,
    State.CANCELLED: 4,
}
STATUS_TEXT: Final = {
    1: "待支付", 103: "部分支付", 105: "已支付", 2: "备货中", 101: "部分发货", 3: "已发货", 4: "已取消", 5: "已完成",
    21: "发货前退款完结", 22: "发货后退款完结", 39: "收货后退款完结",
}  # fmt: skip

RETURN, REFUND_SHIPPED, REFUND_UNSHIPPED, EXCHANGE, RESEND, REPAIR = 0, 1, 2, 3, 7, 8
TYPE_TEXT: Final = {
    RETURN: "退货退款", REFUND_SHIPPED: "仅退款", REFUND_UNSHIPPED: "未发货退款", EXCHANGE: "换货", RESEND: "补寄",
    REPAIR: "维修",
}  # fmt: skip

APPLIED, RETURNING, MERCHANT_SHIPS, RETURNED, SUCCESS, EXCHANGING, EXCHANGED = 6, 7, 8, 11, 12, 13, 14
REFUSED, CLOSED, REFUSED_AFTER_RETURN = 27, 28, 29
FINAL: Final = frozenset({SUCCESS, EXCHANGED, CLOSED, 51, 53})
AFTERSALE_TEXT: Final = {
    0: "售后初始化", APPLIED: "待商家处理", RETURNING: "待买家退货", MERCHANT_SHIPS: "待商家发货",
    RETURNED: "待商家收货", SUCCESS: "售后成功", EXCHANGING: "待买家收货", EXCHANGED: "售后完成",
    REFUSED: "商家拒绝售后申请", CLOSED: "售后关闭", REFUSED_AFTER_RETURN: "商家拒绝退款",
    51: "取消成功", 53: "逆向交易已完成",
}  # fmt: skip
_REFUND_STATUS: Final = {
    RefundState.REQUESTED: APPLIED,
    RefundState.RETURN_AGREED: RETURNING,
    RefundState.RETURNED: RETURNED,
    RefundState.REFUNDING: SUCCESS,
    RefundState.REFUNDED: SUCCESS,
    RefundState.REFUSED: REFUSED,
    RefundState.RETURN_REFUSED: REFUSED_AFTER_RETURN,
    RefundState.WITHDRAWN: CLOSED,
    RefundState.CLOSED: CLOSED,
    RefundState.SENDING: MERCHANT_SHIPS,
    RefundState.SENT: EXCHANGING,
    RefundState.DONE: EXCHANGED,
}


def order_status(order: Order) -> int:
    """`order_status` of the parent order."""
    return ORDER_STATUS[order.state]


def line_status(order: Order, line: Line) -> int:
    """`order_status` of one sku order."""
    return ORDER_STATUS[order.line_state(line)]


def main_status(order: Order, line: Line | None = None) -> int:
    """`main_status`: as `order_status`, plus 21, 22 and 39 once everything (or the line) was refunded."""
    status = order_status(order) if line is None else line_status(order, line)
    lines = [line] if line is not None else order.lines
    refunded = {refund.line_id for refund in order.refunds if refund.refunded is not None}
    if not refunded or any(each.line_id not in refunded and not each.gift for each in lines):
        return status
    if order.finished is not None or order.received is not None:
        return 39
    return 22 if order.shipped is not None else 21


def refund_type(refund: Refund) -> int:
    """`after_sale_type`: the kind, and for refunds whether the goods were on their way when it was requested."""
    if refund.kind is RefundKind.REFUND_ONLY:
        return REFUND_UNSHIPPED if refund.before_shipping else REFUND_SHIPPED
    return {
        RefundKind.RETURN: RETURN,
        RefundKind.EXCHANGE: EXCHANGE,
        RefundKind.RESEND: RESEND,
        RefundKind.REPAIR: REPAIR,
    }[refund.kind]


def refund_status(refund: Refund) -> int:
    """`after_sale_status`. In arbitration the refused status stays and `arbitrate_status` tells (inferred)."""
    if refund.code is not None:
        return refund.code
    if refund.state is RefundState.ARBITRATION:
        return REFUSED_AFTER_RETURN if refund.parcel_back else REFUSED
    return _REFUND_STATUS[refund.state]


def money_status(refund: Refund) -> int:
    """`refund_status`: 1 to refund, 2 refunding, 3 refunded. A closed application keeps 1."""
    if refund.state is RefundState.REFUNDED or refund.refunded is not None:
        return 3
    return 2 if refund.state is RefundState.REFUNDING else 1


def line_mark(order: Order, line: Line) -> dict[str, int]:
    """`after_sale_info` of a sku order: its newest after-sale, zeros when it never had one."""
    for refund in reversed(order.refunds):
        if refund.line_id == line.line_id:
            return {
                "after_sale_status": refund_status(refund),
                "after_sale_type": refund_type(refund),
                "refund_status": money_status(refund),
            }
    return {"after_sale_status": 0, "after_sale_type": 0, "refund_status": 0}
