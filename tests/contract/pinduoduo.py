"""Pinduoduo in the contract suite."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import SecretStr

from connectors.pinduoduo.messages import PinduoduoSession
from core.channel import Notice
from core.status import AfterSaleStage, OrderStatus
from sandbox.pinduoduo import session as simulated
from tests.contract.bench import PUSH_GATEWAY, Bench
from tests.contract.channel import ChannelUnderTest, Listener


class Connection(Listener):
    """Our session and the sandbox's, frames handed from one to the other."""

    def __init__(self, bench: Bench) -> None:
        self._ours = PinduoduoSession(bench.app.key, SecretStr(bench.app.secret), PUSH_GATEWAY, bench.clock)
        self._theirs = simulated.Session(bench.world)
        for frame in self._ours.on_open():
            self._theirs.on_frame(frame)

    def due(self) -> Sequence[str]:
        return self._theirs.to_send()

    def read(self, delivery: str) -> tuple[Notice, ...]:
        return self._ours.on_frame(delivery).notices

    def acknowledge(self, delivery: str) -> None:
        for ack in self._ours.on_frame(delivery).acks:
            assert self._theirs.on_frame(ack) == []


class Pinduoduo(ChannelUnderTest):
    code = "pinduoduo"
    order_list = "pdd.order.number.list.increment.get"
    order_detail = "pdd.order.information.get"
    stock_write = "pdd.goods.quantity.update"
    ship_write = "pdd.logistics.online.send"
    page_sizes = (("connectors.pinduoduo.connector", "PAGE"),)
    unknown_topic = "pdd_chat_OrderPromise"
    account_carrier = "44"
    unknown_after_sale_code = 99

    order_codes: ClassVar[Mapping[str, tuple[str, OrderStatus]]] = {
        "to_ship": ("1", OrderStatus.TO_SHIP),
        "group": ("1", OrderStatus.ON_HOLD),
        "risk": ("1", OrderStatus.ON_HOLD),
        "shipped": ("2", OrderStatus.SHIPPED),
        "received": ("3", OrderStatus.SIGNED),
        "finished": ("3", OrderStatus.SIGNED),
        "cancelled_paid": ("1", OrderStatus.CLOSED),
        "refunded_unshipped": ("1", OrderStatus.CLOSED),
        "refunded_shipped": ("2", OrderStatus.CLOSED),
    }
    documented_order_codes = frozenset({"1", "2", "3"})

    after_sale_codes: ClassVar[Mapping[int, AfterSaleStage]] = {
        2: AfterSaleStage.REQUESTED,
        3: AfterSaleStage.REQUESTED,
        4: AfterSaleStage.REFUNDING,
        5: AfterSaleStage.REFUNDING,
        6: AfterSaleStage.REFUSED,
        7: AfterSaleStage.TO_RETURN,
        8: AfterSaleStage.PLATFORM,
        9: AfterSaleStage.CLOSED,
        10: AfterSaleStage.REFUNDED,
        11: AfterSaleStage.WITHDRAWN,
        12: AfterSaleStage.CLOSED,
        13: AfterSaleStage.CLOSED,
        14: AfterSaleStage.REQUESTED,
        15: AfterSaleStage.TO_RETURN,
        16: AfterSaleStage.DONE,
        17: AfterSaleStage.CLOSED,
        18: AfterSaleStage.REPLACED,
        21: AfterSaleStage.REQUESTED,
        22: AfterSaleStage.TO_RETURN,
        24: AfterSaleStage.CLOSED,
        25: AfterSaleStage.DONE,
        27: AfterSaleStage.REPLACED,
        31: AfterSaleStage.REFUNDING,
        32: AfterSaleStage.TO_REPLACE,
        33: AfterSaleStage.REFUNDING,
    }

    def invent_order_status(self, answer: Any, code: int) -> None:
        for row in answer.get("order_sn_increment_get_response", {}).get("order_sn_list", []):
            row["order_status"] = code

    def listener(self, bench: Bench) -> Listener:
        bench.connector.subscribe()
        return Connection(bench)

    def stale_connection(self, bench: Bench) -> bool:
        address = PinduoduoSession(bench.app.key, SecretStr(bench.app.secret), PUSH_GATEWAY, bench.clock).address()
        return simulated.admits(bench.world, address.removeprefix(PUSH_GATEWAY))
