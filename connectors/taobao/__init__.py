"""Taobao and Tmall: what the channel is and can do. Data only; a value without a document is marked inferred."""

from datetime import timedelta

from core.channel import (
    AgainstRefund,
    Capability,
    Channel,
    Limit,
    Packing,
    Paging,
    Push,
    Scope,
    ShipmentRule,
    ShopOption,
    Support,
)

CHANGES = Paging(
    window=timedelta(minutes=30),
    lag=timedelta(minutes=2),  # inferred: no index delay is documented for ordinary days
    overlap=timedelta(minutes=10),
    horizon=timedelta(days=90),
)
"""Orders: a day at most, half an hour advised. In big promotions lists lag about ten minutes: the overlap covers it."""

READS = (
    "taobao.trades.sold.increment.get", "taobao.trade.fullinfo.get", "taobao.refunds.receive.get", "taobao.refund.get",
    "taobao.items.onsale.get", "taobao.items.inventory.get", "taobao.items.seller.list.get", "taobao.item.seller.get",
)  # fmt: skip

OPENS = ("taobao.top.oaid.decrypt", "taobao.trades.sold.query")
"""What people ask for one by one."""

CHANNEL = Channel(
    code="taobao",
    label="Taobao/Tmall",
    label_zh="淘宝/天猫",
    gateway="https://eco.taobao.com",
    push=Push.CONNECTION,
    push_gateway="ws://mc.api.taobao.com",
    capabilities={
        Capability.ORDERS: Support.EMULATED,
        Capability.ORDER: Support.NATIVE,
        Capability.AFTER_SALES: Support.EMULATED,
        Capability.AFTER_SALE: Support.NATIVE,
        Capability.LISTINGS: Support.EMULATED,
        Capability.LISTING: Support.NATIVE,
        Capability.STOCK_LEVELS: Support.NATIVE,
        Capability.SET_STOCK: Support.EMULATED,
        Capability.ADJUST_STOCK: Support.EMULATED,
        Capability.SET_PRICE: Support.EMULATED,
        Capability.SHIP: Support.NATIVE,
        Capability.SHIP_LINES: Support.NATIVE,
        Capability.CHANGE_TRACKING: Support.NATIVE,
        Capability.MEMO: Support.NATIVE,
        Capability.CARRIERS: Support.NATIVE,
        Capability.REFRESH: Support.NATIVE,
        Capability.SUBSCRIBE: Support.NATIVE,
        Capability.PUSH: Support.NATIVE,
        Capability.ADJUST_ONCE: Support.ABSENT,
        Capability.SET_SHELF: Support.EMULATED,
        Capability.CONFIRM_ADDRESS: Support.ABSENT,
        Capability.REVEAL: Support.NATIVE,
        Capability.FIND_ORDERS: Support.NATIVE,
        Capability.TRACE: Support.NOT_YET,
    },
    notes={
        Capability.ORDERS: "the list names the changed orders, so each order's detail is read",
        Capability.AFTER_SALES: "the list lacks the deadline, so each refund's detail is read",
        Capability.LISTINGS: "items on sale and in three kinds of stock are four lists; SKUs are read for 20 at a time",
        Capability.SET_STOCK: (
            "stock that is taken off at payment still counts units of unpaid orders, so the items are read first and"
            " those units added; where there were any they are read again, and written again should orders have been"
            " paid or cancelled meanwhile; a presale item takes changes only and gets the difference"
        ),
        Capability.ADJUST_STOCK: (
            "the Taobao call makes 0 of anything below zero without saying so, so the items are read first and such a"
            " change is refused; the Tmall call refuses it by itself"
        ),
        Capability.ADJUST_ONCE: (
            "a Tmall shop's change carries the key and repeating it is harmless, a Taobao shop's call takes none"
        ),
        Capability.SET_PRICE: (
            "a listing's own price must lie within its SKUs', so the item is read first and its price moved along; an"
            " item without SKUs can be priced in Tmall shops only"
        ),
        Capability.SHIP_LINES: "whole lines only: one line cannot be spread over two tracking numbers",
        Capability.CHANGE_TRACKING: "a parcel keeps its lines; the platform takes a new number for 50 days",
        Capability.SET_SHELF: (
            "putting on sale must name the stock, so the item is read first; one without stock is refused, and one that"
            " is sold out shows as off the shelf whether it was taken off or not"
        ),
        Capability.CONFIRM_ADDRESS: "a buyer's change of address takes effect without the seller",
        Capability.REVEAL: (
            "audited and limited per purpose; a phone mostly comes as a virtual number, and nothing is opened once an"
            " order is closed"
        ),
        Capability.FIND_ORDERS: "three months back; more than a hundred orders of one receiver take several calls",
        Capability.TRACE: "the platform can; not built yet",
    },
    orders=CHANGES,
    after_sales=CHANGES,  # inferred: no span is documented for refunds
    lists_names=True,
    shipments=ShipmentRule(packing=Packing.LINES, most_lines=50, untold_gifts=True, against_refund=AgainstRefund.STAYS),
    stock_batch=20,
    price_batch=20,
    # Inferred: no number is published. Refusals name their own wait, and all shops of an app share its quota.
    limits=(
        Limit(40, 1, Scope.APP),
        *(Limit(20, 1, Scope.APP, method) for method in READS),
        *(Limit(5, 1, Scope.APP, method) for method in OPENS),
    ),
    options=(
        ShopOption(
            name="sign_method",
            default="hmac-sha256",
            choices=("hmac-sha256", "hmac", "md5"),
            help="how requests are signed",
            help_zh="请求的签名方式",
        ),
        ShopOption(
            name="write_api",
            default="auto",
            choices=("auto", "taobao", "tmall"),
            help="whose stock, price and shelf calls are used; auto asks the platform for the kind of shop",
            help_zh="库存、价格与上下架使用哪套接口；auto 按店铺类型自动选择",
        ),
        ShopOption(
            name="ship_scene",
            default="1006",
            choices=("1001", "1002", "1003", "1004", "1005", "1006", "1007"),
            help="what receivers are opened for when shipping: 1001 to 1004 a waybill, 1005 a store, 1006 by hand,"
            " 1007 drop-shipping",
            help_zh="发货解密的业务场景：1001 至 1004 电子面单，1005 门店发货，1006 手工单，1007 代发货",
        ),
        ShopOption(
            name="after_sale_scene",
            default="2001",
            choices=("2001", "2002"),
            help="what receivers are opened for after a sale: 2001 service, 2002 care",
            help_zh="售后解密的业务场景：2001 客户售后服务，2002 客户关怀",
        ),
        ShopOption(
            name="search_scene",
            default="1001",
            choices=("1001", "1002"),
            help="what orders are searched by receiver for: 1001 a customer's question, 1002 service",
            help_zh="按收件人查单的业务场景：1001 客服咨询，1002 售后服务",
        ),
    ),
)
