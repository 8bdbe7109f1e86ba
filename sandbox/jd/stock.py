"""Stock. `stockNum` counts goods that orders have booked and nobody has sent yet; what buyers can still take is
`stockNum` less the bookings. So an absolute number below the bookings is refused, and every number written is turned
into what remains for sale (both inferred from JD's own formula canUsedNum = stock - bookings - locked).

One warehouse exists, `storeId` 0. An increment repeated under its `stockRfId` is answered as done and not applied
again (inferred), as long as `settings.idempotency_memory` lasts.
"""

from typing import Any

from ..ground import Refused as WorldRefused
from ..model import Sku
from . import errors, wares
from .call import Call, Members, Method
from .errors import Refusal
from .params import Params
from .ware_wire import picked, stock_num

BATCH = 50
"""No limit is documented; this one is ours."""
STORE = 0


def set_one(call: Call) -> Members:
    """jingdong.stock.write.updateSkuStock: absolute."""
    _check_store(call.params)
    _set(call, _sku(call, call.params), call.params.integer("stockNum", low=0))
    return {"success": True}


def increase(call: Call) -> Members:
    """jingdong.stock.write.increaseSkuStock: everything is required."""
    rf_id = call.params.required("stockRfId")
    call.params.integer("storeId")
    _check_store(call.params)
    sku = _sku(call, call.params)
    _add(call, sku, call.params.integer("stockNum"), rf_id)
    return {
        "result": {
            "skuId": int(sku.sku_id),
            "stockRf": {"stockRfId": rf_id},
            "detailCode": "0",
            "detailMsg": "",
        }
    }


def set_many(call: Call) -> Members:
    """jingdong.ware.stock.sku.set: row by row, `stockNum` absolute or `incrStockNum` as a change; a bad row leaves the
    others alone. `updateModel` and `stockModel` are not documented and ignored.
    """
    request = call.params.object("req")
    rows = request.objects("skuStocks")
    if not 1 <= len(rows) <= BATCH:
        raise errors.invalid("skuStocks")
    rf_id = request.text("stockRfId", "")
    results = [_row_result(call, row, rf_id) for row in rows]
    return {"returnType": {"success": True, "errorMessage": None, "obj": {"updateStockResult": results}}}


def _row_result(call: Call, row: Params, rf_id: str) -> dict[str, Any]:
    """One SKU's outcome; `data` is its id."""
    head = {"data": row.integer("skuId"), "storeId": row.integer("storeId", STORE)}
    try:
        _write_row(call, row, rf_id)
    except Refusal as refusal:
        return head | {"success": False, "message": refusal.chinese}
    except WorldRefused as refused:
        return head | {"success": False, "message": errors.of_world(refused.reason).chinese}
    return head | {"success": True, "message": None}


def _write_row(call: Call, row: Params, rf_id: str) -> None:
    if call.row_fails():
        raise Refusal(10500099, "系统繁忙，请稍后重试")
    _check_store(row)
    sku = _sku(call, row)
    if ("stockNum" in row) == ("incrStockNum" in row):
        raise errors.invalid("stockNum")
    if "stockNum" in row:
        _set(call, sku, row.integer("stockNum", low=0))
        return
    if not rf_id:
        raise errors.invalid("stockRfId")
    _add(call, sku, row.integer("incrStockNum"), rf_id)


def _sku(call: Call, params: Params) -> Sku:
    try:
        return call.world.sku(call.shop, params.required("skuId"))
    except WorldRefused:
        raise Refusal(10500002, "SKU不存在") from None


def _check_store(params: Params) -> None:
    if params.integer("storeId", STORE) != STORE:
        raise Refusal(10500006, "仓库不存在")


def _set(call: Call, sku: Sku, number: int) -> None:
    call.world.set_stock(call.shop, sku, number - sku.held)


def _add(call: Call, sku: Sku, delta: int, rf_id: str) -> None:
    world, shop_id, ledger = call.world, call.shop.shop_id, call.ledger
    if ledger.repeats(shop_id, rf_id, sku.sku_id, world.now(), world.settings.idempotency_memory):
        return
    world.add_stock(call.shop, sku, delta)
    ledger.note(shop_id, rf_id, sku.sku_id, world.now())


def find(call: Call) -> Members:
    """jingdong.stock.read.findSkuStock: one row per warehouse; none for an unknown SKU (inferred)."""
    try:
        sku = call.world.sku(call.shop, call.params.required("skuId"))
    except WorldRefused:
        return {"skuStocks": []}
    row = {"skuId": int(sku.sku_id), "storeId": STORE, "stockNum": stock_num(sku), "detailStock": ""}
    return {"skuStocks": [picked(row, wares.fields(call), tuple(row))]}


def find_booked(call: Call) -> Members:
    """jingdong.stock.read.findSkuSiteStock: with what is booked and what is left."""
    sku = _sku(call, call.params)
    stock = {
        "skuId": int(sku.sku_id),
        "siteId": call.params.integer("siteId", 0),
        "venderSource": "",
        "stockNum": stock_num(sku),
        "orderBookingNum": sku.held,
        "appBookingNum": 0,
        "canUsedNum": sku.sellable,
    }
    return {"app_params": stock}


def query(call: Call) -> Members:
    """jingdong.ware.stock.sku.query: stock and bookings per warehouse."""
    sku = _sku(call, call.params)
    row = {
        "skuId": int(sku.sku_id),
        "storeId": STORE,
        "stockNum": stock_num(sku),
        "orderBookingNum": sku.held,
        "appBookingNum": 0,
        "orderTransferNum": 0,
    }
    obj = {"skuId": int(sku.sku_id), "stockModel": call.params.text("stockModel", ""), "skuStockInfos": [row]}
    return {"returnType": {"success": True, "errorMessage": None, "obj": obj}}


def _bulk_failure(refusal: Refusal) -> Members:
    return {"returnType": {"success": False, "errorMessage": refusal.chinese, "obj": None}}


def _increase_failure(refusal: Refusal) -> Members:
    result = {"skuId": None, "stockRf": None, "detailCode": str(refusal.code), "detailMsg": refusal.chinese}
    return {"result": result}


METHODS = {
    "jingdong.stock.write.updateSkuStock": Method(set_one, wares.failure),
    "jingdong.stock.write.increaseSkuStock": Method(increase, _increase_failure),
    "jingdong.ware.stock.sku.set": Method(set_many, _bulk_failure),
    "jingdong.stock.read.findSkuStock": Method(find, wares.failure),
    "jingdong.stock.read.findSkuSiteStock": Method(find_booked, wares.failure),
    "jingdong.ware.stock.sku.query": Method(query, _bulk_failure),
}
