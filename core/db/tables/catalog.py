"""Listing SKUs, what they are mapped to, and the ERP's numbers."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, PrimaryKeyConstraint, Table

from core.db.tables.columns import Serial, at, count, empty, metadata, text

listing_sku = Table(
    "listing_sku",
    metadata,
    text("shop_id"),
    text("listing_id"),
    text("sku_id"),
    empty("merchant_code"),
    empty("title"),
    empty("spec"),
    text("shelf"),
    Column("sellable", Integer),
    Column("held", Integer),
    at("stock_read_at", null=True),
    Column("sale", BigInteger),
    Column("single", BigInteger),
    Column("market", BigInteger),
    at("price_read_at", null=True),
    PrimaryKeyConstraint("shop_id", "listing_id", "sku_id"),
    Index(None, "shop_id", "merchant_code"),
)
"""What the channel shows of each listing SKU: the `theirs` of stock and price."""

mapping = Table(
    "mapping",
    metadata,
    text("shop_id"),
    text("listing_id"),
    text("sku_id"),
    text("sku"),
    text("origin"),
    at("mapped_at"),
    count("components"),
    PrimaryKeyConstraint("shop_id", "listing_id", "sku_id"),
    Index(None, "sku"),
)
"""Listing SKU → the ERP's SKU. `origin`: auto (by a code unique in the shop) or manual. Without a SKU it is a bundle of
so many `components`, or none: then it must not be mapped at all.
"""

component = Table(
    "component",
    metadata,
    text("shop_id"),
    text("listing_id"),
    text("sku_id"),
    text("sku"),
    Column("quantity", Integer, CheckConstraint("quantity > 0", name="positive"), nullable=False),
    PrimaryKeyConstraint("shop_id", "listing_id", "sku_id", "sku"),
    Index(None, "sku"),
)
"""What a bundle is made of: so many of the ERP's SKU are in one piece of the listing SKU."""

mapping_change = Table(
    "mapping_change",
    metadata,
    Column("id", Serial, primary_key=True),
    text("shop_id"),
    text("listing_id"),
    text("sku_id"),
    text("before"),
    text("after"),
    text("by"),
    at("at"),
    Index(None, "shop_id", "listing_id", "sku_id"),
)
"""Every change of a mapping. `before` and `after` are JSON of what it was, empty for none; `by`: the visible part of an
API key, `operator`, or `auto` for merchant codes.
"""

sku_stock = Table(
    "sku_stock",
    metadata,
    text("sku", primary_key=True),
    Column("quantity", Integer, CheckConstraint("quantity >= 0", name="not_negative"), nullable=False),
    at("set_at"),
)
"""The number the ERP last gave for a SKU."""
