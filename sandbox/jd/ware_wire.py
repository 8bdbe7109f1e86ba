"""How wares and SKUs look on the wire: JSON numbers for ids, yuan and epoch milliseconds; only fields asked for."""

from collections.abc import Mapping
from typing import Any

from ..model import Item, Sku

ON_SHELF, NEVER_LISTED, DELISTED, DELISTED_BY_JD, AUDIT_FAILED, DELETED = 8, 1, 2, 4, 1028, -1
IN_AUDIT = 512
"""Added to the status a ware will have again when its audit is over."""
SKU_ON, SKU_OFF, SKU_DELETED = 1, 2, 4
CATEGORY = 9724
LOGO = "jfs/t1/0/0/0/0/test.jpg"


def stock_num(sku: Sku) -> int:
    """`stockNum`: what lies in the house, goods already booked by orders included."""
    return sku.sellable + sku.held


def ware_status(item: Item) -> int:
    """`wareStatus`. A ware that was off the shelf from the start was never listed; banned ones JD took off."""
    if item.deleted:
        return DELETED
    if item.review == "rejected":
        return AUDIT_FAILED
    if item.review == "banned":
        return DELISTED_BY_JD
    off = NEVER_LISTED if item.delisted is None else DELISTED
    return (ON_SHELF if item.on_shelf else off) + (IN_AUDIT if item.review == "pending" else 0)


def sku_status(item: Item, sku: Sku) -> int:
    """`status` of a SKU."""
    if item.deleted:
        return SKU_DELETED
    return SKU_ON if sku.on_shelf else SKU_OFF


def ware(item: Item, cost: int) -> dict[str, Any]:
    """Every field of a ware; prices are its first SKU's."""
    first = next(iter(item.skus.values()))
    return {
        "wareId": int(item.item_id),
        "title": item.title,
        "categoryId": CATEGORY,
        "brandId": 0,
        "wareStatus": ware_status(item),
        "outerId": item.code,
        "itemNum": item.code,
        "barCode": "",
        "colType": 0,
        "modified": _ms(item.updated),
        "created": _ms(item.created),
        "onlineTime": _ms(item.created if item.listed is None else item.listed),
        "offlineTime": _ms(item.created if item.delisted is None else item.delisted),
        "logo": LOGO,
        "images": [],
        "props": [],
        "features": [],
        "marketPrice": first.price.market / 100,
        "costPrice": cost / 100,
        "jdPrice": first.price.sale / 100,
        "stockNum": sum(stock_num(sku) for sku in item.skus.values()),
    }


def sku_row(item: Item, sku: Sku) -> dict[str, Any]:
    """Every field of a SKU."""
    return {
        "wareId": int(item.item_id),
        "skuId": int(sku.sku_id),
        "status": sku_status(item, sku),
        "saleAttrs": [
            {
                "attrId": str(1_000_000_001 + n),
                "attrValues": [str(1_500_000_001 + int(sku.sku_id) % 1000 + n)],
                "attrValueAlias": [value],
                "index": n + 1,
            }
            for n, (_, value) in enumerate(sku.spec)
        ],
        "features": [],
        "jdPrice": sku.price.sale / 100,
        "outerId": sku.code,
        "barCode": f"69{int(sku.sku_id) % 10**11:011d}",
        "categoryId": CATEGORY,
        "logo": LOGO,
        "skuName": f"{item.title} {sku.spec_text.replace(',', ' ')}",
        "stockNum": stock_num(sku),
        "wareTitle": item.title,
        "modified": _ms(item.updated),
        "created": _ms(item.created),
    }


def picked(row: Mapping[str, Any], fields: list[str], always: tuple[str, ...]) -> dict[str, Any]:
    """The fields asked for; without any, the ids only (inferred). Unknown names are ignored."""
    wanted = set(fields) or set(always)
    return {name: value for name, value in row.items() if name in wanted}


def _ms(at: float) -> int:
    return int(at) * 1000
