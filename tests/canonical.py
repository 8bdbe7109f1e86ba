"""Builders of canonical values for tests: a plain paid order, and whatever a test changes of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from core.channel import Fetched
from core.model import Line, Money, Order, Parcel, Payer, Share
from core.status import AfterSaleState, Closing, Fact, Fulfilment, Hold, Payment

START = datetime(2026, 6, 18, 12, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def line(number: int = 1, **changes: Any) -> Line:
    money = Money(goods=1000, pay=1000, receivable=1000)
    fields: dict[str, Any] = {
        "id": f"o1-{number}",
        "listing_id": "L1",
        "sku_id": f"S{number}",
        "merchant_code": f"SKU-{number}",
        "quantity": 1,
        "unit_price": 1000,
        "money": money,
    }
    return Line(**(fields | changes))


def order(**changes: Any) -> Order:
    """Paid, to be shipped, one line, changed at minute 0."""
    fields: dict[str, Any] = {
        "shop_id": "pinduoduo:1",
        "id": "o1",
        "lines": (line(),),
        "payment": Fact[Payment](value=Payment.PAID, raw="1"),
        "fulfilment": Fact[Fulfilment](value=Fulfilment.TO_SHIP, raw="1"),
        "closing": Fact[Closing](value=Closing.OPEN),
        "hold": Fact[Hold](value=Hold.NONE),
        "after_sale": Fact[AfterSaleState](value=AfterSaleState.NONE),
        "money": Money(goods=1000, pay=1000, receivable=1000, payments=(Share(payer=Payer.BUYER, amount=1000),)),
        "created_at": at(-5),
        "updated_at": at(0),
    }
    return Order(**(fields | changes))


def parcel(number: str = "SF1", **changes: Any) -> Parcel:
    return Parcel(**({"carrier": "SF", "carrier_code": "44", "tracking_no": number} | changes))


def fetched(value: Any) -> Fetched[Any]:
    return Fetched(value, b'{"raw": true}')
