"""Goods, stock and price (dossier sections 8 and 9)."""

from typing import Any

from ..model import Item, Price, Sku
from ..world import Refused
from . import errors
from .call import Call
from .orders import paging
from .render import IMAGE

_REVIEW = {"pending": 1, "passed": 2, "rejected": 3}
"""check_status; only 2 = passed is supported by a sample, 1 and 3 are inferred."""
WEEK = 7 * 86_400


def _item(call: Call) -> Item:
    try:
        return call.world.item(call.shop, call.params.required("goods_id"))
    except Refused:
        raise errors.business("商品不存在或不属于当前店铺") from None


def _sku_of(item: Item, sku_id: str) -> Sku:
    if sku_id not in item.skus:
        raise errors.business("sku不存在")
    return item.skus[sku_id]


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def _spec(sku: Sku) -> list[dict[str, Any]]:
    return [
        {"parent_id": 1215 + n, "parent_name": name, "spec_id": 3_300_001 + n, "spec_name": value, "spec_note": ""}
        for n, (name, value) in enumerate(sku.spec)
    ]


def _total(item: Item) -> int:
    return sum(sku.sellable for sku in item.skus.values())


def _on_sale(item: Item) -> int:
    return int(item.on_shelf and not item.deleted)


def listing(call: Call) -> dict[str, Any]:
    """pdd.goods.list.get: of is_onsale, outer_id and goods_name only the first given one is used."""
    params = call.params
    page, size = paging(call)
    found = [item for item in call.shop.items.values() if not item.deleted]
    if "is_onsale" in params:
        wanted = params.choice("is_onsale", (0, 1))
        found = [item for item in found if _on_sale(item) == wanted]
    elif "outer_id" in params:
        code = params.text("outer_id")
        found = [item for item in found if any(sku.code == code for sku in item.skus.values())]
    elif "goods_name" in params:
        found = [item for item in found if params.text("goods_name") in item.title]
    if "outer_goods_id" in params:
        codes = params.words("outer_goods_id", 10)
        found = [item for item in found if item.code in codes]
    if "created_at_from" in params or "created_at_end" in params:
        start, end = params.integer("created_at_from"), params.integer("created_at_end")
        if not 0 <= end - start <= WEEK:
            raise errors.invalid("created_at_end")
        found = [item for item in found if start <= item.created <= end]
    rows = [_row(item) for item in found[(page - 1) * size : page * size]]
    return {"total_count": len(found), "goods_list": rows}


def _row(item: Item) -> dict[str, Any]:
    return {
        "goods_id": int(item.item_id),
        "goods_name": item.title,
        "goods_quantity": _total(item),
        "goods_reserve_quantity": sum(sku.held for sku in item.skus.values()),
        "image_url": IMAGE,
        "thumb_url": IMAGE,
        "is_more_sku": int(len(item.skus) > 1),
        "is_onsale": _on_sale(item),
        "created_at": int(item.created),
        "sku_list": [
            {
                "sku_id": int(sku.sku_id),
                "sku_quantity": sku.sellable,
                "reserve_quantity": sku.held,
                "is_sku_onsale": int(sku.on_shelf),
                "outer_goods_id": item.code,
                "outer_id": sku.code,
                "spec": sku.spec_text,
                "spec_details": _spec(sku),
            }
            for sku in item.skus.values()
        ],
    }


def detail(call: Call) -> dict[str, Any]:
    """pdd.goods.detail.get: prices in cents."""
    item = _item(call)
    first = next(iter(item.skus.values()))
    status = 4 if item.deleted else 2 if not item.on_shelf else 1 if _total(item) else 3
    return {
        "goods_id": int(item.item_id),
        "goods_name": item.title,
        "tiny_name": item.title,
        "goods_desc": item.title,
        "goods_type": 1,
        "cat_id": 241,
        "status": status,
        "outer_goods_id": item.code,
        "market_price": first.price.market,
        "image_url": IMAGE,
        "carousel_gallery_list": [IMAGE],
        "detail_gallery_list": [],
        "video_gallery": [],
        "cost_template_id": 5_550_001,
        "shipment_limit_second": 172_800,
        "delivery_type": 1,
        "delivery_one_day": 0,
        "is_pre_sale": 0,
        "is_group_pre_sale": 0,
        "is_sku_pre_sale": 0,
        "pre_sale_time": 0,
        "is_refundable": 1,
        "is_folt": 1,
        "second_hand": 0,
        "is_customs": 0,
        "invoice_status": 0,
        "customer_num": 2,
        "buy_limit": 999_999,
        "order_limit": 999_999,
        "two_pieces_discount": 0,
        "skuType": 0,
        "goods_property_list": [],
        "sku_list": [
            {
                "sku_id": int(sku.sku_id),
                "is_onsale": int(sku.on_shelf),
                "out_sku_sn": sku.code,
                "quantity": sku.sellable,
                "reserve_quantity": sku.held,
                "limit_quantity": 999,
                "multi_price": sku.price.sale,
                "price": sku.price.single,
                "weight": 200,
                "length": 0,
                "thumb_url": IMAGE,
                "spec": _spec(sku),
                "sku_property_list": [],
                "oversea_sku": None,
                "sku_pre_sale_time": 0,
            }
            for sku in item.skus.values()
        ],
    }


def information(call: Call) -> dict[str, Any]:
    """pdd.goods.information.get: prices as yuan texts."""
    item = _item(call)
    return {
        "goods_info": {
            "goods_id": int(item.item_id),
            "goods_sn": f"PDD{item.item_id}",
            "goods_type": 1,
            "goods_name": item.title,
            "goods_category": "男装",
            "last_category": "T恤",
            "goods_quantity": _total(item),
            "is_onsale": _on_sale(item),
            "is_refundable": 1,
            "second_hand": 0,
            "shipment_limit_second": 172_800,
            "group_required_customer_num": 2,
            "image_url": IMAGE,
            "sku_list": [
                {
                    "sku_id": int(sku.sku_id),
                    "spec": sku.spec_text,
                    "sku_quantity": sku.sellable,
                    "outer_id": sku.code,
                    "outer_goods_id": item.code,
                    "sku_img": IMAGE,
                    "group_price": _yuan(sku.price.sale),
                    "single_price": _yuan(sku.price.single),
                    "is_sku_onsale": int(sku.on_shelf),
                }
                for sku in item.skus.values()
            ],
        }
    }


def one_sku(call: Call) -> dict[str, Any]:
    """pdd.goods.skus.get"""
    item = _item(call)
    sku = _sku_of(item, call.params.required("sku_id"))
    return {
        "goods_id": int(item.item_id),
        "sku_id": int(sku.sku_id),
        "is_onsale": int(sku.on_shelf),
        "multi_price": sku.price.sale,
        "single_price": sku.price.single,
        "out_sku_sn": sku.code,
        "quantity": sku.sellable,
        "reserve_quantity": sku.held,
        "spec": [
            {"parent_spec_id": row["parent_id"], "parent_spec_name": row["parent_name"]}
            | {name: row[name] for name in ("spec_id", "spec_name", "spec_note")}
            for row in _spec(sku)
        ],
    }


def set_sale(call: Call) -> dict[str, Any]:
    """pdd.goods.sale.status.set: setting what already is, is a success."""
    item = _item(call)
    call.world.set_shelf(call.shop, item, bool(call.params.choice("is_onsale", (0, 1))))
    return {"is_success": True}


def set_quantity(call: Call) -> dict[str, Any]:
    """pdd.goods.quantity.update: absolute (1, default) or delta (2); sku_id wins over outer_id."""
    params = call.params
    item = _item(call)
    if "sku_id" in params:
        sku = _sku_of(item, params.required("sku_id"))
    else:
        code = params.required("outer_id")
        matching = [each for each in item.skus.values() if each.code == code]
        if len(matching) != 1:
            raise errors.business("outer_id对应多个sku" if matching else "sku不存在")
        sku = matching[0]
    update_type = params.choice("update_type", (1, 2), 1)
    if update_type == 1:
        call.world.set_stock(call.shop, sku, params.integer("quantity", low=0))
    else:
        call.world.add_stock(call.shop, sku, params.integer("quantity"))
    return {"is_success": True}


def set_price(call: Call) -> dict[str, Any]:
    """pdd.goods.sku.price.update: an edit that goes to review.

    `sync_goods_operate` 0 (the default!) puts the item on sale.

    single > group and market >= single are platform practice (inferred).
    """
    params = call.params
    item = _item(call)
    relist = params.choice("sync_goods_operate", (0, 1), 0) == 0
    market = params.optional_integer("market_price")
    if market is None and "market_price_in_yuan" in params:
        market = params.integer("market_price_in_yuan", low=1) * 100
    edits = []
    for row in params.objects("sku_price_list", 200):
        sku = _sku_of(item, row.required("sku_id"))
        price = Price(
            row.integer("group_price", sku.price.sale, low=1),
            row.integer("single_price", sku.price.single, low=1),
            market or sku.price.market,
        )
        if price.single <= price.sale or price.market < price.single:
            raise errors.business("单买价必须大于团购价，且不高于市场价")
        edits.append((sku, price, bool(row.choice("is_onsale", (0, 1), int(sku.on_shelf)))))
    edit_id: str | None = None
    for sku, price, on_shelf in edits:
        edit_id = call.world.set_price(call.shop, sku, price, on_shelf=on_shelf, edit_id=edit_id)
    if relist and item.review == "passed":
        call.world.set_shelf(call.shop, item, True)
    return {"is_success": True, "goods_commit_id": int(edit_id or 0)}


def commit_status(call: Call) -> dict[str, Any]:
    """pdd.goods.commit.status.get"""
    rows = []
    for commit_id in call.params.rows("goods_commit_id_list", 100):
        review = call.world.reviews.get(str(commit_id))
        if review is not None and review.shop_id == call.shop.shop_id:
            rows.append({"goods_commit_id": int(commit_id)} | _outcome(review.outcome))
    return {"list": rows}


def latest_commit_status(call: Call) -> dict[str, Any]:
    """pdd.goods.latest.commit.status.get: items never edited through this API are left out (inferred)."""
    rows = []
    for goods_id in call.params.rows("goods_id_list", 100):
        of_item = [
            (commit_id, review)
            for commit_id, review in call.world.reviews.items()
            if review.item_id == str(goods_id) and review.shop_id == call.shop.shop_id
        ]
        if of_item:
            rows.append(
                {"goods_id": int(goods_id), "goods_commit_id": int(of_item[-1][0])} | _outcome(of_item[-1][1].outcome)
            )
    return {"list": rows}


def _outcome(outcome: str) -> dict[str, Any]:
    return {"check_status": _REVIEW[outcome], "reject_comment": "价格不合规" if outcome == "rejected" else ""}
