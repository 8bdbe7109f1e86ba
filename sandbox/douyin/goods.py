"""`product.*` and the SKU calls that are not about stock: lists, details, shelf, merchant code, price."""

import base64
from typing import Any

from ..ground import Refused as WorldRefused
from ..model import Item, Price, Sku
from . import errors, goods_wire
from .call import Call, Handler
from .params import Params

DEEPEST_ROW = 10_000


def find_item(call: Call, params: Params, unknown: errors.Refused, absent: errors.Refused) -> Item:
    """The item by `product_id`; nobody here has a numeric outer id, so `out_product_id` finds nothing."""
    item_id = params.text("product_id")
    if not item_id or item_id == "0":
        raise absent if not params.integer("out_product_id", 0) else unknown
    if item_id not in call.shop.items:
        raise unknown
    return call.shop.items[item_id]


def find_sku(call: Call, item: Item | None, params: Params, unknown: errors.Refused) -> Sku:
    """The SKU by `sku_id`, else the first one with the merchant `code` (codes repeat)."""
    sku_id = params.text("sku_id")
    skus = [sku for each in ([item] if item else call.shop.items.values()) for sku in each.skus.values()]
    if sku_id and sku_id != "0":
        found = [sku for sku in skus if sku.sku_id == sku_id]
    else:
        code = params.text("code")
        found = [sku for sku in skus if code and sku.code == code]
    if not found:
        raise unknown
    return found[0]


def list_items(call: Call) -> dict[str, Any]:
    """`product.listV2`: pages from 1, time bounds exclusive; with `use_cursor` until an empty page."""
    params = call.params.numbered(2010004)
    page, size = params.integer("page", 1), params.integer("size", 10)
    if page < 1 or not 1 <= size <= 100:
        raise errors.invalid(2010004, "page从1开始，size为1到100")
    found = sorted(
        (item for item in call.shop.items.values() if _fits(item, params)), key=lambda item: int(item.item_id)
    )
    cursor = ""
    if params.flag("use_cursor"):
        after = _read_cursor(params)
        rows = [item for item in found if int(item.item_id) > after][:size]
        cursor = base64.b64encode((rows[-1].item_id if rows else str(after)).encode()).decode()
    else:
        if page * size > DEEPEST_ROW:
            raise errors.invalid(2010004, "page*size最大支持10000")
        rows = found[(page - 1) * size : page * size]
    data: dict[str, Any] = {
        "data": [goods_wire.row(item) for item in rows],
        "page": page,
        "size": size,
        "total": len(found),
    }
    return data | {"cursor_id": cursor} if cursor else data


def _read_cursor(params: Params) -> int:
    cursor = params.text("cursor_id")
    try:
        return int(base64.b64decode(cursor, validate=True)) if cursor else 0
    except ValueError:
        raise params.invalid("cursor_id") from None


def _fits(item: Item, params: Params) -> bool:
    status, check = params.optional_integer("status"), params.optional_integer("check_status")
    wanted, codes = params.texts("product_id"), params.texts("sku_codes")
    return (
        (not item.deleted or status == 2)
        and status in (None, goods_wire.item_status(item))
        and check in (None, goods_wire.CHECK[item.review])
        and (not wanted or item.item_id in wanted)
        and (not codes or any(sku.code in codes for sku in item.skus.values()))
        and params.text("name") in item.title
        and _within(item.created, params, "start_time", "end_time")
        and _within(item.updated, params, "update_start_time", "update_end_time")
    )


def _within(at: float, params: Params, after: str, before: str) -> bool:
    """Both bounds exclusive, in whole seconds."""
    low, high = params.optional_integer(after), params.optional_integer(before)
    return (low is None or int(at) > low) and (high is None or int(at) < high)


def detail(call: Call) -> dict[str, Any]:
    """`product.detail`."""
    params = call.params.numbered(2010004)
    gone = errors.invalid(2010058, "商品不存在")
    item = find_item(call, params, gone, errors.failed(2010004, "product_id和out_product_id不能同时为空"))
    if item.deleted:
        raise errors.invalid(4, "商品已被删除")
    return goods_wire.detail(item, call.memory.regions)


def sku_list(call: Call) -> list[dict[str, Any]]:
    """`sku.list`: an array."""
    foreign = errors.invalid(4, "该商品不属于当前店铺")
    item = find_item(call, call.params.numbered(3), foreign, errors.missing(3, "product_id和out_product_id必填其一"))
    return [goods_wire.sku_row(item, sku, call.memory.regions.get(sku.sku_id)) for sku in item.skus.values()]


def sku_detail(call: Call) -> dict[str, Any]:
    """`sku.detail` by `sku_id` or `code`: one entry as in `sku.list` (shape inferred)."""
    sku = find_sku(call, None, call.params.numbered(5), errors.invalid(5, "sku不存在"))
    return goods_wire.sku_row(call.shop.items[sku.item_id], sku, call.memory.regions.get(sku.sku_id))


def set_online(call: Call) -> dict[str, Any]:
    """`product.setOnline`."""
    return _shelf(call, True)


def set_offline(call: Call) -> dict[str, Any]:
    """`product.setOffline`."""
    return _shelf(call, False)


def _shelf(call: Call, on_shelf: bool) -> dict[str, Any]:
    gone = errors.failed(2010064, "商品不存在")
    item = find_item(call, call.params.numbered(20024), gone, errors.invalid(20024, "product_id不能为空"))
    if item.deleted:
        raise errors.invalid(2010022, "商品状态不合法")
    if item.promoted:
        raise errors.failed(2010045, "商品正在参加平台活动")
    try:
        changed = call.world.set_shelf(call.shop, item, on_shelf)
    except WorldRefused as refused:
        raise errors.failed(2010041, "商品未通过审核，请使用product.editV2重新提交") from refused
    if not changed:
        raise errors.invalid(2010021, "商品已上架" if on_shelf else "商品已下架")
    return {}


def edit_code(call: Call) -> dict[str, Any]:
    """`sku.editCode`: sets the merchant code of one SKU."""
    params = call.params.numbered(4)
    if "code" not in params:
        raise errors.missing(4, "code不能为空")
    item, sku = _editable(call, params)
    sku.code = params.text("code")
    call.world.touch_item(call.shop, item)
    return {}


def edit_price(call: Call) -> dict[str, Any]:
    """`sku.editPrice`: fen, at once. The struck-through price stays."""
    params = call.params.numbered(4)
    price = params.required_integer("price")
    item, sku = _editable(call, params)
    if price <= 0:
        raise errors.invalid(4, "价格必须大于0")
    if item.review == "pending":
        raise errors.failed(2010041, "商品审核中，不允许编辑")
    call.world.set_price(call.shop, sku, Price(price, price, max(price, sku.price.market)))
    return {}


def _editable(call: Call, params: Params) -> tuple[Item, Sku]:
    absent = errors.missing(4, "product_id不能为空")
    item = find_item(call, params, errors.invalid(7, "商品不存在或已删除"), absent)
    if item.deleted:
        raise errors.invalid(7, "商品已删除")
    return item, find_sku(call, item, params, errors.invalid(5, "sku不存在"))


APIS: dict[str, Handler] = {
    "product.listV2": list_items,
    "product.detail": detail,
    "product.setOnline": set_online,
    "product.setOffline": set_offline,
    "sku.list": sku_list,
    "sku.detail": sku_detail,
    "sku.editCode": edit_code,
    "sku.editPrice": edit_price,
}
