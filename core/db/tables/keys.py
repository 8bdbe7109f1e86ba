"""Keys to /v1, and the book of what they were used for."""

from sqlalchemy import Column, Index, LargeBinary, Table

from core.db.tables.columns import Serial, at, count, empty, metadata, text

api_key = Table(
    "api_key",
    metadata,
    text("id", primary_key=True),
    text("label"),
    Column("digest", LargeBinary, nullable=False, unique=True),
    empty("role"),
    text("scopes"),
    text("shops"),
    count("per_minute"),
    at("created_at"),
    at("expires_at", null=True),
    at("last_used_at", null=True),
    at("revoked_at", null=True),
)
"""A key to /v1. Only its hash is kept; `id` is its visible prefix. `scopes` and `shops` are JSON lists, no shop means
all shops; `role` is the name it was made with and decides nothing; `per_minute` 0 means as often as it likes.
"""

audit = Table(
    "audit",
    metadata,
    Column("id", Serial, primary_key=True),
    at("at"),
    text("key"),
    text("action"),
    text("outcome"),
    empty("shop_id"),
    empty("object_id"),
    empty("purpose"),
    empty("reason"),
    count("times", 1),
    Index(None, "at"),
    Index(None, "key", "id"),
    Index(None, "action", "id"),
    sqlite_autoincrement=True,
)
"""Who did or tried what needs a reason: the key's id or `cli`, the scope or command, `allowed` or `refused`, about what
and why. `times`: how often it was refused within the same minute. Holds no personal data.
"""
