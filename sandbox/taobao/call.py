"""One checked call on its way to a handler, the row of the method table, and what the platform itself remembers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..model import Order, Refund, Shop
from ..world import World
from . import errors
from .params import Params

CHANNEL = "taobao"
HORIZON = 90 * 86_400
"""How long orders can be asked for (documented as three months)."""


@dataclass
class Memory:
    """Platform state that the world does not have."""

    revision: int = 0
    """Goes up with every event of the world."""
    done: dict[tuple[str, str, str], float] = field(default_factory=dict)
    """(shop, kind, key) -> when."""
    redirects: dict[str, str] = field(default_factory=dict, repr=False)
    """Authorisation code -> the redirect_uri it was asked for with."""
    split: set[str] = field(default_factory=set)
    """Orders that were shipped with `is_split=1`."""
    online: dict[str, "Pending"] = field(default_factory=dict)
    """Order id -> what `online.send` announced without a number."""
    shipped_online: set[str] = field(default_factory=set)
    """Packages that went through `online.send`."""
    numbers: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """(carrier, number) -> the receiver it was used for."""
    waybills: dict[tuple[str, str], str | None] = field(default_factory=dict)
    """(carrier, number) -> the parcel it was drawn for; None = given back."""
    reviewed: set[str] = field(default_factory=set)
    """Refunds a Tmall operator approved."""
    moved: set[str] = field(default_factory=set)
    """Orders whose address was changed."""
    memos: set[str] = field(default_factory=set)
    """Orders that got their memo by `memo.add`."""
    opened: list["Opened"] = field(default_factory=list)
    """The platform's audit of receivers it showed or searched for; its quotas count by it."""


@dataclass(frozen=True)
class Pending:
    """A logistics order that has no tracking number yet."""

    carrier: str
    line_ids: tuple[str, ...] | None
    at: float
    number: int


@dataclass(frozen=True)
class Opened:
    """A receiver that was shown, or a search for one (without a `tid`). `method` and `scene` say what it was for."""

    at: float
    shop_id: str
    method: str
    scene: str
    tid: str = ""


@dataclass(frozen=True)
class Call:
    """A call that passed the gateway. `shop_or_none` is None for APIs without session."""

    world: World
    memory: Memory
    params: Params
    shop_or_none: Shop | None
    method: str

    @property
    def shop(self) -> Shop:
        """The session's seller."""
        if self.shop_or_none is None:
            raise errors.TopError(26)
        return self.shop_or_none

    @property
    def now(self) -> float:
        """Epoch seconds of the world."""
        return self.world.now()

    @property
    def lag(self) -> float:
        """Seconds of changes that lists do not show yet."""
        return self.world.faults.lag(CHANNEL, self.shop.shop_id)

    @property
    def is_tmall(self) -> bool:
        """Whether the seller is a Tmall shop."""
        return self.shop.kind == "tmall"

    def order(self, name: str = "tid") -> Order:
        """The seller's order; refused when foreign, older than the horizon or too new for a lagging index."""
        tid = self.params.required(name)
        if not tid.isdecimal():
            raise errors.business(f"isv.invalid-parameter:{name}", "参数错误")
        found = self.world.book(self.shop).orders.get(tid)
        if found is None or found.created < self.now - HORIZON or (self.lag and found.created > self.now - self.lag):
            raise errors.no_trade()
        return found

    def refund(self) -> Refund:
        """The seller's refund (sub_code inferred)."""
        refund_id = self.params.integer("refund_id")
        found = self.world.book(self.shop).refunds.get(str(refund_id))
        if found is None:
            raise errors.business("isv.refund-not-exist", "退款单不存在")
        return found

    def item_fails(self) -> bool:
        """Whether an injected fault strikes the next row of a batch (or the only one)."""
        return self.world.faults.take("partial_failure", CHANNEL, self.method, self.shop.shop_id) is not None

    def remember(self, kind: str, key: str) -> None:
        """Note that `key` was done."""
        self.memory.done[self.shop.shop_id, kind, key] = self.now

    def remembered(self, kind: str, key: str) -> bool:
        """Whether it was, within `settings.idempotency_memory`."""
        at = self.memory.done.get((self.shop.shop_id, kind, key))
        return at is not None and self.now - at < self.world.settings.idempotency_memory


Handler = Callable[[Call], dict[str, Any]]
"""Answers the fields below the root; None values are left out. Raises errors.TopError or world.Refused."""


@dataclass(frozen=True)
class Api:
    """A row of the method table. `risky` = needs the high-risk level of an authorisation."""

    handler: Handler
    session: bool = True
    listing: bool = False
    """A page of orders, between which `modify_between_pages` strikes."""
    risky: bool = False
