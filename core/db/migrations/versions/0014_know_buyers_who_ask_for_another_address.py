"""know buyers who ask for another address."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "address_request",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("dedup_key", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_request")),
        sa.UniqueConstraint("shop_id", "dedup_key", name=op.f("uq_address_request_shop_id_dedup_key")),
    )
    op.create_index(
        op.f("ix_address_request_shop_id_order_id"), "address_request", ["shop_id", "order_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("address_request")
