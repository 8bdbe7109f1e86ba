"""taobao.top.oaid.merge and taobao.top.oaid.decrypt: which orders have one receiver, and who that is."""

from typing import Any

from ..model import Order, State
from . import errors
from .call import HORIZON, Api, Call
from .oaid import TOWN, masked_mobile, masked_name, masked_street, oaid
from .params import Params
from .values import listed, when

SCENES = frozenset({"1001", "1002", "1003", "1004", "1005", "1006", "1007", "2001", "2002"})
CLOSED_RULE = "DECRYPTION_DISABLED_BY_ORDERCLOSED"
VIRTUAL_DAYS = 30


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
    """Who receives an order, with a virtual number unless the setting says otherwise. `matched` is false for an OAID
    that is not the order's; unknown orders have no row (inferred)."""
    rows = []
    for query in call.params.objects("query_list", 20):
        if query.required("scene") not in SCENES:
            raise errors.invalid("query_list")
        order = _order(call, query.required("tid"))
        query.required("oaid")
        if order is not None and not call.item_fails():
            rows.append(_receiver(call, order, query))
    return {"receiver_list": listed("receiver", rows)}


def _receiver(call: Call, order: Order, query: Params) -> dict[str, Any]:
    buyer, given = order.buyer, query.required("oaid")
    closed = order.state is State.CANCELLED
    private = call.world.settings.taobao_privacy_protection and not closed
    phone = f"1880000{buyer.phone[-4:]}-{int(order.order_id) // 7 % 10_000:04d}" if private else buyer.phone
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


METHODS: dict[str, Api] = {
    "taobao.top.oaid.merge": Api(merge),
    "taobao.top.oaid.decrypt": Api(decrypt),
}
