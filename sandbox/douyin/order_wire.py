"""A world order as the ShopOrder object of `order.searchList` and `order.orderDetail`.

Pure rendering: amounts int fen, times int seconds with 0 for "not happened", ids as strings on both order levels.
The money fields follow the dossier's invariants (marked inferred there): a line pays its amount minus promotions,
freight sits on the parent only, shares of coupons are already apportioned to lines.
"""

from typing import Any

from ..model import Deposit, Line, Order, Package, Shop
from .carriers import carrier_name
from .receiver import Receiver
from .states import STATUS_TEXT, line_mark, line_status, main_status, order_status

PICTURE = "https://p3-aio.example.com/obj/sample/{}.jpg"
CREATOR = 98765432101
ROOM = 7550000000000000001
CATEGORY = {"first_cid": 20005, "second_cid": 20234, "third_cid": 20901, "fourth_cid": 0}
EXPIRE = 1800


def seconds(at: float | None) -> int:
    """Whole seconds, 0 when it has not happened."""
    return int(at) if at else 0


def shop_order(order: Order, shop: Shop, receiver: Receiver, *, full: bool = False) -> dict[str, Any]:
    """The parent order (level 2) with its sku orders; `receiver` holds the ciphertexts of the order's address.

    `full` adds what only `order.orderDetail` shows in the samples: how the discounts of each line came about.
    """
    lines = [sku_order(order, line, receiver) | (_extras(line) if full else {}) for line in order.lines]
    return {
        "accept_order_status": 0,
        "shop_id": int(shop.shop_id),
        "shop_name": shop.name,
        "open_id": "",
        "order_id": order.order_id,
        "order_level": 2,
        **_kind(order),
        **_status(order_status(order), main_status(order)),
        **_times(order),
        "buyer_words": order.buyer_note,
        "seller_words": order.memo,
        **_source(),
        **_payment(order),
        **_parent_money(order, lines),
        "exp_ship_time": seconds(order.ship_by),
        "ship_time": seconds(order.shipped),
        "appointment_ship_time": 0,
        "logistics_info": [_package(order, package) for package in order.packages],
        "sku_order_list": lines,
        "seller_remark_stars": order.flag or 0,
        "order_phase_list": _phases(order, order.deposit) if order.deposit else [],
        "doudian_open_id": receiver.buyer_pseudonym,
        "open_address_id": receiver.address_pseudonym,
        "serial_number_list": [],
        "shop_order_tag_ui": [],
        "user_tag_ui": [{"key": "user_profile_shop_customer_type", "text": "店铺新客"}],
        "address_tag_ui": [],
        "promise_info": "",
        "user_id_info": {"encrypt_id_card_name": "", "encrypt_id_card_no": "", "id_card_name": "", "id_card_no": ""},
        **receiver.fields,
    }


def sku_order(order: Order, line: Line, receiver: Receiver) -> dict[str, Any]:
    """One sku order (level 3). The first of an order has the parent's id."""
    sent = [package.at for package in order.packages if line.line_id in package.contents]
    return {
        "order_id": line.line_id,
        "parent_order_id": order.order_id,
        "order_level": 3,
        **_kind(order),
        **_status(line_status(order, line), main_status(order, line)),
        **_times(order),
        **_source(),
        **_channel_of_sale(line),
        **_payment(order),
        **_line_money(order, line),
        "code": line.code,
        "exp_ship_time": seconds(order.ship_by),
        "ship_time": seconds(min(sent)) if sent else 0,
        "logistics_receipt_time": seconds(order.received),
        "confirm_receipt_time": seconds(order.finished),
        **_goods(line),
        "pre_sale_type": 1 if order.presale else 0,
        "after_sale_info": line_mark(order, line),
        "receive_type": 1,
        "need_serial_number": False,
        "ad_env_type": "",
        "sku_order_tag_ui": [],
        "appointment_ship_time": 0,
        **_gift_link(order, line),
        "bundle_sku_info": [],
        "sku_customization_info": [],
        "promise_info": "",
        "quality_inspection_status": 0,
        **receiver.fields,
    }


def _extras(line: Line) -> dict[str, Any]:
    return {
        "campaign_info": [],
        "promotion_detail": _promotions(line),
        "is_activity": False,
        "relation_order": None,
        "writeoff_info": [],
    }


def _kind(order: Order) -> dict[str, Any]:
    trade, text = 0, "普通"
    if order.deposit:
        trade, text = 2, "定金预售"
    elif order.variant == "group":
        trade, text = 1, "拼团"
    elif order.lottery:
        trade, text = 11, "抽奖"
    return {
        "biz": 2,
        "biz_desc": "小店",
        "order_type": 0,
        "order_type_desc": "普通订单",
        "trade_type": trade,
        "trade_type_desc": text,
    }


def _status(status: int, main: int) -> dict[str, Any]:
    return {
        "order_status": status,
        "order_status_desc": STATUS_TEXT[status],
        "main_status": main,
        "main_status_desc": STATUS_TEXT[main],
    }


def _times(order: Order) -> dict[str, Any]:
    return {
        "pay_time": seconds(order.paid),
        "order_expire_time": EXPIRE,
        "finish_time": seconds(order.finished),
        "create_time": seconds(order.created),
        "update_time": seconds(order.updated),
        "cancel_reason": order.cancel_reason,
    }


def _source() -> dict[str, Any]:
    return {"b_type": 2, "b_type_desc": "抖音", "sub_b_type": 1, "sub_b_type_desc": "app内-原生", "app_id": 0}


def _channel_of_sale(line: Line) -> dict[str, Any]:
    allied = line.discounts.creator > 0
    return {
        "send_pay": 0,
        "send_pay_desc": "",
        "author_id": CREATOR,
        "author_name": "示例主播",
        "theme_type": "1",
        "theme_type_desc": "直播间",
        "room_id": ROOM,
        "room_id_str": str(ROOM),
        "content_id": "0",
        "video_id": "",
        "origin_id": f"{CREATOR}_{ROOM}",
        "cid": 0,
        "c_biz": 2 if allied else 8,
        "c_biz_desc": "精选联盟" if allied else "小店自卖",
        "page_id": 0,
    }


def _payment(order: Order) -> dict[str, Any]:
    if order.paid is None:
        return {"pay_type": 0, "channel_payment_no": ""}
    if order.pay_amount == 0:
        return {"pay_type": 7, "channel_payment_no": ""}
    return {"pay_type": 2, "channel_payment_no": f"{int(order.paid)}22{order.order_id[-16:]}"}


def _line_money(order: Order, line: Line) -> dict[str, Any]:
    """The manual price change rides on the first line, so that lines always sum up to the parent."""
    off = line.discounts
    change = order.change_amount if line is order.lines[0] else 0
    platform = off.platform + off.government
    return {
        "order_amount": line.amount + change,
        "pay_amount": line.pay_amount + change,
        "post_amount": 0,
        "post_insurance_amount": 0,
        "modify_amount": change,
        "modify_post_amount": 0,
        "promotion_amount": off.total,
        "promotion_shop_amount": off.seller,
        "promotion_platform_amount": platform,
        "promotion_talent_amount": off.creator,
        "promotion_pay_amount": off.channel,
        "promotion_redpack_amount": 0,
        "promotion_redpack_platform_amount": 0,
        "promotion_redpack_talent_amount": 0,
        "shop_cost_amount": off.seller,
        "platform_cost_amount": platform + off.creator,
        "only_platform_cost_amount": platform,
        "author_cost_amount": off.creator,
        "tax_amount": 0,
    }


_SUMMED = (
    "post_insurance_amount",
    "modify_amount",
    "modify_post_amount",
    "promotion_amount",
    "promotion_shop_amount",
    "promotion_platform_amount",
    "promotion_talent_amount",
    "promotion_pay_amount",
    "promotion_redpack_amount",
    "promotion_redpack_platform_amount",
    "promotion_redpack_talent_amount",
    "shop_cost_amount",
    "platform_cost_amount",
    "only_platform_cost_amount",
    "author_cost_amount",
    "tax_amount",
)


def _parent_money(order: Order, lines: list[dict[str, Any]]) -> dict[str, Any]:
    money = {name: sum(line[name] for line in lines) for name in _SUMMED}
    # Free shipping shows as freight that was promoted away, on every other order.
    waived = 1000 if not order.postage and int(order.created) % 2 else 0
    return {
        "order_amount": sum(line["order_amount"] for line in lines) + order.postage,
        "pay_amount": sum(line["pay_amount"] for line in lines) + order.postage,
        "post_amount": order.postage,
        "post_origin_amount": order.postage + waived,
        "post_promotion_amount": waived,
        "total_promotion_amount": money["promotion_amount"] + waived,
        "packing_amount": 0,
        **money,
    }


def _goods(line: Line) -> dict[str, Any]:
    return {
        "goods_type": 0,
        "product_id": int(line.item_id),
        "product_id_str": line.item_id,
        "sku_id": int(line.sku_id),
        "spec": specs(line),
        **CATEGORY,
        "out_sku_id": "0",
        "out_product_id": "0",
        "supplier_id": "",
        "warehouse_ids": [],
        "out_warehouse_ids": [],
        "inventory_type": "",
        "inventory_type_desc": "",
        "inventory_list": [
            {
                "count": line.quantity,
                "inventory_type": 1,
                "inventory_type_desc": "普通库存",
                "out_warehouse_id": "0",
                "warehouse_id": "0",
                "warehouse_type": 0,
            }
        ],
        "reduce_stock_type": 1,
        "reduce_stock_type_desc": "下单减库存",
        "origin_amount": line.price,
        "goods_price": line.list_price,
        "has_tax": False,
        "item_num": line.quantity,
        "sum_amount": line.amount,
        "source_platform": "",
        "product_pic": PICTURE.format(line.item_id),
        "is_comment": 0,
        "product_name": line.title,
    }


def specs(line: Line) -> list[dict[str, str]]:
    """`[{name, value}]`"""
    return [{"name": name, "value": value} for name, value in line.spec]


def _gift_link(order: Order, line: Line) -> dict[str, Any]:
    """A gift points at the first paid line; that line is the MASTER."""
    masters = [each for each in order.lines if not each.gift]
    has_gift = len(masters) < len(order.lines)
    word, master = "", ""
    if line.gift and masters:
        word, master = "FREE", masters[0].line_id
    elif has_gift and masters and line is masters[0]:
        word = "MASTER"
    return {
        "given_product_type": word,
        "master_sku_order_id": master,
        "master_sku_order_id_list": [master] if master else [],
    }


def _coupon(serial: int, kind: int, name: str, amount: int, payer: str) -> dict[str, Any]:
    return {
        "coupon_amount": amount,
        "coupon_id": 7552000000000000000 + serial,
        "coupon_meta_id": str(7552000000000000900 + serial),
        "coupon_name": name,
        "coupon_type": kind,
        "share_discount_cost": {"author_cost": 0, "platform_cost": 0, "shop_cost": 0, payer: amount},
    }


def _discount(coupons: list[dict[str, Any]]) -> dict[str, Any]:
    total = sum(coupon["coupon_amount"] for coupon in coupons)
    return {
        "coupon_amount": total,
        "coupon_info": coupons,
        "full_discount_amount": 0,
        "full_discount_info": [],
        "total_amount": total,
    }


def _promotions(line: Line) -> dict[str, Any]:
    off = line.discounts
    shop = [_coupon(1, 22, "店铺直减券", off.seller, "shop_cost")] if off.seller else []
    platform = [_coupon(2, 43, "平台满减券", off.platform, "platform_cost")] if off.platform else []
    platform += [_coupon(4, 43, "政府消费补贴", off.government, "platform_cost")] if off.government else []
    creator = [_coupon(3, 45, "达人券", off.creator, "author_cost")] if off.creator else []
    no_redpack: dict[str, Any] = {"redpack_amount": 0, "redpack_info": []}
    return {
        "shop_discount_detail": _discount(shop),
        "platform_discount_detail": {
            **_discount(platform),
            **no_redpack,
            "allowance_amount": 0,
            "gold_coin_amount": 0,
            "official_deduction_amount": 0,
            "user_balance_amount": 0,
        },
        "kol_discount_detail": {**_discount(creator), **no_redpack},
    }


def _package(order: Order, package: Package) -> dict[str, Any]:
    return {
        "company": package.carrier,
        "company_name": carrier_name(package.carrier),
        "delivery_id": package.pack_id,
        "hour_up_pickup_code": "",
        "product_info": [
            {
                "outer_sku_id": line.code,
                "price": line.price,
                "product_count": package.contents[line.line_id],
                "product_id": int(line.item_id),
                "product_id_str": line.item_id,
                "product_name": line.title,
                "sku_id": int(line.sku_id),
                "sku_order_id": line.line_id,
                "sku_specs": specs(line),
            }
            for line in order.lines
            if line.line_id in package.contents
        ],
        "ship_time": int(package.at),
        "tracking_no": package.tracking_no,
    }


def _phases(order: Order, deposit: Deposit) -> list[dict[str, Any]]:
    """Deposit and balance of a presale; the balance is what remains of the order (inferred)."""
    line = order.lines[0]
    balance = order.pay_amount - deposit.paid
    rows = [
        (1, deposit.paid, order.created, deposit.balance_from),
        (2, balance, deposit.balance_from, deposit.balance_until),
    ]
    paid = (order.paid is not None or order.state == "deposit_paid", order.paid is not None)
    return [
        {
            "phase_order_id": f"{order.order_id}{number}",
            "total_phase": 2,
            "current_phase": number,
            "sku_order_id": line.line_id,
            "pay_success": paid[number - 1],
            "phase_open_time": seconds(opens),
            "phase_close_time": seconds(closes),
            "phase_pay_time": (seconds(order.created if number == 1 else order.paid)) if paid[number - 1] else 0,
            "phase_payable_price": amount,
            "phase_pay_type": 2,
            "sku_price": line.price,
            "phase_order_amount": amount,
            "phase_sum_amount": amount - (order.postage if number == 2 else 0),
            "phase_post_amount": order.postage if number == 2 else 0,
            "phase_pay_amount": amount,
            "phase_promotion_amount": 0,
            "current_phase_status_desc": "已支付" if paid[number - 1] else "待支付",
            "channel_payment_no": "",
            "campaign_id": 0,
        }
        for number, amount, opens, closes in rows
    ]
