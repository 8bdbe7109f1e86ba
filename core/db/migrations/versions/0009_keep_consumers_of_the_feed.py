"""keep consumers of the feed."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_feed_shop_id_object_id"), "feed", ["shop_id", "object_id"], unique=False)
    op.create_index(op.f("ix_feed_at"), "feed", ["at"], unique=False)
    op.create_table(
        "feed_end",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("expired", sa.BigInteger(), nullable=False),
        sa.Column("expired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("compacted", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_end")),
    )
    op.create_table(
        "consumer",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("types", sa.Text(), nullable=False),
        sa.Column("shops", sa.Text(), nullable=False),
        sa.Column("channels", sa.Text(), nullable=False),
        sa.Column("start", sa.Text(), server_default="", nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_consumer")),
    )


def downgrade() -> None:
    op.drop_table("consumer")
    op.drop_table("feed_end")
    op.drop_index(op.f("ix_feed_at"), table_name="feed")
    op.drop_index(op.f("ix_feed_shop_id_object_id"), table_name="feed")
