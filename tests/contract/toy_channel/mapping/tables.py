"""The toy's words, the canonical word on the left, and their inversions by word (`..._OF`)."""

from core.carriers import Carrier
from core.model import Flag
from core.status import AfterSaleState, Closing, Fulfilment, Hold, Payment, Shelf, by_code

CANCELLED = "CANCELLED"
"""Says neither whether the order was paid nor whether it was shipped; its times do."""
PAYMENT_OF = by_code(
    {
        Payment.UNPAID: ("NEW",),
        Payment.PART_PAID: ("DEPOSIT",),
        Payment.PAID: ("CHECKING", "READY", "SENT", "RECEIVED", "DONE"),
    }
)
FULFILMENT_OF = by_code(
    {
        Fulfilment.TO_SHIP: ("NEW", "DEPOSIT", "CHECKING", "READY"),
        Fulfilment.SHIPPED: ("SENT",),
        Fulfilment.SIGNED: ("RECEIVED", "DONE"),
    }
)
CLOSING_OF = by_code(
    {
        Closing.OPEN: ("",),
        Closing.FINISHED: ("finished",),
        Closing.CLOSED_UNPAID: ("unpaid",),
        Closing.CLOSED_REFUNDED: ("refunded",),
    }
)
HOLD_OF = by_code({Hold.NONE: ("",), Hold.RISK: ("risk",), Hold.GROUP: ("group",), Hold.PLATFORM_LOCK: ("locked",)})
AFTER_SALE_OF = by_code(
    {
        AfterSaleState.NONE: ("",),
        AfterSaleState.REQUESTED: ("asked",),
        AfterSaleState.RETURNING: ("returning",),
        AfterSaleState.REFUNDING: ("paying",),
        AfterSaleState.REFUNDED: ("paid",),
        AfterSaleState.REFUSED: ("refused",),
    }
)
SHELF_OF = by_code({Shelf.ON: ("on",), Shelf.OFF: ("off",)})
FLAG = {Flag.NONE: 0, Flag.RED: 1, Flag.YELLOW: 2, Flag.GREEN: 3, Flag.BLUE: 4, Flag.PURPLE: 5}
CARRIER = {carrier.value: carrier.value.lower() for carrier in Carrier if carrier is not Carrier.KUAYUE}
CARRIER_OF = {code: carrier for carrier, code in CARRIER.items()}
