"""Keys of the field encryption, the receivers behind OAIDs, and the orders of a receiver.

The voucher is not signed: only JD has that key.
"""

import base64
import hashlib
import hmac
import json
from typing import Any

from ..model import Order, State
from . import errors, receiver, tde
from .call import CHANNEL, Call, Members, Method, Opened
from .errors import GatewayError, Refusal
from .params import day

_VOUCHER_ID = "voucher-sandbox-0001"
_VOUCHER_KEY = base64.b64encode(bytes(range(100, 132))).decode()
_EFFECTIVE, _EXPIRED = 1_700_000_000_000, 1_900_000_000_000
LAST_INSTANT = 0.999_999
"""Times count whole seconds."""
LONGEST_SEARCH = 31 * 86_400
"""Seconds that a search may span (inferred, as for lists of orders)."""
_REQUEST_EXPIRED, _BAD_SIGNATURE, _VOUCHER_UNKNOWN = 304, 305, 306


def voucher(_: Call) -> Members:
    """jingdong.jos.voucher.info.get"""
    data = {
        "act": "DECRYPT",
        "effective": _EFFECTIVE,
        "expired": _EXPIRED,
        "id": _VOUCHER_ID,
        "key": _VOUCHER_KEY,
        "service": tde.SERVICE,
        "stype": 1,
    }
    text = json.dumps({"sig": "sandbox-has-no-jd-private-key", "data": data}, separators=(",", ":"))
    encoded = base64.b64encode(text.encode()).decode()
    return {"response": {"errorCode": "0", "errorMsg": "", "data": {"voucher": encoded}}}


def _voucher_failure(refusal: Refusal) -> Members:
    return {"response": {"errorCode": str(refusal.code), "errorMsg": refusal.chinese}}


def master_key(call: Call) -> Members:
    """jingdong.jos.master.key.get: signed with the voucher's key, at most as old as a gateway timestamp (inferred)."""
    params = call.params
    version, at, voucher_id = params.integer("sdk_ver"), params.integer("ts"), params.required("tid")
    if voucher_id != _VOUCHER_ID:
        raise Refusal(_VOUCHER_UNKNOWN, "voucher expired")
    if abs(at / 1000 - call.world.now()) > call.world.settings.jd_clock_tolerance:
        raise Refusal(_REQUEST_EXPIRED, "request expired")
    message = json.dumps({"sdk_ver": version, "ts": at, "tid": voucher_id}, separators=(",", ":"))
    signature = hmac.digest(base64.b64decode(_VOUCHER_KEY), message.encode(), "sha256")
    if params.required("sig") != base64.b64encode(signature).decode():
        raise Refusal(_BAD_SIGNATURE, "bad signature")
    key = {
        "id": base64.b64encode(tde.KEY_ID).decode(),
        "key_string": base64.b64encode(tde.MASTER_KEY).decode(),
        "key_digest": base64.b64encode(hashlib.sha256(tde.MASTER_KEY).digest()).decode(),
        "key_type": "AES",
        "key_status": 0,
        "version": tde.VERSION,
        "key_effective": _EFFECTIVE,
        "key_exp": _EXPIRED,
    }
    service = {"service": tde.SERVICE, "current_key_version": tde.VERSION, "grant_usage": "ED", "keys": [key]}
    return {
        "response": {
            "status_code": 0,
            "errorMsg": "",
            "tid": voucher_id,
            "ts": int(call.world.now() * 1000),
            "enc_service": tde.SERVICE,
            "key_cache_disabled": 0,
            "key_backup_disabled": 0,
            "service_key_list": [service],
        }
    }


def _key_failure(refusal: Refusal) -> Members:
    return {"response": {"status_code": refusal.code, "errorMsg": refusal.chinese}}


def report(_: Call) -> Members:
    """jingdong.jos.secret.api.report.get: accepted and forgotten (the answer is inferred)."""
    return {"response": {"errorCode": "0", "errorMsg": ""}}


def _needs_permission(call: Call) -> None:
    if not call.world.settings.jd_oaid_permission:
        raise GatewayError(24)


def oaid_decrypt(call: Call) -> Members:
    """jingdong.jos.order.oaid.decrypt: an OAID of another order and a cancelled order are left out (inferred)."""
    _needs_permission(call)
    asked = call.params.object("getReceiverInfoListReqVO")
    scene = asked.text("scenesType", "")
    found = []
    for row in asked.objects("orderInfos"):
        order = call.order(row.required("orderId"))
        fits = row.required("oaid") == receiver.oaid(order) and order.state is not State.CANCELLED
        if fits and not call.row_fails():
            _count(call, call.world.settings.reveals_a_day, scene, order.order_id)
            found.append(_opened(order))
    request_id = f"req-{int(call.world.now() * 1000)}"
    return {"response": {"code": 0, "requestId": request_id, "message": "success", "data": found}}


def _count(call: Call, quotas: dict[str, int], scene: str, order_id: str = "") -> None:
    """Notes it, unless the shop had its number of the day (that there is one is documented; how it is said is not)."""
    now, shop_id = call.world.now(), call.shop.shop_id
    earlier = sum((each.shop_id, each.method, day(each.at)) == (shop_id, call.method, day(now)) for each in call.audit)
    if CHANNEL in quotas and earlier >= quotas[CHANNEL]:
        raise Refusal(10700001, "今日次数已达上限", "quota used up")
    call.audit.append(Opened(now, shop_id, call.method, scene, order_id))


def _opened(order: Order) -> dict[str, Any]:
    buyer = order.buyer
    return {
        "orderId": int(order.order_id),
        "oaid": receiver.oaid(order),
        "customerName": buyer.name,
        "consMobilePhone": buyer.phone,
        "consMobilePhoneFuzzy": receiver.mask_phone(buyer.phone),
        "customerPhone": "",
        "privacyProtection": False,
        "address": receiver.full_address(buyer),
        "expiration": "",
    }


def _decrypt_failure(refusal: Refusal) -> Members:
    return {"response": {"code": refusal.code, "requestId": "", "message": refusal.chinese}}


def oaid_merge(call: Call) -> Members:
    """jingdong.jos.order.oaid.merge: groups of two and more orders that go to one receiver."""
    _needs_permission(call)
    groups: dict[tuple[str, str, str], list[str]] = {}
    for row in call.params.object("request").objects("mergeList"):
        order = call.order(row.required("orderId"))
        if row.required("oaid") != receiver.oaid(order):
            raise errors.invalid("oaid")
        buyer = order.buyer
        groups.setdefault((buyer.name, buyer.phone, receiver.full_address(buyer)), []).append(order.order_id)
    merged = [{"mergeOrderIds": group} for group in groups.values() if len(group) > 1]
    return {"response": {"code": "0", "msg": "", "data": {"mergeResults": merged}}}


def _merge_failure(refusal: Refusal) -> Members:
    return {"response": {"code": str(refusal.code), "msg": refusal.chinese}}


def oaid_search(call: Call) -> Members:
    """jingdong.jos.order.oaid.search: orders created in a range, both ends included, that go to somebody. What stands
    around `orderIdList` is inferred."""
    _needs_permission(call)
    asked = call.params.object("request")
    name, mobile = asked.text("receiverName", ""), asked.text("receiverMobile", "")
    since, until = asked.when("startDate"), asked.when("endDate")
    if not (name or mobile):
        raise errors.invalid("receiverName")
    if not since <= until <= since + LONGEST_SEARCH:
        raise errors.invalid("endDate")
    _count(call, call.world.settings.searches_a_day, asked.required("sceneId"))
    book = call.world.book(call.shop)
    low, high = book.by_created.span(since, min(until + LAST_INSTANT, call.visible_until()))
    created = (book.orders[order_id] for order_id in book.by_created.keys(low, high))
    rows = [
        {"orderId": int(order.order_id), "createDate": int(order.created) * 1000}
        for order in created
        if (not name or order.buyer.name == name) and (not mobile or order.buyer.phone == mobile)
    ]
    return {"response": {"code": 0, "message": "success", "data": {"orderIdList": rows}}}


METHODS = {
    "jingdong.jos.voucher.info.get": Method(voucher, _voucher_failure),
    "jingdong.jos.master.key.get": Method(master_key, _key_failure),
    "jingdong.jos.secret.api.report.get": Method(report, _voucher_failure),
    "jingdong.jos.order.oaid.decrypt": Method(oaid_decrypt, _decrypt_failure),
    "jingdong.jos.order.oaid.search": Method(oaid_search, _decrypt_failure),
    "jingdong.jos.order.oaid.merge": Method(oaid_merge, _merge_failure),
}
