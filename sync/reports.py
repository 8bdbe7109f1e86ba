"""Orders as a table to take away. Every row says who took it, when, and under which row of the audit log."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from core.db import audit, items
from core.db.items import Filter
from core.model import Order
from sync.runtime import Runtime

AT_ONCE = 200
COLUMNS = (
    "order",
    "shop",
    "status",
    "created_at",
    "paid_at",
    "shipped_at",
    "pay_fen",
    "receivable_fen",
    "quantity",
    "codes",
    "province",
    "city",
    "receiver",
    "tracking",
    "taken",
)
"""`receiver` is masked; `taken` is the watermark."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def orders(runtime: Runtime, wanted: Filter, *, key: str, reason: str) -> Iterator[str]:
    """CSV text, part by part, the header first. Its row in the audit log is written before the first part is made.

    Raises ValueError for a reason that holds personal data.
    """
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        row = audit.write(connection, at=now, key=key, action="report:orders", reason=reason)
    return _parts(runtime, wanted, f"{key} {now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} audit-{row}")


def _parts(runtime: Runtime, wanted: Filter, watermark: str) -> Iterator[str]:
    yield _csv([COLUMNS])
    after: tuple[datetime, str, str] | None = None
    while True:
        with runtime.database.read() as connection:
            stored = items.page(connection, "order", wanted, after=after, limit=AT_ONCE)
        if not stored:
            return
        yield _csv([(*_row(items.order(each)), watermark) for each in stored])
        after = (stored[-1].changed_at, stored[-1].shop_id, stored[-1].id)


def _row(order: Order) -> tuple[Any, ...]:
    receiver = order.receiver
    return (
        order.id,
        order.shop_id,
        order.status.value,
        *(at.astimezone(UTC).isoformat() if at else "" for at in (order.created_at, order.paid_at, order.shipped_at)),
        order.money.pay,
        order.money.receivable,
        sum(line.quantity for line in order.lines),
        " ".join(line.merchant_code or line.sku_id for line in order.lines),
        receiver.province,
        receiver.city,
        f"{receiver.name.mask} {receiver.phone.mask}".strip(),
        " ".join(parcel.tracking_no for parcel in order.parcels),
    )


def _csv(rows: Any) -> str:
    """No cell can be read as a formula by a spreadsheet."""
    out = io.StringIO()
    csv.writer(out).writerows(
        [f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell for cell in row] for row in rows
    )
    return out.getvalue()
