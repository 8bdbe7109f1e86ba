"""Orders, after-sales and listings as stored: one row each, the canonical JSON sealed in `body`, the sealed raw payload
beside.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Table

from core.crypto import Vault
from core.db.engine import vault as vault_of
from core.db.tables import after_sales, bad_row, listings, orders, raw
from core.db.upsert import upsert
from core.db.where import in_shops
from core.model import Order

TABLES: dict[str, Table] = {"order": orders, "after_sale": after_sales, "listing": listings}
"""Kind of item → its table."""


@dataclass(frozen=True)
class StoredItem:
    """A stored item. `body` is canonical JSON, opened; `source_at` the newest source version seen, `changed_at` its
    last real change. `erased_at`: when what tells of people was erased, which no later reading brings back.
    """

    shop_id: str
    id: str
    status: str
    revision: int
    digest: bytes
    body: str
    source_at: datetime
    changed_at: datetime
    erased_at: datetime | None = None


def _columns(table: Table) -> list[sa.Column[Any]]:
    return [table.c[name] for name in StoredItem.__dataclass_fields__]


# Made once: making a statement costs more than running it, and these run for every reading that comes in.
_SHOP = sa.bindparam("of_shop", type_=sa.Text)
_IDS = sa.bindparam("ids", type_=sa.Text, expanding=True)
_FIND = {
    kind: sa.select(*_columns(table)).where(table.c.shop_id == _SHOP, table.c.id.in_(_IDS))
    for kind, table in TABLES.items()
}
_TOUCH = {
    kind: sa.update(table)
    .where(table.c.shop_id == _SHOP, table.c.id == sa.bindparam("item"), table.c.source_at < sa.bindparam("at"))
    .values(source_at=sa.bindparam("at"))
    for kind, table in TABLES.items()
}
_READINGS = {
    kind: sa.select(table.c.id, table.c.source_at, raw.c.fetched_at)
    .join(raw, sa.and_(raw.c.kind == kind, raw.c.shop_id == table.c.shop_id, raw.c.id == table.c.id))
    .where(table.c.shop_id == _SHOP, table.c.id.in_(_IDS))
    for kind, table in TABLES.items()
}
_READ = (raw.c.kind == sa.bindparam("of_kind"), raw.c.shop_id == _SHOP, raw.c.id.in_(_IDS))
_READ_AGAIN = (
    sa.update(raw).where(*_READ, raw.c.fetched_at < sa.bindparam("read_at")).values(fetched_at=sa.bindparam("read_at"))
)
_ASKED_AT = sa.select(raw.c.id, raw.c.fetched_at).where(*_READ)
_FORGIVE = sa.delete(bad_row).where(
    bad_row.c.shop_id == _SHOP,
    bad_row.c.kind == sa.bindparam("of_kind"),
    bad_row.c.object_id.in_(_IDS),
    bad_row.c.state == "parked",
)


def find(connection: Connection, kind: str, shop_id: str, identity: str) -> StoredItem | None:
    return find_many(connection, kind, shop_id, [identity]).get(identity)


def order(stored: StoredItem) -> Order:
    """The stored order as a value, with the newest source version that was seen."""
    return Order.model_validate_json(stored.body).model_copy(update={"updated_at": stored.source_at})


def find_many(connection: Connection, kind: str, shop_id: str, ids: Sequence[str]) -> dict[str, StoredItem]:
    rows = connection.execute(_FIND[kind], {"of_shop": shop_id, "ids": list(ids)})
    return {item.id: item for item in _opened(connection, TABLES[kind], rows)}


@dataclass(frozen=True)
class Filter:
    """Which items of a kind; what is left empty does not narrow. Ranges begin with their first instant and end before
    their last. Listings have neither `created` nor `ship_by`, only after-sales have `orders`.
    """

    shops: Collection[str] = ()
    channels: Collection[str] = ()
    statuses: Collection[str] = ()
    updated: tuple[datetime | None, datetime | None] = (None, None)
    created: tuple[datetime | None, datetime | None] = (None, None)
    ship_by_before: datetime | None = None
    orders: Collection[str] = ()
    among: Collection[tuple[str, str]] | None = None
    """(shop, id) of those that may be, where that is known."""

    def conditions(self, table: Table) -> Iterator[sa.ColumnElement[bool]]:
        yield from in_shops(table.c.shop_id, self.shops, self.channels)
        for column, values in (("status", self.statuses), ("order_id", self.orders)):
            if values:
                yield table.c[column].in_(values)
        for column, (since, until) in (("changed_at", self.updated), ("created_at", self.created)):
            if since is not None:
                yield table.c[column] >= since
            if until is not None:
                yield table.c[column] < until
        if self.ship_by_before is not None:
            yield table.c.ship_by < self.ship_by_before
        if self.among is not None:
            yield sa.or_(sa.false(), *(sa.and_(table.c.shop_id == s, table.c.id == i) for s, i in self.among))


def page(
    connection: Connection,
    kind: str,
    wanted: Filter = Filter(),
    *,
    after: tuple[datetime, str, str] | None = None,
    limit: int = 100,
) -> list[StoredItem]:
    """Items in order of their last change; `after` is (changed_at, shop_id, id) of the last one of the page before."""
    table = TABLES[kind]
    query = sa.select(*_columns(table)).where(*wanted.conditions(table))
    query = query.order_by(table.c.changed_at, table.c.shop_id, table.c.id).limit(limit)
    if after is not None:
        at, shop_id, identity = after
        same_instant = sa.tuple_(table.c.shop_id, table.c.id) > sa.tuple_(sa.literal(shop_id), sa.literal(identity))
        query = query.where(table.c.changed_at >= at)  # of use to the index, as the next line alone is not
        query = query.where(sa.or_(table.c.changed_at > at, sa.and_(table.c.changed_at == at, same_instant)))
    return _opened(connection, table, connection.execute(query))


def _opened(connection: Connection, table: Table, rows: Iterable[sa.Row[Any]]) -> list[StoredItem]:
    unseal, name = vault_of(connection).open, table.name
    return [
        StoredItem(
            row.shop_id,
            row.id,
            row.status,
            row.revision,
            row.digest,
            unseal(row.body, name, "body", _place(row.shop_id, row.id)).decode(),
            row.source_at,
            row.changed_at,
            row.erased_at,
        )
        for row in rows
    ]


def write(connection: Connection, kind: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Stores rows whose `body` is canonical JSON, and seals it."""
    vault, table = vault_of(connection), TABLES[kind]
    sealed = [
        {**row, "body": vault.seal(row["body"].encode(), table.name, "body", _place(row["shop_id"], row["id"]))}
        for row in rows
    ]
    upsert(connection, table, sealed, keep=("created_at",))


def _place(shop_id: str, identity: str) -> str:
    return f"{shop_id}/{identity}"


def touch(connection: Connection, kind: str, shop_id: str, seen: Mapping[str, datetime]) -> None:
    """Remembers newer source versions that changed nothing, so that an older one is known as late."""
    if seen:
        rows = [{"of_shop": shop_id, "item": identity, "at": at} for identity, at in seen.items()]
        connection.execute(_TOUCH[kind], rows)


def read_again(connection: Connection, kind: str, shop_id: str, ids: Sequence[str], asked_at: datetime) -> None:
    """Remembers that what is stored was shown by a later reading as well."""
    if ids:
        named = {"of_kind": kind, "of_shop": shop_id, "ids": list(ids)}
        connection.execute(_READ_AGAIN, {**named, "read_at": asked_at})


def readings(
    connection: Connection, kind: str, shop_id: str, ids: Sequence[str]
) -> dict[str, tuple[datetime, datetime]]:
    """Item → the source version stored and when the newest reading that shows it was asked for."""
    rows = connection.execute(_READINGS[kind], {"of_shop": shop_id, "ids": list(ids)})
    return {row.id: (row.source_at, row.fetched_at) for row in rows}


def write_raw(
    connection: Connection, vault: Vault, kind: str, shop_id: str, payloads: Mapping[str, bytes], asked_at: datetime
) -> None:
    """Keeps the newest raw payload of each item, sealed, with when it was asked for."""
    rows = [
        {
            "kind": kind,
            "shop_id": shop_id,
            "id": identity,
            "payload": vault.seal(payload, "raw", "payload", f"{kind}/{shop_id}/{identity}"),
            "fetched_at": asked_at,
        }
        for identity, payload in payloads.items()
    ]
    upsert(connection, raw, rows)


def asked_at(connection: Connection, kind: str, shop_id: str, ids: Sequence[str]) -> dict[str, datetime]:
    """When the reading that stored items show was asked for."""
    rows = connection.execute(_ASKED_AT, {"of_kind": kind, "of_shop": shop_id, "ids": list(ids)})
    return {row.id: row.fetched_at for row in rows}


def read_raw(connection: Connection, vault: Vault, kind: str, shop_id: str, identity: str) -> bytes | None:
    """The newest raw payload of an item as its channel sent it: personal data, handle accordingly."""
    sealed = connection.scalar(
        sa.select(raw.c.payload).where(raw.c.kind == kind, raw.c.shop_id == shop_id, raw.c.id == identity)
    )
    return vault.open(sealed, "raw", "payload", f"{kind}/{shop_id}/{identity}") if sealed is not None else None


def park_row(
    connection: Connection,
    vault: Vault,
    *,
    kind: str,
    shop_id: str,
    identity: str,
    reason: str,
    payload: bytes,
    now: datetime,
) -> None:
    """Keeps a row that could not be read, once per reason, for a person to see."""
    sealed = vault.seal(payload, "bad_row", "payload", f"{kind}/{shop_id}/{identity}")
    upsert(
        connection,
        bad_row,
        [
            {
                "shop_id": shop_id,
                "kind": kind,
                "object_id": identity,
                "reason": reason,
                "payload": sealed,
                "seen_at": now,
            }
        ],
        on=("shop_id", "kind", "object_id", "reason"),
    )


def forgive_rows(connection: Connection, kind: str, shop_id: str, ids: Sequence[str]) -> None:
    """Rows that could be read after all need nobody any more."""
    connection.execute(_FORGIVE, {"of_kind": kind, "of_shop": shop_id, "ids": list(ids)})


def latest(connection: Connection, kind: str, *, shop: str = "", status: str = "", limit: int = 50) -> list[StoredItem]:
    """The items that changed last, newest first."""
    table = TABLES[kind]
    query = sa.select(*_columns(table)).order_by(table.c.changed_at.desc(), table.c.id.desc()).limit(limit)
    if shop:
        query = query.where(table.c.shop_id == shop)
    if status:
        query = query.where(table.c.status == status)
    return _opened(connection, table, connection.execute(query))
