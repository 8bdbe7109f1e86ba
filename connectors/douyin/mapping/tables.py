"""Douyin's status and code tables, the canonical word on the left, and their inversions by code (`..._OF`).

What a table cannot say, because several fields decide together, is in orders.py and after_sales.py.
"""

from collections.abc import Mapping, Sequence

from core.carriers import Carrier
from core.model import Flag
from core.status import (
    AfterSaleKind,
    AfterSaleStage,
    AfterSaleState,
    Closing,
    Fulfilment,
    Hold,
    Payment,
    Shelf,
    by_code,
)

PAYMENT = {
    Payment.UNPAID: ("1",),
    Payment.PART_PAID: ("103",),
    Payment.PAID: ("105", "2", "101", "3", "5"),
}
"""By order_status. 4 (cancelled) says nothing about payment: the pay time does. Cash on delivery counts as paid once
the platform releases it for shipping."""
FULFILMENT = {
    Fulfilment.TO_SHIP: ("1", "103", "105", "2"),
    Fulfilment.PART_SHIPPED: ("101",),
    Fulfilment.SHIPPED: ("3",),
    Fulfilment.SIGNED: ("5",),
}
CLOSING = {
    Closing.OPEN: ("1", "103", "105", "2", "101", "3"),
    Closing.FINISHED: ("5",),
}
HOLD = {
    Hold.NONE: ("1", "103", "2", "101", "3", "4", "5"),
    Hold.RISK: ("105",),
}
"""105 is an incomplete group when the trade is a group buy, else risk review (inferred from the trade type)."""
REFUNDED_MAIN_STATUS = frozenset({"21", "22", "39"})
"""main_status of an order whose money went back: before shipping, after it, after receipt."""

CANCELLED = "4"
GROUP_BUY = "1"
CASH_ON_DELIVERY = "0"
DEPOSIT_TRADES = ("2", "3")
REFUND_ARRIVED = "3"

LINE_AFTER_SALE = {
    AfterSaleState.NONE: ("0", "14", "53"),
    AfterSaleState.REQUESTED: ("6", "8", "13"),
    AfterSaleState.RETURNING: ("7", "11"),
    AfterSaleState.REFUNDING: ("12",),
    AfterSaleState.REFUSED: ("27", "29"),
    AfterSaleState.WITHDRAWN: ("28", "51"),
}
"""By after_sale_status of a line; refund_status alone is not to be trusted (it stays 1 when the buyer cancels). A
running replacement (8, 13) counts as requested, an ended one (14, 53) as nothing."""

MONEY_MAY_BE_BACK = ("12", "53")
"""Statuses of an after-sale in which the refund may have arrived; its refund_status tells."""

WHOLE_ORDER = "2"
"""aftersale_order_type of an after-sale about the parent order."""

KIND = {
    AfterSaleKind.RETURN: ("0",),
    AfterSaleKind.REFUND_ONLY: ("1",),
    AfterSaleKind.REFUND_UNSHIPPED: ("2",),
    AfterSaleKind.EXCHANGE: ("3",),
    AfterSaleKind.PRICE_PROTECTION: ("6",),
    AfterSaleKind.RESEND: ("7",),
    AfterSaleKind.REPAIR: ("8",),
}
STAGE = {
    AfterSaleStage.REQUESTED: ("0", "6"),
    AfterSaleStage.TO_RETURN: ("7",),
    AfterSaleStage.TO_REPLACE: ("8",),
    AfterSaleStage.RETURNED: ("11",),
    AfterSaleStage.REFUNDING: ("12",),
    AfterSaleStage.REPLACED: ("13",),
    AfterSaleStage.DONE: ("14", "53"),
    AfterSaleStage.REFUSED: ("27", "29"),
    AfterSaleStage.CLOSED: ("28",),
    AfterSaleStage.WITHDRAWN: ("51",),
}
PLATFORM_DECIDES = frozenset({"1", "4", "5"})
"""arbitrate_status while the platform's decision is open."""

SHELF = {
    Shelf.ON: ("0/3",),
    Shelf.OFF: ("0/1", "0/2", "0/4", "0/7", "1/1", "1/2", "1/3", "1/4", "1/7"),
    Shelf.BANNED: ("0/5", "1/5"),
    Shelf.DELETED: ("2/1", "2/2", "2/3", "2/4", "2/5", "2/7"),
}
"""By status/check_status. Status 0 also holds products that did not pass review; only 0/3 is on sale."""
IN_REVIEW = "2"

FLAG = {
    Flag.NONE: ("0",),
    Flag.PURPLE: ("1",),
    Flag.CYAN: ("2",),
    Flag.GREEN: ("3",),
    Flag.ORANGE: ("4",),
    Flag.RED: ("5",),
}
"""seller_remark_stars. 0 is drawn grey and is also what an order without a flag has, so grey is read as none."""

CARRIER: Mapping[str, Sequence[str]] = {
    Carrier.SF: ("shunfeng",),
    Carrier.ZTO: ("zhongtong",),
    Carrier.YTO: ("yuantong",),
    Carrier.STO: ("shentong",),
    Carrier.YUNDA: ("yunda",),
    Carrier.JT: ("jtexpress",),
    Carrier.EMS: ("ems",),
    Carrier.CHINA_POST: ("youzhengguonei",),
    Carrier.JD: ("jd",),
    Carrier.DEPPON: ("debangwuliu", "debangkuaidi"),
    Carrier.BEST: ("huitongkuaidi",),
    Carrier.ANNENG: ("annengwuliu",),
}
"""The channel's codes of each carrier; where there are two, the shop's own list decides. Deppon, Best and Anneng are
unconfirmed."""

PAYMENT_OF = by_code(PAYMENT)
FULFILMENT_OF = by_code(FULFILMENT)
CLOSING_OF = by_code(CLOSING)
HOLD_OF = by_code(HOLD)
LINE_AFTER_SALE_OF = by_code(LINE_AFTER_SALE)
KIND_OF = by_code(KIND)
STAGE_OF = by_code(STAGE)
SHELF_OF = by_code(SHELF)
FLAG_OF = by_code(FLAG)
CARRIER_OF = by_code(CARRIER)
