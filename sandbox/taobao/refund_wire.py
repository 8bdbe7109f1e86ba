"""A refund as the platform tells it: one table, field name -> how to read it. None leaves a field out."""

from collections.abc import Callable
from typing import Any

from ..model import Line, Order, Refund, RefundKind, Shop
from ..world import World
from . import oaid, states
from .carriers import name_of
from .trade_view import Trade
from .trade_wire import alipay_no
from .values import when, when_known, yuan

RETURN_ADDRESS = "王五， 13900000000， 浙江省 杭州市 余杭区 示例路2号， 000000"


class RefundView:
    """A refund with its trade and line."""

    def __init__(self, world: World, shop: Shop, order: Order, refund: Refund) -> None:
        self.shop, self.order, self.refund, self.world = shop, order, refund, world
        self.line = order.line(refund.line_id)
        self.trade = Trade(world, shop, order)

    @property
    def money(self) -> int:
        """What the buyer paid for the line and may get back."""
        return self.trade.money.lines[self.line.line_id].divided


def version(refund: Refund) -> int:
    """`refund_version`: a stamp that every change of the refund moves."""
    return int(refund.updated * 1000) + refund.revision


def constraint(order: Order, refund: Refund) -> str | None:
    """`operation_contraint`: goods that were never sent cannot be kept from their buyer's money."""
    return "cannot_refuse" if not order.line(refund.line_id).shipped else None


def _sku(line: Line) -> str | None:
    """`sku id|name:value;…`; none for an item without SKUs."""
    if line.sku_id == line.item_id:
        return None
    return f"{line.sku_id}|" + ";".join(f"{name}:{value}" for name, value in line.spec)


def _good_status(view: RefundView) -> str:
    if view.refund.parcel_back or view.refund.registered:
        return "BUYER_RETURNED_GOODS"
    return "BUYER_RECEIVED" if view.order.received is not None else "BUYER_NOT_RECEIVED"


def _returned_at(view: RefundView) -> str | None:
    """Told while the goods are back and nothing happened since (the world keeps no other record)."""
    return when(view.refund.updated) if view.refund.parcel_back else None


def _timeout(view: RefundView) -> dict[str, Any]:
    deadline = view.refund.deadline
    if deadline is None:
        return {"exist_timeout": False}
    return {"exist_timeout": True, "remind_type": 1, "timeout": when(deadline)}


REFUND: dict[str, Callable[[RefundView], Any]] = {
    "refund_id": lambda view: view.refund.refund_id,
    "tid": lambda view: int(view.order.order_id),
    "oid": lambda view: int(view.line.line_id),
    "status": lambda view: states.refund_status(view.refund),
    "created": lambda view: when(view.refund.created),
    "modified": lambda view: when(view.refund.updated),
    "order_status": lambda view: states.line_status(view.order, view.line),
    "refund_fee": lambda view: yuan(view.refund.amount),
    "good_status": _good_status,
    "has_good_return": lambda view: view.refund.kind in (RefundKind.RETURN, RefundKind.EXCHANGE, RefundKind.REPAIR),
    "refund_phase": lambda view: states.phase(view.order, view.refund),
    "refund_version": lambda view: version(view.refund),
    "dispute_type": lambda view: states.dispute_type(view.refund, tmall=view.shop.kind == "tmall"),
    "operation_contraint": lambda view: constraint(view.order, view.refund),
    "sku": lambda view: _sku(view.line),
    "outer_id": lambda view: view.line.code,
    "alipay_no": lambda view: alipay_no(view.trade),
    "buyer_nick": lambda view: oaid.masked_nick(view.order.buyer.buyer_id),
    "buyer_open_uid": lambda view: oaid.open_uid(view.world, view.order.buyer.buyer_id),
    "seller_nick": lambda view: view.shop.name,
    "num_iid": lambda view: int(view.line.item_id),
    "title": lambda view: view.line.title,
    "price": lambda view: yuan(view.line.price),
    "num": lambda view: view.refund.quantity,
    "total_fee": lambda view: yuan(view.money + view.refund.postage),
    "payment": lambda view: yuan(max(0, view.money + view.refund.postage - view.refund.amount)),
    "reason": lambda view: view.refund.reason,
    "desc": lambda view: view.refund.note,
    "shipping_type": lambda _: "express",
    "cs_status": lambda view: 2 if view.refund.state == "arbitration" else 1,
    "advance_status": lambda _: 0,
    "attribute": lambda _: "",
    "address": lambda view: RETURN_ADDRESS if view.refund.return_address_id else "",
    "company_name": lambda view: name_of(view.refund.parcel_back[0]) if view.refund.parcel_back else None,
    "sid": lambda view: view.refund.parcel_back[1] if view.refund.parcel_back else None,
    "good_return_time": _returned_at,
    "end_time": lambda view: when_known(view.refund.closed),
    "refund_remind_timeout": _timeout,
}
