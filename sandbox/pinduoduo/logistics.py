"""Shipping, carriers, traces, regions, e-waybills (dossier section 10)."""

import hashlib
import re
from typing import Any

from ..people import REGIONS
from ..world import Refused
from . import errors, render
from .call import Call, as_business
from .carriers import BY_CODE, CARRIERS, REGION_IDS, Carrier, region_parent

_NUMBER = re.compile(r"[0-9A-Za-z-]{5,40}")
"""Tracking numbers; the platform's own rules per carrier are not public (inferred)."""


def _carrier(carrier_id: int) -> Carrier:
    carrier = CARRIERS.get(carrier_id)
    if carrier is None or not carrier.available:
        raise errors.business("快递公司不存在或已停用")
    return carrier


def _tracking_number(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise errors.business("运单号格式不正确")
    return text


def send(call: Call) -> dict[str, Any]:
    """pdd.logistics.online.send: 1 first shipment (only order_status 1), 2 change (only shipped orders; overwrites)."""
    params = call.params
    order_sn = params.required("order_sn")
    carrier_id, number = params.integer("logistics_id"), params.required("tracking_number")
    kind = params.choice("redelivery_type", (1, 2), 1)
    order = call.order(order_sn)
    carrier, number = str(_carrier(carrier_id).carrier_id), _tracking_number(number)
    if kind == 2:
        call.world.change_tracking(order, carrier, number)
        return {"is_success": True}
    if render.refund_status(order) in (3, 4):
        raise as_business(Refused("refund_open", "money is going back"))
    call.world.ship(order, carrier, number, allow_open_refund=call.world.settings.ship_during_refund)
    return {"is_success": True}


def upload_extra(call: Call) -> dict[str, Any]:
    """pdd.order.upload.extra.logistics: more parcels of a shipped order, information for the buyer only."""
    order = call.order(call.params.required("order_sn"))
    kind = {1: "split", 2: "resend", 3: "gift"}[call.params.choice("extra_track_type", (1, 2, 3))]
    parcels = [
        (str(_carrier(row.integer("shipping_id")).carrier_id), _tracking_number(row.required("tracking_number")))
        for row in call.params.objects("extra_track_list", 10)
    ]
    call.world.add_parcel_notice(order, kind, parcels)
    return {"success": True}


def upload_relation(call: Call) -> dict[str, Any]:
    """pdd.order.upload.relation.logistics: another parcel for a repeated shipment (parameter names inferred)."""
    order = call.order(call.params.required("order_sn"))
    parcel = (
        str(_carrier(call.params.integer("shipping_id")).carrier_id),
        _tracking_number(call.params.required("tracking_number")),
    )
    call.world.add_parcel_notice(order, "resend", [parcel])
    return {"success": True}


def report_printed(call: Call) -> dict[str, Any]:
    """pdd.erp.order.sync: "printed" report without root object; does not ship."""
    params = call.params
    order = call.order(params.required("order_sn"))
    params.choice("order_state", (1,))
    carrier = _carrier(params.integer("logistics_id"))
    call.world.mark(order, printed=(str(carrier.carrier_id), params.required("waybill_no")))
    return {"success": True, "result": True, "error_code": 0, "error_msg": ""}


def companies(_: Call) -> dict[str, Any]:
    """pdd.logistics.companies.get"""
    rows = sorted(CARRIERS.values(), key=lambda carrier: carrier.carrier_id)
    return {
        "logistics_companies": [
            {"id": row.carrier_id, "code": row.code, "logistics_company": row.name, "available": row.available}
            for row in rows
        ]
    }


def regions(_: Call) -> dict[str, Any]:
    """pdd.logistics.address.get"""
    return {
        "logistics_address_list": [
            {
                "id": REGION_IDS[region.code],
                "parent_id": region_parent(region),
                "region_name": region.name,
                "region_type": region.level,
                "national_code": region.code,
                "is_enabled": 1,
            }
            for region in REGIONS
        ]
    }


def trace(call: Call) -> dict[str, Any]:
    """pdd.logistics.ordertrace.get: picked up when shipped, signed when received; empty for unknown numbers."""
    carrier = BY_CODE.get(call.params.required("company_code"))
    number = call.params.required("mail_no")
    if carrier is None:
        raise errors.invalid("company_code")
    nodes = []
    for order in call.world.all_orders("pinduoduo"):
        for package in order.packages:
            if package.tracking_no == number and package.carrier == str(carrier.carrier_id):
                nodes.append(_node("GOT", "已揽收", package.at))
                if order.received:
                    nodes.append(_node("SIGN", "已签收", order.received))
                return {"trace_list": nodes}
    return {"trace_list": nodes}


def _node(action: str, text: str, at: float) -> dict[str, Any]:
    return {
        "action": action,
        "desc": f"【杭州市】{text}",
        "status_desc": text,
        "status_time": render.when(at),
        "time": render.when(at),
        "node_description": "杭州",
    }


def subscribe_trace(call: Call) -> dict[str, Any]:
    """pdd.logistics.isv.trace.notify.sub: accepted; the sandbox pushes no traces."""
    call.params.required("ship_code")
    call.params.required("track_no")
    return {"is_success": True}


def pre_check(call: Call) -> dict[str, Any]:
    """pdd.open.logistics.pre.check: whether a shipment with this number would be allowed."""
    order = call.order(call.params.required("order_sn"))
    carrier = BY_CODE.get(call.params.required("ship_code"))
    number = call.params.required("tracking_number")
    fine = carrier is not None and carrier.available and _NUMBER.fullmatch(number) and order.hold is None
    return {"allowed": bool(fine) and render.order_status(order) == 1 and render.refund_status(order) == 1}


def waybill_get(call: Call) -> dict[str, Any]:
    """pdd.waybill.get: one number per object and set of orders, the same when asked again (inferred)."""
    carrier = BY_CODE.get(call.params.required("wp_code"))
    if carrier is None or not carrier.available:
        raise errors.invalid("wp_code")
    modules = []
    for row in call.params.object("param_waybill_cloud_print_apply_new_request").objects("trade_order_info_dtos", 10):
        order_sns = [call.order(str(each)).order_id for each in row.object("order_info").rows("trade_order_list", 100)]
        asked = "|".join((call.shop.shop_id, carrier.code, row.required("object_id"), *order_sns))
        digits = int.from_bytes(hashlib.sha256(asked.encode()).digest()[:8], "big") % 10**13
        modules.append(
            {
                "object_id": row.required("object_id"),
                "waybill_code": f"{carrier.code[:2]}{digits:013d}",
                "parent_waybill_code": "",
                "print_data": '{"encryptedData":"SANDBOX","signature":"SANDBOX","templateUrl":"'
                + row.text("template_url")
                + '","ver":"3"}',
            }
        )
    return {"modules": modules}


def waybill_cancel(call: Call) -> dict[str, Any]:
    """pdd.waybill.cancel: refused for numbers that were shipped with."""
    call.params.required("wp_code")
    number = call.params.required("waybill_code")
    used = any(
        package.tracking_no == number for order in call.world.all_orders("pinduoduo") for package in order.packages
    )
    return {"cancel_result": not used}


def waybill_search(call: Call) -> dict[str, Any]:
    """pdd.waybill.search: one branch with balance (field names inferred)."""
    carrier = BY_CODE.get(call.params.required("wp_code"))
    if carrier is None:
        raise errors.invalid("wp_code")
    address = {
        "province": "浙江省",
        "city": "杭州市",
        "district": "西湖区",
        "town": "",
        "detail": "示例路1号",
        "country": "中国",
    }
    branch = {
        "branch_code": "571001",
        "branch_name": "示例网点",
        "quantity": 1000,
        "allocated_quantity": 0,
        "cancel_quantity": 0,
        "shipp_address_cols": [address],
    }
    account = {"wp_code": carrier.code, "wp_type": 1, "branch_account_cols": [branch]}
    return {"waybill_apply_subscription_cols": [account]}


def templates(call: Call) -> dict[str, Any]:
    """pdd.cloudprint.stdtemplates.get: one standard template (field names inferred)."""
    code = call.params.required("wp_code")
    template = {
        "standard_template_id": 1,
        "standard_template_name": "一联单",
        "standard_template_url": "https://print.example.invalid/tpl/1",
        "standard_waybill_type": 1,
    }
    return {"result": {"datas": [{"wp_code": code, "standard_templates": [template]}]}}
