"""An after-sale as `afterSale.List` and `afterSale.Detail` show it.

The two APIs disagree on purpose: ids are texts in the list and int64 numbers in the detail, and field names differ
(`aftersale_id`, `after_sale_id`).
"""

from typing import Any

from ..model import Line, Order, Package, Refund, RefundKind, RefundState, Sku
from .carriers import carrier_name
from .envelope import wall_clock
from .order_money import seconds
from .order_wire import PICTURE, specs
from .receiver import Receiver, region
from .states import AFTERSALE_TEXT, FINAL, TYPE_TEXT, line_status, money_status, refund_status, refund_type

REASON_CODE = 1
RETURN_ADDRESS = {
    "city": {"id": "330100", "name": "杭州市"},
    "detail": "示例路88号仓库",
    "landmark": "",
    "province": {"id": "330000", "name": "浙江省"},
    "street": {"id": "330110002", "name": "仓前街道"},
    "town": {"id": "330110", "name": "余杭区"},
}
_NOWHERE = {
    "city": {"id": "", "name": ""},
    "detail": "",
    "encrypt_detail": "",
    "landmark": "",
    "province": {"id": "", "name": ""},
    "street": {"id": "", "name": ""},
    "town": {"id": "", "name": ""},
}


def _arbitrate(refund: Refund) -> int:
    return 1 if refund.state is RefundState.ARBITRATION else 0


def _final(refund: Refund) -> int:
    return seconds(refund.closed or refund.updated) if refund_status(refund) in FINAL else 0


def _exchange(refund: Refund, line: Line, sku: Sku | None) -> dict[str, Any]:
    empty = {
        "code": "", "name": "", "num": 0, "out_sku_id": "", "out_warehouse_id": "", "price": "", "sku_id": "",
        "spec_desc": "", "supplier_id": "", "url": "",
    }  # fmt: skip
    if refund.kind is not RefundKind.EXCHANGE or sku is None:
        return empty
    return empty | {
        "code": sku.code,
        "name": line.title,
        "num": refund.quantity,
        "price": str(sku.price.sale),
        "sku_id": sku.sku_id,
        "spec_desc": sku.spec_text,
        "url": PICTURE.format(sku.item_id),
    }


def _sent(order: Order, line: Line) -> list[Package]:
    return [package for package in order.packages if line.line_id in package.contents]


def _order_logistics(order: Order, line: Line) -> list[dict[str, Any]]:
    return [
        {
            "company_code": package.carrier,
            "company_name": carrier_name(package.carrier),
            "logistics_state": 3 if order.received else 2,
            "logistics_time": int(package.at),
            "tracking_no": package.tracking_no,
        }
        for package in _sent(order, line)
    ]


def list_item(
    order: Order, line: Line, refund: Refund, sku: Sku | None, remarks: list[tuple[float, str]]
) -> dict[str, Any]:
    """One item of `afterSale.List`."""
    back, out = refund.parcel_back, refund.parcel_out
    status = refund_status(refund)
    return {
        "aftersale_info": {
            "aftersale_id": refund.refund_id,
            "aftersale_order_type": 1,
            "aftersale_type": refund_type(refund),
            "aftersale_status": status,
            "related_id": refund.line_id,
            "apply_time": int(refund.created),
            "create_time": int(refund.created),
            "update_time": int(refund.updated),
            "status_deadline": seconds(refund.deadline),
            "refund_amount": refund.amount,
            "refund_post_amount": refund.postage,
            "aftersale_num": refund.quantity,
            "part_type": 0,
            "aftersale_refund_type": 0,
            "refund_type": 0,
            "arbitrate_status": _arbitrate(refund),
            "refund_tax_amount": 0,
            "left_urge_sms_count": 0,
            "return_logistics_code": back[1] if back else "",
            "return_logistics_company_name": carrier_name(back[0]) if back else "",
            "risk_decision_code": 0,
            "risk_decision_reason": "",
            "risk_decision_description": "",
            "return_promotion_amount": line.discounts.seller,
            "refund_status": money_status(refund),
            "arbitrate_blame": 0,
            "exchange_sku_info": _exchange(refund, line, sku),
            "exchange_logistics_company_name": carrier_name(out[0]) if out else "",
            "remark": "",
            "got_pkg": 1 if order.received else 0,
            "order_logistics": _order_logistics(order, line),
            "is_agree_refuse_sign": 0,
            "reason_second_labels": [],
            "aftersale_tags": [],
            "store_id": 0,
            "store_name": "",
            "aftersale_sub_type": 0,
            "aftersale_status_to_final_time": _final(refund),
            "auto_audit_bits": [],
        },
        "order_info": {
            "order_flag": order.flag or 0,
            "related_order_info": [_related(order, line, refund)],
            "shop_order_id": order.order_id,
        },
        "seller_logs": [
            {"content": text, "create_time": wall_clock(at), "op_name": "客服A", "star": order.flag or 0}
            for at, text in remarks
        ],
        "text_part": {
            "aftersale_refund_type_text": "原路退款",
            "aftersale_status_text": AFTERSALE_TEXT.get(status, ""),
            "aftersale_type_text": TYPE_TEXT[refund_type(refund)],
            "arbitrate_status_text": "平台介入中" if _arbitrate(refund) else "",
            "bad_item_text": "",
            "logistics_text": "已发货" if line.shipped else "未发货",
            "reason_text": refund.reason,
            "return_logistics_text": "已发货" if back else "",
        },
    }


def _related(order: Order, line: Line, refund: Refund) -> dict[str, Any]:
    sent = _sent(order, line)
    return {
        "aftersale_item_num": refund.quantity,
        "aftersale_pay_amount": refund.amount - refund.postage,
        "aftersale_post_amount": refund.postage,
        "aftersale_tax_amount": 0,
        "create_time": int(order.created),
        "given_sku_order_ids": [each.line_id for each in order.lines if each.gift and not line.gift],
        "is_oversea_order": 0,
        "item_num": line.quantity,
        "logistics_code": sent[0].tracking_no if sent else "",
        "logistics_company_name": carrier_name(sent[0].carrier) if sent else "",
        "order_status": line_status(order, line),
        "pay_amount": line.pay_amount,
        "post_amount": 0,
        "price": line.price,
        "product_id": int(line.item_id),
        "product_image": PICTURE.format(line.item_id),
        "product_name": line.title,
        "promotion_pay_amount": line.discounts.channel,
        "shop_sku_code": line.code,
        "sku_order_id": line.line_id,
        "sku_spec": specs(line),
        "tags": [],
        "tax_amount": 0,
    }


def detail(
    order: Order,
    line: Line,
    refund: Refund,
    sku: Sku | None,
    receiver: Receiver,
    remarks: list[tuple[float, str]],
    with_log: bool,
) -> dict[str, Any]:
    """`data` of `afterSale.Detail`."""
    return {
        "order_info": {"shop_order_id": int(order.order_id), "sku_order_infos": [_detail_line(order, line, refund)]},
        "process_info": {
            "after_sale_info": _detail_info(order, line, refund, sku, receiver),
            "after_sale_service_tag": {"after_sale_service_tag": []},
            "after_sale_shop_remarks": [
                {
                    "after_sale_id": int(refund.refund_id),
                    "create_time": int(at),
                    "operator": "客服A",
                    "order_id": int(order.order_id),
                    "remark": text,
                }
                for at, text in remarks
            ],
            "arbitrate_info": _arbitrate_info(refund),
            "logistics_info": {
                "exchange": _parcel(
                    refund.parcel_out if refund.kind is not RefundKind.RESEND else None, refund.updated
                ),
                "order": [row | {"value_added_services": []} for row in _order_logistics(order, line)],
                "resend": _parcel(refund.parcel_out if refund.kind is RefundKind.RESEND else None, refund.updated),
                "return": _parcel(refund.parcel_back, refund.updated),
            },
            "price_protection_detail": None,
            "record_logs_list": [_log(refund)] if with_log else [],
        },
    }


def _parcel(parcel: tuple[str, str] | None, at: float) -> dict[str, Any]:
    carrier, number = parcel or ("", "")
    return {
        "company_code": carrier,
        "company_name": carrier_name(carrier),
        "logistics_time": int(at) if parcel else 0,
        "tracking_no": number,
    }


def _arbitrate_info(refund: Refund) -> dict[str, Any]:
    return {
        "arbitrate_blame": 0,
        "arbitrate_conclusion": 0,
        "arbitrate_create_time": 0,
        "arbitrate_evidence": {"describe": "", "images": []},
        "arbitrate_evidence_tmpl": {"dead_line": 0, "describe": "", "images": []},
        "arbitrate_id": "",
        "arbitrate_opinion": "",
        "arbitrate_status": _arbitrate(refund),
        "arbitrate_status_deadline": "",
        "arbitrate_update_time": 0,
        "is_required_evidence": False,
    }


def _log(refund: Refund) -> dict[str, Any]:
    return {
        "action": "买家申请售后",
        "all_evidence": [],
        "desc_kvs": [{"highlight": False, "key": "退款原因", "notice": "", "value": refund.reason}],
        "images": [],
        "operator": "买家",
        "role": 1,
        "text": f"发起了{TYPE_TEXT[refund_type(refund)]}申请",
        "time": wall_clock(refund.created),
    }


def _detail_line(order: Order, line: Line, refund: Refund) -> dict[str, Any]:
    return {
        "after_sale_item_count": refund.quantity,
        "create_time": int(order.created),
        "given_sku_details": [],
        "insurance_tags": [],
        "is_oversea_order": 0,
        "item_quantity": line.quantity,
        "item_sum_amount": line.amount,
        "order_status": line_status(order, line),
        "pay_amount": line.pay_amount,
        "pay_type": 2,
        "post_amount": 0,
        "product_id": int(line.item_id),
        "product_image": PICTURE.format(line.item_id),
        "product_name": line.title,
        "promotion_amount": line.discounts.total,
        "shop_sku_code": line.code,
        "sku_id": int(line.sku_id),
        "sku_order_id": int(line.line_id),
        "sku_pay_amount": line.pay_amount,
        "sku_spec": specs(line),
        "tags": [],
        "tax_amount": 0,
    }


def _detail_info(order: Order, line: Line, refund: Refund, sku: Sku | None, receiver: Receiver) -> dict[str, Any]:
    paid_back = money_status(refund) == 3
    returns = refund.kind in (RefundKind.RETURN, RefundKind.EXCHANGE, RefundKind.REPAIR)
    address_id = int(refund.return_address_id) if refund.return_address_id.isdecimal() else 0
    exchange = refund.kind is RefundKind.EXCHANGE
    place = region(receiver.buyer.address) | {"detail": "", "encrypt_detail": receiver.detail, "landmark": ""}
    status = refund_status(refund)
    return {
        "after_sale_id": int(refund.refund_id),
        "after_sale_status": status,
        "after_sale_status_desc": AFTERSALE_TEXT.get(status, ""),
        "refund_type": 1,
        "refund_type_text": "原路退款",
        "refund_status": money_status(refund),
        "refund_total_amount": refund.amount,
        "refund_post_amount": refund.postage,
        "refund_promotion_amount": 0,
        "apply_time": int(refund.created),
        "update_time": int(refund.updated),
        "reason": refund.reason,
        "reason_code": REASON_CODE,
        "after_sale_type": refund_type(refund),
        "after_sale_type_text": TYPE_TEXT[refund_type(refund)],
        "reason_remark": refund.note,
        "evidence": [],
        "after_sale_apply_count": refund.quantity,
        "need_return_count": refund.quantity if returns else 0,
        "deduction_amount": 0,
        "disable_coupon_id": "",
        "platform_discount_return_amount": line.discounts.platform if paid_back else 0,
        "platform_discount_return_status": 1 if paid_back and line.discounts.platform else 0,
        "kol_discount_return_amount": line.discounts.creator if paid_back else 0,
        "kol_discount_return_status": 1 if paid_back and line.discounts.creator else 0,
        "post_receiver": "",
        "encrypt_post_receiver": receiver.name if exchange else "",
        "post_tel_sec": "",
        "encrypt_post_tel_sec": receiver.phone if exchange else "",
        "post_address": place if exchange else _NOWHERE,
        "risk_decsison_code": 0,
        "risk_decsison_reason": "",
        "risk_decsison_description": "",
        "return_address": RETURN_ADDRESS
        if address_id
        else {k: v for k, v in _NOWHERE.items() if k != "encrypt_detail"},
        "real_refund_amount": refund.amount if paid_back else 0,
        "got_pkg": 1 if order.received else 0,
        "status_deadline": seconds(refund.deadline),
        "return_address_id": address_id,
        "exchange_sku_info": _exchange(refund, line, sku),
        "post_discount_return_amount": 0,
        "post_discount_return_status": 0,
        "part_type": 0,
        "reason_second_labels": [],
        "refund_voucher_num": 0,
        "refund_voucher_times": 0,
        "gold_coin_return_amount": 0,
        "refund_fail_reason": "",
        "aftersale_tags": [],
        "store_id": "0",
        "store_name": "",
        "after_sale_order_type": 1,
        "refund_packing_charge_amount": 0,
        "shop_discount_return_amount": line.discounts.seller,
        "after_sale_sub_type": 0,
        "agree_refuse_sign": 0,
        "apply_role": 1,
        "refund_time": seconds(refund.refunded),
        "aftersale_status_to_final_time": _final(refund),
        "return_method": 1 if returns else 0,
        "auto_audit_bits": [],
        "open_address_id": "",
    }
