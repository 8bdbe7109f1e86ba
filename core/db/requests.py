"""Buyers who ask for another address: told by a notice, known until answered."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from core.db.tables import address_request


@dataclass(frozen=True)
class AddressRequest:
    """One request; `state` as in the table."""

    shop_id: str
    order_id: str
    number: int
    asked_at: datetime
    state: str
    ended_at: datetime | None


_REQUEST = [address_request.c[name] for name in AddressRequest.__dataclass_fields__]


def note(
    connection: Connection, shop_id: str, order_id: str, dedup_key: str, asked_at: datetime, now: datetime
) -> AddressRequest | None:
    """Keeps a request once, however often it is told; None when it is known. One that was open is replaced by it."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    told = address_request.c.shop_id == shop_id, address_request.c.order_id == order_id
    earlier = sa.select(sa.func.count()).select_from(address_request).where(*told).scalar_subquery()
    row = {"shop_id": shop_id, "order_id": order_id, "dedup_key": dedup_key, "asked_at": asked_at, "state": "open"}
    number = connection.scalar(
        insert(address_request)
        .values(**row, number=earlier + 1)
        .on_conflict_do_nothing(index_elements=["shop_id", "dedup_key"])
        .returning(address_request.c.number)
    )
    if number is None:
        return None
    connection.execute(
        sa.update(address_request)
        .where(*told, address_request.c.state == "open", address_request.c.number < number)
        .values(state="replaced", ended_at=now)
    )
    return AddressRequest(shop_id, order_id, number, asked_at, "open", None)


def of_order(connection: Connection, shop_id: str, order_id: str) -> list[AddressRequest]:
    """All of an order, oldest first."""
    query = (
        sa.select(*_REQUEST)
        .where(address_request.c.shop_id == shop_id, address_request.c.order_id == order_id)
        .order_by(address_request.c.id)
    )
    return [AddressRequest(*row) for row in connection.execute(query)]


def asking(connection: Connection, shop_id: str, order_ids: Collection[str]) -> set[str]:
    """Which of these orders have a request that waits for an answer."""
    query = sa.select(address_request.c.order_id).where(
        address_request.c.shop_id == shop_id,
        address_request.c.order_id.in_(order_ids),
        address_request.c.state == "open",
    )
    return set(connection.scalars(query))


def end(
    connection: Connection,
    shop_id: str,
    order_id: str,
    state: str,
    now: datetime,
    *,
    asked_by: datetime | None = None,
    number: int | None = None,
) -> bool:
    """Ends what is open: only what was asked until then, or up to that number. False when nothing was."""
    query = sa.update(address_request).where(
        address_request.c.shop_id == shop_id, address_request.c.order_id == order_id, address_request.c.state == "open"
    )
    if asked_by is not None:
        query = query.where(address_request.c.asked_at <= asked_by)
    if number is not None:
        query = query.where(address_request.c.number <= number)
    return connection.execute(query.values(state=state, ended_at=now)).rowcount > 0
