"""erase people."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLES = ("orders", "after_sales", "listings")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("erased_at", sa.DateTime(timezone=True)))
    op.create_index("ix_orders_erased_at_changed_at", "orders", ["erased_at", "changed_at"])


def downgrade() -> None:
    op.drop_index("ix_orders_erased_at_changed_at", "orders")
    for table in TABLES:
        op.drop_column(table, "erased_at")
