"""One simulated shop of one channel with our connector on it, both on one virtual clock; nothing leaves the process.

What differs between channels is in `channel.py`; what the tests assert is in the test modules.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from pydantic import SecretStr

from connectors import CHANNELS
from connectors.http import Http
from core.channel import BadRow, Call, Capability, Connector, Credentials, Page, Scope, Window
from core.model import AfterSale, Order, ParcelDraft, Shipment, SkuKey
from sandbox.clock import VirtualClock
from sandbox.faults import FaultKind, FaultRule
from sandbox.model import Order as Placed
from sandbox.model import Sku
from sandbox.sandbox import Sandbox
from sandbox.settings import Settings
from sandbox.transport import mock_transport

GATEWAY = "https://gateway.example"
PUSH_GATEWAY = "wss://gateway.example"
STOCK = 1000
"""Pieces that every SKU starts with: no test runs out."""


class OurClock:
    """The world's clock as ours, `skew` ahead of it."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.skew = timedelta()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._now(), UTC) + self.skew


class WatchedGate:
    """An open gate that remembers what the channel refused."""

    def __init__(self) -> None:
        self.refusals: list[Call] = []

    def enter(self, call: Call) -> None:
        return None

    def refused(
        self, call: Call, retry_after: float | None, scope: Scope = Scope.SHOP, *, every_method: bool = False
    ) -> None:
        self.refusals.append(call)

    def failed(self, call: Call) -> None:
        return None


class Wire(httpx.BaseTransport):
    """The way to the sandbox. A test may change the bytes of a request (length kept) or the JSON of an answer."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._inner = mock_transport(sandbox)
        self.replace: tuple[bytes, bytes] | None = None
        self.edit: Callable[[Any], None] | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.replace is not None:
            old, new = self.replace
            url = str(request.url).replace(old.decode(), new.decode())
            content = request.content.replace(old, new)
            request = httpx.Request(request.method, url, headers=request.headers, content=content)
        response = self._inner.handle_request(request)
        if self.edit is None:
            return response
        answer = json.loads(response.content)
        self.edit(answer)
        return httpx.Response(response.status_code, json=answer, request=request)


@dataclass
class Walk:
    """What a walk over a list of orders brought."""

    orders: dict[str, Order] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    expected: int | None = None

    def add(self, page: Page[Order]) -> None:
        self.seen += [item.value.id for item in page.items]
        self.orders |= {item.value.id: item.value for item in page.items}
        self.bad += page.bad
        self.expected = page.expected


class Bench:
    """A sandbox with one shop of the channel, and a connector of it. Rate limits are off: the clock stands still."""

    def __init__(self, code: str, seed: int = 7, **wanted: Any) -> None:
        settings = Settings(rate_limits_on=False, **wanted)
        self.code = code
        self.sandbox = Sandbox(seed, VirtualClock(), stock=(STOCK, STOCK), settings=settings)
        self.world = self.sandbox.world
        self.shop = self.world.shop(code)
        self.app = self.world.apps[code]
        self.clock = OurClock(self.world.now)
        self.gate = WatchedGate()
        self.wire = Wire(self.sandbox)
        self.http = Http(self.gate, self.wire, sleep=lambda _: None)
        self.connector = self.connect()
        self.closing = ExitStack()
        """What else must be let go of in the end."""

    def credentials(self) -> Credentials:
        grant = self.shop.grant
        return Credentials(
            self.app.key, SecretStr(self.app.secret), SecretStr(grant.access_token), SecretStr(grant.refresh_token)
        )

    def connect(self, credentials: Credentials | None = None) -> Connector:
        return CHANNELS[self.code].connector(
            f"{self.code}:{self.shop.shop_id}",
            self.shop.shop_id,
            credentials or self.credentials(),
            self.http,
            self.gate,
            self.clock,
            GATEWAY,
        )

    def fault(self, kind: FaultKind, method: str | None = None, times: int | None = None) -> None:
        """Breaks calls of `method` from now on, or the next `times` of them."""
        self.world.faults.add(FaultRule(kind=kind, channel=self.code, method=method, times=times))

    # Orders

    def place(self, variant: str = "plain", *, ago: float = 0, **wanted: Any) -> Placed:
        """A new order, paid unless said otherwise, placed `ago` seconds before now."""
        return self.world.place(self.shop, variant=variant, at=self.world.now() - ago, restock=True, **wanted)

    def window(self, minutes: float = 20) -> Window:
        """The last minutes up to now; a test that moves orders meanwhile must end earlier, as the lag says.

        Where versions are told by whole seconds, quick changes run ahead of the clock, and the window with them.
        """
        newest = max((order.updated for order in self.world.all_orders(self.code)), default=0)
        until = max(self.clock.now(), datetime.fromtimestamp(newest, UTC))
        return Window(self.clock.now() - timedelta(minutes=minutes), until)

    def walk(self, window: Window, between: Callable[[], object] = lambda: None) -> Walk:
        """The orders of the window; `between` runs after every page."""
        found = Walk()
        for page in self.connector.orders(window):
            found.add(page)
            between()
        return found

    def after_sales(self) -> Iterator[Page[AfterSale]]:
        """The after-sales of the last minutes; nothing where the channel lists none."""
        if self.connector.channel.supports(Capability.AFTER_SALES):
            yield from self.connector.after_sales(self.window())

    def read(self, placed: Placed) -> Order:
        return self.connector.order(placed.order_id).value

    def shipment(self, placed: Placed, number: str = "SF1234567890123", **wanted: Any) -> Shipment:
        parcel = ParcelDraft(carrier="SF", tracking_no=number, lines=wanted.pop("lines", ()))
        return Shipment(order_id=placed.order_id, parcels=(parcel,), **wanted)

    # Goods

    def skus(self) -> Iterator[Sku]:
        """What is on sale, in a fixed order."""
        return (sku for item in self.shop.items.values() if item.on_shelf for sku in item.skus.values())

    def keys(self, count: int) -> list[SkuKey]:
        return [key for key, _ in zip(map(key_of, self.skus()), range(count), strict=False)]

    def sellable(self, key: SkuKey) -> int:
        return self.world.sku(self.shop, key.sku_id).sellable

    def close(self) -> None:
        self.closing.close()
        self.http.close()


def key_of(sku: Sku) -> SkuKey:
    return SkuKey(listing_id=sku.item_id, sku_id=sku.sku_id)


def nobody(key: SkuKey) -> SkuKey:
    """A SKU that the same listing does not have."""
    return SkuKey(listing_id=key.listing_id, sku_id="1")


def secrets(bench: Bench, orders: Iterable[Placed] = ()) -> set[str]:
    """Everything the world knows that may show nowhere: people, tokens, the app's secret."""
    known = {bench.app.secret}
    for shop in bench.world.shops[bench.code].values():
        known |= {shop.grant.access_token, shop.grant.refresh_token, *shop.grant.older}
    for order in (*orders, *bench.world.all_orders(bench.code)):
        for person in (order.buyer, order.wanted_address):
            if person is not None:
                known |= {person.name, person.phone, person.address.detail}
    return known
