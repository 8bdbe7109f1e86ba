"""A world order as the ShopOrder object of `order.searchList` and `order.orderDetail`.

Pure rendering: amounts int fen, times int seconds with 0 for "not happened", ids as strings on both order levels.
Its money is in `order_money.py`.
"""

from typing import Any

from ..model import Line, Order, Package, Shop
from .carriers import carrier_name
from .order_money import line_money, parent_money, payment, phases, promotions, seconds
from .receiver import Receiver
from .states import STATUS_TEXT, line_mark, line_status, main_status, order_status

PICTURE = "https://p3-aio.example.com/obj/sample/{}.jpg"
CREATOR = 98765432101
ROOM = 7550000000000000001
CATEGORY = {"first_cid": 20005, "second_cid": 20234, "third_cid": 20901, "fourth_cid": 0}
EXPIRE = 1800
CANCEL_REASON = {"buyer": "不想要了", "refunded": "退款成功，订单关闭", "timeout": "超时未支付"}
"""The world's words for why an order ended; any other text is shown as it is."""


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
        **payment(order),
        **parent_money(order, lines),
        "exp_ship_time": seconds(order.ship_by),
        "ship_time": seconds(order.shipped),
        "appointment_ship_time": 0,
        "logistics_info": [_package(order, package) for package in order.packages],
        "sku_order_list": lines,
        "seller_remark_stars": order.flag or 0,
        "order_phase_list": phases(order, order.deposit) if order.deposit else [],
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
        **payment(order),
        **line_money(order, line),
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
        "promotion_detail": promotions(line),
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
        "cancel_reason": CANCEL_REASON.get(order.cancel_reason, order.cancel_reason),
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
