"""Apps, shops, their credentials, and the notices their channels sent."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, PrimaryKeyConstraint, Table, Text, UniqueConstraint

from core.db.tables.columns import Serial, at, count, empty, metadata, text

app = Table(
    "app",
    metadata,
    text("channel"),
    text("app_key"),
    Column("secret", LargeBinary, nullable=False),
    empty("push_cursor"),
    PrimaryKeyConstraint("channel", "app_key"),
)
"""One registration with a channel; its secret signs calls and proves pushes. `push_cursor`: how far a polled source of
notices was read.
"""

shop = Table(
    "shop",
    metadata,
    text("id", primary_key=True),
    text("channel"),
    text("account"),
    text("name"),
    text("app_key"),
    text("options", default="{}", server_default="{}"),
    text("state", default="active", server_default="active"),
    empty("state_reason"),
    count("state_revision"),
    at("created_at"),
    UniqueConstraint("channel", "account"),
)
"""`state`: active, or paused with the reason in words. `options`: JSON, what was chosen of the channel's options."""

credential = Table(
    "credential",
    metadata,
    Column("shop_id", Text, ForeignKey("shop.id", ondelete="CASCADE"), primary_key=True),
    Column("tokens", LargeBinary, nullable=False),
    at("access_expires_at", null=True),
    at("refresh_expires_at", null=True),
    count("version"),
    empty("owner"),
    at("expires_at", null=True),
)
"""`owner` and `expires_at` are the lease of a refresh under way; `version` tells a waiter that another one did it."""

receipt = Table(
    "receipt",
    metadata,
    Column("id", Serial, primary_key=True),
    text("channel"),
    text("app_key"),
    text("account"),
    text("dedup_key"),
    text("topic"),
    text("kind"),
    text("object_id"),
    empty("parent_id"),
    at("source_at", null=True),
    Column("raw", LargeBinary, nullable=False),
    at("received_at"),
    count("seen", 1),
    text("state", default="due", server_default="due"),
    count("tries"),
    count("died"),
    at("not_before"),
    empty("reason"),
    UniqueConstraint("channel", "app_key", "dedup_key"),
    Index(None, "state", "not_before"),
    Index(None, "channel", "account", "state", "not_before"),
)
"""A stored notice. `state`: due, handled, parked, ignored. `seen` counts deliveries and is the version of the row;
`died` how often in a row its handling ended the worker.
"""
