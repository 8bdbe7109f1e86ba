"""Shipping: whole orders, parts, changed numbers, traces. Only WAIT_SELLER_STOCK_OUT ships.

Rules the platform keeps to itself are inferred: the form of tracking numbers, that JD's own warehouse orders are
refused, that numbers may be changed only after shipping.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..model import Line, Order
from ..world import Refused
from . import errors
from .call import Call, Members, Method
from .carriers import CARRIERS, JD_EXPRESS, SELF_DELIVERY
from .errors import Refusal
from .order_wire import parcels, sku_uuid, when
from .params import Params
from .states import TO_SHIP, order_state

_NUMBER = re.compile(r"[0-9A-Za-z-]{5,40}")
_NOT_SHIPPABLE = {"LOCKED": "refund_open", "PAUSE": "held", "POP_ORDER_PAUSE": "held"}
Parcel = tuple[str, str]
"""(company, number)"""


def _checked(order: Order) -> None:
    """The order may be shipped by the seller now."""
    if order.variant == "platform_stock":
        raise Refusal(10400017, "京仓订单不能由商家出库", "order is shipped by jd warehouse")
    state = order_state(order)
    if order.shipped is not None:
        raise errors.of_world("already_shipped")
    if state != TO_SHIP:
        raise errors.of_world(_NOT_SHIPPABLE.get(state, "wrong_state"))


def _numbers(carrier: str, numbers: list[str]) -> list[Parcel]:
    """One company's parcels; at least one number unless the seller delivers by hand."""
    if carrier not in CARRIERS:
        raise Refusal(10400018, "物流公司不存在", "logistics company not exist")
    given = [number for number in numbers if number]
    if carrier == SELF_DELIVERY and not given:
        return [(carrier, "")]
    if not given or not all(_NUMBER.fullmatch(number) for number in given):
        raise Refusal(10400020, "运单号不合法", "waybill is illegal")
    return [(carrier, number) for number in given]


def _joined(companies: str, numbers: str) -> list[Parcel]:
    """`467|1499` with `a,b|c`."""
    carriers, groups = companies.split("|"), numbers.split("|")
    if len(carriers) != len(groups):
        raise Refusal(10400019, "物流公司与运单号不匹配", "company and waybill do not match")
    return [
        parcel
        for carrier, group in zip(carriers, groups, strict=True)
        for parcel in _numbers(carrier.strip(), group.split(","))
    ]


def ship(call: Call) -> Members:
    """jingdong.pop.order.shipment: the whole order, in one or several parcels."""
    params = call.params
    order = call.order(params.required("orderId"))
    _checked(order)
    first, *more = _joined(params.required("logiCoprId"), params.text("logiNo", ""))
    call.world.ship(order, *first, allow_open_refund=True, more=more)
    return {"sopjosshipment_result": {"success": True, "errorCode": "0", "chineseErrCode": "", "englishErrCode": ""}}


def _ship_failure(refusal: Refusal) -> Members:
    return {
        "sopjosshipment_result": {
            "success": False,
            "errorCode": str(refusal.code),
            "chineseErrCode": refusal.chinese,
            "englishErrCode": refusal.english,
        }
    }


@dataclass(frozen=True, slots=True)
class _Part:
    parcels: list[Parcel]
    contents: dict[str, int]


def _lines_of(order: Order, goods: Params, left: dict[str, int]) -> Iterator[tuple[Line, int]]:
    """The line that `skuUuid` names, else the lines of the SKU in turn, with how many pieces of each are meant."""
    uuid, sku_id, pieces = goods.text("skuUuid", ""), goods.text("skuId"), goods.integer("num", low=1)
    lines = [line for line in order.lines if line.sku_id == sku_id]
    named = [line for line in lines if sku_uuid(order, line) == uuid] or lines
    room = sum(left.get(line.line_id, 0) for line in named)
    if pieces > room:
        raise errors.of_world("unknown_line" if not lines else "bad_quantity" if room else "already_shipped")
    for line in named:
        taken = min(pieces, left.get(line.line_id, 0))
        pieces -= taken
        if taken:
            yield line, taken


def _parts(order: Order, deliveries: list[Params]) -> list[_Part]:
    """What goes into which parcels; without goods everything that is left."""
    if not deliveries:
        raise errors.invalid("deliveryNumberDtoList")
    left = {line.line_id: line.quantity - line.shipped for line in order.lines if not line.cancelled}
    found = []
    for delivery in deliveries:
        sent = _numbers(delivery.required("deliveryId"), [str(each) for each in delivery.array("deliveryNums")])
        contents: dict[str, int] = {}
        for goods in delivery.objects("partialShipmentGoodsList"):
            for line, pieces in _lines_of(order, goods, left):
                contents[line.line_id] = contents.get(line.line_id, 0) + pieces
                left[line.line_id] -= pieces
        if not contents:
            contents = {line_id: pieces for line_id, pieces in left.items() if pieces}
            left = dict.fromkeys(left, 0)
        found.append(_Part(sent, contents))
    return found


def ship_parts(call: Call) -> Members:
    """jingdong.pop.order.partial.outship: every order has its own outcome. `belongType`, `deliveryType` are ignored."""
    done: list[int] = []
    failed: list[dict[str, Any]] = []
    for entry in call.params.object("request").objects("data"):
        for order_id in entry.array("orderIds"):
            try:
                if call.row_fails():
                    raise errors.transient(999999)
                _ship_one(call, call.order(str(order_id)), entry.objects("deliveryNumberDtoList"))
                done.append(int(order_id))
            except Refused as refused:
                failed.append(_failed(order_id, errors.of_world(refused.reason)))
            except Refusal as refusal:
                failed.append(_failed(order_id, refusal))
    return {"response": {"code": 0, "msg": "", "data": {"successList": done, "failList": failed}}}


def _ship_one(call: Call, order: Order, deliveries: list[Params]) -> None:
    _checked(order)
    for part in _parts(order, deliveries):
        first, *more = part.parcels
        call.world.ship(order, *first, part.contents, allow_open_refund=True, more=more)


def _failed(order_id: Any, refusal: Refusal) -> dict[str, Any]:
    number = int(order_id) if str(order_id).isdecimal() else 0
    return {"code": refusal.code, "orderId": number, "failReason": refusal.chinese}


def judge(call: Call) -> Members:
    """jingdong.pop.order.partialship.judge: yes for an order to ship with more than one piece (inferred)."""
    rows = []
    for order_id in call.params.object("request").object("data").array("orderList"):
        order = call.order(str(order_id))
        fine = order_state(order) == TO_SHIP and sum(line.quantity for line in order.lines) > 1
        rows.append(
            {
                "supportPartialShipment": fine,
                "orderId": int(order.order_id),
                "notSupportSendPay": "",
                "notSupportType": 0 if fine else 1,
                "notSupportMsg": "" if fine else "订单不支持部分发货",
            }
        )
    return {"response": {"code": 0, "msg": "", "data": {"partialShipmentItemList": rows}}}


def update_waybill(call: Call) -> Members:
    """jingdong.pop.order.waybill.update: numbers of single parcels, counted from 1."""
    data = call.params.object("request").object("data")
    order = call.order(data.required("orderId"))
    now = [(package.carrier, package.tracking_no) for package in parcels(order)]
    changes = data.objects("partialShipmentInfoList")
    if not changes:
        raise errors.invalid("partialShipmentInfoList")
    for change in changes:
        position = change.integer("shipmentId", low=1) - 1
        if position >= len(now):
            raise Refusal(10400021, "出库单不存在", "shipment not exist")
        now[position] = _numbers(change.required("logicId"), [change.text("waybillId", "")])[0]
    call.world.retrack(order, now)
    return {"response": {"code": 0, "msg": "", "data": True}}


def _response_failure(refusal: Refusal) -> Members:
    return {"response": {"code": refusal.code, "msg": refusal.chinese}}


def update_logistics(call: Call) -> Members:
    """jingdong.pop.order.sop.logistics.update: all numbers of a shipped order anew."""
    params = call.params
    order = call.order(params.object("oneGlobalOrderModelNoLogistic").required("orderId"))
    sent = [
        parcel
        for row in params.objects("logisticsGlobalModelList")
        for parcel in _numbers(row.required("logiCoprId"), _number_list(row))
    ]
    call.world.retrack(order, sent)
    return {"returnType": {"success": True, "resultCode": "0", "resultDescribe": ""}}


def _number_list(row: Params) -> list[str]:
    """An array, or a comma list (sources do not say)."""
    value = row.values.get("logiNoList", "")
    return [str(each) for each in value] if isinstance(value, list) else row.text("logiNoList", "").split(",")


def _return_failure(refusal: Refusal) -> Members:
    return {"returnType": {"success": False, "resultCode": str(refusal.code), "resultDescribe": refusal.chinese}}


def trace(call: Call) -> Members:
    """jingdong.ldop.receive.trace.get: parcels of JD's own express only; empty for other numbers."""
    call.params.required("customerCode")
    number = call.params.required("waybillCode")
    rows: list[dict[str, str]] = []
    for order in call.world.book(call.shop).orders.values():
        for package in order.packages:
            if package.carrier == JD_EXPRESS and package.tracking_no == number:
                rows.append(_node(number, "快件揽收", "货物已交付京东物流", package.at))
                if order.received is not None:
                    rows.append(_node(number, "妥投", "货物已签收", order.received))
                return {"querytrace_result": {"code": 100, "messsage": "成功", "data": rows}}
    return {"querytrace_result": {"code": 100, "messsage": "成功", "data": rows}}


def _node(number: str, title: str, text: str, at: float) -> dict[str, str]:
    return {
        "opeTitle": title,
        "opeRemark": text,
        "opeName": "示例站点",
        "opeTime": when(at).replace("-", "/"),
        "waybillCode": number,
        "courier": "",
        "courierTel": "",
    }


def _trace_failure(refusal: Refusal) -> Members:
    return {"querytrace_result": {"code": refusal.code, "messsage": refusal.chinese, "data": []}}


METHODS = {
    "jingdong.pop.order.shipment": Method(ship, _ship_failure),
    "jingdong.pop.order.partial.outship": Method(ship_parts, _response_failure),
    "jingdong.pop.order.partialship.judge": Method(judge, _response_failure),
    "jingdong.pop.order.waybill.update": Method(update_waybill, _response_failure),
    "jingdong.pop.order.sop.logistics.update": Method(update_logistics, _return_failure),
    "jingdong.ldop.receive.trace.get": Method(trace, _trace_failure),
}
