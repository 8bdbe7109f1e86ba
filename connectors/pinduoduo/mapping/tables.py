"""Pinduoduo's status and code tables, the canonical word on the left, and their inversions by code (`..._OF`).

What a table cannot say, because several fields decide together, is in orders.py and after_sales.py.
"""

from collections.abc import Mapping, Sequence

from core.carriers import Carrier
from core.model import Flag, Payer
from core.status import AfterSaleKind, AfterSaleStage, AfterSaleState, Fulfilment, Hold, Payment, Shelf, by_code

FULFILMENT = {Fulfilment.TO_SHIP: ("1",), Fulfilment.SHIPPED: ("2",), Fulfilment.SIGNED: ("3",)}
DEPOSIT = {Payment.UNPAID: ("0",), Payment.PART_PAID: ("1",), Payment.PAID: ("2",)}
RISK = {Hold.NONE: ("0",), Hold.RISK: ("1",)}
REFUND_STATUS = {
    AfterSaleState.NONE: ("1",),
    AfterSaleState.REQUESTED: ("2",),
    AfterSaleState.REFUNDING: ("3",),
    AfterSaleState.REFUNDED: ("4",),
}
STAGE = {
    AfterSaleStage.REQUESTED: ("2", "3", "14", "21"),
    AfterSaleStage.REFUSED: ("6",),
    AfterSaleStage.TO_RETURN: ("7", "15", "22"),
    AfterSaleStage.TO_REPLACE: ("32",),
    AfterSaleStage.REPLACED: ("18", "27"),
    AfterSaleStage.PLATFORM: ("8",),
    AfterSaleStage.REFUNDING: ("4", "5", "31", "33"),
    AfterSaleStage.REFUNDED: ("10",),
    AfterSaleStage.DONE: ("16", "25"),
    AfterSaleStage.WITHDRAWN: ("11",),
    AfterSaleStage.CLOSED: ("9", "12", "13", "17", "24"),
}
"""`after_sales_status`. That what the buyer must do under 15 (exchange, repair) is to send the goods is inferred."""

STATE = {
    AfterSaleState.NONE: (AfterSaleStage.DONE,),
    AfterSaleState.REQUESTED: (
        AfterSaleStage.REQUESTED,
        AfterSaleStage.TO_REPLACE,
        AfterSaleStage.REPLACED,
        AfterSaleStage.PLATFORM,
    ),
    AfterSaleState.RETURNING: (AfterSaleStage.TO_RETURN, AfterSaleStage.RETURNED),
    AfterSaleState.REFUNDING: (AfterSaleStage.REFUNDING,),
    AfterSaleState.REFUNDED: (AfterSaleStage.REFUNDED,),
    AfterSaleState.REFUSED: (AfterSaleStage.REFUSED, AfterSaleStage.CLOSED),
    AfterSaleState.WITHDRAWN: (AfterSaleStage.WITHDRAWN,),
}
KIND = {
    AfterSaleKind.REFUND_ONLY: ("1",),
    AfterSaleKind.RETURN: ("2",),
    AfterSaleKind.EXCHANGE: ("3",),
    AfterSaleKind.RESEND: ("4",),
    AfterSaleKind.REPAIR: ("5",),
}
"""`after_sales_type` as the detail counts. The list counts from one more (inferred): its 1 is the request's "all"."""

SHELF = {Shelf.ON: ("1",), Shelf.OFF: ("2",), Shelf.SOLD_OUT: ("3",), Shelf.DELETED: ("4",)}
FLAG = {
    Flag.NONE: ("0",),
    Flag.RED: ("1",),
    Flag.YELLOW: ("2",),
    Flag.GREEN: ("3",),
    Flag.BLUE: ("4",),
    Flag.PURPLE: ("5",),
}
CARRIER: Mapping[str, Sequence[str]] = {
    Carrier.STO: ("1",),
    Carrier.BEST: ("3",),
    Carrier.SF: ("44",),
    Carrier.YTO: ("85",),
    Carrier.ZTO: ("115",),
    Carrier.EMS: ("118",),
    Carrier.JD: ("120",),
    Carrier.YUNDA: ("121",),
    Carrier.DEPPON: ("131",),
    Carrier.CHINA_POST: ("132",),
    Carrier.KUAYUE: ("183",),
    Carrier.ANNENG: ("208",),
    Carrier.JT: ("384",),
}
"""Express ids. A carrier's freight arm has an id of its own (JD large 340) and is not the same service."""

SWITCHES = (
    "free_sf",
    "return_freight_payer",
    "delivery_one_day",
    "self_contained",
    "only_support_replace",
    "support_nationwide_warranty",
    "duoduo_wholesale",
)
"""0/1 fields that become tags; `order_tag_list` repeats and extends them."""

MAY_TRAVEL = frozenset({"3", "7", "14", "15", "22"})
"""After-sale statuses in which the buyer's parcel may already be under way."""

FUNDER = {Payer.GOVERNMENT: ("1",), Payer.PLATFORM: ("2",), Payer.SELLER: ("3",)}

FULFILMENT_OF = by_code(FULFILMENT)
DEPOSIT_OF = by_code(DEPOSIT)
RISK_OF = by_code(RISK)
REFUND_STATUS_OF = by_code(REFUND_STATUS)
STAGE_OF = by_code(STAGE)
STATE_OF = by_code(STATE)
KIND_OF = by_code(KIND)
SHELF_OF = by_code(SHELF)
FLAG_OF = by_code(FLAG)
FUNDER_OF = by_code(FUNDER)
CARRIER_OF = by_code(CARRIER)

STATUSES = tuple(STAGE_OF)
"""Every documented after-sale status but "none"; the list is asked for each."""
