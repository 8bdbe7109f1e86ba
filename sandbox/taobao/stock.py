"""Writing stock: the three quantity APIs and their different rules below zero. Counting is in `stock_rules.py`.

All or nothing within a call. Where several rules are broken the order is: item, promotion locks of presale items,
negative totals, withheld pieces, activities (inferred).
"""

import re
from collections.abc import Iterable
from typing import Any

from ..model import Item, Sku
from . import errors
from .call import Api, Call
from .goods_wire import has_skus, properties
from .items import item_of, suffixed, tmall_only
from .params import Params
from .stock_rules import quantity, total, withheld
from .values import when

LIMIT = 20
"""SKUs in one call."""
FULL, INCREMENTAL = 1, 2
_PAIR = re.compile(r"(.+):(-?\d{1,9})")
_HEX = re.compile(r"[0-9a-fA-F]{1,64}")
Changes = list[tuple[Sku, int]]


def update_item(call: Call) -> dict[str, Any]:
    """taobao.item.quantity.update: one SKU or a plain item; `sku_id` wins over `outer_id`. A result below zero is an
    error for totals and changes alike."""
    params = call.params
    item = item_of(call, params.required("num_iid"))
    amount, mode = params.integer("quantity"), params.choice("type", (FULL, INCREMENTAL), FULL)
    if "sku_id" in params:
        chosen = [_by_id(call, item, params.required("sku_id"))]
    elif "outer_id" in params:
        chosen = _by_code(call, item, params.required("outer_id"))
    else:
        chosen = [_whole(call, item)]
    targets = _targets(call, item, [(sku, amount) for sku in chosen], mode, clamp=False)
    _busy(call)
    return {"item": _write(call, item, targets, mode)}


def update_skus(call: Call) -> dict[str, Any]:
    """taobao.skus.quantity.update: up to 20 SKUs of one item; a change below zero leaves 0, a negative total fails.

    A SKU that fails on its own is missing in the answer (inferred; injected by `partial_failure`).
    """
    params = call.params
    item = item_of(call, params.required("num_iid"))
    mode = params.choice("type", (FULL, INCREMENTAL), FULL)
    if "skuid_quantities" in params:
        pairs = _pairs(params, "skuid_quantities")
        changes = [(_by_id(call, item, sku_id), amount) for sku_id, amount in pairs]
    else:
        pairs = _pairs(params, "outerid_quantities")
        changes = [(sku, amount) for code, amount in pairs for sku in _by_code(call, item, code)]
    targets = _targets(call, item, changes, mode, clamp=True)
    return {"item": _write(call, item, [each for each in targets if not call.item_fails()], mode)}


def update_tmall(call: Call) -> dict[str, Any]:
    """tmall.item.quantity.update: one addressing mode per call; a repeated `outer_biz_key` of a change is a success
    that changes nothing. A change below zero fails (inferred)."""
    tmall_only(call)
    params = call.params
    item = item_of(call, params.required("item_id"))
    options = params.object("options") if "options" in params else Params({})
    mode = options.choice("type", (FULL, INCREMENTAL), FULL)
    key = options.text("outer_biz_key")
    if key and not _HEX.fullmatch(key):
        raise errors.invalid("options")
    if "sku_quantities" in params:
        rows = params.objects("sku_quantities", LIMIT)
        changes = [(sku, row.integer("quantity")) for row in rows for sku in addressed(call, item, rows, row)]
    else:
        changes = [(_whole(call, item), params.integer("item_quantity"))]
    done = {"quantity_update_result": item.item_id}
    if mode == INCREMENTAL and key and call.remembered("stock", key):
        return done
    targets = _targets(call, item, changes, mode, clamp=False)
    _busy(call)
    _write(call, item, targets, mode)
    if mode == INCREMENTAL and key:
        call.remember("stock", key)
    return done


def set_total(call: Call, item: Item, sku: Sku, amount: int) -> None:
    """A total that comes along with another call; the same refusals."""
    _write(call, item, _targets(call, item, [(sku, amount)], FULL, clamp=False), FULL)


def addressed(call: Call, item: Item, rows: Iterable[Params], row: Params, *, by_code: bool = True) -> list[Sku]:
    """The SKUs a row of a Tmall call means: by sku_id, properties or (`by_code`) outer_id, all rows the same way."""
    known = ("sku_id", "properties", "outer_id") if by_code else ("sku_id", "properties")
    modes = [name for name in known if any(name in each for each in rows)]
    if len(modes) != 1 or modes[0] not in row:
        raise errors.invalid("sku_id")
    if modes[0] == "sku_id":
        return [_by_id(call, item, row.required("sku_id"))]
    if modes[0] == "outer_id":
        return _by_code(call, item, row.required("outer_id"))
    return [by_properties(call, item, row.required("properties"))]


def by_properties(call: Call, item: Item, wanted: str) -> Sku:
    """The SKU with these properties, in any order."""
    parts = sorted(wanted.strip(";").split(";"))
    for sku in item.skus.values():
        if has_skus(item) and sorted(properties(sku).split(";")) == parts:
            return sku
    raise _no_such_sku(call)


def _by_id(call: Call, item: Item, sku_id: str) -> Sku:
    if sku_id not in item.skus or not has_skus(item):
        raise _no_such_sku(call)
    return item.skus[sku_id]


def _by_code(call: Call, item: Item, code: str) -> list[Sku]:
    found = [sku for sku in item.skus.values() if sku.code == code]
    if not found or not has_skus(item):
        raise _no_such_sku(call)
    return found


def _no_such_sku(call: Call) -> errors.TopError:
    """Documented for look-ups by properties; for ids and codes inferred."""
    return errors.business(suffixed(call, "isv.invalid-parameter:sku-properties"), "无法根据条件找到对应的SKU")


def _whole(call: Call, item: Item) -> Sku:
    """The stock of an item without SKUs; refused for one that has some."""
    if has_skus(item):
        code = suffixed(call, "isv.item-quantity-item-update-service-error")
        raise errors.business(code, "商品存在SKU，不能直接修改商品数量")
    return next(iter(item.skus.values()))


def _pairs(params: Params, name: str) -> list[tuple[str, int]]:
    """`key:number;key:number`; 1 to 20 of them."""
    found = [_PAIR.fullmatch(part) for part in params.required(name).strip(";").split(";")]
    pairs = [(match[1], int(match[2])) for match in found if match]
    if len(pairs) != len(found) or len(pairs) > LIMIT:
        raise errors.invalid(name)
    return pairs


def _targets(call: Call, item: Item, changes: Changes, mode: int, *, clamp: bool) -> Changes:
    """What every SKU's quantity would become; raises what the platform says against it."""
    world, shop = call.world, call.shop
    if item.presale and mode == FULL:
        code = suffixed(call, "isv.item-is-presale:invalid-presale-tags-id")
        raise errors.business(code, "预售商品只能增量更新库存")
    targets: dict[str, tuple[Sku, int]] = {}
    for sku, amount in changes:
        before = targets[sku.sku_id][1] if sku.sku_id in targets else quantity(world, shop, sku)
        after = amount if mode == FULL else before + amount
        if after < 0 and clamp and mode == INCREMENTAL:
            after = 0
        if after < 0:
            raise errors.business(suffixed(call, "isv.invalid-parameter:quantity"), "商品数量不能为负数")
        targets[sku.sku_id] = (sku, after)
    for sku, after in targets.values():
        if after < withheld(world, shop, sku):
            code = suffixed(call, "isv.error-inventory-invalid-item-quantity")
            raise errors.business(code, "宝贝数量必须大于预扣库存")
        if item.promoted and after < quantity(world, shop, sku):
            code = suffixed(call, "isv.item-quantity-sku-update-service-error")
            raise errors.business(code, "该商品为#聚划算#活动商品，活动期间不能减少库存")
    return list(targets.values())


def _busy(call: Call) -> None:
    """A refusal that is worth a retry, known by its text only."""
    if call.item_fails():
        code = suffixed(call, "isv.item-quantity-sku-update-service-error")
        raise errors.business(code, "库存中心服务正忙，请稍后再试")


def _write(call: Call, item: Item, targets: Changes, mode: int) -> dict[str, Any]:
    """Apply, and tell the item as the taobao.* calls do."""
    world, shop = call.world, call.shop
    for sku, after in targets:
        world.set_stock(shop, sku, after - withheld(world, shop, sku), "set" if mode == FULL else "delta")
    if targets:
        world.touch_item(shop, item, "item.stock_written")
    row: dict[str, Any] = {
        "iid": item.item_id,
        "num_iid": int(item.item_id),
        "num": total(world, shop, item),
        "modified": when(item.updated),
    }
    if has_skus(item) and targets:
        row["skus"] = {
            "sku": [
                {"sku_id": int(sku.sku_id), "quantity": after, "modified": when(world.now())} for sku, after in targets
            ]
        }
    return row


METHODS = {
    "taobao.item.quantity.update": Api(update_item),
    "taobao.skus.quantity.update": Api(update_skus),
    "tmall.item.quantity.update": Api(update_tmall),
}
