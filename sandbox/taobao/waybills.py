"""Electronic waybills: subscription, drawing numbers for parcels, giving them back (sub_codes inferred).

The same order and package draw the same number again. A masked recipient needs the order's own OAID.
"""

import json
from typing import Any

from . import errors
from .call import Api, Call
from .carriers import CARRIERS
from .oaid import oaid
from .params import Params

SENDER = {"province": "浙江省", "city": "杭州市", "district": "余杭区", "detail": "示例路2号"}
_FORMS = {"YTO": "YT{:013d}", "ZTO": "78{:012d}", "SF": "SF{:013d}", "STO": "77{:012d}", "YUNDA": "43{:013d}"}
_START = 1000


def search(call: Call) -> dict[str, Any]:
    """cainiao.waybill.ii.search: what the seller subscribed to, and how many numbers are left."""
    codes = [code for code in _FORMS if call.params.text("cp_code", code) == code]
    address = SENDER | {"waybill_address_id": "10001"}
    rows = []
    for code in codes:
        drawn = [number for (carrier, number) in call.memory.waybills if carrier == code]
        cancelled = sum(call.memory.waybills[code, number] is None for number in drawn)
        branch = {
            "branch_code": "571000",
            "branch_name": "示例网点",
            "branch_status": 0,
            "quantity": _START - len(drawn),
            "allocated_quantity": len(drawn),
            "cancel_quantity": cancelled,
            "print_quantity": len(drawn) - cancelled,
            "segment_code": "NORMAL",
            "shipp_address_cols": {"address_dto": [address]},
        }
        rows.append({"cp_code": code, "cp_type": 2, "branch_account_cols": {"waybill_branch_account": [branch]}})
    return {"waybill_apply_subscription_cols": {"waybill_apply_subscription_info": rows} if rows else None}


def draw(call: Call) -> dict[str, Any]:
    """cainiao.waybill.ii.get: one number per package; the sender's address must be the subscription's."""
    request = call.params.object("param_waybill_cloud_print_apply_new_request")
    code = request.required("cp_code")
    if code not in _FORMS:
        raise errors.business("isv.waybill-no-subscription", "商家未订购该物流公司的电子面单")
    sender = request.object("sender").object("address")
    if any(sender.text(name) != value for name, value in SENDER.items()):
        raise errors.business("isv.waybill-sender-address", "发货地址与订购关系不一致")
    rows = [_drawn(call, code, row) for row in request.objects("trade_order_info_dtos", 10)]
    return {"modules": {"waybill_cloud_print_response": rows}}


def _drawn(call: Call, code: str, row: Params) -> dict[str, Any]:
    recipient = row.object("recipient")
    if "oaid" in recipient:
        order = call.world.book(call.shop).orders.get(recipient.required("tid"))
        if order is None or oaid(call.world, call.shop, order) != recipient.text("oaid"):
            raise errors.business("isv.waybill-oaid-mismatch", "oaid与订单不匹配")
    trades = row.object("order_info").required("trade_order_list")
    key = f"{call.shop.shop_id} {trades} {row.object('package_info').required('id')}"
    number = next(
        (number for (carrier, number), drawn in call.memory.waybills.items() if (carrier, drawn) == (code, key)), ""
    )
    if not number:
        number = _FORMS[code].format(call.world.number())
        call.memory.waybills[code, number] = key
    data = {
        "encryptedData": f"AES:{number}==",
        "signature": "MD:exampleSignature==",
        "templateURL": row.text("template_url"),
        "ver": "waybill_print_secret_version_1",
    }
    return {
        "object_id": row.required("object_id"),
        "waybill_code": number,
        "cp_code": code,
        "real_cp_code": code,
        "print_data": json.dumps(data, ensure_ascii=False, separators=(",", ":")),
    }


def cancel(call: Call) -> dict[str, Any]:
    """cainiao.waybill.ii.cancel: false for a number that was never drawn or is given back already (inferred)."""
    key = (call.params.required("cp_code"), call.params.required("waybill_code"))
    if key[0] not in CARRIERS:
        raise errors.invalid("cp_code")
    usable = call.memory.waybills.get(key) is not None
    if usable:
        call.memory.waybills[key] = None
    return {"cancel_result": usable}


METHODS: dict[str, Api] = {
    "cainiao.waybill.ii.search": Api(search),
    "cainiao.waybill.ii.get": Api(draw),
    "cainiao.waybill.ii.cancel": Api(cancel),
}
