"""A trade as the platform tells it: a table of field names and how to read them (`line_wire.py` for its lines).

None leaves a field out. Masked receiver data; times GMT+8; money in yuan. Words of `order.shown` (control API) replace
what would be said: status, type, cod_status; `no_detail_part_consign` = 1 forbids split shipping, `bind` = 1 binds all
lines together.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ..model import Line, State
from . import oaid, states
from .fields import Fields, chosen
from .line_wire import LINE, PICTURE
from .money import platform_coupon, price_cut, seller_coupon
from .parts import service_lines
from .trade_view import Trade, TradeLine, estimate, send_time, ship_by
from .values import CHINA, listed, when, when_known, yuan

OAID_NEEDS = ("receiver_name", "receiver_address", "created", "receiver_mobile", "receiver_phone")


def _service_tags(trade: Trade) -> dict[str, Any] | None:
    hours = int(trade.world.settings.ship_within // 3600)
    tag = {"service_tag": f"origAreaId=330110;consignDate={hours}", "service_type": "TB_CONSIGN_DATE"}
    row = {"order_id": trade.order.order_id, "logistic_service_tag_list": {"logistic_service_tag": [tag]}}
    return {"logistics_tag": [row]}


def _agreement(trade: Trade) -> dict[str, Any] | None:
    if trade.order.shown.get("no_detail_part_consign") != "1":
        return None
    return {"asdp_biz_type": "aox", "asdp_ads": "201", "no_detail_part_consign": "1"}


def _tmall(value: str) -> Callable[[Trade], str | None]:
    return lambda trade: value if trade.shop.kind == "tmall" else None


def _fixed(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


def _received_payment(trade: Trade) -> int:
    """Paid out to the seller: everything once the trade is finished."""
    return trade.money.payment if trade.status == "TRADE_FINISHED" else 0


def _promotions(trade: Trade) -> dict[str, Any] | None:
    """The shop's coupon and the platform's for the order, price cuts for the lines."""
    rows = []
    coupons = (
        ("shopbonus-10000001_20000001", "店铺优惠券", seller_coupon),
        ("crossstore-3_4", "跨店满减", platform_coupon),
    )
    lines = [line for line in trade.order.lines if not line.dropped]
    for promotion_id, name, share in coupons:
        whole = sum(share(line) for line in lines)
        if whole:
            shares = ";".join(f"{line.line_id}:{yuan(share(line))}" for line in lines if share(line))
            rows.append(
                {
                    "id": int(trade.order.order_id),
                    "promotion_id": promotion_id,
                    "promotion_name": name,
                    "promotion_desc": f"{name}:省{yuan(whole)}元",
                    "discount_fee": yuan(whole),
                    "kd_discount_fee": yuan(whole),
                    "kd_child_discount_fee": shares,
                }
            )
    rows += [_price_cut(line) for line in lines if price_cut(line)]
    return listed("promotion_detail", rows)


def _price_cut(line: Line) -> dict[str, Any]:
    return {
        "id": int(line.line_id),
        "promotion_id": "common-10000002_20000002",
        "promotion_name": "限时直降",
        "promotion_desc": f"限时直降:省{yuan(price_cut(line))}元",
        "discount_fee": yuan(price_cut(line)),
    }


def alipay_no(trade: Trade) -> str | None:
    """28 digits; none before the payment."""
    if trade.pay_time is None:
        return None
    return f"{datetime.fromtimestamp(trade.pay_time, CHINA):%Y%m%d}{int(trade.order.order_id) % 10**20:020d}"


def _step_paid(trade: Trade) -> str | None:
    order = trade.order
    if order.deposit is None:
        return None
    if order.paid is not None:
        return yuan(trade.money.payment)
    return yuan(order.deposit.paid if order.deposit_paid is not None else 0)


def _presale_time(trade: Trade) -> str | None:
    return when_known(send_time(trade))


TRADE: dict[str, Callable[[Trade], Any]] = {
    "tid": lambda trade: int(trade.order.order_id),
    "tid_str": lambda trade: trade.order.order_id,
    "sid": lambda trade: trade.order.order_id,
    "status": lambda trade: trade.status,
    "type": lambda trade: states.trade_type(trade.order),
    "title": lambda trade: trade.shop.name,
    "seller_nick": lambda trade: trade.shop.name,
    "buyer_nick": lambda trade: oaid.masked_nick(trade.order.buyer.buyer_id),
    "buyer_open_uid": lambda trade: oaid.open_uid(trade.world, trade.order.buyer.buyer_id),
    "created": lambda trade: when(trade.order.created),
    "pay_time": lambda trade: when_known(trade.pay_time),
    "modified": lambda trade: when(trade.order.updated),
    "async_modified": lambda trade: when(trade.order.updated),
    "consign_time": lambda trade: when(trade.order.packages[0].at) if trade.order.packages else None,
    "end_time": lambda trade: when_known(trade.ended),
    "timeout_action_time": lambda trade: ship_by(trade, 0) if trade.order.state is State.TO_SHIP else None,
    "num": lambda trade: trade.only.quantity if trade.only else 0,
    "num_iid": lambda trade: int(trade.order.lines[0].item_id),
    "price": lambda trade: yuan(trade.order.lines[0].price),
    "pic_path": _fixed(PICTURE),
    "total_fee": lambda trade: yuan(trade.money.total),
    "discount_fee": lambda trade: yuan(trade.money.discount),
    "adjust_fee": lambda trade: yuan(trade.money.adjust),
    "post_fee": lambda trade: yuan(trade.money.postage),
    "payment": lambda trade: yuan(trade.money.payment),
    "received_payment": lambda trade: yuan(_received_payment(trade)),
    "available_confirm_fee": lambda trade: yuan(trade.money.payment - _received_payment(trade)),
    "has_post_fee": lambda trade: trade.money.postage > 0,
    "commission_fee": _fixed("0.00"),
    "platform_subsidy_fee": lambda trade: yuan(trade.money.subsidy),
    "coupon_fee": lambda trade: trade.money.red_packets,
    "alipay_point": _fixed(0),
    "point_fee": _fixed(0),
    "real_point_fee": _fixed(0),
    "buyer_obtain_point_fee": _fixed(0),
    "credit_card_fee": lambda trade: yuan(trade.money.payment),
    "cod_fee": _fixed("0.00"),
    "cod_status": lambda trade: states.cod_status(trade.order),
    "buyer_cod_fee": _fixed("0.00"),
    "seller_cod_fee": _fixed("0.00"),
    "express_agency_fee": _fixed("0.00"),
    "alipay_no": alipay_no,
    "shipping_type": lambda trade: "virtual" if trade.order.variant == "virtual" else "express",
    "trade_from": _fixed("WAP,WAP"),
    "has_buyer_message": lambda trade: bool(trade.order.buyer_note),
    "buyer_message": lambda trade: trade.order.buyer_note or None,
    "buyer_memo": _fixed(None),
    "seller_memo": lambda trade: trade.order.memo or None,
    "seller_flag": lambda trade: trade.order.flag or 0,
    "is_part_consign": lambda trade: trade.order.state is State.PART_SHIPPED,
    "consign_interval": lambda trade: int(trade.world.settings.ship_within // 3600),
    "est_con_time": lambda trade: estimate(trade.order.ship_by) if trade.order.presale and trade.order.ship_by else "",
    "send_time": _presale_time,
    "delivery_time": lambda trade: ship_by(trade, 0),
    "collect_time": lambda trade: ship_by(trade, 1),
    "timing_promise": _tmall("tmallPromise"),
    "promise_service": _tmall("48h"),
    "step_trade_status": lambda trade: states.step_status(trade.order),
    "step_paid_fee": _step_paid,
    "new_presell": lambda trade: trade.order.deposit is not None,
    "is_sh_ship": _fixed(False),
    "is_brand_sale": _fixed(False),
    "is_force_wlb": _fixed(False),
    "is_lgtype": _fixed(False),
    "is_daixiao": _fixed(False),
    "top_hold": lambda trade: int(trade.order.ship_hold),
    "team_buy_hold": lambda trade: int(trade.order.hold == "group"),
    "forbid_consign": lambda trade: int(trade.order.hold == "risk"),
    "lm": lambda trade: "1" if trade.moved else None,
    "snapshot_url": lambda trade: f"t:{trade.order.order_id}_1",
    "receiver_name": lambda trade: oaid.masked_name(trade.order.buyer.name),
    "receiver_state": lambda trade: trade.order.buyer.address.province,
    "receiver_city": lambda trade: trade.order.buyer.address.city,
    "receiver_district": lambda trade: trade.order.buyer.address.district,
    "receiver_town": _fixed(oaid.TOWN),
    "receiver_address": lambda trade: oaid.masked_street(trade.order.buyer.address.detail),
    "receiver_zip": _fixed("000000"),
    "receiver_mobile": lambda trade: oaid.masked_mobile(trade.order.buyer.phone),
    "receiver_phone": _fixed(""),
    "receiver_country": _fixed(""),
    "promotion_details": _promotions,
    "service_tags": _service_tags,
    "logistics_agreement": _agreement,
    "service_orders": lambda trade: service_lines(trade.order),
}


def trade_fields(trade: Trade, fields: Fields, known: frozenset[str]) -> dict[str, Any]:
    """The asked fields out of `known`. `tid` and `oid` bring their texts along, as the samples show."""
    names = {name for name in TRADE if name in fields and name in known}
    if "tid" in names:
        names.add("tid_str")
    row = chosen(TRADE, trade, names)
    if "oaid" in fields and "oaid" in known and all(name in fields for name in OAID_NEEDS):
        row["oaid"] = oaid.oaid(trade.world, trade.shop, trade.order)
    if "orders" in fields:
        inside = fields.inside("orders")
        if inside is not None and "oid" in inside:
            inside = inside | {"oid_str"}
        row["orders"] = {"order": [chosen(LINE, TradeLine(trade, line), inside) for line in trade.order.lines]}
    return row
