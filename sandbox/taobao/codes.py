"""Writing merchant codes: tmall.item.outerid.update."""

from typing import Any

from .call import Api, Call
from .goods_wire import has_skus
from .items import item_of, tmall_only
from .stock import LIMIT, addressed


def update(call: Call) -> dict[str, Any]:
    """The item's code, its SKUs' or both; an empty text clears. The codes of orders stay as they were."""
    tmall_only(call)
    params = call.params
    item = item_of(call, params.required("item_id"))
    rows = params.objects("sku_outers", LIMIT) if "sku_outers" in params else []
    codes = [(sku, row.text("outer_id")) for row in rows for sku in addressed(call, item, rows, row, by_code=False)]
    if params.given("outer_id"):
        item.code = params.text("outer_id")
        if not has_skus(item):
            item.skus[item.item_id].code = item.code
    for sku, code in codes:
        sku.code = code
    call.world.touch_item(call.shop, item, "item.code_changed")
    return {"outerid_update_result": item.item_id}


METHODS = {"tmall.item.outerid.update": Api(update)}
