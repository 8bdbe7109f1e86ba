"""How after-sales look on the wire: buyers masked, rows and details of service orders.

Times are epoch milliseconds, money is yuan as a JSON number. Fields the shop has not filled yet are null (inferred).
"""

from typing import Any

from ..model import Line, Order, Refund
from .aftersale_states import APPROVE_NAMES, EXPECT, SERVICE_STATUS_NAMES, service_status
from .desk import Service
from .order_wire import sku_uuid
from .receiver import mask_name, mask_phone, masked_address

SOP, SOP_NAME = 22, "POPSOP"
BUYER_SHIPS, DOOR_PICKUP = (40, "客户发货"), (4, "上门取件")
PHONE_APP = (106, "手机客户端")
PACKED_SINGLE = (1, "单品")
MAIN_GOODS, GIFT = (10, "主商品"), (20, "赠品")
_QUESTION = (1, "商品问题")
_REFUND_TYPE = (2, "原返")


def milliseconds(at: float | None) -> int | None:
    """Epoch milliseconds, whole seconds; None stays None."""
    return None if at is None else int(at) * 1000


def yuan(fen: int) -> float:
    """A JSON number of yuan."""
    return fen / 100


def application_number(refund: Refund) -> int:
    """`applyId`: the application a service order was opened for."""
    return int(refund.refund_id) - 100_000_000_000


def _named(prefix: str, pair: tuple[int, str]) -> dict[str, Any]:
    return {prefix: pair[0], f"{prefix}Name": pair[1]}


def _goods(order: Order, line: Line) -> dict[str, Any]:
    return {
        "skuId": int(line.sku_id),
        "wareName": f"{line.title} {line.spec_text.replace(',', ' ')}",
        **_named("wareType", GIFT if line.gift else MAIN_GOODS),
        **_named("skuType", PACKED_SINGLE),
        "skuUuid": sku_uuid(order, line),
    }


def _head(order: Order, refund: Refund, service: Service) -> dict[str, Any]:
    status = service_status(refund, service)
    return {
        "serviceId": int(refund.refund_id),
        "applyId": application_number(refund),
        "orderId": int(order.order_id),
        "orderType": SOP,
        "orderTypeName": SOP_NAME,
        "applyTime": milliseconds(refund.created),
        **_named("customerExpect", EXPECT[refund.kind]),
        **_named("serviceStatus", (status, SERVICE_STATUS_NAMES.get(status, ""))),
        "approvePin": service.approver or None,
        "approveName": service.approver_name or None,
        "approveResult": service.approve_result,
        "approveResultName": APPROVE_NAMES.get(service.approve_result or 0),
        "serviceCount": 1,
        "updateDate": milliseconds(refund.updated),
    }


def brief(order: Order, refund: Refund, service: Service) -> dict[str, Any]:
    """A row of the lists: one sku, flat."""
    line = order.line(refund.line_id)
    return _head(order, refund, service) | {
        "customerPin": "",
        "customerName": mask_name(order.buyer.name),
        "customerTel": mask_phone(order.buyer.phone),
        "desen_customerTel": mask_phone(order.buyer.phone),
        "customerGrade": 0,
        "pickwareAddress": masked_address(order.buyer),
        "pickwareType": (DOOR_PICKUP if service.pickup else BUYER_SHIPS)[0],
        "actualPayPrice": yuan(refund.amount),
        **_goods(order, line),
        "approveTime": milliseconds(service.approved),
        **_named("platformSrc", PHONE_APP),
    }


def bill(order: Order, refund: Refund, service: Service) -> dict[str, Any]:
    """`asc.query.view`."""
    line = order.line(refund.line_id)
    return _head(order, refund, service) | {
        **_named("questionTypeCid1", _QUESTION),
        "questionDesc": refund.reason,
        "questionPic": "",
        "updateName": service.updated_by,
        "sysVersion": refund.revision,
        "hasInvoice": False,
        "needDetectionReport": False,
        "hasPackage": True,
        **_named("refundType", _REFUND_TYPE),
        **_named("pickwareType", DOOR_PICKUP if service.pickup else BUYER_SHIPS),
        "returnWareType": 10,
        "returnWareTypeName": "",
        "approveNotes": service.approve_notes,
        "approveDate": milliseconds(service.approved),
        "newOrderId": int(service.new_order_id or 0),
        "serviceBillDetailList": [
            _goods(order, line)
            | {
                "serviceDetailId": int(refund.refund_id) % 1_000_000_000,
                "payPrice": yuan(line.amount * refund.quantity // line.quantity),
                "actualPayPrice": yuan(refund.amount),
                "wareNum": refund.quantity,
            }
        ],
    }


def audit_row(order: Order, refund: Refund, service: Service) -> dict[str, Any]:
    """A row of `asc.audit.list`: an application waiting for the shop."""
    line = order.line(refund.line_id)
    head = _head(order, refund, service)
    kept = ("applyId", "applyTime", "orderId", "orderType", "orderTypeName", "serviceCount")
    status = ("customerExpect", "customerExpectName", "serviceStatus", "serviceStatusName")
    goods = _goods(order, line)
    return {name: head[name] for name in (*kept, *status)} | {
        "serviceIdList": [int(refund.refund_id)],
        "auditOvertime": milliseconds(refund.deadline),
        "timeoutFlag": refund.deadline is None,
        "customerPin": "",
        "customerName": mask_name(order.buyer.name),
        "customerMobile": mask_phone(order.buyer.phone),
        "customerGrade": 0,
        "pickwareAddress": masked_address(order.buyer),
        **{name: goods[name] for name in ("skuId", "wareName", "skuType", "skuTypeName")},
        "extJsonStr": "",
    }


def refund_row(order: Order, refund: Refund, service: Service, application: str, *, paid: bool) -> dict[str, Any]:
    """A row of `asc.serviceAndRefund.view`: 13 the money is back, 14 it is not (`refoundAmount` is JD's spelling)."""
    line = order.line(refund.line_id)
    return {
        "afsRefundId": int(application),
        "refoundAmount": yuan(refund.amount),
        "completeTime": milliseconds(refund.refunded),
        "status": 13 if paid else 14,
        "sameOrderServiceBill": {
            "serviceId": int(refund.refund_id),
            "afsApplyId": application_number(refund),
            "orderId": int(order.order_id),
            "wareId": int(line.sku_id),
            "wareName": f"{line.title} {line.spec_text.replace(',', ' ')}",
            "approveName": service.approver_name,
            "afsApplyTime": milliseconds(refund.created),
            "approveDate": milliseconds(service.approved),
            "questionDesc": refund.reason,
            "customerPin": "",
            "approveNotes": service.approve_notes,
            "applyReason": "",
        },
    }


def freight(order: Order, refund: Refund, service: Service) -> dict[str, Any] | None:
    """The buyer's return waybill; None when there is none. Field names follow `asc.freight.save` (inferred)."""
    if refund.parcel_back is None:
        return None
    company, number = refund.parcel_back
    return {
        "serviceId": int(refund.refund_id),
        "orderId": int(order.order_id),
        "expressCompany": company,
        "expressCode": number,
        "freightMoney": 0.0,
        "shipWayId": 0,
        "updateDate": milliseconds(service.returned),
    }
