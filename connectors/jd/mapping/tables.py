"""JD's status and code tables, the canonical word on the left, and their inversions by code (`..._OF`).

What a table cannot say, because several fields decide together, is in orders.py and after_sales.py.
"""

from collections.abc import Mapping, Sequence

from core.carriers import Carrier
from core.model import Flag, Payer
from core.status import AfterSaleKind, AfterSaleStage, Closing, Fulfilment, Shelf, by_code

FULFILMENT = {
    Fulfilment.TO_SHIP: (
        "NOT_PAY",
        "WAIT_SELLER_STOCK_OUT",
        "WAIT_SELLER_DELIVERY",  # overseas shops: shipping within the country is still to come
        "WAIT_SEND_CODE",
        "PAUSE",
        "POP_ORDER_PAUSE",
        "LOCKED",
        "TRADE_CANCELED",
        "PARENT_TRADE_CANCELED",
    ),
    Fulfilment.SHIPPED: (
        "WAIT_GOODS_RECEIVE_CONFIRM",
        "SEND_TO_DISTRIBUTION_CENER",
        "DISTRIBUTION_CENTER_RECEIVED",
        "RECEIPTS_CONFIRM",  # inferred: these three belong to shops that deliver to JD
    ),
    Fulfilment.SIGNED: ("FINISHED_L",),
    Fulfilment.REJECTED: ("DELIVERY_RETURN",),
    Fulfilment.UNKNOWN: ("UN_KNOWN",),
}
"""`orderState`. Those that wait may hide that the parcel has left: orders.py looks at the waybill."""

CLOSING = {Closing.FINISHED: ("FINISHED_L",), Closing.REPLACED: ("PARENT_TRADE_CANCELED",)}
"""A cancelled order is closed unpaid or refunded, which its payment tells."""

TO_SHIP = "WAIT_SELLER_STOCK_OUT"
"""The one state in which an order can be shipped."""
PAUSED = frozenset({"PAUSE", "POP_ORDER_PAUSE"})
LOCKED = "LOCKED"
CANCELLED = "TRADE_CANCELED"
UNPAID = "NOT_PAY"
UNDECIDED = PAUSED | {LOCKED, CANCELLED}
"""States that a shipped order may be in as well as one that waits."""

STATES = tuple(code for codes in FULFILMENT.values() for code in codes if code != UNPAID)
"""What the search is asked for. Unpaid orders have a list of their own; a state nobody documented comes by id only."""

TRADE = {"75": "LOC", "21": "FBP", "23": "LBP", "25": "SOPL"}
"""`orderType` by name; 22 (SOP) is the ordinary one."""
ORDINARY_TRADE = "22"
JD_TRADE = "FBP"
JD_WAREHOUSES = ("京仓订单", "云仓订单")
"""`storeOrder`: JD's own warehouse ships."""

CASH_ON_DELIVERY = "1"

COUPON = {Payer.SELLER: ("20", "28", "29", "30", "34", "35", "100"), Payer.PLATFORM: ("39", "41")}
"""`couponType`. That 20 to 35 are the seller's is inferred; what of them is not, `sellerDiscount` shows."""
GIFT_CARD = "52"
"""A way to pay, not a discount."""

APPLICATION_STAGE = {
    AfterSaleStage.REQUESTED: ("0", "10"),
    AfterSaleStage.REFUNDING: ("1", "5", "6", "7", "9"),
    AfterSaleStage.REFUSED: ("2",),
    AfterSaleStage.REFUNDED: ("3",),
    AfterSaleStage.CLOSED: ("4", "8"),
    AfterSaleStage.WITHDRAWN: ("11",),
}
"""`status` of a refund application. 10 is with the carrier, 6 waits for the parcel to be intercepted, 7 and 8 are how
that ended; 4 is JD's own finance refusing. That 8 and 10 mean this is inferred."""

EXPECTATION = {
    AfterSaleKind.REFUND_UNSHIPPED: ("1",),
    AfterSaleKind.RETURN: ("10", "100"),
    AfterSaleKind.REFUND_ONLY: ("11", "90"),
    AfterSaleKind.EXCHANGE: ("20",),
    AfterSaleKind.REPAIR: ("30", "70"),
    AfterSaleKind.RESEND: ("80",),
}
"""`customerExpect` of a service order. 40 to 60 are visits about appliances, for which there is no word."""
WANTS_MONEY = frozenset({AfterSaleKind.REFUND_UNSHIPPED, AfterSaleKind.RETURN, AfterSaleKind.REFUND_ONLY})

SERVICE_STAGE = {
    AfterSaleStage.REQUESTED: ("10000", "10001", "10002", "10012", "10013", "14000"),
    AfterSaleStage.TO_RETURN: ("10005", "13000"),
    AfterSaleStage.RETURNED: ("10006", "10007", "12000"),
    AfterSaleStage.REFUNDING: ("10041",),
    AfterSaleStage.REFUSED: ("10004", "10009"),
    AfterSaleStage.CLOSED: ("10010",),
    AfterSaleStage.WITHDRAWN: ("10011",),
}
"""`serviceStatus` while the buyer wants money. No service order pays: at 10009 the buyer's own goods go back to him
(inferred), and a finished one ended without effect unless the money's own record says otherwise."""
REPLACEMENT_STAGE = {
    AfterSaleStage.TO_REPLACE: ("10006", "10007", "12000"),
    AfterSaleStage.REPLACED: ("10009",),
    AfterSaleStage.DONE: ("10010",),
}
"""The same where the buyer wants goods or a visit, as far as it differs."""
FINISHED = "10010"
MONEY_BACK = "13"
"""`status` of a service order's refund that reached the buyer."""
MAIN_GOODS = "10"

FLAG = {
    Flag.NONE: ("0",),
    Flag.RED: ("1",),
    Flag.YELLOW: ("2",),
    Flag.GREEN: ("3",),
    Flag.BLUE: ("4",),
    Flag.PURPLE: ("5",),
}
"""0 is grey and what an order has that nobody marked."""

SHELF = {
    Shelf.ON: ("8", "520"),
    Shelf.OFF: ("1", "2", "513", "514"),
    Shelf.BANNED: ("4", "516", "1028"),
    Shelf.DELETED: ("-1",),
}
"""`wareStatus`. From 512 on, an edit waits for review (513 is 1 with an edit); 1028 is 4 with a refused one."""
IN_REVIEW = frozenset({"513", "514", "516", "520"})
SKU_SHELF = {Shelf.ON: ("1",), Shelf.OFF: ("2",), Shelf.DELETED: ("4",)}

CARRIER: Mapping[str, Sequence[str]] = {
    Carrier.SF: ("467",),
    Carrier.YTO: ("463",),
    Carrier.ZTO: ("1499",),
    Carrier.STO: ("470",),
    Carrier.YUNDA: ("1327",),
    Carrier.EMS: ("465",),
    Carrier.CHINA_POST: ("2170",),
    Carrier.BEST: ("1748",),
    Carrier.DEPPON: ("3046",),
    Carrier.JD: ("2087",),
    Carrier.ANNENG: ("4832",),
}
"""Ids that have been stable for years. Each shop has a list of its own."""
CARRIER_NAME: Mapping[str, str] = {Carrier.JT: "极兔", Carrier.KUAYUE: "跨越"}
"""Carriers whose id is not known: found in the shop's list by name."""
SELF_DELIVERY = "1274"
"""厂家自送: needs no number."""

FULFILMENT_OF = by_code(FULFILMENT)
CLOSING_OF = by_code(CLOSING)
COUPON_OF = by_code(COUPON)
APPLICATION_STAGE_OF = by_code(APPLICATION_STAGE)
EXPECTATION_OF = by_code(EXPECTATION)
SERVICE_STAGE_OF = by_code(SERVICE_STAGE)
REPLACEMENT_STAGE_OF = by_code(REPLACEMENT_STAGE)
FLAG_OF = by_code(FLAG)
SHELF_OF = by_code(SHELF)
SKU_SHELF_OF = by_code(SKU_SHELF)
CARRIER_OF = by_code(CARRIER)


def carrier_of(code: str, name: str) -> str:
    """The canonical carrier of a row of the shop's list; empty where we know none."""
    return CARRIER_OF.get(code) or next((word for word, part in CARRIER_NAME.items() if part in name), "")
