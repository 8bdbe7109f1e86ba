"""A world item as the platform shows it: item and SKU objects with every field the sandbox knows; callers select.

Prices are yuan texts, quantities count pieces of unpaid orders where the shop deducts at payment (`stock_rules.py`).
"""

from typing import Any

from ..model import Item, Shop, Sku
from ..world import World
from .stock_rules import quantity, sub_stock, total, withheld
from .values import when, yuan

PICTURE = "https://img.example.com/i{}.jpg"
CATEGORY = 50000671
_PROPERTIES = {"颜色": ("1627207", "颜色分类"), "尺码": ("20509", "尺码")}
_VALUES = {"红色": "28326", "蓝色": "28338", "黑色": "28341", "XL": "28317"}
_ALIASES = {"红色": "酒红"}
WEEK = 7 * 86_400


def has_skus(item: Item) -> bool:
    """False for an item whose one SKU carries its own id: stock and price are on the item, no SKU is shown."""
    return list(item.skus) != [item.item_id]


def properties(sku: Sku) -> str:
    """`pid:vid;pid:vid`"""
    return ";".join(f"{_PROPERTIES[name][0]}:{_VALUES[value]}" for name, value in sku.spec)


def properties_name(sku: Sku) -> str:
    """`pid:vid:pname:vname;…`, in names `:` as #cln# and `;` as #scln#."""
    return ";".join(
        f"{_PROPERTIES[name][0]}:{_VALUES[value]}:{_escaped(_PROPERTIES[name][1])}:{_escaped(value)}"
        for name, value in sku.spec
    )


def _escaped(name: str) -> str:
    return name.replace(":", "#cln#").replace(";", "#scln#")


def on_sale(world: World, shop: Shop, item: Item) -> bool:
    """What buyers can find: on the shelf with stock. An item sold out lies in the warehouse until stock comes."""
    return item.on_shelf and not item.deleted and item.review == "passed" and total(world, shop, item) > 0


def price_of(item: Item) -> int:
    """The item's own price, fen."""
    return item.price if item.price is not None else next(iter(item.skus.values())).price.sale


def item_fields(world: World, shop: Shop, item: Item) -> dict[str, Any]:
    """Every field of an item under its wire name; `sku`, `item_img`, `prop_img` and `video` are asked for singular
    and come as their lists."""
    listed = item.listed or item.created
    number = abs(int(item.item_id)) % 1000
    fields: dict[str, Any] = {
        "num_iid": int(item.item_id),
        "iid": item.item_id,
        "title": item.title,
        "nick": shop.name,
        "type": "fixed",
        "cid": CATEGORY,
        "seller_cids": "",
        "props": ";".join(dict.fromkeys(part for sku in item.skus.values() for part in properties(sku).split(";"))),
        "props_name": ";".join(
            dict.fromkeys(part for sku in item.skus.values() for part in properties_name(sku).split(";"))
        ),
        "property_alias": _aliases(item) if has_skus(item) else "",
        "pic_url": PICTURE.format(number),
        "detail_url": f"https://item.example.com/item.htm?id={item.item_id}",
        "num": total(world, shop, item),
        "valid_thru": 7,
        "list_time": when(listed),
        "delist_time": when(item.delisted or listed + WEEK),
        "price": yuan(price_of(item)),
        "has_discount": False,
        "has_invoice": True,
        "has_warranty": False,
        "has_showcase": False,
        "created": when(item.created),
        "modified": when(item.updated),
        "postage_id": 0,
        "outer_id": item.code,
        "barcode": "",
        "sold_quantity": sum(sku.sold_since for sku in item.skus.values()),
        "approve_status": "onsale" if on_sale(world, shop, item) else "instock",
        "sub_stock": sub_stock(world, shop),
        "with_hold_quantity": sum(withheld(world, shop, sku) for sku in item.skus.values()),
        "item_img": {"item_imgs": {"item_img": [{"id": 0, "position": 0, "url": PICTURE.format(number)}]}},
        "video": {},
        "prop_img": {},
        "sku": {},
    }
    if has_skus(item):
        rows = [sku_fields(world, shop, item, sku, of_item=True) for sku in item.skus.values()]
        fields["sku"] = {"skus": {"sku": rows}}
        fields["prop_img"] = {"prop_imgs": {"prop_img": _pictures(item)}}
    return fields


def _aliases(item: Item) -> str:
    found = {
        f"{_PROPERTIES[name][0]}:{_VALUES[value]}:{_ALIASES[value]}": None
        for sku in item.skus.values()
        for name, value in sku.spec
        if value in _ALIASES
    }
    return ";".join(found)


def _pictures(item: Item) -> list[dict[str, Any]]:
    colours = dict.fromkeys(properties(sku).partition(";")[0] for sku in item.skus.values())
    return [
        {"id": n + 1, "position": n, "properties": colour, "url": PICTURE.format(f"-{n + 1}")}
        for n, colour in enumerate(colours)
    ]


def sku_fields(world: World, shop: Shop, item: Item, sku: Sku, *, of_item: bool = False) -> dict[str, Any]:
    """Every field of a SKU; inside an item the platform leaves the item's id out (`of_item`)."""
    fields = {
        "sku_id": int(sku.sku_id),
        "outer_id": sku.code,
        "properties": properties(sku),
        "properties_name": properties_name(sku),
        "price": yuan(sku.price.sale),
        "quantity": quantity(world, shop, sku),
        "with_hold_quantity": withheld(world, shop, sku),
        "barcode": f"69{int(sku.sku_id) % 10**11:011d}",
        "created": when(item.created),
        "modified": when(max(item.updated, sku.last_set.at)),
    }
    if of_item:
        return fields
    return fields | {
        "num_iid": int(item.item_id),
        "iid": item.item_id,
        "status": "delete" if item.deleted else "normal",
    }
