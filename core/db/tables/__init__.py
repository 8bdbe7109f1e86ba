"""All tables. Instants are UTC, ids are text, JSON is text written by pydantic, personal and secret values are sealed
bytes.
"""

from core.db.tables.catalog import component, listing_sku, mapping, mapping_change, sku_stock
from core.db.tables.columns import Instant, metadata
from core.db.tables.conflicts import agreed, decision, policy
from core.db.tables.feed import consumer, feed, feed_end
from core.db.tables.intents import SOLD_OUT, SOLD_OUT_FIRST, attempt, command, command_item, intent
from core.db.tables.items import after_sales, bad_row, listings, orders, raw, sold
from core.db.tables.keys import api_key, audit
from core.db.tables.lanes import intervention, lane, pull_window, reconciliation, watermark
from core.db.tables.order_numbers import order_number
from core.db.tables.requests import address_request
from core.db.tables.shops import app, credential, receipt, shop
from core.db.tables.subscriptions import DUE, delivery, delivery_attempt, subscription

__all__ = [
    "DUE",
    "SOLD_OUT",
    "SOLD_OUT_FIRST",
    "Instant",
    "address_request",
    "after_sales",
    "agreed",
    "api_key",
    "app",
    "attempt",
    "audit",
    "bad_row",
    "command",
    "command_item",
    "component",
    "consumer",
    "credential",
    "decision",
    "delivery",
    "delivery_attempt",
    "feed",
    "feed_end",
    "intent",
    "intervention",
    "lane",
    "listing_sku",
    "listings",
    "mapping",
    "mapping_change",
    "metadata",
    "order_number",
    "orders",
    "policy",
    "pull_window",
    "raw",
    "receipt",
    "reconciliation",
    "shop",
    "sku_stock",
    "sold",
    "subscription",
    "watermark",
]
