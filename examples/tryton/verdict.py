"""Pure: Tryton's books against what the simulated platforms say is true."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

OVER = "cancelled"


@dataclass
class Row:
    """One channel's line of the table."""

    orders: int = 0
    to_deliver: int = 0
    sales: int = 0
    missing: int = 0
    doubled: int = 0
    """Sold twice, or shipped twice on the channel."""
    wrong: int = 0
    """Sales whose goods are not the order's, or that were made for what nobody paid."""
    delivered: int = 0
    given_up: int = 0
    undone: int = 0
    """Orders that the channel and Tryton do not both call shipped, or both given up."""
    skus: int = 0
    stock_differs: int = 0


@dataclass
class Verdict:
    """All rows; `reasons` says in words what does not agree."""

    rows: dict[str, Row] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.reasons


Goods = Mapping[tuple[str, str], str]
"""(shop, channel's SKU) → SKU."""


def compare(
    truth: Mapping[str, Any], sales: Iterable[Mapping[str, Any]], free: Mapping[str, int], goods: Goods
) -> Verdict:
    """Each paid order is one sale of its goods, what was shipped was delivered, every shop shows what is free."""
    verdict = Verdict()
    by_order: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for sale in sales:
        by_order.setdefault((sale["shop"], sale["order"]), []).append(sale)
    for channel, facts in truth["channels"].items():
        row = verdict.rows.setdefault(channel, Row())
        for account, shop in facts["shops"].items():
            name = f"{channel}:{account}"
            for order_id, order in shop["orders"].items():
                found = by_order.pop((name, order_id), [])
                _order(row, verdict.reasons, f"{name} {order_id}", order, found, _owed(name, order, goods))
            _stock(row, verdict.reasons, name, shop["skus"], free, goods)
    verdict.reasons += [f"{shop} {order} is sold in Tryton only" for shop, order in by_order]
    return verdict


def _owed(shop: str, order: Mapping[str, Any], goods: Goods) -> Counter[str]:
    owed: Counter[str] = Counter()
    for line in order["lines"]:
        owed[goods.get((shop, line["sku_id"]), line["sku_id"])] += line["quantity"]
    return owed


def _order(
    row: Row,
    reasons: list[str],
    name: str,
    order: Mapping[str, Any],
    found: list[Mapping[str, Any]],
    owed: Counter[str],
) -> None:
    over = order["state"] == OVER or bool(order["split_into"])
    wanted = order["paid_at"] is not None and not over
    row.orders += 1
    row.to_deliver += wanted
    row.sales += len(found)
    if wanted and not found:
        row.missing += 1
        reasons.append(f"{name} is paid and not sold")
    if len(found) > 1 or order["ship_accepts"] > 1:
        row.doubled += 1
        reasons.append(f"{name} is sold {len(found)} times and was shipped {order['ship_accepts']} times")
    for sale in found:
        if order["paid_at"] is None or sale["ordered"] != dict(owed):
            row.wrong += 1
            reasons.append(f"{name}: {dict(owed)} was bought, {sale['ordered']} was sold")
        shipped = bool(order["packages"])
        delivered = {sku: n for sku, n in sale["delivered"].items() if n}
        row.delivered += bool(delivered)
        row.given_up += over and not delivered
        if shipped != bool(delivered) or sale["bound"] or (shipped and delivered != _left(order, owed, sale)):
            row.undone += 1
            reasons.append(f"{name} is {order['state']} with {len(order['packages'])} parcels; in Tryton {sale}")
        elif not shipped and not over:
            row.undone += 1
            reasons.append(f"{name} is {order['state']} and not shipped")


def _left(order: Mapping[str, Any], owed: Counter[str], sale: Mapping[str, Any]) -> dict[str, int]:
    """What was to be delivered: all, unless a line was refunded before."""
    refunded = any(refund["before_shipping"] and refund["state"] == "refunded" for refund in order["refunds"])
    return dict(sale["delivered"]) if refunded else dict(owed)


def _stock(
    row: Row, reasons: list[str], shop: str, skus: Mapping[str, Any], free: Mapping[str, int], goods: Goods
) -> None:
    for sku_id, sku in skus.items():
        row.skus += 1
        wanted = free.get(goods.get((shop, sku_id), ""))
        if sku["sellable"] != wanted:
            row.stock_differs += 1
            reasons.append(f"{shop} shows {sku['sellable']} of {sku_id}, in Tryton {wanted} are free")
