"""The ordered events, and those who read them."""

from sqlalchemy import Column, Integer, Table

from core.db.tables.columns import Serial, at, metadata, text

feed = Table(
    "feed",
    metadata,
    Column("position", Serial, primary_key=True),
    text("id", unique=True),
    text("type"),
    text("shop_id"),
    text("object_id"),
    Column("revision", Integer, nullable=False),
    at("at"),
    text("data"),
    sqlite_autoincrement=True,
)
"""The ordered events. Position order is commit order; `data` is JSON text."""
