"""What waits for a person, whatever kind of work it is: one list of intents, notices and unreadable rows.

A reference names one of them: `intent-12`, `notice-7`, `row-3`. What a person did about one is kept with their note.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Table

from core.db import intents
from core.db.receipts import DEADLY, UNKNOWN_SHOP
from core.db.tables import bad_row, intent, intervention, receipt
from core.errors import ConfigurationError

INTENT, NOTICE, ROW = "intent", "notice", "row"


@dataclass(frozen=True)
class Parked:
    """One thing that stopped. `kind` is the kind of work (ship, stock, price, or what a notice or row is about)."""

    ref: str
    kind: str
    shop_id: str
    object_id: str
    code: str
    reason: str
    at: datetime


def all_parked(
    connection: Connection,
    *,
    shop_id: str = "",
    kind: str = "",
    code: str = "",
    before: datetime | None = None,
    limit: int = 200,
) -> list[Parked]:
    """Newest first, at most `limit` of each sort; of one shop, kind of work or reason code, or parked before then."""
    found = [
        Parked(
            f"{INTENT}-{item.id}",
            item.kind,
            item.shop_id,
            item.object_id,
            item.reason_code,
            item.reason,
            item.changed_at,
        )
        for item in intents.parked(connection, shop_id=shop_id, limit=limit)
    ]
    found += _notices(connection, shop_id, limit)
    found += _rows(connection, shop_id, limit)
    chosen = (
        item
        for item in found
        if kind in ("", item.kind) and code in ("", item.code) and (before is None or item.at < before)
    )
    return sorted(chosen, key=lambda item: item.at, reverse=True)


def _notices(connection: Connection, shop_id: str, limit: int) -> list[Parked]:
    of_shop = receipt.c.channel + ":" + receipt.c.account
    query = sa.select(receipt, of_shop.label("shop")).where(receipt.c.state == "parked")
    if shop_id:
        query = query.where(of_shop == shop_id)
    rows = connection.execute(query.order_by(receipt.c.received_at.desc()).limit(limit))
    return [
        Parked(f"{NOTICE}-{row.id}", row.kind, row.shop, row.object_id, _code(row.reason), row.reason, row.received_at)
        for row in rows
    ]


def _rows(connection: Connection, shop_id: str, limit: int) -> list[Parked]:
    query = sa.select(bad_row).where(bad_row.c.state == "parked")
    if shop_id:
        query = query.where(bad_row.c.shop_id == shop_id)
    rows = connection.execute(query.order_by(bad_row.c.seen_at.desc()).limit(limit))
    return [
        Parked(f"{ROW}-{row.id}", row.kind, row.shop_id, row.object_id, "malformed", row.reason, row.seen_at)
        for row in rows
    ]


def counts(connection: Connection) -> dict[str, int]:
    """How many wait, per shop; shops with none are left out."""
    total: dict[str, int] = {}
    queries = (
        sa.select(intent.c.shop_id, sa.func.count()).where(intent.c.state == "parked").group_by(intent.c.shop_id),
        sa.select(bad_row.c.shop_id, sa.func.count()).where(bad_row.c.state == "parked").group_by(bad_row.c.shop_id),
        sa.select(receipt.c.channel + ":" + receipt.c.account, sa.func.count())
        .where(receipt.c.state == "parked")
        .group_by(receipt.c.channel, receipt.c.account),
    )
    for query in queries:
        for shop_id, count in connection.execute(query):
            total[shop_id] = total.get(shop_id, 0) + count
    return total


def get(connection: Connection, ref: str) -> Parked:
    """Raises ConfigurationError when nothing of this name waits."""
    sort, number = _split(ref)
    if sort == INTENT:
        item = intents.find(connection, number)
        if item.state == "parked":
            return Parked(ref, item.kind, item.shop_id, item.object_id, item.reason_code, item.reason, item.changed_at)
    elif sort == NOTICE:
        query = sa.select(receipt).where(receipt.c.id == number, receipt.c.state == "parked")
        if row := connection.execute(query).one_or_none():
            shop_id = f"{row.channel}:{row.account}"
            return Parked(ref, row.kind, shop_id, row.object_id, _code(row.reason), row.reason, row.received_at)
    else:
        query = sa.select(bad_row).where(bad_row.c.id == number, bad_row.c.state == "parked")
        if row := connection.execute(query).one_or_none():
            return Parked(ref, row.kind, row.shop_id, row.object_id, "malformed", row.reason, row.seen_at)
    raise _unknown(ref)


def retry(connection: Connection, item: Parked, now: datetime) -> None:
    """Makes an intent or a notice due again. A row has nothing to wait for: read its object again instead."""
    _keep(connection, item, "retried", "", now)
    sort, number = _split(item.ref)
    if sort == INTENT:
        intents.retry(connection, number, now)
    elif sort == NOTICE:
        _settle(connection, receipt, number, {"state": "due", "not_before": now, "tries": 0, "died": 0, "reason": ""})


def dismiss(connection: Connection, item: Parked, note: str, now: datetime) -> None:
    """Gives it up, with a note."""
    _keep(connection, item, "dismissed", note, now)
    sort, number = _split(item.ref)
    if sort == INTENT:
        intents.dismiss(connection, number, note, now)
    elif sort == NOTICE:
        _settle(connection, receipt, number, {"state": "ignored", "reason": note})
    else:
        _settle(connection, bad_row, number, {"state": "dismissed"})


def _keep(connection: Connection, item: Parked, action: str, note: str, now: datetime) -> None:
    """What was done about it stays on record, whatever becomes of its row."""
    values = {name: getattr(item, name) for name in ("ref", "kind", "shop_id", "object_id", "code", "reason")}
    connection.execute(sa.insert(intervention).values(**values, action=action, note=note[:500], at=now))


def _code(reason: str) -> str:
    """The word for why a notice stopped, from the error it stopped with."""
    if reason == UNKNOWN_SHOP:
        return "unknown_shop"
    if reason.startswith(DEADLY):
        return "deadly"
    named = re.match(r"[A-Z][A-Za-z]+(?=:|$)", reason)
    return re.sub(r"(?<!^)(?=[A-Z])", "_", named[0]).lower() if named else ""


def _settle(connection: Connection, table: Table, number: int, values: dict[str, Any]) -> None:
    connection.execute(sa.update(table).where(table.c.id == number, table.c.state == "parked").values(values))


def _split(ref: str) -> tuple[str, int]:
    sort, _, number = ref.partition("-")
    if sort not in (INTENT, NOTICE, ROW) or not number.isdecimal():
        raise _unknown(ref)
    return sort, int(number)


def _unknown(ref: str) -> ConfigurationError:
    return ConfigurationError(f"nothing parked is called {ref}; `qudao parked list` shows what is")
