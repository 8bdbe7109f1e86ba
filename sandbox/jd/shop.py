"""The shop itself."""

from .call import Call, Members, Method
from .errors import Refusal


def shop_id(vender_id: str) -> int:
    """The shop's number beside the vender's (made up: the vender's plus ten million)."""
    return int(vender_id) + 10_000_000


def query(call: Call) -> Members:
    """jingdong.vender.shop.query"""
    return {
        "shop_jos_result": {
            "vender_id": int(call.shop.shop_id),
            "shop_id": shop_id(call.shop.shop_id),
            "shop_name": call.shop.name,
            "open_time": "2020-01-01 00:00:00",
            "logo_url": "",
            "brief": "",
            "category_main": 1315,
            "category_main_name": "服饰内衣",
        }
    }


def vender(call: Call) -> Members:
    """jingdong.seller.vender.info.get"""
    return {
        "vender_info_result": {
            "vender_id": int(call.shop.shop_id),
            "col_type": 0,
            "shop_id": shop_id(call.shop.shop_id),
            "shop_name": call.shop.name,
            "cate_main": 1315,
        }
    }


def _failure(refusal: Refusal) -> Members:
    """Shape of failures unknown."""
    return {"success": False, "errorMessage": refusal.chinese}


METHODS = {
    "jingdong.vender.shop.query": Method(query, _failure),
    "jingdong.seller.vender.info.get": Method(vender, _failure),
}
