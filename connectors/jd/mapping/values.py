"""JD's single values: times, yuan and fen, ciphertext and masks, regions; and an order's money with its division over
the lines.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from connectors.jd import wire
from connectors.jd.mapping.tables import CASH_ON_DELIVERY, COUPON_OF, GIFT_CARD
from core.clock import SHANGHAI
from core.model import Masked, Money, Payer, Share
from core.money import fen, receivable

_OFFSET = "+08:00"
"""The wall clock's offset, the same since 1991; looking it up takes twice as long."""

_CIPHER = "AAS"
"""How every ciphertext begins: a weak key and AES-128 in base64."""
_CIPHER_LENGTH = 68
"""Of the shortest one: header, key id, initial vector and a block."""

_STAMP = re.compile(r"\s*【[^【】]*\d{1,2}:\d{2}[^【】]*】$")
"""What the platform writes behind a remark: the operator and the time. Its exact form is inferred."""

COD_ROUNDING = 50
"""Fen by which an amount paid on delivery may differ from its parts."""

_MUNICIPALITIES = ("北京", "天津", "上海", "重庆")


def instant(milliseconds: int | None) -> datetime | None:
    """Epoch milliseconds; 0 is none."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None


def instant_of(text: str | None) -> datetime | None:
    """A wall-clock time of Shanghai, or epoch milliseconds in text; none while it is empty, of year 1 or of 1970.

    Raises ValueError for anything else.
    """
    if not text or text.startswith(("0001", "1970")):
        return None
    if text.isdigit():
        return instant(int(text))
    return datetime.fromisoformat(text + _OFFSET).astimezone(UTC)


def required_instant(text: str) -> datetime:
    """A wall-clock time that must be there. Raises ValueError where it is not."""
    at = instant_of(text)
    if at is None:
        raise ValueError("a time is missing")
    return at


def wall_clock(at: datetime) -> str:
    """An instant as requests want it, to the second."""
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def fen_of(amount: Decimal | str | None) -> int:
    """Yuan as fen; what is not told is 0."""
    return fen(amount) if amount else 0


def apportioned(amount: int, weights: Sequence[int]) -> list[int]:
    """The amount in proportion to the weights. The last one that weighs anything takes what rounding leaves."""
    total = sum(weights)
    parts = [amount * weight // total if total else 0 for weight in weights]
    last = max((place for place, weight in enumerate(weights) if weight), default=len(weights) - 1)
    parts[last] += amount - sum(parts)
    return parts


def masked(sent: str | None, mask: str | None = None) -> Masked:
    """A personal value. What is neither ciphertext nor masked is never kept as it is: at most its ends remain."""
    if not sent:
        return Masked(mask=mask or "")
    if sent.startswith(_CIPHER) and len(sent) >= _CIPHER_LENGTH:
        return Masked(mask=mask or "", cipher=sent)
    if "*" in sent:
        return Masked(mask=mask or sent)
    hidden = f"{sent[:3]}****{sent[-4:]}" if len(sent) > 8 else f"{sent[:1]}**"
    return Masked(mask=mask or hidden)


def unstamped(remark: str | None) -> str:
    """A seller's remark without what the platform wrote behind it."""
    return _STAMP.sub("", remark or "").strip()


def region(province: str, city: str, county: str, town: str) -> tuple[str, str, str, str]:
    """Province, city, district, town. Under the four municipalities the platform's levels sit one too high."""
    name = province.removesuffix("市")
    if name not in _MUNICIPALITIES or not city or city.startswith(name):
        return province, city, county, town
    return province, f"{name}市", city, county + town


@dataclass(frozen=True)
class Taken:
    """A discount, with the SKU it belongs to where the platform says."""

    share: Share
    sku_id: str = ""


def order_money(row: wire.OrderRow) -> tuple[Money, list[Taken], tuple[str, ...]]:
    """The order's money, its discounts, and what is odd about them."""
    taken, prepaid, doubts = _coupons(row)
    if balance := fen_of(row.balanceUsed):
        prepaid.append(Share(payer=Payer.BUYER, amount=balance, name="balanceUsed"))
    goods, cash = fen(row.orderTotalPrice), fen(row.orderPayment)
    postage, fees = fen_of(row.freightPrice), fen_of(row.taxFee) + fen_of(row.serviceFee)
    discounts = tuple(one.share for one in taken)
    pay = cash + sum(share.amount for share in prepaid)
    rounding = pay - (goods + postage + fees - sum(share.amount for share in discounts))
    money = Money(
        goods=goods,
        adjustment=rounding if on_delivery(row) and abs(rounding) <= COD_ROUNDING else 0,
        postage=postage,
        fees=fees,
        discounts=discounts,
        pay=pay,
        payments=(Share(payer=Payer.BUYER, amount=cash), *prepaid),
        receivable=receivable(pay, discounts),
    )
    return money, taken, doubts


def _coupons(row: wire.OrderRow) -> tuple[list[Taken], list[Share], tuple[str, ...]]:
    """What was taken off, what was paid with, what is odd. `sellerDiscount` is what the seller's parts sum to."""
    sellers: list[Taken] = []
    others: list[Taken] = []
    prepaid: list[Share] = []
    doubts: list[str] = []
    for coupon in row.couponDetailList or ():
        number, amount = coupon.couponType.partition("-")[0], fen_of(coupon.couponPrice)
        if not amount:
            continue
        if number == GIFT_CARD:
            prepaid.append(Share(payer=Payer.BUYER, amount=amount, name=coupon.couponType))
            continue
        payer = COUPON_OF.get(number)
        if payer is None:
            doubts.append(f"nobody knows who bears {coupon.couponType}")
        share = Share(payer=payer or Payer.PLATFORM, amount=amount, name=coupon.couponType)
        (sellers if payer is Payer.SELLER else others).append(Taken(share, coupon.skuId or ""))
    told, known = fen_of(row.sellerDiscount), sum(one.share.amount for one in sellers)
    if known > told:
        doubts.append(f"the seller's discounts sum to {known} fen, the order says {told}")
        sellers, known = [], 0
    if known < told:
        sellers.append(Taken(Share(payer=Payer.SELLER, amount=told - known, name="sellerDiscount")))
    return sellers + others, prepaid, tuple(doubts)


def line_moneys(items: Sequence[wire.OrderItem], money: Money, taken: Sequence[Taken]) -> list[Money]:
    """The money of each line: its SKU's discounts, and the others by the lines' worth. Postage and fees stay above."""
    worths = [fen_of(item.jdPrice) * item.itemTotal for item in items]
    shares: list[list[Share]] = [[] for _ in items]
    for one in taken if items else ():
        own = [place for place, item in enumerate(items) if item.skuId == one.sku_id] if one.sku_id else []
        places = own or range(len(items))
        if len(places) == 1:
            shares[places[0]].append(one.share)
            continue
        for place, amount in zip(places, apportioned(one.share.amount, [worths[at] for at in places]), strict=True):
            if amount:
                shares[place].append(Share(payer=one.share.payer, amount=amount, name=one.share.name))
    adjustments = apportioned(money.adjustment, worths) if money.adjustment and items else [0] * len(items)
    moneys = []
    for worth, adjustment, found in zip(worths, adjustments, shares, strict=True):
        pay = worth + adjustment - sum(share.amount for share in found)
        due = receivable(pay, found)
        moneys.append(Money(goods=worth, adjustment=adjustment, discounts=tuple(found), pay=pay, receivable=due))
    return moneys


def on_delivery(row: wire.OrderRow) -> bool:
    return (row.payType or "").partition("-")[0] == CASH_ON_DELIVERY
