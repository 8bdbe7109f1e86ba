"""What must become true on a channel, every call made for it, and the commands that asked."""

import sqlalchemy as sa
from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from core.db.tables.columns import Serial, at, count, empty, metadata, text

SOLD_OUT = sa.text("kind = 'stock' AND state = 'due' AND wanted = '0'")
"""Intents that must not wait: each minute may sell what is not there. In these words, since they name an index."""
SOLD_OUT_FIRST = ("kind", "state", "wanted", "shop_id", "not_before", "id")
"""Columns of that index. SQLite chooses by how many of them a query fixes, so those that never differ come first."""

intent = Table(
    "intent",
    metadata,
    Column("id", Serial, primary_key=True),
    text("kind"),
    text("key", unique=True),
    text("shop_id"),
    text("object_id"),
    text("wanted"),
    count("version", 1),
    count("done_version"),
    count("told"),
    text("state", default="due", server_default="due"),
    at("not_before"),
    count("tries"),
    empty("reason"),
    empty("reason_code"),
    at("created_at"),
    at("changed_at"),
    Index(None, "state", "not_before"),
    Index(None, "shop_id", "kind", "state", "not_before", "id"),
    Index(None, "shop_id", "kind", "object_id"),
    Index("ix_intent_sold_out", *SOLD_OUT_FIRST, sqlite_where=SOLD_OUT, postgresql_where=SOLD_OUT),
)
"""Something that must become true on a channel. `state`: due, done, parked, dismissed.

Stock and price have one row per listing SKU, a shelf one per listing, a memo one per order, and coalesce in it:
`version` rises with every new wish, `done_version` is the newest that the channel accepted. A shipment has a row of its
own, the answer to a buyer's request too. `told` counts the outcomes told in the feed: their revision. A memo is sealed
in `wanted`.
"""

attempt = Table(
    "attempt",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("intent_id", Serial, ForeignKey("intent.id", ondelete="CASCADE"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    text("wanted"),
    text("state", default="open", server_default="open"),
    empty("code"),
    empty("message"),
    empty("request_id"),
    at("started_at"),
    at("ended_at", null=True),
    at("resolved_at", null=True),
    empty("resolution"),
    Index(None, "intent_id"),
    Index(
        "uq_attempt_unsettled",
        "intent_id",
        unique=True,
        sqlite_where=sa.text("state IN ('open', 'unknown')"),
        postgresql_where=sa.text("state IN ('open', 'unknown')"),
    ),
)
"""One call for an intent. `state`: open (under way, or its worker died), unknown (no answer came), accepted, rejected,
not_sent. Open and unknown are settled by reading the channel back, which `resolved_at` and `resolution` tell; there is
at most one such attempt per intent.
"""

command = Table(
    "command",
    metadata,
    text("id", primary_key=True),
    text("caller"),
    text("idempotency_key"),
    text("kind"),
    Column("digest", LargeBinary, nullable=False),
    text("answer"),
    Column("status", Integer, nullable=False),
    at("created_at"),
    UniqueConstraint("caller", "idempotency_key"),
    Index(None, "created_at"),
)
"""One request of an ERP with the answer it got, so that its repetition gets the same one."""

command_item = Table(
    "command_item",
    metadata,
    Column("command_id", Text, ForeignKey("command.id", ondelete="CASCADE"), nullable=False),
    Column("item", Integer, nullable=False),
    Column("intent_id", Serial, ForeignKey("intent.id"), nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("command_id", "item", "intent_id"),
    Index(None, "intent_id"),
)
"""Which intents an item of a command asked for, at which version."""
