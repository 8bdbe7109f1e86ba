"""JD (POP merchants): what the channel is and can do. Data only; a value without a document is marked inferred."""

from datetime import timedelta

from core.channel import Capability, Channel, Limit, Paging, Push, Scope, ShopOption, Support

CHANGES = Paging(
    window=timedelta(hours=1),
    lag=timedelta(minutes=1),
    overlap=timedelta(minutes=10),
    horizon=timedelta(days=90),
)
"""The platform takes up to a month; short windows keep pages few. Rows come late by seconds: overlap 5-10 minutes.
The horizon is inferred.
"""

CHANNEL = Channel(
    code="jd",
    label="JD",
    label_zh="京东",
    gateway="https://api.jd.com",
    push=Push.POLLED,
    capabilities={
        Capability.ORDERS: Support.NATIVE,
        Capability.ORDER: Support.NATIVE,
        Capability.AFTER_SALES: Support.NOT_YET,
        Capability.AFTER_SALE: Support.NOT_YET,
        Capability.LISTINGS: Support.EMULATED,
        Capability.LISTING: Support.EMULATED,
        Capability.STOCK_LEVELS: Support.EMULATED,
        Capability.SET_STOCK: Support.EMULATED,
        Capability.ADJUST_STOCK: Support.NATIVE,
        Capability.ADJUST_ONCE: Support.NATIVE,
        Capability.SET_PRICE: Support.NATIVE,
        Capability.SHIP: Support.NATIVE,
        Capability.SHIP_LINES: Support.NATIVE,
        Capability.CHANGE_TRACKING: Support.NATIVE,
        Capability.MEMO: Support.NATIVE,
        Capability.CARRIERS: Support.NATIVE,
        Capability.REFRESH: Support.NATIVE,
        Capability.PUSH: Support.EMULATED,
        Capability.SUBSCRIBE: Support.ABSENT,
        Capability.CONFIRM_ADDRESS: Support.ABSENT,
        Capability.SET_SHELF: Support.NOT_YET,
        Capability.REVEAL: Support.NOT_YET,
        Capability.TRACE: Support.NOT_YET,
    },
    notes={
        Capability.AFTER_SALES: "refund applications and service orders are two lists; not built yet",
        Capability.AFTER_SALE: "refund applications and service orders are two lists; not built yet",
        Capability.LISTINGS: "the list carries no SKUs, so those of each page are read with one or more calls",
        Capability.LISTING: "the listing, its SKUs and each SKU's bookings are calls of their own",
        Capability.STOCK_LEVELS: "one call per SKU; what running orders have booked is taken off its number",
        Capability.SET_STOCK: (
            "the platform's number counts what running orders have booked, so that is read first, one call per SKU, and"
            " added"
        ),
        Capability.SET_PRICE: "the sale price only; the strike-through price belongs to the listing",
        Capability.PUSH: (
            "there is no message service: where the seller has JD cloud's data sync (云鼎), its order table is read;"
            " without it, polling alone brings changes"
        ),
        Capability.SUBSCRIBE: "nothing to subscribe to: data sync is bound to a shop in JD cloud's console",
        Capability.CONFIRM_ADDRESS: "a buyer's change of address takes effect without the seller",
        Capability.SET_SHELF: "the platform can; not built yet",
        Capability.REVEAL: "needs JD cloud and leaves an audit trail there; not built yet",
        Capability.TRACE: "the platform traces only parcels of its own express",
    },
    orders=CHANGES,
    after_sales=CHANGES,
    stock_batch=50,
    price_batch=20,
    limits=(Limit(40, 1, Scope.APP),),  # inferred: no rate is published, only a quota per app and day
    options=(
        ShopOption(
            name="operator",
            default="qudao",
            choices=(),
            help="the name that JD notes as the operator of after-sale decisions",
            help_zh="京东记录的售后操作人名称",
        ),
        ShopOption(
            name="store_id",
            default="0",
            choices=(),
            help="the warehouse whose stock is read and set; 0 is the default one",
            help_zh="读取和设置库存的仓库编号，0 为默认仓",
        ),
    ),
)
