"""The money of an order as Douyin shows it: how it was paid, amounts of lines and parent, discounts, presale phases.

All amounts are int fen. A line pays its amount minus promotions, freight sits on the parent only, shares of coupons are
already apportioned to lines (invariants inferred in the dossier).
"""

from typing import Any

from ..model import Deposit, Line, Order


def seconds(at: float | None) -> int:
    """Whole seconds, 0 when it has not happened."""
    return int(at) if at else 0


def payment(order: Order) -> dict[str, Any]:
    """How it is paid: 7 nothing to pay, else 2 online. Unpaid orders name the intended way
    (inferred); 0 would mean cash on delivery."""
    if order.pay_amount == 0:
        return {"pay_type": 7, "channel_payment_no": ""}
    number = f"{int(order.paid)}22{order.order_id[-16:]}" if order.paid is not None else ""
    return {"pay_type": 2, "channel_payment_no": number}


def line_money(order: Order, line: Line) -> dict[str, Any]:
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


def parent_money(order: Order, lines: list[dict[str, Any]]) -> dict[str, Any]:
    """The parent's amounts: sums of its rendered lines, plus freight."""
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


def promotions(line: Line) -> dict[str, Any]:
    """`promotion_detail`: one coupon per payer; government subsidies appear as a platform coupon (inferred)."""
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


def phases(order: Order, deposit: Deposit) -> list[dict[str, Any]]:
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
