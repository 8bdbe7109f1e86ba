"""The toy's items, their stock and prices."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sandbox.model import Item, Shop, Sku
from sandbox.world import Refused, World

LONGEST_PAGE = 50
LONGEST_BATCH = 10


def listed(_: World, shop: Shop, params: Any) -> dict[str, Any]:
    """Every item that is not deleted, in the order of making."""
    size, items = params["size"], [item for item in shop.items.values() if not item.deleted]
    if not 1 <= size <= LONGEST_PAGE or params["page"] < 1:
        raise Refused("bad_argument", "a page is at most 50")
    start = (params["page"] - 1) * size
    return {"items": [_show(item) for item in items[start : start + size]], "total": len(items)}


def detail(_: World, shop: Shop, params: Any) -> dict[str, Any]:
    return _show(_item(shop, params))


def levels(_: World, shop: Shop, params: Any) -> dict[str, Any]:
    rows = []
    for row in params["rows"]:
        try:
            sku = _sku(shop, row)
        except Refused:
            continue
        rows.append({"item": row["item"], "sku": row["sku"], "sellable": sku.sellable, "held": sku.held})
    return {"rows": rows}


def set_stock(world: World, shop: Shop, params: Any) -> dict[str, Any]:
    """Row by row: one that is refused stops no other."""
    if not 1 <= len(params["rows"]) <= LONGEST_BATCH:
        raise Refused("bad_argument", "one to ten rows")
    return {"rows": [_set_row(world, shop, row) for row in params["rows"]]}


def _set_row(world: World, shop: Shop, row: Any) -> dict[str, str]:
    if world.faults.take("partial_failure", "toy", "stock.set", shop.shop_id):
        return {"error": "busy", "text": "this row was not written"}
    try:
        world.set_stock(shop, _sku(shop, row), int(row["quantity"]))
    except Refused as refused:
        return {"error": refused.reason, "text": str(refused)}
    return {}


def set_price(world: World, shop: Shop, params: Any) -> dict[str, Any]:
    sku = _sku(shop, params)
    world.set_price(shop, sku, replace(sku.price, sale=int(params["sale"])))
    return {}


def _item(shop: Shop, params: Any) -> Item:
    item = shop.items.get(params["item"])
    if item is None or item.deleted:
        raise Refused("unknown_item", "no such item")
    return item


def _sku(shop: Shop, params: Any) -> Sku:
    sku = _item(shop, params).skus.get(params["sku"])
    if sku is None:
        raise Refused("unknown_sku", "the item has no such SKU")
    return sku


def _show(item: Item) -> dict[str, Any]:
    return {
        "id": item.item_id,
        "code": item.code,
        "title": item.title,
        "shelf": "on" if item.on_shelf else "off",
        "created": int(item.created),
        "updated": int(item.updated),
        "skus": [
            {
                "id": sku.sku_id,
                "code": sku.code,
                "spec": ",".join(value for _, value in sku.spec),
                "sellable": sku.sellable,
                "held": sku.held,
                "sale": sku.price.sale,
                "market": sku.price.market,
            }
            for sku in item.skus.values()
        ],
    }


HANDLERS: Mapping[str, Callable[[World, Shop, Any], dict[str, Any]]] = {
    "items.list": listed,
    "items.get": detail,
    "stock.get": levels,
    "stock.set": set_stock,
    "prices.set": set_price,
}
