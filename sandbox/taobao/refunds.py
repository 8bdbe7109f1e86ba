"""Refunds: the list by time of change, the detail, and the seller's decisions.

Writes carry `refund_version` and fail when the refund has changed since (sub_codes of refusals are inferred).
"""

from typing import Any

from ..model import Order, Refund, RefundKind, RefundState
from ..world import Refused
from . import errors, states
from .call import Api, Call
from .fields import asked, chosen
from .refund_wire import REFUND, RefundView, constraint, version
from .shipping import ADDRESS_IDS
from .trades import count_of, page_of, window
from .values import listed, when

LIST_FIELDS = frozenset(
    {"refund_id", "tid", "oid", "title", "buyer_nick", "buyer_open_uid", "seller_nick", "total_fee", "status"}
    | {"created", "modified", "refund_fee", "good_status", "company_name", "sid", "payment", "reason", "desc"}
    | {"has_good_return", "order_status", "refund_phase", "dispute_type", "refund_version", "sku", "outer_id", "num"}
    | {"operation_contraint"}
)
STATUSES = frozenset(
    {
        "WAIT_SELLER_AGREE",
        "WAIT_BUYER_RETURN_GOODS",
        "WAIT_SELLER_CONFIRM_GOODS",
        "SELLER_REFUSE_BUYER",
        "CLOSED",
        "SUCCESS",
        "WAIT_BUYER_CONFIRM_EXCHANGE_SELLER_SEND_GOODS",
        "EXCHANGE_TRANSFORM_TO_REFUND",
        "WAIT_SELLER_CONSIGN_GOODS",
    }
)
REASONS = {101: ("买家未退货", ""), 102: ("商品已影响二次销售", "请上传凭证")}


def received(call: Call) -> dict[str, Any]:
    """taobao.refunds.receive.get: newest change first, in a window or ever; all types without `type` (inferred)."""
    params = call.params
    fields = asked(params)
    page, size = page_of(params)
    start, end = window(call, "start_modified", "end_modified", required=False)
    status = params.text("status")
    if status and status not in STATUSES:
        raise errors.invalid("status")
    book = call.world.book(call.shop)
    types = frozenset(params.words("type")) if "type" in params else frozenset()
    types |= states.GUARANTEED if "guarantee_trade" in types else frozenset()

    def passes(refund_id: str) -> bool:
        refund = book.refunds[refund_id]
        return (not types or states.trade_type(book.orders[refund.order_id]) in types) and (
            not status or states.refund_status(refund) == status
        )

    index = book.refunds_by_updated
    low, high = index.span(start, min(end, call.now - call.lag) if call.lag else end)
    found = index.filtered(low, max(low, high), (status, types, call.memory.revision), passes)
    names = {name for name in LIST_FIELDS if name in fields}
    rows = [chosen(REFUND, _view(call, book.refunds[key]), names) for key in found[(page - 1) * size : page * size]]
    return count_of(params, len(found), page, size) | {"refunds": listed("refund", rows)}


def _view(call: Call, refund: Refund) -> RefundView:
    return RefundView(call.world, call.shop, call.world.order(refund.order_id), refund)


def detail(call: Call) -> dict[str, Any]:
    """taobao.refund.get"""
    fields = asked(call.params)
    view = _view(call, call.refund())
    return {"refund": chosen(REFUND, view, {name for name in REFUND if name in fields})}


def _checked(call: Call) -> tuple[Order, Refund]:
    """The refund, when phase and version are the current ones; Tmall shops must say both."""
    refund = call.refund()
    order = call.world.order(refund.order_id)
    if call.is_tmall:
        for name in ("refund_phase", "refund_version"):
            call.params.required(name)
    if call.params.text("refund_phase", states.phase(order, refund)) != states.phase(order, refund):
        raise errors.business("isv.invalid-parameter:refund_phase", "退款阶段不正确")
    if call.params.integer("refund_version", version(refund)) != version(refund):
        raise errors.business("isv.refund-version-changed", "退款单已变更，请刷新后重试")
    return order, refund


def refuse(call: Call) -> dict[str, Any]:
    """taobao.refund.refuse: not before the goods are sent."""
    order, refund = _checked(call)
    message = call.params.required("refuse_message")
    if not 2 <= len(message) <= 200:
        raise errors.invalid("refuse_message")
    if "refuse_reason_id" in call.params:
        call.params.choice("refuse_reason_id", tuple(REASONS))
    if constraint(order, refund) == "cannot_refuse":
        raise errors.business("isv.refund-cannot-refuse", "该退款不允许拒绝")
    _decide(lambda: call.world.refuse_refund(refund, message))
    row = {"refund_id": refund.refund_id, "modified": when(refund.updated), "status": states.refund_status(refund)}
    return {"is_success": True, "refund": row}


def refuse_reasons(call: Call) -> dict[str, Any]:
    """taobao.refund.refusereason.get"""
    fields = asked(call.params)
    call.refund()
    call.params.required("refund_phase")
    rows = [
        fields.select({"reason_id": number, "reason_text": text, "reason_tips": tips})
        for number, (text, tips) in REASONS.items()
    ]
    return {"total_results": len(rows), "has_next": False, "reasons": listed("reason", rows)}


def agree_return(call: Call) -> dict[str, Any]:
    """taobao.rp.returngoods.agree: the goods may come back to one of the seller's addresses."""
    _, refund = _checked(call)
    address = call.params.required("seller_address_id")
    if address not in ADDRESS_IDS:
        raise errors.business("isv.invalid-parameter:seller_address_id", "卖家地址不存在")
    _decide(lambda: call.world.agree_return(refund, address))
    return {"is_success": True}


def review(call: Call) -> dict[str, Any]:
    """taobao.rp.refund.review: a Tmall operator approves a refund, without which it cannot be paid."""
    if not call.is_tmall:
        raise errors.business("isv.invalid-permission", "仅支持天猫商家")
    _, refund = _checked(call)
    for name in ("operator", "message", "result"):
        call.params.required(name)
    if call.params.flag("result"):
        call.memory.reviewed.add(refund.refund_id)
    else:
        call.memory.reviewed.discard(refund.refund_id)
    return {"is_success": True}


def _decide(step: Any) -> None:
    try:
        step()
    except Refused as refused:
        raise errors.business("isv.refund-status-error", f"退款单状态不允许操作：{refused.reason}") from None


def cancel_sending(call: Call) -> dict[str, Any]:
    """taobao.rdc.aligenius.sendgoods.cancel: the ERP stopped the shipment (SUCCESS), so the money goes back."""
    param = call.params.object("param")
    refund = call.world.book(call.shop).refunds.get(param.required("refund_id"))
    if refund is None or refund.order_id != param.required("tid"):
        raise errors.business("isv.refund-not-exist", "退款单不存在")
    status = param.required("status")
    if status not in ("SUCCESS", "FAIL"):
        raise errors.invalid("param")
    usable = refund.state is RefundState.REQUESTED and refund.kind is RefundKind.REFUND_ONLY and refund.before_shipping
    if status == "SUCCESS" and usable:
        call.world.agree_refund(refund)
        call.world.pay_back(refund)
    return {"result": {"success": usable, "error_info": None if usable else "退款单状态不允许操作"}}


METHODS: dict[str, Api] = {
    "taobao.refunds.receive.get": Api(received, listing=True),
    "taobao.refund.get": Api(detail),
    "taobao.refund.refuse": Api(refuse),
    "taobao.refund.refusereason.get": Api(refuse_reasons),
    "taobao.rp.returngoods.agree": Api(agree_return),
    "taobao.rp.refund.review": Api(review),
    "taobao.rdc.aligenius.sendgoods.cancel": Api(cancel_sending),
}
