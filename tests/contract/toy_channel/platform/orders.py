"""The toy's orders: lists, details, shipping, memos, and how an order is shown."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.model import Buyer, Line, Order, RefundState, Shop, State
from sandbox.world import Refused, World

LONGEST_WINDOW = 86_400
LONGEST_PAGE = 100
CARRIERS = {
    "sf": "顺丰速运", "zto": "中通快递", "yto": "圆通速递", "sto": "申通快递", "yunda": "韵达快递", "jt": "极兔速递",
    "ems": "EMS", "china_post": "邮政快递包裹", "jd": "京东快递", "deppon": "德邦快递", "best": "百世快递",
    "anneng": "安能物流",
}  # fmt: skip
STATUS = {
    State.UNPAID: "NEW",
    State.DEPOSIT_PAID: "DEPOSIT",
    State.WAITING: "CHECKING",
    State.TO_SHIP: "READY",
    State.PART_SHIPPED: "READY",
    State.SHIPPED: "SENT",
    State.RECEIVED: "RECEIVED",
    State.FINISHED: "DONE",
    State.CANCELLED: "CANCELLED",
}
REFUND = {
    RefundState.REQUESTED: "asked",
    RefundState.ARBITRATION: "asked",
    RefundState.RETURN_AGREED: "returning",
    RefundState.RETURNED: "returning",
    RefundState.REFUNDING: "paying",
    RefundState.REFUNDED: "paid",
    RefundState.REFUSED: "refused",
    RefundState.RETURN_REFUSED: "refused",
}
"""What is over without money, or is replaced, shows nothing."""


def changed(world: World, shop: Shop, params: Any) -> dict[str, Any]:
    """Orders changed in whole seconds [since, until], oldest change first; live: nothing stands still between pages."""
    since, until, size = params["since"], params["until"], params["size"]
    if not (0 <= until - since <= LONGEST_WINDOW and 1 <= size <= LONGEST_PAGE and params["page"] >= 1):
        raise Refused("bad_argument", "the window is at most a day, a page at most 100")
    book = world.book(shop)
    seen = world.now() - world.faults.lag("toy", shop.shop_id)
    low, high = book.by_updated.span(since, min(until + 0.999_999, seen))
    start = low + (params["page"] - 1) * size
    rows = book.by_updated.keys(start, min(start + size, high)) if start < high else []
    return {"orders": [show(world, book.orders[row]) for row in rows], "total": max(0, high - low)}


def detail(world: World, shop: Shop, params: Any) -> dict[str, Any]:
    order = _order(world, shop, params)
    if order.created > world.now() - world.faults.lag("toy", shop.shop_id):
        raise Refused("unknown_order", "no such order")
    return show(world, order)


def ship(world: World, shop: Shop, params: Any) -> dict[str, Any]:
    order = _order(world, shop, params)
    if params["carrier"] not in CARRIERS or not str(params["number"]).strip():
        raise Refused("bad_argument", "no such carrier, or no number")
    package = world.ship(order, params["carrier"], params["number"], reject_refund=bool(params["refuse_refund"]))
    return {"parcel": package.pack_id}


def write_memo(world: World, shop: Shop, params: Any) -> dict[str, Any]:
    if params["flag"] not in range(6):
        raise Refused("bad_argument", "no such flag")
    world.set_memo(_order(world, shop, params), str(params["text"]), params["flag"])
    return {}


def carriers(*_: object) -> dict[str, Any]:
    return {"carriers": [{"code": code, "name": name} for code, name in CARRIERS.items()]}


def _order(world: World, shop: Shop, params: Any) -> Order:
    order = world.book(shop).orders.get(str(params["order"]))
    if order is None:
        raise Refused("unknown_order", "no such order")
    return order


def show(world: World, order: Order) -> dict[str, Any]:
    """An order as every answer tells it."""
    lines = [line for line in order.lines if not line.dropped]
    return {
        "id": order.order_id,
        "status": order.forced_state or STATUS[order.state],
        "end": _end(order),
        "hold": order.hold or ("locked" if order.ship_hold else ""),
        "created": int(order.created),
        "updated": int(order.updated),
        "paid": _seconds(order.paid),
        "shipped": _seconds(order.shipped),
        "received": _seconds(order.received),
        "ended": _seconds(order.cancelled or order.finished),
        "ship_by": _seconds(order.ship_by),
        "postage": order.postage,
        "adjust": order.change_amount,
        "seller_off": sum(line.discounts.seller for line in lines),
        "platform_off": sum(line.discounts.total - line.discounts.seller for line in lines),
        "pay": order.pay_amount,
        "lines": [_line(order, line) for line in lines],
        "parcels": [
            {"id": each.pack_id, "carrier": each.carrier, "number": each.tracking_no, "at": int(each.at)}
            for each in order.packages
        ],
        "receiver": _receiver(world, order.buyer),
        "buyer": _sealed(world, "buyer", order.buyer.buyer_id),
        "note": order.buyer_note,
        "memo": order.memo,
        "flag": order.flag or 0,
    }


def _end(order: Order) -> str:
    paid_back = {each.line_id for each in order.refunds if each.state is RefundState.REFUNDED}
    if order.state is State.CANCELLED:
        return "unpaid" if order.paid is None else "refunded"
    if all(line.line_id in paid_back for line in order.lines if not line.gift):
        return "refunded"
    return "finished" if order.state is State.FINISHED else ""


def _line(order: Order, line: Line) -> dict[str, Any]:
    refunds = [each for each in order.refunds if each.line_id == line.line_id]
    return {
        "id": line.line_id,
        "item": line.item_id,
        "sku": line.sku_id,
        "code": line.code,
        "title": line.title,
        "spec": line.spec_text,
        "quantity": line.quantity,
        "price": line.price,
        "seller_off": line.discounts.seller,
        "platform_off": line.discounts.total - line.discounts.seller,
        "pay": line.pay_amount,
        "gift": line.gift,
        "refund": REFUND.get(refunds[-1].state, "") if refunds else "",
    }


def _receiver(world: World, buyer: Buyer) -> dict[str, Any]:
    where = buyer.address
    return {
        "id": _sealed(world, "receiver", buyer.name, buyer.phone, where.district_code, where.detail),
        "name": {"mask": buyer.name[0] + "*", "cipher": _sealed(world, "name", buyer.name)},
        "phone": {"mask": f"{buyer.phone[:3]}****{buyer.phone[-4:]}", "cipher": _sealed(world, "phone", buyer.phone)},
        "detail": {"mask": f"{where.detail[:2]}****", "cipher": _sealed(world, "detail", where.detail)},
        "province": where.province,
        "city": where.city,
        "district": where.district,
        "region": where.district_code,
    }


def _sealed(world: World, *parts: str) -> str:
    """Equal for equal texts; nobody turns it back."""
    digest = hmac.new(f"toy:{world.seed}".encode(), "\n".join(parts).encode(), hashlib.sha256).digest()
    return "~" + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _seconds(at: float | None) -> int | None:
    return None if at is None else int(at)


HANDLERS: Mapping[str, Callable[[World, Shop, Any], dict[str, Any]]] = {
    "orders.list": changed,
    "orders.get": detail,
    "orders.ship": ship,
    "orders.memo": write_memo,
    "carriers.list": carriers,
}
