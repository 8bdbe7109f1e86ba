"""The toy's listings."""

from core.model import Listing, ListingSku, Price
from core.status import Fact, Shelf
from tests.contract.toy_channel import wire
from tests.contract.toy_channel.mapping.tables import SHELF_OF
from tests.contract.toy_channel.mapping.values import instant


def listing(shop_id: str, row: wire.Item) -> Listing:
    """A listing with stock and prices of every SKU."""
    return Listing(
        shop_id=shop_id,
        id=row.id,
        title=row.title,
        merchant_code=row.code,
        shelf=Fact(value=SHELF_OF.get(row.shelf, Shelf.UNKNOWN), raw=row.shelf),
        skus=tuple(_sku(sku) for sku in row.skus),
        created_at=instant(row.created),
        updated_at=instant(row.updated),
    )


def _sku(row: wire.Sku) -> ListingSku:
    return ListingSku(
        sku_id=row.id,
        merchant_code=row.code,
        spec=row.spec,
        sellable=row.sellable,
        held=row.held,
        price=Price(sale=row.sale, market=row.market),
    )
