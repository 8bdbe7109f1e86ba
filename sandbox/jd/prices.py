"""Prices: of a SKU for buyers, struck through and cost of a ware. Yuan with at most two decimals, number or text."""

from dataclasses import replace

from . import errors
from .call import Call, Members, Method
from .wares import failure

HIGHEST = 99_999_999_00


def set_jd_price(call: Call) -> Members:
    """jingdong.price.write.updateSkuJdPrice"""
    sku = call.world.sku(call.shop, call.params.required("skuId"))
    call.world.set_price(call.shop, sku, replace(sku.price, sale=_fen(call, "jdPrice")))
    return {"success": True}


def set_market_price(call: Call) -> Members:
    """jingdong.price.write.updateWareMarketPrice: of all SKUs of the ware."""
    item = call.world.item(call.shop, call.params.required("wareId"))
    price = _fen(call, "marketPrice")
    for sku in item.skus.values():
        call.world.set_price(call.shop, sku, replace(sku.price, market=price))
    return {"success": True}


def set_cost_price(call: Call) -> Members:
    """jingdong.price.write.updateWareCostPrice: seen by the seller only."""
    item = call.world.item(call.shop, call.params.required("wareId"))
    call.ledger.costs[call.shop.shop_id, item.item_id] = _fen(call, "costPrice")
    call.world.touch_item(call.shop, item)
    return {"success": True}


def _fen(call: Call, name: str) -> int:
    whole, _, part = call.params.required(name).partition(".")
    if not (whole.isascii() and whole.isdigit()) or len(part) > 2 or not (part == "" or part.isdigit()):
        raise errors.invalid(name)
    fen = int(whole) * 100 + int(part.ljust(2, "0"))
    if not 0 < fen <= HIGHEST:
        raise errors.of_world("bad_price")
    return fen


METHODS = {
    "jingdong.price.write.updateSkuJdPrice": Method(set_jd_price, failure),
    "jingdong.price.write.updateWareMarketPrice": Method(set_market_price, failure),
    "jingdong.price.write.updateWareCostPrice": Method(set_cost_price, failure),
}
