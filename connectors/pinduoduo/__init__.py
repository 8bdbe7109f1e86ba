"""Pinduoduo: what the channel is and can do. Data only; a value without a document is marked inferred."""

from datetime import timedelta

from core.channel import AgainstRefund, Capability, Channel, Limit, Packing, Paging, Push, Scope, ShipmentRule, Support
from core.model import Price

CHANGES = Paging(
    window=timedelta(minutes=30),
    lag=timedelta(minutes=3),
    overlap=timedelta(minutes=5),
    horizon=timedelta(days=90),
)
"""Both increment lists: 30 minutes at most, ending three minutes ago since rows come late. The overlap is inferred."""


def price_rule(price: Price) -> str:
    """Group below single, single not above market. The platform's practice (inferred); it refuses a violation in words
    only.
    """
    if price.single is not None and not price.sale < price.single:
        return f"the group price {price.sale} must be below the single price {price.single}"
    if price.single is not None and price.market is not None and price.single > price.market:
        return f"the single price {price.single} must not be above the market price {price.market}"
    return ""


CHANNEL = Channel(
    code="pinduoduo",
    label="Pinduoduo",
    label_zh="拼多多",
    gateway="https://gw-api.pinduoduo.com",
    push=Push.CONNECTION,
    shows_unpaid=False,
    push_gateway="wss://message-api.pinduoduo.com",
    capabilities={
        Capability.ORDERS: Support.NATIVE,
        Capability.ORDER: Support.NATIVE,
        Capability.AFTER_SALES: Support.EMULATED,
        Capability.AFTER_SALE: Support.NATIVE,
        Capability.LISTINGS: Support.EMULATED,
        Capability.LISTING: Support.NATIVE,
        Capability.STOCK_LEVELS: Support.EMULATED,
        Capability.SET_STOCK: Support.NATIVE,
        Capability.ADJUST_STOCK: Support.NATIVE,
        Capability.SET_PRICE: Support.NATIVE,
        Capability.SHIP: Support.NATIVE,
        Capability.CHANGE_TRACKING: Support.NATIVE,
        Capability.MEMO: Support.NATIVE,
        Capability.CARRIERS: Support.NATIVE,
        Capability.REFRESH: Support.NATIVE,
        Capability.SUBSCRIBE: Support.NATIVE,
        Capability.PUSH: Support.NATIVE,
        Capability.SET_SHELF: Support.NATIVE,
        Capability.REVEAL: Support.NATIVE,
        Capability.FIND_ORDERS: Support.NATIVE,
        Capability.TRACE: Support.NOT_YET,
        Capability.CONFIRM_ADDRESS: Support.ABSENT,
        Capability.SHIP_LINES: Support.ABSENT,
        Capability.ADJUST_ONCE: Support.ABSENT,
    },
    notes={
        Capability.AFTER_SALES: (
            "the list takes one status per call, so every status is asked for in turn, and each row's detail is read"
            " for the deadline, which the list lacks; a status that is not documented arrives by push only"
        ),
        Capability.LISTINGS: "the list carries no prices, so each listing's detail is read",
        Capability.STOCK_LEVELS: "read from the listing's detail, one call per listing",
        Capability.SET_PRICE: "every change is reviewed by the platform first; the old price stays until then",
        Capability.CHANGE_TRACKING: "the main parcel only; further parcels' numbers cannot be changed",
        Capability.REVEAL: (
            "only while the order waits to be shipped and is not under review; outside the platform's own cloud one"
            " call in ten seconds for all shops of the app; within a daily allowance whose size is not published"
        ),
        Capability.FIND_ORDERS: (
            "orders of the last 90 days; a search names a hundred at most, so a receiver of more costs more searches"
        ),
        Capability.TRACE: "the platform can; not built yet",
        Capability.CONFIRM_ADDRESS: (
            "nobody asks the seller: a buyer's change of address takes effect by itself and arrives as a changed order"
        ),
        Capability.SHIP_LINES: (
            "an order ships whole: the first parcel ships it, further ones are extra numbers that the buyer sees; which"
            " line lies in which parcel is not told, and parcels that leave something out are refused"
        ),
        Capability.ADJUST_ONCE: "a stock change carries no key, so repeating one counts twice",
    },
    orders=CHANGES,
    after_sales=CHANGES,
    shipments=ShipmentRule(packing=Packing.ORDER, open_parcels=True, against_refund=AgainstRefund.STAYS),
    stock_batch=20,
    price_batch=50,
    price_rule=price_rule,
    limits=(
        Limit(3000, 60, Scope.SHOP, "pdd.order.number.list.increment.get"),
        Limit(30000, 60, Scope.SHOP, "pdd.order.information.get"),
        Limit(3000, 60, Scope.SHOP, "pdd.refund.status.check"),
        Limit(100, 10, Scope.SHOP, "pdd.refund.list.increment.get"),
        Limit(500, 1, Scope.APP, "pdd.refund.list.increment.get"),
        Limit(600, 60, Scope.SHOP, "pdd.goods.list.get"),
        Limit(3000, 60, Scope.SHOP, "pdd.goods.detail.get"),
        Limit(1200, 10, Scope.APP, "pdd.goods.sku.price.update"),
        Limit(1, 10, Scope.APP, "pdd.open.decrypt.batch"),  # outside the platform's cloud; inside it 10,050
    ),
    notice_patience=timedelta(minutes=10),
)
