"""Douyin in the contract suite."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import SecretStr

from connectors.douyin.messages import DouyinReader
from core.channel import Notice
from core.status import AfterSaleStage, OrderStatus
from sandbox.douyin.callbacks import Batch
from tests.contract.bench import Bench
from tests.contract.channel import ChannelUnderTest, Listener


class Callbacks(Listener):
    """The sandbox's callbacks with our reader at their URL."""

    def __init__(self, bench: Bench) -> None:
        self._callbacks = bench.sandbox.douyin.callbacks
        self._reader = DouyinReader({bench.app.key: SecretStr(bench.app.secret)})
        self._callbacks.set_url("https://erp.example/hooks/douyin")
        for verification in self.due():
            self.acknowledge(verification)

    def due(self) -> Sequence[Batch]:
        batches = []
        while (batch := self._callbacks.take()) is not None:
            batches.append(batch)
        return batches

    def read(self, delivery: Batch) -> tuple[Notice, ...]:
        return self._reader.read(delivery.headers, delivery.body).notices

    def acknowledge(self, delivery: Batch) -> None:
        ack = self._reader.read(delivery.headers, delivery.body).ack
        assert self._callbacks.settle(delivery, ack.status, ack.body)

    def forgeries(self, delivery: Batch) -> Sequence[Batch]:
        body, headers = delivery.body, dict(delivery.headers)
        return [
            replace(delivery, body=body.replace(b"tag", b"tga", 1)),
            replace(delivery, body=body + b" "),
            replace(delivery, headers=headers | {"event-sign": headers["event-sign"][:-1] + "!"}),
            replace(delivery, headers={name: value for name, value in headers.items() if name != "event-sign"}),
            replace(delivery, headers=headers | {"app-id": "1"}),
        ]


class Douyin(ChannelUnderTest):
    code = "douyin"
    order_list = "order.searchList"
    order_detail = "order.orderDetail"
    stock_write = "sku.syncStockBatchMultiProducts"
    ship_write = "order.logisticsAdd"
    page_sizes = (("connectors.douyin.client", "PAGE"), ("connectors.douyin.connector", "PAGE"))
    unknown_topic = "9999"
    account_carrier = "shunfeng"
    unknown_after_sale_code = 99

    order_codes: ClassVar[Mapping[str, tuple[str, OrderStatus]]] = {
        "unpaid": ("1", OrderStatus.UNPAID),
        "deposit_paid": ("103", OrderStatus.PART_PAID),
        "group": ("105", OrderStatus.ON_HOLD),
        "risk": ("105", OrderStatus.ON_HOLD),
        "to_ship": ("2", OrderStatus.TO_SHIP),
        "part_shipped": ("101", OrderStatus.PART_SHIPPED),
        "shipped": ("3", OrderStatus.SHIPPED),
        "received": ("3", OrderStatus.SIGNED),
        "finished": ("5", OrderStatus.FINISHED),
        "cancelled_unpaid": ("4", OrderStatus.CLOSED),
        "cancelled_paid": ("4", OrderStatus.CLOSED),
        "refunded_unshipped": ("4", OrderStatus.CLOSED),
        "refunded_shipped": ("3", OrderStatus.CLOSED),
        "refunded_received": ("5", OrderStatus.CLOSED),
    }
    documented_order_codes = frozenset({"1", "103", "105", "2", "101", "3", "4", "5"})

    after_sale_codes: ClassVar[Mapping[int, AfterSaleStage]] = {
        0: AfterSaleStage.REQUESTED,
        6: AfterSaleStage.REQUESTED,
        7: AfterSaleStage.TO_RETURN,
        8: AfterSaleStage.TO_REPLACE,
        11: AfterSaleStage.RETURNED,
        12: AfterSaleStage.REFUNDING,
        13: AfterSaleStage.REPLACED,
        14: AfterSaleStage.DONE,
        27: AfterSaleStage.REFUSED,
        28: AfterSaleStage.CLOSED,
        29: AfterSaleStage.REFUSED,
        51: AfterSaleStage.WITHDRAWN,
        53: AfterSaleStage.DONE,
    }

    def invent_order_status(self, answer: Any, code: int) -> None:
        for row in answer["data"]["shop_order_list"]:
            row["order_status"] = code
            for line in row["sku_order_list"]:
                line["order_status"] = code

    def listener(self, bench: Bench) -> Listener:
        return Callbacks(bench)
