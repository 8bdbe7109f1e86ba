"""Reading logistics: carriers, the seller's addresses, parcels and their traces."""

from typing import Any

from ..model import Order, Package
from . import errors
from .call import Api, Call
from .carriers import CARRIERS, name_of
from .fields import asked
from .trades import LAST_INSTANT, count_of, page_of
from .values import listed, when

_HOUR = 3600
_ADDRESSES = (
    (900001, "王五", "示例路2号", "13900000000", True, True, False),
    (900002, "赵六", "样品街8号", "13900000001", False, False, True),
)


def companies(call: Call) -> dict[str, Any]:
    """taobao.logistics.companies.get: `order_mode` offline, online or all."""
    fields, params = asked(call.params), call.params
    mode = params.text("order_mode", "all")
    if mode not in ("offline", "online", "all"):
        raise errors.invalid("order_mode")
    rows = []
    for carrier in CARRIERS.values():
        if (mode == "offline" and not carrier.offline) or (mode == "online" and not carrier.online):
            continue
        if params.flag("is_recommended") and not carrier.recommended:
            continue
        row = {"id": carrier.carrier_id, "code": carrier.code, "name": carrier.name, "reg_mail_no": carrier.rule}
        rows.append(fields.select(row))
    return {"logistics_companies": listed("logistics_company", rows)}


def addresses(call: Call) -> dict[str, Any]:
    """taobao.logistics.address.search: `rdef` picks the default for taking (no_def), sending back or cancelling."""
    rdef = call.params.text("rdef")
    if rdef not in ("", "no_def", "get_def", "cancel_def"):
        raise errors.invalid("rdef")
    rows = []
    for contact, name, street, mobile, send, get, cancel in _ADDRESSES:
        if {"get_def": get, "cancel_def": cancel}.get(rdef, True):
            rows.append(
                {
                    "contact_id": contact,
                    "contact_name": name,
                    "province": "浙江省",
                    "city": "杭州市",
                    "country": "余杭区",
                    "addr": street,
                    "zip_code": "000000",
                    "phone": "",
                    "mobile_phone": mobile,
                    "seller_company": "示例公司",
                    "memo": "",
                    "area_id": 330110,
                    "send_def": send,
                    "get_def": get,
                    "cancel_def": cancel,
                    "modify_date": "2023-01-01 00:00:00",
                }
            )
    return {"addresses": listed("address_result", rows)}


def orders(call: Call) -> dict[str, Any]:
    """taobao.logistics.orders.get: one row per parcel, of one trade or of those created within a window."""
    fields, page = asked(call.params), page_of(call.params)
    found = [call.order()] if "tid" in call.params else _created(call)
    rows = [fields.select(_shipping(call, order, package)) for order in found for package in order.packages]
    for order in found:
        pending = call.memory.online.get(order.order_id)
        if pending is not None:
            row = {"tid": int(order.order_id), "order_code": f"LP{pending.number:014d}", "status": "CREATED"}
            row |= {"company_name": name_of(pending.carrier), "seller_confirm": "no", "created": when(pending.at)}
            rows.append(fields.select(row))
    start = (page[0] - 1) * page[1]
    shown = rows[start : start + page[1]]
    return count_of(call.params, len(rows), *page) | {"shippings": listed("shipping", shown)}


def _created(call: Call) -> list[Order]:
    start, end = call.params.instant("start_created"), call.params.instant("end_created")
    book = call.world.book(call.shop)
    low, high = book.by_created.span(start or 0.0, call.now if end is None else end + LAST_INSTANT)
    return [book.orders[key] for key in book.by_created.keys(low, high, newest_first=True)]


def _shipping(call: Call, order: Order, package: Package) -> dict[str, Any]:
    split = order.order_id in call.memory.split
    return {
        "tid": int(order.order_id),
        "order_code": f"LP{int(package.pack_id) % 10**14:014d}",
        "out_sid": package.tracking_no,
        "company_name": name_of(package.carrier),
        "status": "ACCEPTED_BY_RECEIVER",
        "seller_confirm": "yes",
        "is_split": int(split),
        "sub_tids": {"number": [int(line_id) for line_id in package.contents]},
        "created": when(package.at),
        "modified": when(package.at),
        "type": "express",
        "freight_payer": "seller",
        "seller_nick": call.shop.name,
    }


def trace(call: Call) -> dict[str, Any]:
    """taobao.logistics.trace.search: the steps passed so far. Of an offline parcel the status says signed from the
    first minute, as the platform's does."""
    order = call.order()
    if not order.packages:
        raise errors.business("isv.logistics-trace-service-error:B05", "物流订单不存在")
    package = order.packages[0]
    if "sub_tid" in call.params:
        wanted = set(call.params.words("sub_tid"))
        package = next((each for each in order.packages if wanted <= set(each.contents)), package)
    online = package.pack_id in call.memory.shipped_online
    steps = [
        (package.at, "商家已发货", "CONSIGN"),
        (package.at + 3 * _HOUR, "【杭州市】快件已揽收", "GOT"),
        (package.at + 38 * _HOUR, f"【{order.buyer.address.city}】派送中", "SENT_SCAN"),
    ]
    if order.received is not None:
        steps.append((order.received, "已签收", "SIGNED"))
    passed = [step for step in steps if step[0] <= call.now]
    signed = order.received is not None or not online
    return {
        "tid": int(order.order_id),
        "out_sid": package.tracking_no,
        "company_name": name_of(package.carrier),
        "status": "对方已签收" if signed else "卖家已发货",
        "trace_list": listed(
            "transit_step_info",
            [{"status_time": when(at), "status_desc": text, "action": action} for at, text, action in passed],
        ),
    }


METHODS: dict[str, Api] = {
    "taobao.logistics.companies.get": Api(companies, session=False),
    "taobao.logistics.address.search": Api(addresses),
    "taobao.logistics.orders.get": Api(orders),
    "taobao.logistics.trace.search": Api(trace),
}
