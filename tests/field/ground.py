"""The engine on one shop of one channel, with hands on everything that goes wrong in the stories of `tests/field`.

Pushes come in all three ways: callbacks, a connection, and JD's table, which lies in a database of the test's own. The
wire to the platform can be watched, broken, and made to answer what it answered long ago.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from connectors.jd.messages import LAG
from core.channel import Connector, Push
from core.db import Database, catalog, lanes, shops, watermarks
from core.db.intents import Intent, attempts
from core.db.lanes import Kind, Lane
from core.db.tables import receipt
from core.db.watermarks import Watermark
from core.model import Order as Read
from core.model import Parcel, ParcelDraft
from core.notices import Notice, Source
from sandbox.faults import FaultKind, FaultRule
from sandbox.jd.push_table import PushTable, open_table
from sandbox.model import Buyer, Order, Shop, Sku
from sandbox.transport import mock_transport
from sync import drain, listen, pull
from sync.shipments import ShipmentItem
from sync.wishes import Queued
from tests.contract.channel import ChannelUnderTest
from tests.engine import Engine

ITEMS = 1
"""How many listings the shop keeps: enough for every story, and quick to walk."""
NUMBER = "SF1234567890123"


class Killed(BaseException):
    """The worker dies here."""


class Wire(httpx.BaseTransport):
    """The way to the platforms. Hooks get the platform's own name of the call."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner
        self.before: Callable[[str, httpx.Request], None] = lambda *_: None
        self.after: Callable[[str, httpx.Response], None] = lambda *_: None
        self.old: dict[str, httpx.Response] = {}
        """Call -> the answer that a copy of the platform's data that fell behind still gives."""
        self.last: dict[str, httpx.Response] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        method = called(request)
        self.before(method, request)
        answer = self._inner.handle_request(request)
        self.last[method] = answer
        if method in self.old:
            kept = self.old[method]
            answer = httpx.Response(kept.status_code, headers=kept.headers, content=kept.content, request=request)
        self.after(method, answer)
        return answer


def called(request: httpx.Request) -> str:
    """Which call of a platform a request makes."""
    params = parameters(request)
    return params.get("method") or params.get("type") or request.url.path.strip("/").replace("/", ".")


def parameters(request: httpx.Request) -> dict[str, str]:
    """What a request says, as text: query and body, JSON or form."""
    params = dict(request.url.params.multi_items())
    body = request.content
    if body[:1] == b"{":
        return params | {name: str(value) for name, value in json.loads(body).items()}
    return params | dict(parse_qsl(body.decode()))


class Ground(Engine):
    """An engine that is not started yet: `settle` begins its work."""

    def __init__(self, database: Database, redis_url: str, folder: Path, channel: ChannelUnderTest) -> None:
        super().__init__(database, redis_url, folder, channels=[channel.code])
        self.channel = channel
        self.code = channel.code
        self.shop: Shop = self.world.shop(channel.code)
        self.shop_id = self.shops[channel.code]
        for name in list(self.shop.items)[ITEMS:]:
            del self.shop.items[name]
        self.wire = Wire(mock_transport(self.sandbox))
        self.runtime.wire = self.wire
        self.heard: list[Notice] = []
        """Every notice that came, in order."""
        self.table: PushTable | None = None
        self.source: Source | None = None
        self._cursor = ""
        if channel.channel.push is Push.POLLED:
            self._open_table(f"sqlite:///{folder}/pushes.db")

    def _open_table(self, url: str) -> None:
        self.table = open_table(self.world, url)
        given = {"push_databases": {self.code: SecretStr(url)}}
        self.runtime.settings = self.runtime.settings.model_copy(update=given)
        app = self.world.apps[self.code]
        self.source = listen._source(self.runtime, listen._App(self.code, app.key), SecretStr(app.secret))

    # Pushes

    def deliver_pushes(self) -> None:
        super().deliver_pushes()
        if self.table is not None and self.source is not None:
            self.table.write_due()
            polled = self.source.poll(self._cursor)
            self.store(polled.notices)
            self._cursor = polled.cursor
            self.source.confirm(polled.acks)

    def store(self, notices: tuple[Notice, ...]) -> None:
        super().store(notices)
        self.heard += notices

    def wait_for_pushes(self) -> None:
        """Takes what the platform has to tell, without acting on it. JD's rows are read once they are a bit old."""
        self.deliver_pushes()
        if self.table is not None:
            self.world.advance(LAG.total_seconds() + 1)
            self.deliver_pushes()

    def deaf(self) -> None:
        """Every push from now on is lost."""
        self.fault("drop_push")

    def receipts(self) -> list[tuple[str, str, int]]:
        """(object, state, how often it came) of every stored notice."""
        with self.runtime.database.read() as connection:
            rows = connection.execute(
                sa.select(receipt.c.object_id, receipt.c.state, receipt.c.seen).order_by(receipt.c.id)
            )
            return [(row.object_id, row.state, row.seen) for row in rows]

    # The platform

    def place(
        self, variant: str = "plain", *, paid: bool = True, at: float | None = None, buyer: Buyer | None = None
    ) -> Order:
        return self.world.place(self.shop, variant=variant, paid=paid, at=at, restock=True, quantity=1, buyer=buyer)

    def fault(self, kind: FaultKind, method: str | None = None, times: int | None = None, **options: float) -> None:
        self.world.faults.add(
            FaultRule.model_validate({"kind": kind, "channel": self.code, "method": method, "times": times, **options})
        )

    def calls(self, method: str) -> int:
        return int(self.world.calls[self.code].get(method, {"count": 0})["count"])

    def mapped(self) -> Sku:
        """A SKU of the shop that a SKU of the ERP is mapped to."""
        with self.runtime.database.read() as connection:
            row = next(r for r in catalog.rows_of(connection, shop_id=self.shop_id) if r.sku)
        return self.world.sku(self.shop, row.key.sku_id)

    # Our side

    def connector(self) -> Connector:
        with self.runtime.database.read() as connection:
            row = shops.get(connection, self.shop_id)
        return self.runtime.connector(row)[0]

    def lane(self, kind: Kind) -> Lane:
        return Lane(self.shop_id, kind)

    def drain(self, *kinds: Kind) -> None:
        for kind in kinds:
            drain.drain(self.runtime, self.lane(kind))

    def pull(self) -> None:
        """Reads the order list now, however recently that was done."""
        with self.runtime.database.write() as connection:
            watermarks.look_now(connection, self.shop_id, pull.ORDERS, self.runtime.clock.now())
        self.settle()

    def mark(self) -> Watermark:
        """How far the orders are proven complete."""
        with self.runtime.database.read() as connection:
            return watermarks.of_shop(connection, self.shop_id)[pull.ORDERS]

    def lag(self) -> timedelta:
        """How long a change may take to show in the list of orders."""
        paging = self.channel.channel.orders
        assert paging is not None
        return paging.lag

    def told(self, order: Order) -> list[str]:
        """The types of the events about an order."""
        return [event.type for event in self.events("order.") if event.object_id == order.order_id]

    def created(self) -> list[str]:
        """Orders that the feed told as new, each as often as it did."""
        return sorted(event.object_id for event in self.events("order.created"))

    def taken(self, variant: str = "plain") -> Order:
        """A new order that we know of."""
        order = self.place(variant)
        self.wait_for_pushes()
        self.settle()
        assert self.told(order) == ["order.created"]
        return order

    def stored(self, order: Order) -> Read:
        found = self.order(self.shop_id, order.order_id)
        assert found is not None
        return found

    def shipment(self, order: Order, number: str = NUMBER, *, carrier: str = "SF") -> ShipmentItem:
        parcel = ParcelDraft(carrier=carrier, tracking_no=number)
        return ShipmentItem(shop=self.shop_id, order_id=order.order_id, parcels=(parcel,))

    def send(self, order: Order, number: str = NUMBER) -> Queued:
        return self.ship(self.shipment(order, number))

    def shipped(self, order: Order) -> Intent:
        """The one wish to ship it."""
        [found] = self.intents("ship", self.shop_id, order.order_id)
        return found

    def ledger(self, intent: Intent) -> list[str]:
        """What became of each call for an intent."""
        with self.runtime.database.read() as connection:
            return [each.state for each in attempts(connection, intent.id)]

    @contextmanager
    def killed(self, method: str, *, landed: bool) -> Iterator[None]:
        """A worker that makes this call dies in it, before or after the platform acted, and cleans nothing up."""

        def die(name: str, _: object) -> None:
            if name == method:
                raise Killed

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(lanes, "abandon", lambda *_, **__: None)
            patch.setattr(self.wire, "after" if landed else "before", die)
            yield

    def close(self) -> None:
        if self.source is not None:
            self.source.close()
        self.runtime.http.close()
        self.runtime.redis.close()


def numbers(parcels: Sequence[Parcel]) -> list[str]:
    return sorted(parcel.tracking_no for parcel in parcels)


def instant(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
