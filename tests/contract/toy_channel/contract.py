"""The toy in the contract suite."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from pydantic import SecretStr

from connectors import Adapter
from core.channel import ObjectKind
from core.notices import Notice
from core.status import OrderStatus
from sandbox.callbacks import Batch
from tests.contract.bench import Bench
from tests.contract.channel import ChannelUnderTest, Listener
from tests.contract.toy_channel import CHANNEL
from tests.contract.toy_channel.connector import ToyConnector
from tests.contract.toy_channel.messages import ToyReader

ADAPTER = Adapter(CHANNEL, ToyConnector, reader=ToyReader)
"""The one line of the registry."""


class Hook(Listener):
    """The platform's callbacks with our reader at their URL."""

    def __init__(self, bench: Bench) -> None:
        callbacks = bench.sandbox.platforms["toy"].callbacks
        assert callbacks is not None
        self._callbacks = callbacks
        self._callbacks.set_url("https://erp.example/hooks/toy")
        self._reader = ToyReader({bench.app.key: SecretStr(bench.app.secret)})

    def due(self) -> Sequence[Batch]:
        return list(iter(self._callbacks.take, None))

    def read(self, delivery: Batch) -> tuple[Notice, ...]:
        return self._reader.read(delivery.headers, delivery.body).notices

    def acknowledge(self, delivery: Batch) -> None:
        ack = self._reader.read(delivery.headers, delivery.body).ack
        assert self._callbacks.settle(delivery, ack.status, ack.body)

    def forgeries(self, delivery: Batch) -> Sequence[Batch]:
        headers = dict(delivery.headers)
        return [
            replace(delivery, body=delivery.body.replace(b"order", b"ordre", 1)),
            replace(delivery, headers=headers | {"x-toy-time": "0"}),
            replace(delivery, headers=headers | {"x-toy-sign": "é" + headers["x-toy-sign"][1:]}),
            replace(delivery, headers={name: value for name, value in headers.items() if name != "x-toy-sign"}),
            replace(delivery, headers=headers | {"x-toy-app": "somebody"}),
        ]


class Toy(ChannelUnderTest):
    code = "toy"
    order_list = "orders.list"
    order_detail = "orders.get"
    stock_write = "stock.set"
    ship_write = "orders.ship"
    row_id = "id"
    row_fields = ("lines", "updated")
    page_sizes = (
        ("tests.contract.toy_channel.connector", "PAGE"),
        ("tests.contract.toy_channel.goods", "PAGE"),
    )
    pushes = frozenset({ObjectKind.ORDER, ObjectKind.LISTING})
    unknown_topic = "chat.said"
    own_carrier = "sf"
    order_codes: ClassVar[Mapping[str, tuple[str, OrderStatus]]] = {
        "unpaid": ("NEW", OrderStatus.UNPAID),
        "deposit_paid": ("DEPOSIT", OrderStatus.PART_PAID),
        "group": ("CHECKING", OrderStatus.ON_HOLD),
        "risk": ("CHECKING", OrderStatus.ON_HOLD),
        "to_ship": ("READY", OrderStatus.TO_SHIP),
        "shipped": ("SENT", OrderStatus.SHIPPED),
        "received": ("RECEIVED", OrderStatus.SIGNED),
        "finished": ("DONE", OrderStatus.FINISHED),
        "cancelled_unpaid": ("CANCELLED", OrderStatus.CLOSED),
        "cancelled_paid": ("CANCELLED", OrderStatus.CLOSED),
        "refunded_unshipped": ("CANCELLED", OrderStatus.CLOSED),
        "refunded_shipped": ("SENT", OrderStatus.CLOSED),
        "refunded_received": ("DONE", OrderStatus.CLOSED),
    }
    documented_order_codes = frozenset({"NEW", "DEPOSIT", "CHECKING", "READY", "SENT", "RECEIVED", "DONE", "CANCELLED"})
    samples_read: ClassVar[Mapping[str, str]] = {"test_samples": "orders.get.response error.held error.token_expired"}
    samples_unread: ClassVar[Mapping[str, str]] = {}

    @property
    def tests(self) -> Path:
        return Path(__file__).parent

    @property
    def fixtures(self) -> Path:
        return self.tests / "fixtures"

    def method_of(self, request: Any) -> str:
        return str(request.get("method", ""))

    def invent_order_status(self, answer: Any, code: int) -> None:
        for row in answer["data"]["orders"]:
            row["status"] = str(code)

    def listener(self, bench: Bench) -> Listener:
        return Hook(bench)
