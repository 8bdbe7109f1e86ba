"""`GET /v1/orders` and `GET /v1/after-sales`: as the newest events of the feed about them showed them."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from core.access import KeyScope
from core.db import order_numbers
from core.model import AfterSale, Order
from core.status import AfterSaleStage, OrderStatus
from web.access import Calling, needs
from web.feed import Instant, Name
from web.pages import AfterSaleId, Changed, CreatedQuery, OrderId, Reads, ShopId, changed, filter_of, one, shops_of
from web.paths import SHOP


class OrderQuery(CreatedQuery):
    """Which orders."""

    status: list[OrderStatus] = Field([], max_length=20, description="Only these.", examples=[["to_ship"]])
    ship_by_before: Instant | None = Field(None, description="Promised to be shipped before then.")
    number: Name | None = Field(
        None,
        description="Any number of an order: its own id, that of a parent, child, related order, line or after-sale, "
        f"or a tracking number. One that very many orders share finds the first {order_numbers.MOST}.",
        examples=["75312345678901"],
    )


class AfterSaleQuery(CreatedQuery):
    """Which after-sales."""

    status: list[AfterSaleStage] = Field(
        [], max_length=20, description="Only at these stages.", examples=[["requested"]]
    )
    order: list[Name] = Field([], max_length=100, description="Only those of these orders.")


class OrderItem(BaseModel):
    """An order as the feed's newest event about it showed it."""

    order: Order
    revision: int
    changed_at: datetime


class OrderPage(Changed):
    """A page of orders."""

    items: list[OrderItem]


class AfterSaleItem(BaseModel):
    """An after-sale as the feed's newest event about it showed it."""

    after_sale: AfterSale
    revision: int
    changed_at: datetime


class AfterSalePage(Changed):
    """A page of after-sales."""

    items: list[AfterSaleItem]


def add_routes(router: APIRouter, read: Reads) -> None:
    @router.get(
        "/orders",
        dependencies=[needs(KeyScope.ORDERS_READ)],
        response_model=None,
        responses={200: {"model": OrderPage}},
    )
    async def list_orders(query: Annotated[OrderQuery, Query()], caller: Calling) -> Response:
        """List orders, those that changed longest ago first. `number` finds an order by any of its numbers."""
        statuses = [each.value for each in query.status]
        created = (query.created_since, query.created_until)
        shops = shops_of(query, caller)

        def work(connection: Connection) -> bytes:
            among = None if query.number is None else order_numbers.find(connection, query.number, shops)
            wanted = filter_of(
                query, caller, statuses, created=created, ship_by_before=query.ship_by_before, among=among
            )
            return changed(connection, "order", query, wanted)

        return await read(work)

    @router.get(
        f"/orders/{SHOP}/{{order_id}}",
        dependencies=[needs(KeyScope.ORDERS_READ)],
        response_model=None,
        responses={200: {"model": OrderItem}},
    )
    async def read_order(shop: ShopId, order_id: OrderId, caller: Calling) -> Response:
        """Read one order."""
        return await read(lambda connection: one(connection, "order", caller, shop, order_id))

    @router.get(
        "/after-sales",
        dependencies=[needs(KeyScope.AFTER_SALES_READ)],
        response_model=None,
        responses={200: {"model": AfterSalePage}},
    )
    async def list_after_sales(query: Annotated[AfterSaleQuery, Query()], caller: Calling) -> Response:
        """List after-sales, those that changed longest ago first."""
        created = (query.created_since, query.created_until)
        statuses = [each.value for each in query.status]
        wanted = filter_of(query, caller, statuses, created=created, orders=query.order)
        return await read(lambda connection: changed(connection, "after_sale", query, wanted))

    @router.get(
        f"/after-sales/{SHOP}/{{after_sale_id}}",
        dependencies=[needs(KeyScope.AFTER_SALES_READ)],
        response_model=None,
        responses={200: {"model": AfterSaleItem}},
    )
    async def read_after_sale(shop: ShopId, after_sale_id: AfterSaleId, caller: Calling) -> Response:
        """Read one after-sale."""
        return await read(lambda connection: one(connection, "after_sale", caller, shop, after_sale_id))
