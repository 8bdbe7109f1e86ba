"""An order as JD tells it: every member of `orderInfo` that is documented and not left optional.

Callers keep only the members that `optional_fields` names. `detail_answer` is also the text of a data-sync row.
"""

from datetime import datetime
from functools import lru_cache
from typing import Any

from ..model import Line, Order, Package, State
from . import money, receiver
from .params import SHANGHAI
from .states import TEXTS, order_state

NEVER = "0001-01-01 00:00:00"
OPERATOR = "示例店员"
_SETTLING = 5
"""An order is last modified this many seconds after it ended."""
SUCCESS = {"success": True, "englishErrCode": "", "chineseErrCode": "", "numberCode": 0}


def when(at: float | None) -> str:
    """`yyyy-MM-dd HH:mm:ss` in Shanghai; the year 1 when it did not happen."""
    return NEVER if at is None else _clock_text(int(at))


@lru_cache(maxsize=20_000)
def _clock_text(second: int) -> str:
    return datetime.fromtimestamp(second, SHANGHAI).isoformat(" ")[:19]


def milliseconds(at: float | None) -> int:
    """Epoch milliseconds of the whole second; 0 when it did not happen."""
    return 0 if at is None else int(at) * 1000


def vender_remark(order: Order) -> str:
    """The seller's memo with the suffix JD appends: who wrote it and when."""
    return f"{order.memo}【{OPERATOR} {when(order.memo_changed)}】" if order.memo else ""


def sku_uuid(order: Order, line: Line) -> str:
    """The line in part shipments; nothing else names it."""
    return f"u-{order.lines.index(line) + 1:04d}"


def parcels(order: Order) -> list[Package]:
    """What was sent, in order of sending."""
    return [package for package in order.packages if package.kind in ("main", "split")]


def _tracking(order: Order) -> tuple[str, str]:
    """(`logisticsId`, `waybill`): companies joined by `|`, numbers of one company by `,`."""
    numbers: dict[str, list[str]] = {}
    for package in parcels(order):
        numbers.setdefault(package.carrier, []).append(package.tracking_no)
    return "|".join(numbers), "|".join(",".join(each) for each in numbers.values())


def _ended(order: Order) -> str:
    if order.finished is not None:
        return when(max(order.finished - _SETTLING, order.shipped or 0))
    return when(order.cancelled)


def _item(line: Line) -> dict[str, str]:
    return {
        "skuId": line.sku_id,
        "outerSkuId": line.code,
        "skuName": f"{line.title} {line.spec_text.replace(',', ' ')}",
        "jdPrice": money.yuan(line.price),
        "giftPoint": "0",
        "wareId": line.item_id,
        "itemTotal": str(line.quantity),
        "productNo": line.item_code,
        "serviceName": "",
        "newStoreId": "0",
    }


def _invoice(order: Order) -> dict[str, Any]:
    wanted = order.invoice_requested
    return {
        "invoiceEasyInfo": {
            "invoiceType": "3" if wanted else "0",
            "invoiceTitle": "个人" if wanted else "",
            "invoiceContentId": "明细" if wanted else "",
            "invoiceConsigneeEmail": "",
            "invoiceConsigneePhone": receiver.mask_phone(order.buyer.phone) if wanted else "",
            "invoiceCode": "",
        },
        "invoiceInfo": "发票类型:电子发票;发票抬头:个人;发票内容:明细" if wanted else "不需要开具发票",
        "invoiceCode": "",
        "vatInfo": {},
    }


def _parts(order: Order) -> list[dict[str, Any]]:
    """`partialLogisticsInfoModel`: only of orders shipped in parts."""
    sent = parcels(order)
    if order.state is not State.PART_SHIPPED and sum(bool(package.contents) for package in sent) < 2:
        return []
    return [
        {
            "shipmentId": n,
            "logicId": package.carrier,
            "waybillId": package.tracking_no,
            "packageNum": 1,
            "shipmentTime": milliseconds(package.at),
            "shipmentModifyTime": milliseconds(package.at),
            "skus": [
                {"skuUuid": sku_uuid(order, order.line(line_id)), "skuId": int(order.line(line_id).sku_id), "num": num}
                for line_id, num in package.contents.items()
            ],
        }
        for n, package in enumerate(sent, 1)
    ]


def _pause(order: Order, state: str) -> dict[str, Any]:
    """`pauseBizInfo`; the numbers and what the three times mean are inferred."""
    if state not in ("PAUSE", "POP_ORDER_PAUSE"):
        return {}
    deposit = order.deposit
    times = {"codDT": "", "dbDT": "", "ljDT": ""}
    if deposit is not None:
        times = {"codDT": "", "dbDT": when(deposit.balance_from), "ljDT": when(deposit.balance_until)}
    return {"pauseBizStatusList": [{"bizType": 2 if deposit else 1, "bizStatus": 1}], "pauseBizDataYy": times}


def full(order: Order, *, encrypted: bool) -> dict[str, Any]:
    """Every member; receiver data as ciphertext or masked."""
    state = order_state(order)
    logistics_id, waybill = _tracking(order)
    cod = order.variant == "cod"
    return {
        "orderId": order.order_id,
        "venderId": order.shop_id,
        "orderType": "75" if order.variant == "virtual" else "22",
        "payType": "1-货到付款" if cod else "4-在线支付",
        **money.texts(order),
        "orderState": state,
        "orderStateRemark": TEXTS.get(state, state),
        "deliveryType": "任意时间",
        **_invoice(order),
        "orderRemark": order.buyer_note,
        "orderStartTime": when(order.created),
        "orderEndTime": _ended(order),
        "consigneeInfo": receiver.consignee(order, encrypted=encrypted),
        "itemInfoList": [_item(line) for line in order.lines],
        "couponDetailList": money.coupons(order),
        "venderRemark": vender_remark(order),
        "venderRemarkLevelFlag": str(order.flag or 0),
        "pin": "",
        "returnOrder": "2" if order.variant == "exchange" else "0",
        "paymentConfirmTime": NEVER if cod else when(order.paid),
        "waybill": waybill,
        "logisticsId": logistics_id,
        "modified": when(order.updated),
        "directParentOrderId": order.parent_id or "0",
        "parentOrderId": order.parent_id or "0",
        "orderSource": "移动端订单",
        "storeOrder": "京仓订单" if order.variant == "platform_stock" else "",
        "idSopShipmenttype": 0,
        "scDT": when(order.ship_by) if order.presale and order.ship_by else "",
        "orderSign": "",
        "storeId": "0",
        "realPin": "",
        "open_id_buyer": receiver.open_id(order.buyer),
        "xid_buyer": receiver.xid(order.buyer),
        "orderMarkDesc": {},
        "partialLogisticsInfoModel": _parts(order),
        "pauseBizInfo": _pause(order, state),
    }


def detail(order: Order, fields: frozenset[str] | None, *, encrypted: bool) -> dict[str, Any]:
    """The members that were asked for; None = all."""
    members = full(order, encrypted=encrypted)
    return members if fields is None else {name: value for name, value in members.items() if name in fields}


def detail_answer(order: Order) -> dict[str, Any]:
    """A whole answer of enGet with every member: the content of `responseJson` in a data-sync row."""
    found = {"apiResult": SUCCESS, "orderInfo": detail(order, None, encrypted=True)}
    return {"jingdong_pop_order_enGet_responce": {"code": "0", "orderDetailInfo": found}}
