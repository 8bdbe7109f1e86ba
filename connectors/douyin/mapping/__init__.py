"""Douyin's wire models to the canonical ones. Pure: takes and returns values, does no I/O.

Codes that no table knows become UNKNOWN with the code kept.
"""

from connectors.douyin.mapping.after_sales import after_sale, listed_after_sale
from connectors.douyin.mapping.listings import listing
from connectors.douyin.mapping.orders import order
from connectors.douyin.mapping.tables import CARRIER, CARRIER_OF, FLAG, FLAG_OF
from connectors.douyin.mapping.values import instant_of, order_id_of

__all__ = [
    "CARRIER",
    "CARRIER_OF",
    "FLAG",
    "FLAG_OF",
    "after_sale",
    "instant_of",
    "listed_after_sale",
    "listing",
    "order",
    "order_id_of",
]
