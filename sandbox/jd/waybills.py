"""Electronic waybills (京东无界电子面单): the shop's carrier accounts, numbers for orders, giving numbers back.

Asking again for the same order gives the same numbers (inferred).
"""

import hashlib
import json
from typing import Any

from . import errors
from .call import Call, Members, Method
from .errors import Refusal
from .params import Params
from .receiver import oaid

_ACCOUNTS = {"ZTO": (2, "中通快递", "75"), "YTO": (5, "圆通快递", "YT"), "SF": (1, "顺丰快递", "SF")}
"""Provider code -> (id, name, first characters of its numbers); made up."""


def _info(data: Any) -> Members:
    return {"resultInfo": {"statusCode": 0, "statusMessage": "OK", "data": data}}


def accounts(call: Call) -> Members:
    """jingdong.ldop.alpha.provider.sign.success"""
    _own_vendor(call, call.params)
    address = {
        "provinceId": 15,
        "provinceName": "浙江省",
        "cityId": 1213,
        "cityName": "杭州市",
        "countryId": 3411,
        "countryName": "西湖区",
        "countrysideId": 50027,
        "countrysideName": "三墩镇",
        "address": "示例路1号",
    }
    rows = [
        {
            "providerId": number,
            "providerCode": code,
            "providerName": name,
            "providerType": 1,
            "operationType": 2,
            "supportCod": False,
            "branchCode": "57100",
            "branchName": "杭州示例网点",
            "settlementCode": "",
            "amount": 5000,
            "address": address,
        }
        for code, (number, name, _) in _ACCOUNTS.items()
    ]
    return _info(rows)


def _own_vendor(call: Call, params: Params) -> None:
    if params.required("vendorCode") != call.shop.shop_id:
        raise Refusal(10800001, "商家编码不正确")


def receive(call: Call) -> Members:
    """jingdong.ldop.alpha.waybill.receive: `content` is a JSON text; the receiver may be an OAID."""
    try:
        content = Params.parse(call.params.required("content"))
    except ValueError:
        raise errors.invalid("content") from None
    _own_vendor(call, content)
    account = _ACCOUNTS.get(content.required("providerCode"))
    if account is None:
        raise Refusal(10800002, "承运商未签约")
    number, count = content.required("platformOrderNo"), content.integer("waybillCount", 1, low=1, high=50)
    given = content.object("toAddress").text("oaid", "")
    if given and given != oaid(call.order(number)):
        raise errors.invalid("oaid")
    codes = [_code(account[2], call.shop.shop_id, number, n) for n in range(count)]
    return _info({"platformOrderNo": number, "waybillCodeList": codes})


def _code(head: str, *parts: object) -> str:
    digest = hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).digest()
    return f"{head}{int.from_bytes(digest[:6], 'big') % 10**12:012d}"


def unbind(call: Call) -> Members:
    """jingdong.ldop.alpha.waybill.api.unbind"""
    call.params.required("waybillCode")
    if call.params.required("providerCode") not in _ACCOUNTS:
        raise Refusal(10800002, "承运商未签约")
    return _info(None)


def _failure(refusal: Refusal) -> Members:
    return {"resultInfo": {"statusCode": refusal.code, "statusMessage": refusal.chinese, "data": None}}


METHODS = {
    "jingdong.ldop.alpha.provider.sign.success": Method(accounts, _failure),
    "jingdong.ldop.alpha.waybill.receive": Method(receive, _failure),
    "jingdong.ldop.alpha.waybill.api.unbind": Method(unbind, _failure),
}
