"""What the ERP wants: stock, prices, mappings, shipments, memos; and what became of it.

Lives here: the Idempotency-Key, the answer, the routes. Does not: what an item means (sync/push.py), which may refuse
it without stopping its neighbours. When no item can be taken the answer is a problem, and nothing is remembered.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from core.access import Caller, KeyScope
from core.crypto import Vault
from core.db import commands, feed, intents
from core.db.commands import CommandRow
from core.db.lanes import Lane
from core.model import Canonical
from sync import mappings, push
from sync.mappings import MappingItem
from sync.push import ItemResult, MemoItem, NewMemo, PriceItem, Queued, ShipmentItem, StockItem
from web.access import Calling, needs
from web.batches import JSON, Batch, Body, read_batch, read_json, read_one
from web.problems import ItemError, Problem, detail_zh
from web.reach import within
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
        }
    )


class OrderMemo(NewMemo):
    """The seller's memo on an order, as it shall read. It takes the place of the text and the flag there are now."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"shop": "douyin:7012345", "text": "Pack as a gift", "flag": "red"}]}
    )


class Remark(BaseModel):
    """What an item that was taken will lack on its channel, or must wait for."""

    code: str = Field(examples=["lines_not_told"])
    detail: str
    detail_zh: str


class ItemAnswer(BaseModel):
    """What became of one item when the command arrived: `queued`, `unchanged` or `refused`."""

    index: int
    state: str = Field(examples=["queued"])
    code: str = Field("", description="Why it was refused.", examples=["unknown_sku"])
    detail: str = ""
    detail_zh: str = ""
    warnings: list[Remark] = []


class CommandAnswer(BaseModel):
    """The command as it was taken. Ask `/v1/commands/{id}` what the channels made of it."""

    id: str | None = Field(description="Null for a dry run.", examples=["cmd_6f1c8d0e9b3a4c5d8e7f60718293a4b5"])
    kind: str = Field(examples=["stock"])
    dry_run: bool = False
    created_at: datetime
    items: list[ItemAnswer]


class Target(BaseModel):
    """One thing on one channel that an item asked for."""

    shop: str = Field(examples=["douyin:7012345"])
    object: str = Field(description="Order, or listing/SKU.", examples=["3512345/1712345"])
    state: str = Field(examples=["accepted"])
    code: str = ""
    detail: str = ""


class ItemStatus(ItemAnswer):
    """What became of one item until now: its least finished target, or how it was answered when it has none.

    `queued`: under way · `accepted`: the channel has it · `superseded`: a newer wish took its place · `parked`: a
    person must look · `dismissed`: given up, by a person or for the channel's own value · `unchanged`: it was so
    already · `refused`: never taken.
    """

    targets: list[Target] = []


class CommandStatus(BaseModel):
    """A command as it stands now. `settled` once no item is queued any more."""

    id: str
    kind: str
    created_at: datetime
    settled: bool
    items: list[ItemStatus]


@dataclass(frozen=True)
class Command(Generic[T]):
    """A kind of command: how its body is read, and who makes intents of its items. `about`: what the path names."""

    kind: str
    read: Callable[[bytes], Batch[T]]
    push: Callable[[Connection, Sequence[T], datetime], Queued]
    about: str = ""


@dataclass(frozen=True)
class Asked:
    """One request: whose, with which Idempotency-Key."""

    caller: Caller
    key: str
    dry_run: bool


@dataclass(frozen=True)
class Answer:
    """What to send, and which lanes to ring once it is committed."""

    status: int
    body: str
    lanes: Collection[Lane] = ()
    replayed: bool = False


def run(state: State, command: Command[T], asked: Asked, body: bytes) -> Answer:
    """Reads the body and makes intents of it, all in one transaction with the remembered answer. Rings no bell."""
    batch = command.read(body)
    now = state.runtime.clock.now()
    with state.runtime.database.write() as connection:
        if asked.dry_run:
            trial = connection.begin_nested()
            answer, _ = _take(connection, command, batch, now, None, asked.caller)
            trial.rollback()
            return Answer(200, answer.model_dump_json())
        digest = hashlib.sha256((command.kind + command.about).encode() + b"\0" + body).digest()
        claimed = commands.claim(
            connection, caller=asked.caller.id, key=asked.key, kind=command.kind, digest=digest, now=now
        )
        if isinstance(claimed, CommandRow):
            if claimed.digest != digest:
                raise Problem("idempotency_conflict")
            return Answer(claimed.status, claimed.answer, replayed=True)
        answer, queued = _take(connection, command, batch, now, claimed, asked.caller)
        text = answer.model_dump_json()
        placed = dict(zip(batch.good, queued.items, strict=True))
        wanted = [placed[place].intents if place in placed else () for place in range(batch.total)]
        commands.finish(connection, claimed, answer=text, status=202, intents=wanted)
        feed.append(connection, queued.events)
    return Answer(202, text, queued.lanes)


def _take(
    connection: Connection, command: Command[T], batch: Batch[T], now: datetime, identity: str | None, caller: Caller
) -> tuple[CommandAnswer, Queued]:
    """Raises the problem that all items have in common when none of them is taken."""
    queued = within(connection, caller, list(batch.good.values()), now, command.push) if batch.good else Queued([])
    placed = dict(zip(batch.good, queued.items, strict=True))
    items = [
        _taken(place, placed[place]) if place in placed else _unreadable(place, batch.bad[place])
        for place in range(batch.total)
    ]
    if all(item.state == "refused" for item in items):
        raise _refused(items, batch)
    return CommandAnswer(id=identity, kind=command.kind, dry_run=identity is None, created_at=now, items=items), queued


def _taken(place: int, result: ItemResult) -> ItemAnswer:
    return ItemAnswer(
        index=place,
        state=result.state,
        code=result.code,
        detail=result.message,
        detail_zh=detail_zh(result.code),
        warnings=[Remark(code=w.code, detail=w.message, detail_zh=detail_zh(w.code)) for w in result.warnings],
    )


def _unreadable(place: int, errors: Sequence[ItemError]) -> ItemAnswer:
    first = errors[0]
    detail = "; ".join(f"{error.pointer}: {error.detail}" for error in errors)
    return ItemAnswer(index=place, state="refused", code=first.code, detail=detail, detail_zh=first.detail_zh)


def _refused(items: Iterable[ItemAnswer], batch: Batch[T]) -> Problem:
    errors: list[ItemError] = []
    for item in items:
        refusal = ItemError(
            pointer=batch.pointer.format(item.index), code=item.code, detail=item.detail, detail_zh=item.detail_zh
        )
        errors += batch.bad.get(item.index, [refusal])
    codes = {error.code for error in errors}
    return Problem(codes.pop() if len(codes) == 1 else "items_refused", status=422, errors=errors)


_BY_URGENCY = ("parked", "queued", "dismissed", "superseded", "accepted")


def status(connection: Connection, identity: str, caller: Caller) -> CommandStatus:
    """Raises `unknown_command`, also for a command about a shop that the key does not reach."""
    row = commands.get(connection, identity)
    if row is None:
        raise Problem("unknown_command")
    answer = CommandAnswer.model_validate_json(row.answer)
    wanted = commands.wanted(connection, identity)
    ours = row.caller == caller.id or (wanted and all(caller.reaches(each.shop_id) for each in wanted))
    if caller.shops and not ours:
        raise Problem("unknown_command")
    now = intents.states(connection, {(each.intent_id, each.version) for each in wanted})
    targets: dict[int, list[Target]] = {}
    for each in wanted:
        state, code, detail = now[each.intent_id, each.version]
        target = Target(shop=each.shop_id, object=each.object_id, state=state, code=code, detail=detail)
        targets.setdefault(each.item, []).append(target)
    items = [_status(item, targets.get(item.index, [])) for item in answer.items]
    settled = all(item.state != "queued" for item in items)
    return CommandStatus(id=row.id, kind=row.kind, created_at=row.created_at, settled=settled, items=items)


def _status(item: ItemAnswer, targets: list[Target]) -> ItemStatus:
    told = item.model_dump()
    if targets:
        worst = min(targets, key=lambda target: _BY_URGENCY.index(target.state))
        told |= {"state": worst.state, "code": worst.code, "detail": worst.detail, "detail_zh": detail_zh(worst.code)}
    elif item.state == "queued":
        told["state"] = "accepted"
    return ItemStatus(**told, targets=targets)


STOCK = Command("stock", partial(read_batch, StockBatch), push.set_stock)
PRICES = Command("prices", partial(read_batch, PriceBatch), push.set_prices)
SHIPMENTS = Command("shipments", partial(read_batch, ShipmentBatch), push.ship)
BODIES: tuple[type[BaseModel], ...] = (StockBatch, PriceBatch, MappingBatch, ShipmentBatch, OrderMemo)
"""Read by hand, so the description of the API has to be told of them."""

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,255}$",
        description="New for every command, the same for its repetitions; remembered for 7 days.",
        examples=["stock-2026-01-01-0001"],
    ),
]
OrderId = Annotated[str, Path(min_length=1, max_length=128, examples=["6920000000000000001"])]
DryRun = Annotated[bool, Query(description="Check and answer, but change nothing and remember nothing.")]


def _mappings_by(caller: str) -> Command[MappingItem]:
    return Command("mappings", partial(read_batch, MappingBatch), partial(mappings.set_mappings, by=caller))


def _memo_of(order_id: str, vault: Vault) -> Command[OrderMemo]:
    def write(connection: Connection, wanted: Sequence[OrderMemo], now: datetime) -> Queued:
        items = [MemoItem(order_id=order_id, **dict(memo)) for memo in wanted]
        return push.set_memos(connection, vault, items, now)

    return Command("memo", partial(read_one, OrderMemo), write, about=f"/{order_id}")


def _documented(body: type[BaseModel]) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{body.__name__}"}
    return {"requestBody": {"required": True, "content": {JSON: {"schema": schema}}}}


def routes(state: State) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["commands"])
    taken: dict[int | str, dict[str, Any]] = {
        202: {"model": CommandAnswer, "description": "Taken; refused items say why."},
        200: {"model": CommandAnswer, "description": "A dry run."},
    }

    async def answer(command: Command[T], request: Request, key: str, dry_run: bool) -> Response:
        body = await read_json(request)
        done = await state.write(run, state, command, Asked(request.state.caller, key, dry_run), body)
        state.ringer.ring(done.lanes)
        headers = {"Idempotent-Replayed": "true"} if done.replayed else {}
        return Response(done.body, done.status, headers, JSON)

    @router.put(
        "/stock",
        dependencies=[needs(KeyScope.STOCK_WRITE)],
        status_code=202,
        response_model=None,
        responses=taken,
        openapi_extra=_documented(StockBatch),
    )
    async def set_stock(request: Request, key: IdempotencyKey, dry_run: DryRun = False) -> Response:
        """Say how many of each SKU may be sold. Every listing SKU that is mapped to it gets the number."""
        return await answer(STOCK, request, key, dry_run)

    @router.put(
        "/prices",
        dependencies=[needs(KeyScope.PRICES_WRITE)],
        status_code=202,
        response_model=None,
        responses=taken,
        openapi_extra=_documented(PriceBatch),
    )
    async def set_prices(request: Request, key: IdempotencyKey, dry_run: DryRun = False) -> Response:
        """Say what listing SKUs cost, in fen. Some channels review a price before it takes effect."""
        return await answer(PRICES, request, key, dry_run)

    @router.put(
        "/mappings",
        dependencies=[needs(KeyScope.MAPPINGS_WRITE)],
        status_code=202,
        response_model=None,
        responses=taken,
        openapi_extra=_documented(MappingBatch),
    )
    async def set_mappings(request: Request, key: IdempotencyKey, dry_run: DryRun = False) -> Response:
        """Say which SKU a listing SKU is, or which components a bundle has. Null keeps it unmapped, whatever its
        merchant code.
        """
        return await answer(_mappings_by(request.state.caller.id), request, key, dry_run)

    @router.post(
        "/shipments",
        dependencies=[needs(KeyScope.SHIPMENTS_WRITE)],
        status_code=202,
        response_model=None,
        responses=taken,
        openapi_extra=_documented(ShipmentBatch),
    )
    async def ship(request: Request, key: IdempotencyKey, dry_run: DryRun = False) -> Response:
        """Declare parcels. An open refund stops the shipment unless `refuse_refund` says otherwise."""
        return await answer(SHIPMENTS, request, key, dry_run)

    @router.put(
        "/orders/{order_id}/memo",
        dependencies=[needs(KeyScope.MEMOS_WRITE)],
        status_code=202,
        response_model=None,
        responses=taken,
        openapi_extra=_documented(OrderMemo),
    )
    async def set_memo(order_id: OrderId, request: Request, key: IdempotencyKey, dry_run: DryRun = False) -> Response:
        """Say what the seller's memo on an order is. One that the seller changed meanwhile is decided by policy."""
        return await answer(_memo_of(order_id, state.runtime.vault), request, key, dry_run)

    @router.get(
        "/commands/{command_id}",
        dependencies=[needs(KeyScope.COMMANDS_READ)],
        responses={200: {"model": CommandStatus}},
    )
    async def read_command(command_id: str, caller: Calling) -> CommandStatus:
        """What became of a command, item by item."""

        def read() -> CommandStatus:
            with state.runtime.database.read() as connection:
                return status(connection, command_id, caller)

        return await state.read(read)

    return router
