"""Which orders have one receiver, who that is, and which orders go to somebody."""

from collections.abc import Callable
from typing import Any

from ..model import Order, State
from . import errors, limits
from .call import CHANNEL, HORIZON, Api, Call, Opened
from .oaid import TOWN, masked_mobile, masked_name, masked_street, oaid
from .params import Params
from .values import day, listed, when

SCENES = frozenset({"1001", "1002", "1003", "1004", "1005", "1006", "1007", "2001", "2002"})
CLOSED_RULE = "DECRYPTION_DISABLED_BY_ORDERCLOSED"
VIRTUAL_DAYS = 30
SEARCH_SCENES = frozenset({"1001", "1002"})
MOST_FOUND = 100
"""Orders that a search tells, the newest."""


def merge(call: Call) -> dict[str, Any]:
    """Orders with one OAID belong together; one that is stale or unknown stays alone."""
    groups: dict[str, list[str]] = {}
    for row in call.params.objects("merge_list", 100):
        tid, given = row.required("tid"), row.required("oaid")
        order = _order(call, tid)
        current = order is not None and oaid(call.world, call.shop, order) == given
        groups.setdefault(given if current else f"alone {tid}", []).append(tid)
    return {"tid_list": listed("string", [",".join(tids) for tids in groups.values()])}


def _order(call: Call, tid: str) -> Order | None:
    order = call.world.book(call.shop).orders.get(tid)
    return order if order is not None and order.created >= call.now - HORIZON else None


def decrypt(call: Call) -> dict[str, Any]:
    """taobao.top.oaid.decrypt: who receives an order, with a virtual number unless the setting says otherwise.

    `matched` is false for an OAID that is not the order's; unknown orders have no row (inferred)."""
    rows = []
    for query in call.params.objects("query_list", 20):
        if query.required("scene") not in SCENES:
            raise errors.invalid("query_list")
        order = _order(call, query.required("tid"))
        query.required("oaid")
        if order is not None and not call.item_fails():
            _count(call, call.world.settings.reveals_a_day, query.required("scene"), order.order_id)
            rows.append(_receiver(call, order, query))
    return {"receiver_list": listed("receiver", rows)}


def _count(call: Call, quotas: dict[str, int], scene: str, tid: str = "") -> None:
    """Notes it, unless the shop had its number of the day. How that is said is not documented: as any other ban."""
    quota, now, shop_id = quotas.get(CHANNEL), call.now, call.shop.shop_id
    earlier = sum(
        (each.shop_id, each.method, day(each.at)) == (shop_id, call.method, day(now)) for each in call.memory.opened
    )
    if quota is not None and earlier >= quota:
        raise errors.banned(limits.APP_API, limits.seconds_left(now))
    call.memory.opened.append(Opened(now, shop_id, call.method, scene, tid))


def _receiver(call: Call, order: Order, query: Params) -> dict[str, Any]:
    buyer, given = order.buyer, query.required("oaid")
    closed = order.state is State.CANCELLED
    private = call.world.settings.taobao_privacy_protection and not closed
    phone = virtual_number(order) if private else buyer.phone
    row: dict[str, Any] = {
        "tid": order.order_id,
        "oaid": given,
        "name": masked_name(buyer.name) if closed else buyer.name,
        "mobile": masked_mobile(buyer.phone) if closed else phone,
        "phone": "",
        "country": "中国",
        "state": buyer.address.province,
        "city": buyer.address.city,
        "district": buyer.address.district,
        "town": TOWN,
        "address_detail": masked_street(buyer.address.detail) if closed else buyer.address.detail,
        "matched": given == oaid(call.world, call.shop, order),
        "privacy_protection": private,
    }
    if private:
        days = query.integer("secret_no_days", VIRTUAL_DAYS, low=1)
        row["secret_no_expire_time"] = when(call.now + days * 86_400)
    if closed:
        row["desensitize_rule"] = CLOSED_RULE
    return row


def virtual_number(order: Order) -> str:
    """`18800001234-0042`: the platform's own number, with the extension of the order."""
    return f"1880000{order.buyer.phone[-4:]}-{int(order.order_id) // 7 % 10_000:04d}"


def find(call: Call) -> dict[str, Any]:
    """taobao.trades.sold.query: the newest orders to somebody. The values of one condition must all fit (inferred), any
    of several conditions is enough."""
    scene = call.params.required("scene")
    if scene not in SEARCH_SCENES:
        raise errors.invalid("scene")
    order_type = call.params.choice("order_type", (1, 2, 3), 1)
    conditions = [_condition(row) for row in call.params.objects("query_list", 20)]
    _count(call, call.world.settings.searches_a_day, scene)
    book = call.world.book(call.shop)
    low, high = book.by_created.span(call.now - HORIZON, call.now)
    newest = (book.orders[tid] for tid in book.by_created.keys(low, high, newest_first=True))
    found = [order.order_id for order in newest if order_type == 1 and any(fits(order) for fits in conditions)]
    return {"tid_list": listed("string", found[:MOST_FOUND])}


def _condition(row: Params) -> Callable[[Order], bool]:
    """Times include their ends, to the whole second. Nobody here has a fixed line."""
    name, mobile, phone = (row.text(f"receiver_{part}") for part in ("name", "mobile", "phone"))
    if not (name or mobile or phone):
        raise errors.invalid("query_list")
    start, end = row.instant("start_created"), row.instant("end_created")

    def fits(order: Order) -> bool:
        return (
            (not name or order.buyer.name == name)
            and (not mobile or order.buyer.phone == mobile)
            and not phone
            and (start is None or int(order.created) >= start)
            and (end is None or int(order.created) <= end)
        )

    return fits


METHODS: dict[str, Api] = {
    "taobao.top.oaid.merge": Api(merge),
    "taobao.top.oaid.decrypt": Api(decrypt),
    "taobao.trades.sold.query": Api(find),
}
