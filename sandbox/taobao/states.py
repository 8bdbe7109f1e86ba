"""Which words of the platform describe an order, a line and a refund."""

from ..model import Line, Order, Refund, RefundKind, RefundState, State

TRADE_TYPES = {"deposit": "step", "cod": "cod", "virtual": "auto_delivery", "overseas": "tmall_i18n"}
GUARANTEED = frozenset({"fixed", "auction"})
"""What the query word `guarantee_trade` stands for."""
DEFAULT_TYPES = frozenset({"guarantee_trade", "auto_delivery", "ec", "cod", "step"})
CLOSED = frozenset({"TRADE_CLOSED", "TRADE_CLOSED_BY_TAOBAO"})
STATUS_GROUPS = {
    "ALL_WAIT_PAY": frozenset({"WAIT_BUYER_PAY", "TRADE_NO_CREATE_PAY"}),
    "ALL_CLOSED": CLOSED,
}
STATUSES = frozenset(
    {
        "TRADE_NO_CREATE_PAY",
        "WAIT_BUYER_PAY",
        "PAY_PENDING",
        "WAIT_PRE_AUTH_CONFIRM",
        "PAID_FORBID_CONSIGN",
        "WAIT_SELLER_SEND_GOODS",
        "SELLER_CONSIGNED_PART",
        "WAIT_BUYER_CONFIRM_GOODS",
        "TRADE_BUYER_SIGNED",
        "TRADE_FINISHED",
        "TRADE_CLOSED",
        "TRADE_CLOSED_BY_TAOBAO",
    }
)
_BY_STATE = {
    State.UNPAID: "WAIT_BUYER_PAY",
    State.DEPOSIT_PAID: "WAIT_BUYER_PAY",
    State.WAITING: "PAID_FORBID_CONSIGN",
    State.TO_SHIP: "WAIT_SELLER_SEND_GOODS",
    State.PART_SHIPPED: "SELLER_CONSIGNED_PART",
    State.SHIPPED: "WAIT_BUYER_CONFIRM_GOODS",
    State.RECEIVED: "WAIT_BUYER_CONFIRM_GOODS",
    State.FINISHED: "TRADE_FINISHED",
}
_REFUND = {
    RefundState.REQUESTED: "WAIT_SELLER_AGREE",
    RefundState.RETURN_AGREED: "WAIT_BUYER_RETURN_GOODS",
    RefundState.RETURNED: "WAIT_SELLER_CONFIRM_GOODS",
    RefundState.REFUSED: "SELLER_REFUSE_BUYER",
    RefundState.RETURN_REFUSED: "SELLER_REFUSE_BUYER",
    RefundState.ARBITRATION: "SELLER_REFUSE_BUYER",
    RefundState.WITHDRAWN: "CLOSED",
    RefundState.CLOSED: "CLOSED",
    RefundState.REFUNDED: "SUCCESS",
    RefundState.DONE: "SUCCESS",
    RefundState.SENDING: "WAIT_SELLER_CONSIGN_GOODS",
    RefundState.SENT: "WAIT_BUYER_CONFIRM_EXCHANGE_SELLER_SEND_GOODS",
}
_DISPUTES = {
    RefundKind.REFUND_ONLY: "REFUND",
    RefundKind.RETURN: "REFUND_AND_RETURN",
    RefundKind.REPAIR: "REPAIR",
    RefundKind.RESEND: "RESHIPPING",
}


def trade_type(order: Order) -> str:
    """`type`: fixed unless the order is something special."""
    return order.shown.get("type") or TRADE_TYPES.get(order.variant, "fixed")


def trade_status(order: Order) -> str:
    """`status` of the trade. All lines closed by refunds close the trade."""
    if "status" in order.shown:
        return order.shown["status"]
    if order.state is State.CANCELLED:
        return "TRADE_CLOSED" if order.paid is not None else "TRADE_CLOSED_BY_TAOBAO"
    if order.state is not State.FINISHED or order.refunds:
        lines = [line_status(order, line) for line in order.lines]
        if all(status in CLOSED for status in lines):
            return "TRADE_CLOSED"
    if order.variant == "cod" and order.state is State.RECEIVED:
        return "TRADE_BUYER_SIGNED"
    return _BY_STATE[order.state]


def line_status(order: Order, line: Line) -> str:
    """`status` of a line: the trade's, unless it went its own way."""
    if line.dropped or (order.state is State.CANCELLED and order.paid is None):
        return "TRADE_CLOSED_BY_TAOBAO"
    if order.state is State.CANCELLED or line.cancelled or _all_refunded(order, line):
        return "TRADE_CLOSED"
    if "status" in order.shown:
        return order.shown["status"]
    if order.state is State.PART_SHIPPED:
        return "WAIT_BUYER_CONFIRM_GOODS" if line.shipped >= line.quantity else "WAIT_SELLER_SEND_GOODS"
    if order.variant == "cod" and order.state is State.RECEIVED:
        return "TRADE_BUYER_SIGNED"
    return _BY_STATE[order.state]


def _all_refunded(order: Order, line: Line) -> bool:
    """Whether the line's money went back before the trade was finished."""
    return any(
        refund.line_id == line.line_id
        and refund.state is RefundState.REFUNDED
        and refund.amount >= line.pay_amount
        and phase(order, refund) == "onsale"
        for refund in order.refunds
    )


def newest_refund(order: Order, line: Line) -> Refund | None:
    """The refund the line tells about."""
    return next((refund for refund in reversed(order.refunds) if refund.line_id == line.line_id), None)


def refund_status(refund: Refund) -> str:
    """`status` of a refund. Money on its way back has no word: the last decision still seems due."""
    if refund.shown:
        return refund.shown
    if refund.state is RefundState.REFUNDING:
        return "WAIT_SELLER_CONFIRM_GOODS" if refund.parcel_back else "WAIT_SELLER_AGREE"
    return _REFUND[refund.state]


def phase(order: Order, refund: Refund) -> str:
    """`refund_phase`: asked for before the trade was finished, or after."""
    return "aftersale" if order.finished is not None and refund.created >= order.finished else "onsale"


def dispute_type(refund: Refund, *, tmall: bool) -> str:
    """`dispute_type`"""
    if refund.kind is RefundKind.EXCHANGE:
        return "TMALL_EXCHANGE" if tmall else "TAOBAO_EXCHANGE"
    return _DISPUTES[refund.kind]


def step_status(order: Order) -> str | None:
    """`step_trade_status` of a deposit presale."""
    if order.deposit is None:
        return None
    if order.paid is not None:
        return "FRONT_PAID_FINAL_PAID"
    if order.deposit_paid is None:
        return "FRONT_NOPAID_FINAL_NOPAID"
    return "FRONT_PAID_FRONT_FORFEITED" if order.state is State.CANCELLED else "FRONT_PAID_FINAL_NOPAID"


def cod_status(order: Order) -> str:
    """`cod_status`; every word of the platform can be shown through `order.shown`."""
    if "cod_status" in order.shown:
        return order.shown["cod_status"]
    if order.variant != "cod":
        return "NEW_CREATED"
    if order.state is State.CANCELLED:
        return "CANCELED"
    if order.received is not None:
        return "SIGN_IN"
    if order.packages:
        return "TAKEN_IN_SUCCESS"
    return "WAITING_TO_BE_SENT" if order.state is State.TO_SHIP else "NEW_CREATED"
