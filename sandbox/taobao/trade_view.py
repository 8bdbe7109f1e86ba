"""A trade and its lines as something to read fields from: world things with what follows from them."""

from datetime import datetime
from functools import cached_property

from ..model import Line, Order, Package, Shop
from ..world import World
from . import states
from .money import Money, money_of
from .values import CHINA, when

_DAY = 86_400


class Trade:
    """An order of a shop, with its money worked out when needed."""

    def __init__(self, world: World, shop: Shop, order: Order, moved: bool = False) -> None:
        self.world, self.shop, self.order, self.moved = world, shop, order, moved

    @cached_property
    def money(self) -> Money:
        """Its amounts."""
        return money_of(self.order)

    @cached_property
    def status(self) -> str:
        """Of the trade."""
        return states.trade_status(self.order)

    @property
    def pay_time(self) -> float | None:
        """When the buyer paid: on delivery for COD."""
        return self.order.received if self.order.variant == "cod" else self.order.paid

    @property
    def ended(self) -> float | None:
        """When it was finished or closed."""
        return self.order.finished or self.order.cancelled

    @property
    def only(self) -> Line | None:
        """The line of a trade that has one."""
        return self.order.lines[0] if len(self.order.lines) == 1 else None


def ship_by(trade: Trade, days: int) -> str | None:
    """The latest time to ship, some days on."""
    return None if trade.order.ship_by is None else when(trade.order.ship_by + days * _DAY)


def send_time(trade: Trade) -> float | None:
    """Of presales: when it will be sent, as far as one knows."""
    order = trade.order
    if not order.presale and order.deposit is None:
        return None
    return order.ship_by or (order.deposit.balance_until if order.deposit else order.created) + 10 * _DAY


def estimate(at: float) -> str:
    """`2024年03月25日24点前`"""
    return f"{datetime.fromtimestamp(at, CHINA):%Y年%m月%d日}24点前"


class TradeLine:
    """A line with its trade."""

    def __init__(self, trade: Trade, line: Line) -> None:
        self.trade, self.line, self.order = trade, line, trade.order
        self.money = trade.money.lines[line.line_id]
        self.refund = states.newest_refund(trade.order, line)
        self.status = states.line_status(trade.order, line)

    @cached_property
    def package(self) -> Package | None:
        """The parcel the line is in."""
        return next((each for each in self.order.packages if self.line.line_id in each.contents), None)
