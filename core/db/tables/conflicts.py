"""What both sides stand on, and what was decided where they parted."""

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, Text

from core.db.tables.columns import Serial, at, empty, metadata, text

agreed = Table(
    "agreed",
    metadata,
    text("shop_id"),
    text("field"),
    text("object_id"),
    text("value"),
    at("since"),
    at("at"),
    text("source"),
    Column("seen", Text),
    Column("seen_held", Integer),
    at("seen_since", null=True),
    at("seen_at", null=True),
    PrimaryKeyConstraint("shop_id", "field", "object_id"),
    Index(
        "ix_agreed_waiting",
        "shop_id",
        "seen_at",
        sqlite_where=sa.text("seen_at IS NOT NULL"),
        postgresql_where=sa.text("seen_at IS NOT NULL"),
    ),
)
"""The base of a field: the value both sides stand on, true between `since` and `at`. `source`: accepted (the channel
took ours), shown (first sight, or as expected), decided. `seen`: a reading that cannot be judged yet.
"""

decision = Table(
    "decision",
    metadata,
    Column("id", Serial, primary_key=True),
    text("shop_id"),
    text("field"),
    text("object_id"),
    text("base"),
    empty("ours"),
    text("theirs"),
    text("policy"),
    text("outcome"),
    text("rule"),
    text("reason"),
    text("state"),
    Column("intent_id", Serial, ForeignKey("intent.id"), nullable=True),
    at("ours_at", null=True),
    at("theirs_at"),
    at("at"),
    at("resolved_at", null=True),
    empty("resolution"),
    empty("by"),
    empty("note"),
    Index(None, "shop_id", "field", "object_id"),
    Index(None, "intent_id"),
    Index(
        "uq_decision_open",
        "shop_id",
        "field",
        "object_id",
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    ),
)
"""What was decided about a field that the channel changed, with its inputs. `state`: decided (by rule), open (a person
must), resolved (a person did), superseded (the sides agreed meanwhile, or moved on). Memos and addresses are sealed.
"""

policy = Table(
    "policy",
    metadata,
    text("shop_id"),
    text("field"),
    text("policy"),
    PrimaryKeyConstraint("shop_id", "field"),
)
"""Whose value stands when both sides changed a field; shop '' is the default of all shops."""
