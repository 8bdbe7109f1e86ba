"""Stock writes and `sku.stockNum`.

Absolute numbers set what can still be sold; running orders are held besides. An `idempotent_id` is kept per shop for
24 hours (setting `idempotency_memory`; the real length is unknown); repeating it is an error that means "done".
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..ground import Refused as WorldRefused
from ..model import Item, Sku
from . import errors, goods_wire
from .call import Call, Handler
from .goods import find_item, find_sku
from .params import Params

BATCH = 50


@dataclass(frozen=True)
class Numbers:
    """The refusals of one stock API, each with its own business number."""

    deleted: errors.Refused
    in_review: errors.Refused
    banned: errors.Refused
    insufficient: errors.Refused
    activity: errors.Refused
    warehouse: errors.Refused


def _numbers(
    make: Callable[[int, str], errors.Refused], numbers: tuple[int, int, int, int, int], warehouse: int
) -> Numbers:
    deleted, review, banned, short, activity = numbers
    return Numbers(
        make(deleted, "商品已删除"),
        make(review, "商品审核中"),
        make(banned, "商品已封禁"),
        make(short, "更新库存数失败: 库存不足"),
        make(activity, "商品正在参加平台活动，不允许减少库存"),
        errors.invalid(warehouse, "区域库存SKU必须传正确的out_warehouse_id"),
    )


ONE = _numbers(errors.failed, (2010042, 2010041, 2010043, 2010012, 2010045), 40004)
BATCHED = _numbers(errors.failed, (2010042, 2010041, 2010043, 2010012, 2010045), 2010013)
MULTI = _numbers(errors.failed, (-40003, -40001, -40002, -20001, -20008), -10002)


@dataclass(frozen=True)
class Change:
    """One checked stock write: the SKU ends at `total`, and at `regions` when it keeps stock per warehouse."""

    sku: Sku
    total: int
    regions: dict[str, int] | None


def _check_item(item: Item, numbers: Numbers) -> None:
    if item.deleted:
        raise numbers.deleted
    if item.review == "pending":
        raise numbers.in_review
    if item.review == "banned":
        raise numbers.banned


def _plan(call: Call, item: Item, sku: Sku, row: Params, incremental: bool, numbers: Numbers) -> Change:
    """What one row wants, checked against the rules; nothing is written."""
    _check_item(item, numbers)
    region = call.memory.regions.get(sku.sku_id)
    stock = row.required_integer("stock_num")
    warehouse = row.text("out_warehouse_id")
    if region is None:
        if warehouse not in ("", "0"):
            raise numbers.warehouse
        total, regions = (sku.sellable + stock if incremental else stock), None
    else:
        stocks = goods_wire.region_stock(sku, region)
        if warehouse not in stocks:
            raise numbers.warehouse
        stocks[warehouse] = stocks[warehouse] + stock if incremental else stock
        if stocks[warehouse] < 0:
            raise numbers.insufficient
        total, regions = sum(stocks.values()), stocks
    return _checked(item, Change(sku, total, regions), numbers)


def _checked(item: Item, change: Change, numbers: Numbers) -> Change:
    if change.total < 0:
        raise numbers.insufficient
    if item.promoted and change.total < change.sku.sellable:
        raise numbers.activity
    return change


def _apply(call: Call, changes: list[Change], incremental: bool) -> None:
    """Write checked changes; they cannot fail any more."""
    for change in changes:
        try:
            call.world.set_stock(call.shop, change.sku, change.total, "delta" if incremental else "set")
        except WorldRefused as refused:
            raise errors.unavailable(2010001, "库存服务内部错误") from refused
        if change.regions is not None:
            call.memory.regions[change.sku.sku_id] = change.regions


def _need_key(call: Call, kind: str, incremental: bool, repeated: errors.Refused, absent: errors.Refused) -> str:
    """The idempotency key of this call. Required for increments; a repeated one is refused as done."""
    key = call.params.text("idempotent_id")
    if incremental and not key:
        raise absent
    if key and call.remembered(kind, key) is not None:
        raise repeated
    return key


def sync_one(call: Call) -> dict[str, Any]:
    """`sku.syncStock`."""
    params = call.params.numbered(1)
    incremental = params.flag("incremental")
    repeated = errors.invalid(40010, "[idempotent_id]重复，操作已执行")
    key = _need_key(call, "syncStock", incremental, repeated, errors.missing(1, "增量更新库存时idempotent_id不能为空"))
    item = None
    if params.text("product_id"):
        item = find_item(call, params, errors.invalid(5, "sku不存在"), errors.missing(1, "product_id不能为空"))
        if item.deleted:
            raise errors.invalid(4, "sku已删除")
    sku = find_sku(call, item, params, errors.invalid(5, "sku不存在"))
    change = _plan(call, call.shop.items[sku.item_id], sku, params, incremental, ONE)
    _apply(call, [change], incremental)
    call.remember("syncStock", key)
    return {}


def sync_batch(call: Call) -> dict[str, Any]:
    """`sku.syncStockBatch`: SKUs of one product, all or nothing; may switch a SKU to region stock and back."""
    params = call.params.numbered(2010013)
    incremental = params.flag("incremental")
    repeated = errors.invalid(2010021, "幂等ID重复，操作已执行")
    key = _need_key(call, "syncStockBatch", incremental, repeated, errors.missing(2010004, "idempotent_id不能为空"))
    absent = errors.missing(2010004, "product_id不能为空")
    item = find_item(call, params, errors.failed(2010058, "商品不存在"), absent)
    _check_item(item, BATCHED)
    rows = params.items("sku_sync_list")
    if not rows:
        raise errors.missing(2010004, "sku_sync_list不能为空")
    changes = [_batch_row(call, item, row, incremental) for row in rows]
    if len({change.sku.sku_id for change in changes}) != len(changes):
        raise errors.invalid(2010013, "sku_sync_list中sku_id重复")
    _apply(call, changes, incremental)
    for row, change in zip(rows, changes, strict=True):
        if row.integer("sku_type", 0) == 0 and "sku_type" in row:
            call.memory.regions.pop(change.sku.sku_id, None)
    call.remember("syncStockBatch", key)
    return {}


def _batch_row(call: Call, item: Item, row: Params, incremental: bool) -> Change:
    sku = find_sku(call, item, row, errors.invalid(2010013, "sku不存在"))
    region = call.memory.regions.get(sku.sku_id)
    kind = row.integer("sku_type", 1 if region else 0)
    if kind == 1:
        stocks = goods_wire.region_stock(sku, region)
        for entry in row.items("stock_map"):
            name = entry.required("out_warehouse_id")
            if (call.shop.shop_id, name) not in call.memory.warehouses:
                raise BATCHED.warehouse
            number = entry.required_integer("stock_num")
            stocks[name] = stocks.get(name, 0) + number if incremental else number
        if not stocks:
            raise errors.invalid(2010013, "stock_map不能为空")
        if min(stocks.values()) < 0:
            raise BATCHED.insufficient
        return _checked(item, Change(sku, sum(stocks.values()), stocks), BATCHED)
    if kind not in (0, 10):
        raise row.invalid("sku_type")
    number = row.required_integer("stock_num")
    return _checked(item, Change(sku, sku.sellable + number if incremental else number, None), BATCHED)


def sync_multi(call: Call) -> dict[str, Any]:
    """`sku.syncStockBatchMultiProducts`: up to 50 rows; all or nothing unless `allow_partial_success`."""
    params = call.params.numbered(-30001)
    incremental, partial = params.flag("incremental"), params.flag("allow_partial_success")
    repeated = errors.failed(-20002, "token已被使用，操作已执行")
    key = _need_key(call, "syncStockMulti", incremental, repeated, errors.invalid(-30001, "idempotent_id不能为空"))
    rows = params.items("items")
    if not 1 <= len(rows) <= BATCH:
        raise errors.invalid(-30001, "items数量需在1到50之间")
    outcomes = [_multi_row(call, row, incremental) for row in rows]
    refused = [outcome for outcome in outcomes if isinstance(outcome, errors.Refused)]
    if refused and not partial:
        raise refused[0]
    results = [_result(row, outcome) for row, outcome in zip(rows, outcomes, strict=True)]
    _apply(call, [outcome for outcome in outcomes if isinstance(outcome, Change)], incremental)
    call.remember("syncStockMulti", key)
    return {"results": results}


def _multi_row(call: Call, row: Params, incremental: bool) -> Change | errors.Refused:
    unknown = errors.invalid(-10002, "商品或sku不存在")
    try:
        if call.item_fails():
            return errors.failed(-5000, "系统繁忙，请稍后重试")
        item = find_item(call, row, unknown, unknown)
        return _plan(call, item, find_sku(call, item, row, unknown), row, incremental, MULTI)
    except errors.Refused as refused:
        return refused


def _result(row: Params, outcome: Change | errors.Refused) -> dict[str, Any]:
    empty = {"step_change_num": 0, "step_stock_num": 0, "warehouse_id": 0}
    if isinstance(outcome, errors.Refused):
        return empty | {
            "sku_id": row.integer("sku_id", 0),
            "stock_num": 0,
            "change_num": 0,
            "status_code": outcome.old_number,
            "status_message": outcome.sub_msg,
        }
    return empty | {
        "sku_id": int(outcome.sku.sku_id),
        "stock_num": outcome.total,
        "change_num": outcome.total - outcome.sku.sellable,
        "status_code": 0,
        "status_message": "",
    }


def stock_num(call: Call) -> dict[str, Any]:
    """`sku.stockNum` by `sku_id` or `code`."""
    params = call.params.numbered(3)
    if not params.text("sku_id") and not params.text("code"):
        raise errors.missing(3, "sku_id和code必填其一")
    sku = find_sku(call, None, params, errors.invalid(5, "sku不存在"))
    return goods_wire.stock_row(sku, call.memory.regions.get(sku.sku_id))


APIS: dict[str, Handler] = {
    "sku.syncStock": sync_one,
    "sku.syncStockBatch": sync_batch,
    "sku.syncStockBatchMultiProducts": sync_multi,
    "sku.stockNum": stock_num,
}
