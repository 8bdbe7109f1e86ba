"""The JSON of the toy's API as sent. Amounts are fen, times Unix seconds. No judgement lives here."""

from typing import Any

from pydantic import BaseModel, ConfigDict

Row = dict[str, Any]


class Wire(BaseModel):
    """Base of all wire models; fields we do not read are left alone."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class Envelope(Wire):
    """Around every answer, always HTTP 200."""

    ok: bool
    request: str = ""
    data: Row = {}
    error: str = ""
    text: str = ""
    retry_after: float | None = None


class Personal(Wire):
    mask: str
    cipher: str


class Receiver(Wire):
    id: str
    name: Personal
    phone: Personal
    detail: Personal
    province: str
    city: str
    district: str
    region: str


class Amounts(Wire):
    seller_off: int
    platform_off: int
    pay: int


class Line(Amounts):
    id: str
    item: str
    sku: str
    code: str
    title: str
    spec: str
    quantity: int
    price: int
    gift: bool
    refund: str


class Parcel(Wire):
    id: str
    carrier: str
    number: str
    at: int


class Order(Amounts):
    """`status` says how far it is, `end` why it is over, `hold` why it must wait."""

    id: str
    status: str
    end: str
    hold: str
    created: int
    updated: int
    paid: int | None
    shipped: int | None
    received: int | None
    ended: int | None
    ship_by: int | None
    postage: int
    adjust: int
    lines: list[Line]
    parcels: list[Parcel]
    receiver: Receiver
    buyer: str
    note: str
    memo: str
    flag: int


class OrderPage(Wire):
    orders: list[Row]
    total: int


class Sku(Wire):
    id: str
    code: str
    spec: str
    sellable: int
    held: int
    sale: int
    market: int


class Item(Wire):
    id: str
    code: str
    title: str
    shelf: str
    created: int
    updated: int
    skus: list[Sku]


class ItemPage(Wire):
    items: list[Row]
    total: int


class Level(Wire):
    item: str
    sku: str
    sellable: int
    held: int


class Levels(Wire):
    rows: list[Level]


class Result(Wire):
    """What became of one row of a batch; no error is a yes."""

    error: str = ""
    text: str = ""


class Results(Wire):
    rows: list[Result]


class Carrier(Wire):
    code: str
    name: str


class Carriers(Wire):
    carriers: list[Carrier]


class Tokens(Wire):
    access: str
    access_until: int
    refresh: str
    refresh_until: int


class Verbatim(Wire):
    """An answer that is kept as it came, or of no use."""

    model_config = ConfigDict(extra="allow")


class Message(Wire):
    """One push."""

    id: str
    topic: str
    shop: str
    object: str
    at: int
