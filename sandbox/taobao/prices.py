"""Writing prices: of items and SKUs on Tmall, of one SKU by its properties. Yuan with at most two decimals."""

import re
from typing import Any

from ..model import Item, Price
from . import errors
from .call import Api, Call
from .goods_wire import has_skus, price_of
from .items import item_of, suffixed, tmall_only
from .params import Params
from .stock import LIMIT, addressed, by_properties, set_total
from .values import when

_YUAN = re.compile(r"(\d{1,9})(?:\.(\d{1,2}))?")
HIGHEST = 100_000_000_00
"""Fen."""


def update_tmall(call: Call) -> dict[str, Any]:
    """tmall.item.price.update: the item's price, its SKUs' or both. An item price that is given must lie within the
    SKUs' range; one that is not follows them (inferred)."""
    tmall_only(call)
    params = call.params
    item = item_of(call, params.required("item_id"))
    if "options" in params:
        params.object("options")
    rows = params.objects("sku_prices", LIMIT) if "sku_prices" in params else []
    wanted = {sku.sku_id: _fen(call, row, "price") for row in rows for sku in addressed(call, item, rows, row)}
    own = _fen(call, params, "item_price") if "item_price" in params else None
    if own is None and not wanted:
        raise errors.missing("item_price")
    if own is not None and not has_skus(item):
        wanted = {item.item_id: own}
    low, high = _range(item, wanted)
    if own is None:
        own = min(max(price_of(item), low), high)
    _apply(call, item, wanted, own)
    return {"price_update_result": item.item_id}


def update_sku(call: Call) -> dict[str, Any]:
    """taobao.item.sku.price.update: one SKU, named by its properties. Where the item's price would be outside the
    range of its SKUs' prices, `item_price` must move it inside, else the call fails (sub_code inferred)."""
    params = call.params
    item = item_of(call, params.required("num_iid"))
    sku = by_properties(call, item, params.required("properties"))
    wanted = {sku.sku_id: _fen(call, params, "price")}
    own = _fen(call, params, "item_price") if "item_price" in params else price_of(item)
    total = params.integer("quantity", low=0) if "quantity" in params else None
    _apply(call, item, wanted, own)
    if total is not None:
        set_total(call, item, sku, total)
    if "outer_id" in params:
        sku.code = params.required("outer_id")
    return {
        "sku": {
            "iid": item.item_id,
            "num_iid": int(item.item_id),
            "sku_id": int(sku.sku_id),
            "modified": when(item.updated),
        }
    }


def _range(item: Item, wanted: dict[str, int]) -> tuple[int, int]:
    prices = [wanted.get(sku.sku_id, sku.price.sale) for sku in item.skus.values()]
    return min(prices), max(prices)


def _apply(call: Call, item: Item, wanted: dict[str, int], own: int) -> None:
    low, high = _range(item, wanted)
    if not low <= own <= high:
        raise _refused(call, "商品价格必须在SKU价格区间内")
    item.price = own
    for sku_id, fen in wanted.items():
        old = item.skus[sku_id].price
        price = Price(fen, max(fen, old.single), max(fen, old.market))
        call.world.set_price(call.shop, item.skus[sku_id], price)
    if not wanted:
        call.world.touch_item(call.shop, item)


def _fen(call: Call, params: Params, name: str) -> int:
    match = _YUAN.fullmatch(params.required(name))
    fen = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else -1
    if not 0 < fen <= HIGHEST:
        raise _refused(call, "价格不合法")
    return fen


def _refused(call: Call, text: str) -> errors.TopError:
    """Price errors are not published; this one is inferred."""
    return errors.business(suffixed(call, "isv.invalid-parameter:price"), text)


METHODS = {
    "tmall.item.price.update": Api(update_tmall),
    "taobao.item.sku.price.update": Api(update_sku),
}
