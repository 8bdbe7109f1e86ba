"""Taobao in the contract suite: a Taobao shop, and a Tmall shop, which writes stock and prices through other calls."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import SecretStr

from connectors.taobao.messages import TaobaoSession
from core.channel import Capability, Recipient
from core.errors import Unavailable
from core.notices import Notice
from core.status import AfterSaleStage, Hold, OrderStatus
from sandbox.model import Order, Sku
from sandbox.taobao.longlink import LongLink
from sandbox.taobao.privacy import virtual_number
from sandbox.taobao.stock_rules import withheld
from tests.contract.bench import PUSH_GATEWAY, Bench
from tests.contract.channel import ChannelUnderTest, Code, Life, Listener


class Connection(Listener):
    """Our session and the sandbox's end of the long link, frames handed from one to the other."""

    def __init__(self, bench: Bench) -> None:
        self._ours = TaobaoSession(bench.app.key, SecretStr(bench.app.secret), PUSH_GATEWAY, bench.clock)
        self._theirs = LongLink(bench.world)
        for frame in self._ours.on_open():
            for answer in self._theirs.on_frame(frame):
                for pull in self._ours.on_frame(answer).reply:
                    assert self._theirs.on_frame(pull) == []

    def due(self) -> Sequence[bytes]:
        return self._theirs.to_send()

    def read(self, delivery: bytes) -> tuple[Notice, ...]:
        return self._ours.on_frame(delivery).notices

    def acknowledge(self, delivery: bytes) -> None:
        for ack in self._ours.on_frame(delivery).acks:
            assert self._theirs.on_frame(ack) == []


def _shown(status: str) -> Life:
    """A life under a status that no step of the sandbox leads to."""

    def life(bench: Bench, _: str) -> Order:
        order = bench.place(paid=False)
        bench.world.show(order, "status", status)
        return order

    return life


def _signed_for(bench: Bench, carrier: str) -> Order:
    """Paid on delivery: the buyer's signature is a status of its own."""
    order = bench.place("cod")
    bench.world.ship(order, carrier, "SF1234567890123")
    bench.world.receive(order)
    return order


def _part_shipped(bench: Bench, carrier: str) -> Order:
    """One line of two; a line ships whole."""
    order = bench.place("several")
    first = order.lines[0]
    bench.world.ship(order, carrier, "SF1234567890123", {first.line_id: first.quantity})
    return order


class Taobao(ChannelUnderTest):
    code = "taobao"
    settings: ClassVar[Mapping[str, Any]] = {"taobao_shop_kinds": ["taobao"]}
    order_list = "taobao.trades.sold.increment.get"
    order_detail = "taobao.trade.fullinfo.get"
    stock_write = "taobao.skus.quantity.update"
    ship_write = "taobao.logistics.offline.send"
    shelf_write = "taobao.item.update.delisting"
    reveal_call = "taobao.top.oaid.decrypt"
    find_call = "taobao.trades.sold.query"
    row_id = "tid"
    row_fields = ("orders", "modified")
    page_sizes = (("connectors.taobao.client", "PAGE"), ("connectors.taobao.goods", "ITEM_PAGE"))
    unknown_topic = "taobao_trade_TradeRated"
    own_carrier = "SF"
    whole_lines = True
    drops_lines = True
    untold = frozenset({"signed_at"})
    has_ciphers = False
    return_stages = (
        AfterSaleStage.REQUESTED,
        AfterSaleStage.TO_RETURN,
        AfterSaleStage.RETURNED,
        AfterSaleStage.RETURNED,
        AfterSaleStage.REFUNDED,
    )
    holds: ClassVar[Mapping[str, Hold]] = {"group": Hold.GROUP, "risk": Hold.PLATFORM_LOCK}
    unknown_after_sale_code = "WAIT_SOMETHING_NEW"

    own_lives: ClassVar[Mapping[str, Life]] = {
        "no_alipay_trade_yet": _shown("TRADE_NO_CREATE_PAY"),
        "foreign_card_pending": _shown("PAY_PENDING"),
        "zero_down_contract": _shown("WAIT_PRE_AUTH_CONFIRM"),
        "signed_for": _signed_for,
        "part_shipped": _part_shipped,
    }
    order_codes: ClassVar[Mapping[str, tuple[str, OrderStatus]]] = {
        "unpaid": ("WAIT_BUYER_PAY", OrderStatus.UNPAID),
        "no_alipay_trade_yet": ("TRADE_NO_CREATE_PAY", OrderStatus.UNPAID),
        "foreign_card_pending": ("PAY_PENDING", OrderStatus.UNPAID),
        "zero_down_contract": ("WAIT_PRE_AUTH_CONFIRM", OrderStatus.UNPAID),
        "deposit_paid": ("WAIT_BUYER_PAY", OrderStatus.PART_PAID),
        "group": ("PAID_FORBID_CONSIGN", OrderStatus.ON_HOLD),
        "risk": ("PAID_FORBID_CONSIGN", OrderStatus.ON_HOLD),
        "to_ship": ("WAIT_SELLER_SEND_GOODS", OrderStatus.TO_SHIP),
        "part_shipped": ("SELLER_CONSIGNED_PART", OrderStatus.PART_SHIPPED),
        "shipped": ("WAIT_BUYER_CONFIRM_GOODS", OrderStatus.SHIPPED),
        "received": ("WAIT_BUYER_CONFIRM_GOODS", OrderStatus.SHIPPED),
        "signed_for": ("TRADE_BUYER_SIGNED", OrderStatus.SIGNED),
        "finished": ("TRADE_FINISHED", OrderStatus.FINISHED),
        "cancelled_unpaid": ("TRADE_CLOSED_BY_TAOBAO", OrderStatus.CLOSED),
        "cancelled_paid": ("TRADE_CLOSED", OrderStatus.CLOSED),
        "refunded_unshipped": ("TRADE_CLOSED", OrderStatus.CLOSED),
        "refunded_shipped": ("TRADE_CLOSED", OrderStatus.CLOSED),
        "refunded_received": ("TRADE_FINISHED", OrderStatus.FINISHED),
    }
    documented_order_codes = frozenset(
        {
            "TRADE_NO_CREATE_PAY",
            "WAIT_BUYER_PAY",
            "PAY_PENDING",
            "WAIT_PRE_AUTH_CONFIRM",
            "PAID_FORBID_CONSIGN",
            "WAIT_SELLER_SEND_GOODS",
            "SELLER_CONSIGNED_PART",
            "WAIT_BUYER_CONFIRM_GOODS",
            "TRADE_BUYER_SIGNED",
            "TRADE_FINISHED",
            "TRADE_CLOSED",
            "TRADE_CLOSED_BY_TAOBAO",
        }
    )

    after_sale_codes: ClassVar[Mapping[Code, AfterSaleStage]] = {
        "WAIT_SELLER_AGREE": AfterSaleStage.REQUESTED,
        "WAIT_BUYER_RETURN_GOODS": AfterSaleStage.TO_RETURN,
        "WAIT_SELLER_CONFIRM_GOODS": AfterSaleStage.RETURNED,
        "SELLER_REFUSE_BUYER": AfterSaleStage.REFUSED,
        "CLOSED": AfterSaleStage.CLOSED,
        "SUCCESS": AfterSaleStage.REFUNDED,
        "WAIT_SELLER_CONSIGN_GOODS": AfterSaleStage.TO_REPLACE,
        "WAIT_BUYER_CONFIRM_EXCHANGE_SELLER_SEND_GOODS": AfterSaleStage.REPLACED,
        "EXCHANGE_TRANSFORM_TO_REFUND": AfterSaleStage.REFUNDING,
    }

    samples_read: ClassVar[Mapping[str, str]] = {
        "test_mapping": """item.detail.response item.inventory.response item.onsale.response
            item.sku_by_outer_id.response order.amount.response order.detail.presale.response
            order.detail.response order.detail.single.response order.list.empty.response
            order.list.has_next.response order.list.response order.list.simplify.response rds.jdp_tb_refund.row
            rds.jdp_tb_trade.row refund.detail.response refund.detail.return.response refund.list.response""",
        "test_requests": """auth.token_refresh.response item.batch_detail.response logistics.companies.response
            logistics.dummy_send.response logistics.offline_send.response logistics.online_send.response
            logistics.resend.response order.memo_update.response price.sku.response price.tmall.response
            stock.item.response stock.skus.response stock.tmall.response tmc.permit.response
            user.seller.response""",
        "test_traps": "oaid.merge.response",
        "test_receivers": "oaid.decrypt.mismatch.response oaid.decrypt.response",
        "test_shelf": "item.delisting.response item.listing.response",
        "test_errors": """auth.token.response auth.token_create.response error.already_shipped.response
            error.bad_mail_no.response error.bad_sign.response error.bad_timestamp.response
            error.invalid_app_key.response error.invalid_argument.response error.invalid_method.response
            error.ip_whitelist.response error.item_deleted.response error.missing_argument.response
            error.missing_session.response error.oaid_field_miss.response error.order_not_found.response
            error.permission.response error.rate_limited.api.response error.rate_limited.app.response
            error.session_expired.response error.stock_below_withhold.response
            error.timeout_retryable.response""",
        "test_frames": "tmc-frames",
        "test_messages": "tmc.confirm.response tmc.consume.empty.response tmc.consume.response tmc.contents",
        "test_signing": "sign-vectors",
    }
    samples_unread: ClassVar[Mapping[str, str]] = {
        "not called: merchant codes are not written": "item.outer_id_update.response",
        "not called: after-sales are not decided yet": """logistics.address.response refund.agree.response
            refund.refuse.response refund.refuse_reason.response refund.return_agree.response""",
        "not called: a parcel is declared with its number": "logistics.online_confirm.response",
        "not called: parcels are not traced yet": "logistics.orders.response logistics.trace.response",
        "not called: orders are not closed for the seller": "order.close.response",
        "not called: e-waybills are not bought yet": """waybill.cancel.response waybill.get.response
            waybill.search.response""",
        "not called: the machine's clock is trusted": "time.response",
        "not called: every shop stays in the default queue": "tmc.group_add.response",
        "not called: a subscription is made again, never asked about": "tmc.user.response",
        "not called: the first tokens are put in by the operator": "auth.token.error.response",
    }

    def method_of(self, request: Any) -> str:
        return str(request["form"].get("method", ""))

    def held(self, bench: Bench, sku: Sku) -> int:
        """Units of unpaid orders, where stock is taken off at payment only."""
        return withheld(bench.world, bench.shop, sku)

    def recipient(self, order: Order) -> Recipient:
        """With a number of the platform's own."""
        told = super().recipient(order)
        return replace(told, phone=virtual_number(order), virtual=True)

    def invent_order_status(self, answer: Any, code: int) -> None:
        trade = answer.get("trade_fullinfo_get_response", {}).get("trade")
        if trade is not None:
            trade["status"] = str(code)
            for line in trade["orders"]["order"]:
                line["status"] = str(code)

    def listener(self, bench: Bench) -> Listener:
        bench.connector.subscribe()
        return Connection(bench)

    def admitted(self, bench: Bench, secret: str) -> bool:
        ours = TaobaoSession(bench.app.key, SecretStr(secret), PUSH_GATEWAY, bench.clock)
        theirs = LongLink(bench.world)
        [connect] = ours.on_open()
        [answer] = theirs.on_frame(connect)
        try:
            return bool(ours.on_frame(answer).reply)
        except Unavailable:
            return False


class Tmall(Taobao):
    """The same channel with another kind of seller: its own stock and price calls, and changes that carry a key."""

    kind = "tmall"
    settings: ClassVar[Mapping[str, Any]] = {"taobao_shop_kinds": ["tmall"]}
    stock_write = delta_write = "tmall.item.quantity.update"
    shelf_write = "taobao.item.update.delisting.tmall"
    one_in = 10
    also_can = frozenset({Capability.ADJUST_ONCE})
