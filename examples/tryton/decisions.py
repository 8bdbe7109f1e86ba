"""Pure: what a channel order means to an ERP. No Tryton, no HTTP; the same for any other ERP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

Mapped = Mapping[tuple[str, str, str], Sequence[tuple[str, int]]]
"""(shop, listing, channel's SKU) → the SKUs it is made of, with how many of each: one for most, several for bundles."""


class Action(StrEnum):
    """What to do about an order."""

    WAIT = "wait"
    """Nothing yet: it is not paid."""
    SELL = "sell"
    """There is to be a sale with just these lines."""
    ASK = "ask"
    """A line is mapped to no SKU: a draft for a person, which binds no stock."""
    CANCEL = "cancel"
    """There is to be no sale, or one of which nothing more is delivered."""
    LEAVE = "leave"
    """It left the house before we heard of it."""


@dataclass(frozen=True)
class Wanted:
    """Goods of one line of an order. `price` is what one piece brings, in yuan; `each`: pieces of it in one of the
    line, more than one in bundles only.
    """

    line: str
    sku: str
    title: str
    quantity: int
    price: Decimal
    each: int = 1


@dataclass(frozen=True)
class Address:
    """Where it goes, as far as an ERP may know: the region in plain, the person and the street masked."""

    name: str
    street: str
    city: str


@dataclass(frozen=True)
class Decision:
    """What the order asks for. `held`: it must not leave the house now, though it is sold."""

    action: Action
    lines: tuple[Wanted, ...] = ()
    held: bool = False
    address: Address = Address("", "", "")


GONE = ("closed_unpaid", "closed_refunded", "replaced")
"""Ends after which nothing is to be delivered. A replaced order lives on in its children, which come as orders."""
OPEN_REQUESTS = ("requested", "returning", "refunding")
LEFT = ("shipped", "signed", "rejected")


def decide(order: Mapping[str, Any], mapped: Mapped) -> Decision:
    """The newest state alone decides, so that a repeated or skipped event changes nothing."""
    address = _address(order["receiver"])
    if order["closing"]["value"] in GONE:
        return Decision(Action.CANCEL, address=address)
    if order["payment"]["value"] != "paid":
        return Decision(Action.WAIT)
    alive = [line for line in order["lines"] if not _refunded(line)]
    if not alive:
        return Decision(Action.CANCEL, address=address)
    held = order["hold"]["value"] != "none" or order["after_sale"]["value"] in OPEN_REQUESTS
    found = {line["id"]: mapped.get((order["shop_id"], line["listing_id"], line["sku_id"])) for line in alive}
    lines = tuple(goods for line in alive for goods in _goods(line, found[line["id"]]))
    if not all(found.values()):
        return Decision(Action.ASK, lines, held, address)
    action = Action.LEAVE if order["fulfilment"]["value"] in LEFT else Action.SELL
    return Decision(action, lines, held, address)


def _refunded(line: Mapping[str, Any]) -> bool:
    """Whether the line's money went back; a parcel that left before is the warehouse's affair."""
    closing = line.get("closing")
    return (closing is not None and closing["value"] in GONE) or line["after_sale"]["value"] == "refunded"


def _goods(line: Mapping[str, Any], parts: Sequence[tuple[str, int]] | None) -> list[Wanted]:
    """A line is one SKU, or the parts of a bundle, which share what the seller gets for it evenly by piece."""
    if not parts:
        return [Wanted(line["id"], "", line["title"], line["quantity"], _yuan(line, line["quantity"]))]
    pieces = line["quantity"] * sum(times for _, times in parts)
    price = _yuan(line, pieces)
    return [Wanted(line["id"], sku, line["title"], line["quantity"] * times, price, times) for sku, times in parts]


def _yuan(line: Mapping[str, Any], pieces: int) -> Decimal:
    return (Decimal(line["money"]["receivable"]) / 100 / pieces).quantize(Decimal("0.0001"))


def _address(receiver: Mapping[str, Any]) -> Address:
    places = (receiver["province"], receiver["city"], receiver["district"], receiver["town"])
    return Address(
        receiver["name"]["mask"],
        receiver["detail"]["mask"],
        " ".join(dict.fromkeys(place for place in places if place)),
    )


def mapping(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str, str], Sequence[tuple[str, int]]]:
    """What `GET /v1/stock` says of every listing SKU, as `decide` wants it."""
    found: dict[tuple[str, str, str], Sequence[tuple[str, int]]] = {}
    for row in rows:
        parts = [(part["sku"], part["quantity"]) for part in row.get("components") or ()]
        if row["sku"]:
            parts = [(row["sku"], 1)]
        if parts:
            found[row["shop"], row["listing_id"], row["sku_id"]] = parts
    return found
