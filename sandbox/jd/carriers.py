"""JD's logistics companies. The list is the merchant's own; here every shop has all of them."""

from .call import Call, Members, Method
from .errors import Refusal

SELF_DELIVERY = "1274"
"""Needs no tracking number."""
JD_EXPRESS = "2087"
CARRIERS: dict[str, str] = {
    "467": "顺丰快递",
    "1499": "中通速递",
    "463": "圆通快递",
    "1274": "厂家自送",
    "470": "申通快递",
    "1327": "韵达快递",
    "465": "EMS",
    "2170": "邮政快递包裹",
    "2171": "邮政挂号信",
    "1748": "百世快递",
    "3046": "德邦快递",
    "2130": "德邦物流",
    "2087": "京东快递",
    "332098": "用户自提",
    "336878": "京东大件物流",
    "1409": "宅急送",
    "1747": "优速快递",
    "2009": "天天快递",
    "2465": "国通快递",
    "2105": "速尔快递",
    "4832": "安能物流",
    "2461": "新邦物流",
    "2462": "天地华宇",
    "5419": "中铁物流",
    "900001": "极兔速递",
}
"""Id -> name; the id of 极兔 is made up."""


def companies(call: Call) -> Members:
    """360buy.delivery.logistics.get"""
    call.params.required("optional_fields")
    fields = frozenset(call.params.words("optional_fields"))
    rows = [
        {
            "sequence": str(n),
            "logistics_id": int(carrier),
            "logistics_name": name,
            "logistics_remark": "",
            "agree_flag": "协议物流",
            "is_cod": False,
        }
        for n, (carrier, name) in enumerate(CARRIERS.items(), 1)
    ]
    shown = [{name: value for name, value in row.items() if name in fields} for row in rows]
    return {"logistics_companies": {"vender_id": int(call.shop.shop_id), "logistics_list": shown}}


def vender_carriers(_: Call) -> Members:
    """jingdong.fce.alpha.getVenderCarrier"""
    rows = [{"id": int(carrier), "name": name} for carrier, name in CARRIERS.items()]
    return {"StandardGenericResponse": {"resultCode": 0, "resultMsg": "", "result": {"carrierList": rows}}}


def _failure(refusal: Refusal) -> Members:
    """The shape is inferred."""
    return {"success": False, "errorMessage": refusal.chinese}


METHODS = {
    "360buy.delivery.logistics.get": Method(companies, _failure),
    "jingdong.fce.alpha.getVenderCarrier": Method(vender_carriers, _failure),
}
