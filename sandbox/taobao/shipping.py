"""Shipping: offline and online sending, virtual goods, changing a number, cancelling; with the platform's error codes.

Every refusal is `isv.<call>-service-error:<suffix>`. The suffixes are documented, which of CD22 to CD31 belongs to
which split rule is inferred: CD25 split without lines, CD26 lines without split, CD22 a split order sent whole, CD24 a
line that is not in the trade, CD27 a line sent already beside one that is not (all sent already: B04), CD28 split
forbidden by `no_detail_part_consign`, CD29 changing part of an order that was never split, CD23 changing a split order
without naming lines, CD30 bound lines torn apart, CD31 too many lines, P38 a bad `is_split`.
An open refund does not stop a shipment (inferred: sellers are told to look).
"""

from dataclasses import dataclass
from typing import Any

from ..model import Order, Package, State
from . import errors, states
from .call import HORIZON, Api, Call, Pending
from .carriers import CARRIERS, Carrier
from .oaid import receiver_key
from .values import when

OFFLINE, ONLINE, CONFIRM, DUMMY, CANCEL = (
    f"isv.logistics-{name}-service-error" for name in ("offline", "online", "confirm", "dummy", "order-cancel")
)
RESEND = "isv.logistics-update-company-or-mailno-error"
TEXTS = {
    "B01": "订单不存在",
    "B02": "订单状态不允许发货",
    "B04": "订单状态不对该物流订单已经发货或者已关闭，不能重复发货",
    "B05": "物流订单不存在",
    "B06": "子订单与包裹不一致",
    "B52": "物流公司不支持在线下单",
    "B56": "物流公司不存在",
    "B57": "物流公司不支持自己联系物流",
    "B59": "运单号不能为空",
    "B60": "运单号不符合规则或已经被使用",
    "B86": "物流公司不支持货到付款",
    "B101": "地址库编号不存在",
    "B150": "系统繁忙，请稍后重试",
    "CD01": "CD01#发货方式不匹配",
    "CD19": "订单未发货",
    "P05": "订单类型不允许修改物流信息",
    "P07": "物流信息没有变化",
    "P08": "订单状态不允许修改物流信息",
    "P10": "运单号不符合规则或已经被使用",
}
OFFLINE_LINES, ONLINE_LINES = 50, 20
CHANGEABLE = 50 * 86_400
ADDRESS_IDS = frozenset({"900001", "900002"})


@dataclass(frozen=True)
class Shipment:
    """What a call wants to send: lines (None = the whole order) with one carrier and number."""

    order: Order
    carrier: str
    number: str
    line_ids: tuple[str, ...] | None


def _no(prefix: str, suffix: str) -> errors.TopError:
    return errors.business(f"{prefix}:{suffix}", TEXTS.get(suffix, f"{suffix}#拆单发货参数不正确"))


def _order(call: Call, prefix: str) -> Order:
    """The order; one nobody knows is B01, a malformed id P01."""
    tid = call.params.required("tid")
    if not tid.isdecimal():
        raise errors.business(f"{prefix}:P01", "参数错误")
    order = call.world.book(call.shop).orders.get(tid)
    if order is None:
        if any(tid in call.world.books[call.shop.channel, other].orders for other in call.world.shops["taobao"]):
            raise errors.business("isv.invalid-parameter:seller_nick:P17", "该订单不属于当前卖家")
        raise _no(prefix, "B01")
    if order.created < call.now - HORIZON:
        raise _no(prefix, "B01")
    return order


def _check_state(order: Order, prefix: str) -> None:
    """B04 when everything is sent or the trade is closed, B02 when it cannot be sent yet."""
    status = states.trade_status(order)
    if status in ("WAIT_SELLER_SEND_GOODS", "SELLER_CONSIGNED_PART") and order.hold is None and not order.ship_hold:
        return
    done = status in states.CLOSED or order.state in (State.SHIPPED, State.RECEIVED, State.FINISHED)
    raise _no(prefix, "B04" if done else "B02")


def _check_carrier(prefix: str, order: Order, carrier: Carrier | None, *, online: bool) -> Carrier:
    if carrier is None:
        raise _no(prefix, "B56")
    if online and not carrier.online:
        raise _no(prefix, "B52")
    if not online and not carrier.offline:
        raise _no(prefix, "B57")
    if order.variant == "cod" and not carrier.cod:
        raise _no(prefix, "B86")
    return carrier


def _check_number(call: Call, failure: errors.TopError, order: Order, carrier: Carrier, number: str) -> None:
    """The carrier's rule, and that the number is not on somebody else's parcel."""
    used_for = call.memory.numbers.get((carrier.code, number))
    if not carrier.accepts(number) or used_for not in (None, receiver_key(order.buyer)):
        raise failure


def _lines(call: Call, prefix: str, order: Order, most: int) -> tuple[str, ...] | None:
    """The lines to send by the split rules; None = all. Lines that are closed are left out of a whole order."""
    params = call.params
    if params.text("is_split", "0") not in ("0", "1"):
        raise _no(prefix, "P38")
    split, named = params.text("is_split", "0") == "1", "sub_tid" in params
    already = order.order_id in call.memory.split or order.state is State.PART_SHIPPED
    if split and not named:
        raise _no(prefix, "CD25")
    if named and not split:
        raise _no(prefix, "CD26")
    if already and not split:
        raise _no(prefix, "CD22")
    if not split:
        return None
    chosen = tuple(dict.fromkeys(params.words("sub_tid")))
    if len(chosen) > most:
        raise _no(prefix, "CD31")
    known = {line.line_id: line for line in order.lines}
    if any(line_id not in known for line_id in chosen):
        raise _no(prefix, "CD24")
    over = [known[line_id].shipped > 0 or known[line_id].cancelled for line_id in chosen]
    if any(over):
        raise _no(prefix, "B04" if all(over) else "CD27")
    whole = {line.line_id for line in order.lines if not line.cancelled}
    if set(chosen) != whole and order.shown.get("no_detail_part_consign") == "1":
        raise _no(prefix, "CD28")
    if set(chosen) != whole and order.shown.get("bind") == "1":
        raise _no(prefix, "CD30")
    return chosen


def _send(call: Call, shipment: Shipment, prefix: str, *, online: bool) -> dict[str, Any]:
    order, line_ids = shipment.order, shipment.line_ids
    contents = None
    if line_ids is not None:
        contents = {line_id: order.line(line_id).quantity for line_id in line_ids}
    if call.item_fails():
        raise _no(prefix, "B150")
    package = call.world.ship(order, shipment.carrier, shipment.number, contents, allow_open_refund=True)
    memory = call.memory
    if line_ids is not None:
        memory.split.add(order.order_id)
    if online:
        memory.shipped_online.add(package.pack_id)
    if shipment.number:
        memory.numbers[shipment.carrier, shipment.number] = receiver_key(order.buyer)
    memory.online.pop(order.order_id, None)
    return SENT


SENT = {"shipping": {"is_success": True}}


def _check_addresses(call: Call, prefix: str) -> None:
    for name in ("sender_id", "cancel_id"):
        if name in call.params and call.params.text(name) not in ADDRESS_IDS:
            raise _no(prefix, "B101")


def send_offline(call: Call) -> dict[str, Any]:
    """taobao.logistics.offline.send: shipped at once; not for COD and not for virtual goods."""
    params = call.params
    for name in ("tid", "out_sid", "company_code"):
        params.required(name)
    order = _order(call, OFFLINE)
    _check_state(order, OFFLINE)
    if order.variant in ("cod", "virtual"):
        raise _no(OFFLINE, "CD01")
    carrier = _check_carrier(OFFLINE, order, CARRIERS.get(params.text("company_code")), online=False)
    lines = _lines(call, OFFLINE, order, OFFLINE_LINES)
    _check_addresses(call, OFFLINE)
    number = params.text("out_sid")
    _check_number(call, _no(OFFLINE, "B60"), order, carrier, number)
    return _send(call, Shipment(order, carrier.code, number, lines), OFFLINE, online=False)


def send_online(call: Call) -> dict[str, Any]:
    """taobao.logistics.online.send: without a number only announced, until `online.confirm`."""
    params = call.params
    for name in ("tid", "company_code"):
        params.required(name)
    order = _order(call, ONLINE)
    _check_state(order, ONLINE)
    if order.variant == "virtual":
        raise _no(ONLINE, "CD01")
    if order.order_id in call.memory.online:
        raise _no(ONLINE, "B04")
    carrier = _check_carrier(ONLINE, order, CARRIERS.get(params.text("company_code")), online=True)
    lines = _lines(call, ONLINE, order, ONLINE_LINES)
    _check_addresses(call, ONLINE)
    number = params.text("out_sid")
    if not number:
        call.memory.online[order.order_id] = Pending(carrier.code, lines, call.now, call.world.number())
        return SENT
    _check_number(call, _no(ONLINE, "B60"), order, carrier, number)
    return _send(call, Shipment(order, carrier.code, number, lines), ONLINE, online=True)


def confirm_online(call: Call) -> dict[str, Any]:
    """taobao.logistics.online.confirm: the number of an announced parcel; now it is shipped."""
    for name in ("tid", "out_sid"):
        call.params.required(name)
    order = _order(call, CONFIRM)
    _check_state(order, CONFIRM)
    pending = call.memory.online.get(order.order_id)
    if pending is None:
        raise _no(CONFIRM, "B05")
    number = call.params.text("out_sid")
    _check_number(call, _no(CONFIRM, "B60"), order, CARRIERS[pending.carrier], number)
    return _send(call, Shipment(order, pending.carrier, number, pending.line_ids), CONFIRM, online=True)


def cancel_online(call: Call) -> dict[str, Any]:
    """taobao.logistics.online.cancel: an announced parcel that has no number yet (inferred)."""
    order = _order(call, CANCEL)
    pending = call.memory.online.pop(order.order_id, None)
    if pending is None:
        raise _no(CANCEL, "B04" if order.packages else "B05")
    return {"is_success": True, "recreated_order_id": 50_000_000_000 + pending.number, "modify_time": when(call.now)}


def send_dummy(call: Call) -> dict[str, Any]:
    """taobao.logistics.dummy.send: virtual goods only."""
    order = _order(call, DUMMY)
    _check_state(order, DUMMY)
    if order.variant != "virtual":
        raise _no(DUMMY, "CD01")
    return _send(call, Shipment(order, "", "", None), DUMMY, online=False)


def resend(call: Call) -> dict[str, Any]:
    """taobao.logistics.consign.resend: another carrier or number for a parcel. Offline parcels for 50 days; online
    ones not once they are shipped (inferred: a number means picked up)."""
    params = call.params
    for name in ("tid", "out_sid", "company_code"):
        params.required(name)
    order = _order(call, RESEND)
    if not order.packages:
        raise _no(RESEND, "CD19")
    if states.trade_status(order) not in ("WAIT_BUYER_CONFIRM_GOODS", "SELLER_CONSIGNED_PART"):
        raise _no(RESEND, "P08")
    package = _package(call, order)
    if order.variant in ("virtual", "cod") or package.pack_id in call.memory.shipped_online:
        raise _no(RESEND, "P05")
    if call.now - package.at > CHANGEABLE or order.received is not None:
        raise _no(RESEND, "P08")
    carrier = _check_carrier(RESEND, order, CARRIERS.get(params.text("company_code")), online=False)
    number = params.text("out_sid")
    if (carrier.code, number) == (package.carrier, package.tracking_no):
        raise _no(RESEND, "P07")
    _check_number(call, _no(RESEND, "P10"), order, carrier, number)
    call.world.change_tracking(order, carrier.code, number, package.pack_id)
    call.memory.numbers[carrier.code, number] = receiver_key(order.buyer)
    return SENT


def _package(call: Call, order: Order) -> Package:
    """The parcel the call means: of a split order the one with exactly these lines."""
    params = call.params
    split, named = params.text("is_split", "0") == "1", "sub_tid" in params
    was_split = order.order_id in call.memory.split or order.state is State.PART_SHIPPED or len(order.packages) > 1
    if (split or named) and not was_split:
        raise _no(RESEND, "CD29")
    if split != named:
        raise _no(RESEND, "CD25" if split else "CD26")
    if not split:
        if was_split:
            raise _no(RESEND, "CD23")
        return order.packages[0]
    wanted = set(params.words("sub_tid"))
    for package in order.packages:
        if set(package.contents) == wanted:
            return package
    raise _no(RESEND, "B06")


METHODS: dict[str, Api] = {
    "taobao.logistics.offline.send": Api(send_offline),
    "taobao.logistics.online.send": Api(send_online),
    "taobao.logistics.online.confirm": Api(confirm_online),
    "taobao.logistics.online.cancel": Api(cancel_online),
    "taobao.logistics.dummy.send": Api(send_dummy),
    "taobao.logistics.consign.resend": Api(resend),
}
