"""What order lines do to the stock of listing SKUs: taken when placed or paid, given back when it ends unshipped."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from core.db.tables import sold
from core.model import Line, Order
from core.sold import SKEW, Sold
from core.status import AfterSaleState, Closing, Fulfilment

_ENDED = (Closing.CLOSED_UNPAID, Closing.CLOSED_REFUNDED)


def note(connection: Connection, orders: Iterable[Order]) -> None:
    """Keeps what the lines of orders do to stock. When stock came back stays as it was first learnt."""
    rows = [row for order in orders for line in order.lines if line.sku_id for row in [_row(order, line)]]
    if not rows:
        return
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(sold)
    told = statement.excluded
    merged: dict[str, Any] = {name: told[name] for name in ("quantity", "placed_at", "paid_at", "back_sure", "holds")}
    merged["back_at"] = sa.func.coalesce(sold.c.back_at, told.back_at)
    merged["moved_at"] = sa.case((sold.c.moved_at > told.moved_at, sold.c.moved_at), else_=told.moved_at)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["shop_id", "order_id", "line_id"], set_=merged), rows
    )


def since(
    connection: Connection, shop_id: str, sku_ids: Collection[str], start: datetime
) -> dict[tuple[str, str], list[Sold]]:
    """(listing, SKU) → its order lines of which anything happened since then."""
    found: dict[tuple[str, str], list[Sold]] = {}
    query = sa.select(sold).where(sold.c.shop_id == shop_id, sold.c.moved_at >= start - SKEW)
    ordered = sorted(set(sku_ids))
    for first in range(0, len(ordered), 1000):
        for row in connection.execute(query.where(sold.c.sku_id.in_(ordered[first : first + 1000]))):
            line = Sold(row.quantity, row.placed_at, row.paid_at, row.back_at, row.back_sure)
            found.setdefault((row.listing_id, row.sku_id), []).append(line)
    return found


def holding(connection: Connection, shop_id: str, listing_id: str, sku_id: str) -> int:
    """How many pieces of a listing SKU are bound by orders we know."""
    query = sa.select(sa.func.sum(sold.c.quantity)).where(
        sold.c.shop_id == shop_id, sold.c.listing_id == listing_id, sold.c.sku_id == sku_id, sold.c.holds
    )
    return int(connection.scalar(query) or 0)


def _row(order: Order, line: Line) -> dict[str, Any]:
    """An order that others took the place of sold nothing: they did."""
    back_at = _back_at(order, line)
    instants = [at for at in (order.created_at, order.paid_at, back_at) if at is not None]
    replaced = order.closing.value is Closing.REPLACED
    return {
        "shop_id": order.shop_id,
        "order_id": order.id,
        "line_id": line.id,
        "listing_id": line.listing_id,
        "sku_id": line.sku_id,
        "quantity": 0 if replaced else line.quantity,
        "placed_at": order.created_at,
        "paid_at": order.paid_at,
        "back_at": back_at,
        "back_sure": order.paid_at is None,
        "holds": back_at is None and not replaced and not _shipped(order, line),
        "moved_at": max(instants),
    }


def _shipped(order: Order, line: Line) -> bool:
    return (line.fulfilment or order.fulfilment).value not in (Fulfilment.TO_SHIP, Fulfilment.UNKNOWN)


def _back_at(order: Order, line: Line) -> datetime | None:
    """When an unshipped line ended; None while it has not."""
    if _shipped(order, line):
        return None
    if order.closing.value in _ENDED:
        return order.ended_at or order.closing.at or order.updated_at
    if line.closing is not None and line.closing.value in _ENDED:
        return line.closing.at or order.updated_at
    if line.after_sale.value is AfterSaleState.REFUNDED:
        return line.after_sale.at or order.updated_at
    return None
