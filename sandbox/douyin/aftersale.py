"""`afterSale.*`: list, detail, decisions, reject reasons, remarks, and the merchant's own steps.

`afterSale.operate` is all or nothing over its items and checks `update_time` as an optimistic lock. Type numbers other
than 201 and 202 are inferred in the dossier.
"""

from collections.abc import Callable
from typing import Any

from ..ground import Refused as WorldRefused
from ..ground import ShopBook
from ..model import Refund, RefundState, Sku
from ..world import World
from . import aftersale_wire, errors
from .call import Call, Handler, address_known
from .orders import DEEPEST_ROW, LAST_INSTANT
from .params import Params
from .states import EXCHANGE, REFUND_SHIPPED, REFUND_UNSHIPPED, REPAIR, RESEND, RETURN, refund_status, refund_type

HALF_YEAR = 183 * 86_400
MOST_ITEMS = 20
REJECT_REASONS = (
    (12, "商品已影响二次销售", "请提供商品破损照片", "Y", 1),
    (13, "与买家协商一致", "请提供聊天记录", "N", 0),
)
Step = Callable[[World, Refund, Params], None]


def _refund(call: Call, refund_id: str) -> Refund:
    found = call.world.book(call.shop).refunds.get(refund_id)
    if found is None:
        raise errors.invalid(11000, "售后单不存在")
    return found


def _sku(call: Call, sku_id: str) -> Sku | None:
    for item in call.shop.items.values():
        if sku_id in item.skus:
            return item.skus[sku_id]
    return None


def list_refunds(call: Call) -> dict[str, Any]:
    """`afterSale.List`: pages from 0, window starts included and ends excluded; six months back at most."""
    params = call.params.numbered(11000)
    page, size = params.integer("page", 0), params.integer("size", 10)
    if page < 0 or not 1 <= size <= 100 or page * size > DEEPEST_ROW:
        raise errors.invalid(11000, "分页参数不合法")
    asked = {name: value for name, value in call.params.everything().items() if name not in ("page", "size")}
    key = ("refunds", call.shop.shop_id, str(sorted(asked.items())), call.now if call.lag else 0)
    ids = call.memory.listed(key, lambda: _ids(call, params))
    book = call.world.book(call.shop)
    rows = []
    for refund_id in ids[page * size : (page + 1) * size]:
        refund = book.refunds[refund_id]
        order = call.world.order(refund.order_id)
        line = order.line(refund.line_id)
        remarks = call.memory.remarks.get(refund_id, [])
        rows.append(aftersale_wire.list_item(order, line, refund, _sku(call, line.sku_id), remarks))
    more = (page + 1) * size < len(ids)
    return {"has_more": more, "items": rows, "page": page, "size": len(rows), "total": len(ids)}


def _ids(call: Call, params: Params) -> list[str]:
    """Matching ids in the asked order. Without `update_time asc` they come newest application first."""
    book = call.world.book(call.shop)
    words = [word.split() for word in params.texts("order_by")]
    if any(len(word) != 2 or word[0] not in ("update_time", "apply_time", "status_deadline") for word in words):
        raise params.invalid("order_by")
    field, direction = words[0] if words else ("apply_time", "desc")
    newest = direction == "desc"
    starts = {"update": params.optional_integer("update_start_time"), "apply": params.optional_integer("start_time")}
    ends = {"update": params.optional_integer("update_end_time"), "apply": params.optional_integer("end_time")}
    found = _candidates(params, book, field, newest)
    oldest = call.now - HALF_YEAR
    tests = _tests(params)
    kept = []
    for refund_id in found:
        refund = book.refunds[refund_id]
        times = {"update": int(refund.updated), "apply": int(refund.created)}
        if refund.created < oldest or refund.updated > call.now - call.lag:
            continue
        if any(start is not None and times[name] < start for name, start in starts.items()):
            continue
        if any(end is not None and times[name] >= end for name, end in ends.items()):
            continue
        if all(test(refund) for test in tests):
            kept.append(refund_id)
    if field == "status_deadline":
        kept.sort(key=lambda each: book.refunds[each].deadline or float("inf"), reverse=newest)
    return kept


def _candidates(params: Params, book: ShopBook, field: str, newest: bool) -> list[str]:
    """A superset of the wanted rows, already in order by the index of the asked time."""
    if params.text("aftersale_id"):
        return [params.text("aftersale_id")] if params.text("aftersale_id") in book.refunds else []
    if params.text("order_id"):
        order = book.orders.get(params.text("order_id").removesuffix("A"))
        return [refund.refund_id for refund in order.refunds] if order else []
    by_update = field == "update_time"
    index = book.refunds_by_updated if by_update else book.refunds_by_created
    names = ("update_start_time", "update_end_time") if by_update else ("start_time", "end_time")
    start, end = params.optional_integer(names[0]), params.optional_integer(names[1])
    low, high = index.span(float(start or 0), end + LAST_INSTANT if end is not None else float("inf"))
    return index.keys(low, high, newest)


def _tests(params: Params) -> list[Callable[[Refund], bool]]:
    tests: list[Callable[[Refund], bool]] = []
    kind = params.optional_integer("aftersale_type")
    if kind is not None:
        tests.append(lambda refund: refund_type(refund) == kind)
    statuses = {int(word) for word in params.texts("standard_aftersale_status") if word.isdecimal()}
    if statuses:
        tests.append(lambda refund: refund_status(refund) in statuses)
    arbitration = params.texts("arbitrate_status")
    if arbitration:
        tests.append(lambda refund: ("1" if refund.state is RefundState.ARBITRATION else "0") in arbitration)
    low, high = params.optional_integer("amount_start"), params.optional_integer("amount_end")
    if low is not None or high is not None:
        tests.append(lambda refund: (low or 0) <= refund.amount <= (high if high is not None else refund.amount))
    return tests


def detail(call: Call) -> dict[str, Any]:
    """`afterSale.Detail`: the parameter is `after_sale_id`, with both underscores."""
    params = call.params.numbered(11000)
    refund = _refund(call, params.required("after_sale_id"))
    order = call.world.order(refund.order_id)
    line = order.line(refund.line_id)
    remarks = call.memory.remarks.get(refund.refund_id, [])
    return aftersale_wire.detail(
        order,
        line,
        refund,
        _sku(call, line.sku_id),
        call.receiver(order),
        remarks,
        params.flag("need_operation_record"),
    )


def _agree_return(world: World, refund: Refund, item: Params) -> None:
    world.agree_return(refund, str(item.sub("logistics").integer("receiver_address_id", 0) or 95250001))


def _agree_money(world: World, refund: Refund, _: Params) -> None:
    """The money follows at once (inferred; on the real platform within minutes)."""
    world.agree_refund(refund)
    world.refund_paid(refund)


def _turn_and_pay(world: World, refund: Refund, item: Params) -> None:
    world.turn_into_refund(refund)
    _agree_money(world, refund, item)


def _refuse(world: World, refund: Refund, item: Params) -> None:
    world.refuse_refund(refund, item.text("reason") or item.text("remark"))


def _send_replacement(world: World, refund: Refund, item: Params) -> None:
    logistics = item.sub("logistics")
    world.send_replacement(refund, logistics.text("company_code"), logistics.text("logistics_code"))


def _agree_resend(world: World, refund: Refund, _: Params) -> None:
    world.agree_resend(refund)


# type -> (after-sale type, allowed statuses, step)
STEPS: dict[int, tuple[frozenset[int], frozenset[int], Step]] = {
    101: (frozenset({RETURN}), frozenset({6, 27}), _agree_return),
    102: (frozenset({RETURN}), frozenset({6}), _refuse),
    111: (frozenset({RETURN}), frozenset({7, 11, 29}), _agree_money),
    112: (frozenset({RETURN}), frozenset({11}), _refuse),
    121: (frozenset({RETURN}), frozenset({6, 27}), _turn_and_pay),
    201: (frozenset({REFUND_SHIPPED}), frozenset({6, 27}), _agree_money),
    202: (frozenset({REFUND_SHIPPED}), frozenset({6}), _refuse),
    203: (frozenset({REFUND_SHIPPED}), frozenset({6}), _agree_money),
    301: (frozenset({EXCHANGE}), frozenset({6}), _agree_return),
    302: (frozenset({EXCHANGE}), frozenset({6}), _refuse),
    311: (frozenset({EXCHANGE}), frozenset({11}), _send_replacement),
    312: (frozenset({EXCHANGE}), frozenset({11}), _refuse),
    321: (frozenset({EXCHANGE}), frozenset({6, 11, 27}), _turn_and_pay),
    401: (frozenset({REFUND_UNSHIPPED}), frozenset({6}), _agree_money),
    501: (frozenset({RESEND}), frozenset({6}), _agree_resend),
    502: (frozenset({RESEND}), frozenset({6}), _refuse),
    601: (frozenset({REPAIR}), frozenset({6}), _agree_return),
    602: (frozenset({REPAIR}), frozenset({6}), _agree_resend),
    603: (frozenset({REPAIR}), frozenset({6}), _refuse),
    611: (frozenset({REPAIR}), frozenset({11}), _send_replacement),
    612: (frozenset({REPAIR}), frozenset({11}), _refuse),
    621: (frozenset({REPAIR}), frozenset({6, 11, 27}), _turn_and_pay),
}
REFUSALS = frozenset({102, 112, 202, 302, 312, 502, 603, 612})
SENDS = frozenset({311, 611})


def operate(call: Call) -> dict[str, Any]:
    """`afterSale.operate`: the merchant's decision on up to 20 after-sales."""
    params = call.params.numbered(11000)
    kind = params.required_integer("type")
    if kind not in STEPS:
        raise params.invalid("type")
    items = params.items("items")
    if not 1 <= len(items) <= MOST_ITEMS:
        raise errors.invalid(11000, "items数量需在1到20之间")
    refunds = [_checked(call, kind, item) for item in items]
    if len({refund.refund_id for refund in refunds}) != len(refunds):
        raise errors.invalid(11000, "售后单重复")
    if call.item_fails():
        raise errors.failed(11005, "操作失败，请稍后重试")
    rows = []
    for refund, item in zip(refunds, items, strict=True):
        try:
            STEPS[kind][2](call.world, refund, item)
        except WorldRefused as refused:
            raise errors.failed(20309541, "售后单状态不允许该操作") from refused
        rows.append({"aftersale_id": int(refund.refund_id), "status_code": 0, "status_msg": "success"})
    return {"items": rows}


def _checked(call: Call, kind: int, item: Params) -> Refund:
    """The after-sale of one item when the decision is allowed now; nothing is changed."""
    refund = _refund(call, item.required("aftersale_id"))
    types, statuses, _ = STEPS[kind]
    if refund_type(refund) not in types or refund_status(refund) not in statuses:
        raise errors.failed(20309541, "售后单状态不允许该操作")
    seen = item.integer("update_time", 0)
    if seen and seen != int(refund.updated):
        raise errors.failed(20309541, "售后单已更新，请刷新后重试")
    if kind in REFUSALS and not item.text("remark") and not item.text("reason"):
        raise errors.invalid(11000, "拒绝时remark必填")
    address = item.sub("logistics").integer("receiver_address_id", 0)
    if address and not address_known(address):
        raise errors.invalid(11000, "receiver_address_id不在地址库中")
    logistics = item.sub("logistics")
    if kind in SENDS and not (logistics.text("company_code") and logistics.text("logistics_code")):
        raise errors.invalid(11000, "物流信息不能为空")
    return refund


def reject_reasons(call: Call) -> dict[str, Any]:
    """`afterSale.rejectReasonCodeList`: for shipped cases only."""
    refund = _refund(call, call.params.numbered(11000).required("aftersale_id"))
    if refund.before_shipping:
        raise errors.failed(11005, "未发货售后不支持拒绝")
    return {
        "items": [
            {
                "evidence_description": evidence,
                "evidence_need": need,
                "image": "/obj/sample/reject.png",
                "order_type": 0,
                "pkg": pkg,
                "reason": reason,
                "reject_reason_code": code,
            }
            for code, reason, evidence, need, pkg in REJECT_REASONS
        ]
    }


def add_remark(call: Call) -> dict[str, Any]:
    """`afterSale.addOrderRemark`."""
    params = call.params.numbered(11000)
    refund = _refund(call, params.required("after_sale_id"))
    if refund.order_id != params.required("order_id").removesuffix("A"):
        raise errors.invalid(11000, "订单与售后单不匹配")
    call.memory.remarks.setdefault(refund.refund_id, []).append((call.now, params.required("remark")))
    return {}


def extend_time(call: Call) -> dict[str, Any]:
    """`afterSale.timeExtend`: two more days for the buyer's step (length inferred)."""
    refund = _refund(call, call.params.numbered(11000).required("aftersale_id"))
    if refund.deadline is None:
        raise errors.failed(20309541, "售后单状态不允许该操作")
    refund.deadline += 2 * 86_400
    call.world.touch_refund(refund, "refund.deadline_changed")
    return {}


def fill_logistics(call: Call) -> dict[str, Any]:
    """`afterSale.fillLogistics`: the parcel of a resend or exchange."""
    params = call.params.numbered(11000)
    refund = _refund(call, params.required("aftersale_id"))
    try:
        call.world.send_replacement(refund, params.required("company_code"), params.required("tracking_no"))
    except WorldRefused as refused:
        raise errors.failed(20309541, "售后单状态不允许该操作") from refused
    return {}


def received_in_warehouse(call: Call) -> dict[str, Any]:
    """`afterSale.returnGoodsToWareHouseSuccess`: the return arrived, so the refund is paid."""
    params = call.params.numbered(11000)
    refund = _refund(call, params.required("aftersale_id"))
    if refund.parcel_back is None or refund.parcel_back[1] != params.required("tracking_no"):
        raise errors.invalid(11000, "退货物流单号不匹配")
    if refund_status(refund) != 11 or refund_type(refund) != RETURN:
        raise errors.failed(20309541, "售后单状态不允许该操作")
    _agree_money(call.world, refund, params)
    return {}


APIS: dict[str, Handler] = {
    "afterSale.List": list_refunds,
    "afterSale.Detail": detail,
    "afterSale.operate": operate,
    "afterSale.rejectReasonCodeList": reject_reasons,
    "afterSale.addOrderRemark": add_remark,
    "afterSale.timeExtend": extend_time,
    "afterSale.fillLogistics": fill_logistics,
    "afterSale.returnGoodsToWareHouseSuccess": received_in_warehouse,
}
