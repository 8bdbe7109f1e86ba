"""What tells of people goes: when an order has been over for long enough, or when somebody asks for it.

Goods, money, regions and tracking numbers stay, for the books. What was erased stays erased, whatever a later reading
brings. Values on disk were encrypted; pages and backups that still hold them end with the key: `qudao secret rotate`.
"""

import json
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection

from core.db import audit, erasure, items
from core.db.engine import lock
from core.db.feed import FeedRow
from core.errors import ConfigurationError
from core.model import AfterSale, Order
from core.people import PERSONAL, without_people
from core.status import AFTER_SALE_OVER, ORDER_OVER
from sync.accept import content_of
from sync.runtime import Runtime

AT_ONCE = 100
MODELS: dict[str, type[Order] | type[AfterSale]] = {"order": Order, "after_sale": AfterSale}
ENDED: dict[str, Collection[str]] = {"order": ORDER_OVER, "after_sale": AFTER_SALE_OVER}
"""Kind of item → the statuses in which nobody needs its people any more."""


def erase(runtime: Runtime, shop_id: str, order_id: str, reason: str) -> None:
    """Erases the people of one order and of its after-sales, whatever their age. Raises ConfigurationError for an order
    that is not here, or that is not over: it could not be shipped any more.
    """
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        lock(connection, f"shop/{shop_id}")
        stored = items.find(connection, "order", shop_id, order_id)
        if stored is None:
            raise ConfigurationError(f"the shop {shop_id} has no order {order_id}")
        if stored.status not in ENDED["order"]:
            raise ConfigurationError(f"the order {order_id} is {stored.status}: its people are needed until it is over")
        ids = [order_id, *erasure.after_sales_of(connection, shop_id, order_id)]
        erasure.notices(connection, shop_id, ids)
        _erase(connection, shop_id, order_id, now)
        audit.write(
            connection,
            at=now,
            key=audit.CLI,
            action="people:erase",
            shop_id=shop_id,
            object_id=order_id,
            reason=reason,
        )


def overdue(runtime: Runtime) -> int:
    """How many orders and after-sales the next `retain` erases, at most AT_ONCE of each."""
    with runtime.database.read() as connection:
        return sum(len(_due(connection, runtime, kind)) for kind in ENDED)


def retain(runtime: Runtime) -> Iterator[int]:
    """Erases the people of what ended `people_keep_days` ago and forgets pushes after `notices_keep_days`, in parts
    with a transaction each. Yields how many orders and after-sales each part erased.
    """
    for kind in ENDED:
        while True:
            with runtime.database.write() as connection:
                found = _due(connection, runtime, kind)
                lock(connection, *{f"shop/{shop_id}" for shop_id, _ in found})
                for shop_id, identity in found:
                    if kind == "order":
                        _erase(connection, shop_id, identity, runtime.clock.now())
                    else:
                        _erase_item(connection, kind, shop_id, identity, runtime.clock.now())
            yield len(found)
            if len(found) < AT_ONCE:
                break
    before = runtime.clock.now() - timedelta(days=runtime.settings.notices_keep_days)
    after: int | None = 0
    while after is not None:
        with runtime.database.write() as connection:
            after = erasure.forget_notices(connection, before, 1000, after)


def _due(connection: Connection, runtime: Runtime, kind: str) -> list[tuple[str, str]]:
    days = runtime.settings.people_keep_days
    if not days:
        return []
    return erasure.due(connection, kind, runtime.clock.now() - timedelta(days=days), ENDED[kind], AT_ONCE)


def _erase(connection: Connection, shop_id: str, order_id: str, now: datetime) -> None:
    """An order with its after-sales."""
    erasure.words(connection, shop_id, order_id, now)
    _erase_item(connection, "order", shop_id, order_id, now)
    for identity in erasure.after_sales_of(connection, shop_id, order_id):
        _erase_item(connection, "after_sale", shop_id, identity, now)


def _erase_item(connection: Connection, kind: str, shop_id: str, identity: str, now: datetime) -> None:
    stored = items.find(connection, kind, shop_id, identity)
    if stored is None or stored.erased_at is not None:
        return
    known = MODELS[kind].model_validate_json(stored.body)
    body, digest = content_of(without_people(known))
    erasure.item(connection, kind, shop_id, identity, body, digest, now)
    erasure.told(connection, shop_id, [identity], _untold)


def _untold(event: FeedRow) -> str | None:
    """An event's data without people, and with a word about it; None where it tells of nobody."""
    kind = event.type.partition(".")[0]
    data = json.loads(event.data)
    if kind not in MODELS or kind not in data:
        return None
    value = without_people(MODELS[kind].model_validate(data[kind]))
    data[kind] = json.loads(content_of(value)[0])
    for change in data.get("changes", []):
        if change["field"] in PERSONAL[kind]:
            change |= {"before": None, "after": None}
    return json.dumps({**data, "erased": True}, ensure_ascii=False)
