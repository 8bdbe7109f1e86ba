"""Items and SKUs as `product.listV2`, `product.detail`, `sku.list` and `sku.stockNum` show them."""

from typing import Any

from ..model import Item, Sku
from .envelope import wall_clock
from .order_wire import PICTURE

CATEGORY = {
    "first_cid": 20005, "first_cname": "男装", "second_cid": 20234, "second_cname": "T恤", "third_cid": 20901,
    "third_cname": "短袖T恤", "fourth_cid": 0, "fourth_cname": "",
}  # fmt: skip
CHECK = {"passed": 3, "pending": 2, "rejected": 4, "banned": 5}


def item_status(item: Item) -> int:
    """0 on sale, 1 off the shelf, 2 deleted."""
    if item.deleted:
        return 2
    return 0 if item.on_shelf else 1


def _spec_base(item: Item) -> int:
    return 1_752_000_000_000_000 + int(item.item_id) % 10**9 * 1000


def spec_ids(item: Item) -> dict[tuple[str, str], int]:
    """(spec name, value) -> the id of the value."""
    ids: dict[tuple[str, str], int] = {}
    for sku in item.skus.values():
        for number, pair in enumerate(sku.spec, 1):
            ids.setdefault(pair, _spec_base(item) + number * 100 + 1 + len(ids))
    return ids


def _three(values: list[Any], empty: Any) -> list[Any]:
    return (values + [empty] * 3)[:3]


def row(item: Item) -> dict[str, Any]:
    """One row of `product.listV2`; times are ints here."""
    return {
        "category_detail": CATEGORY,
        "channel_main_product": None,
        "check_status": CHECK[item.review],
        "cos_ratio": 0,
        "create_time": int(item.created),
        "description": "",
        "discount_price": min(sku.price.sale for sku in item.skus.values()),
        "extra": "",
        "img": PICTURE.format(item.item_id),
        "is_package_product": False,
        "market_price": min(sku.price.market for sku in item.skus.values()),
        "mobile": "",
        "name": item.title,
        "out_product_id": 0,
        "outer_product_id": item.code,
        "package_product_list": [],
        "pay_type": 1,
        "product_id": int(item.item_id),
        "product_type": 0,
        "recommend_remark": "",
        "sell_num": sum(sku.sold_since for sku in item.skus.values()),
        "spec_id": _spec_base(item),
        "status": item_status(item),
        "sub_product_list": [],
        "update_time": int(item.updated),
    }


def detail(item: Item, regions: dict[str, dict[str, int]]) -> dict[str, Any]:
    """`product.detail`; times are GMT+8 texts here. `regions` = stock per warehouse by SKU."""
    ids = spec_ids(item)
    common = {name: value for name, value in row(item).items() if name not in ("channel_main_product", "cos_ratio")}
    for name in ("is_package_product", "package_product_list", "sell_num", "sub_product_list"):
        del common[name]
    return common | {
        "account_template_id": "",
        "after_sale_service": '{"supply_day_return_selector":"7-1"}',
        "appoint_delivery_day": 0,
        "brand_id": 0,
        "create_time": wall_clock(item.created),
        "update_time": wall_clock(item.updated),
        "delay_rule": None,
        "delivery_delay_day": 2,
        "delivery_method": 7,
        "description": f'<img src="{PICTURE.format(item.item_id)}" style="width:100%;">',
        "draft_status": CHECK[item.review] if item.review != "banned" else 0,
        "freight_id": 0,
        "is_create": 0,
        "is_sub_product": False,
        "limit_per_buyer": 200,
        "logistics_info": None,
        "long_pic_url": "",
        "main_product_id": 0,
        "material_video_id": "",
        "maximum_per_order": 200,
        "minimum_per_order": 1,
        "need_recharge_mode": False,
        "open_user_id": 0,
        "pic": [PICTURE.format(item.item_id)],
        "pickup_method": "0",
        "poi_resource": None,
        "presell_config_level": 0,
        "presell_delay": 0,
        "presell_delivery_type": 0,
        "presell_end_time": "",
        "presell_type": 0,
        "price_has_tax": 0,
        "product_format": "品牌|示例",
        "product_format_new": '{"1687":[{"value":596120136,"name":"无品牌","diy_type":0}]}',
        "product_id_str": item.item_id,
        "quality_list": [],
        "reduce_type": 1,
        "sale_channel_type": "",
        "sale_limit_id": 0,
        "sell_channel": [0],
        "size_info_template_id": 0,
        "spec_pics": [],
        "spec_prices": [_spec_price(sku, ids, regions.get(sku.sku_id)) for sku in item.skus.values()],
        "specs": _specs(item, ids),
        "standard_brand_id": 596120136,
        "start_sale_type": 0,
        "store_id": 0,
        "weight_unit": 0,
        "weight_value": 0,
    }


def _specs(item: Item, ids: dict[tuple[str, str], int]) -> list[dict[str, Any]]:
    names = list(dict.fromkeys(name for name, _ in ids))
    base = _spec_base(item)
    return [
        {
            "id": base + number * 100,
            "is_leaf": 0,
            "name": name,
            "pid": 0,
            "spec_id": base,
            "values": [
                {"id": value_id, "is_leaf": 1, "name": value, "pid": base + number * 100, "spec_id": base, "status": 0}
                for (owner, value), value_id in ids.items()
                if owner == name
            ],
        }
        for number, name in enumerate(names, 1)
    ]


def region_stock(sku: Sku, region: dict[str, int] | None) -> dict[str, int]:
    """Stock per warehouse, adding up to what the SKU can sell: sales are taken from the fullest warehouse first."""
    if not region:
        return {}
    left = sum(region.values()) - sku.sellable
    stocks = dict(region)
    for name in sorted(stocks, key=lambda each: -stocks[each]):
        taken = min(left, stocks[name]) if left > 0 else left
        stocks[name] -= taken
        left -= taken
    return stocks


def _properties(sku: Sku, ids: dict[tuple[str, str], int], *, with_name: bool) -> list[dict[str, Any]]:
    rows = []
    for name, value in sku.spec:
        entry: dict[str, Any] = {"value_name": value, "value_spec_detail_id": ids[name, value]}
        rows.append(entry | {"property_name": name} if with_name else entry)
    return rows


def _spec_price(sku: Sku, ids: dict[tuple[str, str], int], region: dict[str, int] | None) -> dict[str, Any]:
    details = [ids[pair] for pair in sku.spec]
    first, second, third = _three(details, 0)
    return {
        "code": sku.code,
        "customs_report_info": None,
        "delivery_infos": [],
        "gold_process_charge": 0,
        "lock_step_stock_num": 0,
        "lock_stock_num": sku.held,
        "out_sku_id": 0,
        "outer_sku_id": "",
        "presell_delay": 0,
        "price": sku.price.sale,
        "prom_step_stock_num": 0,
        "prom_stock_num": 0,
        "promotion_step_stock_num": 0,
        "promotion_stock_num": 0,
        "sell_properties": _properties(sku, ids, with_name=True),
        "sku_id": int(sku.sku_id),
        "sku_type": 1 if region else 0,
        "spec_detail_id1": first,
        "spec_detail_id2": second,
        "spec_detail_id3": third,
        "spec_detail_ids": details,
        "step_stock_num": 0,
        "stock_num": sku.sellable,
        "stock_num_map": region_stock(sku, region),
        "supplier_id": "",
        "tax_exemption_sku_info": None,
    }


def _stock(sku: Sku, region: dict[str, int] | None) -> dict[str, Any]:
    return {
        "channel_stock_num": 0,
        "code": sku.code,
        "normal_stock_num": sku.sellable,
        "out_sku_id": 0,
        "prehold_step_stock_num": 0,
        "prehold_stock_map": {},
        "prehold_stock_num": sku.held,
        "prom_step_stock_num": 0,
        "prom_stock_num": 0,
        "ship_rule_map": {},
        "sku_type": 1 if region else 0,
        "step_stock_num": 0,
        "stock_num": sku.sellable,
    }


def sku_row(item: Item, sku: Sku, region: dict[str, int] | None) -> dict[str, Any]:
    """One entry of the array that `sku.list` answers."""
    ids = spec_ids(item)
    id1, id2, id3 = _three([ids[pair] for pair in sku.spec], 0)
    name1, name2, name3 = _three([value for _, value in sku.spec], "")
    return _stock(sku, region) | {
        "create_time": int(item.created),
        "customs_report_info": None,
        "id": int(sku.sku_id),
        "is_suit": 0,
        "open_user_id": 0,
        "price": sku.price.sale,
        "product_id": int(item.item_id),
        "product_id_str": item.item_id,
        "sell_properties": _properties(sku, ids, with_name=False),
        "settlement_price": 0,
        "spec_detail_id1": id1,
        "spec_detail_id2": id2,
        "spec_detail_id3": id3,
        "spec_detail_name1": name1,
        "spec_detail_name2": name2,
        "spec_detail_name3": name3,
        "spec_id": _spec_base(item),
        "stock_map": region_stock(sku, region),
        "suit_num": 0,
        "supplier_id": "",
        "volume": 0,
    }


def stock_row(sku: Sku, region: dict[str, int] | None) -> dict[str, Any]:
    """`sku.stockNum`."""
    return _stock(sku, region) | {"sku_id": int(sku.sku_id), "stock_num_map": region_stock(sku, region)}
