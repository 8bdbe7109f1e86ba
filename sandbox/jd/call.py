"""One checked call on its way to a handler, and what a noun module says about each of its methods."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..model import Order, Shop
from ..world import World
from . import errors
from .desk import Desk
from .errors import Refusal
from .ledger import Ledger
from .params import Params

CHANNEL = "jd"


@dataclass(frozen=True, slots=True)
class Opened:
    """A receiver that was shown, or a search for one (without an order)."""

    at: float
    shop_id: str
    method: str
    scene: str
    order_id: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that passed the gateway. `shop_or_none` is None for methods without token."""

    world: World
    method: str
    params: Params
    shop_or_none: Shop | None
    desk: Desk = field(default_factory=Desk)
    """What the after-sale desk remembers."""
    ledger: Ledger = field(default_factory=Ledger)
    """What the goods side remembers."""
    audit: list[Opened] = field(default_factory=list)
    """Whose receivers were shown or searched for; quotas count by it."""

    @property
    def shop(self) -> Shop:
        """The token's shop."""
        if self.shop_or_none is None:
            raise errors.GatewayError(18)
        return self.shop_or_none

    def order(self, order_id: str) -> Order:
        """The shop's order as queries see it; Refusal when foreign, unknown or not indexed yet."""
        order = self.world.book(self.shop).orders.get(order_id)
        if order is None or order.created > self.visible_until():
            raise errors.no_such_order()
        return order

    def visible_until(self) -> float:
        """Updates after this instant are not indexed yet."""
        lag = self.world.faults.lag(CHANNEL, self.shop.shop_id)
        return self.world.now() - lag if lag else float("inf")

    def row_fails(self) -> bool:
        """Whether a `partial_failure` fault strikes this row of a batch."""
        return self.world.faults.take("partial_failure", CHANNEL, self.method, self.shop.shop_id) is not None


Members = dict[str, Any]
"""What stands beside `code` in the answer's wrapper."""


@dataclass(frozen=True, slots=True)
class Method:
    """One API. A noun module exports `METHODS: dict[str, Method]`, wire name -> row; `methods.py` joins them.

    handler: answers the call. failure: how the family tells a Refusal (also one that the world's `Refused` became).
    token: needs an access token. listing: a page of rows (the `modify_between_pages` fault bites).
    """

    handler: Callable[[Call], Members]
    failure: Callable[[Refusal], Members]
    token: bool = True
    listing: bool = False
