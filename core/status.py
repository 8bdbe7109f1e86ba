"""Canonical statuses, one enum per axis, and the rule by which a newly learnt fact meets a known one.

Axes that only advance (payment, fulfilment, closing) take the further of two facts; axes that may return (hold, after-
sale) take the one with the newer source time. UNKNOWN is a value: a code nobody mapped yet. It never displaces a known
fact, and the raw code stays beside it. Which codes a channel has for a word is in that channel's tables.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict


class Payment(StrEnum):
    """How far the buyer has paid."""

    UNKNOWN = "unknown"
    UNPAID = "unpaid"
    PART_PAID = "part_paid"
    PAID = "paid"


class Fulfilment(StrEnum):
    """How far the goods have come."""

    UNKNOWN = "unknown"
    TO_SHIP = "to_ship"
    PART_SHIPPED = "part_shipped"
    SHIPPED = "shipped"
    SIGNED = "signed"
    REJECTED = "rejected"


class Closing(StrEnum):
    """Whether the order has ended, and how."""

    UNKNOWN = "unknown"
    OPEN = "open"
    FINISHED = "finished"
    CLOSED_UNPAID = "closed_unpaid"
    CLOSED_REFUNDED = "closed_refunded"
    REPLACED = "replaced"


class Hold(StrEnum):
    """Why the order must not be shipped now."""

    UNKNOWN = "unknown"
    NONE = "none"
    RISK = "risk"
    GROUP = "group"
    PLATFORM_LOCK = "platform_lock"
    BUYER_CHANGE = "buyer_change"
    GIFT_PENDING = "gift_pending"


class AfterSaleState(StrEnum):
    """The after-sale situation of an order or line, in one word."""

    UNKNOWN = "unknown"
    NONE = "none"
    REQUESTED = "requested"
    RETURNING = "returning"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class AfterSaleKind(StrEnum):
    """What the buyer asks for."""

    UNKNOWN = "unknown"
    REFUND_UNSHIPPED = "refund_unshipped"
    REFUND_ONLY = "refund_only"
    RETURN = "return"
    EXCHANGE = "exchange"
    RESEND = "resend"
    REPAIR = "repair"
    PRICE_PROTECTION = "price_protection"


class AfterSaleStage(StrEnum):
    """Where one after-sale stands and who must act."""

    UNKNOWN = "unknown"
    REQUESTED = "requested"
    """The seller must decide."""
    REFUSED = "refused"
    """The seller refused; the buyer may change the request or call the platform."""
    TO_RETURN = "to_return"
    """Agreed; the buyer must send the goods back."""
    RETURNED = "returned"
    """The goods are on their way back or here; the seller must decide again."""
    TO_REPLACE = "to_replace"
    """The seller must ship the replacement."""
    REPLACED = "replaced"
    """The replacement is shipped; the buyer must confirm."""
    PLATFORM = "platform"
    """The platform is deciding."""
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    DONE = "done"
    """Ended as asked without a refund (exchange, resend, repair)."""
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"
    """Ended without effect: refused by the platform, timed out."""


AFTER_SALE_OVER = frozenset(
    {AfterSaleStage.REFUNDED, AfterSaleStage.DONE, AfterSaleStage.WITHDRAWN, AfterSaleStage.CLOSED}
)
"""The stages behind which nothing comes any more."""


class Shelf(StrEnum):
    """Whether a listing can be bought."""

    UNKNOWN = "unknown"
    ON = "on"
    OFF = "off"
    SOLD_OUT = "sold_out"
    BANNED = "banned"
    DELETED = "deleted"


class OrderStatus(StrEnum):
    """The one word computed from the axes; never stored as a fact."""

    UNKNOWN = "unknown"
    UNPAID = "unpaid"
    PART_PAID = "part_paid"
    ON_HOLD = "on_hold"
    TO_SHIP = "to_ship"
    PART_SHIPPED = "part_shipped"
    SHIPPED = "shipped"
    SIGNED = "signed"
    REJECTED = "rejected"
    FINISHED = "finished"
    CLOSED = "closed"


ORDER_OVER = frozenset({OrderStatus.FINISHED, OrderStatus.CLOSED})
"""The statuses behind which nothing comes any more but an after-sale."""

A = TypeVar("A", bound=StrEnum)
W = TypeVar("W", bound=str)


class Fact(BaseModel, Generic[A]):
    """One axis as a channel told it: the canonical value, the channel's own code, and when it became so (UTC, if
    told).
    """

    model_config = ConfigDict(frozen=True)

    value: A
    raw: str = ""
    at: datetime | None = None


_RANK: dict[StrEnum, int] = {
    member: rank for axis in (Payment, Fulfilment) for rank, member in enumerate(axis) if member.value != "unknown"
} | {
    Closing.OPEN: 0,
    Closing.CLOSED_UNPAID: 1,
    Closing.FINISHED: 1,
    Closing.CLOSED_REFUNDED: 2,
    Closing.REPLACED: 3,
}
"""How far along an advancing axis a value is. Closed unpaid and finished exclude each other, so neither displaces the
other; a finished order may still be refunded whole.
"""


def advance(known: Fact[A], told: Fact[A]) -> Fact[A]:
    """The further of two facts on an axis that only advances; the known one when they are equally far."""
    if told.value in ("unknown", known.value):
        return known
    if known.value == "unknown":
        return told
    return told if _RANK[told.value] > _RANK[known.value] else known


def newest(known: Fact[A], told: Fact[A], *, told_is_newer: bool) -> Fact[A]:
    """The fact of the newer source version on an axis that may return; the known one when the value is the same."""
    if told.value == known.value:
        return known
    if told.value == "unknown" and known.value != "unknown":
        return known
    return told if told_is_newer or known.value == "unknown" else known


def by_code(table: Mapping[W, Iterable[str]]) -> dict[str, W]:
    """A channel's table of its codes for each canonical word, turned round."""
    return {code: word for word, codes in table.items() for code in codes}
