"""What an order costs, in the platform's terms. Fen in, fen out; `trade_wire.py` writes yuan.

A seller's discount is half a price cut on the line and half a shop coupon; what platform, creators and government pay
is a coupon for the order as well. Always: sum of `divided` of the lines that count + postage == the trade's payment.
An only line's divided part excludes postage (inferred), its payment includes it.
"""

from dataclasses import dataclass

from ..model import Line, Order


@dataclass(frozen=True)
class LineMoney:
    """discount = booked on the line; total = price x num + adjust - discount; part = its share of what is off the
    order; divided = what the buyer pays for it."""

    adjust: int
    discount: int
    total: int
    part: int

    @property
    def divided(self) -> int:
        """Without postage."""
        return self.total - self.part


@dataclass(frozen=True)
class Money:
    """The amounts of an order; `lines` by line id."""

    lines: dict[str, LineMoney]
    total: int
    discount: int
    adjust: int
    postage: int
    payment: int
    subsidy: int
    red_packets: int

    def line_payment(self, order: Order, line: Line) -> int:
        """`payment` of a line: an only line's is the trade's, one of several has no postage and no coupon in it."""
        return self.payment if len(order.lines) == 1 else self.lines[line.line_id].total


def price_cut(line: Line) -> int:
    """The part of the seller's discount that is booked on the line."""
    return line.discounts.seller // 2


def seller_coupon(line: Line) -> int:
    """The line's share of the shop's coupon."""
    return line.discounts.seller - price_cut(line)


def platform_coupon(line: Line) -> int:
    """The line's share of what the platform and others pay."""
    off = line.discounts
    return off.platform + off.creator + off.government


def money_of(order: Order) -> Money:
    """Everything about the order's money."""
    adjusts = _adjusts(order)
    lines: dict[str, LineMoney] = {}
    for line in order.lines:
        adjust = adjusts.get(line.line_id, 0)
        cut = price_cut(line)
        total = line.amount + adjust - cut
        lines[line.line_id] = LineMoney(adjust, cut, total, seller_coupon(line) + platform_coupon(line))
    counting = [line for line in order.lines if not line.dropped] or order.lines
    return Money(
        lines,
        total=sum(line.amount for line in counting),
        discount=sum(lines[line.line_id].part for line in counting),
        adjust=order.change_amount if len(order.lines) == 1 else 0,
        postage=order.postage,
        payment=sum(lines[line.line_id].divided for line in counting) + order.postage,
        subsidy=sum(platform_coupon(line) for line in counting),
        red_packets=sum(line.discounts.channel for line in counting),
    )


def _adjusts(order: Order) -> dict[str, int]:
    """The manual price change, shared by what the lines cost; shares are rounded so that they add up."""
    live = [line for line in order.lines if not line.dropped and line.pay_amount]
    whole = sum(line.pay_amount for line in live)
    shares: dict[str, int] = {}
    so_far = given = 0
    for line in live:
        so_far += line.pay_amount
        share = order.change_amount * so_far // whole - given
        shares[line.line_id], given = share, given + share
    if not live and order.change_amount:
        shares[order.lines[0].line_id] = order.change_amount
    return shares
