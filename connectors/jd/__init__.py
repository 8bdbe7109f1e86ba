"""JD (POP merchants): what the channel is and can do. Data only; a value without a document is marked inferred."""

from datetime import timedelta

from core.channel import (
    AgainstRefund,
    Capability,
    Channel,
    Limit,
    Paging,
    Push,
    Scope,
    ShipmentRule,
    ShopOption,
    Support,
)

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
        Capability.SET_SHELF: Support.NATIVE,
        Capability.REVEAL: Support.NATIVE,
        Capability.FIND_ORDERS: Support.NATIVE,
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
        Capability.REVEAL: "for apps inside JD cloud with a permission of its own; audited, and limited per day",
        Capability.FIND_ORDERS: (
            "for apps inside JD cloud with a permission of its own; a month a call, so a longer time takes several"
        ),
        Capability.TRACE: "the platform traces only parcels of its own express",
    },
    orders=CHANGES,
    after_sales=CHANGES,
    shipments=ShipmentRule(open_parcels=True, told_by_sku=True, against_refund=AgainstRefund.NEVER),
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
        ShopOption(
            name="app_name",
            default="qudao",
            choices=(),
            help="the app's name as JD notes it when a receiver is opened",
            help_zh="解密收件人时京东记录的应用名称",
        ),
        # The numbers of the scenes are inferred: the platform's list of them is not published.
        ShopOption(
            name="ship_scene",
            default="1",
            choices=(),
            help="JD's number of the scene (scenesType) in which receivers are opened for shipping",
            help_zh="发货解密的业务场景编号（scenesType）",
        ),
        ShopOption(
            name="after_sale_scene",
            default="2",
            choices=(),
            help="JD's number of the scene (scenesType) in which receivers are opened after a sale",
            help_zh="售后解密的业务场景编号（scenesType）",
        ),
        ShopOption(
            name="search_scene",
            default="1",
            choices=(),
            help="JD's number of the scene (sceneId) in which orders are searched by receiver",
            help_zh="按收件人查单的业务场景编号（sceneId）",
        ),
    ),
)
