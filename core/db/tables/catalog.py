"""Listing SKUs, what they are mapped to, and the ERP's numbers."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, PrimaryKeyConstraint, Table

from core.db.tables.columns import at, empty, metadata, text

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
    PrimaryKeyConstraint("shop_id", "listing_id", "sku_id"),
    Index(None, "sku"),
)
"""Listing SKU → the ERP's SKU. `origin`: auto (by a code unique in the shop) or manual."""

sku_stock = Table(
    "sku_stock",
    metadata,
    text("sku", primary_key=True),
    Column("quantity", Integer, CheckConstraint("quantity >= 0", name="not_negative"), nullable=False),
    at("set_at"),
)
"""The number the ERP last gave for a SKU."""
