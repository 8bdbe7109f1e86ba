"""Taobao's listings with stock and prices, and what to write so that a canonical stock or price comes true.

An item without SKUs has one listing SKU that carries the item's own id. Where stock is taken off at payment
(`sub_stock` 2), the platform's quantity still holds the units of unpaid orders: quantity = sellable + held.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from connectors.taobao import wire
from connectors.taobao.mapping.tables import SHELF_OF, SKU_SHELF_OF
from connectors.taobao.mapping.values import fen_of, instant_of
from core.model import Listing, ListingSku, Price
from core.money import yuan
from core.status import Fact, Shelf

_ShelfFact = Fact[Shelf]
AT_PAYMENT = "2"
"""`sub_stock`: stock is taken off when the buyer has paid."""


@dataclass(frozen=True)
class Stock:
    """A listing SKU's stock. `withheld` is what the platform's quantity holds beyond `sellable`."""

    sku_id: str
    sellable: int
    held: int | None
    withheld: int


def listing(shop_id: str, item: wire.Item) -> Listing:
    """An item. What is off the shelf does not tell why: an empty one counts as sold out (inferred)."""
    status = item.approve_status or ""
    shelf = SHELF_OF.get(status, Shelf.UNKNOWN)
    if shelf is Shelf.OFF and item.num == 0:
        shelf = Shelf.SOLD_OUT
    return Listing(
        shop_id=shop_id,
        id=item.num_iid,
        title=item.title or "",
        merchant_code=item.outer_id or "",
        shelf=_ShelfFact(value=shelf, raw=status),
        skus=tuple(_skus(item)),
        created_at=instant_of(item.created),
        updated_at=instant_of(item.modified),
    )


def stocks(item: wire.Item) -> list[Stock]:
    """The stock of every SKU that is told. A SKU that does not tell its withheld units has the item's when it is the
    only one, else none that are known.
    """
    if not item.skus:
        return [_stock(item, item.num_iid, item.num, item.with_hold_quantity)]
    alone = item.with_hold_quantity if len(item.skus) == 1 else None
    return [
        _stock(item, sku.sku_id, sku.quantity, alone if sku.with_hold_quantity is None else sku.with_hold_quantity)
        for sku in item.skus
    ]


def _stock(item: wire.Item, sku_id: str, quantity: int | None, held: int | None) -> Stock:
    withheld = (held or 0) if item.sub_stock == AT_PAYMENT else 0
    return Stock(sku_id, max(0, (quantity or 0) - withheld), held, withheld)


def _skus(item: wire.Item) -> Iterator[ListingSku]:
    told = {stock.sku_id: stock for stock in stocks(item)}
    if not item.skus:
        stock = told[item.num_iid]
        yield ListingSku(
            sku_id=item.num_iid,
            merchant_code=item.outer_id or "",
            sellable=None if item.num is None else stock.sellable,
            held=stock.held,
            price=_price(item.price),
        )
        return
    names = _aliases(item.property_alias)
    for sku in item.skus:
        stock = told[sku.sku_id]
        yield ListingSku(
            sku_id=sku.sku_id,
            merchant_code=sku.outer_id or "",
            spec=spec_of(sku.properties_name, names),
            sellable=None if sku.quantity is None else stock.sellable,
            held=stock.held,
            price=_price(sku.price),
            shelf=SKU_SHELF_OF.get(sku.status or "normal", Shelf.UNKNOWN),
        )


def _price(amount: str | None) -> Price | None:
    return Price(sale=fen_of(amount)) if amount else None


def _aliases(text: str | None) -> Mapping[str, str]:
    """`pid:vid:alias` joined by `;`: the seller's own names of values."""
    parts = (entry.split(":", 2) for entry in (text or "").split(";"))
    return {f"{part[0]}:{part[1]}": _plain(part[2]) for part in parts if len(part) == 3}


def spec_of(properties_name: str | None, aliases: Mapping[str, str]) -> str:
    """`pid:vid:name:value` joined by `;` → `name:value` joined by `;`, with the seller's own names."""
    named = []
    for entry in (properties_name or "").split(";"):
        parts = entry.split(":", 3)
        if len(parts) == 4:
            value = aliases.get(f"{parts[0]}:{parts[1]}") or _plain(parts[3])
            named.append(f"{_plain(parts[2])}:{value}")
    return ";".join(named)


def _plain(text: str) -> str:
    return text.replace("#cln#", ":").replace("#scln#", ";")


def item_price(item: wire.Item, changed: Mapping[str, int]) -> Decimal:
    """The item's own price once its SKUs cost what `changed` says (fen by SKU id): as it is where it lies within the
    SKUs' prices, else the nearest of them.
    """
    prices = list(_prices(item.skus or (), changed))
    now = fen_of(item.price)
    return yuan(min(max(now, min(prices)), max(prices)))


def _prices(skus: Iterable[wire.Sku], changed: Mapping[str, int]) -> Iterator[int]:
    for sku in skus:
        if sku.sku_id in changed:
            yield changed[sku.sku_id]
        elif SKU_SHELF_OF.get(sku.status or "normal") is not Shelf.DELETED:
            yield fen_of(sku.price)
