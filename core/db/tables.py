"""All tables. Instants are UTC, ids are text, JSON is text written by pydantic, personal and secret values are sealed
bytes.
"""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import sqlite

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Serial = BigInteger().with_variant(Integer, "sqlite")
"""A key the database counts itself; only INTEGER does so on SQLite."""


class _InstantText(sqlite.DATETIME):
    """A DATETIME column whose text is made by `Instant`, which is several times faster than SQLAlchemy's own."""

    def bind_processor(self, dialect: sa.Dialect) -> None:
        return None

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> None:
        return None


class Instant(sa.types.TypeDecorator[datetime]):
    """An aware instant in and out, stored in UTC: `timestamptz` on PostgreSQL, text that sorts by time on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        text: Any = _InstantText  # its constructor carries no types
        return dialect.type_descriptor(text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        value = value.astimezone(UTC)
        return value.isoformat(" ", "microseconds")[:26] if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return datetime.fromisoformat(value + "+00:00") if dialect.name == "sqlite" else value.astimezone(UTC)


def _text(name: str, **options: Any) -> Column[str]:
    return Column(name, Text, nullable=False, **options)


def _at(name: str, *, null: bool = False, **options: Any) -> Column[datetime]:
    return Column(name, Instant, nullable=null, **options)


def _count(name: str, default: int = 0) -> Column[int]:
    return Column(name, Integer, nullable=False, default=default, server_default=str(default))


def _empty(name: str) -> Column[str]:
    return _text(name, default="", server_default="")


app = Table(
    "app",
    metadata,
    _text("channel"),
    _text("app_key"),
    Column("secret", LargeBinary, nullable=False),
    _empty("push_cursor"),
    PrimaryKeyConstraint("channel", "app_key"),
)
"""One registration with a channel; its secret signs calls and proves pushes. `push_cursor`: how far a polled source of
notices was read.
"""

shop = Table(
    "shop",
    metadata,
    _text("id", primary_key=True),
    _text("channel"),
    _text("account"),
    _text("name"),
    _text("app_key"),
    _text("options", default="{}", server_default="{}"),
    _text("state", default="active", server_default="active"),
    _empty("state_reason"),
    _count("state_revision"),
    _at("created_at"),
    UniqueConstraint("channel", "account"),
)
"""`state`: active, or paused with the reason in words. `options`: JSON, what was chosen of the channel's options."""

credential = Table(
    "credential",
    metadata,
    Column("shop_id", Text, ForeignKey("shop.id", ondelete="CASCADE"), primary_key=True),
    Column("tokens", LargeBinary, nullable=False),
    _at("access_expires_at", null=True),
    _at("refresh_expires_at", null=True),
    _count("version"),
    _empty("owner"),
    _at("expires_at", null=True),
)
"""`owner` and `expires_at` are the lease of a refresh under way; `version` tells a waiter that another one did it."""

receipt = Table(
    "receipt",
    metadata,
    Column("id", Serial, primary_key=True),
    _text("channel"),
    _text("app_key"),
    _text("account"),
    _text("dedup_key"),
    _text("topic"),
    _text("kind"),
    _text("object_id"),
    _empty("parent_id"),
    _at("source_at", null=True),
    Column("raw", LargeBinary, nullable=False),
    _at("received_at"),
    _count("seen", 1),
    _text("state", default="due", server_default="due"),
    _count("tries"),
    _count("died"),
    _at("not_before"),
    _empty("reason"),
    UniqueConstraint("channel", "app_key", "dedup_key"),
    Index(None, "state", "not_before"),
    Index(None, "channel", "account", "state", "not_before"),
)
"""A stored notice. `state`: due, handled, parked, ignored. `seen` counts deliveries and is the version of the row;
`died` how often in a row its handling ended the worker.
"""


def _items(name: str, *extra: Column[Any]) -> Table:
    return Table(
        name,
        metadata,
        _text("shop_id"),
        _text("id"),
        *extra,
        _text("status"),
        Column("revision", Integer, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        _text("body"),
        _at("source_at"),
        _at("changed_at"),
        PrimaryKeyConstraint("shop_id", "id"),
        Index(None, "changed_at"),
        Index(None, "status", "changed_at"),
    )


orders = _items("orders", _at("created_at"), _at("ship_by", null=True))
after_sales = _items("after_sales", _text("order_id"), _at("created_at"))
listings = _items("listings")

raw = Table(
    "raw",
    metadata,
    _text("kind"),
    _text("shop_id"),
    _text("id"),
    Column("payload", LargeBinary, nullable=False),
    _at("fetched_at"),
    PrimaryKeyConstraint("kind", "shop_id", "id"),
)
"""The newest payload of an item as its channel sent it, sealed."""

bad_row = Table(
    "bad_row",
    metadata,
    Column("id", Serial, primary_key=True),
    _text("shop_id"),
    _text("kind"),
    _text("object_id"),
    _text("reason"),
    Column("payload", LargeBinary, nullable=False),
    _at("seen_at"),
    _text("state", default="parked", server_default="parked"),
    UniqueConstraint("shop_id", "kind", "object_id", "reason"),
)
"""A row of a page that could not be read. `state`: parked, dismissed."""

listing_sku = Table(
    "listing_sku",
    metadata,
    _text("shop_id"),
    _text("listing_id"),
    _text("sku_id"),
    _empty("merchant_code"),
    _empty("title"),
    _empty("spec"),
    _text("shelf"),
    Column("sellable", Integer),
    Column("held", Integer),
    _at("stock_read_at", null=True),
    Column("sale", BigInteger),
    Column("single", BigInteger),
    Column("market", BigInteger),
    _at("price_read_at", null=True),
    PrimaryKeyConstraint("shop_id", "listing_id", "sku_id"),
    Index(None, "shop_id", "merchant_code"),
)
"""What the channel shows of each listing SKU: the `theirs` of stock and price."""

mapping = Table(
    "mapping",
    metadata,
    _text("shop_id"),
    _text("listing_id"),
    _text("sku_id"),
    _text("sku"),
    _text("origin"),
    _at("mapped_at"),
    PrimaryKeyConstraint("shop_id", "listing_id", "sku_id"),
    Index(None, "sku"),
)
"""Listing SKU → the ERP's SKU. `origin`: auto (by a code unique in the shop) or manual."""

sku_stock = Table(
    "sku_stock",
    metadata,
    _text("sku", primary_key=True),
    Column("quantity", Integer, CheckConstraint("quantity >= 0", name="not_negative"), nullable=False),
    _at("set_at"),
)
"""The number the ERP last gave for a SKU."""

SOLD_OUT = sa.text("kind = 'stock' AND state = 'due' AND wanted = '0'")
"""Intents that must not wait: each minute may sell what is not there. In these words, since they name an index."""
SOLD_OUT_FIRST = ("kind", "state", "wanted", "shop_id", "not_before", "id")
"""Columns of that index. SQLite chooses by how many of them a query fixes, so those that never differ come first."""

intent = Table(
    "intent",
    metadata,
    Column("id", Serial, primary_key=True),
    _text("kind"),
    _text("key", unique=True),
    _text("shop_id"),
    _text("object_id"),
    _text("wanted"),
    _count("version", 1),
    _count("done_version"),
    _count("told"),
    _text("state", default="due", server_default="due"),
    _at("not_before"),
    _count("tries"),
    _empty("reason"),
    _empty("reason_code"),
    _at("created_at"),
    _at("changed_at"),
    Index(None, "state", "not_before"),
    Index(None, "shop_id", "kind", "state", "not_before", "id"),
    Index(None, "shop_id", "kind", "object_id"),
    Index("ix_intent_sold_out", *SOLD_OUT_FIRST, sqlite_where=SOLD_OUT, postgresql_where=SOLD_OUT),
)
"""Something that must become true on a channel. `state`: due, done, parked, dismissed.

Stock and price have one row per listing SKU, a memo one per order, and coalesce in it: `version` rises with every new
wish, `done_version` is the newest that the channel accepted. A shipment has a row of its own. `told` counts the
outcomes told in the feed: their revision. A memo is sealed in `wanted`.
"""

sold = Table(
    "sold",
    metadata,
    _text("shop_id"),
    _text("order_id"),
    _text("line_id"),
    _text("listing_id"),
    _text("sku_id"),
    Column("quantity", Integer, nullable=False),
    _at("placed_at"),
    _at("paid_at", null=True),
    _at("back_at", null=True),
    Column("back_sure", Boolean, nullable=False),
    Column("holds", Boolean, nullable=False),
    _at("moved_at"),
    PrimaryKeyConstraint("shop_id", "order_id", "line_id"),
    Index(None, "shop_id", "sku_id", "moved_at"),
)
"""What an order line does to the stock of its listing SKU. `holds`: neither shipped nor given back; `moved_at`: the
last of its instants.
"""

agreed = Table(
    "agreed",
    metadata,
    _text("shop_id"),
    _text("field"),
    _text("object_id"),
    _text("value"),
    _at("since"),
    _at("at"),
    _text("source"),
    Column("seen", Text),
    Column("seen_held", Integer),
    _at("seen_since", null=True),
    _at("seen_at", null=True),
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
    _text("shop_id"),
    _text("field"),
    _text("object_id"),
    _text("base"),
    _empty("ours"),
    _text("theirs"),
    _text("policy"),
    _text("outcome"),
    _text("rule"),
    _text("reason"),
    _text("state"),
    Column("intent_id", Serial, ForeignKey("intent.id"), nullable=True),
    _at("ours_at", null=True),
    _at("theirs_at"),
    _at("at"),
    _at("resolved_at", null=True),
    _empty("resolution"),
    _empty("by"),
    _empty("note"),
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
    _text("shop_id"),
    _text("field"),
    _text("policy"),
    PrimaryKeyConstraint("shop_id", "field"),
)
"""Whose value stands when both sides changed a field; shop '' is the default of all shops."""

attempt = Table(
    "attempt",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("intent_id", Serial, ForeignKey("intent.id", ondelete="CASCADE"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    _text("wanted"),
    _text("state", default="open", server_default="open"),
    _empty("code"),
    _empty("message"),
    _empty("request_id"),
    _at("started_at"),
    _at("ended_at", null=True),
    _at("resolved_at", null=True),
    _empty("resolution"),
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

lane = Table(
    "lane",
    metadata,
    _text("shop_id"),
    _text("kind"),
    _empty("owner"),
    _count("fence"),
    _count("rung"),
    _at("expires_at", null=True),
    _at("not_before", null=True),
    _empty("doing"),
    PrimaryKeyConstraint("shop_id", "kind"),
)
"""Who works on a lane. `fence` rises with every new owner; `rung` counts bells that found it taken. `doing`: what the
owner is at; a successor that finds it there knows what ended its predecessor.
"""

watermark = Table(
    "watermark",
    metadata,
    _text("shop_id"),
    _text("stream"),
    _at("complete_through"),
    _at("next_at"),
    _count("tries"),
    _empty("reason"),
    _at("deadly_until", null=True),
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
    _text("shop_id"),
    _text("stream"),
    _at("since"),
    _at("until"),
    Column("expected", Integer),
    Column("received", Integer, nullable=False),
    _count("bad"),
    Column("complete", Boolean, nullable=False),
    _at("ended_at"),
    Index(None, "shop_id", "stream", "ended_at"),
)
"""The proof behind a watermark: what one walk expected and what it received."""

feed = Table(
    "feed",
    metadata,
    Column("position", Serial, primary_key=True),
    _text("id", unique=True),
    _text("type"),
    _text("shop_id"),
    _text("object_id"),
    Column("revision", Integer, nullable=False),
    _at("at"),
    _text("data"),
    sqlite_autoincrement=True,
)
"""The ordered events. Position order is commit order; `data` is JSON text."""

command = Table(
    "command",
    metadata,
    _text("id", primary_key=True),
    _text("caller"),
    _text("idempotency_key"),
    _text("kind"),
    Column("digest", LargeBinary, nullable=False),
    _text("answer"),
    Column("status", Integer, nullable=False),
    _at("created_at"),
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

reconciliation = Table(
    "reconciliation",
    metadata,
    Column("id", Serial, primary_key=True),
    _text("shop_id"),
    _text("origin"),
    _text("parts"),
    _at("since"),
    _at("until"),
    _at("started_at"),
    _at("ended_at", null=True),
    _count("compared"),
    _count("differing"),
    _count("repaired"),
    _count("asked"),
    _count("unread"),
    _empty("cursor"),
    _empty("reason"),
    Index(None, "shop_id", "started_at"),
)
"""One comparison of a shop with its channel. `origin`: nightly, asked or resync; `parts`: what is compared, joined by
commas. `cursor`: JSON, where a run that did not end yet goes on.
"""

intervention = Table(
    "intervention",
    metadata,
    Column("id", Serial, primary_key=True),
    _text("ref"),
    _text("shop_id"),
    _text("kind"),
    _text("object_id"),
    _text("action"),
    _empty("code"),
    _empty("reason"),
    _empty("note"),
    _at("at"),
    Index(None, "shop_id", "object_id"),
)
"""What a person did about something parked, why it was parked, and their note. `action`: retried, dismissed."""

api_key = Table(
    "api_key",
    metadata,
    _text("id", primary_key=True),
    _text("label"),
    Column("digest", LargeBinary, nullable=False, unique=True),
    _at("created_at"),
    _at("revoked_at", null=True),
)
"""A key to /v1. Only its hash is kept; `id` is its visible prefix."""
