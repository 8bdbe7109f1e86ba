"""`order.*` reads: list, detail, look-up by receiver, orders that may share a parcel; and the merchant's memo."""

import math
import re
from typing import Any

from ..model import Order, State
from . import errors
from .call import Call, Handler, order_of
from .order_wire import shop_order
from .params import Params
from .states import line_mark, order_status

DAYS_90 = 90 * 86_400
DAYS_15 = 15 * 86_400
DEEPEST_ROW = 50_000
MOST_FOUND = 1000
LOOKUPS_A_DAY = 200
"""Searches for a person per shop and day before risk control answers (number inferred)."""
LAST_INSTANT = 0.999_999
"""Windows count whole seconds and include their last one."""
AFTER_SALE_WORDS = (
    "all",
    "in_aftersale",
    "refund",
    "refund_success",
    "refund_fail",
    "exchange_success",
    "aftersale_close",
)
_RUNNING = frozenset({6, 7, 8, 11, 13, 27, 29})


def search_list(call: Call) -> dict[str, Any]:
    """`order.searchList`: pages from 0, both window ends included (inferred), rows by creation or update time."""
    params = call.params.numbered(20000)
    page, size = params.integer("page", 0), params.integer("size", 10)
    _check_page(page, size)
    windows = _windows(call, params)
    key = params.text("order_by", "create_time")
    if key not in ("create_time", "update_time"):
        raise params.invalid("order_by")
    ids, total = _rows(call, params, key, windows, page * size, size, not params.flag("order_asc"))
    book = call.world.book(call.shop)
    orders = [book.orders[order_id] for order_id in ids]
    rows = [shop_order(order, call.shop, call.receiver(order)) for order in orders]
    return {"page": page, "size": size, "total": total, "shop_order_list": rows}


def _check_page(page: int, size: int) -> None:
    if page < 0:
        raise errors.invalid(10035, "page不能小于0")
    if not 1 <= size <= 100:
        raise errors.invalid(20008, "size超过限制，最大100")
    if page * size > DEEPEST_ROW:
        raise errors.invalid(20013, "订单查询最多支持查询5万")


def _windows(call: Call, params: Params) -> dict[str, tuple[float, float]]:
    """The asked windows by time field; a start is required for at least one of them."""
    windows = {}
    for name in ("create_time", "update_time"):
        start, end = params.optional_integer(f"{name}_start"), params.optional_integer(f"{name}_end")
        if start is not None:
            windows[name] = (float(start), (float(end) if end is not None else call.now) + LAST_INSTANT)
    if not windows:
        raise errors.invalid(20011, "开始时间不能为空")
    if "create_time" in windows and windows["create_time"][0] < int(call.now) - DAYS_90:
        raise errors.invalid(20022, "订单查询只支持查询最近90天内的数据")
    return windows


def _rows(
    call: Call, params: Params, key: str, windows: dict[str, tuple[float, float]], skip: int, size: int, newest: bool
) -> tuple[list[str], int]:
    """One page of ids and the total. Without filters only the page itself is touched."""
    book = call.world.book(call.shop)
    index = book.by_created if key == "create_time" else book.by_updated
    start, end = windows.get(key, (0.0, float("inf")))
    if call.lag:
        end = min(end, call.now - call.lag)
    low, high = index.span(start, end)
    oldest = call.now - DAYS_90
    too_old = len(book.by_created) > 0 and book.orders[book.by_created.keys(0, 1)[0]].created < oldest
    filters = _filters(params)
    other = {name: window for name, window in windows.items() if name != key}
    if not filters and not other and not too_old:
        if newest:
            return index.keys(max(high - skip - size, low), max(high - skip, low), True), high - low
        return index.keys(low + skip, min(low + skip + size, high)), high - low

    def matching() -> list[str]:
        keys = index.keys(low, high, newest)
        return [each for each in keys if _fits(book.orders[each], filters, other, oldest)]

    found = call.memory.listed((call.shop.shop_id, key, low, high, newest, str(filters), str(other)), matching)
    return found[skip : skip + size], len(found)


def _filters(params: Params) -> dict[str, Any]:
    """The asked filters with their values as texts; {} when there is none."""
    asked: dict[str, Any] = {}
    combined = params.items("combine_status")
    if len(combined) > 1:
        raise errors.invalid(20012, "combine_status只支持一个元素")
    for element in combined:
        words = element.text("order_status") or element.text("main_status")
        if words:
            if not re.fullmatch(r"\d+(,\d+)*", words):
                raise params.invalid("combine_status")
            asked["status"] = frozenset(int(word) for word in words.split(","))
    for name in ("product", "tracking_no"):
        if params.text(name):
            asked[name] = params.text(name)
    for name in ("order_type", "presell_type", "trade_type", "abnormal_order", "b_type"):
        value = params.optional_integer(name)
        if value is not None:
            asked[name] = value
    word = params.text("after_sale_status_desc")
    if word and word not in AFTER_SALE_WORDS:
        raise params.invalid("after_sale_status_desc")
    if word and word != "all":
        asked["after_sale"] = word
    return asked


def _fits(order: Order, filters: dict[str, Any], windows: dict[str, tuple[float, float]], oldest: float) -> bool:
    if order.created < oldest:
        return False
    times = {"create_time": order.created, "update_time": order.updated}
    if any(not start <= times[name] <= end for name, (start, end) in windows.items()):
        return False
    return all(_TESTS[name](order, value) for name, value in filters.items())


def _about(order: Order, product: str) -> bool:
    if product.isdecimal():
        return any(line.item_id == product for line in order.lines)
    return any(product in line.title for line in order.lines)


def _after_sale(order: Order, word: str) -> bool:
    marks = [line_mark(order, line) for line in order.lines]
    wanted = {
        "in_aftersale": any(mark["after_sale_status"] in _RUNNING for mark in marks),
        "refund": any(mark["refund_status"] for mark in marks),
        "refund_success": any(mark["refund_status"] == 3 for mark in marks),
        "refund_fail": any(mark["after_sale_status"] in (27, 29) for mark in marks),
        "exchange_success": any(mark["after_sale_status"] == 14 for mark in marks),
        "aftersale_close": any(mark["after_sale_status"] == 28 for mark in marks),
    }
    return wanted[word]


def _presell(order: Order, kind: int) -> bool:
    if order.deposit is not None:
        return kind == 2
    return kind == (1 if order.presale else 0)


def _trade(order: Order, kind: int) -> bool:
    if order.deposit is not None:
        return kind == 2
    if order.variant == "group":
        return kind == 1
    return kind == (11 if order.lottery else 0)


def _abnormal(order: Order, kind: int) -> bool:
    return (kind == 1 and order.state is State.CANCELLED) or (kind == 2 and order.hold == "risk")


_TESTS: dict[str, Any] = {
    "status": lambda order, values: order_status(order) in values,
    "product": _about,
    "tracking_no": lambda order, number: any(package.tracking_no == number for package in order.packages),
    "order_type": lambda _, kind: kind == 0,
    "presell_type": _presell,
    "trade_type": _trade,
    "abnormal_order": _abnormal,
    "b_type": lambda _, kind: kind == 2,
    "after_sale": _after_sale,
}


def detail(call: Call) -> dict[str, Any]:
    """`order.orderDetail`: by the parent id."""
    order_id = call.params.text("shop_order_id")
    if not order_id:
        raise errors.missing(20000, "订单号不能为空")
    order = order_of(call, order_id, errors.invalid(20014, "订单不存在"), errors.failed(20015, "订单不属于该店铺"))
    return {"shop_order_detail": shop_order(order, call.shop, call.receiver(order), full=True)}


def search_by_receiver(call: Call) -> dict[str, Any]:
    """`order.searchByReceiver`: exact phone (0) or name (1), 90 days, at most 1000 rows, newest first."""
    params = call.params.numbered(20051)
    kind, plain = params.required_integer("post_type"), params.text("post_receiver")
    if kind not in (0, 1):
        raise errors.invalid(20051, "查询收货人类型错误")
    if not plain:
        raise errors.invalid(20052, "收货人参数不能为空")
    if kind == 0 and not re.fullmatch(r"1\d{10}", plain):
        raise errors.invalid(20053, "收货人手机号不正确")
    page, size = params.integer("page", 0), params.integer("size", 20)
    _check_page(page, size)
    if (page + 1) * size > MOST_FOUND:
        raise errors.invalid(20013, "最多支持查询1000条")
    low, high = _created_between(call, params)
    allowed = call.world.settings.searches_a_day.get("douyin", LOOKUPS_A_DAY)
    if not call.world.spend("searches", call.shop, allowed):
        raise errors.risky(20047, "查询过于频繁，请稍后再试")
    book = call.world.book(call.shop)
    orders = (book.orders[key] for key in book.by_created.keys(*book.by_created.span(low, high), newest_first=True))
    found = [order for order in orders if (order.buyer.phone if kind == 0 else order.buyer.name) == plain][:MOST_FOUND]
    return {
        "page": page,
        "size": size,
        "total": len(found),
        "shop_order_list": [
            {
                "order_id": order.order_id,
                "order_status": str(order_status(order)),
                "create_time": str(int(order.created)),
            }
            for order in found[page * size : (page + 1) * size]
        ],
    }


def _created_between(call: Call, params: Params) -> tuple[float, float]:
    """`create_time_start` and `create_time_end`, both included (inferred), within 90 days up to now."""
    since = params.integer("create_time_start", int(call.now - DAYS_90))
    until = params.integer("create_time_end", int(call.now))
    if since < int(call.now - DAYS_90):
        raise errors.invalid(20022, "只支持查询最近90天内的数据")
    if since > until:
        raise errors.invalid(20048, "订单查询开始时间不能晚于结束时间")
    return since, min(math.nextafter(until + 1, 0), call.now - call.lag)


def merge(call: Call) -> dict[str, Any]:
    """`order.merge` and `order.mergeV2`: groups of orders with one receiver, as comma-joined ids."""
    params = call.params.numbered(50002)
    wanted = [row.required("order_id") for row in params.items("merge_list")]
    if not 2 <= len(wanted) <= 100:
        raise errors.invalid(50002, "合单订单数量需在2到100之间")
    groups: dict[str, list[str]] = {}
    for order_id in wanted:
        order = order_of(call, order_id, errors.invalid(20002, "订单不存在"), errors.invalid(20002, "订单不存在"))
        if order.state is State.TO_SHIP and order.created >= call.now - DAYS_15:
            groups.setdefault(call.receiver(order).address_pseudonym, []).append(order.order_id)
    return {"order_list": [",".join(group) for group in groups.values() if len(group) > 1]}


def add_remark(call: Call) -> dict[str, Any]:
    """`order.addOrderRemark`: overwrites the memo; the star only with `is_add_star`."""
    params = call.params.numbered(50002)
    order_id = params.text("order_id")
    if not re.fullmatch(r"\d+A?", order_id):
        raise errors.invalid(50001, "订单号不合法")
    if "remark" not in params:
        raise errors.invalid(50002, "参数不合法")
    remark = params.text("remark")
    if len(remark) > 500:
        raise errors.failed(50056, "备注内容过长")
    unknown = errors.invalid(20002, "订单不存在")
    order = order_of(call, order_id, unknown, unknown)
    star = params.integer("star", 0) if params.flag("is_add_star") else None
    if star is not None and not 0 <= star <= 5:
        raise errors.invalid(50002, "参数不合法")
    call.world.set_memo(order, remark, order.flag if star is None else star)
    return {}


APIS: dict[str, Handler] = {
    "order.searchList": search_list,
    "order.orderDetail": detail,
    "order.searchByReceiver": search_by_receiver,
    "order.merge": merge,
    "order.mergeV2": merge,
    "order.addOrderRemark": add_remark,
}
