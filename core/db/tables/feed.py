"""The ordered events, and those who read them."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table

from core.db.tables.columns import Serial, at, empty, metadata, text

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
    Column("data", LargeBinary, nullable=False),
    Index(None, "shop_id", "object_id"),
    Index(None, "at"),
    sqlite_autoincrement=True,
)
"""The ordered events. Position order is commit order; `data` is JSON text, sealed."""

feed_end = Table(
    "feed_end",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("expired", BigInteger, nullable=False),
    at("expired_at", null=True),
    Column("compacted", BigInteger, nullable=False),
)
"""One row: the old end of the feed. Nothing at or before `expired` is kept, the newest of which was of `expired_at`;
up to `compacted` only what no later event up to there supersedes is.
"""

consumer = Table(
    "consumer",
    metadata,
    text("name", primary_key=True),
    text("epoch"),
    text("types"),
    text("shops"),
    text("channels"),
    empty("start"),
    Column("position", BigInteger, nullable=False),
    at("created_at"),
    at("acked_at", null=True),
)
"""A named reader. `position` is what it has acknowledged, `epoch` tells it from an earlier one of the same name,
`start` is where it was asked to begin. The filters are JSON lists; empty is everything.
"""
