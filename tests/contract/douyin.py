"""Douyin in the contract suite."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import SecretStr

from connectors.douyin.messages import DouyinReader
from core.channel import Recipient
from core.notices import Notice
from core.status import AfterSaleStage, OrderStatus
from sandbox.callbacks import Batch
from sandbox.model import Order
from tests.contract.bench import Bench
from tests.contract.channel import ChannelUnderTest, Code, Listener


class Callbacks(Listener):
    """The sandbox's callbacks with our reader at their URL."""

    def __init__(self, bench: Bench) -> None:
        callbacks = bench.sandbox.platforms["douyin"].callbacks
        assert callbacks is not None
        self._callbacks = callbacks
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
    delta_write = "sku.syncStock"
    ship_write = "order.logisticsAdd"
    shelf_write = "product.setOffline"
    address_write = "order.addressConfirm"
    reveal_call = "order.batchDecrypt"
    find_call = "order.searchByReceiver"
    row_id = "order_id"
    row_fields = ("sku_order_list", "update_time")
    page_sizes = (
        ("connectors.douyin.client", "PAGE"),
        ("connectors.douyin.connector", "PAGE"),
        ("connectors.douyin.goods", "PAGE"),
        ("connectors.douyin.after_sales", "PAGE"),
    )
    unknown_topic = "9999"
    own_carrier = "shunfeng"
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

    after_sale_codes: ClassVar[Mapping[Code, AfterSaleStage]] = {
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

    samples_read: ClassVar[Mapping[str, str]] = {
        "test_mapping": """afterSale.Detail.response afterSale.List.response order.orderDetail.response
            order.searchList.response product.detail.response product.listV2.response sku.list.response""",
        "test_connector": """order.logisticsAdd.response order.logisticsAddMultiPack.response
            order.logisticsCompanyList.response order.searchList.empty.response sku.syncStock.response
            token.refresh.response""",
        "test_requests": """order.addOrderRemark.response order.logisticsEdit.response
            order.logisticsEditByPack.response sku.editPrice.response sku.syncStockBatchMultiProducts.response
            product.setOffline.response product.setOnline.response order.addressConfirm.response""",
        "test_receivers": """order.batchDecrypt.response order.batchDecrypt.partial.response
            order.searchByReceiver.response""",
        "test_errors": """envelope.legacy-error error-codes error.access-token-expired error.access-token-missing
            error.access-token-no-existed error.api-offline error.authorization-closed error.ip-not-allowed
            error.order-page-50000 error.order-window-90d error.permission error.service-busy
            error.ship-already-shipped error.ship-refund-pending error.signature-invalid
            error.stock-idempotent-repeat error.stock-insufficient error.timestamp-invalid
            error.token-create-code-empty error.token-refresh-concurrent error.token-refresh-expired
            error.traffic-limited error.traffic-limited-business""",
        "test_messages": """push.0.verify push.100.trade-create push.101.trade-paid push.102.trade-shipped
            push.103.trade-success push.104.logistics-changed push.105.address-changed push.106.trade-canceled
            push.108.trade-partly-shipped push.109.amount-changed push.110.trade-pending
            push.111.address-change-applied push.113.memo-modify push.126.ship-deadline-changed
            push.200.refund-created push.201.refund-agreed push.202.return-apply-agreed push.203.buyer-return-goods
            push.204.refund-refused push.205.return-apply-refused push.206.refund-success push.207.refund-closed
            push.208.refund-modified push.209.refund-deadline push.400.product-change push.417.product-info-change""",
        "test_samples": "envelope.legacy-success product.listV2.cursor.response",
        "test_signing": "sign-vectors",
    }
    samples_unread: ClassVar[Mapping[str, str]] = {
        "people are searched for by name or number": "order.BatchSearchIndex.response",
        "all SKUs of a product are read at once": "sku.stockNum.response",
        "stock is written across products": "sku.syncStockBatch.response",
        "merchant codes are not written": "sku.editCode.response",
        "warehouses of region stock are not managed": "warehouse.createV2.response warehouse.list.response",
        "after-sales are not decided yet": """afterSale.operate.response afterSale.rejectReasonCodeList.response
            address.list.response""",
        "masks come with the order": "order.batchSensitive.response",
        "e-waybills are not bought yet": """logistics.cancelOrder.response logistics.listShopNetsite.response
            logistics.newCreateOrder.partial.response logistics.newCreateOrder.response
            logistics.waybillApply.response""",
        "parcels are not traced yet": "logistics.trackNoRouteDetail.response",
        "parcels are not merged across orders": "order.merge.response",
        "several parcels of one order go in one call": "order.logisticsAddSinglePack.response",
        "the shop's own list of carriers is read": "order.queryLogisticsCompanyList.response",
        "the first tokens are put in by the operator": "token.create.response open.getAuthInfo.response",
    }

    def method_of(self, request: Any) -> str:
        return str(request["query"]["method"])

    def invent_order_status(self, answer: Any, code: int) -> None:
        for row in answer["data"]["shop_order_list"]:
            row["order_status"] = code
            for line in row["sku_order_list"]:
                line["order_status"] = code

    def recipient(self, order: Order) -> Recipient:
        phone = f"18400000000-{order.buyer.phone[-4:]}"
        return replace(super().recipient(order), phone=phone, virtual=True)

    def listener(self, bench: Bench) -> Listener:
        return Callbacks(bench)
