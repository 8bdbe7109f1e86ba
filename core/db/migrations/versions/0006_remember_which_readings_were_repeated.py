"""remember which readings were repeated."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = ("orders", "after_sales", "listings")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("settled_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    for table in TABLES:
        with op.batch_alter_table(table) as batch:
            batch.drop_column("settled_at")
