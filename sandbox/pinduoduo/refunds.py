"""After-sales (dossier section 7). Mind the two numberings of after_sales_type and the two units of money."""

import math
from typing import Any

from ..model import Order, Refund, RefundKind, RefundState
from ..world import Refused
from . import errors, render
from .call import Call, as_business
from .carriers import BY_CODE, CARRIERS, REGION_IDS
from .orders import HALF_HOUR, paging

_DETAIL_TYPE = {
    RefundKind.REFUND_ONLY: 1,
    RefundKind.RETURN: 2,
    RefundKind.EXCHANGE: 3,
    RefundKind.RESEND: 4,
    RefundKind.REPAIR: 5,
}
RETURN_ADDRESS_ID = "20001"


def detail_type(refund: Refund) -> int:
    """Numbering of the detail and of messages: 1 = refund only. Lists use one more."""
    return _DETAIL_TYPE[refund.kind]


def _carrier_name(carrier: str) -> str:
    if carrier.isdigit() and int(carrier) in CARRIERS:
        return CARRIERS[int(carrier)].name
    return BY_CODE[carrier].name if carrier in BY_CODE else carrier


def listing(call: Call) -> dict[str, Any]:
    """pdd.refund.list.increment.get: with order_sn the other filters must be there and count for nothing."""
    params = call.params
    start, end = params.integer("start_updated_at"), params.integer("end_updated_at")
    kind = params.choice("after_sales_type", (1, 2, 3, 4, 5, 6))
    status = params.integer("after_sales_status", low=0, high=33)
    page, size = paging(call)
    book = call.world.book(call.shop)
    if "order_sn" in params:
        order = book.orders.get(params.required("order_sn"))
        found = list(order.refunds) if order else []
    else:
        if end < start or end - start > HALF_HOUR:
            raise errors.invalid("end_updated_at")
        lag = call.world.faults.lag("pinduoduo", call.shop.shop_id)
        until = min(math.nextafter(end + 1, 0), call.world.now() - lag if lag else math.inf)
        keys = book.refunds_by_updated.keys(*book.refunds_by_updated.span(start, until), newest_first=True)
        found = [
            refund
            for refund in (book.refunds[key] for key in keys)
            if render.refund_code(refund) == status and (kind == 1 or kind == detail_type(refund) + 1)
        ]
    rows = [_row(book.orders[refund.order_id], refund) for refund in found[(page - 1) * size : page * size]]
    return {"total_count": len(found), "refund_list": rows}


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def _row(order: Order, refund: Refund) -> dict[str, Any]:
    line = order.line(refund.line_id)
    return {
        "id": int(refund.refund_id),
        "order_sn": order.order_id,
        "after_sales_type": detail_type(refund) + 1,
        "after_sales_status": render.refund_code(refund),
        "after_sale_reason": refund.reason,
        "created_time": render.when(refund.created),
        "updated_time": render.when(refund.updated),
        "confirm_time": render.when(order.confirmed),
        "order_amount": _yuan(order.pay_amount),
        "discount_amount": _yuan(order.discount_amount),
        "refund_amount": _yuan(refund.amount),
        "goods_id": int(line.item_id),
        "goods_name": line.title,
        "good_image": render.IMAGE,
        "goods_number": str(refund.quantity),
        "goods_price": _yuan(line.price),
        "sku_id": line.sku_id,
        "outer_goods_id": line.item_code,
        "outer_id": line.code,
        "shipping_name": _carrier_name(refund.parcel_back[0]) if refund.parcel_back else "",
        "tracking_number": refund.parcel_back[1] if refund.parcel_back else "",
        "speed_refund_flag": 0,
        "speed_refund_status": "",
        "dispute_refund_status": 0,
        "refund_operator_role": _operator(refund),
        "user_shipping_status": _user_shipping(order, refund),
    }


def _operator(refund: Refund) -> int:
    if refund.state is RefundState.WITHDRAWN:
        return 1
    return 3 if refund.by_platform else 2 if refund.agreed else 0


def _user_shipping(order: Order, refund: Refund) -> str:
    return "1" if refund.before_shipping else "2" if order.received else "0"


def _refund(call: Call, order_sn: str, refund_id: str) -> tuple[Order, Refund]:
    book = call.world.book(call.shop)
    order, refund = book.orders.get(order_sn), book.refunds.get(refund_id)
    if order is None:
        raise errors.order_not_found()
    if refund is None or refund.order_id != order_sn:
        raise errors.business("售后单不存在")
    return order, refund


def information(call: Call) -> dict[str, Any]:
    """pdd.refund.information.get: no root object, money in cents."""
    order, refund = _refund(call, call.params.required("order_sn"), call.params.required("after_sales_id"))
    line = order.line(refund.line_id)
    return {
        "id": int(refund.refund_id),
        "order_sn": order.order_id,
        "after_sales_type": detail_type(refund),
        "after_sales_status": render.refund_code(refund),
        "after_sales_reason": refund.reason,
        "remark": refund.note,
        "images": [],
        "order_amount": order.pay_amount,
        "discount_amount": order.discount_amount,
        "refund_amount": refund.amount,
        "goods_number": refund.quantity,
        "goods_price": line.price,
        "sku_id": line.sku_id,
        "confirm_time": int(order.confirmed or 0),
        "recreated_at": int(refund.created),
        "updated_time": render.when(refund.updated),
        "expire_time": int(refund.deadline or 0),
        "express_no": refund.parcel_back[1] if refund.parcel_back else "",
        "shipping_name": _carrier_name(refund.parcel_back[0]) if refund.parcel_back else "",
        "shipping_status": int(not refund.before_shipping),
        "user_shipping_status": _user_shipping(order, refund),
        "join_or_not": str(int(refund.state is RefundState.ARBITRATION)),
        "speed_refund_flag": 0,
        "dispute_refund_status": 0,
        "refund_operator_role": _operator(refund),
        "part_after_sales_type": 0,
        "part_after_sales_value": 0,
        "exchange_shipping_detail": _exchange(refund),
    }


def _exchange(refund: Refund) -> dict[str, Any] | None:
    if refund.parcel_out is None:
        return None
    return {"shipping_name": _carrier_name(refund.parcel_out[0]), "tracking_number": refund.parcel_out[1]}


def check(call: Call) -> dict[str, Any]:
    """pdd.refund.status.check: which of these orders have an after-sale (running or refunded)."""
    book = call.world.book(call.shop)
    found = []
    for order_sn in call.params.words("order_sns", 100):
        order = book.orders.get(order_sn)
        if order is not None and render.refund_status(order) != 1:
            found.append({"order_sn": order_sn})
    return {"order_sns_exists_refund": found}


def agree(call: Call) -> dict[str, Any]:
    """pdd.refund.agree: the money goes back; a soft failure when the state does not fit."""
    request = call.params.object("request")
    order, refund = _refund(call, request.required("order_sn"), request.required("after_sales_id"))
    try:
        call.world.agree_refund(refund)
    except Refused as refused:
        return {"result": _result(order, refund) | {"succ": False, "message": as_business(refused).sub_text}}
    call.world.pay_back(refund)
    return {"result": _result(order, refund) | {"succ": True, "message": "退款操作成功"}}


def _result(order: Order, refund: Refund) -> dict[str, Any]:
    return {"order_sn": order.order_id, "after_sales_id": int(refund.refund_id)}


def agree_return(call: Call) -> dict[str, Any]:
    """pdd.refund.returngoods.agree"""
    request = call.params.object("request")
    order, refund = _refund(call, request.required("order_sn"), request.required("after_sales_id"))
    address_id = request.text("return_address_id", RETURN_ADDRESS_ID)
    text = None if address_id == RETURN_ADDRESS_ID else "退货地址不存在"
    if text is None:
        try:
            call.world.agree_return(refund, address_id)
        except Refused as refused:
            text = as_business(refused).sub_text
    if text is not None:
        result = _result(order, refund) | {"success": False, "message": text}
        return {"success": False, "error_code": 50001, "error_msg": text, "result": result}
    return {
        "success": True,
        "error_code": 0,
        "error_msg": "",
        "result": _result(order, refund) | {"success": True, "message": ""},
    }


def exchange_shipping(call: Call) -> dict[str, Any]:
    """pdd.refund.exchange.shipping: the merchant sends the replacement."""
    request = call.params.object("request")
    order, refund = _refund(call, request.required("order_sn"), request.required("after_sales_id"))
    carrier = str(request.integer("shipping_id"))
    try:
        call.world.send_replacement(refund, carrier, request.required("tracking_number"))
    except Refused as refused:
        return {"result": _result(order, refund) | {"succ": False, "message": as_business(refused).sub_text}}
    return {"result": _result(order, refund) | {"succ": True, "message": ""}}


def warehouse_received(call: Call) -> dict[str, Any]:
    """pdd.nextone.logistics.warehouse.update: the return reached the warehouse, which speeds up the refund."""
    request = call.params.object("request")
    _, refund = _refund(call, request.required("order_sn"), request.required("after_sales_id"))
    fine = request.choice("warehouse_status", (1, 2)) == 1
    request.required("reverse_tracking_number")
    if refund.state is not RefundState.RETURNED:
        return {"success": False, "error_code": 50001, "error_msg": "当前状态不允许此操作"}
    if fine:
        call.world.agree_refund(refund)
        call.world.pay_back(refund)
    return {"success": True, "error_code": 0, "error_msg": ""}


def cancel_sending(call: Call) -> dict[str, Any]:
    """pdd.rdc.pddgenius.sendgoods.cancel: the answer to a request to stop shipping."""
    request = call.params.object("param")
    order, refund = _refund(call, request.required("tid"), request.required("refund_id"))
    status = request.required("status")
    if status not in ("SUCCESS", "FAIL"):
        raise errors.invalid("status")
    if status == "SUCCESS" and refund.state is RefundState.REQUESTED and refund.before_shipping:
        call.world.agree_refund(refund)
        call.world.pay_back(refund)
    return {"result": {"success": True, "tid": order.order_id, "refund_id": int(refund.refund_id)}}


def addresses(call: Call) -> dict[str, Any]:
    """pdd.refund.address.list.get: one default return address (an invented person)."""
    return {
        "refund_address_list": [
            {
                "id": int(RETURN_ADDRESS_ID),
                "refund_address_id": RETURN_ADDRESS_ID,
                "mall_id": int(call.shop.shop_id),
                "province_id": REGION_IDS["330000"],
                "province_name": "浙江省",
                "city_id": REGION_IDS["330100"],
                "city_name": "杭州市",
                "district_id": REGION_IDS["330106"],
                "district_name": "西湖区",
                "refund_address": "示例路1号退货仓",
                "refund_name": "李四",
                "refund_phone": "17000009999",
                "refund_tel": "",
                "is_default": "1",
                "is_legal": True,
                "is_validated": True,
            }
        ]
    }
