"""JD's push: rows of the table `yd_pop_order` in a database of the app's owner. There is no other push on JD.

A row is the latest version of an order and is rewritten at every change. On demand (settings and faults of pushes) a
row comes late, stamped with the time it should have come (`delay_push`), after a newer version and stamped with the
time it came (`reorder_push`), a second time (`duplicate_push`) or never (`drop_push`). Versions that must not
overwrite a newer one, and second copies, become rows of their own.
"""

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ..model import Event, Order
from ..platform import NoDatabase
from ..pushes import Push
from ..world import World
from .call import CHANNEL
from .order_wire import detail_answer, when
from .params import SHANGHAI
from .states import order_state

TOPIC = "yd_pop_order"
BATCH = 100
LONGEST_SLEEP = 0.2
"""Real seconds; timers of the world move with its own clock."""
AGAIN = 1.0
"""Real seconds before the next try after the database refused."""
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLE = sa.Table(
    TOPIC,
    sa.MetaData(),
    sa.Column("id", _ID, primary_key=True, autoincrement=True),
    sa.Column("orderId", sa.BigInteger, nullable=False, index=True),
    sa.Column("venderId", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String(64), nullable=False),
    sa.Column("created", sa.DateTime),
    sa.Column("modified", sa.DateTime),
    sa.Column("pushCreated", sa.DateTime),
    sa.Column("pushModified", sa.DateTime, nullable=False, index=True),
    sa.Column("responseJson", sa.Text(16_777_215)),
    mysql_charset="utf8mb4",
)
"""orderId, venderId, state, pushModified and responseJson are documented, the others inferred."""


@dataclass(frozen=True, slots=True)
class Version:
    """What a row says about an order at one moment. Times are naive Shanghai seconds, as in the table."""

    order_id: str
    vender_id: str
    state: str
    created: datetime
    modified: datetime
    response: str = field(repr=False)

    @classmethod
    def of(cls, order: Order) -> "Version":
        """The order as it is now."""
        answer = json.dumps(detail_answer(order), ensure_ascii=False, separators=(",", ":"))
        times = (_local(order.created), _local(order.updated))
        return cls(order.order_id, order.shop_id, order_state(order), *times, answer)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One push on its way into the table. `copy` = on purpose a second time."""

    push: Push
    wire_id: str
    version: Version
    stamp: datetime
    copy: bool


class PushTable:
    """Writes the changes of every authorised shop's orders from its making on. Hold the world's lock for `take` and
    `settle`; `write` needs none and speaks to the database only. The engine stays the caller's.
    """

    def __init__(self, world: World, engine: sa.Engine) -> None:
        self._world, self._engine = world, engine
        self.outbox = world.outboxes[CHANNEL]
        self._held: dict[str, Version] = {}
        """Versions of disturbed pushes as they were when they should have come, by push id."""
        world.subscribe(self.on_event)

    def create(self) -> None:
        """Make the table unless it is there."""
        TABLE.metadata.create_all(self._engine)

    def on_event(self, event: Event) -> None:
        """Subscriber of the world."""
        order = event.order
        if order is None or event.shop.channel != CHANNEL or not event.shop.authorised or event.refund is not None:
            return
        about = {"state": order_state(order), "modified": when(order.updated)}
        push = self.outbox.publish(event.shop, TOPIC, order.order_id, about)
        if push.touched and not push.dropped:
            self._held[push.push_id] = Version.of(order)

    def take(self, limit: int = BATCH) -> list[Delivery]:
        """What is due now. Every delivery must be settled."""
        now = self._world.now()
        taken = []
        for push in self.outbox.due(limit):
            copy = push.acked_at is not None
            version = self._held.get(push.push_id) or Version.of(self._world.order(push.object_id))
            stamp = _local(push.created if push.late and not copy else now)
            taken.append(Delivery(push, self.outbox.sent(push), version, stamp, copy))
        return taken

    def write(self, deliveries: list[Delivery]) -> None:
        """All of them or none. Raises sqlalchemy.exc.SQLAlchemyError."""
        with self._engine.begin() as connection:
            for delivery in deliveries:
                _write(connection, delivery)

    def settle(self, deliveries: list[Delivery], *, written: bool) -> None:
        """The outcome of `write`: rows that could not be written come again after `settings.push_retry`."""
        for delivery in deliveries:
            if written:
                self.outbox.acked(delivery.wire_id)
            else:
                self.outbox.failed(delivery.wire_id)

    def write_due(self) -> int:
        """Everything that is due, at once; how many rows were written. For tests and for loads without a server."""
        count = 0
        with self._world.lock:
            self._world.run_due()
            while deliveries := self.take():
                self.write(deliveries)
                self.settle(deliveries, written=True)
                count += len(deliveries)
        return count


def _write(connection: sa.Connection, delivery: Delivery) -> None:
    version = delivery.version
    row: dict[str, Any] = {
        "orderId": int(version.order_id),
        "venderId": int(version.vender_id),
        "state": version.state,
        "created": version.created,
        "modified": version.modified,
        "pushModified": delivery.stamp,
        "responseJson": version.response,
    }
    mine = sa.select(TABLE.c.id, TABLE.c.modified).where(TABLE.c.orderId == row["orderId"]).order_by(TABLE.c.id)
    known = connection.execute(mine.limit(1)).first()
    if known is None or delivery.copy or known.modified > version.modified:
        connection.execute(TABLE.insert().values(row | {"pushCreated": delivery.stamp}))
    else:
        connection.execute(TABLE.update().where(TABLE.c.id == known.id).values(row))


def open_table(world: World, url: str) -> PushTable:
    """A push table in the database of the URL, made there when it is missing. Raises NoDatabase."""
    try:
        table = PushTable(world, open_engine(url))
        table.create()
    except ModuleNotFoundError as missing:
        raise NoDatabase(f"JD's push database needs the driver {missing.name}") from None
    except (sa.exc.ArgumentError, ValueError):
        raise NoDatabase("JD's push database: that is not a URL of a database") from None
    except sa.exc.SQLAlchemyError as refused:
        raise NoDatabase(f"JD's push database does not answer ({type(refused).__name__})") from None
    return table


def open_engine(url: str) -> sa.Engine:
    """An engine for a database URL; `mysql://` and `mariadb://` use PyMySQL, which is not installed by default."""
    made = sa.make_url(url)
    if made.drivername in ("mysql", "mariadb"):
        made = made.set(drivername=f"{made.drivername}+pymysql")
    return sa.create_engine(made, pool_pre_ping=True)


async def deliver(world: World, table: PushTable) -> None:
    """Write what is due until cancelled. While the database refuses, rows wait and come again."""
    while True:
        with world.lock:
            deliveries = table.take()
            next_at = table.outbox.next_at()
            wait = LONGEST_SLEEP if next_at is None else min(max(next_at - world.now(), 0.01), LONGEST_SLEEP)
        if not deliveries:
            await asyncio.sleep(wait)
            continue
        written = False
        with contextlib.suppress(sa.exc.SQLAlchemyError):
            await asyncio.to_thread(table.write, deliveries)
            written = True
        with world.lock:
            table.settle(deliveries, written=written)
        if not written:
            await asyncio.sleep(AGAIN)


def _local(at: float) -> datetime:
    return datetime.fromtimestamp(int(at), SHANGHAI).replace(tzinfo=None)
