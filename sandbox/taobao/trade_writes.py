"""What a seller changes on a trade: memo and flag, closing an unpaid one."""

from typing import Any

from ..model import Order, State
from . import errors
from .call import HORIZON, Api, Call
from .values import when

CLOSE_REASONS = frozenset(
    {
        "未及时付款",
        "买家不想买了",
        "买家信息填写错误，重新拍",
        "恶意买家/同行捣乱",
        "缺货",
        "买家拍错了",
        "同城见面交易",
    }
)
LONGEST_MEMO = 1000
"""Bytes."""
TOO_YOUNG = 10
"""Seconds an order must exist before it may be closed."""


def _memo(call: Call) -> str:
    memo = call.params.text("memo")
    if len(memo.encode()) > LONGEST_MEMO:
        raise errors.business("isv.invalid-parameter:memo", "备注内容过长")
    return memo


def update_memo(call: Call) -> dict[str, Any]:
    """taobao.trade.memo.update: an empty memo keeps the old one, `reset` clears it; an absent flag stays."""
    order, memo = call.order(), _memo(call)
    flag = call.params.integer("flag", low=0, high=5) if "flag" in call.params else order.flag
    text = "" if call.params.flag("reset") else memo or order.memo
    call.world.set_memo(order, text, flag)
    return _changed(order)


def add_memo(call: Call) -> dict[str, Any]:
    """taobao.trade.memo.add: once per trade (sub_code inferred)."""
    order = call.order()
    call.params.required("memo")
    if order.memo or order.order_id in call.memory.memos:
        raise errors.business("isv.trade-memo-exist", "交易备注已存在")
    flag = call.params.integer("flag", low=0, high=5) if "flag" in call.params else order.flag
    call.world.set_memo(order, _memo(call), flag)
    call.memory.memos.add(order.order_id)
    return {"trade": {"tid": int(order.order_id), "created": when(order.updated)}}


def close(call: Call) -> dict[str, Any]:
    """taobao.trade.close: a whole unpaid trade, or with a line's id that line only (sub_code of other states
    inferred)."""
    order, line_id = _order_or_line(call)
    if call.params.required("close_reason") not in CLOSE_REASONS:
        raise errors.business("isv.invalid-parameter:closereason_wrong", "关闭原因不正确")
    if order.state not in (State.UNPAID, State.DEPOSIT_PAID):
        raise errors.business("isv.invalid-parameter:tid", "订单状态不允许关闭交易")
    if call.now - order.created < TOO_YOUNG:
        raise errors.business("CLOSE_TRADE_TOO_FAST", "订单创建不足10秒，不能关闭")
    if line_id is None:
        call.world.cancel(order, "seller")
    else:
        line = order.line(line_id)
        if line.cancelled or order.state is not State.UNPAID:
            raise errors.business("isv.invalid-parameter:tid", "订单状态不允许关闭交易")
        call.world.drop_line(order, line)
    return _changed(order)


def _order_or_line(call: Call) -> tuple[Order, str | None]:
    tid = call.params.required("tid")
    orders = call.world.book(call.shop).orders
    if tid not in orders and tid.isdecimal():
        for n in range(1, 10):
            order = orders.get(str(int(tid) - n))
            if order is not None and order.created >= call.now - HORIZON:
                for line in order.lines:
                    if line.line_id == tid:
                        return order, tid
    return call.order(), None


def _changed(order: Order) -> dict[str, Any]:
    return {"trade": {"tid": int(order.order_id), "modified": when(order.updated)}}


METHODS: dict[str, Api] = {
    "taobao.trade.memo.update": Api(update_memo),
    "taobao.trade.memo.add": Api(add_memo),
    "taobao.trade.close": Api(close),
}
