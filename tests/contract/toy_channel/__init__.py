"""A fifth channel, invented: what it is and can do. Data only.

It lives beside the contract suite and not in the product: it proves that a channel is a folder and a line. Its platform
is in platform/; docs/adding-a-channel.md walks through these files.
"""

from datetime import timedelta

from core.channel import Capability, Channel, Limit, Packing, Paging, Push, Scope, ShipmentRule, Support

CHANNEL = Channel(
    code="toy",
    label="Toy",
    label_zh="玩具",
    gateway="https://gateway.toy.example",
    push=Push.WEBHOOK,
    capabilities={
        Capability.ORDERS: Support.NATIVE,
        Capability.ORDER: Support.NATIVE,
        Capability.LISTINGS: Support.NATIVE,
        Capability.LISTING: Support.NATIVE,
        Capability.STOCK_LEVELS: Support.NATIVE,
        Capability.SET_STOCK: Support.NATIVE,
        Capability.SET_PRICE: Support.NATIVE,
        Capability.SHIP: Support.NATIVE,
        Capability.MEMO: Support.NATIVE,
        Capability.CARRIERS: Support.NATIVE,
        Capability.REFRESH: Support.NATIVE,
        Capability.PUSH: Support.NATIVE,
        Capability.AFTER_SALES: Support.ABSENT,
        Capability.AFTER_SALE: Support.ABSENT,
        Capability.ADJUST_STOCK: Support.ABSENT,
        Capability.ADJUST_ONCE: Support.ABSENT,
        Capability.CHANGE_TRACKING: Support.ABSENT,
        Capability.SHIP_LINES: Support.ABSENT,
        Capability.SUBSCRIBE: Support.ABSENT,
        Capability.SET_SHELF: Support.ABSENT,
        Capability.CONFIRM_ADDRESS: Support.ABSENT,
        Capability.REVEAL: Support.ABSENT,
        Capability.FIND_ORDERS: Support.ABSENT,
        Capability.TRACE: Support.ABSENT,
    },
    notes={
        Capability.AFTER_SALES: "after-sales are seen as marks on an order's lines only",
        Capability.AFTER_SALE: "after-sales are seen as marks on an order's lines only",
        Capability.ADJUST_STOCK: "stock is set, never changed by a number",
        Capability.ADJUST_ONCE: "stock is set, never changed by a number",
        Capability.CHANGE_TRACKING: "a declared number stays",
        Capability.SHIP_LINES: "an order ships whole, in one parcel",
        Capability.SUBSCRIBE: "every shop that authorised the app is pushed",
        Capability.SET_SHELF: "listings are put on sale by hand",
        Capability.CONFIRM_ADDRESS: "a buyer's change of address takes effect by itself",
        Capability.REVEAL: "nobody but the carrier may decrypt",
        Capability.FIND_ORDERS: "nobody is searched for",
        Capability.TRACE: "parcels are not traced",
    },
    orders=Paging(
        window=timedelta(hours=24),
        lag=timedelta(seconds=5),
        overlap=timedelta(minutes=1),
        horizon=timedelta(days=90),
    ),
    shipments=ShipmentRule(packing=Packing.ORDER, most_parcels=1),
    stock_batch=10,
    price_batch=10,
    limits=(Limit(20, 1, Scope.SHOP),),
)
