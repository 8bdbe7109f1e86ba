"""`GET /v1/mappings`: which SKU or bundle every listing SKU is, and `/v1/mappings/history`: who said so when."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from core.access import Caller, KeyScope
from core.db import mappings
from core.db.catalog import CatalogRow
from web import cursor
from web.access import Calling, needs
from web.feed import Name
from web.pages import Changed, PageQuery, Reads, shops_of
from web.reading_listings import Component, SkuQuery, sku_page


class MappingQuery(SkuQuery):
    """Which listing SKUs."""


class HistoryQuery(PageQuery):
    """Of which listing SKUs."""

    listing_id: Name | None = Field(None, description="Only SKUs of this listing.", examples=["3512345"])
    sku_id: Name | None = Field(None, description="Only this SKU of the channel's.", examples=["1712345"])


class MappingRow(BaseModel):
    """A listing SKU, and which SKU or bundle of the ERP's it is."""

    shop: str = Field(examples=["douyin:7012345"])
    listing_id: str = Field(examples=["3512345"])
    sku_id: str = Field(examples=["1712345"])
    merchant_code: str
    title: str
    spec: str
    sku: str | None = Field(description="The SKU it is one piece of; null for a bundle and while it is unmapped.")
    components: list[Component] = Field(description="What a bundle is made of.")
    origin: str | None = Field(description="How it was mapped: `auto` by its merchant code, or `manual`.")


class MappingPage(Changed):
    """In order of shop, listing and SKU."""

    items: list[MappingRow]


class Mapping(BaseModel):
    """What a listing SKU was mapped to. With neither `sku` nor `components` it must not be mapped at all."""

    origin: str = Field(examples=["manual"])
    sku: str | None = Field(examples=["TEA-250"])
    components: list[Component]


class MappingChange(BaseModel):
    """A mapping that became another one."""

    shop: str = Field(examples=["douyin:7012345"])
    listing_id: str = Field(examples=["3512345"])
    sku_id: str = Field(examples=["1712345"])
    before: Mapping | None = Field(description="Null when nothing was said of it.")
    after: Mapping | None
    by: str = Field(
        description="The visible part of an API key, `operator` for the command line, `auto` for merchant codes.",
        examples=["qk_5f2c81aa"],
    )
    at: datetime


class HistoryPage(Changed):
    """Oldest first."""

    items: list[MappingChange]


def add_routes(router: APIRouter, read: Reads) -> None:
    @router.get(
        "/mappings",
        dependencies=[needs(KeyScope.LISTINGS_READ)],
        response_model=None,
        responses={200: {"model": MappingPage}},
    )
    async def list_mappings(query: Annotated[MappingQuery, Query()], caller: Calling) -> Response:
        """List listing SKUs with the SKU or the bundle that each one is."""
        return await read(lambda connection: _current(connection, query, caller).model_dump_json().encode())

    @router.get(
        "/mappings/history",
        dependencies=[needs(KeyScope.LISTINGS_READ)],
        response_model=None,
        responses={200: {"model": HistoryPage}},
    )
    async def list_mapping_changes(query: Annotated[HistoryQuery, Query()], caller: Calling) -> Response:
        """List who mapped what, when, and what it was before."""
        return await read(lambda connection: _history(connection, query, caller).model_dump_json().encode())


def _current(connection: Connection, query: MappingQuery, caller: Caller) -> MappingPage:
    page, place, more = sku_page(connection, "mappings", query, caller)
    return MappingPage(items=[_row(row) for row in page], cursor=place, more=more)


def _row(row: CatalogRow) -> MappingRow:
    return MappingRow(
        shop=row.shop_id,
        listing_id=row.key.listing_id,
        sku_id=row.key.sku_id,
        merchant_code=row.merchant_code,
        title=row.title,
        spec=row.spec,
        sku=row.sku or None,
        components=[Component(sku=part.sku, quantity=part.quantity) for part in row.components],
        origin=row.origin or None,
    )


def _history(connection: Connection, query: HistoryQuery, caller: Caller) -> HistoryPage:
    found = mappings.history(
        connection,
        shops=shops_of(query, caller),
        channels=query.channel,
        listing_id=query.listing_id or "",
        sku_id=query.sku_id or "",
        after=cursor.number("mapping_changes", query.after) if query.after else 0,
        limit=query.limit + 1,
    )
    page = found[: query.limit]
    return HistoryPage(
        items=[
            MappingChange(
                shop=row.shop_id,
                listing_id=row.listing_id,
                sku_id=row.sku_id,
                before=Mapping.model_validate(row.before) if row.before is not None else None,
                after=Mapping.model_validate(row.after) if row.after is not None else None,
                by=row.by,
                at=row.at,
            )
            for row in page
        ],
        cursor=cursor.encode("mapping_changes", page[-1].id) if page else query.after,
        more=len(found) > len(page),
    )
