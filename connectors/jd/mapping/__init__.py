"""JD's wire models to the canonical ones and back. Pure: takes and returns values, does no I/O.

Codes that no table knows become UNKNOWN with the code kept.
"""

from connectors.jd.mapping.after_sales import application, ask_for_refunds, service
from connectors.jd.mapping.listings import booked, in_store, listing, sellable
from connectors.jd.mapping.orders import jd_ships, order
from connectors.jd.mapping.tables import CARRIER, FLAG, PAUSED, SELF_DELIVERY, STATES, TO_SHIP, carrier_of
from connectors.jd.mapping.values import instant, wall_clock

__all__ = [
    "CARRIER",
    "FLAG",
    "PAUSED",
    "SELF_DELIVERY",
    "STATES",
    "TO_SHIP",
    "application",
    "ask_for_refunds",
    "booked",
    "carrier_of",
    "in_store",
    "instant",
    "jd_ships",
    "listing",
    "order",
    "sellable",
    "service",
    "wall_clock",
]
