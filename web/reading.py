"""What is known: orders, after-sales, listings, listing SKUs with stock and mapping, shops. Read from SQL, never from a
channel, and only of the shops that the caller's key reaches.
"""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from core.access import Caller, KeyScope
from core.db import feed, shops
from core.db.shops import ShopRow
from web import cursor, reading_listings, reading_mappings, reading_orders
from web.access import Calling, needs
from web.pages import Changed, PageQuery, Reads, ShopId, shops_of, texts
from web.paths import SHOP
from web.problems import Problem
from web.state import State


class ShopQuery(PageQuery):
    """Which shops."""

    status: Literal["active", "paused"] | None = None


class ShopItem(BaseModel):
    """A connected shop. A paused one is neither read nor written; `reason` says why."""

    id: str = Field(examples=["douyin:7012345"])
    channel: str = Field(examples=["douyin"])
    account: str = Field(examples=["7012345"])
    name: str
    state: str = Field(examples=["active"])
    reason: str
    complete_through: datetime | None = Field(
        description="Every order change up to then is here.", examples=["2026-01-01T00:00:00Z"]
    )


class ShopPage(Changed):
    """In order of their ids."""

    items: list[ShopItem]


def routes(state: State) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["reading"])
    read = Reads(state)
    for each in (reading_orders, reading_listings, reading_mappings):
        each.add_routes(router, read)

    @router.get(
        "/shops", dependencies=[needs(KeyScope.SHOPS_READ)], response_model=None, responses={200: {"model": ShopPage}}
    )
    async def list_shops(query: Annotated[ShopQuery, Query()], caller: Calling) -> Response:
        """List the connected shops."""
        return await read(lambda connection: _shops(connection, query, caller).model_dump_json().encode())

    @router.get(
        f"/shops/{SHOP}",
        dependencies=[needs(KeyScope.SHOPS_READ)],
        response_model=None,
        responses={200: {"model": ShopItem}},
    )
    async def read_shop(shop: ShopId, caller: Calling) -> Response:
        """Read one shop."""
        return await read(lambda connection: _shop(connection, shop, caller).model_dump_json().encode())

    return router


def _shops(connection: Connection, query: ShopQuery, caller: Caller) -> ShopPage:
    reached = shops_of(query, caller)
    (after,) = texts(cursor.decode("shops", query.after), 1) if query.after else ("",)
    found = [
        row
        for row in sorted(shops.all_shops(connection), key=lambda row: row.id)
        if row.id > after
        and (not reached or row.id in reached)
        and (not query.channel or row.channel in query.channel)
        and query.status in (None, row.state)
    ]
    page = found[: query.limit]
    through = feed.complete_through(connection)
    return ShopPage(
        items=[_item(row, through.get(row.id)) for row in page],
        cursor=cursor.encode("shops", page[-1].id) if page else query.after,
        more=len(found) > len(page),
    )


def _shop(connection: Connection, identity: str, caller: Caller) -> ShopItem:
    """Raises `unknown_shop`, also for one that the key does not reach."""
    found = [row for row in shops.all_shops(connection) if row.id == identity and caller.reaches(identity)]
    if not found:
        raise Problem("unknown_shop", status=404)
    return _item(found[0], feed.complete_through(connection).get(identity))


def _item(row: ShopRow, complete_through: datetime | None) -> ShopItem:
    return ShopItem(
        id=row.id,
        channel=row.channel,
        account=row.account,
        name=row.name,
        state=row.state,
        reason=row.reason,
        complete_through=complete_through,
    )
