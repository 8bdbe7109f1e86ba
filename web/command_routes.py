"""The commands there are: what their bodies look like, and what makes intents of them."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from core.access import KeyScope
from core.crypto import Vault
from core.model import Canonical
from sync import address, mappings, push
from sync.address import AnswerItem, NewAnswer
from sync.mappings import MappingItem
from sync.memos import MemoItem, NewMemo, set_memos
from sync.push import PriceItem, StockItem
from sync.shelf import NewShelf, ShelfItem, set_shelves
from sync.shipments import ShipmentItem, ship
from sync.wishes import Queued
from web.access import Calling, needs
from web.batches import JSON, Body, read_batch, read_json, read_one
from web.commands import Asked, Command, CommandAnswer, CommandStatus, run, status
from web.state import State

T = TypeVar("T", bound=Canonical)


def _example(*items: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [{"items": list(items)}]})


class StockBatch(Body[StockItem]):
    """How many of each SKU may be sold."""

    model_config = _example({"sku": "TEA-250", "quantity": 42}, {"sku": "CUP-01", "quantity": 0})


class PriceBatch(Body[PriceItem]):
    """Prices in fen."""

    model_config = _example(
        {"shop": "pinduoduo:300123", "sku": "TEA-250", "sale": 2990, "single": 3290, "market": 3990},
        {"shop": "douyin:7012345", "listing_id": "3512345", "sku_id": "1712345", "sale": 3190},
    )


class MappingBatch(Body[MappingItem]):
    """Which SKU a listing SKU is, or which components a bundle has."""

    model_config = _example(
        {"shop": "douyin:7012345", "listing_id": "3512345", "sku_id": "1712345", "sku": "TEA-250"},
        {
            "shop": "douyin:7012345",
            "listing_id": "3512345",
            "sku_id": "1712346",
            "components": [{"sku": "TEA-250", "quantity": 2}, {"sku": "CUP-01", "quantity": 1}],
        },
    )


class ShipmentBatch(Body[ShipmentItem]):
    """Parcels, order by order. A later shipment of the same order with other numbers corrects the earlier one."""

    model_config = _example(
        {
            "shop": "douyin:7012345",
            "order_id": "6920000000000000001",
            "parcels": [{"carrier": "ZTO", "tracking_no": "75312345678901"}],
        },
        {
            "shop": "jd:10000001",
            "order_id": "290000000001",
            "parcels": [
                {
                    "carrier": "SF",
                    "tracking_no": "SF1234567890123",
                    "lines": [{"line_id": "L1", "quantity": 2}],
                },
                {"carrier": "SF", "tracking_no": "SF1234567890124"},
            ],
        },
    )


class OrderAnswer(NewAnswer):
    """What a buyer is told who asks for another address."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"shop": "douyin:7012345", "approve": True},
                {"shop": "douyin:7012345", "approve": False, "refusal": "packed"},
            ]
        }
    )


class ListingShelf(NewShelf):
    """Whether a listing shall be on sale."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"shop": "douyin:7012345", "on": False}]})


class OrderMemo(NewMemo):
    """The seller's memo on an order, as it shall read. It takes the place of the text and the flag there are now."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"shop": "douyin:7012345", "text": "Pack as a gift", "flag": "red"}]}
    )


STOCK = Command("stock", partial(read_batch, StockBatch), push.set_stock)
PRICES = Command("prices", partial(read_batch, PriceBatch), push.set_prices)
SHIPMENTS = Command("shipments", partial(read_batch, ShipmentBatch), ship)
BODIES: tuple[type[BaseModel], ...] = (
    StockBatch,
    PriceBatch,
    MappingBatch,
    ShipmentBatch,
    OrderMemo,
    OrderAnswer,
    ListingShelf,
)
"""Read by hand, so the description of the API has to be told of them."""

ID = r"^[!-~]{1,128}$"
"""What can be an id: visible ASCII."""
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,255}$",
        description="New for every command, the same for its repetitions; remembered for 7 days.",
        examples=["stock-2026-01-01-0001"],
    ),
]
OrderId = Annotated[str, Path(pattern=ID, examples=["6920000000000000001"])]
ListingId = Annotated[str, Path(pattern=ID, examples=["3512345"])]
CommandId = Annotated[str, Path(pattern=ID, examples=["cmd_6f1c8d0e9b3a4c5d8e7f60718293a4b5"])]
DryRun = Annotated[bool, Query(description="Check and answer, but change nothing and remember nothing.")]


def _mappings_by(caller: str) -> Command[MappingItem]:
    return Command("mappings", partial(read_batch, MappingBatch), partial(mappings.set_mappings, by=caller))


def _memo_of(order_id: str, vault: Vault) -> Command[OrderMemo]:
    def write(connection: Connection, wanted: Sequence[OrderMemo], now: datetime) -> Queued:
        items = [MemoItem(order_id=order_id, **dict(memo)) for memo in wanted]
        return set_memos(connection, vault, items, now)

    return Command("memo", partial(read_one, OrderMemo), write, about=f"/{order_id}")


def _address_of(order_id: str) -> Command[OrderAnswer]:
    def write(connection: Connection, wanted: Sequence[OrderAnswer], now: datetime) -> Queued:
        return address.answer(connection, [AnswerItem(order_id=order_id, **dict(each)) for each in wanted], now)

    return Command("address", partial(read_one, OrderAnswer), write, about=f"/{order_id}")


def _shelf_of(listing_id: str) -> Command[ListingShelf]:
    def write(connection: Connection, wanted: Sequence[ListingShelf], now: datetime) -> Queued:
        return set_shelves(connection, [ShelfItem(listing_id=listing_id, **dict(each)) for each in wanted], now)

    return Command("shelf", partial(read_one, ListingShelf), write, about=f"/{listing_id}")


def _taking(scope: KeyScope, body: type[BaseModel]) -> dict[str, Any]:
    """How a route that takes commands is declared."""
    schema = {"$ref": f"#/components/schemas/{body.__name__}"}
    return {
        "dependencies": [needs(scope)],
        "status_code": 202,
        "response_model": None,
        "responses": {
            202: {"model": CommandAnswer, "description": "Taken; refused items say why."},
            200: {"model": CommandAnswer, "description": "A dry run."},
        },
        "openapi_extra": {"requestBody": {"required": True, "content": {JSON: {"schema": schema}}}},
    }


def routes(state: State) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["commands"])

    async def answer(command: Command[T], request: Request, key: str, dry_run: bool) -> Response:
        body = await read_json(request)
        done = await state.write(run, state, command, Asked(request.state.caller, key, dry_run), body)
        state.ringer.ring(done.lanes)
        headers = {"Idempotent-Replayed": "true"} if done.replayed else {}
        return Response(done.body, done.status, headers, JSON)

    @router.put("/stock", **_taking(KeyScope.STOCK_WRITE, StockBatch))
    async def set_stock(request: Request, key: IdempotencyKey, dry_run: DryRun = False) -> Response:
        """Say how many of each SKU may be sold. Every listing SKU that is mapped to it gets the number."""
        return await answer(STOCK, request, key, dry_run)

    @router.put("/prices", **_taking(KeyScope.PRICES_WRITE, PriceBatch))
    async def set_prices(request: Request, key: IdempotencyKey, dry_run: DryRun = False) -> Response:
        """Say what listing SKUs cost, in fen. Some channels review a price before it takes effect."""
        return await answer(PRICES, request, key, dry_run)

    @router.put("/mappings", **_taking(KeyScope.MAPPINGS_WRITE, MappingBatch))
    async def set_mappings(request: Request, key: IdempotencyKey, dry_run: DryRun = False) -> Response:
        """Say which SKU a listing SKU is, or which components a bundle has. Null keeps it unmapped, whatever its
        merchant code.
        """
        return await answer(_mappings_by(request.state.caller.id), request, key, dry_run)

    @router.post("/shipments", **_taking(KeyScope.SHIPMENTS_WRITE, ShipmentBatch))
    async def declare(request: Request, key: IdempotencyKey, dry_run: DryRun = False) -> Response:
        """Declare parcels. An open refund stops the shipment unless `refuse_refund` says otherwise."""
        return await answer(SHIPMENTS, request, key, dry_run)

    @router.put("/orders/{order_id}/memo", **_taking(KeyScope.MEMOS_WRITE, OrderMemo))
    async def set_memo(order_id: OrderId, request: Request, key: IdempotencyKey, dry_run: DryRun = False) -> Response:
        """Say what the seller's memo on an order is. One that the seller changed meanwhile is decided by policy."""
        return await answer(_memo_of(order_id, state.runtime.vault), request, key, dry_run)

    @router.put("/listings/{listing_id}/shelf", **_taking(KeyScope.SHELF_WRITE, ListingShelf))
    async def set_shelf(
        listing_id: ListingId, request: Request, key: IdempotencyKey, dry_run: DryRun = False
    ) -> Response:
        """Put a listing on sale, or take it off. What the seller did meanwhile is decided by policy."""
        return await answer(_shelf_of(listing_id), request, key, dry_run)

    @router.post("/orders/{order_id}/address:confirm", **_taking(KeyScope.ADDRESSES_WRITE, OrderAnswer))
    async def answer_address(
        order_id: OrderId, request: Request, key: IdempotencyKey, dry_run: DryRun = False
    ) -> Response:
        """Answer a buyer who asks for another address (`order.address_requested`). Shipments wait for the answer."""
        return await answer(_address_of(order_id), request, key, dry_run)

    @router.get(
        "/commands/{command_id}",
        dependencies=[needs(KeyScope.COMMANDS_READ)],
        responses={200: {"model": CommandStatus}},
    )
    async def read_command(command_id: CommandId, caller: Calling) -> CommandStatus:
        """What became of a command, item by item."""

        def read() -> CommandStatus:
            with state.runtime.database.read() as connection:
                return status(connection, command_id, caller)

        return await state.read(read)

    return router
