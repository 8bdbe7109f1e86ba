"""`warehouse.*` for region stock, and the merchant's address book (`address.list`)."""

from dataclasses import replace
from typing import Any

from . import errors
from .call import Call, Handler, Warehouse
from .params import Params

FIRST_ID = 7553000000000000001


def _location(params: Params) -> dict[str, int]:
    place = params.sub("warehouse_location")
    return {f"address_id{level}": place.integer(f"address_id{level}", 0) for level in (1, 2, 3, 4)}


def create(call: Call) -> dict[str, Any]:
    """`warehouse.createV2`."""
    params = call.params.numbered(2)
    out_id, name = params.required("out_warehouse_id"), params.required("name")
    if (call.shop.shop_id, out_id) in call.memory.warehouses:
        raise errors.invalid(2, "外部仓库编码已存在")
    place = params.sub("warehouse")
    number = str(FIRST_ID + len(call.memory.warehouses))
    call.memory.warehouses[call.shop.shop_id, out_id] = Warehouse(
        number, out_id, name, params.text("intro"), place.text("address_detail"), _location(place), call.now, call.now
    )
    return {"warehouse_id": number}


def list_all(call: Call) -> dict[str, Any]:
    """`warehouse.list`: pages from 0."""
    params = call.params.numbered(2)
    page, size = params.integer("page", 0), params.integer("size", 10)
    if page < 0 or not 1 <= size <= 100:
        raise errors.invalid(2, "page从0开始，size最大100")
    if params.text("order_by") not in ("", "create_time", "update_time"):
        raise errors.failed(2, "order_by不合法")
    wanted = set(params.texts("out_warehouse_ids")) | ({params.text("out_warehouse_id")} - {""})
    found = [
        warehouse
        for (shop_id, out_id), warehouse in call.memory.warehouses.items()
        if shop_id == call.shop.shop_id
        and (not wanted or out_id in wanted)
        and params.text("warehouse_name") in warehouse.name
    ]
    return {"total": len(found), "warehouses": [_render(call, each) for each in found[page * size : (page + 1) * size]]}


def _render(call: Call, warehouse: Warehouse) -> dict[str, Any]:
    stamps = {"create_time": int(warehouse.created), "update_time": int(warehouse.updated)}
    return {
        "addr": [area | stamps for area in warehouse.areas],
        "address_detail": warehouse.address_detail,
        **stamps,
        "intro": warehouse.intro,
        "name": warehouse.name,
        "out_fence_ids": [],
        "out_warehouse_id": warehouse.out_id,
        "shop_id": int(call.shop.shop_id),
        "warehouse_id": int(warehouse.warehouse_id),
        "warehouse_location": warehouse.location,
    }


def _one(call: Call, params: Params) -> Warehouse:
    out_id = params.required("out_warehouse_id")
    found = call.memory.warehouses.get((call.shop.shop_id, out_id))
    if found is None:
        raise errors.unavailable(20002, "仓库不存在")
    return found


def info(call: Call) -> dict[str, Any]:
    """`warehouse.info` (answer shape inferred: one row of the list)."""
    return _render(call, _one(call, call.params.numbered(2)))


def edit(call: Call) -> dict[str, Any]:
    """`warehouse.edit`: only what is sent changes."""
    params = call.params.numbered(2)
    old = _one(call, params)
    new = replace(
        old,
        name=params.text("name", old.name),
        intro=params.text("intro", old.intro),
        address_detail=params.text("address_detail", old.address_detail),
        location=_location(params) if "warehouse_location" in params else old.location,
        updated=call.now,
    )
    call.memory.warehouses[call.shop.shop_id, old.out_id] = new
    return {}


def set_areas(call: Call) -> dict[str, Any]:
    """`warehouse.setAddrBatch`: adds coverage areas."""
    params = call.params.numbered(2)
    old = _one(call, params)
    areas = tuple(
        {f"addr_id{level}": area.integer(f"addr_id{level}", 0) for level in (1, 2, 3, 4)}
        for area in params.items("addr_list")
    )
    if not areas:
        raise params.missing("addr_list")
    kept = tuple(area for area in old.areas if area not in areas)
    call.memory.warehouses[call.shop.shop_id, old.out_id] = replace(old, areas=kept + areas, updated=call.now)
    return {}


def set_priority(call: Call) -> dict[str, Any]:
    """`warehouse.setPriority`: checked, then forgotten; no read API shows it."""
    params = call.params.numbered(2)
    priorities = params.raw("priorities")
    if not isinstance(priorities, dict) or not priorities:
        raise params.missing("priorities")
    for out_id, priority in priorities.items():
        if (call.shop.shop_id, out_id) not in call.memory.warehouses:
            raise errors.unavailable(20002, "仓库不存在")
        if not str(priority).isdecimal() or int(priority) > 5:
            raise params.invalid("priorities")
    return {}


def address_list(call: Call) -> dict[str, Any]:
    """`address.list`: pages from 1; the same two invented addresses for every shop."""
    params = call.params.numbered(100001)
    page, size = params.integer("page_no", 1), params.integer("page_size", 10)
    if page < 1 or not 1 <= size <= 100:
        raise params.invalid("page_no")
    rows = [_address(95250001, "示例仓", 1), _address(95250002, "示例售后仓", 0)]
    start = (page - 1) * size
    return {"address_list": rows[start : start + size], "page_no": page, "page_size": size, "total": len(rows)}


def _address(address_id: int, name: str, is_default: int) -> dict[str, Any]:
    return {
        "address_id": address_id,
        "create_time": "1700000000",
        "is_default": is_default,
        "is_send_default": is_default,
        "receiver_city": "杭州市",
        "receiver_detail": "示例路88号仓库",
        "receiver_district": "余杭区",
        "receiver_provinc": "浙江省",
        "receiver_street": "仓前街道",
        "reciever_name": name,
        "remark": "",
        "update_time": "1700000000",
    }


APIS: dict[str, Handler] = {
    "warehouse.createV2": create,
    "warehouse.list": list_all,
    "warehouse.info": info,
    "warehouse.edit": edit,
    "warehouse.setAddrBatch": set_areas,
    "warehouse.setPriority": set_priority,
    "address.list": address_list,
}
