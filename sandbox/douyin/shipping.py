"""Shipping: `order.logisticsAdd`, multi pack, single pack, number changes, address decisions, carrier lists.

Checks come in the order of the error table of the dossier; a parcel that was accepted is never undone by a later one.
`request_id` is remembered: the same id answers the first result again and ships nothing.
"""

from typing import Any

from ..ground import Refused as WorldRefused
from ..model import Line, Order, Package, State
from . import errors
from .call import Call, Handler, address_known, order_of
from .carriers import BY_CODE, CARRIERS, number_fits
from .params import Params

MOST_ORDERS = 400
_STATE = {
    State.UNPAID: (60137, "订单未支付，不允许发货"),
    State.DEPOSIT_PAID: (60137, "订单未支付完成，不允许发货"),
    State.WAITING: (60109, "订单风控审核中，请1-2小时后再发货"),
    State.SHIPPED: (60110, "订单已发货，不允许再次执行发货。"),
    State.RECEIVED: (60110, "订单已发货，不允许再次执行发货。"),
    State.FINISHED: (60113, "订单已完成，不允许发货"),
    State.CANCELLED: (60021, "订单已取消，不允许发货"),
}


def _order(call: Call, order_id: str) -> Order:
    if not order_id.removesuffix("A").isdecimal():
        raise errors.invalid(50049, "订单号不合法")
    return order_of(call, order_id, errors.failed(60033, "订单不存在"), errors.failed(60101, "订单不属于当前店铺"))


def _parcel(params: Params) -> tuple[str, str]:
    """(carrier code, tracking number), both checked."""
    code, number = params.text("company_code"), params.text("logistics_code").strip()
    if not code:
        raise errors.missing(60011, "物流公司编码不能为空")
    if code not in BY_CODE:
        raise errors.failed(60018, "物流公司不支持或已失效")
    if not number:
        raise errors.invalid(60017, "物流单号不能为空")
    if not number_fits(BY_CODE[code], number):
        raise errors.failed(60127, "物流单号不符合该物流公司的单号规则")
    return code, number


def _check_addresses(params: Params) -> None:
    for name in ("address_id", "after_sale_address_id"):
        address = params.integer(name, 0)
        if address < 0:
            raise errors.failed(60028, "地址id不合法")
        if address and not address_known(address):
            raise errors.failed(60134, "地址不在地址库中")


def _check_number(call: Call, order: Order, number: str) -> None:
    """A number belongs to one receiver: reusing it for somebody else is refused."""
    first = call.memory.numbers.get((call.shop.shop_id, number))
    if first is None or first == order.order_id:
        return
    other = call.world.order(first)
    if call.receiver(other).address_pseudonym != call.receiver(order).address_pseudonym:
        raise errors.failed(70022, "该物流单号已被其他买家的订单使用")


def _check_state(order: Order) -> None:
    if order.state is State.CANCELLED and any(refund.refunded for refund in order.refunds):
        raise errors.failed(60068, "订单发货前已退款")
    if order.state in _STATE:
        raise errors.failed(*_STATE[order.state])
    if order.hold is not None or order.ship_hold:
        raise errors.failed(60109, "订单风控审核中，请1-2小时后再发货")


def _check_refunds(order: Order, lines: set[str], reject: bool) -> None:
    if not reject and any(refund.open and refund.line_id in lines for refund in order.refunds):
        raise errors.failed(60040, "发货订单中有退款申请需要处理，请先处理。")


def _reject(params: Params) -> bool:
    return params.flag("is_reject_refund") or params.flag("is_refund_reject")


def _left(order: Order) -> dict[str, int]:
    return {line.line_id: line.quantity - line.shipped for line in order.lines if not line.cancelled}


def _send(call: Call, order: Order, parcel: tuple[str, str], contents: dict[str, int], reject: bool) -> Package:
    """Ship one checked parcel; running after-sales of other lines do not block it."""
    mine = any(refund.open and refund.line_id in contents for refund in order.refunds)
    try:
        package = call.world.ship(order, *parcel, contents, reject_refund=reject and mine, allow_open_refund=not mine)
    except WorldRefused as refused:
        raise errors.failed(70005, f"发货失败，请重试: {refused.reason}") from refused
    call.memory.numbers.setdefault((call.shop.shop_id, parcel[1]), order.order_id)
    return package


def add(call: Call) -> dict[str, Any]:
    """`order.logisticsAdd`: the whole order in one parcel."""
    params = call.params.numbered(50049)
    order = _order(call, params.text("order_id"))
    parcel = _parcel(params)
    _check_addresses(params)
    _check_state(order)
    if order.state is State.PART_SHIPPED:
        # The number is not documented for this case (inferred); 60110 would read as success.
        raise errors.failed(60107, "订单已部分发货，请使用多包裹发货接口")
    contents = {line_id: pieces for line_id, pieces in _left(order).items() if pieces}
    reject = _reject(params)
    _check_refunds(order, set(contents), reject)
    _check_number(call, order, parcel[1])
    _send(call, order, parcel, contents, reject)
    return {}


def _line(order: Order, line_id: str) -> Line:
    for line in order.lines:
        if line.line_id == line_id.removesuffix("A"):
            return line
    raise errors.failed(60102, "商品单不存在")


def _contents(order: Order, rows: list[Params], left: dict[str, int]) -> dict[str, int]:
    """What one pack holds; takes the pieces out of `left`."""
    contents: dict[str, int] = {}
    if not rows:
        raise errors.failed(60036, "发货信息不能为空")
    for row in rows:
        line_id = row.text("shipped_order_id")
        if not line_id.removesuffix("A").isdecimal():
            raise errors.invalid(60016, "商品单号不合法")
        line = _line(order, line_id)
        pieces = row.required_integer("shipped_num")
        if pieces <= 0:
            raise errors.failed(60080, "发货数量必须大于0")
        if line.cancelled:
            raise errors.failed(60068, "商品单发货前已退款")
        if pieces > left[line.line_id]:
            raise errors.failed(70023, "没有可发货的商品数量")
        left[line.line_id] -= pieces
        contents[line.line_id] = contents.get(line.line_id, 0) + pieces
    return contents


def _request_id(params: Params) -> str:
    request_id = params.text("request_id")
    if not request_id:
        raise errors.missing(50050, "request_id不能为空")
    return request_id


def add_multi_pack(call: Call) -> dict[str, Any]:
    """`order.logisticsAddMultiPack`: several parcels of one order, all or nothing, again for the rest."""
    params = call.params.numbered(50049)
    request_id = _request_id(params)
    done = call.remembered("multiPack", request_id)
    if done is not None:
        return dict(done[1])
    order = _order(call, params.text("order_id"))
    packs = params.items("pack_list")
    if not packs:
        raise errors.failed(60036, "发货信息不能为空")
    parcels = [_parcel(pack) for pack in packs]
    _check_addresses(params)
    _check_state(order)
    left = _left(order)
    contents = [_contents(order, pack.items("shipped_order_info"), left) for pack in packs]
    reject = _reject(params)
    _check_refunds(order, {line_id for content in contents for line_id in content}, reject)
    for _, number in parcels:
        _check_number(call, order, number)
    accepted = order.ship_accepts + 1
    rows = []
    for parcel, content, pack in zip(parcels, contents, packs, strict=True):
        package = _send(call, order, parcel, content, reject)
        infos = [
            {"shipped_item_ids": [], "shipped_num": pieces, "shipped_order_id": line_id}
            for line_id, pieces in package.contents.items()
        ]
        rows.append(
            {"logistics_code": pack.text("logistics_code"), "pack_id": package.pack_id, "shipped_order_info": infos}
        )
    order.ship_accepts = accepted  # one accepted call, whatever the number of parcels
    call.memory.packed.add(order.order_id)
    answer = {"pack_list": rows}
    call.remember("multiPack", request_id, answer)
    return answer


def add_single_pack(call: Call) -> dict[str, Any]:
    """`order.logisticsAddSinglePack`: several orders of one receiver in one parcel, all or nothing."""
    params = call.params.numbered(50049)
    request_id = _request_id(params)
    done = call.remembered("singlePack", request_id)
    if done is not None:
        return dict(done[1])
    wanted = list(dict.fromkeys(params.texts("order_id_list")))
    if not wanted:
        raise errors.invalid(50049, "订单号不能为空")
    if len(wanted) > MOST_ORDERS:
        raise errors.missing(60032, "订单数量超过400")
    orders = [_order(call, order_id) for order_id in wanted]
    parcel = _parcel(params)
    _check_addresses(params)
    if len({call.receiver(order).address_pseudonym for order in orders}) > 1:
        raise errors.failed(70020, "订单收件人不一致，不能合并发货")
    rows = params.items("shipped_order_info")
    plans = [_single_plan(order, rows) for order in orders]
    if sum(len(plan[1]) for plan in plans) != len(rows):
        raise errors.failed(60102, "商品单不存在")
    reject = _reject(params)
    for order, mine in plans:
        _check_state(order)
        _check_refunds(order, {row.text("shipped_order_id") for row in mine}, reject)
        _check_number(call, order, parcel[1])
    contents = [_contents(order, mine, _left(order)) for order, mine in plans]
    pack_id = ""
    for (order, _), content in zip(plans, contents, strict=True):
        pack_id = pack_id or str(7_551_000_000_000_000_000 + call.world.number())
        package = _send(call, order, parcel, content, reject)
        package.pack_id = pack_id
        call.memory.packed.add(order.order_id)
    answer = {"pack_id": pack_id}
    call.remember("singlePack", request_id, answer)
    return answer


def _single_plan(order: Order, rows: list[Params]) -> tuple[Order, list[Params]]:
    """The rows of the parcel that belong to this order; all that is left when none is named (inferred)."""
    ids = {line.line_id for line in order.lines}
    mine = [row for row in rows if row.text("shipped_order_id").removesuffix("A") in ids]
    return order, mine


def edit(call: Call) -> dict[str, Any]:
    """`order.logisticsEdit`: another number for an order shipped whole, while it is on its way."""
    params = call.params.numbered(10002)
    order, parcel = _editable(call, params)
    if order.order_id in call.memory.packed or len(order.packages) > 1:
        raise errors.failed(70011, "多包裹订单请使用order.logisticsEditByPack")
    _change(call, order, parcel, None)
    return {}


def edit_by_pack(call: Call) -> dict[str, Any]:
    """`order.logisticsEditByPack`: `pack_id` is the `delivery_id` of the order's `logistics_info`."""
    params = call.params.numbered(10002)
    order, parcel = _editable(call, params)
    pack_id = params.text("pack_id")
    if pack_id not in {package.pack_id for package in order.packages}:
        raise errors.invalid(10002, "包裹不存在")
    _change(call, order, parcel, pack_id)
    return {}


def _editable(call: Call, params: Params) -> tuple[Order, tuple[str, str]]:
    unknown = errors.invalid(10002, "订单不存在")
    order = order_of(call, params.text("order_id"), unknown, unknown)
    if not params.text("company_code"):
        raise errors.invalid(60083, "物流公司编码不能为空")
    if not params.text("logistics_code"):
        raise errors.invalid(60014, "物流单号不能为空")
    parcel = _parcel(params)
    if order.state is State.CANCELLED:
        raise errors.failed(60021, "订单已取消，不允许修改物流")
    return order, parcel


def _change(call: Call, order: Order, parcel: tuple[str, str], pack_id: str | None) -> None:
    if pack_id is None and order.state is not State.SHIPPED:
        raise errors.failed(10007, "订单状态不允许修改物流")
    _check_number(call, order, parcel[1])
    try:
        call.world.change_tracking(order, *parcel, pack_id)
    except WorldRefused as refused:
        raise errors.failed(10007, "订单状态不允许修改物流") from refused
    call.memory.numbers.setdefault((call.shop.shop_id, parcel[1]), order.order_id)


def company_list(_: Call) -> list[dict[str, Any]]:
    """`order.logisticsCompanyList`: an array."""
    return [{"code": carrier.code, "id": carrier.id, "name": carrier.name} for carrier in CARRIERS]


def query_company_list(call: Call) -> dict[str, Any]:
    """`order.queryLogisticsCompanyList`: every carrier for every order of the shop; others are listed as failed."""
    ids = call.params.numbered(50049).texts("shop_order_ids")
    if not 1 <= len(ids) <= 20:
        raise errors.invalid(50049, "订单数量需在1到20之间")
    book = call.world.book(call.shop)
    lost = [order_id for order_id in ids if order_id.removesuffix("A") not in book.orders]
    return {
        "fail_shop_order_id_and_reason": [{"shop_order_id": each, "reason": "订单不存在"} for each in lost],
        "logistics_company_list_by_order_ids": [],
        "logistics_company_list_by_shop": [{"code": carrier.code, "name": carrier.name} for carrier in CARRIERS],
    }


def address_confirm(call: Call) -> dict[str, Any]:
    """`order.addressConfirm`: 0 approves the buyer's new address, 1001 to 1005 refuse it."""
    params = call.params.numbered(50039)
    nothing = errors.invalid(50039, "没有待处理的修改地址申请")
    order = order_of(call, params.required("order_id"), nothing, errors.failed(50036, "当前应用无权审核"))
    if call.shop.shop_id in call.memory.no_address_changes:
        raise errors.invalid(50038, "店铺未开启修改地址审核")
    answer = params.required_integer("is_approved")
    if answer != 0 and not 1001 <= answer <= 1005:
        raise params.invalid("is_approved")
    if order.wanted_address is None:
        before = call.memory.decided.get(order.order_id)
        if before is None:
            raise nothing
        raise errors.failed(50040, "申请已同意") if before == 0 else errors.failed(50041, "申请已拒绝")
    if order.open_refund is not None or order.state is State.CANCELLED:
        raise errors.failed(50042, "申请因售后已取消")
    if order.state not in (State.WAITING, State.TO_SHIP):
        raise errors.failed(50041, "订单已发货，申请已拒绝")
    call.world.answer_address(order, answer == 0)
    call.memory.decided[order.order_id] = answer
    return {}


def address_switch(call: Call) -> dict[str, Any]:
    """`order.AddressAppliedSwitch`: 1 lets the merchant decide about address changes, 0 not (parameter inferred)."""
    if call.params.numbered(50002).flag("is_allowed"):
        call.memory.no_address_changes.discard(call.shop.shop_id)
    else:
        call.memory.no_address_changes.add(call.shop.shop_id)
    return {}


def address_switch_state(call: Call) -> dict[str, Any]:
    """`order.addresSwitchConfig` (sic): how the switch stands (answer shape inferred)."""
    return {"is_allowed": 0 if call.shop.shop_id in call.memory.no_address_changes else 1}


APIS: dict[str, Handler] = {
    "order.logisticsAdd": add,
    "order.logisticsAddMultiPack": add_multi_pack,
    "order.logisticsAddSinglePack": add_single_pack,
    "order.logisticsEdit": edit,
    "order.logisticsEditByPack": edit_by_pack,
    "order.logisticsCompanyList": company_list,
    "order.queryLogisticsCompanyList": query_company_list,
    "order.addressConfirm": address_confirm,
    "order.AddressAppliedSwitch": address_switch,
    "order.addresSwitchConfig": address_switch_state,
}
