"""Orders as Pinduoduo shows them. Types differ per API on purpose: ids in `item_list` are texts in the
confirm-time lists and integers elsewhere; money is yuan as a JSON number.
"""

from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from ..model import Discounts, Line, Order, Refund, RefundKind, RefundState, State
from ..world import World
from . import ciphers
from .carriers import REGION_IDS

_SHANGHAI = timezone(timedelta(hours=8))
IMAGE = "https://img.example.invalid/a.jpg"
_SHIPPED = frozenset({State.SHIPPED})
_RECEIVED = frozenset({State.RECEIVED, State.FINISHED})

_REFUND_CODES = {
    RefundState.RETURN_AGREED: 7,
    RefundState.RETURNED: 7,
    RefundState.REFUNDING: 4,
    RefundState.REFUNDED: 10,
    RefundState.REFUSED: 6,
    RefundState.RETURN_REFUSED: 6,
    RefundState.WITHDRAWN: 11,
    RefundState.CLOSED: 12,
    RefundState.ARBITRATION: 8,
    RefundState.SENDING: 14,
    RefundState.SENT: 18,
    RefundState.DONE: 16,
}
_BY_KIND = {
    (RefundKind.REFUND_ONLY, RefundState.REQUESTED): 2,
    (RefundKind.RETURN, RefundState.REQUESTED): 3,
    (RefundKind.EXCHANGE, RefundState.REQUESTED): 14,
    (RefundKind.EXCHANGE, RefundState.RETURN_AGREED): 15,
    (RefundKind.EXCHANGE, RefundState.RETURNED): 14,
    (RefundKind.EXCHANGE, RefundState.CLOSED): 17,
    (RefundKind.RESEND, RefundState.REQUESTED): 14,
    (RefundKind.RESEND, RefundState.SENDING): 32,
    (RefundKind.RESEND, RefundState.CLOSED): 17,
    (RefundKind.REPAIR, RefundState.REQUESTED): 21,
    (RefundKind.REPAIR, RefundState.RETURN_AGREED): 15,
    (RefundKind.REPAIR, RefundState.SENT): 27,
    (RefundKind.REPAIR, RefundState.CLOSED): 24,
    (RefundKind.REPAIR, RefundState.DONE): 25,
}


def when(at: float | None) -> str:
    """`yyyy-MM-dd HH:mm:ss` in Shanghai; empty when it did not happen."""
    return "" if at is None else _clock_text(int(at))


@lru_cache(maxsize=20_000)
def _clock_text(second: int) -> str:
    return datetime.fromtimestamp(second, _SHANGHAI).isoformat(" ")[:19]


def yuan(fen: int) -> float:
    """Yuan as the JSON number the platform sends."""
    return fen / 100


def refund_code(refund: Refund) -> int:
    """`after_sales_status`. A returned parcel keeps 7 with its number filled (inferred)."""
    if refund.code is not None:
        return refund.code
    if refund.state is RefundState.REFUNDING and refund.by_platform:
        return 5
    return _BY_KIND.get((refund.kind, refund.state)) or _REFUND_CODES[refund.state]


def order_status(order: Order) -> int:
    """1 to ship, 2 shipped, 3 received; a closed order keeps what it had."""
    if order.state in _SHIPPED:
        return 2
    return 3 if order.state in _RECEIVED else 1


def refund_status(order: Order) -> int:
    """1 none or closed, 2 in progress, 3 refunding, 4 refunded (4 also when a paid order was cancelled: inferred)."""
    states = {refund.state for refund in order.refunds}
    if RefundState.REFUNDED in states or (order.state is State.CANCELLED and order.paid is not None):
        return 4
    if RefundState.REFUNDING in states:
        return 3
    return 2 if order.open_refund else 1


def confirm_status(order: Order) -> int:
    """0 not confirmed, 1 confirmed, 2 cancelled without having been refunded."""
    if order.state is State.CANCELLED and not order.refunds:
        return 2
    return 0 if order.confirmed is None else 1


def _line(line: Line, ids_as_text: bool) -> dict[str, Any]:
    return {
        "goods_id": line.item_id if ids_as_text else int(line.item_id),
        "goods_name": line.title,
        "goods_img": IMAGE,
        "goods_spec": line.spec_text,
        "goods_price": yuan(line.price),
        "goods_count": line.quantity,
        "sku_id": line.sku_id if ids_as_text else int(line.sku_id),
        "outer_goods_id": line.item_code,
        "outer_id": line.code,
    }


def _amounts(order: Order) -> dict[str, Any]:
    discounts = [line.discounts for line in order.lines]
    return {
        "goods_amount": yuan(order.goods_amount),
        "discount_amount": yuan(order.discount_amount),
        "platform_discount": yuan(sum(map(_platform_share, discounts))),
        "seller_discount": yuan(sum(each.seller for each in discounts)),
        "capital_free_discount": 0.0,
        "order_change_amount": yuan(-order.change_amount),
        "postage": yuan(order.postage),
        "pay_amount": yuan(order.pay_amount),
        "duo_duo_pay_reduction": yuan(sum(each.channel for each in discounts)),
        "delivery_home_value": 0.0,
        "delivery_install_value": 0.0,
        "home_install_value": 0.0,
        "service_fee_detail": [],
        "promotion_detail_list": [],
    }


def _platform_share(discounts: Discounts) -> int:
    return discounts.platform + discounts.government


def _receiver(world: World, order: Order) -> dict[str, Any]:
    """Ciphertext only while the order waits for shipping and is not under review; masks always."""
    buyer, address = order.buyer, order.buyer.address
    key = ciphers.shop_key(world.seed, order.shop_id)
    shown = order.state is State.TO_SHIP and order.hold is None
    full = f"{address.province}{address.city}{address.district}"

    def cipher(kind: int, text: str) -> str:
        return ciphers.encrypt(key, order.order_id, kind, text) if shown else ""

    street = ciphers.mask(ciphers.ADDRESS, address.detail)
    same_person = ciphers.shop_key(world.seed, f"{order.shop_id}:{buyer.name}:{buyer.phone}:{address.detail}").hex()
    return {
        "country": "中国",
        "country_id": 0,
        "province": address.province,
        "province_id": REGION_IDS[address.province_code],
        "city": address.city,
        "city_id": REGION_IDS[address.city_code],
        "town": address.district,
        "town_id": REGION_IDS[address.district_code],
        "receiver_name": cipher(ciphers.NAME, buyer.name),
        "receiver_name_mask": ciphers.mask(ciphers.NAME, buyer.name),
        "receiver_phone": cipher(ciphers.PHONE, buyer.phone),
        "receiver_phone_mask": ciphers.mask(ciphers.PHONE, buyer.phone),
        "receiver_address": cipher(ciphers.ADDRESS, address.detail),
        "receiver_address_mask": street,
        "address": cipher(ciphers.ADDRESS, full + address.detail),
        "address_mask": full + street,
        "contact_mobile": "",
        "open_address_id": same_person[:24] if shown else "",
        "open_address_id_2": same_person[24:48] if shown else "",
    }


def _shipping(order: Order) -> dict[str, Any]:
    def extra(kind: str) -> list[dict[str, Any]]:
        return [
            {"logistics_id": int(package.carrier), "tracking_number": package.tracking_no}
            for package in order.packages
            if package.kind == kind
        ]

    main = next((package for package in order.packages if package.kind == "main"), None)
    return {
        "logistics_id": int(main.carrier) if main else 0,
        "tracking_number": main.tracking_no if main else "",
        "extra_delivery_list": extra("split"),
        "gift_delivery_list": extra("gift"),
        "resend_delivery_list": extra("resend"),
    }


def _step_order(order: Order) -> dict[str, Any] | None:
    deposit = order.deposit
    if deposit is None:
        return None
    paid = {State.UNPAID: 0, State.DEPOSIT_PAID: 1}.get(order.state, 2)
    return {
        "step_trade_status": paid,
        "advanced_paid_fee": yuan(deposit.paid),
        "step_paid_fee": yuan((0, deposit.paid, order.pay_amount)[paid]),
        "step_discount_amount": yuan(deposit.counts_for - deposit.paid),
    }


def _tags(order: Order) -> list[dict[str, Any]]:
    tags = [{"name": "return_freight_payer", "value": 1}, {"name": "no_trace_delivery", "value": 0}]
    if order.ship_hold:
        tags.append({"name": "ship_hold", "value": 1})
    return tags


def order(world: World, order: Order, *, ids_as_text: bool) -> dict[str, Any]:
    """The full order object of the lists and of order.information.get."""
    plain = [line for line in order.lines if not line.gift]
    gifts = [line for line in order.lines if line.gift]
    newest = order.refunds[-1] if order.refunds else None
    return {
        "order_sn": order.order_id,
        "order_status": order_status(order),
        "refund_status": refund_status(order),
        "after_sales_status": refund_code(newest) if newest else 0,
        "confirm_status": confirm_status(order),
        "group_status": 2
        if order.state is State.CANCELLED and order.hold == "group"
        else int(order.confirmed is not None),
        "group_role": int(order.leader),
        "group_order_id": int(order.group_id),
        "risk_control_status": int(order.hold == "risk"),
        "trade_type": int(order.deposit is not None),
        "mkt_biz_type": 0,
        "is_lucky_flag": 2 if order.lottery else 1,
        "is_pre_sale": int(order.presale),
        "pre_sale_time": when(order.ship_by) if order.presale else "",
        "created_time": when(order.created),
        "pay_time": when(order.paid),
        "confirm_time": when(order.confirmed),
        "updated_at": when(order.updated),
        "last_ship_time": when(order.ship_by),
        "promise_delivery_time": "",
        "shipping_time": when(order.shipped),
        "receive_time": when(order.received),
        "urge_shipping_time": when(order.urged),
        **_amounts(order),
        "pay_no": "",
        "pay_type": "",
        "inner_transaction_id": "",
        **_receiver(world, order),
        "buyer_memo": order.buyer_note,
        "remark": order.memo,
        "remark_tag": order.flag,
        "remark_tag_name": order.flag_name if order.flag is not None else None,
        "item_list": [_line(line, ids_as_text) for line in plain],
        "gift_list": [_line(line, False) for line in gifts],
        "gift_order_status": 2 if gifts else None,
        "card_info_list": [],
        **_shipping(order),
        "invoice_status": int(order.invoice_requested),
        "is_stock_out": int(order.stock_out),
        "stock_out_handle_status": 0 if order.stock_out else -1,
        "free_sf": 0,
        "return_freight_payer": 1,
        "delivery_one_day": 0,
        "self_contained": 0,
        "only_support_replace": 0,
        "support_nationwide_warranty": 0,
        "duoduo_wholesale": 0,
        "home_delivery_type": 0,
        "shipping_type": None,
        "bonded_warehouse": "",
        "consolidate_info": None,
        "step_order_info": _step_order(order),
        "order_depot_info": {
            "depot_id": "",
            "depot_code": "",
            "depot_name": "",
            "depot_type": None,
            "ware_id": "",
            "ware_sn": "",
            "ware_name": "",
            "ware_type": None,
            "ware_sub_info_list": [],
        },
        "order_tag_list": _tags(order),
        "cat_id_1": 239,
        "cat_id_2": 240,
        "cat_id_3": 241,
        "cat_id_4": 0,
        "ship_additional_link_order": "",
        "ship_additional_origin_order": "",
        "yyps_date": "",
        "yyps_time": "",
    }


_BASIC = (
    "order_sn",
    "order_status",
    "refund_status",
    "risk_control_status",
    "trade_type",
    "is_lucky_flag",
    "confirm_time",
    "updated_at",
    "goods_amount",
    "discount_amount",
    "platform_discount",
    "seller_discount",
    "postage",
    "pay_amount",
    "delivery_home_value",
    "delivery_install_value",
    "home_delivery_type",
    "home_install_value",
    "step_order_info",
    "item_list",
    "cat_id_1",
    "cat_id_2",
    "cat_id_3",
    "cat_id_4",
)


def basic_order(world: World, each: Order) -> dict[str, Any]:
    """The order without anything about the buyer."""
    full = order(world, each, ids_as_text=True)
    return {name: full[name] for name in _BASIC}
