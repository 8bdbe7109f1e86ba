"""Rows inside a trade that are not goods of their own: the components of a bundle, services sold along."""

from typing import Any

from ..model import Line, Order, Shop
from .values import yuan


def components(shop: Shop, order: Order, line: Line, paid: int) -> dict[str, Any] | None:
    """`combine_item_info` of a bundle: two other SKUs of the shop, one of the first and two of the second, which
    share what is paid for the line. The list's name is letter-split as documented types of that kind are."""
    if order.variant != "bundle" or line.gift:
        return None
    others = [item for item in shop.items.values() if item.item_id != line.item_id and not item.deleted]
    first, second = others[int(order.created) % len(others)], others[(int(order.created) + 1) % len(others)]
    shares = (paid // 2, paid - paid // 2)
    rows = []
    for item, pieces, share, main in ((first, 1, shares[0], True), (second, 2, shares[1], False)):
        sku = next(iter(item.skus.values()))
        rows.append(
            {
                "item_id": int(item.item_id),
                "sku_id": int(sku.sku_id) if sku.sku_id != item.item_id else None,
                "quantity": pieces * line.quantity,
                "outer_iid": item.code,
                "outer_sku_id": sku.code,
                "origin_fee": yuan(sku.price.sale),
                "combine_sub_item_fee": yuan(share),
                "ismain": main,
            }
        )
    return {"combine_sub_item_d_o": rows}


def service_lines(order: Order) -> dict[str, Any] | None:
    """`service_orders`: an installation that costs nothing extra; `item_oid` is the goods line."""
    if order.variant != "service":
        return None
    line = order.lines[0]
    row = {
        "oid": int(line.line_id) + 500,
        "item_oid": int(line.line_id),
        "service_id": 9001,
        "title": "上门安装",
        "num": 1,
        "price": "0.00",
        "total_fee": "0.00",
        "payment": "0.00",
    }
    return {"service_order": [row]}
