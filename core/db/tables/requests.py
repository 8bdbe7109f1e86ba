"""What buyers ask of the seller."""

from sqlalchemy import Column, Index, Integer, Table, UniqueConstraint

from core.db.tables.columns import Serial, at, metadata, text

address_request = Table(
    "address_request",
    metadata,
    Column("id", Serial, primary_key=True),
    text("shop_id"),
    text("order_id"),
    text("dedup_key"),
    Column("number", Integer, nullable=False),
    at("asked_at"),
    text("state"),
    at("ended_at", null=True),
    UniqueConstraint("shop_id", "dedup_key"),
    Index(None, "shop_id", "order_id"),
)
"""A buyer who asks for another address, the `number`th time for the order; which one is not kept. `state`: open,
granted or refused (by us), elsewhere (the order shows another address, or the channel says that it is answered),
withdrawn, replaced (asked again).
"""
