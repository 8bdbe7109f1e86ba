"""`GET /v1/listings`, and `GET /v1/stock`: listing SKU by listing SKU, with what the ERP's numbers make of each."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from core.access import Caller, KeyScope
from core.db import catalog
from core.db.catalog import CatalogRow
from core.model import Listing, Price
from core.status import Shelf
from core.stock import published
from web import cursor
from web.access import Calling, needs
from web.feed import Name
from web.pages import (
    Changed,
    ChangedQuery,
    ListingId,
    PageQuery,
    Reads,
    ShopId,
    changed,
    filter_of,
    one,
    shops_of,
    texts,
)
from web.paths import SHOP


class ListingQuery(ChangedQuery):
    """Which listings."""

    status: list[Shelf] = Field([], max_length=20, description="Only on these shelves.", examples=[["on"]])


class SkuQuery(PageQuery):
    """Which listing SKUs."""

    listing: list[Name] = Field([], max_length=100, description="Only those of these listings.")
    sku: Name | None = Field(None, description="Only those that are this SKU of the ERP's, or a bundle that holds it.")
    unmapped: bool = Field(False, description="Only those mapped to none.")


class StockQuery(SkuQuery):
    """Which listing SKUs."""

    status: Shelf | None = Field(None, description="Only on this shelf.")


class ListingItem(BaseModel):
    """A listing as the feed's newest event about it showed it."""

    listing: Listing
    revision: int
    changed_at: datetime


class ListingPage(Changed):
    """A page of listings."""

    items: list[ListingItem]


class Component(BaseModel):
    """So many of a SKU are in one piece of a bundle."""

    sku: str = Field(examples=["TEA-250"])
    quantity: int = Field(examples=[2])


class StockComponent(Component):
    """A part of a bundle, with the number the ERP last gave for its SKU."""

    number: int | None = Field(examples=[42])


class StockRow(BaseModel):
    """A listing SKU: what the channel showed of it, and which SKU or bundle it is with the number that follows."""

    shop: str
    listing_id: str
    sku_id: str
    merchant_code: str
    title: str
    spec: str
    shelf: str
    sellable: int | None
    held: int | None
    price: Price | None
    sku: str | None = Field(description="The SKU it is one piece of; null for a bundle and while it is unmapped.")
    components: list[StockComponent] = Field(description="What a bundle is made of.")
    origin: str | None = Field(description="How it was mapped: `auto` by its merchant code, or `manual`.")
    quantity: int | None = Field(
        description="The number to publish: the one the ERP last gave for the SKU, or as many as can be made of the "
        "bundle's parts. Null while a number is missing."
    )


class StockPage(Changed):
    """In order of shop, listing and SKU."""

    items: list[StockRow]


def add_routes(router: APIRouter, read: Reads) -> None:
    @router.get(
        "/listings",
        dependencies=[needs(KeyScope.LISTINGS_READ)],
        response_model=None,
        responses={200: {"model": ListingPage}},
    )
    async def list_listings(query: Annotated[ListingQuery, Query()], caller: Calling) -> Response:
        """List listings, those that changed longest ago first."""
        wanted = filter_of(query, caller, [each.value for each in query.status])
        return await read(lambda connection: changed(connection, "listing", query, wanted))

    @router.get(
        f"/listings/{SHOP}/{{listing_id}}",
        dependencies=[needs(KeyScope.LISTINGS_READ)],
        response_model=None,
        responses={200: {"model": ListingItem}},
    )
    async def read_listing(shop: ShopId, listing_id: ListingId, caller: Calling) -> Response:
        """Read one listing."""
        return await read(lambda connection: one(connection, "listing", caller, shop, listing_id))

    @router.get(
        "/stock", dependencies=[needs(KeyScope.STOCK_READ)], response_model=None, responses={200: {"model": StockPage}}
    )
    async def list_stock(query: Annotated[StockQuery, Query()], caller: Calling) -> Response:
        """List listing SKUs with their stock, price and mapping."""
        return await read(lambda connection: _stock(connection, query, caller).model_dump_json().encode())


def sku_page(
    connection: Connection, name: str, query: SkuQuery, caller: Caller, shelf: str = ""
) -> tuple[list[CatalogRow], str, bool]:
    """A page of listing SKUs, the cursor behind it, and whether there is more."""
    after = None
    if query.after:
        shop, listing_id, sku_id = texts(cursor.decode(name, query.after), 3)
        after = (shop, listing_id, sku_id)
    found = catalog.rows_of(
        connection,
        shops=shops_of(query, caller),
        channels=query.channel,
        listing_ids=query.listing,
        sku=query.sku or "",
        unmapped=query.unmapped,
        shelf=shelf,
        after=after,
        limit=query.limit + 1,
    )
    page = found[: query.limit]
    last = page[-1] if page else None
    place = cursor.encode(name, last.shop_id, last.key.listing_id, last.key.sku_id) if last else query.after
    return page, place, len(found) > len(page)


def _stock(connection: Connection, query: StockQuery, caller: Caller) -> StockPage:
    page, place, more = sku_page(connection, "stock", query, caller, query.status.value if query.status else "")
    numbers = catalog.numbers(connection, {part.sku for row in page for part in row.parts})
    return StockPage(items=[_row(row, numbers) for row in page], cursor=place, more=more)


def _row(row: CatalogRow, numbers: dict[str, int]) -> StockRow:
    return StockRow(
        shop=row.shop_id,
        listing_id=row.key.listing_id,
        sku_id=row.key.sku_id,
        merchant_code=row.merchant_code,
        title=row.title,
        spec=row.spec,
        shelf=row.shelf,
        sellable=row.sellable,
        held=row.held,
        price=row.price,
        sku=row.sku or None,
        components=[
            StockComponent(sku=part.sku, quantity=part.quantity, number=numbers.get(part.sku))
            for part in row.components
        ],
        origin=row.origin or None,
        quantity=published(row.parts, numbers),
    )
