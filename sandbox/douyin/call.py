"""One accepted API call, as handlers see it, and what the platform remembers besides the world."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..model import Order, Shop
from ..world import World
from . import errors
from .ciphers import Cipher
from .params import Params
from .receiver import Receiver


@dataclass(frozen=True)
class Warehouse:
    """A seller's warehouse; stock per warehouse lives in `Memory.regions`."""

    warehouse_id: str
    out_id: str
    name: str
    intro: str
    address_detail: str
    location: dict[str, int]
    created: float
    updated: float
    areas: tuple[dict[str, int], ...] = ()


@dataclass(frozen=True)
class Waybill:
    """A number drawn from the platform's e-waybill pool."""

    order_id: str
    pack_id: str
    carrier: str
    track_no: str
    at: float


@dataclass(frozen=True)
class Opened:
    """One ciphertext that was opened, and for whom: an account in the caller's own system."""

    at: float
    shop_id: str
    account_id: str
    order_id: str


@dataclass
class Memory:
    """Platform state that other channels do not have. Keys start with the shop id."""

    done: dict[tuple[str, str, str], tuple[float, Any]] = field(default_factory=dict)
    """(shop, kind, idempotent or request id) -> (when, first answer)."""
    warehouses: dict[tuple[str, str], Warehouse] = field(default_factory=dict)
    regions: dict[str, dict[str, int]] = field(default_factory=dict)
    """sku id -> out_warehouse_id -> pieces, for SKUs switched to region stock."""
    packed: set[str] = field(default_factory=set)
    """Orders shipped by packs: their numbers change through `order.logisticsEditByPack` only."""
    no_address_changes: set[str] = field(default_factory=set)
    """Shops that switched the approval of address changes off."""
    decided: dict[str, int] = field(default_factory=dict)
    """Order id -> what the merchant answered to an address change."""
    numbers: dict[tuple[str, str], str] = field(default_factory=dict)
    """(shop, tracking number) -> the order it was first used for."""
    remarks: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    """After-sale id -> merchant remarks."""
    waybills: dict[tuple[str, str], Waybill] = field(default_factory=dict)
    """(carrier, number) -> e-waybill."""
    old_refresh: dict[str, tuple[Shop, float]] = field(default_factory=dict, repr=False)
    """Replaced refresh token -> its shop, until when it still answers the current pair."""
    waybill_numbers: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """(carrier, order, pack) -> the number drawn for it."""
    opened: list["Opened"] = field(default_factory=list)
    """Who had personal data opened, for the platform's audit."""
    revision: int = 0
    """Goes up with every event of the world."""
    filtered: dict[tuple[Any, ...], tuple[int, list[str]]] = field(default_factory=dict)
    """The last filtered lists and the revision they are of, so that paging through one does not filter again."""

    def listed(self, key: tuple[Any, ...], make: Callable[[], list[str]]) -> list[str]:
        """The ids that `make` finds, found once per revision."""
        kept = self.filtered.get(key)
        if kept is None or kept[0] != self.revision:
            if len(self.filtered) > 16:
                self.filtered.clear()
            kept = self.filtered[key] = (self.revision, make())
        return kept[1]

    def recall(self, shop: Shop, kind: str, key: str, now: float, life: float) -> tuple[float, Any] | None:
        """What was done under this id, unless it is too long ago."""
        found = self.done.get((shop.shop_id, kind, key))
        return found if found and now - found[0] < life else None


@dataclass(frozen=True)
class Call:
    """A call that passed the gateway's checks."""

    world: World
    memory: Memory
    cipher: Cipher
    shop: Shop
    params: Params
    method: str = ""

    @property
    def now(self) -> float:
        """Epoch seconds of the world."""
        return self.world.now()

    def receiver(self, order: Order) -> Receiver:
        """The order's receiver with its ciphertexts."""
        return Receiver(self.cipher, order.order_id, order.buyer)

    def hidden(self, order: Order) -> bool:
        """Whether the index does not know the order yet (setting `index_lag`)."""
        return order.created > self.now - self.lag

    @property
    def lag(self) -> float:
        """Seconds by which lists run behind."""
        return self.world.faults.lag("douyin", self.shop.shop_id)

    def item_fails(self) -> bool:
        """Whether a `partial_failure` fault strikes the next item of this call."""
        return self.world.faults.take("partial_failure", "douyin", self.method, self.shop.shop_id) is not None

    def remembered(self, kind: str, key: str) -> tuple[float, Any] | None:
        """What this shop did under an idempotency key, while it is remembered."""
        life = self.world.settings.idempotency_memory
        return self.memory.recall(self.shop, kind, key, self.now, life)

    def remember(self, kind: str, key: str, answer: Any = None) -> None:
        """Keep the first answer of an idempotency key."""
        if key:
            self.memory.done[self.shop.shop_id, kind, key] = (self.now, answer)


Handler = Callable[[Call], Any]
"""Answers the `data` of a success or raises errors.Refused."""


def address_known(address_id: int) -> bool:
    """Whether an id is in the merchant's address book (every shop has the same two entries)."""
    return address_id in (95250001, 95250002)


def order_of(call: Call, order_id: str, unknown: errors.Refused, foreign: errors.Refused) -> Order:
    """The shop's order; a trailing `A` of old ids is dropped. `unknown` or `foreign` is raised otherwise."""
    order_id = order_id.removesuffix("A")
    book = call.world.book(call.shop)
    order = book.orders.get(order_id)
    if order is not None and not call.hidden(order):
        return order
    others = call.world.shops["douyin"].values()
    raise (
        foreign
        if any(order_id in call.world.book(shop).orders for shop in others if shop is not call.shop)
        else unknown
    )
