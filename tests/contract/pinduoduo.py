"""Pinduoduo in the contract suite."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import SecretStr

from connectors.pinduoduo.messages import PinduoduoSession
from core.notices import Notice
from core.status import AfterSaleStage, OrderStatus
from sandbox.model import Order
from sandbox.pinduoduo import session as simulated
from tests.contract.bench import PUSH_GATEWAY, Bench
from tests.contract.channel import ChannelUnderTest, Code, Listener


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
    shelf_write = "pdd.goods.sale.status.set"
    reveal_call = "pdd.open.decrypt.batch"
    find_call = "pdd.order.search.order"
    row_id = "order_sn"
    row_fields = ("item_list", "updated_at")
    page_sizes = (
        ("connectors.pinduoduo.connector", "PAGE"),
        ("connectors.pinduoduo.goods", "PAGE"),
        ("connectors.pinduoduo.after_sales", "PAGE"),
    )
    unknown_topic = "pdd_chat_OrderPromise"
    own_carrier = "44"
    unknown_after_sale_code = 99
    lists_unknown_after_sales = False

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

    after_sale_codes: ClassVar[Mapping[Code, AfterSaleStage]] = {
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

    samples_read: ClassVar[Mapping[str, str]] = {
        "test_mapping": """goods.detail.response order.basic.list.response order.list.response
            refund.information.response order.number.list.increment.has_next.response
            order.number.list.increment.response refund.list.increment.response""",
        "test_requests": """erp.order.sync.response goods.list.response goods.quantity.update.response
            goods.sku.price.update.response logistics.companies.response logistics.online.send.change.response
            logistics.online.send.response order.information.response order.note.update.response
            order.upload.extra.logistics.response pmc.user.permit.response pop.auth.token.refresh.response
            refund.agree.response refund.returngoods.agree.response goods.sale.status.set.response""",
        "test_receivers": "open.decrypt.batch.response",
        "test_traps": "refund.status.check.response",
        "test_errors": """error.bad_param error.bad_sign error.busy error.ip_not_allowed error.no_permission
            error.order_not_found error.public_param error.system error.throttled_api error.throttled_caller
            error.token_expired error.token_wrong""",
        "test_messages": """message.ack.client message.goods.update.push message.heartbeat.client
            message.heartbeat.server message.refund.created.push message.trade.confirmed.push
            message.trade.sellership.push""",
        "test_signing": "sign-vectors",
    }
    samples_unread: ClassVar[Mapping[str, str]] = {
        "the listing's detail tells the same": "goods.information.response goods.skus.response",
        "the order's detail tells the same": "order.status.response",
        "a price edit's review is seen in the listing itself": "goods.commit.status.response",
        "after-sales are not decided yet": "refund.address.list.response refund.exchange.shipping.response",
        "parcels are not traced yet": "logistics.ordertrace.response",
        "e-waybills are not bought yet": "waybill.cancel.response waybill.get.response",
        "orders come with their region names": "logistics.address.response",
        "masks come with the order": "open.decrypt.mask.batch.response",
        "parcels are not merged across orders": "order.merge.ship.order.group.response",
        "the shop is named by its operator": "mall.info.response",
        "the first tokens are put in by the operator": "oauth.token.legacy.response pop.auth.token.create.response",
        "the machine's clock is trusted": "time.response",
        "a subscription is made again, never asked about": """pmc.accrue.query.response pmc.user.cancel.response
            pmc.user.get.response""",
        "what could not be stored is not acknowledged, and comes again": "message.fail.client",
    }

    def method_of(self, request: Any) -> str:
        return str(request.get("type", ""))

    def invent_order_status(self, answer: Any, code: int) -> None:
        for row in answer.get("order_sn_increment_get_response", {}).get("order_sn_list", []):
            row["order_status"] = code

    def sealed(self, bench: Bench) -> Sequence[Order]:
        """Whatever does not wait to be shipped."""
        shipped = bench.place()
        bench.world.ship(shipped, self.own_carrier, "SF1234567890123")
        return [*super().sealed(bench), shipped, bench.place("risk")]

    def listener(self, bench: Bench) -> Listener:
        bench.connector.subscribe()
        return Connection(bench)

    def admitted(self, bench: Bench, secret: str) -> bool:
        address = PinduoduoSession(bench.app.key, SecretStr(secret), PUSH_GATEWAY, bench.clock).address()
        return simulated.admits(bench.world, address.removeprefix(PUSH_GATEWAY))
