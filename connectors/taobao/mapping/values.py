"""Taobao's single values: times, yuan and fen, ids of listing SKUs, what stands in a personal value's place; and the
money of a trade and its lines.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from itertools import accumulate, pairwise

from connectors.taobao import wire
from connectors.taobao.mapping.tables import CLOSED_UNPAID
from core.model import Masked, Money, Payer, Share
from core.money import fen, receivable

_SHANGHAI = "+08:00"
"""The wall clock's offset, the same since 1991; looking it up takes twice as long."""

_CIPHER = re.compile(r"(?s)([~$]).+\1-?\d+\1{1,2}|\x01.+\x01-?\d+\x01")
"""Values of apps from before the OAID: opaque, kept as they are."""


def instant_of(text: str | None) -> datetime | None:
    """A wall-clock time of Shanghai, empty while it has not come. Raises ValueError for anything else."""
    if not text:
        return None
    return datetime.fromisoformat(text + _SHANGHAI).astimezone(UTC)


def required_instant(text: str) -> datetime:
    """A wall-clock time that must be there. Raises ValueError where it is not."""
    return datetime.fromisoformat(text + _SHANGHAI).astimezone(UTC)


def loose_instant(text: str | None) -> datetime | None:
    """A time from a field that may hold free text ("2024年03月25日24点前"); None for what is no time."""
    try:
        return instant_of(text)
    except ValueError:
        return None


def fen_of(yuan: str | None) -> int:
    """Yuan as fen; what is not told, or told as an empty text, is 0. Raises ValueError for what is no number."""
    if not yuan or yuan == "0.00":
        return 0
    try:
        return fen(Decimal(yuan))
    except (InvalidOperation, OverflowError):
        raise ValueError("an amount that is no number") from None


def apportioned(amount: int, weights: Sequence[int]) -> list[int]:
    """The amount in proportion to the weights, summing to it exactly; nothing where nothing weighs."""
    total = sum(weights)
    if not total:
        return [0] * len(weights)
    return [
        later - earlier
        for earlier, later in pairwise(amount * upto // total for upto in accumulate(weights, initial=0))
    ]


def sku_id_of(num_iid: str | None, sku_id: str | None) -> str:
    """The id that names a listing's SKU: the item's own id for an item without SKUs."""
    return sku_id if sku_id and sku_id != "0" else num_iid or ""


def masked(sent: str | None) -> Masked:
    """A personal value as the platform masked it. What comes plain is never kept as it is: at most its ends remain."""
    if not sent:
        return Masked()
    if "*" in sent:
        return Masked(mask=sent)
    if _CIPHER.fullmatch(sent):
        return Masked(cipher=sent)
    return Masked(mask=f"{sent[:3]}****{sent[-4:]}" if len(sent) > 8 else f"{sent[:1]}**")


@dataclass(slots=True)
class Part:
    """A line's part of the money, in fen, without postage and fees: `own` discounts, its `share` of the order's, and
    how much of that the platform bears. `counts` says whether it is part of the trade's money.
    """

    price: int
    goods: int
    adjustment: int
    own: int
    share: int
    counts: bool
    subsidy: int = 0


def parts_of(trade: wire.Trade) -> list[Part]:
    """The parts of all lines. Which the platform bears is not known before `order_money`."""
    return [_part(row, trade) for row in trade.orders]


def _part(row: wire.OrderLine, trade: wire.Trade) -> Part:
    price = fen_of(row.price)
    goods, adjustment, own = price * row.num, fen_of(row.adjust_fee), fen_of(row.discount_fee)
    # A line that was closed before payment is not in the trade's money (inferred).
    counts = row.status != CLOSED_UNPAID or trade.status == CLOSED_UNPAID
    return Part(price, goods, adjustment, own, _share_of_order(row, trade, goods + adjustment - own), counts)


def _share_of_order(row: wire.OrderLine, trade: wire.Trade, before: int) -> int:
    """The line's share of the order's discounts: as told, else what its real payment is short of; a single line bears
    them all.
    """
    if row.part_mjz_discount:
        return fen_of(row.part_mjz_discount)
    if len(trade.orders) == 1:
        return fen_of(trade.discount_fee)
    return before - fen_of(row.divide_order_fee) if row.divide_order_fee else 0


def line_money(part: Part) -> Money:
    """The money of a line, once `order_money` has seen its part."""
    discounts = _shares((part.own, "discount_fee"), (part.share - part.subsidy, "part_mjz_discount"))
    if part.subsidy:
        discounts = (*discounts, _subsidy(part.subsidy))
    pay = part.goods + part.adjustment - part.own - part.share
    return Money(
        goods=part.goods,
        adjustment=part.adjustment,
        discounts=discounts,
        pay=pay,
        receivable=pay + part.subsidy,
    )


def order_money(trade: wire.Trade, parts: Sequence[Part]) -> tuple[Money, tuple[str, ...]]:
    """The trade's money, with what is odd about it. Tells the parts what the platform bears of them."""
    live = [part for part in parts if part.counts]
    pay = fen_of(trade.payment)
    goods = fen_of(trade.total_fee) if trade.total_fee else sum(part.goods for part in live)
    adjustment = sum(part.adjustment for part in live)
    postage = fen_of(trade.post_fee)
    fees = fen_of(trade.buyer_cod_fee) + _services(trade)
    discounts = _discounts(trade, live, goods + adjustment + postage + fees - pay)
    payments, doubts = _payments(trade, pay)
    money = Money(
        goods=goods,
        adjustment=adjustment,
        postage=postage,
        fees=fees,
        discounts=discounts,
        pay=pay,
        payments=payments,
        receivable=receivable(pay, discounts),
    )
    return money, doubts


def _services(trade: wire.Trade) -> int:
    """Services bought beside the goods have no stock, so they are a fee and not a line (that the payment contains them
    is inferred).
    """
    if not trade.service_orders:
        return 0
    return sum(fen_of(service.payment or service.total_fee) for service in trade.service_orders)


def _discounts(trade: wire.Trade, live: Sequence[Part], missing: int) -> tuple[Share, ...]:
    """Sellers bear every discount but the platform's subsidy. Promotions name the parts where they add up; the sums of
    the lines and of the order stand in for them where they do not (`kd_…` amounts repeat the same money). `missing` is
    what the payment is short of.
    """
    subsidy = fen_of(trade.platform_subsidy_fee)
    own, shared = sum(part.own for part in live), sum(part.share for part in live)
    order_level = fen_of(trade.discount_fee) or shared
    found = _named(trade, own + order_level) or _shares((own, "discount_fee"), (order_level, "discount_fee"))
    if not subsidy:
        return found
    if own + order_level == missing:  # the subsidy is one of the named discounts, else beside them (inferred)
        for part, amount in zip(live, apportioned(subsidy, [part.share for part in live]), strict=True):
            part.subsidy = amount
        found = _without(found, subsidy)
    return (*found, _subsidy(subsidy))


def _without(shares: tuple[Share, ...], amount: int) -> tuple[Share, ...]:
    """The seller's shares once somebody else bears `amount` of them: the one that is just that, else from the last."""
    if same := [share for share in shares if share.amount == amount]:
        return tuple(share for share in shares if share is not same[0])
    kept: list[tuple[int, str]] = []
    for share in reversed(shares):
        borne = min(share.amount, amount)
        amount -= borne
        kept.append((share.amount - borne, share.name))
    return _shares(*reversed(kept))


def _subsidy(amount: int) -> Share:
    return Share(payer=Payer.PLATFORM, amount=amount, name="platform_subsidy_fee")


def _named(trade: wire.Trade, total: int) -> tuple[Share, ...]:
    promotions = trade.promotion_details or ()
    shares = _shares(*((fen_of(each.discount_fee), each.promotion_name or "") for each in promotions))
    return shares if sum(share.amount for share in shares) == total else ()


def _shares(*parts: tuple[int, str]) -> tuple[Share, ...]:
    return tuple([Share(payer=Payer.SELLER, amount=amount, name=name) for amount, name in parts if amount])


def _payments(trade: wire.Trade, pay: int) -> tuple[tuple[Share, ...], tuple[str, ...]]:
    """Who settled it, once paid. That red packets and points are inside the payment is inferred."""
    if not trade.pay_time:
        return (), ()
    parts = ((trade.coupon_fee, "coupon_fee"), (trade.alipay_point, "alipay_point"))
    others = [Share(payer=Payer.PAYMENT_CHANNEL, amount=amount, name=name) for amount, name in parts if amount]
    buyer = pay - sum(share.amount for share in others)
    if buyer < 0:
        return (), (f"others settle {pay - buyer} fen, pay is {pay}",)
    return (Share(payer=Payer.BUYER, amount=buyer), *others), ()
