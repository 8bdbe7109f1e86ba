"""What JD's after-sale desk remembers besides the world: the shop's answers and what was written into service orders.

Kept by after-sale id of the world. The world's `Refund` is either a refund application (for the whole order) or a
service order (for one line); a service order that ends in money is seen as a refund application of its own, too.
"""

from dataclasses import dataclass, field

from ..model import Event, Refund, RefundKind, RefundState
from .profile import SERVICE_IDS

APPLICATION_IDS = 60_000_000_000
"""Refund applications that follow from service orders are numbered from here on."""


@dataclass(slots=True)
class Reply:
    """The shop's answer to a refund application. `status` is the wire's: 1, 2, 6, 9 or 10."""

    at: float
    status: int
    user: str
    remark: str


@dataclass(slots=True)
class Service:
    """What the shop wrote into a service order, in the wire's words."""

    approver: str = ""
    approver_name: str = ""
    approve_result: int | None = None
    approve_notes: str = ""
    approved: float | None = None
    question: str | None = None
    """`asked` = waiting for the buyer's answer, `answered`; None = nobody asked."""
    pickup: bool = False
    """JD fetches the goods."""
    new_order_id: str = ""
    returned: float | None = None
    """When the buyer entered or changed the return waybill."""
    updated_by: str = ""
    log: list[tuple[float, str, str]] = field(default_factory=list)
    """(when, operator, what was done)."""


@dataclass(slots=True)
class Desk:
    """Replies by refund application id, service orders by service id."""

    replies: dict[str, Reply] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)

    def service(self, refund: Refund) -> Service:
        """What is written in this service order."""
        return self.services.setdefault(refund.refund_id, Service())

    def on_event(self, event: Event) -> None:
        """Subscriber of the world: the buyer's steps."""
        if event.refund is None or event.shop.channel != "jd" or not is_service(event.refund):
            return
        service = self.service(event.refund)
        if event.kind == "refund.returned":
            service.returned = event.at
        elif event.kind == "refund.modified" and service.question == "asked":
            service.question = "answered"


def is_service(refund: Refund) -> bool:
    """Whether the after-sale is a service order (asc.*), not a bare refund application."""
    return int(refund.refund_id) >= SERVICE_IDS


def application_id(refund: Refund) -> str:
    """The id of the after-sale as a refund application; that of a service order follows from its own."""
    if not is_service(refund):
        return refund.refund_id
    return str(int(refund.refund_id) - SERVICE_IDS + APPLICATION_IDS)


def refund_id_of(application: str) -> str:
    """The world's after-sale id behind a refund application id."""
    if application.isdecimal() and APPLICATION_IDS <= int(application) < SERVICE_IDS:
        return str(int(application) - APPLICATION_IDS + SERVICE_IDS)
    return application


def applied_at(refund: Refund) -> float | None:
    """When the after-sale became a refund application; None when it is none (yet).

    A service order becomes one when the goods are registered, or when JD itself grants the money.
    """
    if not is_service(refund):
        return refund.created
    if refund.state in (RefundState.REFUNDING, RefundState.REFUNDED):
        return refund.registered or refund.agreed
    return refund.registered if refund.kind in (RefundKind.RETURN, RefundKind.REFUND_ONLY) else None
