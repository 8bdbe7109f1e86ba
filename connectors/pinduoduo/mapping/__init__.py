"""Pinduoduo's wire models to the canonical ones and back. Pure: takes and returns values, does no I/O.

Codes that no table knows become UNKNOWN with the code kept.
"""

from connectors.pinduoduo.mapping.after_sales import after_sale, listed_after_sale
from connectors.pinduoduo.mapping.listings import PricePlan, listing, price_plan
from connectors.pinduoduo.mapping.orders import order
from connectors.pinduoduo.mapping.tables import CARRIER, CARRIER_OF, FLAG, STAGE, STAGE_OF, STATE_OF, STATUSES
from connectors.pinduoduo.mapping.values import instant

__all__ = [
    "CARRIER",
    "CARRIER_OF",
    "FLAG",
    "STAGE",
    "STAGE_OF",
    "STATE_OF",
    "STATUSES",
    "PricePlan",
    "after_sale",
    "instant",
    "listed_after_sale",
    "listing",
    "order",
    "price_plan",
]
