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
        Capability.AFTER_SALES: Support.EMULATED,
        Capability.AFTER_SALE: Support.EMULATED,
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
        Capability.ORDERS: (
            "unpaid orders have a list of their own that tells no money, so each of them is read by itself; one that"
            " cannot be read is left out until it is paid"
        ),
        Capability.MEMO: "the flag is read back only from orders that carry the platform's newer field for it",
        Capability.CHANGE_TRACKING: (
            "a parcel of an order shipped in parts is changed alone; else all numbers of the order are told anew"
        ),
        Capability.AFTER_SALES: (
            "refund applications and service orders are two lists, and each service order is read by itself; its money"
            " comes again as a refund application, so the two must not be added up"
        ),
        Capability.AFTER_SALE: "whether a finished service order's money went back is a call of its own",
        Capability.LISTINGS: "the list carries no SKUs, so those of each page are read, and the stock of each SKU",
        Capability.LISTING: "the listing, its SKUs and each SKU's stock are calls of their own",
        Capability.STOCK_LEVELS: "one call per SKU; what running orders have booked is taken off its number",
        Capability.SET_STOCK: (
            "the platform's number counts what running orders have booked, so that is read first, one call per SKU, and"
            " added; where there was any it is read again, and written again should orders have been shipped meanwhile"
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
