"""What a shop sells: items, SKUs with stock and prices, edits in review. Data only; imported through `model.py`."""

from dataclasses import dataclass


@dataclass(slots=True)
class Price:
    """Fen. `sale` = what buyers usually pay (Pinduoduo: group price), `single` = alone, `market` = struck through."""

    sale: int
    single: int
    market: int


@dataclass(frozen=True, slots=True)
class StockSet:
    """The last time somebody wrote a stock number. kind: initial, set, delta, seller, restock."""

    quantity: int
    at: float
    kind: str


@dataclass(frozen=True, slots=True)
class PriceEdit:
    """A price waiting for review until `due`."""

    edit_id: str
    price: Price
    due: float
    on_shelf: bool


@dataclass(frozen=True, slots=True)
class Review:
    """What became of an item edit. outcome: pending, passed, rejected."""

    shop_id: str
    item_id: str
    outcome: str


@dataclass(slots=True)
class Sku:
    """`sellable == last_set.quantity - sold_since + given_back_since` always; `held` = ordered and not yet shipped."""

    sku_id: str
    item_id: str
    code: str
    spec: tuple[tuple[str, str], ...]
    price: Price
    sellable: int
    last_set: StockSet
    held: int = 0
    unpaid: int = 0
    """The part of `held` whose orders are not paid."""
    sold_since: int = 0
    given_back_since: int = 0
    on_shelf: bool = True
    pending_price: PriceEdit | None = None

    @property
    def spec_text(self) -> str:
        """`红色,XL`"""
        return ",".join(value for _, value in self.spec)


@dataclass(slots=True)
class Item:
    """A listing. review: passed, pending, rejected, banned. `promoted` = on a promotion slot: stock may not shrink."""

    item_id: str
    code: str
    title: str
    created: float
    updated: float
    skus: dict[str, Sku]
    on_shelf: bool = True
    deleted: bool = False
    review: str = "passed"
    promoted: bool = False
    presale: bool = False
    """Sold before it is there: Taobao accepts only changes of its stock, no new totals."""
    price: int | None = None
    """Fen, where an item has a price beside its SKUs' (Taobao); None = its first SKU's."""
    listed: float | None = None
    delisted: float | None = None
    """When it was last put on and taken off sale; None = as it was from the start."""
