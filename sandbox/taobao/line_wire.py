"""The lines of a trade: a table of field names and how to read them. None leaves a field out."""

from collections.abc import Callable
from typing import Any

from ..model import Line, Order, Package
from . import states
from .carriers import name_of
from .parts import components
from .trade_view import TradeLine, estimate, send_time, ship_by
from .values import when, when_known, yuan

PICTURE = "https://img.example.com/i1.jpg"


def _discount_part(line: TradeLine) -> str | None:
    return yuan(line.money.part) if line.money.part else None


def _divided(line: TradeLine) -> str | None:
    """Known once the order is paid (COD: confirmed)."""
    return yuan(line.money.divided) if line.order.paid is not None else None


def _gifts(line: TradeLine) -> str | None:
    """Of a gift the line it comes with, of that line the gifts."""
    others = [each for each in line.order.lines if each.gift != line.line.gift]
    if not others or (not line.line.gift and line.line is not _first_paid_line(line.order)):
        return None
    return ",".join(each.line_id for each in (others[:1] if line.line.gift else others))


def _first_paid_line(order: Order) -> Line:
    return next(each for each in order.lines if not each.gift)


def _bound(line: TradeLine) -> str | None:
    if line.order.shown.get("bind") != "1":
        return None
    return ",".join(each.line_id for each in line.order.lines if each is not line.line) or None


def _estimated(line: TradeLine) -> str:
    """Of presales; empty otherwise."""
    at = send_time(line.trade)
    return "" if at is None else estimate(at)


def _fixed(value: Any) -> Callable[[TradeLine], Any]:
    return lambda _: value


def _shipped(line: TradeLine, read: Callable[[Package], Any]) -> Any:
    return read(line.package) if line.package else None


LINE: dict[str, Callable[[TradeLine], Any]] = {
    "oid": lambda line: int(line.line.line_id),
    "oid_str": lambda line: line.line.line_id,
    "status": lambda line: line.status,
    "refund_status": lambda line: states.refund_status(line.refund) if line.refund else "NO_REFUND",
    "refund_id": lambda line: line.refund.refund_id if line.refund else None,
    "title": lambda line: line.line.title,
    "num_iid": lambda line: int(line.line.item_id),
    "outer_iid": lambda line: line.line.item_code,
    "sku_id": lambda line: line.line.sku_id if line.line.sku_id != line.line.item_id else None,
    "outer_sku_id": lambda line: line.line.code if line.line.sku_id != line.line.item_id else None,
    "sku_properties_name": lambda line: ";".join(f"{name}:{value}" for name, value in line.line.spec) or None,
    "num": lambda line: line.line.quantity,
    "price": lambda line: yuan(line.line.price),
    "total_fee": lambda line: yuan(line.money.total),
    "discount_fee": lambda line: yuan(line.money.discount),
    "adjust_fee": lambda line: yuan(line.money.adjust),
    "payment": lambda line: yuan(line.trade.money.line_payment(line.order, line.line)),
    "divide_order_fee": _divided,
    "part_mjz_discount": _discount_part,
    "cid": _fixed(50000671),
    "seller_type": lambda line: "B" if line.trade.shop.kind == "tmall" else "C",
    "order_from": _fixed("WAP,WAP"),
    "is_oversold": lambda line: line.order.stock_out,
    "is_daixiao": _fixed(False),
    "is_service_order": _fixed(False),
    "buyer_rate": _fixed(False),
    "seller_rate": _fixed(False),
    "pic_path": _fixed(PICTURE),
    "snapshot_url": lambda line: f"t:{line.line.line_id}_1",
    "has_gift": lambda line: True if not line.line.gift and _gifts(line) else None,
    "is_free_gift": lambda line: True if line.line.gift else None,
    "gift_mids": _gifts,
    "need_return": lambda line: True if line.line.gift else None,
    "bind_oids": _bound,
    "promise_collect_time": lambda line: ship_by(line.trade, 1) if line.trade.shop.kind == "tmall" else None,
    "estimate_con_time": _estimated,
    "logistics_company": lambda line: _shipped(line, lambda package: name_of(package.carrier)),
    "invoice_no": lambda line: _shipped(line, lambda package: package.tracking_no),
    "consign_time": lambda line: _shipped(line, lambda package: when(package.at)),
    "shipping_type": lambda line: _shipped(line, lambda _: "express"),
    "end_time": lambda line: when_known(line.trade.ended),
    "modify_address": lambda line: "1" if line.trade.moved else None,
    "combine_item_info": lambda line: components(line.trade.shop, line.order, line.line, line.money.divided),
}
