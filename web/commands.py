"""A command of the ERP: taken once for its Idempotency-Key, answered item by item, and followed until it is settled.

Does not live here: which commands there are (web/command_routes.py), nor what an item means (sync/), which may refuse
it without stopping its neighbours. When no item can be taken the answer is a problem, and nothing is remembered.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from pydantic import BaseModel, Field
from sqlalchemy import Connection

from core.access import Caller
from core.db import commands, feed, intents
from core.db.commands import CommandRow
from core.db.lanes import Lane
from core.model import Canonical
from sync.wishes import ItemResult, Queued
from web.batches import Batch
from web.problems import ItemError, Problem, detail_zh
from web.reach import within
from web.remarks import REMARKS
from web.state import State

T = TypeVar("T", bound=Canonical)


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
        warnings=[Remark(code=w.code, detail=w.message, detail_zh=REMARKS[w.code]) for w in result.warnings],
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
        words_zh = detail_zh(worst.code) or REMARKS.get(worst.code, "")
        told |= {"state": worst.state, "code": worst.code, "detail": worst.detail, "detail_zh": words_zh}
    elif item.state == "queued":
        told["state"] = "accepted"
    return ItemStatus(**told, targets=targets)
