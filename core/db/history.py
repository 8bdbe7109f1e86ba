"""What is on record about one thing, for whoever asks how it came about. Reads only; never a payload or a person."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from core.db.feed import FeedRow, opened
from core.db.tables import (
    after_sales,
    command,
    command_item,
    feed,
    intent,
    intervention,
    pull_window,
    receipt,
    sku_stock,
)


@dataclass(frozen=True)
class Asked:
    """An item of a command that asked for an intent. `caller`: the visible part of an API key, or `operator`."""

    intent_id: int
    version: int
    command_id: str
    kind: str
    caller: str
    key: str
    item: int
    at: datetime


@dataclass(frozen=True)
class Noticed:
    """A notice about an object, as often as it came."""

    id: int
    topic: str
    kind: str
    object_id: str
    source_at: datetime | None
    received_at: datetime
    seen: int
    state: str
    reason: str


@dataclass(frozen=True)
class Walked:
    """A poll over a range that may have brought something."""

    id: int
    since: datetime
    until: datetime
    expected: int | None
    received: int
    complete: bool
    ended_at: datetime


@dataclass(frozen=True)
class Intervened:
    """What a person did about something parked."""

    ref: str
    action: str
    code: str
    reason: str
    note: str
    at: datetime


@dataclass(frozen=True)
class Number:
    """The number the ERP last gave for a SKU."""

    sku: str
    quantity: int
    set_at: datetime


def asked_for(connection: Connection, intent_ids: Collection[int]) -> list[Asked]:
    """The commands that wanted these, oldest first. Commands are kept for seven days."""
    query = (
        sa.select(command_item, command.c.kind, command.c.caller, command.c.idempotency_key, command.c.created_at)
        .join(command, command.c.id == command_item.c.command_id)
        .where(command_item.c.intent_id.in_(intent_ids))
        .order_by(command.c.created_at, command_item.c.item)
    )
    return [
        Asked(
            row.intent_id,
            row.version,
            row.command_id,
            row.kind,
            row.caller,
            row.idempotency_key,
            row.item,
            row.created_at,
        )
        for row in connection.execute(query)
    ]


def notices(connection: Connection, shop_id: str, kind: str, object_ids: Collection[str]) -> list[Noticed]:
    channel, _, account = shop_id.partition(":")
    columns = [receipt.c[name] for name in Noticed.__dataclass_fields__]
    query = sa.select(*columns).where(
        receipt.c.channel == channel,
        receipt.c.account == account,
        receipt.c.kind == kind,
        receipt.c.object_id.in_(object_ids),
    )
    return [Noticed(*row) for row in connection.execute(query.order_by(receipt.c.id))]


def walk_that_brought(
    connection: Connection, shop_id: str, stream: str, source_at: datetime, accepted_at: datetime
) -> Walked | None:
    """The first poll that ended after something was accepted and whose range holds its source version."""
    columns = [pull_window.c[name] for name in Walked.__dataclass_fields__]
    query = (
        sa.select(*columns)
        .where(
            pull_window.c.shop_id == shop_id,
            pull_window.c.stream == stream,
            pull_window.c.ended_at >= accepted_at,
            pull_window.c.since <= source_at,
            pull_window.c.until >= source_at,
        )
        .order_by(pull_window.c.ended_at, pull_window.c.id)
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return Walked(*row) if row else None


def events(connection: Connection, ids: Iterable[str]) -> list[FeedRow]:
    """The events of these ids that exist, in the feed's order."""
    rows = [
        row
        for some in _parts(list(ids))
        for row in opened(connection, connection.execute(sa.select(feed).where(feed.c.id.in_(some))))
    ]
    return sorted(rows, key=lambda row: row.position)


def told(connection: Connection, kind: str, shop_id: str, object_id: str) -> int:
    """The newest revision of outcomes that were told about an object."""
    about = sa.and_(intent.c.kind == kind, intent.c.shop_id == shop_id, intent.c.object_id == object_id)
    return int(connection.scalar(sa.select(sa.func.sum(intent.c.told)).where(about)) or 0)


def after_sales_of(connection: Connection, shop_id: str, order_id: str) -> list[tuple[str, int]]:
    """(id, revision) of an order's after-sales."""
    query = sa.select(after_sales.c.id, after_sales.c.revision).where(
        after_sales.c.shop_id == shop_id, after_sales.c.order_id == order_id
    )
    return [(row.id, row.revision) for row in connection.execute(query.order_by(after_sales.c.id))]


def interventions(connection: Connection, shop_id: str, object_ids: Collection[str]) -> list[Intervened]:
    columns = [intervention.c[name] for name in Intervened.__dataclass_fields__]
    query = sa.select(*columns).where(intervention.c.shop_id == shop_id, intervention.c.object_id.in_(object_ids))
    return [Intervened(*row) for row in connection.execute(query.order_by(intervention.c.id))]


def numbers(connection: Connection, skus: Collection[str]) -> list[Number]:
    """The ERP's newest number of each of these that has one."""
    columns = (sku_stock.c.sku, sku_stock.c.quantity, sku_stock.c.set_at)
    query = sa.select(*columns).where(sku_stock.c.sku.in_(skus)).order_by(sku_stock.c.sku)
    return [Number(*row) for row in connection.execute(query)]


def _parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    return (values[start : start + 500] for start in range(0, len(values), 500))
