"""JD in the contract suite."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import sqlalchemy as sa
from pydantic import SecretStr

from connectors.jd.messages import LAG, jd_source
from core.channel import ObjectKind
from core.model import Order as Read
from core.notices import AppAccess, Notice, Polled
from core.status import AfterSaleStage, Hold, OrderStatus
from sandbox.jd.aftersale_states import SERVICE_CODES
from sandbox.jd.desk import is_service
from sandbox.jd.push_table import PushTable
from sandbox.model import Order, Refund, RefundKind, State
from tests.contract.bench import GATEWAY, Bench
from tests.contract.channel import ChannelUnderTest, Code, Life, Listener
from tests.contract.lives import LIVES

TO_SHIP = "WAIT_SELLER_STOCK_OUT"


FORCED = {
    "DELIVERY_RETURN": OrderStatus.REJECTED,
    "SEND_TO_DISTRIBUTION_CENER": OrderStatus.SHIPPED,
    "DISTRIBUTION_CENTER_RECEIVED": OrderStatus.SHIPPED,
    "RECEIPTS_CONFIRM": OrderStatus.SHIPPED,
}
"""States that no step leads to; the control API shows them."""


class Table(Listener):
    """The platform's push table in a database of its own, and our source that looks into it."""

    remembers = True

    def __init__(self, bench: Bench) -> None:
        url = f"sqlite:///{bench.closing.enter_context(TemporaryDirectory())}/pushes.db"
        engine = sa.create_engine(url)
        bench.closing.callback(engine.dispose)
        self._world = bench.world
        self._table = PushTable(bench.world, engine)
        self._table.create()
        access = AppAccess(
            bench.app.key, SecretStr(bench.app.secret), GATEWAY, SecretStr(url), bench.http, bench.gate, bench.clock
        )
        source = jd_source(access)
        assert source is not None
        bench.closing.callback(source.close)
        self._source = source
        self._cursor = ""
        for look in self.due():
            self.acknowledge(look)

    def due(self) -> Sequence[Polled]:
        """One look once the rows are old enough to be read."""
        self._table.write_due()
        self._world.advance(LAG.total_seconds() + 1)
        look = self._source.poll(self._cursor)
        assert not look.more
        return [look]

    def read(self, delivery: Polled) -> tuple[Notice, ...]:
        return delivery.notices

    def acknowledge(self, delivery: Polled) -> None:
        self._cursor = delivery.cursor
        self._source.confirm(delivery.acks)


def _forced(state: str) -> Life:
    """A shipped order that the control API shows in a state to which no step leads."""

    def life(bench: Bench, carrier: str) -> Order:
        order = LIVES["shipped"](bench, carrier)
        bench.world.force_state(order, state)
        return order

    return life


def _locked(bench: Bench, _: str) -> Order:
    order = bench.place()
    bench.world.request_refund(order)
    return order


def _unlocked(bench: Bench, carrier: str) -> Order:
    order = _locked(bench, carrier)
    bench.world.withdraw_refund(order.refunds[0])
    return order


def _locked_shipped(bench: Bench, carrier: str) -> Order:
    order = LIVES["shipped"](bench, carrier)
    bench.world.request_refund(order)
    return order


def _released(bench: Bench, _: str) -> Order:
    order = bench.place("risk")
    bench.world.release(order)
    return order


class Jd(ChannelUnderTest):
    code = "jd"
    order_list = "jingdong.pop.order.enSearch"
    order_detail = "jingdong.pop.order.enGet"
    stock_write = "jingdong.ware.stock.sku.set"
    ship_write = "jingdong.pop.order.shipment"
    shelf_write = "jingdong.ware.write.upOrDown"
    reveal_call = "jingdong.jos.order.oaid.decrypt"
    find_call = "jingdong.jos.order.oaid.search"
    row_id = "orderId"
    row_fields = ("itemInfoList", "modified")
    page_sizes = (
        ("connectors.jd.connector", "PAGE"),
        ("connectors.jd.after_sales", "PAGE"),
        ("connectors.jd.goods", "WARE_PAGE"),
        ("connectors.jd.goods", "SKU_PAGE"),
    )
    own_carrier = "467"
    unknown_after_sale_code = 99
    untold = frozenset({"shipped_at", "signed_at", "ship_by", "deadline"})
    masks = frozenset({"phone"})
    priced = frozenset({RefundKind.REFUND_ONLY, RefundKind.RETURN})
    discounts_price_changes = True
    delta_write = "jingdong.stock.write.increaseSkuStock"
    names_requests = False
    knows_addresses = False
    pushes = frozenset({ObjectKind.ORDER})
    clock_tolerance = timedelta(minutes=6)
    holds: ClassVar[Mapping[str, Hold]] = {"group": Hold.PLATFORM_LOCK, "risk": Hold.PLATFORM_LOCK}

    own_lives: ClassVar[Mapping[str, Life]] = {
        "virtual": lambda bench, _: bench.place("virtual"),
        "overseas": lambda bench, _: bench.place("overseas"),
        "released": _released,
        "locked": _locked,
        "unlocked": _unlocked,
        "locked_shipped": _locked_shipped,
        "split": lambda bench, _: bench.place("split"),
        **{state: _forced(state) for state in FORCED},
    }
    order_codes: ClassVar[Mapping[str, tuple[str, OrderStatus]]] = {
        "unpaid": ("NOT_PAY", OrderStatus.UNPAID),
        "deposit_paid": ("POP_ORDER_PAUSE", OrderStatus.UNPAID),
        "group": ("POP_ORDER_PAUSE", OrderStatus.ON_HOLD),
        "risk": ("PAUSE", OrderStatus.ON_HOLD),
        "released": (TO_SHIP, OrderStatus.TO_SHIP),
        "to_ship": (TO_SHIP, OrderStatus.TO_SHIP),
        "virtual": ("WAIT_SEND_CODE", OrderStatus.TO_SHIP),
        "overseas": ("WAIT_SELLER_DELIVERY", OrderStatus.TO_SHIP),
        "locked": ("LOCKED", OrderStatus.ON_HOLD),
        "unlocked": (TO_SHIP, OrderStatus.TO_SHIP),
        "part_shipped": (TO_SHIP, OrderStatus.PART_SHIPPED),
        "shipped": ("WAIT_GOODS_RECEIVE_CONFIRM", OrderStatus.SHIPPED),
        "locked_shipped": ("LOCKED", OrderStatus.SHIPPED),
        "received": ("WAIT_GOODS_RECEIVE_CONFIRM", OrderStatus.SHIPPED),
        "finished": ("FINISHED_L", OrderStatus.FINISHED),
        "split": ("PARENT_TRADE_CANCELED", OrderStatus.CLOSED),
        "cancelled_unpaid": ("TRADE_CANCELED", OrderStatus.CLOSED),
        "cancelled_paid": ("TRADE_CANCELED", OrderStatus.CLOSED),
        "refunded_unshipped": ("TRADE_CANCELED", OrderStatus.CLOSED),
        "refunded_shipped": ("TRADE_CANCELED", OrderStatus.CLOSED),
        **{state: (state, status) for state, status in FORCED.items()},
    }
    other_order_codes: ClassVar[Mapping[str, str]] = {
        "UN_KNOWN": "JD itself does not know; tests/connectors/jd/test_mapping.py reads it as unknown",
    }
    documented_order_codes = frozenset(
        {
            "NOT_PAY", TO_SHIP, "PAUSE", "POP_ORDER_PAUSE", "WAIT_SELLER_DELIVERY", "WAIT_GOODS_RECEIVE_CONFIRM",
            "FINISHED_L", "TRADE_CANCELED", "PARENT_TRADE_CANCELED", "LOCKED", "WAIT_SEND_CODE", "DELIVERY_RETURN",
            "UN_KNOWN", "SEND_TO_DISTRIBUTION_CENER", "DISTRIBUTION_CENTER_RECEIVED", "RECEIPTS_CONFIRM",
        }
    )  # fmt: skip

    return_stages: ClassVar[Sequence[AfterSaleStage]] = (
        AfterSaleStage.REQUESTED,
        AfterSaleStage.TO_RETURN,
        AfterSaleStage.TO_RETURN,
        AfterSaleStage.REFUNDING,
        AfterSaleStage.REFUNDED,
    )
    after_sale_codes: ClassVar[Mapping[Code, AfterSaleStage]] = {
        0: AfterSaleStage.REQUESTED,
        1: AfterSaleStage.REFUNDING,
        2: AfterSaleStage.REFUSED,
        3: AfterSaleStage.REFUNDED,
        4: AfterSaleStage.CLOSED,
        5: AfterSaleStage.REFUNDING,
        6: AfterSaleStage.REFUNDING,
        7: AfterSaleStage.REFUNDING,
        8: AfterSaleStage.CLOSED,
        9: AfterSaleStage.REFUNDING,
        10: AfterSaleStage.REQUESTED,
        11: AfterSaleStage.WITHDRAWN,
        10000: AfterSaleStage.REQUESTED,
        10001: AfterSaleStage.REQUESTED,
        10002: AfterSaleStage.REQUESTED,
        10004: AfterSaleStage.REFUSED,
        10005: AfterSaleStage.TO_RETURN,
        10006: AfterSaleStage.RETURNED,
        10007: AfterSaleStage.RETURNED,
        10009: AfterSaleStage.REFUSED,
        10010: AfterSaleStage.CLOSED,
        10011: AfterSaleStage.WITHDRAWN,
        10012: AfterSaleStage.REQUESTED,
        10013: AfterSaleStage.REQUESTED,
        10041: AfterSaleStage.REFUNDING,
        12000: AfterSaleStage.RETURNED,
        13000: AfterSaleStage.TO_RETURN,
        14000: AfterSaleStage.REQUESTED,
    }

    samples_read: ClassVar[Mapping[str, str]] = {
        "test_mapping": "item.list.response order.list.response order.search_plain.response sku.list.response",
        "test_requests": """logistics.company_list.response oauth.refresh.response oauth.token.response
            order.get.response order.partial_ship.response order.remark_update.response order.ship.response
            order.unpaid_list.response order.waybill_update.response price.update.response stock.get.response
            stock.increase.response stock.set.response""",
        "test_after_sales": """aftersale.refund_view.response aftersale.sync_list.response aftersale.view.response
            refund.get.response refund.list.response""",
        "test_errors": """error.bad_app_key.response error.bad_method.response error.bad_sign.response
            error.bad_timestamp.response error.bad_token.response error.busy_66.response error.missing_sign.response
            error.missing_timestamp.response error.missing_token.response error.no_permission.response
            error.rate_limited.response error.timeout_65.response order.get.not_found.response
            order.list.biz_error.response order.ship.retryable.response""",
        "test_traps": "order.list.empty.response order.ship.biz_error.response",
        "test_messages": "push.rds_row",
        "test_receivers": "privacy.oaid_decrypt.response",
        "test_shelf": "item.up_down.response",
        "test_signing": "sign-vectors",
    }
    samples_unread: ClassVar[Mapping[str, str]] = {
        "what changed is listed, and read by its id": "aftersale.query_list.response",
        "after-sales are not decided yet": """aftersale.receive.response refund.agree.response
            refund.refuse.response""",
        "parcels are not traced, the platform knows its own express only": "logistics.trace.response",
        "orders carry their memo": "order.remark_get.response order.remark_list.response",
        "orders come with their region names": "area.province.response",
        "receivers are opened by their OAID, one by one": """privacy.master_key.response privacy.voucher.response
            tde-vectors""",
        "the shop is named by its operator": "shop.get.response vender.get.response",
        "the newer gateway is not spoken": "spapi.afs_list.response spapi.error.response",
        "stock is written for many SKUs in one call": "stock.update_legacy.response",
        "e-waybills are not bought yet": """waybill.accounts.response waybill.cancel.response
            waybill.create.response""",
    }

    def method_of(self, request: Any) -> str:
        return str(request.get("form", {}).get("method", ""))

    def invent_order_status(self, answer: Any, code: int) -> None:
        found = answer.get("jingdong_pop_order_enSearch_responce", {}).get("searchorderinfo_result", {})
        for row in found.get("orderInfoList", []):
            row["orderState"] = str(code)

    def pays(self, order: Order) -> int:
        """Nothing any more for what was split; what is paid on delivery ends in half a yuan."""
        if order.children:
            return 0
        return order.pay_amount - (order.pay_amount % 50 if order.variant == "cod" else 0)

    def emptied(self, order: Order) -> bool:
        return bool(order.children) or (order.state is State.CANCELLED and order.paid is None)

    def person(self, order: Read) -> str:
        """Each order has an OAID of its own."""
        return order.buyer_id

    def after_sale_id(self, refund: Refund) -> str:
        return f"{'service' if is_service(refund) else 'refund'}:{refund.refund_id}"

    def ask(self, bench: Bench, code: Code) -> tuple[Order, Refund]:
        """A return of goods that were received is a service order, a refund before shipping an application."""
        if int(code) < SERVICE_CODES:
            return super().ask(bench, code)
        order = LIVES["received"](bench, self.own_carrier)
        return order, bench.world.request_refund(order, kind=RefundKind.RETURN)

    def listener(self, bench: Bench) -> Listener:
        return Table(bench)
