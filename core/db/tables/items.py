"""Orders, after-sales and listings, as they came and as they are understood."""

from typing import Any

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, UniqueConstraint

from core.db.tables.columns import Serial, at, metadata, text


def _items(name: str, *extra: Column[Any]) -> Table:
    return Table(
        name,
        metadata,
        text("shop_id"),
        text("id"),
        *extra,
        text("status"),
        Column("revision", Integer, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column("body", LargeBinary, nullable=False),
        at("source_at"),
        at("changed_at"),
        at("erased_at", null=True),
        PrimaryKeyConstraint("shop_id", "id"),
        Index(None, "changed_at"),
        Index(None, "status", "changed_at"),
    )


orders = _items("orders", at("created_at"), at("ship_by", null=True))
Index(None, orders.c.erased_at, orders.c.changed_at)
after_sales = _items("after_sales", text("order_id"), at("created_at"))
listings = _items("listings")

raw = Table(
    "raw",
    metadata,
    text("kind"),
    text("shop_id"),
    text("id"),
    Column("payload", LargeBinary, nullable=False),
    at("fetched_at"),
    PrimaryKeyConstraint("kind", "shop_id", "id"),
)
"""The newest payload of an item as its channel sent it, sealed."""

bad_row = Table(
    "bad_row",
    metadata,
    Column("id", Serial, primary_key=True),
    text("shop_id"),
    text("kind"),
    text("object_id"),
    text("reason"),
    Column("payload", LargeBinary, nullable=False),
    at("seen_at"),
    text("state", default="parked", server_default="parked"),
    UniqueConstraint("shop_id", "kind", "object_id", "reason"),
)
"""A row of a page that could not be read. `state`: parked, dismissed."""

sold = Table(
    "sold",
    metadata,
    text("shop_id"),
    text("order_id"),
    text("line_id"),
    text("listing_id"),
    text("sku_id"),
    Column("quantity", Integer, nullable=False),
    at("placed_at"),
    at("paid_at", null=True),
    at("back_at", null=True),
    Column("back_sure", Boolean, nullable=False),
    Column("holds", Boolean, nullable=False),
    at("moved_at"),
    PrimaryKeyConstraint("shop_id", "order_id", "line_id"),
    Index(None, "shop_id", "sku_id", "moved_at"),
)
"""What an order line does to the stock of its listing SKU. `holds`: neither shipped nor given back; `moved_at`: the
last of its instants.
"""
