"""Who is sent the feed, what is sent to whom, and every try."""

import sqlalchemy as sa
from sqlalchemy import (
    BigInteger,
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

_DUE = sa.text("state = 'due'")
_SENDABLE = sa.text("state = 'due' AND not_before IS NOT NULL")

subscription = Table(
    "subscription",
    metadata,
    text("id", primary_key=True),
    text("url"),
    text("types", default="[]", server_default="[]"),
    text("shops", default="[]", server_default="[]"),
    text("channels", default="[]", server_default="[]"),
    text("reach", default="[]", server_default="[]"),
    Column("secret", LargeBinary, nullable=False),
    Column("previous_secret", LargeBinary),
    at("previous_until", null=True),
    text("state", default="active", server_default="active"),
    empty("reason"),
    Column("position", BigInteger, nullable=False),
    at("failing_since", null=True),
    at("failed_at", null=True),
    at("delivered_at", null=True),
    count("told"),
    at("created_at"),
)
"""An address that is sent events. `types`, `shops`, `channels`: JSON lists, what it asks for; empty means all. `reach`:
the shops of the key that made it, of which it gets no others. `state`: active, paused, disabled. `position`: the feed
up to there has been turned into deliveries. `failing_since`: since when every try failed, the last at `failed_at`.
`told` counts the events about itself: their revision.
"""

delivery = Table(
    "delivery",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("subscription_id", Text, ForeignKey("subscription.id", ondelete="CASCADE"), nullable=False),
    Column("position", BigInteger, nullable=False),
    text("event_id"),
    text("object_key"),
    text("state", default="due", server_default="due"),
    count("tries"),
    count("attempts"),
    at("not_before", null=True),
    Column("status", Integer),
    empty("error"),
    at("created_at"),
    at("settled_at", null=True),
    UniqueConstraint("subscription_id", "position"),
    Index(None, "created_at"),
    Index(None, "subscription_id", "state", "position"),
    Index(
        "ix_delivery_queue",
        "subscription_id",
        "object_key",
        "position",
        sqlite_where=_DUE,
        postgresql_where=_DUE,
    ),
    Index(
        "ix_delivery_sendable",
        "subscription_id",
        "not_before",
        sqlite_where=_SENDABLE,
        postgresql_where=_SENDABLE,
    ),
    sqlite_autoincrement=True,
)
"""One event for one subscription. `state`: due, delivered, failed, skipped. A due one with `not_before` is the first of
its object and is sent from then on; without it waits for those before it. `tries` counts failures of the present
schedule, `attempts` all calls.
"""

DUE: sa.ColumnElement[bool] = delivery.c.state == sa.literal_column("'due'")
"""As a word, not a parameter: SQLite uses an index that has a condition only where it can read that it holds."""

delivery_attempt = Table(
    "delivery_attempt",
    metadata,
    Column("delivery_id", Serial, ForeignKey("delivery.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    at("at"),
    Column("status", Integer),
    Column("ms", Integer, nullable=False),
    empty("error"),
    Column("response", LargeBinary),
    PrimaryKeyConstraint("delivery_id", "number"),
)
"""One call for a delivery. `response`: the beginning of the answer's body, sealed: it is somebody else's text."""
