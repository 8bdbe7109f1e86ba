"""Who works on what, how far it is, and what came of looking again."""

from sqlalchemy import Boolean, Column, Index, Integer, PrimaryKeyConstraint, Table

from core.db.tables.columns import Serial, at, count, empty, metadata, text

lane = Table(
    "lane",
    metadata,
    text("shop_id"),
    text("kind"),
    empty("owner"),
    count("fence"),
    count("rung"),
    at("expires_at", null=True),
    at("not_before", null=True),
    empty("doing"),
    PrimaryKeyConstraint("shop_id", "kind"),
)
"""Who works on a lane. `fence` rises with every new owner; `rung` counts bells that found it taken. `doing`: what the
owner is at; a successor that finds it there knows what ended its predecessor.
"""

watermark = Table(
    "watermark",
    metadata,
    text("shop_id"),
    text("stream"),
    at("complete_through"),
    at("next_at"),
    count("tries"),
    empty("reason"),
    at("deadly_until", null=True),
    PrimaryKeyConstraint("shop_id", "stream"),
    Index(None, "next_at"),
)
"""Everything the channel changed up to `complete_through` has been accepted. `deadly_until`: ahead of that, the end of
what ended its workers and is walked in ever smaller windows; behind it, where a window was given up as a gap.
"""

pull_window = Table(
    "pull_window",
    metadata,
    Column("id", Serial, primary_key=True),
    text("shop_id"),
    text("stream"),
    at("since"),
    at("until"),
    Column("expected", Integer),
    Column("received", Integer, nullable=False),
    count("bad"),
    Column("complete", Boolean, nullable=False),
    at("ended_at"),
    Index(None, "shop_id", "stream", "ended_at"),
)
"""The proof behind a watermark: what one walk expected and what it received."""

reconciliation = Table(
    "reconciliation",
    metadata,
    Column("id", Serial, primary_key=True),
    text("shop_id"),
    text("origin"),
    text("parts"),
    at("since"),
    at("until"),
    at("started_at"),
    at("ended_at", null=True),
    count("compared"),
    count("differing"),
    count("repaired"),
    count("asked"),
    count("unread"),
    empty("cursor"),
    empty("reason"),
    Index(None, "shop_id", "started_at"),
)
"""One comparison of a shop with its channel. `origin`: nightly, asked or resync; `parts`: what is compared, joined by
commas. `cursor`: JSON, where a run that did not end yet goes on.
"""

intervention = Table(
    "intervention",
    metadata,
    Column("id", Serial, primary_key=True),
    text("ref"),
    text("shop_id"),
    text("kind"),
    text("object_id"),
    text("action"),
    empty("code"),
    empty("reason"),
    empty("note"),
    at("at"),
    Index(None, "shop_id", "object_id"),
)
"""What a person did about something parked, why it was parked, and their note. `action`: retried, dismissed."""
