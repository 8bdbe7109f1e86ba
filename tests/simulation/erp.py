"""The ERP: reads the feed with a cursor, ships what is paid, wants stock and prices, and repeats what was not answered.

What it decided is on its disk, what it was just reading is not: it crashes before saving its cursor now and then, and
reads those events again. Commands leave one after another, each again and again under its key until an answer came.
"""

import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from connectors import CHANNELS
from core.access import Caller
from core.channel import Capability
from core.db import feed
from core.db.feed import FeedRow
from core.model import Order
from core.status import AfterSaleState, Closing, Hold, Payment
from sync.runtime import Runtime
from tests.simulation.boundaries import STEP
from tests.simulation.day import Day
from web import command_routes, commands
from web.problems import Problem
from web.state import State

EVERY = 12.0
PAGE = 30
COMMANDS: dict[str, commands.Command[Any]] = {
    "stock": command_routes.STOCK,
    "prices": command_routes.PRICES,
    "shipments": command_routes.SHIPMENTS,
}


@dataclass
class Asked:
    """One command, as it is on the ERP's disk."""

    kind: str
    key: str
    items: list[dict[str, Any]]

    @property
    def body(self) -> bytes:
        return json.dumps({"items": self.items}).encode()


@dataclass
class Erp:
    """What is on its disk."""

    day: Day
    cursor: int = 0
    outbox: list[Asked] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    """Key → what was answered; a repetition must be answered the same."""
    sent: list[Asked] = field(default_factory=list)
    numbers: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """(shop, order) → the tracking numbers last wanted."""
    stock: dict[str, int] = field(default_factory=dict)
    prices: dict[tuple[str, str, str], int] = field(default_factory=dict)
    seen: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """(family, shop, object) → the newest revision heard of."""
    serial: int = 0

    def act(self) -> float:
        dice = self.day.dice.random()
        if dice < 0.6:
            if self.day.erp.idle:
                self.day.start(self.day.erp, "reads", self._read)
        elif dice < 0.78:
            self.want_stock(self.day.dice.randint(1, 6))
        elif dice < 0.9:
            self.want_prices(self.day.dice.randint(1, 3))
        elif dice < 0.96:
            self._correct()
        elif self.sent:
            self.outbox.append(self.day.dice.choice(self.sent[-10:]))  # repeats what was answered long ago
        return self.day.dice.expovariate(1 / EVERY)

    def send(self) -> float:
        """The oldest command without an answer goes to the web process."""
        if self.outbox and self.day.web.idle:
            asked = self.outbox[0]
            self.day.start(self.day.web, f"{asked.kind} {asked.key}", lambda runtime: self._send(runtime, asked))
        return self.day.dice.uniform(0.5, 3.0)

    def _read(self, runtime: Runtime) -> None:
        with runtime.database.read() as connection:
            rows = feed.read(connection, self.cursor, PAGE)
        for row in rows:
            self._heard(row)
        self.day.boundaries.cross(STEP)
        if rows:
            self.cursor = rows[-1].position

    def _heard(self, row: FeedRow) -> None:
        family = row.type.split(".", maxsplit=1)[0]
        self.seen[family, row.shop_id, row.object_id] = max(
            self.seen.get((family, row.shop_id, row.object_id), 0), row.revision
        )
        if family == "order":
            self._maybe_ship(row, Order.model_validate(json.loads(row.data)["order"]))

    def _maybe_ship(self, row: FeedRow, order: Order) -> None:
        key = (row.shop_id, row.object_id)
        ready = order.payment.value is Payment.PAID and order.closing.value is Closing.OPEN
        calm = order.hold.value is Hold.NONE and order.after_sale.value is AfterSaleState.NONE
        if not ready or not calm or order.parcels or key in self.numbers or self.day.dice.random() < 0.25:
            return
        lines = [line.id for line in order.lines if line.closing is None]
        supports = CHANNELS[row.shop_id.partition(":")[0]].channel.supports
        parcels: list[dict[str, Any]] = [self._parcel()]
        if len(lines) > 1 and supports(Capability.SHIP_LINES) and self.day.dice.random() < 0.5:
            amounts = {line.id: line.quantity for line in order.lines}
            packed = [[{"line_id": line, "quantity": amounts[line]}] for line in lines]
            parcels = [{**self._parcel(), "lines": each} for each in packed]
        self._ship(key, parcels)

    def _parcel(self) -> dict[str, Any]:
        return {"carrier": "SF", "tracking_no": f"SF{self.day.dice.randrange(10**12, 10**13)}"}

    def _ship(self, key: tuple[str, str], parcels: list[dict[str, Any]]) -> None:
        self.numbers[key] = [parcel["tracking_no"] for parcel in parcels]
        self._ask("shipments", [{"shop": key[0], "order_id": key[1], "parcels": parcels}])

    def _correct(self) -> None:
        """Somebody mistyped a number."""
        single = [key for key, numbers in self.numbers.items() if len(numbers) == 1]
        if single:
            self._ship(self.day.dice.choice(single), [self._parcel()])

    def want_stock(self, count: int) -> None:
        codes = sorted({sku.code for channel in self.day.channels for sku in self._skus(channel) if sku.code})
        chosen = self.day.dice.sample(codes, min(count, len(codes)))
        self._ask("stock", [{"sku": code, "quantity": self.day.dice.randint(0, 60)} for code in chosen])

    def want_prices(self, count: int) -> None:
        channel = self.day.dice.choice(self.day.channels)
        chosen = self.day.dice.sample(self._skus(channel), count)
        shop = self.day.shop_id(channel)
        self._ask(
            "prices",
            [
                {
                    "shop": shop,
                    "listing_id": sku.item_id,
                    "sku_id": sku.sku_id,
                    "sale": int(sku.price.single * self.day.dice.uniform(0.7, 0.95)),
                }
                for sku in chosen
            ],
        )

    def _skus(self, channel: str) -> list[Any]:
        items = self.day.world.shop(channel).items.values()
        return [sku for item in items if item.on_shelf and not item.deleted for sku in item.skus.values()]

    def _ask(self, kind: str, items: list[dict[str, Any]]) -> None:
        self.serial += 1
        self.outbox.append(Asked(kind, f"{kind}-{self.serial}", items))

    def _send(self, runtime: Runtime, asked: Asked) -> None:
        state = cast("State", SimpleNamespace(runtime=runtime))
        try:
            answer = commands.run(
                state, COMMANDS[asked.kind], commands.Asked(Caller("erp"), asked.key, False), asked.body
            )
        except Problem as problem:
            self._answered(asked, [error.code for error in problem.errors], None)
            return
        self.day.boundaries.cross(STEP)
        runtime.bells.ring(answer.lanes)
        self.day.boundaries.cross(STEP)
        told = json.loads(answer.body)
        self._answered(asked, [item["state"] for item in told["items"]], answer.body)

    def _answered(self, asked: Asked, states: list[str], body: str | None) -> None:
        """A repetition that is answered otherwise than the first time would be a broken promise."""
        before = self.answers.get(asked.key)
        assert before in (None, body), f"the command {asked.key} was answered twice, in two ways"
        if body is not None and before is None:
            self.answers[asked.key] = body
            self.sent.append(asked)
            for item, state in zip(asked.items, states, strict=True):
                self._taken(asked.kind, item, taken=state in ("queued", "unchanged"))
        elif body is None and asked.kind == "shipments":
            for item in asked.items:
                self._taken(asked.kind, item, taken=False)
        self.outbox.remove(asked)

    def _taken(self, kind: str, item: dict[str, Any], *, taken: bool) -> None:
        if kind == "stock" and taken:
            self.stock[item["sku"]] = item["quantity"]
        elif kind == "prices" and taken:
            self.prices[item["shop"], item["listing_id"], item["sku_id"]] = item["sale"]
        elif kind == "shipments" and not taken:
            self.numbers.pop((item["shop"], item["order_id"]), None)
