"""Putting items on and off sale."""

from typing import Any

from ..model import Item
from . import errors
from .call import Api, Call
from .goods_wire import has_skus
from .items import item_of, suffixed, tmall_only
from .stock import set_total
from .stock_rules import total
from .values import when

LARGEST_LISTING = 1_000_000
"""Pieces a plain item may be put on sale with (the refusal is known, the number is made up)."""


def put_on_sale(call: Call) -> dict[str, Any]:
    """taobao.item.update.listing[.tmall]: `num` is the stock of an item without SKUs; else the SKUs' own counts, and
    without any there is nothing to sell (inferred)."""
    item = item_of(call, call.params.required("num_iid"))
    number = call.params.integer("num", low=1)
    if item.review != "passed":
        raise _refusal(call, "ITEM_ILLEGAL", "商品违规，不能上架")
    if not has_skus(item):
        if number > LARGEST_LISTING:
            raise _refusal(call, "QUANTITY_ITEM_CAT_TOO_LARGE", "商品数量过大")
        if number != total(call.world, call.shop, item):
            set_total(call, item, next(iter(item.skus.values())), number)
    elif not total(call.world, call.shop, item):
        raise _refusal(call, "QUANTITY_ZERO", "商品没有库存，不能上架")
    call.world.set_shelf(call.shop, item, True)
    return _shelved(item)


def take_off_sale(call: Call) -> dict[str, Any]:
    """taobao.item.update.delisting[.tmall]: an item off sale stays so."""
    item = item_of(call, call.params.required("num_iid"))
    call.world.set_shelf(call.shop, item, False)
    return _shelved(item)


def tmall_put_on_sale(call: Call) -> dict[str, Any]:
    """The Tmall variant."""
    tmall_only(call)
    return put_on_sale(call)


def tmall_take_off_sale(call: Call) -> dict[str, Any]:
    """The Tmall variant."""
    tmall_only(call)
    return take_off_sale(call)


def _refusal(call: Call, word: str, text: str) -> errors.TopError:
    return errors.business(suffixed(call, f"isv.item-listing-service-error:{word}"), text)


def _shelved(item: Item) -> dict[str, Any]:
    return {"item": {"num_iid": int(item.item_id), "iid": item.item_id, "modified": when(item.updated)}}


METHODS = {
    "taobao.item.update.listing": Api(put_on_sale),
    "taobao.item.update.delisting": Api(take_off_sale),
    "taobao.item.update.listing.tmall": Api(tmall_put_on_sale),
    "taobao.item.update.delisting.tmall": Api(tmall_take_off_sale),
}
