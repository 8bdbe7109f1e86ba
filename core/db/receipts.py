"""Receipts: stored notices. The unique row decides what is a repetition, whatever Redis remembers."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from core.channel import ObjectKind
from core.crypto import Vault
from core.db.tables import receipt
from core.notices import Notice


@dataclass(frozen=True)
class Receipt:
    """A stored notice that is due. `seen` is its version: a delivery that arrives meanwhile raises it."""

    id: int
    kind: ObjectKind
    object_id: str
    parent_id: str
    topic: str
    seen: int
    tries: int
    received_at: datetime


def store(
    connection: Connection, vault: Vault, notices: Sequence[Notice], states: Sequence[tuple[str, str]], now: datetime
) -> None:
    """Adds new notices in the given (state, reason); a known one is counted and, when it was handled, due again."""
    if not notices:
        return
    written = _statement(connection.dialect)
    at = written.instant(now)
    rows = [
        written.row(_values(vault, notice, state, written.instant(notice.source_at), at))
        for notice, state in zip(notices, states, strict=True)
    ]
    connection.exec_driver_sql(written.sql, rows)


@dataclass(frozen=True)
class _Statement:
    """The statement as its driver takes it, compiled once: the general way costs more per row than the database."""

    sql: str
    fixed: Mapping[str, object]
    order: Sequence[str] | None
    instant: Callable[[datetime | None], object]

    def row(self, values: Mapping[str, object]) -> Any:
        filled = {**self.fixed, **values}
        return filled if self.order is None else tuple(filled[name] for name in self.order)


@functools.lru_cache(maxsize=8)
def _statement(dialect: sa.Dialect) -> _Statement:
    insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
    statement = insert(receipt)
    handled = receipt.c.state == "handled"
    statement = statement.on_conflict_do_update(
        index_elements=["channel", "app_key", "dedup_key"],
        set_={
            "seen": receipt.c.seen + 1,
            "not_before": sa.case((handled, statement.excluded.not_before), else_=receipt.c.not_before),
            "tries": sa.case((handled, 0), else_=receipt.c.tries),
            "died": sa.case((handled, 0), else_=receipt.c.died),
            "received_at": statement.excluded.received_at,
            "state": sa.case((handled, "due"), else_=receipt.c.state),
        },
    )
    columns = [column.name for column in receipt.columns if column.name != "id"]
    compiled = statement.compile(dialect=dialect, column_keys=columns)
    bind = receipt.c.received_at.type.dialect_impl(dialect).bind_processor(dialect)
    fixed = {**compiled.params, "seen": 1, "tries": 0, "died": 0}
    return _Statement(str(compiled), fixed, compiled.positiontup, bind or (lambda at: at))


def _values(vault: Vault, notice: Notice, state: tuple[str, str], source_at: object, now: object) -> dict[str, object]:
    return {
        "channel": notice.channel,
        "app_key": notice.app_key,
        "account": notice.account,
        "dedup_key": notice.dedup_key,
        "topic": notice.topic,
        "kind": notice.kind.value,
        "object_id": notice.object_id,
        "parent_id": notice.parent_id,
        "source_at": source_at,
        "raw": vault.seal(notice.raw, "receipt", "raw", f"{notice.channel}/{notice.dedup_key}"),
        "received_at": now,
        "state": state[0],
        "reason": state[1],
        "not_before": now,
    }


_COLUMNS = [receipt.c[name] for name in Receipt.__dataclass_fields__]
# Made once: making a statement costs more than running it, and these run for every batch.
_DUE = (
    sa.select(*_COLUMNS)
    .where(
        receipt.c.channel == sa.bindparam("of_channel"),
        receipt.c.account == sa.bindparam("of_account"),
        receipt.c.kind == sa.bindparam("of_kind"),
        receipt.c.state == "due",
        receipt.c.not_before <= sa.bindparam("now"),
    )
    .order_by(receipt.c.not_before, receipt.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)
_SETTLE = sa.update(receipt).where(receipt.c.id == sa.bindparam("row"), receipt.c.seen == sa.bindparam("version"))


def due(
    connection: Connection, channel: str, account: str, kind: ObjectKind, now: datetime, limit: int
) -> list[Receipt]:
    """Receipts of a shop about one kind of object, those that wait longest first."""
    named = {"of_channel": channel, "of_account": account, "of_kind": kind.value}
    return [_receipt(row) for row in connection.execute(_DUE, {**named, "now": now, "most": limit})]


def died(
    connection: Connection, channel: str, account: str, kind: ObjectKind, object_id: str
) -> tuple[list[Receipt], int]:
    """Counts that reading an object ended the worker. Answers the due receipts that name it, and how often by now, told
    also by those that are parked for it.
    """
    named = sa.and_(
        receipt.c.channel == channel,
        receipt.c.account == account,
        receipt.c.kind == kind.value,
        receipt.c.object_id == object_id,
    )
    before = connection.scalar(sa.select(sa.func.max(receipt.c.died)).where(named, receipt.c.state != "handled")) or 0
    waits = receipt.c.state == "due"
    connection.execute(sa.update(receipt).where(named, waits).values(died=before + 1))
    return [_receipt(row) for row in connection.execute(sa.select(*_COLUMNS).where(named, waits))], before + 1


def _receipt(row: Any) -> Receipt:
    return Receipt(
        row.id, ObjectKind(row.kind), row.object_id, row.parent_id, row.topic, row.seen, row.tries, row.received_at
    )


def settle(connection: Connection, done: Sequence[Receipt], state: str, reason: str = "") -> None:
    """Ends receipts, but for those that were delivered again meanwhile: they stay due."""
    if done:
        rows = [{"row": item.id, "version": item.seen, "state": state, "reason": reason} for item in done]
        connection.execute(_SETTLE, rows)


def later(connection: Connection, waiting: Sequence[Receipt], until: datetime, reason: str) -> None:
    if waiting:
        connection.execute(
            sa.update(receipt)
            .where(receipt.c.id.in_([item.id for item in waiting]))
            .values(not_before=until, tries=receipt.c.tries + 1, reason=reason)
        )


def postpone(connection: Connection, channel: str, account: str, kind: ObjectKind, until: datetime) -> None:
    """Lets every receipt of a shop about one kind of object wait; none has been tried by it."""
    connection.execute(
        sa.update(receipt)
        .where(
            receipt.c.channel == channel,
            receipt.c.account == account,
            receipt.c.kind == kind.value,
            receipt.c.state == "due",
            receipt.c.not_before < until,
        )
        .values(not_before=until)
    )


def adopt(connection: Connection, channel: str, account: str, now: datetime) -> int:
    """Makes the receipts of a shop due that arrived before the shop was connected. Answers how many."""
    changed = connection.execute(
        sa.update(receipt)
        .where(
            receipt.c.channel == channel,
            receipt.c.account == account,
            receipt.c.state == "parked",
            receipt.c.reason == UNKNOWN_SHOP,
        )
        .values(state="due", reason="", not_before=now)
    )
    return changed.rowcount


UNKNOWN_SHOP = "this shop is not connected"
DEADLY = "its handling ended the worker"
"""How the reason of a receipt begins that ended its worker time after time."""
