"""Wares and SKUs: `ware.read`, `sku.read` and the shelf. Windows are half-open, without an order rows come by id
(both inferred); there is nothing behind page 100.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from ..model import Item, Sku
from . import errors, ware_wire
from .call import Call, Members, Method
from .errors import Refusal

DEEPEST_PAGE = 100
LARGEST_PAGE = 100
MOST_IDS = 20
Row = dict[str, Any]
Test = Callable[[Row], bool]


def fields(call: Call) -> list[str]:
    """`field`, a list or a text with commas."""
    value = call.params.values.get("field")
    return [str(name) for name in value] if isinstance(value, list) else call.params.words("field")


def search_wares(call: Call) -> Members:
    """jingdong.ware.read.searchWare4Valid: everything but deleted wares."""
    params = call.params
    if len(params.array("wareId")) > MOST_IDS:
        raise errors.invalid("wareId")
    rows = [_ware(call, item) for item in call.shop.items.values() if not item.deleted]
    tests = [
        *_one_of(call, {"wareId": "wareId", "wareStatusValue": "wareStatus"}),
        *_equal(call, {"categoryId": "categoryId", "brandId": "brandId", "itemNum": "itemNum", "barCode": "barCode"}),
        *_between(
            call, {"Created": "created", "Modified": "modified", "Online": "onlineTime", "Offline": "offlineTime"}
        ),
        *_ranges(call),
    ]
    key = params.text("searchKey", "")
    if key:
        named = [str(name) for name in params.array("searchField")] or ["title"]
        tests.append(lambda row: any(key in str(row.get(name, "")) for name in named))
    return _page(call, rows, tests, "orderField", "pageSize", ("wareId",))


def find_ware(call: Call) -> Members:
    """jingdong.ware.read.findWareById"""
    item = call.world.item(call.shop, call.params.required("wareId"))
    return {"ware": ware_wire.picked(_ware(call, item), fields(call), ("wareId",))}


def search_skus(call: Call) -> Members:
    """jingdong.sku.read.searchSkuList: `skuStatuValue`, `orderFiled` and `page_size` are JD's spellings."""
    rows = [ware_wire.sku_row(item, sku) for item, sku in _skus(call)]
    tests = [
        *_one_of(call, {"wareId": "wareId", "skuId": "skuId", "skuStatuValue": "status", "outId": "outerId"}),
        *_between(call, {"Created": "created", "Modified": "modified"}),
    ]
    codes = {str(item.item_id): item.code for item in call.shop.items.values()}
    number, title = call.params.text("itemNum", ""), call.params.text("wareTitle", "")
    if number:
        tests.append(lambda row: codes[str(row["wareId"])] == number)
    if title:
        tests.append(lambda row: title in row["wareTitle"])
    for name, sign in (("minStockNum", 1), ("maxStockNum", -1)):
        if name in call.params:
            tests.append(_at_least(sign, call.params.integer(name)))
    if "skuStatuValue" not in call.params:
        tests.append(lambda row: row["status"] != ware_wire.SKU_DELETED)
    return _page(call, rows, tests, "orderFiled", "page_size", ("wareId", "skuId"))


def find_sku(call: Call) -> Members:
    """jingdong.sku.read.findSkuById"""
    sku = call.world.sku(call.shop, call.params.required("skuId"))
    row = ware_wire.sku_row(call.shop.items[sku.item_id], sku)
    return {"sku": ware_wire.picked(row, fields(call), ("wareId", "skuId"))}


def up_or_down(call: Call) -> Members:
    """jingdong.ware.write.upOrDown: also when the ware is there already."""
    item = call.world.item(call.shop, call.params.required("wareId"))
    call.world.set_shelf(call.shop, item, call.params.integer("opType", low=1, high=2) == 1)
    return {"success": True}


def _ware(call: Call, item: Item) -> Row:
    return ware_wire.ware(item, call.ledger.costs.get((call.shop.shop_id, item.item_id), 0))


def _skus(call: Call) -> list[tuple[Item, Sku]]:
    return [(item, sku) for item in call.shop.items.values() for sku in item.skus.values()]


def _page(
    call: Call, rows: list[Row], tests: list[Test], order: str, size_name: str, always: tuple[str, ...]
) -> Members:
    page = call.params.integer("pageNo", 1, low=1)
    size = call.params.integer(size_name, 10, low=1, high=LARGEST_PAGE)
    found = sorted((row for row in rows if all(test(row) for test in tests)), key=lambda row: row[always[-1]])
    by = call.params.array(order)
    directions = call.params.array("orderType")
    for n, name in reversed(list(enumerate(by))):
        if any(name not in row for row in found):
            raise errors.invalid(order)
        found.sort(key=_key(str(name)), reverse=n < len(directions) and str(directions[n]).lower() == "desc")
    shown = found[(page - 1) * size : page * size] if page <= DEEPEST_PAGE else []
    data = [ware_wire.picked(row, fields(call), always) for row in shown]
    return {"page": {"data": data, "pageNo": page, "pageSize": size, "totalItem": len(found)}}


def _key(name: str) -> Callable[[Row], Any]:
    return lambda row: row[name]


def _one_of(call: Call, names: Mapping[str, str]) -> list[Test]:
    """Parameter name -> field, for lists of allowed values."""
    wanted = {field: {str(each) for each in call.params.array(name)} for name, field in names.items()}
    return [_is_in(field, values) for field, values in wanted.items() if values]


def _is_in(field: str, values: set[str]) -> Test:
    return lambda row: str(row[field]) in values


def _equal(call: Call, names: Mapping[str, str]) -> list[Test]:
    wanted = {field: {call.params.text(name, "")} - {""} for name, field in names.items()}
    return [_is_in(field, values) for field, values in wanted.items() if values]


def _between(call: Call, names: Mapping[str, str]) -> list[Test]:
    """`startXTime` and `endXTime` for each X -> field in milliseconds."""
    tests: list[Test] = []
    for word, field in names.items():
        start, end = f"start{word}Time", f"end{word}Time"
        low = call.params.when(start) * 1000 if start in call.params else 0
        high = call.params.when(end) * 1000 if end in call.params else float("inf")
        if start in call.params or end in call.params:
            tests.append(_is_between(field, low, high))
    return tests


def _is_between(field: str, low: float, high: float) -> Test:
    return lambda row: bool(low <= row[field] < high)


def _ranges(call: Call) -> list[Test]:
    """Price in yuan and stock, both ends included."""
    tests: list[Test] = []
    for word, field in (("JdPrice", "jdPrice"), ("StockNum", "stockNum")):
        for end, sign in (("start", 1), ("end", -1)):
            text = call.params.text(end + word, "")
            if text:
                tests.append(_beyond(field, sign, _number(end + word, text)))
    return tests


def _number(name: str, text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise errors.invalid(name) from None


def _beyond(field: str, sign: int, limit: Decimal) -> Test:
    return lambda row: (Decimal(str(row[field])) - limit) * sign >= 0


def _at_least(sign: int, limit: int) -> Test:
    return lambda row: bool((row["stockNum"] - limit) * sign >= 0)


def failure(refusal: Refusal) -> Members:
    """What reads and plain writes say; shape and codes are made up but for `success`."""
    return {"success": False, "errorCode": str(refusal.code), "errorMessage": refusal.chinese}


METHODS = {
    "jingdong.ware.read.searchWare4Valid": Method(search_wares, failure),
    "jingdong.ware.read.findWareById": Method(find_ware, failure),
    "jingdong.sku.read.searchSkuList": Method(search_skus, failure),
    "jingdong.sku.read.findSkuById": Method(find_sku, failure),
    "jingdong.ware.write.upOrDown": Method(up_or_down, failure),
}
