"""Taobao's status and code tables, the canonical word on the left, and their inversions by code (`..._OF`).

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

CLOSED, CLOSED_UNPAID = "TRADE_CLOSED", "TRADE_CLOSED_BY_TAOBAO"
FORBIDDEN = "PAID_FORBID_CONSIGN"

PAYMENT = {
    Payment.UNPAID: (
        "TRADE_NO_CREATE_PAY",
        "WAIT_BUYER_PAY",
        "PAY_PENDING",
        "WAIT_PRE_AUTH_CONFIRM",
        CLOSED_UNPAID,
    ),
    Payment.PAID: (
        FORBIDDEN,
        "WAIT_SELLER_SEND_GOODS",
        "SELLER_CONSIGNED_PART",
        "WAIT_BUYER_CONFIRM_GOODS",
        "TRADE_BUYER_SIGNED",
        "TRADE_FINISHED",
        CLOSED,
    ),
}
"""By status. Cash on delivery counts as paid once the platform releases it for shipping (inferred)."""
STEP = {
    Payment.UNPAID: ("FRONT_NOPAID_FINAL_NOPAID",),
    Payment.PART_PAID: ("FRONT_PAID_FINAL_NOPAID", "FRONT_PAID_FRONT_FORFEITED"),
    Payment.PAID: ("FRONT_PAID_FINAL_PAID",),
}
"""By step_trade_status of a deposit trade; a forfeited deposit stays paid."""
FULFILMENT = {
    Fulfilment.TO_SHIP: (
        "TRADE_NO_CREATE_PAY",
        "WAIT_BUYER_PAY",
        "PAY_PENDING",
        "WAIT_PRE_AUTH_CONFIRM",
        FORBIDDEN,
        "WAIT_SELLER_SEND_GOODS",
        CLOSED_UNPAID,
    ),
    Fulfilment.PART_SHIPPED: ("SELLER_CONSIGNED_PART",),
    Fulfilment.SHIPPED: ("WAIT_BUYER_CONFIRM_GOODS",),
    Fulfilment.SIGNED: ("TRADE_BUYER_SIGNED", "TRADE_FINISHED"),
}
"""Trade and line share the codes. TRADE_CLOSED says nothing about shipping: the shipping time does."""
CLOSING = {
    Closing.OPEN: (
        "TRADE_NO_CREATE_PAY",
        "WAIT_BUYER_PAY",
        "PAY_PENDING",
        "WAIT_PRE_AUTH_CONFIRM",
        FORBIDDEN,
        "WAIT_SELLER_SEND_GOODS",
        "SELLER_CONSIGNED_PART",
        "WAIT_BUYER_CONFIRM_GOODS",
        "TRADE_BUYER_SIGNED",
    ),
    Closing.FINISHED: ("TRADE_FINISHED",),
    Closing.CLOSED_UNPAID: (CLOSED_UNPAID,),
    Closing.CLOSED_REFUNDED: (CLOSED,),
}
MAY_BE_HELD = frozenset({"TRADE_NO_CREATE_PAY", "WAIT_BUYER_PAY", "PAY_PENDING", FORBIDDEN, "WAIT_SELLER_SEND_GOODS"})
"""Statuses before shipping: a hold that still stands on a shipped order holds nothing."""
HOLD = {
    Hold.GROUP: ("team_buy_hold", "share_group_hold"),
    Hold.PLATFORM_LOCK: ("top_hold", "ofp_hold", "forbid_consign", "delay_create_delivery"),
}
"""By the name of a field that is 1."""

LINE_AFTER_SALE = {
    AfterSaleState.NONE: ("NO_REFUND",),
    AfterSaleState.REQUESTED: (
        "WAIT_SELLER_AGREE",
        "WAIT_SELLER_CONSIGN_GOODS",
        "WAIT_BUYER_CONFIRM_EXCHANGE_SELLER_SEND_GOODS",
    ),
    AfterSaleState.RETURNING: ("WAIT_BUYER_RETURN_GOODS", "WAIT_SELLER_CONFIRM_GOODS"),
    AfterSaleState.REFUNDING: ("EXCHANGE_TRANSFORM_TO_REFUND",),
    AfterSaleState.REFUNDED: ("SUCCESS",),
    AfterSaleState.REFUSED: ("SELLER_REFUSE_BUYER",),
    AfterSaleState.WITHDRAWN: ("CLOSED",),
}
"""By refund_status of a line. That exchanges show on lines with their own codes is inferred."""
STAGE = {
    AfterSaleStage.REQUESTED: ("WAIT_SELLER_AGREE",),
    AfterSaleStage.REFUSED: ("SELLER_REFUSE_BUYER",),
    AfterSaleStage.TO_RETURN: ("WAIT_BUYER_RETURN_GOODS",),
    AfterSaleStage.RETURNED: ("WAIT_SELLER_CONFIRM_GOODS",),
    AfterSaleStage.TO_REPLACE: ("WAIT_SELLER_CONSIGN_GOODS",),
    AfterSaleStage.REPLACED: ("WAIT_BUYER_CONFIRM_EXCHANGE_SELLER_SEND_GOODS",),
    AfterSaleStage.REFUNDING: ("EXCHANGE_TRANSFORM_TO_REFUND",),
    AfterSaleStage.REFUNDED: ("SUCCESS",),
    AfterSaleStage.CLOSED: ("CLOSED",),
}
"""By status of a refund. SUCCESS of an exchange, resend or repair is done, not refunded (inferred)."""
KIND = {
    AfterSaleKind.REFUND_ONLY: ("REFUND",),
    AfterSaleKind.RETURN: ("REFUND_AND_RETURN",),
    AfterSaleKind.EXCHANGE: ("TMALL_EXCHANGE", "TAOBAO_EXCHANGE"),
    AfterSaleKind.REPAIR: ("REPAIR",),
    AfterSaleKind.RESEND: ("RESHIPPING",),
}
"""By dispute_type; a REFUND of what was not shipped yet is refund_unshipped."""
NOT_SHIPPED = frozenset({"WAIT_SELLER_SEND_GOODS", FORBIDDEN})

SHELF = {Shelf.ON: ("onsale",), Shelf.OFF: ("instock",)}
SKU_SHELF = {Shelf.ON: ("normal",), Shelf.DELETED: ("delete",)}
FLAG = {
    Flag.NONE: ("0",),  # grey, as an order starts
    Flag.RED: ("1",),
    Flag.YELLOW: ("2",),
    Flag.GREEN: ("3",),
    Flag.BLUE: ("4",),
    Flag.PURPLE: ("5",),
}

CARRIER: Mapping[str, Sequence[str]] = {
    Carrier.SF: ("SF",),
    Carrier.ZTO: ("ZTO",),
    Carrier.YTO: ("YTO",),
    Carrier.STO: ("STO",),
    Carrier.YUNDA: ("YUNDA",),
    Carrier.EMS: ("EMS",),
    Carrier.CHINA_POST: ("POSTB", "5000000007756"),
    Carrier.JD: ("LE04284890",),
    Carrier.DEPPON: ("DBKD",),
    Carrier.BEST: ("HTKY",),
    Carrier.KUAYUE: ("CN7000001003751",),
    Carrier.ANNENG: ("2608021499_235",),
}
"""Company codes. J&T's own is not known: it is found by its name in the platform's list, like any other code there."""
CARRIER_NAME: Mapping[str, Sequence[str]] = {
    Carrier.SF: ("顺丰速运", "顺丰快递"),
    Carrier.ZTO: ("中通快递", "中通速递"),
    Carrier.YTO: ("圆通速递", "圆通快递"),
    Carrier.STO: ("申通快递", "申通E物流"),
    Carrier.YUNDA: ("韵达快递", "韵达速递"),
    Carrier.JT: ("极兔速递", "极兔快递"),
    Carrier.EMS: ("EMS",),
    Carrier.CHINA_POST: ("邮政快递包裹", "邮政小包", "邮政国内标快", "中国邮政"),
    Carrier.JD: ("京东快递",),
    Carrier.DEPPON: ("德邦快递",),
    Carrier.BEST: ("百世快递",),
    Carrier.KUAYUE: ("跨越速运", "跨越"),
    Carrier.ANNENG: ("安能快递",),
}
"""Company names: a shipped line names its company, not the code. Beyond SF, YTO and ZTO the spellings are inferred. A
carrier's freight arm has another name and is not the same service.
"""

SWITCHES = (
    "is_daixiao",
    "is_sh_ship",
    "is_oversold",
    "is_part_consign",
    "is_force_wlb",
    "is_brand_sale",
    "is_lgtype",
    "is_gift",
    "new_presell",
    "general_new_presell",
    "cross_bonded_declare",
    "post_gate_declare",
)
"""Fields of a trade that become tags when they are true."""

TRADE_TYPES = (
    "fixed", "auction", "guarantee_trade", "auto_delivery", "ec", "cod", "step", "tmall_i18n", "nopaid", "eticket",
    "super_market_trade", "instant_trade", "pre_auth_type", "o2o_offlinetrade",
    "independent_simple_trade", "independent_shop_trade", "game_equipment", "shopex_trade", "netcn_trade",
    "external_trade", "b2c_cod", "super_market_cod_trade",
)  # fmt: skip
"""Every `type` to ask for: what is not named is silently missing from the list. The last two rows are inferred."""
CASH_ON_DELIVERY = frozenset({"cod", "b2c_cod", "super_market_cod_trade"})
VIRTUAL = "virtual"
"""`shipping_type` of what has no parcel."""
REJECTED_AT_THE_DOOR = "REJECTED_BY_OTHER_SIDE"
"""`cod_status` of a parcel that the buyer did not take."""
ORDINARY = frozenset({"fixed", "auction", "guarantee_trade"})

PAYMENT_OF = by_code(PAYMENT)
STEP_OF = by_code(STEP)
FULFILMENT_OF = by_code(FULFILMENT)
CLOSING_OF = by_code(CLOSING)
LINE_AFTER_SALE_OF = by_code(LINE_AFTER_SALE)
STAGE_OF = by_code(STAGE)
KIND_OF = by_code(KIND)
SHELF_OF = by_code(SHELF)
SKU_SHELF_OF = by_code(SKU_SHELF)
FLAG_OF = by_code(FLAG)
HOLD_OF = by_code(HOLD)
CARRIER_OF = by_code(CARRIER)
CARRIER_OF_NAME = by_code(CARRIER_NAME)
