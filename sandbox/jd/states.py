"""What `orderState` says about an order of the world."""

from ..model import Order, State
from .aftersale_states import locks

NOT_PAY = "NOT_PAY"
TO_SHIP = "WAIT_SELLER_STOCK_OUT"
TEXTS = {
    NOT_PAY: "未付款",
    TO_SHIP: "等待出库",
    "PAUSE": "暂停",
    "POP_ORDER_PAUSE": "暂停",
    "WAIT_SELLER_DELIVERY": "等待发货",
    "WAIT_GOODS_RECEIVE_CONFIRM": "等待确认收货",
    "FINISHED_L": "完成",
    "TRADE_CANCELED": "取消",
    "PARENT_TRADE_CANCELED": "父单取消",
    "LOCKED": "锁定",
    "WAIT_SEND_CODE": "等待发码",
    "DELIVERY_RETURN": "配送退货",
    "UN_KNOWN": "未知",
}
"""`orderStateRemark`"""
_BY_STATE = {
    State.UNPAID: NOT_PAY,
    State.DEPOSIT_PAID: "POP_ORDER_PAUSE",
    State.WAITING: "POP_ORDER_PAUSE",
    State.TO_SHIP: TO_SHIP,
    State.PART_SHIPPED: TO_SHIP,
    State.SHIPPED: "WAIT_GOODS_RECEIVE_CONFIRM",
    State.RECEIVED: "WAIT_GOODS_RECEIVE_CONFIRM",
    State.FINISHED: "FINISHED_L",
    State.CANCELLED: "TRADE_CANCELED",
}
_TO_SHIP_OF = {"virtual": "WAIT_SEND_CODE", "overseas": "WAIT_SELLER_DELIVERY"}


def order_state(order: Order) -> str:
    """The wire's state; a state forced by the control API wins.

    Inferred: a part-shipped order still waits for the rest, a deposit or an incomplete group pauses the order, a
    parcel that was delivered still waits for the buyer's confirmation.
    """
    if order.forced_state:
        return order.forced_state
    if order.children:
        return "PARENT_TRADE_CANCELED"
    settled = order.state in (State.CANCELLED, State.FINISHED, State.UNPAID)
    if not settled and any(locks(refund) for refund in order.refunds):
        return "LOCKED"
    if order.state is not State.TO_SHIP:
        return _BY_STATE[order.state]
    return "PAUSE" if order.hold is not None or order.ship_hold else _TO_SHIP_OF.get(order.variant, TO_SHIP)
