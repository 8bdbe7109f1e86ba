"""The canonical model: what every channel's data becomes. Frozen values, published as JSON Schema.

Money is integer fen, instants are aware (UTC in JSON), ids are strings. Nothing here knows a channel.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, computed_field

from core.regions import gb_code
from core.status import (
    AfterSaleKind,
    AfterSaleStage,
    AfterSaleState,
    Closing,
    Fact,
    Fulfilment,
    Hold,
    OrderStatus,
    Payment,
    Shelf,
)

SCHEMA_VERSION = "1.2"
"""Grows in its first part when a field changes its meaning or goes, in its second when one is added."""


class Canonical(BaseModel):
    """Base of all canonical values: immutable; fields this version does not know are dropped when read."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Masked(Canonical):
    """A personal value: the channel's masked text and, where it gives one, the ciphertext. Never the plain value."""

    mask: str = ""
    cipher: str = Field(default="", repr=False)

    def __repr__(self) -> str:
        return "Masked(…)"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self.mask or self.cipher)


class Receiver(Canonical):
    """Where an order goes. Region names are plain on every channel; the person and the street are not."""

    name: Masked = Masked()
    phone: Masked = Masked()
    detail: Masked = Masked()
    country: str = ""
    province: str = ""
    city: str = ""
    district: str = ""
    town: str = ""
    region_code: str = ""
    """The channel's code of the smallest region it names."""
    oaid: str = Field(default="", repr=False)
    """Same value, same receiver and address within this shop; for waybills and merging. Empty where the channel has
    none. A different value says nothing on Taobao: there the same receiver has another one for every app and for every
    calendar week (in Shanghai) of `created_at`, so orders of one week group safely, and of two weeks never wrongly.
    """

    @computed_field  # type: ignore[prop-decorator]  # mypy does not model decorated properties
    @property
    def gb_code(self) -> str:
        """The GB/T 2260 code of the smallest region that could be found by name; empty when none could."""
        return gb_code(self.province, self.city, self.district)


class Payer(StrEnum):
    """Who bears an amount."""

    BUYER = "buyer"
    SELLER = "seller"
    PLATFORM = "platform"
    CREATOR = "creator"
    PAYMENT_CHANNEL = "payment_channel"
    GOVERNMENT = "government"


class Share(Canonical):
    """An amount in fen with who bears it and the channel's name for it."""

    payer: Payer
    amount: int
    name: str = ""


class Money(Canonical):
    """The money of an order or a line, in fen.

    pay = goods + adjustment + postage + fees − Σ discounts; Σ payments = pay;
    receivable = pay + Σ discounts that the seller does not bear. `core.money` checks it.
    """

    goods: int
    """Unit price × quantity, before any discount."""
    adjustment: int = 0
    """The seller's manual change; negative is cheaper."""
    postage: int = 0
    fees: int = 0
    """Services the buyer pays beside the goods: installation, packing, tax, insurance."""
    discounts: tuple[Share, ...] = ()
    pay: int
    """What is owed for the buyer's side of the order, whoever settles it."""
    payments: tuple[Share, ...] = ()
    """Who settles `pay`: the buyer's cash, a payment channel's reduction, a government subsidy …"""
    receivable: int
    """What the seller is due before commission. Inferred on some channels; check against a settlement bill before
    booking.
    """


class Component(Canonical):
    """One part of a bundle line."""

    sku_id: str
    merchant_code: str = ""
    title: str = ""
    quantity: int


class Line(Canonical):
    """One line of an order. `id` is the channel's, else `order:sku:n`; it is stable over every re-read."""

    id: str
    listing_id: str
    sku_id: str
    merchant_code: str = ""
    listing_code: str = ""
    """The merchant code on the listing, where the channel keeps one beside the SKU's."""
    title: str = ""
    spec: str = ""
    quantity: int
    unit_price: int
    money: Money
    gift: bool = False
    gift_for: tuple[str, ...] = ()
    """Ids of the lines that earned this gift, where the channel says."""
    components: tuple[Component, ...] = ()
    fulfilment: Fact[Fulfilment] | None = None
    closing: Fact[Closing] | None = None
    """Set where the channel ended the line while its order goes on: such a line is never shipped."""
    after_sale: Fact[AfterSaleState] = Fact[AfterSaleState](value=AfterSaleState.NONE)


class Packed(Canonical):
    """How much of a line lies in a parcel."""

    line_id: str
    quantity: int


class ParcelKind(StrEnum):
    """Why a parcel was sent."""

    ORDER = "order"
    SPLIT = "split"
    RESEND = "resend"
    GIFT = "gift"


class Parcel(Canonical):
    """One parcel as the channel knows it. `carrier` is the canonical code where the channel's maps to one, else
    empty.
    """

    id: str = ""
    """The channel's id of the parcel, needed to change its number; empty where it has none."""
    carrier: str = ""
    carrier_code: str
    """The channel's own id or code."""
    carrier_name: str = ""
    tracking_no: str
    kind: ParcelKind = ParcelKind.ORDER
    lines: tuple[Packed, ...] = ()
    """Empty means the whole order or unknown."""
    shipped_at: datetime | None = None


class Flag(StrEnum):
    """The colour a seller marks an order with."""

    NONE = "none"
    RED = "red"
    YELLOW = "yellow"
    GREEN = "green"
    BLUE = "blue"
    PURPLE = "purple"
    ORANGE = "orange"
    CYAN = "cyan"
    GREY = "grey"


class Memo(Canonical):
    """The seller's note on an order."""

    text: str = Field(default="", repr=False)
    flag: Flag = Flag.NONE


class Presale(Canonical):
    """A presale's dates and steps."""

    kind: str
    """`full` (paid at once, shipped later) or `deposit` (deposit, then balance)."""
    ship_from: datetime | None = None
    deposit: int | None = None
    balance: int | None = None


class Invoice(Canonical):
    """That the buyer wants an invoice, with what the channel tells of it (never a person's tax data)."""

    kind: str = ""


class Lineage(Canonical):
    """How this order came from others or became others."""

    parent_id: str = ""
    children: tuple[str, ...] = ()
    related: tuple[str, ...] = ()


class Order(Canonical):
    """An order as its channel shows it, normalized. `(shop_id, id)` names it."""

    shop_id: str
    id: str
    lines: tuple[Line, ...]
    payment: Fact[Payment]
    fulfilment: Fact[Fulfilment]
    closing: Fact[Closing]
    hold: Fact[Hold] = Fact[Hold](value=Hold.NONE)
    after_sale: Fact[AfterSaleState] = Fact[AfterSaleState](value=AfterSaleState.NONE)
    money: Money
    created_at: datetime
    updated_at: datetime
    """The source version: when the channel last changed the order. Not part of what makes a revision."""
    paid_at: datetime | None = None
    shipped_at: datetime | None = None
    signed_at: datetime | None = None
    ended_at: datetime | None = None
    ship_by: datetime | None = None
    """The deadline promised to the buyer."""
    receiver: Receiver = Receiver()
    buyer_id: str = Field(default="", repr=False)
    """A pseudonym that is stable within the shop; empty where the channel gives none."""
    buyer_note: str = Field(default="", repr=False)
    memo: Memo = Memo()
    parcels: tuple[Parcel, ...] = ()
    presale: Presale | None = None
    invoice: Invoice | None = None
    out_of_stock: bool = False
    """The seller or the platform marked it as impossible to fulfil."""
    lineage: Lineage = Lineage()
    kind: str = "normal"
    """The trade type in the channel's word, `normal` for the ordinary one."""
    tags: tuple[str, ...] = ()
    """The channel's own flags that are switched on, sorted."""
    warnings: tuple[str, ...] = ()
    """What did not add up, in words. Never stops an order."""

    @computed_field  # type: ignore[prop-decorator]  # mypy does not model decorated properties
    @property
    def status(self) -> OrderStatus:
        """The one word for lists and filters."""
        return order_status(self)


_CLOSED = {Closing.CLOSED_UNPAID, Closing.CLOSED_REFUNDED, Closing.REPLACED}
_SHIPPING = {
    Fulfilment.PART_SHIPPED: OrderStatus.PART_SHIPPED,
    Fulfilment.SHIPPED: OrderStatus.SHIPPED,
    Fulfilment.SIGNED: OrderStatus.SIGNED,
    Fulfilment.REJECTED: OrderStatus.REJECTED,
    Fulfilment.UNKNOWN: OrderStatus.UNKNOWN,
}


def order_status(order: Order) -> OrderStatus:
    """The axes in one word; what ended outranks what moves, what moves outranks what waits."""
    if order.closing.value in _CLOSED:
        return OrderStatus.CLOSED
    if order.closing.value is Closing.FINISHED:
        return OrderStatus.FINISHED
    if order.fulfilment.value in _SHIPPING:
        return _SHIPPING[order.fulfilment.value]
    if order.payment.value is Payment.PAID:
        return OrderStatus.TO_SHIP if order.hold.value is Hold.NONE else OrderStatus.ON_HOLD
    return OrderStatus(order.payment.value.value)


class ReturnParcel(Canonical):
    """What the buyer sent back."""

    carrier_name: str = ""
    tracking_no: str


class AfterSale(Canonical):
    """A buyer's request after paying, normalized. `(shop_id, id)` names it."""

    shop_id: str
    id: str
    order_id: str
    line_ids: tuple[str, ...] = ()
    """Empty when it is about the whole order or the channel names only a SKU."""
    sku_id: str = ""
    kind: AfterSaleKind
    kind_raw: str = ""
    stage: Fact[AfterSaleStage]
    quantity: int | None = None
    refund: int = 0
    """What the buyer gets back, postage included, in fen."""
    refund_postage: int = 0
    refunded: bool = False
    """The money is proven to be back with the buyer."""
    reason: str = ""
    created_at: datetime
    updated_at: datetime
    """The source version; the optimistic lock of a decision."""
    deadline: datetime | None = None
    """When the platform acts by itself if nobody does."""
    returned: ReturnParcel | None = None
    replacement: Parcel | None = None
    platform_involved: bool = False


class Price(Canonical):
    """A listing SKU's prices in fen. `sale` is what a buyer pays; the others exist on some channels only."""

    sale: int
    single: int | None = None
    """Pinduoduo's price for buying alone."""
    market: int | None = None
    """The strike-through price."""


class ListingSku(Canonical):
    """One buyable variant of a listing."""

    sku_id: str
    merchant_code: str = ""
    spec: str = ""
    sellable: int | None = None
    held: int | None = None
    price: Price | None = None
    shelf: Shelf = Shelf.ON


class Listing(Canonical):
    """What a channel sells under one page. `(shop_id, id)` names it."""

    shop_id: str
    id: str
    title: str
    merchant_code: str = ""
    shelf: Fact[Shelf]
    skus: tuple[ListingSku, ...]
    in_review: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None


class SkuKey(Canonical):
    """Names a listing SKU within a shop."""

    listing_id: str
    sku_id: str


class StockLevel(Canonical):
    """A reading of a listing SKU's stock. `sellable` can still be bought; `held` is bound by unpaid or unshipped
    orders.
    """

    key: SkuKey
    sellable: int
    held: int | None = None
    read_at: datetime


class Shop(Canonical):
    """One seller account on one channel. `id` is `channel:account`."""

    id: str
    channel: str
    account: str
    """The channel's id of the shop."""
    name: str = ""


class ParcelDraft(Canonical):
    """A parcel the ERP wants to declare. `carrier` is a canonical code or the channel's own."""

    carrier: str
    tracking_no: str
    lines: tuple[Packed, ...] = ()
    """Empty means everything that is not in another parcel."""


class Shipment(Canonical):
    """A wish to ship (part of) an order."""

    order_id: str
    parcels: tuple[ParcelDraft, ...] = Field(min_length=1)
    refuse_refund: bool = False
    """Ship although a refund is open, which refuses it where the channel can."""


class Change(Canonical):
    """One thing that an update changed: a field by its name, or one member of `lines` or `skus` by its `id`.

    `before` and `after` hold only what differs: of an object the members that differ, of a status its word. None: it
    was not there, or is not any more.
    """

    field: str
    id: str | None = None
    before: Any = None
    after: Any = None


class OrderData(Canonical):
    """What `order.created` and `order.updated` carry."""

    order: Order
    changes: tuple[Change, ...] = ()


class AfterSaleData(Canonical):
    """What `after_sale.created` and `after_sale.updated` carry."""

    after_sale: AfterSale
    changes: tuple[Change, ...] = ()


class ListingData(Canonical):
    """What `listing.created` and `listing.updated` carry."""

    listing: Listing
    changes: tuple[Change, ...] = ()


PUBLISHED: dict[str, type[Canonical]] = {
    "shop": Shop,
    "listing": Listing,
    "order": Order,
    "after-sale": AfterSale,
    "shipment": Shipment,
    "stock-level": StockLevel,
    "price": Price,
    "order-event": OrderData,
    "after-sale-event": AfterSaleData,
    "listing-event": ListingData,
}
"""The models an ERP may build on."""


def schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    """The published models as JSON Schema (2020-12), each with its version in `$id`."""
    for name, model in PUBLISHED.items():
        body = model.model_json_schema(mode="serialization")
        yield (
            name,
            {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "$id": f"urn:qudao:schema:{name}:{SCHEMA_VERSION}",
                **body,
            },
        )
