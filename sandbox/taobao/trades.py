"""Reading trades: the three lists, the detail calls, the amounts.

Lists are ordered newest first, window ends included (inferred). Trades of types that were not asked for are silently
missing. With `use_has_next` the answer has `has_next` and no total.
"""

from collections.abc import Callable
from typing import Any

from ..model import Order
from ..world import TimeIndex
from . import errors, oaid, states
from .call import HORIZON, Api, Call
from .fields import Fields, asked
from .params import Params
from .trade_view import Trade
from .trade_wire import OAID_NEEDS, TRADE, alipay_no, trade_fields
from .values import listed, when, when_known, yuan

DAY = 86_400
LAST_INSTANT = 0.999_999
"""Windows count whole seconds and include their last one."""
DETAIL_ONLY = frozenset(
    {"buyer_message", "buyer_memo", "seller_memo", "promotion_details", "service_tags", "logistics_agreement"}
    | {"available_confirm_fee", "has_post_fee", "trade_from", "alipay_no", "coupon_fee", "snapshot_url", "sid"}
)
"""What only the full detail tells (which fields the lists have is inferred)."""
RECEIVER = frozenset(name for name in TRADE if name.startswith("receiver_"))
IN_LISTS = frozenset(TRADE) - DETAIL_ONLY | {"oaid"}
IN_DETAIL = frozenset(TRADE) - {"has_buyer_message", "async_modified"} | {"oaid"}
IN_SHORT_DETAIL = IN_DETAIL - RECEIVER - {"oaid"}


def page_of(params: Params) -> tuple[int, int]:
    """(page_no from 1, page_size up to 100, default 40)."""
    return params.integer("page_no", 1, low=1), params.integer("page_size", 40, low=1, high=100)


def count_of(params: Params, total: int, page: int, size: int) -> dict[str, Any]:
    """`has_next` or `total_results`, never both."""
    return {"has_next": page * size < total} if params.flag("use_has_next") else {"total_results": total}


def window(call: Call, start_name: str, end_name: str, *, required: bool) -> tuple[float, float]:
    """The asked times. A window that runs backwards, or is over a day where one is required, is 41 (inferred)."""
    params = call.params
    if required:
        for name in (start_name, end_name):
            params.required(name)
    start, end = params.instant(start_name), params.instant(end_name)
    start, end = 0.0 if start is None else start, call.now if end is None else end
    if end < start or (required and end - start > DAY):
        raise errors.invalid(end_name)
    return start, end + LAST_INSTANT


def trade_of(call: Call, order: Order) -> Trade:
    """The order as a trade of the caller's shop."""
    return Trade(call.world, call.shop, order, moved=order.order_id in call.memory.moved)


def _filter(call: Call) -> tuple[tuple[object, ...], Callable[[Order], bool]]:
    """The asked filters, as a name for them and as a test."""
    params, world = call.params, call.world
    types = frozenset(params.words("type")) if "type" in params else states.DEFAULT_TYPES
    status, buyer = params.text("status"), params.text("buyer_open_uid")
    if status and status not in states.STATUSES and status not in states.STATUS_GROUPS:
        raise errors.invalid("status")
    wanted = states.STATUS_GROUPS.get(status, frozenset({status}))
    all_types = types | (states.GUARANTEED if "guarantee_trade" in types else frozenset())
    oldest = call.now - HORIZON

    def passes(order: Order) -> bool:
        return (
            order.created >= oldest
            and states.trade_type(order) in all_types
            and (not status or states.trade_status(order) in wanted)
            and (not buyer or oaid.open_uid(world, order.buyer.buyer_id) == buyer)
        )

    changing = call.memory.revision if status or buyer else 0
    return (all_types, status, buyer, changing), passes


def _page(call: Call, index: TimeIndex, start: float, end: float) -> dict[str, Any]:
    page, size = page_of(call.params)
    fields = asked(call.params)
    name, passes = _filter(call)
    book = call.world.book(call.shop)
    low, high = index.span(start, end)
    found = index.filtered(low, max(low, high), name, lambda key: passes(book.orders[key]))
    orders = [book.orders[key] for key in found[(page - 1) * size : page * size]]
    rows = [trade_fields(trade_of(call, order), fields, IN_LISTS) for order in orders]
    return count_of(call.params, len(found), page, size) | {"trades": listed("trade", rows)}


def increment(call: Call) -> dict[str, Any]:
    """taobao.trades.sold.increment.get: by time of change, at most a day."""
    start, end = window(call, "start_modified", "end_modified", required=True)
    return _page(call, call.world.book(call.shop).by_updated, start, _visible(call, end))


def increment_by_arrival(call: Call) -> dict[str, Any]:
    """taobao.trades.sold.incrementv.get: by the time a change reached the seller's database, which a lagging index
    delays."""
    start, end = window(call, "start_create", "end_create", required=True)
    return _page(call, call.world.book(call.shop).by_updated, start - call.lag, min(end, call.now) - call.lag)


def sold(call: Call) -> dict[str, Any]:
    """taobao.trades.sold.get: by time of creation, three months."""
    start, end = window(call, "start_created", "end_created", required=False)
    return _page(call, call.world.book(call.shop).by_created, start, _visible(call, end))


def _visible(call: Call, end: float) -> float:
    return min(end, call.now - call.lag) if call.lag else end


def full_info(call: Call) -> dict[str, Any]:
    """taobao.trade.fullinfo.get: `include_oaid` demands the OAID, which needs five other fields."""
    fields = asked(call.params)
    order = call.order()
    if call.params.flag("include_oaid") and not all(name in fields for name in OAID_NEEDS):
        raise errors.business("isv.oaid-field-miss", "oaid生成所需字段缺失")
    if call.params.flag("include_oaid"):
        fields = Fields([*call.params.words("fields"), "oaid"])
    return {"trade": trade_fields(trade_of(call, order), fields, IN_DETAIL)}


def short_info(call: Call) -> dict[str, Any]:
    """taobao.trade.get: without receiver."""
    return {"trade": trade_fields(trade_of(call, call.order()), asked(call.params), IN_SHORT_DETAIL)}


def amount(call: Call) -> dict[str, Any]:
    """taobao.trade.amount.get: the money only."""
    fields = asked(call.params)
    trade = trade_of(call, call.order())
    order, money = trade.order, trade.money
    row = {
        "tid": int(order.order_id),
        "alipay_no": alipay_no(trade),
        "created": when(order.created),
        "pay_time": when_known(trade.pay_time),
        "end_time": when_known(trade.ended),
        "total_fee": yuan(money.total),
        "post_fee": yuan(money.postage),
        "payment": yuan(money.payment),
        "cod_fee": yuan(0) if order.variant == "cod" else None,
        "commission_fee": yuan(0),
        "order_amounts": {"order_amount": [_line_amount(trade, n) for n in range(len(order.lines))]},
        "promotion_details": TRADE["promotion_details"](trade),
    }
    return {"trade_amount": fields.select(row)}


def _line_amount(trade: Trade, n: int) -> dict[str, Any]:
    line = trade.order.lines[n]
    money = trade.money.lines[line.line_id]
    return {
        "oid": int(line.line_id),
        "num_iid": int(line.item_id),
        "sku_id": int(line.sku_id) if line.sku_id != line.item_id else None,
        "num": line.quantity,
        "price": yuan(line.price),
        "discount_fee": yuan(money.discount),
        "promotion_name": "限时直降" if money.discount else None,
        "adjust_fee": yuan(money.adjust),
        "payment": yuan(trade.money.line_payment(trade.order, line)),
        "divide_order_fee": yuan(money.divided),
        "part_mjz_discount": yuan(money.part),
    }


METHODS: dict[str, Api] = {
    "taobao.trades.sold.increment.get": Api(increment, listing=True),
    "taobao.trades.sold.incrementv.get": Api(increment_by_arrival, listing=True),
    "taobao.trades.sold.get": Api(sold, listing=True),
    "taobao.trade.fullinfo.get": Api(full_info),
    "taobao.trade.get": Api(short_info),
    "taobao.trade.amount.get": Api(amount),
}
