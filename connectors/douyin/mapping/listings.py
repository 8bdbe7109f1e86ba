"""Douyin's products as listings, with the stock and price of each SKU. Prices are fen."""

from collections.abc import Iterable

from connectors.douyin import wire
from connectors.douyin.mapping.tables import IN_REVIEW, SHELF_OF
from connectors.douyin.mapping.values import instant_of
from core.model import Listing, ListingSku, Price
from core.status import Fact, Shelf

_ShelfFact = Fact[Shelf]


def listing(shop_id: str, product: wire.Product, skus: Iterable[wire.Sku]) -> Listing:
    """A product with the SKUs of sku.list."""
    code = f"{product.status}/{product.check_status}"
    return Listing(
        shop_id=shop_id,
        id=product.product_id,
        title=product.name,
        merchant_code=product.outer_product_id,
        shelf=_ShelfFact(value=SHELF_OF.get(code, Shelf.UNKNOWN), raw=code),
        skus=tuple(_listing_sku(sku, product.market_price) for sku in skus),
        in_review=IN_REVIEW in (product.check_status, product.draft_status),
        created_at=instant_of(product.create_time),
        updated_at=instant_of(product.update_time),
    )


def _listing_sku(sku: wire.Sku, market_price: int) -> ListingSku:
    if sku.sell_properties:
        values = [value.value_name for value in sku.sell_properties]
    else:
        values = [sku.spec_detail_name1, sku.spec_detail_name2, sku.spec_detail_name3]
    return ListingSku(
        sku_id=sku.id,
        merchant_code=sku.code,
        spec=",".join(value for value in values if value),
        sellable=sku.stock_num,
        held=sku.prehold_stock_num,
        price=Price(sale=sku.price, market=market_price or None),
    )
