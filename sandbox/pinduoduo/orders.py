"""Order queries and order writes (dossier section 6)."""

import math
from collections.abc import Callable
from typing import Any

from ..model import Buyer, Order
from ..people import REGIONS
from ..world import TimeIndex
from . import errors, render
from .call import LIFE_OF_ORDER_QUERIES, Call
from .carriers import REGION_IDS

DAY, HALF_HOUR = 86_400, 1_800
_REGION_BY_ID = {REGION_IDS[region.code]: region for region in REGIONS}


def _window(call: Call, prefix: str, longest: int) -> tuple[int, int]:
    """`start_<prefix>`..`end_<prefix>`, both ends included, at most `longest` seconds apart (21001 is inferred)."""
    start = call.params.integer(f"start_{prefix}", low=0)
    end = call.params.integer(f"end_{prefix}", low=0)
    if end < start or end - start > longest:
        raise errors.invalid(f"end_{prefix}")
    return start, end


def paging(call: Call) -> tuple[int, int]:
    """page from 1, page_size up to 100 (default 100)."""
    return call.params.integer("page", 1, low=1), call.params.integer("page_size", 100, low=1, high=100)


class _Filter:
    """The status filters of a list. `open` = everything passes, so pages come straight from the index."""

    def __init__(self, call: Call) -> None:
        self.status = call.params.choice("order_status", (1, 2, 3, 5))
        self.refund = call.params.choice("refund_status", (1, 2, 3, 4, 5))
        self.trade = call.params.optional_integer("trade_type")
        self.lucky = call.params.choice("is_lucky_flag", (0, 1, 2), 0)
        self.name = (self.status, self.refund, self.trade, self.lucky)
        self.open = self.name == (5, 5, None, 0)

    def passes(self, order: Order) -> bool:
        """Whether the list shows the order."""
        return (
            self.status in {5, render.order_status(order)}
            and self.refund in {5, render.refund_status(order)}
            and self.trade in {None, int(order.deposit is not None)}
            and self.lucky in {0, 2 if order.lottery else 1}
        )


def _whole_second(end: int) -> float:
    """The last instant of the second `end`, which belongs to the window."""
    return math.nextafter(end + 1, 0)


def _page(
    call: Call, index: TimeIndex, start: float, end: int, show: Callable[[Order], dict[str, Any]]
) -> tuple[dict[str, Any], list[Any]]:
    """(`total_count` or `has_next`, never both; one page of rows, newest first)."""
    page, size = paging(call)
    wanted = _Filter(call)
    has_next = call.params.flag("use_has_next")
    orders = call.world.book(call.shop).orders
    low, high = index.span(start, min(_whole_second(end), _visible_until(call)))
    high = max(low, high)
    if wanted.open:
        total, top = high - low, high - (page - 1) * size
        keys = index.keys(max(low, top - size), max(low, top), newest_first=True)
    else:
        found = index.filtered(low, high, wanted.name, lambda key: wanted.passes(orders[key]))
        total, keys = len(found), found[(page - 1) * size : page * size]
    count: dict[str, Any] = {"has_next": page * size < total} if has_next else {"total_count": total}
    return count, [show(orders[key]) for key in keys]


def list_by_confirm_time(call: Call) -> dict[str, Any]:
    """pdd.order.list.get"""
    return _confirmed(call, lambda order: render.order(call.world, order, ids_as_text=True))


def basic_list(call: Call) -> dict[str, Any]:
    """pdd.order.basic.list.get"""
    return _confirmed(call, lambda order: render.basic_order(call.world, order))


def _confirmed(call: Call, show: Callable[[Order], dict[str, Any]]) -> dict[str, Any]:
    start, end = _window(call, "confirm_at", DAY)
    start = max(start, int(call.world.now()) - LIFE_OF_ORDER_QUERIES)
    count, rows = _page(call, call.world.book(call.shop).by_confirmed, start, end, show)
    return count | {"order_list": rows}


def increment(call: Call) -> dict[str, Any]:
    """pdd.order.number.list.increment.get: full orders by update time, newest first."""
    start, end = _window(call, "updated_at", HALF_HOUR)
    index = call.world.book(call.shop).confirmed_by_updated
    count, rows = _page(call, index, start, end, lambda order: render.order(call.world, order, ids_as_text=False))
    return count | {"order_sn_list": rows}


def _visible_until(call: Call) -> float:
    lag = call.world.faults.lag("pinduoduo", call.shop.shop_id)
    return call.world.now() - lag if lag else math.inf


def information(call: Call) -> dict[str, Any]:
    """pdd.order.information.get"""
    order = call.order(call.params.required("order_sn"))
    return {"order_info": render.order(call.world, order, ids_as_text=False) | {"store_info": None}}


def status(call: Call) -> dict[str, Any]:
    """pdd.order.status.get: unknown orders get 0 ("abnormal")."""
    rows = []
    for order_sn in call.params.words("order_sns", 100):
        try:
            order = call.order(order_sn)
        except errors.PddError:
            rows.append({"orderSn": order_sn, "order_status": 0, "refund_status": 0})
            continue
        rows.append(
            {
                "orderSn": order_sn,
                "order_status": render.order_status(order),
                "refund_status": render.refund_status(order),
            }
        )
    return {"order_status_list": rows}


def search(call: Call) -> dict[str, Any]:
    """pdd.order.search.order: by receiver name and/or phone, newest first, at most 100. How often a shop may search
    on a day, and what it is then told, is inferred.
    """
    start, end = call.params.integer("start_created_at"), call.params.integer("end_created_at")
    if end < start or end - start > LIFE_OF_ORDER_QUERIES:
        raise errors.invalid("end_created_at")
    name, phone = call.params.text("receiver_name"), call.params.text("receiver_phone")
    if not name and not phone:
        raise errors.missing("receiver_name")
    if not call.world.spend("searches", call.shop, call.world.settings.searches_a_day.get("pinduoduo")):
        raise errors.plain(70031)
    book = call.world.book(call.shop)
    start = max(start, int(call.world.now()) - LIFE_OF_ORDER_QUERIES)
    keys = book.by_created.keys(*book.by_created.span(start, _whole_second(end)), newest_first=True)
    found = [
        key
        for key in keys
        if (not name or book.orders[key].buyer.name == name) and (not phone or book.orders[key].buyer.phone == phone)
    ]
    return {"order_sn_list": found[:100]}


def promotion(call: Call) -> dict[str, Any]:
    """pdd.order.promotion.get: what the seller paid for, per order."""
    rows = []
    for order_sn in call.params.words("order_sn_list", 10):
        order = call.order(order_sn)
        seller = sum(line.discounts.seller for line in order.lines)
        details = [{"discount_name": "店铺优惠券", "discount_amount": seller, "discount_type": 1}] if seller else []
        rows.append({"order_sn": order_sn, "seller_discount_details": details})
    return {"order_promotion_list": rows}


def merge_groups(call: Call) -> dict[str, Any]:
    """pdd.order.merge.ship.order.group: orders to ship of one receiver and address belong together."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for row in call.params.objects("order_list", 100):
        order = call.order(row.required("order_sn"))
        if render.order_status(order) != 1:
            continue
        buyer = order.buyer
        groups.setdefault((buyer.name, buyer.phone, buyer.address.detail), []).append(order.order_id)
    return {"order_group_list": [{"order_sn_list": group} for group in groups.values() if len(group) > 1]}


def note(call: Call) -> dict[str, Any]:
    """pdd.order.note.update: tag and tag_name together or neither."""
    order = call.order(call.params.required("order_sn"))
    text = call.params.text("note")
    tag, tag_name = call.params.optional_integer("tag"), call.params.text("tag_name")
    if (tag is None) != (not tag_name):
        raise errors.invalid("tag_name")
    if tag is not None and (not 1 <= tag <= 5 or len(tag_name) > 3):
        raise errors.invalid("tag")
    if len(text) > 300:
        raise errors.invalid("note")
    call.world.set_memo(order, text, tag, tag_name)
    return {"success": True, "error_code": 0, "error_msg": ""}


def update_address(call: Call) -> dict[str, Any]:
    """pdd.order.update.address: unshipped and not under review; soft failures with camelCase names."""
    params = call.params
    order = call.order(params.required("order_sn"))
    town = _REGION_BY_ID.get(params.integer("town_id"))
    city = _REGION_BY_ID.get(params.integer("city_id"))
    province = _REGION_BY_ID.get(params.integer("province_id"))
    if town is None or city is None or province is None or (town.parent, city.parent) != (city.code, province.code):
        raise errors.invalid("town_id")
    if render.order_status(order) != 1 or order.hold is not None or order.cancelled is not None:
        return {"success": False, "errorCode": 50001, "errorMsg": "当前订单状态不允许修改地址"}
    address = type(order.buyer.address)(
        province.name, province.code, city.name, city.code, town.name, town.code, params.required("receiver_address")
    )
    buyer = Buyer(order.buyer.buyer_id, params.required("receiver_name"), params.required("receiver_phone"), address)
    call.world.change_address(order, buyer)
    return {"success": True, "errorCode": 0, "errorMsg": ""}
