"""An order's money: orderPayment = orderSellerPrice - platform's discounts - gift card - balance + freight.

Fen inside; texts of yuan in orders, JSON numbers in coupondetail.
"""

from dataclasses import dataclass
from typing import Any

from ..model import Order, State

ON_LINE, OF_SHOP, BEANS, COUPON, GIFT_CARD = (
    "30-单品促销优惠",
    "100-店铺优惠",
    "39-京豆优惠",
    "41-京东券优惠",
    "52-礼品卡优惠",
)


def yuan(fen: int) -> str:
    """`12.30`"""
    sign, fen = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}{fen // 100}.{fen % 100:02d}"


@dataclass(frozen=True, slots=True)
class Amounts:
    """Fen. `platform` = beans and JD's coupons; `gift_card` and `balance` were the buyer's own money."""

    total: int = 0
    seller_discount: int = 0
    platform: int = 0
    gift_card: int = 0
    balance: int = 0
    freight: int = 0
    payment: int = 0

    @property
    def seller_price(self) -> int:
        """What the seller earns on the goods."""
        return self.total - self.seller_discount


def amounts(order: Order) -> Amounts:
    """A split parent has no money left; an order that was never paid keeps only its payment. A price changed by hand
    counts as the seller's discount (inferred)."""
    if order.children:
        return Amounts()
    total = sum(line.amount for line in order.lines)
    seller = sum(line.discounts.seller for line in order.lines) - order.change_amount
    platform = sum(line.discounts.platform + line.discounts.government for line in order.lines)
    owed = total - seller - platform + order.postage
    if order.state is State.CANCELLED and order.paid is None:
        return Amounts(payment=owed)
    prepaid = order.variant == "prepaid"
    balance, card = (min(500, owed // 4), min(300, owed // 4)) if prepaid else (0, 0)
    payment = owed - balance - card
    if order.variant == "cod":
        payment -= payment % 50
    return Amounts(total, seller, platform, card, balance, order.postage, payment)


def texts(order: Order) -> dict[str, str]:
    """The money members of an order."""
    money = amounts(order)
    return {
        "orderTotalPrice": yuan(money.total),
        "orderSellerPrice": yuan(money.seller_price),
        "orderPayment": yuan(money.payment),
        "freightPrice": yuan(money.freight),
        "sellerDiscount": yuan(money.seller_discount),
        "balanceUsed": yuan(money.balance),
        "serviceFee": "0.00",
        "taxFee": "0.00",
        "tuiHuoWuYou": "",
    }


def coupons(order: Order) -> list[dict[str, str]]:
    """`couponDetailList`: per SKU only type 30; half of the seller's part is a shop coupon."""
    money = amounts(order)
    if not money.total:
        return []
    rows = [(line.sku_id, ON_LINE, line.discounts.seller - line.discounts.seller // 2) for line in order.lines]
    beans = money.platform // 6
    rows += [
        ("", OF_SHOP, money.seller_discount - sum(row[2] for row in rows)),
        ("", COUPON, money.platform - beans),
        ("", BEANS, beans),
        ("", GIFT_CARD, money.gift_card),
    ]
    return [
        {"orderId": order.order_id, "skuId": sku_id, "couponType": kind, "couponPrice": yuan(price)}
        for sku_id, kind, price in rows
        if price
    ]


def split_amounts(order: Order) -> dict[str, Any]:
    """`couponDetailVo`: the totals; what the rows of its three lists hold is not documented, so they are empty."""
    money = amounts(order)
    prices = {row["couponType"]: row["couponPrice"] for row in coupons(order) if not row["skuId"]}
    of_lines = sum(line.discounts.seller - line.discounts.seller // 2 for line in order.lines) if money.total else 0
    return {
        "promotionList": [],
        "couponList": [],
        "skuList": [],
        "totalItemPrice": money.total / 100,
        "totalBaseDiscount": of_lines / 100,
        "totalManJian": 0.0,
        "totalVenderFee": 0.0,
        "totalBaseFee": money.freight / 100,
        "totalRemoteFee": 0.0,
        "totalCoupon": float(prices.get(OF_SHOP, "0")) + float(prices.get(COUPON, "0")),
        "totalJingDou": float(prices.get(BEANS, "0")),
        "totalBalance": money.balance / 100,
        "totalSuperRedEnvelope": 0.0,
        "totalPlus95": 0.0,
        "totalTuiHuanHuoWuYou": 0.0,
        "totalTaxFee": 0.0,
        "totalLuoDiPeiService": 0.0,
        "totalShouldPay": money.payment / 100,
    }
