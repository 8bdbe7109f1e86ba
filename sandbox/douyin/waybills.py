"""`logistics.*`: e-waybill branches, numbers, print data, cancellation, and the trace of a parcel.

Here `logistics_code` is the carrier; in `order.*` it is the tracking number. Getting a waybill ships nothing.
"""

import base64
import hashlib
from typing import Any

from ..model import Order, State
from . import errors
from .call import Call, Handler, Waybill
from .carriers import BY_CODE
from .envelope import wall_clock

MOST = 50
_SENDER = {
    "city_name": "杭州市",
    "detail_address": "示例路88号",
    "district_name": "余杭区",
    "province_name": "浙江省",
    "street_name": "仓前街道",
}


def sites(call: Call) -> dict[str, Any]:
    """`logistics.listShopNetsite`: one branch per carrier; "" asks for all."""
    code = call.params.text("logistics_code")
    if code and code not in BY_CODE:
        raise errors.invalid(10003, "物流公司编码不合法")
    used = dict.fromkeys(BY_CODE, 0)
    for waybill in call.memory.waybills.values():
        used[waybill.carrier] += 1
    rows = [
        {
            "allocated_quantity": used[carrier],
            "amount": str(1000 - used[carrier]),
            "cancelled_quantity": 0,
            "company": carrier,
            "company_type": 2,
            "netsite_code": "57100",
            "netsite_name": "示例网点",
            "recycled_quantity": -1,
            "sender_address": [_SENDER],
        }
        for carrier in ([code] if code else ["zhongtong", "yuantong", "shunfeng"])
    ]
    return {"company_type": 0, "logistics_code": code, "netsites": rows}


def create(call: Call) -> dict[str, Any]:
    """`logistics.newCreateOrder`: the same order and pack answer the same number; read both lists."""
    params = call.params.numbered(10003)
    carrier = params.required("logistics_code")
    if carrier not in BY_CODE:
        raise errors.invalid(10003, "物流公司编码不合法")
    infos = params.items("order_infos")
    if not 1 <= len(infos) <= MOST:
        raise errors.invalid(10003, "order_infos数量需在1到50之间")
    made, lost = [], []
    for info in infos:
        order_id, pack_id = info.required("order_id").removesuffix("A"), info.text("pack_id")
        if call.item_fails():
            lost.append(_lost(order_id, pack_id, "10701", "电子面单库存不足"))
        elif order_id not in call.world.book(call.shop).orders:
            lost.append(_lost(order_id, pack_id, "4006", "订单不存在"))
        else:
            made.append(_row(_waybill(call, carrier, order_id, pack_id)))
    return {"ebill_infos": made, "err_infos": lost}


def _lost(order_id: str, pack_id: str, code: str, text: str) -> dict[str, Any]:
    return {"err_code": code, "err_msg": text, "order_channel": "", "order_id": order_id, "pack_id": pack_id}


def _waybill(call: Call, carrier: str, order_id: str, pack_id: str) -> Waybill:
    known = call.memory.waybill_numbers.get((carrier, order_id, pack_id))
    if known is not None:
        return call.memory.waybills[carrier, known]
    prefix = {"shunfeng": "SF", "yuantong": "YT"}.get(carrier, "")
    number = f"{prefix}{754_000_000_000_00 + call.world.number():014d}"
    call.memory.waybill_numbers[carrier, order_id, pack_id] = number
    waybill = call.memory.waybills[carrier, number] = Waybill(order_id, pack_id, carrier, number, call.now)
    return waybill


def _row(waybill: Waybill) -> dict[str, Any]:
    return {
        "company": waybill.carrier,
        "extra_resp": "",
        "hint_msg": "",
        "order_channel": "",
        "order_id": waybill.order_id,
        "pack_id": waybill.pack_id,
        "package_center_code": "571-HZ",
        "package_center_name": "杭州中心",
        "shipping_code": "",
        "short_address_code": "",
        "short_address_name": "杭州",
        "sort_code": "571-01 02",
        "sub_waybill_codes": "",
        "track_no": waybill.track_no,
    }


def apply(call: Call) -> dict[str, Any]:
    """`logistics.waybillApply`: opaque print data for numbers of ours."""
    made, lost = [], []
    for row in call.params.numbered(10003).items("waybill_applies"):
        carrier, number = row.required("logistics_code"), row.required("track_no")
        waybill = call.memory.waybills.get((carrier, number))
        if waybill is None:
            lost.append({"err_code": "4007", "err_msg": "面单号不存在", "track_no": number})
            continue
        secret = hashlib.blake2b(f"{carrier}{number}".encode()).digest()
        made.append(
            {
                "order_id": waybill.order_id,
                "print_data": base64.b64encode(secret * 2).decode(),
                "sign": "MD:" + base64.b64encode(secret[:18]).decode(),
                "track_no": number,
            }
        )
    return {"err_infos": lost, "waybill_infos": made}


def cancel(call: Call) -> dict[str, Any]:
    """`logistics.cancelOrder`: not once the number carries a parcel."""
    params = call.params.numbered(10003)
    carrier, number = params.required("logistics_code"), params.required("track_no")
    waybill = call.memory.waybills.get((carrier, number))
    if waybill is None:
        raise errors.failed(10801, "面单号不存在或已取消")
    if (call.shop.shop_id, number) in call.memory.numbers:
        raise errors.failed(10804, "面单号已有物流轨迹，不能取消")
    del call.memory.waybills[carrier, number]
    del call.memory.waybill_numbers[carrier, waybill.order_id, waybill.pack_id]
    return {"cancel_result": {"success": True}}


def trace(call: Call) -> dict[str, Any]:
    """`logistics.trackNoRouteDetail`: only e-waybill numbers that were shipped have a trace."""
    params = call.params.numbered(10003)
    carrier, number = params.required("logistics_code"), params.required("track_no")
    order_id = call.memory.numbers.get((call.shop.shop_id, number))
    known = (carrier, number) in call.memory.waybills and order_id is not None
    nodes = _nodes(call, call.world.order(order_id), number) if known and order_id is not None else []
    return {"route__node_list": nodes, "track_info": {"express": carrier, "track_no": number}}


def _nodes(call: Call, order: Order, number: str) -> list[dict[str, Any]]:
    """Picked up after an hour, on its way after twelve, signed when the order was."""
    at = next((package.at for package in order.packages if package.tracking_no == number), None)
    if at is None:
        return []
    steps = [(at + 3600, "1", "已揽收"), (at + 43_200, "2", "运输中")]
    if order.received is not None and order.state in (State.RECEIVED, State.FINISHED):
        steps.append((order.received, "4", "已签收"))
    return [
        {
            "content": f"【杭州市】{text} {wall_clock(when)}",
            "site_name": "示例网点",
            "state": state,
            "state_description": text,
            "timestamp": str(int(when)),
        }
        for when, state, text in steps
        if when <= call.now
    ]


APIS: dict[str, Handler] = {
    "logistics.listShopNetsite": sites,
    "logistics.newCreateOrder": create,
    "logistics.waybillApply": apply,
    "logistics.cancelOrder": cancel,
    "logistics.trackNoRouteDetail": trace,
}
