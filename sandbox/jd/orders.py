"""Order queries and the change of an address.

Windows are half-open, on `modified` or `created`, counted live; pages follow time, then order id.
"""

from collections.abc import Callable
from math import nextafter
from typing import Any

from ..model import Buyer, Order
from . import areas, errors, money, receiver
from .call import Call, Members, Method
from .errors import Refusal
from .order_wire import SUCCESS, detail, milliseconds, when
from .states import NOT_PAY, TO_SHIP, order_state

MONTH = 31 * 86_400
"""The longest window (a month; 31 days are inferred)."""
_CREATED, _DESCENDING = "1", "1"


def _api_result(refusal: Refusal) -> Members:
    return {
        "success": False,
        "englishErrCode": refusal.english,
        "chineseErrCode": refusal.chinese,
        "numberCode": refusal.code,
    }


def too_wide() -> Refusal:
    """The window is longer than a month or ends before it starts."""
    return Refusal(10100006, "开始时间和结束时间，不得相差超过1个月", "start_date or end_date is illegal")


def window(call: Call, start_name: str, end_name: str) -> tuple[int, int]:
    """[start, end) of at most a month."""
    start, end = call.params.when(start_name), call.params.when(end_name)
    if not 0 <= end - start <= MONTH:
        raise too_wide()
    return start, end


def _order_window(call: Call, states: frozenset[str]) -> tuple[int, int]:
    """Without dates: the last month, only for orders to ship."""
    params = call.params
    if not params.text("start_date", "") and not params.text("end_date", ""):
        if states != {TO_SHIP}:
            raise errors.invalid("start_date")
        now = int(call.world.now()) + 1
        return now - MONTH, now
    return window(call, "start_date", "end_date")


def _fields(call: Call) -> frozenset[str]:
    call.params.required("optional_fields")
    return frozenset(call.params.words("optional_fields"))


def _is_wanted(states: frozenset[str]) -> Callable[[Order], bool]:
    """`` and `ALL` mean every state; unpaid orders come only when their state is named (inferred)."""
    if not states or "ALL" in states:
        return lambda order: order_state(order) != NOT_PAY
    return lambda order: order_state(order) in states


def _search(call: Call, *, encrypted: bool) -> Members:
    params = call.params
    fields = _fields(call)
    call.params.text("order_state")
    states = frozenset(params.words("order_state"))
    start, end = _order_window(call, states)
    page, size = params.integer("page", low=1), params.integer("page_size", low=1, high=100)
    by_created = params.text("dateType", "0") == _CREATED
    book = call.world.book(call.shop)
    index = book.by_created if by_created else book.by_updated
    low, high = index.span(start, min(nextafter(end, 0), call.visible_until()))
    wanted = _is_wanted(states)
    name = (tuple(sorted(states)), by_created)
    newest_first = index.filtered(low, max(low, high), name, lambda key: wanted(book.orders[key]))
    total = len(newest_first)
    if params.text("sortType", "0") == _DESCENDING:
        keys = newest_first[(page - 1) * size : page * size]
    else:
        keys = newest_first[max(0, total - page * size) : max(0, total - (page - 1) * size)][::-1]
    rows = [detail(book.orders[key], fields, encrypted=encrypted) for key in keys]
    return {"searchorderinfo_result": {"apiResult": SUCCESS, "orderTotal": total, "orderInfoList": rows}}


def en_search(call: Call) -> Members:
    """jingdong.pop.order.enSearch: receivers as ciphertext."""
    return _search(call, encrypted=True)


def search(call: Call) -> Members:
    """jingdong.pop.order.search: receivers masked."""
    return _search(call, encrypted=False)


def _search_failure(refusal: Refusal) -> Members:
    return {"searchorderinfo_result": {"apiResult": _api_result(refusal), "orderTotal": 0, "orderInfoList": []}}


def _get(call: Call, *, encrypted: bool) -> Members:
    fields = _fields(call)
    order = call.order(call.params.required("order_id"))
    states = call.params.words("order_state")
    if states and order_state(order) not in states:
        raise errors.no_such_order()
    return {"orderDetailInfo": {"apiResult": SUCCESS, "orderInfo": detail(order, fields, encrypted=encrypted)}}


def en_get(call: Call) -> Members:
    """jingdong.pop.order.enGet: receivers as ciphertext."""
    return _get(call, encrypted=True)


def get(call: Call) -> Members:
    """jingdong.pop.order.get: receivers masked."""
    return _get(call, encrypted=False)


def _get_failure(refusal: Refusal) -> Members:
    return {"orderDetailInfo": {"apiResult": _api_result(refusal)}}


def _unpaid_row(order: Order) -> dict[str, Any]:
    """No money here. `created` and `modified` in milliseconds are inferred."""
    number, where = int(order.order_id), areas.place(order.buyer.address)
    times = {"created": milliseconds(order.created), "modified": milliseconds(order.updated)}
    phone = receiver.mask_phone(order.buyer.phone)
    return {
        "id": number % 1_000_000_000,
        "orderId": number,
        "venderId": int(order.shop_id),
        "payment": 4,
        "orderType": 22,
        "parentId": 0,
        "orderCreated": when(order.created),
        "status": 1,
        "userName": receiver.mask_name(order.buyer.name),
        "address": receiver.masked_address(order.buyer),
        "mobile": phone,
        "phone": "",
        **times,
        "pin": "",
        "sendPay": "",
        "itemList": [
            {
                "id": n,
                "orderId": number,
                "venderId": int(order.shop_id),
                "num": line.quantity,
                "skuId": int(line.sku_id),
                "skuName": f"{line.title} {line.spec_text.replace(',', ' ')}",
                **times,
            }
            for n, line in enumerate(order.lines, 1)
        ],
        "provinceId": where.province[0],
        "cityId": where.city[0],
        "countyId": where.county[0],
        "townId": where.town[0],
        "orderMarkDesc": {},
        "desen_mobile": phone,
        "desen_phone": "",
    }


def unpaid(call: Call) -> Members:
    """jingdong.pop.order.notPayOrderInfo: by time of creation (inferred)."""
    start, end = window(call, "startDate", "endDate")
    page, size = call.params.integer("page", low=1), call.params.integer("pageSize", low=1, high=100)
    book = call.world.book(call.shop)
    low, high = book.by_created.span(start, min(nextafter(end, 0), call.visible_until()))
    keys = [key for key in book.by_created.keys(low, max(low, high)) if order_state(book.orders[key]) == NOT_PAY]
    return {
        "paginatedInfo": {
            "pageSize": size,
            "index": page,
            "totalItem": len(keys),
            "totalPage": -(-len(keys) // size),
            "pageList": [_unpaid_row(book.orders[key]) for key in keys[(page - 1) * size : page * size]],
        }
    }


def unpaid_one(call: Call) -> Members:
    """jingdong.pop.order.notPayOrderById"""
    order = call.order(call.params.required("orderId"))
    if order_state(order) != NOT_PAY:
        raise errors.no_such_order()
    return {"orderDataNotPayInfo": _unpaid_row(order)}


def _unpaid_failure(refusal: Refusal) -> Members:
    return {"apiResult": _api_result(refusal)}


def coupon_detail(call: Call) -> Members:
    """jingdong.pop.order.coupondetail and queryCouponDetai (sic)"""
    order = call.order(call.params.required("orderId"))
    return {"couponDetailExternal": {"rtnCode": 0, "couponDetailVo": money.split_amounts(order)}}


def _coupon_failure(refusal: Refusal) -> Members:
    return {"couponDetailExternal": {"rtnCode": refusal.code}}


def modify_address(call: Call) -> Members:
    """jingdong.pop.order.modifyOrderAddr: of an order to ship; the areas must be in the list."""
    params = call.params
    order = call.order(params.required("orderId"))
    if order_state(order) != TO_SHIP:
        raise errors.of_world("wrong_state")
    address = areas.address_of(params.integer("countyId"), params.required("detailAddr"))
    name, phone = params.required("customerName"), params.required("customerPhone")
    call.world.change_address(order, Buyer(order.buyer.buyer_id, name, phone, address))
    return {"success": True}


def _plain_failure(_: Refusal) -> Members:
    return {"success": False}


METHODS = {
    "jingdong.pop.order.enSearch": Method(en_search, _search_failure, listing=True),
    "jingdong.pop.order.search": Method(search, _search_failure, listing=True),
    "jingdong.pop.order.enGet": Method(en_get, _get_failure),
    "jingdong.pop.order.get": Method(get, _get_failure),
    "jingdong.pop.order.notPayOrderInfo": Method(unpaid, _unpaid_failure, listing=True),
    "jingdong.pop.order.notPayOrderById": Method(unpaid_one, _unpaid_failure),
    "jingdong.pop.order.coupondetail": Method(coupon_detail, _coupon_failure),
    "jingdong.pop.order.queryCouponDetai": Method(coupon_detail, _coupon_failure),
    "jingdong.pop.order.modifyOrderAddr": Method(modify_address, _plain_failure),
}
