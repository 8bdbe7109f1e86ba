"""The things of the sandbox world: apps, shops, items, buyers, orders, after-sales. Data only, no rules.

Money is int fen, time is epoch seconds (float), ids are strings of digits (Pinduoduo order numbers carry a dash).
None as a time means "not happened". Everything mutable is changed by `World` only.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from .items import Item, Price, PriceEdit, Review, Sku, StockSet

__all__ = [
    "OPEN_REFUND_STATES",
    "Address",
    "App",
    "Buyer",
    "Deposit",
    "Discounts",
    "Event",
    "Grant",
    "Item",
    "Line",
    "Order",
    "Package",
    "Price",
    "PriceEdit",
    "Refund",
    "RefundKind",
    "RefundState",
    "Review",
    "Shop",
    "Sku",
    "State",
    "StockSet",
]


@dataclass(frozen=True, slots=True)
class App:
    """The integrator's one application on a channel."""

    channel: str
    key: str
    secret: str = field(repr=False)


@dataclass(slots=True)
class Grant:
    """A shop's tokens. `older` keeps replaced access tokens that still work: token -> valid until."""

    access_token: str = field(repr=False)
    access_expires: float
    refresh_token: str = field(repr=False)
    refresh_expires: float
    older: dict[str, float] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class Shop:
    """One seller account. `scopes` None = every API; `authorised` False = the merchant withdrew the grant."""

    channel: str
    shop_id: str
    name: str
    grant: Grant
    scopes: frozenset[str] | None = None
    authorised: bool = True
    kind: str = ""
    """Where a channel has several kinds of sellers: taobao or tmall on Taobao."""
    topics: frozenset[str] | None = None
    """Push topics the shop was permitted for (Pinduoduo, Taobao); None = not permitted."""
    permitted_at: float | None = None
    topics_changed: float | None = None
    items: dict[str, Item] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Address:
    """National region codes (6 digits; the town 9) with names, and the street part as plain text."""

    province: str
    province_code: str
    city: str
    city_code: str
    district: str
    district_code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Buyer:
    """An invented person, plaintext. Known to the world only; platforms render ciphertext and masks."""

    buyer_id: str
    name: str = field(repr=False)
    phone: str = field(repr=False)
    address: Address = field(repr=False)


class State(StrEnum):
    """Life of an order. WAITING = paid but its group is not complete (Pinduoduo) or it is in risk review (Douyin)."""

    UNPAID = "unpaid"
    DEPOSIT_PAID = "deposit_paid"
    WAITING = "waiting"
    TO_SHIP = "to_ship"
    PART_SHIPPED = "part_shipped"
    SHIPPED = "shipped"
    RECEIVED = "received"
    FINISHED = "finished"
    CANCELLED = "cancelled"


@dataclass(slots=True)
class Discounts:
    """Fen taken off a line, by who pays. `channel` = payment channel, not part of the line's pay amount."""

    seller: int = 0
    platform: int = 0
    creator: int = 0
    government: int = 0
    channel: int = 0

    @property
    def total(self) -> int:
        """Off the price: everything but the payment channel's share."""
        return self.seller + self.platform + self.creator + self.government


@dataclass(slots=True)
class Line:
    """One SKU of an order, with what was true when it was placed. `shipped` counts pieces sent; a gift costs 0."""

    line_id: str
    item_id: str
    sku_id: str
    item_code: str
    code: str
    title: str
    spec: tuple[tuple[str, str], ...]
    quantity: int
    price: int
    list_price: int
    discounts: Discounts
    gift: bool = False
    shipped: int = 0
    cancelled: bool = False
    dropped: bool = False
    """Cancelled before the order was paid: nothing is owed for it."""

    @property
    def amount(self) -> int:
        """price x quantity, before discounts."""
        return self.price * self.quantity

    @property
    def pay_amount(self) -> int:
        """What the buyer pays for the line, without postage."""
        return self.amount - self.discounts.total

    @property
    def spec_text(self) -> str:
        """`红色,XL`"""
        return ",".join(value for _, value in self.spec)


@dataclass(slots=True)
class Package:
    """One parcel. kind: main, split, resend, gift (the last three are information for the buyer on Pinduoduo).

    `carrier` is the platform's own code or id as text; `contents` maps line id -> pieces.
    """

    pack_id: str
    carrier: str
    tracking_no: str
    contents: dict[str, int]
    at: float
    kind: str = "main"


@dataclass(frozen=True, slots=True)
class Deposit:
    """A deposit presale: paid deposit, what it counts for, until when the balance is open."""

    paid: int
    counts_for: int
    balance_from: float
    balance_until: float


@dataclass(slots=True)
class Order:
    """An order with everything the platforms tell about it. Amount properties are derived from the lines."""

    order_id: str
    channel: str
    shop_id: str
    buyer: Buyer
    lines: list[Line]
    created: float
    updated: float
    state: State = State.UNPAID
    postage: int = 0
    change_amount: int = 0
    """The merchant's manual price change, added to the amount (negative = cheaper)."""
    variant: str = "plain"
    hold: str | None = None
    """None, `risk` (under review) or `group` (waiting for the group): do not ship."""
    group_id: str = ""
    leader: bool = True
    presale: bool = False
    lottery: bool = False
    deposit: Deposit | None = None
    deposit_paid: float | None = None
    paid: float | None = None
    confirmed: float | None = None
    shipped: float | None = None
    received: float | None = None
    finished: float | None = None
    cancelled: float | None = None
    urged: float | None = None
    ship_by: float | None = None
    cancel_reason: str = ""
    memo: str = ""
    memo_created: float | None = None
    memo_changed: float | None = None
    flag: int | None = None
    flag_name: str = ""
    buyer_note: str = ""
    stock_out: bool = False
    invoice_requested: bool = False
    ship_hold: bool = False
    printed: tuple[str, str] | None = None
    """(carrier, waybill) reported as printed; not a shipment."""
    wanted_address: Buyer | None = None
    """The buyer's pending application for another receiver."""
    packages: list[Package] = field(default_factory=list)
    refunds: list["Refund"] = field(default_factory=list)
    shown: dict[str, str] = field(default_factory=dict)
    """Platform words forced by the control API, by field name, for states the world has no rule for."""
    parent_id: str = ""
    """The order this one was split from when it was paid (JD)."""
    children: list[str] = field(default_factory=list)
    """The orders it was split into."""
    forced_state: str = ""
    """A platform state forced by the control API, for states the world has no rule for."""
    ship_accepts: int = 0
    """How often a shipping call was accepted (address and number changes not counted)."""
    revision: int = 0

    @property
    def goods_amount(self) -> int:
        """Sum of the lines before discounts, manual change included."""
        return sum(line.amount for line in self.lines if not line.dropped) + self.change_amount

    @property
    def discount_amount(self) -> int:
        """Sum of the lines' discounts."""
        return sum(line.discounts.total for line in self.lines if not line.dropped)

    @property
    def pay_amount(self) -> int:
        """What the buyer owes or paid."""
        return self.goods_amount - self.discount_amount + self.postage

    def line(self, line_id: str) -> Line:
        """The line, or KeyError."""
        for line in self.lines:
            if line.line_id == line_id:
                return line
        raise KeyError(line_id)

    def line_state(self, line: Line) -> State:
        """The state of one line: its own when cancelled or part shipped, else the order's."""
        if line.cancelled:
            return State.CANCELLED
        if self.state is State.PART_SHIPPED:
            if line.shipped >= line.quantity:
                return State.SHIPPED
            return State.PART_SHIPPED if line.shipped else State.TO_SHIP
        return self.state

    @property
    def open_refund(self) -> "Refund | None":
        """The newest after-sale that is still running."""
        for refund in reversed(self.refunds):
            if refund.open:
                return refund
        return None


class RefundKind(StrEnum):
    """What the buyer wants."""

    REFUND_ONLY = "refund_only"
    RETURN = "return"
    EXCHANGE = "exchange"
    RESEND = "resend"
    REPAIR = "repair"


class RefundState(StrEnum):
    """Life of an after-sale. RETURNED = the buyer sent the goods back; SENDING = the merchant must ship again."""

    REQUESTED = "requested"
    RETURN_AGREED = "return_agreed"
    RETURNED = "returned"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    REFUSED = "refused"
    RETURN_REFUSED = "return_refused"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"
    SENDING = "sending"
    SENT = "sent"
    DONE = "done"
    ARBITRATION = "arbitration"


OPEN_REFUND_STATES = frozenset(
    {
        RefundState.REQUESTED,
        RefundState.RETURN_AGREED,
        RefundState.RETURNED,
        RefundState.REFUNDING,
        RefundState.REFUSED,
        RefundState.RETURN_REFUSED,
        RefundState.SENDING,
        RefundState.SENT,
        RefundState.ARBITRATION,
    }
)


@dataclass(slots=True)
class Refund:
    """One after-sale of one line. `before_shipping` is fixed when it is requested."""

    refund_id: str
    order_id: str
    shop_id: str
    line_id: str
    kind: RefundKind
    quantity: int
    amount: int
    postage: int
    reason: str
    note: str
    created: float
    updated: float
    before_shipping: bool
    state: RefundState = RefundState.REQUESTED
    deadline: float | None = None
    agreed: float | None = None
    refunded: float | None = None
    closed: float | None = None
    parcel_back: tuple[str, str] | None = None
    """(carrier, tracking no) of the return."""
    parcel_out: tuple[str, str] | None = None
    """(carrier, tracking no) of the replacement."""
    return_address_id: str = ""
    refuse_reason: str = ""
    by_platform: bool = False
    code: int | None = None
    """A platform status forced by the control API, for states the world has no rule for."""
    whole_order: bool = False
    """For the money of the whole order (JD's refund applications). Refused it is over: the buyer applies anew."""
    registered: float | None = None
    """When the merchant registered the goods that came back (JD)."""
    revision: int = 0
    shown: str = ""
    """A platform status word forced by the control API."""

    @property
    def open(self) -> bool:
        """Still running."""
        if self.whole_order and self.state is RefundState.REFUSED:
            return False
        return self.state in OPEN_REFUND_STATES


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in the world; platforms turn it into push messages.

    Order kinds: order.placed, order.deposit_paid, order.waiting, order.paid (ready to ship), order.held,
    order.released,
    order.shipped, order.part_shipped, order.tracking_changed, order.received, order.finished, order.cancelled,
    order.amount_changed, order.address_changed, order.address_wanted, order.memo_changed, order.buyer_note_changed,
    order.deadline_changed, order.line_dropped, order.changed (anything else).
    Refund kinds: refund.requested, refund.modified, refund.return_agreed, refund.returned, refund.refunding,
    refund.refunded, refund.refused, refund.return_refused, refund.withdrawn, refund.closed, refund.sending,
    refund.sent, refund.done, refund.arbitration, refund.deadline_changed.
    Item kinds: item.changed, item.on_shelf, item.off_shelf, item.added, item.deleted, item.rejected.
    stock.written (with `sku`, without `item`): somebody set a stock number.
    """

    kind: str
    at: float
    shop: Shop
    order: Order | None = None
    refund: Refund | None = None
    item: Item | None = None
    package: Package | None = None
    sku: Sku | None = None
