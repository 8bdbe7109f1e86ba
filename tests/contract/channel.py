"""What the suite must be told of a channel: one small subclass of `ChannelUnderTest` and one entry in `channels.py`.

Everything else is the same for all: the connector comes from the registry, orders are moved by the sandbox's own steps.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from connectors import CHANNELS, Adapter
from core.channel import Capability, Channel, ObjectKind, Recipient
from core.model import Order as Read
from core.notices import Notice
from core.status import AfterSaleStage, Hold, OrderStatus
from sandbox.model import Order, Refund, RefundKind, Sku
from tests.contract.bench import Bench

TESTS = Path(__file__).parents[1]
Code = int | str
"""A platform's status: a number or a word."""
Life = Callable[[Bench, str], Order]
"""Makes an order and leads it somewhere. The text is the channel's own code of a carrier."""


class Listener(ABC):
    """The receiving end of a channel's pushes: takes what the sandbox sends now, reads it with our own classes."""

    remembers: ClassVar[bool] = False
    """Whether our end holds back what it told before and was confirmed."""

    @abstractmethod
    def due(self) -> Sequence[Any]:
        """Deliveries that go out now, as the transport carries them."""

    @abstractmethod
    def read(self, delivery: Any) -> tuple[Notice, ...]:
        """What our reader or session makes of it; raises its errors."""

    @abstractmethod
    def acknowledge(self, delivery: Any) -> None:
        """Gives the platform the answer that our side wants it to have."""

    def forgeries(self, delivery: Any) -> Sequence[Any]:
        """The delivery in all the ways somebody else might send it; empty where the connection proves the sender."""
        return ()


class ChannelUnderTest(ABC):
    """One channel: its words for calls, codes and topics, and how its pushes arrive."""

    code: ClassVar[str]
    kind: ClassVar[str] = ""
    """Which kind of the channel's shops, where the suite runs over several that differ."""
    settings: ClassVar[Mapping[str, Any]] = {}
    """Settings of the sandbox that make such a shop."""
    also_can: ClassVar[frozenset[Capability]] = frozenset()
    """What such a shop can although not every shop of the channel can."""
    one_in: ClassVar[int] = 1
    """How many of the seeded runs over moving lists stand for one; more than 1 for a kind of shop whose lists another
    kind's runs are over already."""
    whole_lines: ClassVar[bool] = False
    """Whether all pieces of a line must travel in one parcel."""
    drops_lines: ClassVar[bool] = False
    """Whether single lines can leave an order before it is paid."""
    has_ciphers: ClassVar[bool] = True
    """Whether people come encrypted; where not, a mask and an OAID are all there is."""
    order_list: ClassVar[str]
    """The sandbox's name of the call that lists orders; faults are aimed by these names."""
    order_detail: ClassVar[str]
    stock_write: ClassVar[str]
    delta_write: ClassVar[str] = ""
    """The call that changes stock by a number, where repeating it with one key is harmless."""
    ship_write: ClassVar[str]
    shelf_write: ClassVar[str] = ""
    """The call that takes a listing off the shelf."""
    address_write: ClassVar[str] = ""
    """The call that answers a buyer who wants another address."""
    reveal_call: ClassVar[str] = ""
    """The call that opens a receiver."""
    find_call: ClassVar[str] = ""
    """The call that searches for a person's orders."""
    row_id: ClassVar[str]
    """The field of an answer's object that says which order it is."""
    row_fields: ClassVar[tuple[str, ...]]
    """Fields of such an object that must be readable, or the order is not: its lines and its instants."""
    page_sizes: ClassVar[tuple[tuple[str, str], ...]]
    """(module, name) of the constants that say how long a page is; walks over short pages are cheap."""
    own_lives: ClassVar[Mapping[str, Life]] = {}
    """Lives that only this channel's orders lead, or that they lead in another way than `lives.py` says."""
    order_codes: ClassVar[Mapping[str, tuple[str, OrderStatus]]]
    """A life -> the order's own code in the end, as a fact's `raw`, and what it means."""
    holds: ClassVar[Mapping[str, Hold]] = {"group": Hold.GROUP, "risk": Hold.RISK}
    """What the platform lets one know of why an order is held, by its life."""
    other_order_codes: ClassVar[Mapping[str, str]] = {}
    """Documented order codes that no life leads to, each with the reason."""
    documented_order_codes: ClassVar[frozenset[str]]
    """Every order status of the documents; the lives must reach it or `other_order_codes` excuse it."""
    after_sale_codes: ClassVar[Mapping[Code, AfterSaleStage]] = {}
    """Every documented after-sale code -> what it means; the sandbox is told to show each."""
    unknown_after_sale_code: ClassVar[Code] = 0
    lists_unknown_after_sales: ClassVar[bool] = True
    """Whether the list brings an after-sale under a code that nobody documented."""
    return_stages: ClassVar[Sequence[AfterSaleStage]] = (
        AfterSaleStage.REQUESTED,
        AfterSaleStage.TO_RETURN,
        AfterSaleStage.RETURNED,
        AfterSaleStage.REFUNDING,
        AfterSaleStage.REFUNDED,
    )
    """What a return shows: asked for, agreed to, sent back, accepted, paid."""
    untold: ClassVar[frozenset[str]] = frozenset()
    """Instants of orders and after-sales that the platform never tells."""
    priced: ClassVar[frozenset[RefundKind]] = frozenset(RefundKind)
    """Kinds of after-sales that tell an amount, be it only what the goods are worth."""
    masks: ClassVar[frozenset[str]] = frozenset({"name", "phone", "detail"})
    """Parts of a receiver that the platform also tells masked."""
    discounts_price_changes: ClassVar[bool] = False
    """Whether a price changed by hand shows as the seller's discount, not by itself."""
    names_requests: ClassVar[bool] = True
    """Whether a refusal says which request it was."""
    knows_addresses: ClassVar[bool] = True
    """Whether the platform takes an app's calls from the addresses on its list only."""
    pushes: ClassVar[frozenset[ObjectKind]] = frozenset({ObjectKind.ORDER, ObjectKind.AFTER_SALE, ObjectKind.LISTING})
    """What its pushes name."""
    unknown_topic: ClassVar[str] = ""
    """A topic that no document names; empty where pushes have none."""
    clock_tolerance: ClassVar[timedelta] = timedelta(minutes=10)
    """How far our clock may be from the platform's."""
    own_carrier: ClassVar[str]
    """The channel's own code of SF, for parcels that the world itself sends."""
    samples_read: ClassVar[Mapping[str, str]]
    """Test module in `tests` -> the sample files, without `.json`, that it holds the connector to."""
    samples_unread: ClassVar[Mapping[str, str]]
    """Why the connector has no use for a sample -> the sample files."""

    @property
    def adapter(self) -> Adapter:
        return CHANNELS[self.code]

    @property
    def channel(self) -> Channel:
        return self.adapter.channel

    @property
    def name(self) -> str:
        """What a test's id calls it."""
        return self.kind or self.code

    def can(self, capability: Capability) -> bool:
        """Whether its shops support the operation."""
        return capability in self.also_can or bool(self.channel.supports(capability))

    def bench(self, seed: int = 7) -> Bench:
        """A new simulated shop with our connector on it; to be closed."""
        return Bench(self.code, seed, **self.settings)

    @property
    def folder(self) -> Path:
        """Where the connector's modules are."""
        made = import_module(self.adapter.connector.__module__).__file__
        assert made is not None
        return Path(made).parent

    @property
    def tests(self) -> Path:
        """Where the channel's own tests are."""
        return TESTS / "connectors" / self.code

    @property
    def fixtures(self) -> Path:
        """Where the samples of the documents are."""
        return TESTS / "fixtures" / self.code

    @abstractmethod
    def method_of(self, request: Any) -> str:
        """The platform's name of the call that a sample request makes; empty where it has none."""

    @abstractmethod
    def invent_order_status(self, answer: Any, code: int) -> None:
        """Puts a status that nobody documented into every order of an answer."""

    def held(self, bench: Bench, sku: Sku) -> int:
        """Pieces in running orders, as far as the platform tells them."""
        return sku.held

    def pays(self, order: Order) -> int:
        """What the platform says that the order costs."""
        return order.pay_amount

    def emptied(self, order: Order) -> bool:
        """Whether the platform took the amounts out of such an order, so that its lines do not sum to it."""
        return False

    def person(self, order: Read) -> str:
        """What is equal in all orders of one person."""
        return order.receiver.oaid

    def recipient(self, order: Order) -> Recipient:
        """Whom the platform opens as the receiver of such an order; without `expires_at`."""
        person = order.buyer
        return Recipient(name=person.name, phone=person.phone, address=person.address.detail)

    def sealed(self, bench: Bench) -> Sequence[Order]:
        """Orders, readable ones, whose receiver the platform does not open (any more)."""
        order = bench.place()
        bench.world.cancel(order)
        return [order]

    def spend_reveals(self, bench: Bench) -> None:
        """Uses up what the shop may have opened today."""
        bench.world.change_settings({"reveals_a_day": {self.code: 0}})

    def spend_searches(self, bench: Bench) -> None:
        """Uses up how often the shop may search today."""
        bench.world.change_settings({"searches_a_day": {self.code: 0}})

    def after_sale_id(self, refund: Refund) -> str:
        """Its id in our words."""
        return refund.refund_id

    def ask(self, bench: Bench, code: Code) -> tuple[Order, Refund]:
        """An after-sale of the kind that can show the code, with its order."""
        order = bench.place()
        return order, bench.world.request_refund(order)

    def show_after_sale(self, bench: Bench, refund: Refund, code: Code) -> None:
        """Makes the platform show an after-sale under a code that no step of the sandbox leads to."""
        if isinstance(code, int):
            bench.world.force_code(refund, code)
        else:
            bench.world.show_refund(refund, code)

    @abstractmethod
    def listener(self, bench: Bench) -> Listener:
        """Starts the pushes of the shop; called where PUSH is declared. The first acknowledgements are done."""

    def admitted(self, bench: Bench, secret: str) -> bool:
        """Whether the platform lets in a connection signed with the secret and our clock; for push by connection."""
        raise NotImplementedError
