"""Taobao's wire models to the canonical ones and back. Pure: takes and returns values, does no I/O.

Codes that no table knows become UNKNOWN with the code kept.
"""

from connectors.taobao.mapping.after_sales import after_sale
from connectors.taobao.mapping.listings import Stock, item_price, listing, stocks
from connectors.taobao.mapping.orders import left_to_ship, order
from connectors.taobao.mapping.tables import (
    CARRIER,
    CARRIER_OF,
    CARRIER_OF_NAME,
    CASH_ON_DELIVERY,
    FLAG,
    TRADE_TYPES,
    VIRTUAL,
)

__all__ = [
    "CARRIER",
    "CARRIER_OF",
    "CARRIER_OF_NAME",
    "CASH_ON_DELIVERY",
    "FLAG",
    "TRADE_TYPES",
    "VIRTUAL",
    "Stock",
    "after_sale",
    "item_price",
    "left_to_ship",
    "listing",
    "order",
    "stocks",
]
