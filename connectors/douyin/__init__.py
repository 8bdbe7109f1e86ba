"""Douyin shop (抖店): what the channel is and can do. Data only."""

from datetime import timedelta

from core.channel import Capability, Channel, Limit, Paging, Push, Scope, Support

READS = (
    "order.searchList", "order.orderDetail", "order.logisticsCompanyList", "afterSale.List", "afterSale.Detail",
    "product.listV2", "product.detail", "sku.list",
)  # fmt: skip
WRITES = (
    "order.logisticsAdd", "order.logisticsAddMultiPack", "order.logisticsEdit", "order.logisticsEditByPack",
    "order.addOrderRemark", "order.addressConfirm", "sku.syncStock", "sku.syncStockBatchMultiProducts",
    "sku.editPrice", "product.setOnline", "product.setOffline",
)  # fmt: skip
PERSONAL = ("order.batchDecrypt", "order.searchByReceiver")
"""What risk control watches beside the rate."""

CHANNEL = Channel(
    code="douyin",
    label="Douyin",
    label_zh="抖店",
    gateway="https://openapi-fxg.jinritemai.com",
    push=Push.WEBHOOK,
    capabilities={
        Capability.ORDERS: Support.NATIVE,
        Capability.ORDER: Support.NATIVE,
        Capability.AFTER_SALES: Support.NATIVE,
        Capability.AFTER_SALE: Support.NATIVE,
        Capability.LISTINGS: Support.EMULATED,
        Capability.LISTING: Support.EMULATED,
        Capability.STOCK_LEVELS: Support.NATIVE,
        Capability.SET_STOCK: Support.NATIVE,
        Capability.ADJUST_STOCK: Support.NATIVE,
        Capability.ADJUST_ONCE: Support.NATIVE,
        Capability.SET_PRICE: Support.NATIVE,
        Capability.SHIP: Support.NATIVE,
        Capability.SHIP_LINES: Support.NATIVE,
        Capability.CHANGE_TRACKING: Support.NATIVE,
        Capability.MEMO: Support.NATIVE,
        Capability.CARRIERS: Support.NATIVE,
        Capability.REFRESH: Support.NATIVE,
        Capability.PUSH: Support.NATIVE,
        Capability.SUBSCRIBE: Support.ABSENT,
        Capability.SET_SHELF: Support.NATIVE,
        Capability.CONFIRM_ADDRESS: Support.NATIVE,
        Capability.REVEAL: Support.NATIVE,
        Capability.FIND_ORDERS: Support.NATIVE,
        Capability.TRACE: Support.NOT_YET,
    },
    notes={
        Capability.LISTINGS: "one more call per product for its SKUs and their stock",
        Capability.LISTING: "the product and its SKUs are two calls",
        Capability.SET_STOCK: "SKUs with stock per region (sku_type 1) need a warehouse; the platform refuses them",
        Capability.SET_PRICE: "the sale price only; the strike-through price belongs to the product",
        Capability.SUBSCRIBE: "tags and the callback URL are set in the developer console, not by API",
        Capability.SET_SHELF: (
            "a product that must be edited and reviewed before it sells again is refused; whether every app may still"
            " put products on sale by this call is to be tried on a live one"
        ),
        Capability.CONFIRM_ADDRESS: (
            "the buyer's wish is told by push only and cannot be read from the order; the platform's reasons to refuse"
            " say how far the order is, so every other one is told as `in the warehouse`"
        ),
        Capability.REVEAL: (
            "by a daily allowance of the shop whose size is not published; phones come as virtual numbers with an end"
            " where the shop hides them"
        ),
        Capability.FIND_ORDERS: (
            "exact names or numbers, orders of the last 90 days; risk control counts every search, and a receiver of"
            " 1,000 orders and more is refused until the time asked for is shorter"
        ),
        Capability.TRACE: "the platform traces only numbers of its own e-waybills",
    },
    orders=Paging(
        window=timedelta(hours=1),
        lag=timedelta(seconds=30),  # inferred: no index delay is documented
        overlap=timedelta(minutes=10),
        horizon=timedelta(days=90),
    ),
    after_sales=Paging(
        window=timedelta(hours=6),
        lag=timedelta(seconds=30),  # inferred, as for orders
        overlap=timedelta(minutes=10),
        horizon=timedelta(days=180),
    ),
    stock_batch=50,
    price_batch=20,
    # Inferred: quotas are shown only in the developer console, these are a cautious start.
    limits=(
        Limit(50, 1, Scope.APP),
        *(Limit(20, 1, Scope.SHOP, method) for method in READS),
        *(Limit(10, 1, Scope.SHOP, method) for method in WRITES),
        *(Limit(5, 1, Scope.SHOP, method) for method in PERSONAL),
    ),
)
