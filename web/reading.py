"""What is known: orders, listings, listing SKUs with stock and mapping, shops. Read from SQL, never from a channel."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from core.access import KeyScope
from core.db import catalog, feed, items, shops
from core.db.items import StoredItem
from core.model import Listing, Order, Price
from core.status import OrderStatus, Shelf
from web import cursor
from web.access import needs
from web.batches import JSON
from web.problems import Problem
from web.state import State


class PageQuery(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: str = Field("", max_length=400, description="The cursor of the page before; empty: from the start.")
    limit: int = Field(100, ge=1, le=500)
    shop: str = Field("", max_length=128, description="Only this shop.", examples=["douyin:7012345"])


class OrderQuery(PageQuery):
    """Which orders."""

    status: OrderStatus | None = None
    updated_since: AwareDatetime | None = Field(None, description="Changed here since then.")


class ListingQuery(PageQuery):
    """Which listings."""

    status: Shelf | None = None
    updated_since: AwareDatetime | None = Field(None, description="Changed here since then.")


class StockQuery(PageQuery):
    """Which listing SKUs."""

    sku: str = Field("", max_length=128, description="Only those mapped to this SKU.")
    unmapped: bool = Field(False, description="Only those mapped to none.")


class OrderItem(BaseModel):
    """An order as the feed's newest event about it showed it."""

    order: Order
    revision: int
    changed_at: datetime


class OrderPage(BaseModel):
    """`cursor` continues behind the last item; it stays good for what changes later."""

    items: list[OrderItem]
    cursor: str
    more: bool


class ListingItem(BaseModel):
    """A listing as the feed's newest event about it showed it."""

    listing: Listing
    revision: int
    changed_at: datetime


class ListingPage(BaseModel):
    """`cursor` continues behind the last item; it stays good for what changes later."""

    items: list[ListingItem]
    cursor: str
    more: bool


class StockRow(BaseModel):
    """A listing SKU: what the channel showed of it, and which SKU it is with the ERP's number."""

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
    sku: str | None
    origin: str | None = Field(description="How it was mapped: `auto` by its merchant code, or `manual`.")
    quantity: int | None = Field(description="The number the ERP last gave for the SKU.")


class StockPage(BaseModel):
    """In order of shop, listing and SKU."""

    items: list[StockRow]
    cursor: str
    more: bool


class ShopItem(BaseModel):
    """A connected shop. A paused one is neither read nor written; `reason` says why."""

    id: str
    channel: str
    account: str
    name: str
    state: str
    reason: str
    complete_through: datetime | None


class ShopPage(BaseModel):
    """All shops."""

    items: list[ShopItem]


def routes(state: State) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["reading"])

    async def read(work: Callable[[Connection], bytes]) -> Response:
        def reading() -> bytes:
            with state.runtime.database.read() as connection:
                return work(connection)

        return Response(await state.read(reading), media_type=JSON)

    @router.get(
        "/orders",
        dependencies=[needs(KeyScope.ORDERS_READ)],
        response_model=None,
        responses={200: {"model": OrderPage}},
    )
    async def list_orders(query: Annotated[OrderQuery, Query()]) -> Response:
        """List orders, those that changed longest ago first."""
        return await read(lambda connection: _changed(connection, "order", query))

    @router.get(
        "/orders/{shop}/{order_id}",
        dependencies=[needs(KeyScope.ORDERS_READ)],
        response_model=None,
        responses={200: {"model": OrderItem}},
    )
    async def read_order(shop: str, order_id: str) -> Response:
        """Read one order."""
        return await read(lambda connection: _one(connection, "order", shop, order_id))

    @router.get(
        "/listings",
        dependencies=[needs(KeyScope.LISTINGS_READ)],
        response_model=None,
        responses={200: {"model": ListingPage}},
    )
    async def list_listings(query: Annotated[ListingQuery, Query()]) -> Response:
        """List listings, those that changed longest ago first."""
        return await read(lambda connection: _changed(connection, "listing", query))

    @router.get(
        "/listings/{shop}/{listing_id}",
        dependencies=[needs(KeyScope.LISTINGS_READ)],
        response_model=None,
        responses={200: {"model": ListingItem}},
    )
    async def read_listing(shop: str, listing_id: str) -> Response:
        """Read one listing."""
        return await read(lambda connection: _one(connection, "listing", shop, listing_id))

    @router.get(
        "/stock", dependencies=[needs(KeyScope.STOCK_READ)], response_model=None, responses={200: {"model": StockPage}}
    )
    async def list_stock(query: Annotated[StockQuery, Query()]) -> Response:
        """List listing SKUs with their stock, price and mapping."""
        return await read(lambda connection: _stock(connection, query).model_dump_json().encode())

    @router.get(
        "/shops", dependencies=[needs(KeyScope.SHOPS_READ)], response_model=None, responses={200: {"model": ShopPage}}
    )
    async def list_shops() -> Response:
        """List the connected shops."""
        return await read(lambda connection: _shops(connection).model_dump_json().encode())

    return router


def _changed(connection: Connection, kind: str, query: OrderQuery | ListingQuery) -> bytes:
    name = f"{kind}s"
    after = _after_change(cursor.decode(name, query.after)) if query.after else None
    found = items.page(
        connection,
        kind,
        shop=query.shop,
        status=query.status.value if query.status else "",
        updated_since=query.updated_since,
        after=after,
        limit=query.limit + 1,
    )
    page = found[: query.limit]
    last = page[-1] if page else None
    place = cursor.encode(name, last.changed_at.isoformat(), last.shop_id, last.id) if last else query.after
    end = json.dumps({"cursor": place, "more": len(found) > len(page)})
    return f'{{"items":[{",".join(_item_text(kind, item) for item in page)}],{end[1:]}'.encode()


def _after_change(place: list[Any]) -> tuple[datetime, str, str]:
    match place:
        case [str(at), str(shop), str(identity)]:
            return datetime.fromisoformat(at), shop, identity
    raise Problem("cursor_invalid")


def _one(connection: Connection, kind: str, shop: str, identity: str) -> bytes:
    found = items.find(connection, kind, shop, identity)
    if found is None:
        raise Problem(f"unknown_{kind}", status=404)
    return _item_text(kind, found).encode()


def _item_text(kind: str, item: StoredItem) -> str:
    """The canonical JSON goes in as the text it was stored as."""
    changed_at = item.changed_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return f'{{"{kind}":{item.body},"revision":{item.revision},"changed_at":"{changed_at}"}}'


def _stock(connection: Connection, query: StockQuery) -> StockPage:
    after = _after_sku(cursor.decode("stock", query.after)) if query.after else None
    found = catalog.rows_of(
        connection, shop_id=query.shop, sku=query.sku, unmapped=query.unmapped, after=after, limit=query.limit + 1
    )
    page = found[: query.limit]
    numbers = catalog.numbers(connection, {row.sku for row in page if row.sku})
    last = page[-1] if page else None
    return StockPage(
        items=[
            StockRow(
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
                origin=row.origin or None,
                quantity=numbers.get(row.sku),
            )
            for row in page
        ],
        cursor=cursor.encode("stock", last.shop_id, last.key.listing_id, last.key.sku_id) if last else query.after,
        more=len(found) > len(page),
    )


def _after_sku(place: list[Any]) -> tuple[str, str, str]:
    match place:
        case [str(shop), str(listing_id), str(sku_id)]:
            return shop, listing_id, sku_id
    raise Problem("cursor_invalid")


def _shops(connection: Connection) -> ShopPage:
    through = feed.complete_through(connection)
    return ShopPage(
        items=[
            ShopItem(
                id=row.id,
                channel=row.channel,
                account=row.account,
                name=row.name,
                state=row.state,
                reason=row.reason,
                complete_through=through.get(row.id),
            )
            for row in shops.all_shops(connection)
        ]
    )
