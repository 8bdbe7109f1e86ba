"""keep keys with scopes and an audit.

Keys that exist already were made when a key could do everything that the role `erp` can, in all shops.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BEFORE = (
    '["addresses:write", "after_sales:read", "commands:read", "feed:read", "listings:read", "mappings:write", '
    '"memos:write", "orders:read", "prices:write", "shelf:write", "shipments:write", "shops:read", "stock:read", '
    '"stock:write", "subscriptions:write"]'
)


def upgrade() -> None:
    with op.batch_alter_table("api_key") as table:
        table.add_column(sa.Column("role", sa.Text(), server_default="", nullable=False))
        table.add_column(sa.Column("scopes", sa.Text(), server_default=_BEFORE, nullable=False))
        table.add_column(sa.Column("shops", sa.Text(), server_default="[]", nullable=False))
        table.add_column(sa.Column("per_minute", sa.Integer(), server_default="0", nullable=False))
        table.add_column(sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("api_key") as table:
        table.alter_column("scopes", server_default=None)
        table.alter_column("shops", server_default=None)
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.Text(), server_default="", nullable=False),
        sa.Column("object_id", sa.Text(), server_default="", nullable=False),
        sa.Column("purpose", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("times", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_audit_at"), "audit", ["at"], unique=False)
    op.create_index(op.f("ix_audit_key_id"), "audit", ["key", "id"], unique=False)
    op.create_index(op.f("ix_audit_action_id"), "audit", ["action", "id"], unique=False)


def downgrade() -> None:
    op.drop_table("audit")
    with op.batch_alter_table("api_key") as table:
        for name in ("last_used_at", "expires_at", "per_minute", "shops", "scopes", "role"):
            table.drop_column(name)
