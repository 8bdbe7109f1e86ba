"""Which order a number leads to: any number that a person, a parcel or another system may have of it.

An order's own id is found where orders are. The line ids that Qudao made itself begin with it.
"""

from collections.abc import Collection, Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from core.db.tables import order_number, orders, shop
from core.db.upsert import upsert
from core.model import AfterSale, Order

MOST = 200
"""Sellers who hand parcels over themselves give many orders one number."""

Numbered = Order | AfterSale


def note(connection: Connection, changes: Sequence[tuple[Numbered | None, Numbered]]) -> None:
    """Keeps the numbers of orders and after-sales that were not in what they were before."""
    rows = [
        {"number": number, "shop_id": after.shop_id, "order_id": order_id, "kind": kind}
        for before, after in changes
        for number, kind, order_id in sorted(set(_numbers(after)) - set(_numbers(before) if before else ()))
    ]
    upsert(connection, order_number, rows)


def find(connection: Connection, number: str, shops: Collection[str] = ()) -> list[tuple[str, str]]:
    """(shop, order) of the orders that the number is of, by its own id first, at most MOST by each. `shops`: only in
    these.
    """
    reached = sa.select(shop.c.id)  # so that the key is searched shop by shop, not the whole table
    if shops:
        reached = reached.where(shop.c.id.in_(shops))
    ids = {number, number.partition(":")[0]}
    own = sa.select(orders.c.shop_id, orders.c.id).where(orders.c.shop_id.in_(reached), orders.c.id.in_(ids))
    led = sa.select(order_number.c.shop_id, order_number.c.order_id).where(
        order_number.c.number == number, order_number.c.shop_id.in_(reached)
    )
    found: dict[tuple[str, str], None] = {}
    for query in (own, led):
        rows = connection.execute(query.order_by(*query.selected_columns).limit(MOST))
        found |= {(row[0], row[1]): None for row in rows}
    return list(found)


def _numbers(value: Numbered) -> Iterator[tuple[str, str, str]]:
    """(number, kind, order) of one thing."""
    pairs = _of_order(value) if isinstance(value, Order) else _of_after_sale(value)
    order_id = value.id if isinstance(value, Order) else value.order_id
    return ((number, kind, order_id) for number, kind in pairs if number not in ("", order_id))


def _of_order(order: Order) -> Iterator[tuple[str, str]]:
    yield order.lineage.parent_id, "parent"
    yield from ((child, "child") for child in order.lineage.children)
    yield from ((other, "related") for other in order.lineage.related)
    yield from ((line.id, "line") for line in order.lines if not line.id.startswith(f"{order.id}:"))
    yield from ((parcel.tracking_no, "tracking") for parcel in order.parcels)


def _of_after_sale(request: AfterSale) -> Iterator[tuple[str, str]]:
    yield request.id, "after_sale"
    if request.returned is not None:
        yield request.returned.tracking_no, "return"
    if request.replacement is not None:
        yield request.replacement.tracking_no, "tracking"
