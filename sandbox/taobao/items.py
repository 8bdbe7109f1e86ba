"""Reading items and SKUs."""

from collections.abc import Callable
from typing import Any

from ..model import Item, Sku
from ..world import Refused
from . import errors
from .call import Api, Call
from .goods_wire import has_skus, item_fields, on_sale, sku_fields
from .stock_rules import total
from .values import listed

ONSALE_FIELDS = frozenset(
    [
        "approve_status",
        "num_iid",
        "title",
        "nick",
        "type",
        "cid",
        "pic_url",
        "num",
        "props",
        "valid_thru",
        "list_time",
        "price",
        "has_discount",
        "has_invoice",
        "has_warranty",
        "has_showcase",
        "modified",
        "delist_time",
        "postage_id",
        "seller_cids",
        "outer_id",
        "sold_quantity",
    ]
)
"""What the two list calls can tell; other names are ignored (inferred)."""
DEEPEST = 20_000
"""page_no x page_size; the documentation says 20,000 in one place and 100,000 in another."""
LAST_INVENTORY_PAGE = 101
_SORTS: dict[str, Callable[[Item], float]] = {
    "list_time": lambda item: item.listed or item.created,
    "delist_time": lambda item: item.delisted or item.listed or item.created,
    "modified": lambda item: item.updated,
    "num": lambda item: sum(sku.sellable for sku in item.skus.values()),
}


def suffixed(call: Call, sub_code: str) -> str:
    """Item errors of Tmall shops end in -tmall."""
    return f"{sub_code}-tmall" if call.is_tmall else sub_code


def tmall_only(call: Call) -> None:
    """Refuses calls of Taobao shops (code inferred)."""
    if not call.is_tmall:
        raise errors.business("isv.invalid-permission", "该接口仅支持天猫商家")


def item_of(call: Call, item_id: str) -> Item:
    """The shop's item; refused when unknown, another shop's, or deleted."""
    item = call.shop.items.get(item_id)
    if item is None:
        code = suffixed(call, "isv.item-not-exist:invalid-numIid-or-iid")
        raise errors.business(code, "商品id对应的商品不存在")
    if item.deleted:
        code = suffixed(call, "isv.item-is-delete:invalid-numIid-or-iid")
        raise errors.business(code, "商品id对应的商品已经被删除")
    return item


def onsale(call: Call) -> dict[str, Any]:
    """taobao.items.onsale.get"""
    page, size = call.params.integer("page_no", 1, low=1), call.params.integer("page_size", 40, low=1, high=200)
    if page * size > DEEPEST:
        raise errors.invalid("page_no")
    return _page(call, lambda item: on_sale(call.world, call.shop, item), page, size)


def inventory(call: Call) -> dict[str, Any]:
    """taobao.items.inventory.get: what lies in the warehouse; sold out and banned items only under their banners."""
    page = call.params.integer("page_no", 1, low=1, high=LAST_INVENTORY_PAGE)
    size = call.params.integer("page_size", 40, low=1, high=200)
    banner = call.params.text("banner", "for_shelved")
    wanted = _BANNERS.get(banner)
    if wanted is None:
        raise errors.invalid("banner")
    return _page(call, lambda item: _banner(call, item) in wanted, page, size)


_BANNERS = {
    "for_shelved": ("regular_shelved", "never_on_shelf", "off_shelf"),
    "regular_shelved": ("regular_shelved",),
    "never_on_shelf": ("never_on_shelf",),
    "off_shelf": ("off_shelf",),
    "sold_out": ("sold_out",),
    "violation_off_shelf": ("violation_off_shelf",),
}


def _banner(call: Call, item: Item) -> str:
    """Where in the warehouse an item lies; empty when it does not. Nothing here is ever shelved by a timer."""
    if item.deleted:
        return ""
    if item.review != "passed":
        return "violation_off_shelf"
    if not item.on_shelf:
        return "never_on_shelf" if item.delisted is None else "off_shelf"
    return "" if total(call.world, call.shop, item) else "sold_out"


def _page(call: Call, passes: Callable[[Item], bool], page: int, size: int) -> dict[str, Any]:
    params = call.params
    fields = _fields(call) & ONSALE_FIELDS
    found = [item for item in call.shop.items.values() if passes(item)]
    if "start_modified" in params or "end_modified" in params:
        start, end = params.instant("start_modified"), params.instant("end_modified")
        end = call.now if end is None else end
        found = [item for item in found if (start or 0) <= int(item.updated) <= end]
    if "q" in params:
        found = [item for item in found if params.text("q") in item.title]
    name, _, direction = params.text("order_by", "list_time:desc").partition(":")
    if name not in _SORTS or direction not in ("", "asc", "desc"):
        raise errors.invalid("order_by")
    found.sort(key=lambda item: (_SORTS[name](item), item.item_id), reverse=direction != "asc")
    rows = [_selected(item_fields(call.world, call.shop, item), fields) for item in found[(page - 1) * size :][:size]]
    return {"total_results": len(found), "items": listed("item", rows)}


def detail(call: Call) -> dict[str, Any]:
    """taobao.item.seller.get"""
    fields = _fields(call)
    item = item_of(call, call.params.required("num_iid"))
    return {"item": _selected(item_fields(call.world, call.shop, item), fields)}


def details(call: Call) -> dict[str, Any]:
    """taobao.items.seller.list.get: unknown, foreign and deleted items have no row."""
    fields = _fields(call)
    found = [call.shop.items.get(item_id) for item_id in call.params.words("num_iids", 20)]
    return _items(call, [item for item in found if item is not None and not item.deleted], fields)


def items_by_code(call: Call) -> dict[str, Any]:
    """taobao.items.custom.get"""
    fields = _fields(call)
    codes = call.params.words("outer_id", 40)
    return _items(call, [item for item in call.shop.items.values() if item.code in codes and not item.deleted], fields)


def _items(call: Call, found: list[Item], fields: frozenset[str]) -> dict[str, Any]:
    rows = [_selected(item_fields(call.world, call.shop, item), fields) for item in found]
    return {"items": listed("item", rows)}


def skus_of_items(call: Call) -> dict[str, Any]:
    """taobao.item.skus.get"""
    fields = _fields(call)
    found = [call.shop.items.get(item_id) for item_id in call.params.words("num_iids", 40)]
    items = [item for item in found if item is not None and not item.deleted and has_skus(item)]
    return _skus(call, [(item, sku) for item in items for sku in item.skus.values()], fields)


def one_sku(call: Call) -> dict[str, Any]:
    """taobao.item.sku.get: with `num_iid` only within that item."""
    fields = _fields(call)
    sku_id = call.params.required("sku_id")
    if "num_iid" in call.params:
        item_of(call, call.params.required("num_iid"))
    try:
        sku = call.world.sku(call.shop, sku_id)
    except Refused:
        sku = None
    item = call.shop.items[sku.item_id] if sku else None
    if sku is None or item is None or not has_skus(item) or call.params.text("num_iid", item.item_id) != item.item_id:
        raise errors.business("isv.invalid-parameter:sku_id", "SKU不存在")
    return {"sku": _selected(sku_fields(call.world, call.shop, item, sku), fields)}


def skus_by_code(call: Call) -> dict[str, Any]:
    """taobao.skus.custom.get: all SKUs with the code; items without SKUs are not found by it."""
    fields = _fields(call)
    code = call.params.required("outer_id")
    found = [(call.shop.items[sku.item_id], sku) for sku in call.world.skus_by_code(call.shop, code)]
    return _skus(call, [(item, sku) for item, sku in found if has_skus(item) and not item.deleted], fields)


def _skus(call: Call, found: list[tuple[Item, Sku]], fields: frozenset[str]) -> dict[str, Any]:
    rows = [_selected(sku_fields(call.world, call.shop, item, sku), fields) for item, sku in found]
    return {"skus": listed("sku", rows)}


def _fields(call: Call) -> frozenset[str]:
    return frozenset(call.params.words("fields"))


def _selected(whole: dict[str, Any], fields: frozenset[str]) -> dict[str, Any]:
    """The fields asked for. A field whose value is an object comes as that object's own lists."""
    row: dict[str, Any] = {}
    for name, value in whole.items():
        if name in fields:
            row |= value if isinstance(value, dict) else {name: value}
    return row


METHODS = {
    "taobao.items.onsale.get": Api(onsale),
    "taobao.items.inventory.get": Api(inventory),
    "taobao.item.seller.get": Api(detail),
    "taobao.items.seller.list.get": Api(details),
    "taobao.items.custom.get": Api(items_by_code),
    "taobao.item.skus.get": Api(skus_of_items),
    "taobao.item.sku.get": Api(one_sku),
    "taobao.skus.custom.get": Api(skus_by_code),
}
