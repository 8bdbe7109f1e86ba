"""The port: what a channel declares, and what a connector of one shop can do.

`Channel` is data. `Connector` is one shop's session: credentials, transport, rate gate and clock are handed in. What
channels tell by themselves comes in through `core.notices`.
Adding a channel means implementing these; nothing in `sync/` may need to change.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar, Generic, NoReturn, Protocol, TypeVar

from pydantic import BaseModel, SecretStr

from core.clock import Clock
from core.errors import ChannelError, Reauthorize, Throttled, Unavailable, Unsupported
from core.model import AfterSale, Listing, Memo, Order, Parcel, Price, Shipment, SkuKey, StockLevel
from core.text import visible


class Capability(StrEnum):
    """What a connector may be able to do; one operation of `Connector` each, but for the last group."""

    ORDERS = "orders"
    ORDER = "order"
    AFTER_SALES = "after_sales"
    AFTER_SALE = "after_sale"
    LISTINGS = "listings"
    LISTING = "listing"
    STOCK_LEVELS = "stock_levels"
    SET_STOCK = "set_stock"
    ADJUST_STOCK = "adjust_stock"
    SET_PRICE = "set_price"
    SHIP = "ship"
    CHANGE_TRACKING = "change_tracking"
    MEMO = "memo"
    CARRIERS = "carriers"
    REFRESH = "refresh"
    SUBSCRIBE = "subscribe"
    SET_SHELF = "set_shelf"
    CONFIRM_ADDRESS = "confirm_address"
    REVEAL = "reveal"
    FIND_ORDERS = "find_orders"
    TRACE = "trace"
    SHIP_LINES = "ship_lines"
    """Parcels that hold only some lines or quantities."""
    ADJUST_ONCE = "adjust_once"
    """A stock delta carries a key that makes its repetition harmless."""
    PUSH = "push"
    """The channel tells of changes by itself."""


class Support(StrEnum):
    """Whether a capability is there. ABSENT: the platform cannot. NOT_YET: we have not."""

    NATIVE = "native"
    EMULATED = "emulated"
    ABSENT = "absent"
    NOT_YET = "not_yet"

    def __bool__(self) -> bool:
        return self in (Support.NATIVE, Support.EMULATED)


class Push(StrEnum):
    """How a channel's notices arrive."""

    WEBHOOK = "webhook"
    CONNECTION = "connection"
    POLLED = "polled"
    NONE = "none"


class Scope(StrEnum):
    """Whose calls a limit counts together."""

    SHOP = "shop"
    APP = "app"


@dataclass(frozen=True)
class Limit:
    """At most `calls` calls in `seconds`, of `method` (empty: of all methods together), counted per `scope`."""

    calls: int
    seconds: float
    scope: Scope
    method: str = ""


@dataclass(frozen=True)
class Paging:
    """How a list of changes is pulled completely."""

    window: timedelta
    """The longest time range one pull may ask for."""
    lag: timedelta
    """How long a change may take to show; a window ends this long ago."""
    overlap: timedelta
    """How far a window reaches back into its predecessor."""
    horizon: timedelta
    """How far back the channel answers at all."""


class Packing(StrEnum):
    """How finely a channel is told what lies in which parcel."""

    ORDER = "order"
    """Not at all: an order ships whole, with the first parcel."""
    LINES = "lines"
    """Whole lines, each in one parcel."""
    PIECES = "pieces"


class AgainstRefund(StrEnum):
    """What becomes of a shipment that goes out although the buyer asks for a refund."""

    REFUSES = "refuses"
    """It goes, and the refund is refused with it."""
    STAYS = "stays"
    """It goes, and the refund stays open."""
    NEVER = "never"
    """It does not go before the refund is settled."""


@dataclass(frozen=True)
class ShipmentRule:
    """What a shipment can say on a channel beyond one parcel with the whole order in it; `core.packing` checks wishes
    by it.
    """

    packing: Packing = Packing.PIECES
    most_parcels: int | None = None
    open_parcels: bool = False
    """Several parcels may leave open what lies in them, as long as none of the shipment says it."""
    most_lines: int | None = None
    """How many lines a parcel may name."""
    untold_gifts: bool = False
    """Gifts that the channel adds without a line of their own go along with the order, not with the parcel that names
    them.
    """
    told_by_sku: bool = False
    """What lies in a parcel is told by SKU: lines with the same SKU are one to the channel."""
    against_refund: AgainstRefund = AgainstRefund.REFUSES
    """What `refuse_refund` does here."""


@dataclass(frozen=True)
class ShopOption:
    """Something a shop's owner may choose on this channel. An empty `choices` takes any text."""

    name: str
    default: str
    choices: tuple[str, ...]
    help: str
    help_zh: str


@dataclass(frozen=True)
class Channel:
    """What a channel is and can do. `notes` says why something is absent or emulated; docs/channels.md prints it."""

    code: str
    label: str
    label_zh: str
    gateway: str
    """Scheme, host and port of production; overridden by `QUDAO_<CODE>_GATEWAY`."""
    push: Push
    push_gateway: str = ""
    """Where the long connection goes; derived from an overridden gateway by the session."""
    capabilities: Mapping[Capability, Support] = field(default_factory=dict)
    notes: Mapping[Capability, str] = field(default_factory=dict)
    orders: Paging | None = None
    after_sales: Paging | None = None
    stock_batch: int = 1
    """How many SKUs one drain of the stock lane hands over at a time."""
    price_batch: int = 1
    limits: tuple[Limit, ...] = ()
    price_rule: Callable[[Price], str] | None = None
    """The channel's rule between a SKU's prices: what is broken, in words, or an empty text. Absent prices break
    nothing.
    """
    notice_patience: timedelta = timedelta(minutes=10)
    """How long an object named by a push may be missing from the query API."""
    options: tuple[ShopOption, ...] = ()
    """What can be chosen per shop."""
    shipments: ShipmentRule = ShipmentRule()
    """What a shipment cannot say here."""
    shows_unpaid: bool = True
    """Whether an order is shown before it is paid, when it may hold stock already."""
    lists_names: bool = False
    """Whether its lists of changes only name what changed, so that each row costs a call: those of `Connector.known`
    are left out.
    """

    def supports(self, capability: Capability) -> Support:
        return self.capabilities.get(capability, Support.NOT_YET)


@dataclass(frozen=True)
class Credentials:
    """What one shop's calls are signed and authorised with. Secrets do not show in `repr`."""

    app_key: str
    app_secret: SecretStr
    access_token: SecretStr
    refresh_token: SecretStr
    access_expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None


class Urgency(StrEnum):
    """What a call is for, the costliest to starve first. `NOW`: shipments, and stock that has run out."""

    NOW = "now"
    READ = "read"
    """Orders and after-sales, and whatever is not said to be anything else."""
    STOCK = "stock"
    PRICE = "price"
    LISTING = "listing"
    BACKFILL = "backfill"


@dataclass(frozen=True)
class Call:
    """One request about to leave, as far as budgets care."""

    channel: str
    app_key: str
    shop: str
    method: str
    urgency: Urgency = Urgency.READ


class Gate(Protocol):
    """The rate budget. Asked before every single request, pages and retries included."""

    def enter(self, call: Call) -> None:
        """Returns when the call may leave; raises Throttled with the wait when that is too long to sit out."""

    def refused(
        self, call: Call, retry_after: float | None, scope: Scope = Scope.SHOP, *, every_method: bool = False
    ) -> None:
        """The channel itself said that this call was too much. Calls of that shop, or of all shops of the app, to that
        method or to any, are kept back for `retry_after` seconds, or for a while.
        """

    def failed(self, call: Call) -> None:
        """The call met an outage: a shop most of whose calls fail is asked less and less, and no other one with it."""


class OpenGate:
    """A gate without limits, for tests of one connector."""

    def enter(self, call: Call) -> None:
        return None

    def refused(
        self, call: Call, retry_after: float | None, scope: Scope = Scope.SHOP, *, every_method: bool = False
    ) -> None:
        return None

    def failed(self, call: Call) -> None:
        return None


class Transport(Protocol):
    """Moves one request. `connectors.http.Http` is the real one."""

    def send(self, request: "Request") -> bytes:
        """The body of a 2xx answer. Raises Unavailable, Malformed, or for a write that may have landed
        OutcomeUnknown.
        """


@dataclass(frozen=True)
class Request:
    """One HTTP request, as signed. `write` says that repeating it blindly could do harm."""

    call: Call
    url: str
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    http_method: str = "POST"
    write: bool = False


@dataclass(frozen=True)
class Window:
    """A time range of source changes, both ends inclusive, aware."""

    since: datetime
    until: datetime


T = TypeVar("T")


@dataclass(frozen=True)
class Fetched(Generic[T]):
    """A canonical value with the raw JSON text it came from (personal data as the channel sent it: encrypt before
    storing). U+0000 stays in the raw text alone: in the value it is made visible, as PostgreSQL would refuse it.
    """

    value: T
    raw: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if b"\\u0000" in self.raw:
            object.__setattr__(self, "value", _visible(self.value))


def _visible(value: Any) -> Any:
    """A canonical value with every text of it made visible."""
    if type(value) is str:  # an enum has none
        return visible(value)
    if isinstance(value, BaseModel):
        return value.model_copy(update={name: _visible(getattr(value, name)) for name in type(value).model_fields})
    return tuple(map(_visible, value)) if isinstance(value, tuple) else value


@dataclass(frozen=True)
class BadRow:
    """A row that could not be read. `id` is empty when not even that was found. It must not stop its page."""

    id: str
    reason: str
    raw: bytes = field(repr=False)


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page. `expected` is how many ids the channel says the whole range holds, as of the newest answer; None if it
    does not. `known` are the ids that the list named and that were not read again.
    """

    items: tuple[Fetched[T], ...]
    bad: tuple[BadRow, ...] = ()
    expected: int | None = None
    known: tuple[str, ...] = ()


@dataclass(frozen=True)
class StockWrite:
    """Set the sellable quantity of a listing SKU."""

    key: SkuKey
    quantity: int


@dataclass(frozen=True)
class StockDelta:
    """Change the sellable quantity. `idempotency_key` goes to the channel where it takes one."""

    key: SkuKey
    change: int
    idempotency_key: str


@dataclass(frozen=True)
class PriceWrite:
    """Set the prices of a listing SKU, in fen."""

    key: SkuKey
    price: Price


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What became of one item of a write. `error` is None when the channel accepted it; `pending` says that it reviews
    it first.
    """

    item: T
    error: ChannelError | None = None
    request_id: str = ""
    pending: bool = False


class Purpose(StrEnum):
    """What a receiver is revealed for. Channels ask for it, and count against it."""

    SHIP = "ship"
    AFTER_SALE = "after_sale"


@dataclass(frozen=True)
class Recipient:
    """A receiver in plain text, to be handed on once and stored nowhere. A part that the channel did not open is
    empty.
    """

    name: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    """As it must be printed; a virtual number carries its extension behind `-`."""
    address: str = field(default="", repr=False)
    """Without the regions that the order names in plain text, where the channel tells them apart."""
    virtual: bool = False
    """The phone is a number of the channel's own that reaches the receiver for a while."""
    expires_at: datetime | None = None
    """When the virtual number ends, where the channel says."""


class Refusal(StrEnum):
    """Why a buyer's change of address is refused."""

    SHIPPED = "shipped"
    PACKED = "packed"
    UNREACHABLE = "unreachable"
    """The carrier does not go there."""
    COST = "cost"
    """The way there costs more."""
    OTHER = "other"


@dataclass(frozen=True)
class CarrierRow:
    """A delivery company as the channel lists it. `carrier` is the canonical code, empty where we know none."""

    code: str
    name: str
    carrier: str = ""
    available: bool = True


class ObjectKind(StrEnum):
    """What a notice is about."""

    ORDER = "order"
    AFTER_SALE = "after_sale"
    LISTING = "listing"
    OTHER = "other"
    """Known and of no use to us; counted and acknowledged."""


Known = Callable[[ObjectKind, Mapping[str, datetime]], set[str]]
"""Which of these ids are here as the channel has them, given the source version that its list shows of each."""


def nothing_known(_kind: ObjectKind, _versions: Mapping[str, datetime]) -> set[str]:
    """For who wants everything read."""
    return set()


class Connector:
    """One shop's session. Every operation raises `core.errors`; a subclass overrides what its channel declares.

    Reads raise. Writes raise only when nothing was sent; once something may have been, every item has its own outcome.
    Lists are generators: each page is asked for when the caller comes back, so that it can commit in between.
    """

    channel: ClassVar[Channel]

    def __init__(
        self,
        shop_id: str,
        account: str,
        credentials: Credentials,
        transport: Transport,
        gate: Gate,
        clock: Clock,
        gateway: str,
        options: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.shop_id = shop_id
        self.account = account
        self.credentials = credentials
        self.transport = transport
        self.gate = gate
        self.clock = clock
        self.gateway = gateway
        self.options = {each.name: options.get(each.name, each.default) for each in self.channel.options}
        self.known: Known = nothing_known

    def orders(self, window: Window) -> Iterator[Page[Order]]:
        """Every order changed in the window, complete even while orders change during the walk; may repeat some."""
        return self._absent(Capability.ORDERS)

    def order(self, order_id: str) -> Fetched[Order]:
        """Raises NotFound."""
        return self._absent(Capability.ORDER)

    def after_sales(self, window: Window) -> Iterator[Page[AfterSale]]:
        """Every after-sale changed in the window."""
        return self._absent(Capability.AFTER_SALES)

    def after_sale(self, after_sale_id: str, order_id: str = "") -> Fetched[AfterSale]:
        """`order_id` is needed by channels that cannot find an after-sale alone. Raises NotFound."""
        return self._absent(Capability.AFTER_SALE)

    def listings(self) -> Iterator[Page[Listing]]:
        """All listings that are not deleted, on and off the shelf."""
        return self._absent(Capability.LISTINGS)

    def listing(self, listing_id: str) -> Fetched[Listing]:
        """With stock and prices of every SKU. Raises NotFound."""
        return self._absent(Capability.LISTING)

    def stock_levels(self, keys: Sequence[SkuKey]) -> list[StockLevel]:
        """A fresh reading for each key that exists; missing ones are left out."""
        return self._absent(Capability.STOCK_LEVELS)

    def set_stock(self, batch: Sequence[StockWrite]) -> list[Outcome[StockWrite]]:
        """Idempotent. Outcomes in the order of the batch."""
        return self._absent(Capability.SET_STOCK)

    def adjust_stock(self, batch: Sequence[StockDelta]) -> list[Outcome[StockDelta]]:
        """A delta that would go below zero is Conflict. Harmless to repeat with the same key only under ADJUST_ONCE."""
        return self._absent(Capability.ADJUST_STOCK)

    def set_price(self, batch: Sequence[PriceWrite]) -> list[Outcome[PriceWrite]]:
        """Idempotent. `pending` where the channel reviews a price before it takes effect."""
        return self._absent(Capability.SET_PRICE)

    def ship(self, shipment: Shipment, idempotency_key: str) -> Outcome[Shipment]:
        """Declares the parcels. AlreadyDone when nothing is left to ship, Conflict under an open refund or hold,
        Invalid for an unknown carrier (before any call) or a bad number."""
        return self._absent(Capability.SHIP)

    def change_tracking(self, order_id: str, old: Parcel, carrier: str, tracking_no: str) -> Outcome[str]:
        """Replaces the number of a declared parcel. Idempotent."""
        return self._absent(Capability.CHANGE_TRACKING)

    def memo(self, order_id: str, memo: Memo) -> Outcome[str]:
        """Overwrites the seller's memo and flag. Idempotent."""
        return self._absent(Capability.MEMO)

    def set_shelf(self, listing_id: str, *, on: bool) -> Outcome[str]:
        """Puts a listing on sale or takes it off. Idempotent."""
        return self._absent(Capability.SET_SHELF)

    def confirm_address(self, order_id: str, refusal: Refusal | None = None) -> Outcome[str]:
        """Answers a buyer who asks for another address: grants it, or refuses it with a reason. Answering the same
        twice succeeds; `Conflict` when it was answered otherwise, `NotFound` when nobody asks.
        """
        return self._absent(Capability.CONFIRM_ADDRESS)

    def reveal(self, order: Order, purpose: Purpose, operator: str) -> Recipient:
        """The receiver of an order in plain text. `operator` names who asks, for the channel's own audit. Raises
        Throttled when the quota is used up, Rejected when the channel does not open this order's receiver (any more).
        """
        return self._absent(Capability.REVEAL)

    def find_orders(self, window: Window, *, name: str = "", phone: str = "") -> list[str]:
        """Ids of the orders, created in the window, that go to a receiver of exactly this name, this phone, or both
        where both are given (Invalid without either). The channel searches, as far back as it does; nothing is kept.
        Raises Throttled when it was asked too often.
        """
        return self._absent(Capability.FIND_ORDERS)

    def carriers(self) -> list[CarrierRow]:
        """The delivery companies this shop may name."""
        return self._absent(Capability.CARRIERS)

    def refresh(self) -> Credentials:
        """New tokens. Raises Reauthorize when the seller must authorise again."""
        return self._absent(Capability.REFRESH)

    def subscribe(self) -> None:
        """Asks the channel to push this shop's changes, where it does not by itself. Idempotent."""
        self._absent(Capability.SUBSCRIBE)

    def _absent(self, capability: Capability) -> NoReturn:
        raise Unsupported(
            self.channel.notes.get(capability, "this connector cannot do it"),
            channel=self.channel.code,
            shop=self.shop_id,
            operation=capability.value,
        )


def one_by_one(batch: Iterable[T], write: Callable[[T], Outcome[T]]) -> list[Outcome[T]]:
    """Runs a write item by item and gives each its outcome.

    Once the channel answers that it takes no more (throttled, unavailable, token dead), the rest is not sent and
    carries the same error.
    """
    outcomes: list[Outcome[T]] = []
    stop: ChannelError | None = None
    for item in batch:
        if stop is not None:
            outcomes.append(Outcome(item, stop))
            continue
        try:
            outcomes.append(write(item))
        except ChannelError as error:
            outcomes.append(Outcome(item, error))
            if isinstance(error, Throttled | Unavailable | Reauthorize):
                stop = error
    return outcomes
