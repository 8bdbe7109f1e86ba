"""JD's listings with stock and prices. Prices are yuan; a SKU's number counts what running orders have booked."""

from collections.abc import Iterable, Mapping, Sequence

from connectors.jd import wire
from connectors.jd.mapping.tables import IN_REVIEW, SHELF_OF, SKU_SHELF_OF
from connectors.jd.mapping.values import fen_of, instant
from core.model import Listing, ListingSku, Price
from core.status import Fact, Shelf

_ShelfFact = Fact[Shelf]


def listing(shop_id: str, ware: wire.Ware, skus: Sequence[wire.Sku], stocks: Mapping[str, wire.SkuStock]) -> Listing:
    """From the listing, its SKUs, and the stock of each SKU by its id; a SKU without one shows none."""
    status = ware.wareStatus or ""
    market = fen_of(ware.marketPrice) or None
    return Listing(
        shop_id=shop_id,
        id=ware.wareId,
        title=ware.title or "",
        merchant_code=ware.outerId or ware.itemNum or "",
        shelf=_ShelfFact(value=SHELF_OF.get(status, Shelf.UNKNOWN), raw=status),
        skus=tuple(_listing_sku(sku, market, stocks.get(sku.skuId)) for sku in skus),
        in_review=status in IN_REVIEW,
        created_at=instant(ware.created),
        updated_at=instant(ware.modified),
    )


def _listing_sku(sku: wire.Sku, market: int | None, stock: wire.SkuStock | None) -> ListingSku:
    price = fen_of(sku.jdPrice)
    return ListingSku(
        sku_id=sku.skuId,
        merchant_code=sku.outerId or "",
        spec=_spec(sku),
        sellable=None if stock is None else sellable(stock),
        held=None if stock is None else booked(stock),
        price=Price(sale=price, market=market) if price else None,
        shelf=SKU_SHELF_OF.get(sku.status or "", Shelf.UNKNOWN),
    )


def _spec(sku: wire.Sku) -> str:
    attributes = sorted(sku.saleAttrs or (), key=lambda attribute: attribute.index or 0)
    return ",".join(alias for attribute in attributes for alias in attribute.attrValueAlias or ())


def in_store(stocks: Iterable[wire.SkuStock], store_id: str) -> wire.SkuStock | None:
    """The stock in one warehouse; where the platform names no warehouse, there is only one."""
    return next((stock for stock in stocks if stock.storeId in (None, "", store_id)), None)


def sellable(stock: wire.SkuStock) -> int:
    """What can still be bought: the number less what is booked (inferred from how the site computes what is left)."""
    return stock.stockNum - (booked(stock) or 0)


def booked(stock: wire.SkuStock) -> int | None:
    """What running orders have booked of the number; None where the platform does not tell."""
    if stock.canUsedNum is not None:
        return stock.stockNum - stock.canUsedNum
    counts = [count for count in (stock.orderBookingNum, stock.appBookingNum) if count is not None]
    return sum(counts) if counts else None
