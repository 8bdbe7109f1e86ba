"""Create all tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "after_sales",
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("source_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_after_sales")),
    )
    op.create_index(op.f("ix_after_sales_changed_at"), "after_sales", ["changed_at"], unique=False)
    op.create_index(op.f("ix_after_sales_status_changed_at"), "after_sales", ["status", "changed_at"], unique=False)
    op.create_table(
        "api_key",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_key_digest")),
    )
    op.create_table(
        "app",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("app_key", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "app_key", name=op.f("pk_app")),
    )
    op.create_table(
        "bad_row",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default="parked", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bad_row")),
        sa.UniqueConstraint(
            "shop_id", "kind", "object_id", "reason", name=op.f("uq_bad_row_shop_id_kind_object_id_reason")
        ),
    )
    op.create_table(
        "command",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_command")),
        sa.UniqueConstraint("caller", "idempotency_key", name=op.f("uq_command_caller_idempotency_key")),
    )
    op.create_index(op.f("ix_command_created_at"), "command", ["created_at"], unique=False)
    op.create_table(
        "feed",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_feed")),
        sa.UniqueConstraint("id", name=op.f("uq_feed_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "intent",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("done_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("told", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), server_default="due", nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("reason_code", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intent")),
        sa.UniqueConstraint("key", name=op.f("uq_intent_key")),
    )
    op.create_index(op.f("ix_intent_shop_id_kind_object_id"), "intent", ["shop_id", "kind", "object_id"], unique=False)
    op.create_index(
        op.f("ix_intent_shop_id_kind_state_not_before"),
        "intent",
        ["shop_id", "kind", "state", "not_before"],
        unique=False,
    )
    op.create_index(op.f("ix_intent_state_not_before"), "intent", ["state", "not_before"], unique=False)
    op.create_table(
        "lane",
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rung", sa.Integer(), server_default="0", nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("shop_id", "kind", name=op.f("pk_lane")),
    )
    op.create_table(
        "listing_sku",
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("listing_id", sa.Text(), nullable=False),
        sa.Column("sku_id", sa.Text(), nullable=False),
        sa.Column("merchant_code", sa.Text(), server_default="", nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("spec", sa.Text(), server_default="", nullable=False),
        sa.Column("shelf", sa.Text(), nullable=False),
        sa.Column("sellable", sa.Integer(), nullable=True),
        sa.Column("held", sa.Integer(), nullable=True),
        sa.Column("stock_read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sale", sa.BigInteger(), nullable=True),
        sa.Column("single", sa.BigInteger(), nullable=True),
        sa.Column("market", sa.BigInteger(), nullable=True),
        sa.Column("price_read_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("shop_id", "listing_id", "sku_id", name=op.f("pk_listing_sku")),
    )
    op.create_index(
        op.f("ix_listing_sku_shop_id_merchant_code"), "listing_sku", ["shop_id", "merchant_code"], unique=False
    )
    op.create_table(
        "listings",
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("source_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_listings")),
    )
    op.create_index(op.f("ix_listings_changed_at"), "listings", ["changed_at"], unique=False)
    op.create_index(op.f("ix_listings_status_changed_at"), "listings", ["status", "changed_at"], unique=False)
    op.create_table(
        "mapping",
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("listing_id", sa.Text(), nullable=False),
        sa.Column("sku_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("mapped_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "listing_id", "sku_id", name=op.f("pk_mapping")),
    )
    op.create_index(op.f("ix_mapping_sku"), "mapping", ["sku"], unique=False)
    op.create_table(
        "orders",
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ship_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("source_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "id", name=op.f("pk_orders")),
    )
    op.create_index(op.f("ix_orders_changed_at"), "orders", ["changed_at"], unique=False)
    op.create_index(op.f("ix_orders_status_changed_at"), "orders", ["status", "changed_at"], unique=False)
    op.create_table(
        "pull_window",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=True),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("bad", sa.Integer(), server_default="0", nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pull_window")),
    )
    op.create_index(
        op.f("ix_pull_window_shop_id_stream_ended_at"), "pull_window", ["shop_id", "stream", "ended_at"], unique=False
    )
    op.create_table(
        "raw",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "shop_id", "id", name=op.f("pk_raw")),
    )
    op.create_table(
        "receipt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("app_key", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("dedup_key", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text(), server_default="", nullable=False),
        sa.Column("source_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen", sa.Integer(), server_default="1", nullable=False),
        sa.Column("state", sa.Text(), server_default="due", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
        sa.UniqueConstraint("channel", "app_key", "dedup_key", name=op.f("uq_receipt_channel_app_key_dedup_key")),
    )
    op.create_index(
        op.f("ix_receipt_channel_account_state_not_before"),
        "receipt",
        ["channel", "account", "state", "not_before"],
        unique=False,
    )
    op.create_index(op.f("ix_receipt_state_not_before"), "receipt", ["state", "not_before"], unique=False)
    op.create_table(
        "shop",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("app_key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="active", nullable=False),
        sa.Column("state_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("state_revision", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop")),
        sa.UniqueConstraint("channel", "account", name=op.f("uq_shop_channel_account")),
    )
    op.create_table(
        "sku_stock",
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_sku_stock_not_negative")),
        sa.PrimaryKeyConstraint("sku", name=op.f("pk_sku_stock")),
    )
    op.create_table(
        "watermark",
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("complete_through", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "stream", name=op.f("pk_watermark")),
    )
    op.create_index(op.f("ix_watermark_next_at"), "watermark", ["next_at"], unique=False)
    op.create_table(
        "attempt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("intent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("request_id", sa.Text(), server_default="", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["intent_id"], ["intent.id"], name=op.f("fk_attempt_intent_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
    )
    op.create_index(op.f("ix_attempt_intent_id"), "attempt", ["intent_id"], unique=False)
    op.create_index(
        "uq_attempt_unsettled",
        "attempt",
        ["intent_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('open', 'unknown')"),
        postgresql_where=sa.text("state IN ('open', 'unknown')"),
    )
    op.create_table(
        "command_item",
        sa.Column("command_id", sa.Text(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("intent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["command_id"], ["command.id"], name=op.f("fk_command_item_command_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["intent_id"], ["intent.id"], name=op.f("fk_command_item_intent_id")),
        sa.PrimaryKeyConstraint("command_id", "item", "intent_id", name=op.f("pk_command_item")),
    )
    op.create_index(op.f("ix_command_item_intent_id"), "command_item", ["intent_id"], unique=False)
    op.create_table(
        "credential",
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("tokens", sa.LargeBinary(), nullable=False),
        sa.Column("access_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refresh_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("owner", sa.Text(), server_default="", nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shop.id"], name=op.f("fk_credential_shop_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("shop_id", name=op.f("pk_credential")),
    )


def downgrade() -> None:
    op.drop_table("credential")
    op.drop_index(op.f("ix_command_item_intent_id"), table_name="command_item")
    op.drop_table("command_item")
    op.drop_index(
        "uq_attempt_unsettled",
        table_name="attempt",
        sqlite_where=sa.text("state IN ('open', 'unknown')"),
        postgresql_where=sa.text("state IN ('open', 'unknown')"),
    )
    op.drop_index(op.f("ix_attempt_intent_id"), table_name="attempt")
    op.drop_table("attempt")
    op.drop_index(op.f("ix_watermark_next_at"), table_name="watermark")
    op.drop_table("watermark")
    op.drop_table("sku_stock")
    op.drop_table("shop")
    op.drop_index(op.f("ix_receipt_state_not_before"), table_name="receipt")
    op.drop_index(op.f("ix_receipt_channel_account_state_not_before"), table_name="receipt")
    op.drop_table("receipt")
    op.drop_table("raw")
    op.drop_index(op.f("ix_pull_window_shop_id_stream_ended_at"), table_name="pull_window")
    op.drop_table("pull_window")
    op.drop_index(op.f("ix_orders_status_changed_at"), table_name="orders")
    op.drop_index(op.f("ix_orders_changed_at"), table_name="orders")
    op.drop_table("orders")
    op.drop_index(op.f("ix_mapping_sku"), table_name="mapping")
    op.drop_table("mapping")
    op.drop_index(op.f("ix_listings_status_changed_at"), table_name="listings")
    op.drop_index(op.f("ix_listings_changed_at"), table_name="listings")
    op.drop_table("listings")
    op.drop_index(op.f("ix_listing_sku_shop_id_merchant_code"), table_name="listing_sku")
    op.drop_table("listing_sku")
    op.drop_table("lane")
    op.drop_index(op.f("ix_intent_state_not_before"), table_name="intent")
    op.drop_index(op.f("ix_intent_shop_id_kind_state_not_before"), table_name="intent")
    op.drop_index(op.f("ix_intent_shop_id_kind_object_id"), table_name="intent")
    op.drop_table("intent")
    op.drop_table("feed")
    op.drop_index(op.f("ix_command_created_at"), table_name="command")
    op.drop_table("command")
    op.drop_table("bad_row")
    op.drop_table("app")
    op.drop_table("api_key")
    op.drop_index(op.f("ix_after_sales_status_changed_at"), table_name="after_sales")
    op.drop_index(op.f("ix_after_sales_changed_at"), table_name="after_sales")
    op.drop_table("after_sales")
