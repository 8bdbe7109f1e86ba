"""The money and the lines of an order: wire to canonical. Pure; amounts come in yuan and leave in fen."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from connectors.pinduoduo import tables, wire
from core.model import Line, Money, Payer, Share
from core.money import fen, receivable
from core.status import AfterSaleState, Fact

_NO_MONEY = Money(goods=0, pay=0, receivable=0)


def money(row: wire.OrderRow) -> tuple[Money, tuple[str, ...]]:
    """The order's money, with what is odd about it."""
    change, pay = _fen(row.order_change_amount), fen(row.pay_amount)
    discounts = _shares(
        (Payer.PLATFORM, row.platform_discount, "platform_discount"),
        (Payer.SELLER, row.seller_discount, "seller_discount"),
        (Payer.SELLER, row.capital_free_discount, "capital_free_discount"),
    )
    payments, doubts = _payments(row, pay)
    money = Money(
        goods=fen(row.goods_amount) + change,  # the wire's amount already has the manual change taken off
        adjustment=-change,
        postage=_fen(row.postage),
        fees=_fees(row),
        discounts=discounts,
        pay=pay,
        payments=payments,
        receivable=receivable(pay, discounts),  # inferred: what is paid and what the platform adds
    )
    return money, doubts


def _payments(row: wire.OrderRow, pay: int) -> tuple[tuple[Share, ...], tuple[str, ...]]:
    others = list(_shares((Payer.PAYMENT_CHANNEL, row.duo_duo_pay_reduction, "duo_duo_pay_reduction")))
    if row.government_subsidy_settle_details:
        others += [
            Share(
                payer=tables.FUNDER_OF.get(part.funder, Payer.GOVERNMENT),
                amount=fen(part.amount),
                name="government_subsidy",
            )
            for part in row.government_subsidy_settle_details
        ]
    elif (
        row.trade_in_national_subsidy_type == "1"
    ):  # through the payment; the merchant's kind (2) is in the price (inferred)
        others += _shares((Payer.GOVERNMENT, row.trade_in_national_subsidy_amount, "trade_in_national_subsidy_amount"))
    buyer = pay - sum(share.amount for share in others)
    if buyer < 0:
        return (), (f"others settle {pay - buyer} fen, pay is {pay}",)
    return (Share(payer=Payer.BUYER, amount=buyer), *others), ()


def _fees(row: wire.OrderRow) -> int:
    """The services' total. The older fields count only where the list, which names them too, is empty (inferred)."""
    if row.service_fee_detail:
        return sum(fen(fee.service_fee) for fee in row.service_fee_detail)
    return _fen(row.delivery_home_value) + _fen(row.delivery_install_value) + _fen(row.home_install_value)


def _shares(*parts: tuple[Payer, Decimal | None, str]) -> tuple[Share, ...]:
    return tuple(Share(payer=payer, amount=fen(amount), name=name) for payer, amount, name in parts if amount)


def lines(row: wire.OrderRow, money: Money, after_sale: Fact[AfterSaleState]) -> tuple[Line, ...]:
    bought = _settled(row.item_list)
    # A gift with an order of its own (1) ships there; while that is being made (0) it belongs nowhere yet.
    gifts = _settled(row.gift_list or ()) if row.gift_order_status in {None, "", "2"} else ()
    prices = [_fen(item.goods_price) for item in bought]
    moneys = _divided(money, [price * item.goods_count for price, item in zip(prices, bought, strict=True)])
    seen: dict[str, int] = {}
    lines = [
        _line(row.order_sn, item, seen, unit_price=price, money=part, gift=False)
        for item, price, part in zip(bought, prices, moneys, strict=True)
    ]
    if len(lines) == 1 and after_sale.value is not AfterSaleState.NONE:
        lines[0] = lines[0].model_copy(update={"after_sale": after_sale})
    lines += [_line(row.order_sn, item, seen, unit_price=0, money=_NO_MONEY, gift=True) for item in gifts]
    return tuple(lines)


def _settled(items: Sequence[wire.OrderItem]) -> Sequence[wire.OrderItem]:
    """In an order that does not depend on how the platform lists them, so that equal SKUs keep their numbers."""
    if len(items) < 2:
        return items
    return sorted(items, key=lambda item: (item.sku_id, item.goods_price or 0, item.goods_count, item.goods_spec or ""))


def _line(
    order_sn: str, item: wire.OrderItem, seen: dict[str, int], *, unit_price: int, money: Money, gift: bool
) -> Line:
    number = seen[item.sku_id] = seen.get(item.sku_id, 0) + 1
    return Line(
        id=f"{order_sn}:{item.sku_id}:{number}",
        listing_id=item.goods_id,
        sku_id=item.sku_id,
        merchant_code=item.outer_id or "",
        listing_code=item.outer_goods_id or "",
        title=item.goods_name or "",
        spec=item.goods_spec or "",
        quantity=item.goods_count,
        unit_price=unit_price,
        money=money,
        gift=gift,
    )


def _divided(money: Money, goods: Sequence[int]) -> list[Money]:
    """The order's money per line, by the lines' worth. The platform divides nothing; normal orders have one line."""
    if len(goods) == 1:
        return [_line_money(goods[0], money.adjustment, money.discounts)]
    adjustments = _parts(money.adjustment, goods)
    discounts = [_parts(share.amount, goods) for share in money.discounts]
    divided = []
    for position, worth in enumerate(goods):
        shares = tuple(
            Share(payer=share.payer, amount=parts[position], name=share.name)
            for share, parts in zip(money.discounts, discounts, strict=True)
        )
        divided.append(_line_money(worth, adjustments[position], shares))
    return divided


def _line_money(goods: int, adjustment: int, discounts: tuple[Share, ...]) -> Money:
    pay = goods + adjustment - sum(share.amount for share in discounts)
    return Money(
        goods=goods, adjustment=adjustment, discounts=discounts, pay=pay, receivable=receivable(pay, discounts)
    )


def _parts(amount: int, weights: Sequence[int]) -> list[int]:
    """The amount in proportion to the weights, summing to it exactly."""
    total = sum(weights) or 1
    bounds = [0]
    for weight in weights:
        bounds.append(bounds[-1] + weight)
    upto = [amount * bound // total for bound in bounds[:-1]] + [amount]
    return [later - earlier for earlier, later in pairwise(upto)]


def _fen(amount: Decimal | None) -> int:
    return fen(amount) if amount else 0
