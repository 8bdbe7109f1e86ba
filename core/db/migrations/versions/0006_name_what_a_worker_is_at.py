"""name what a worker is at."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("lane", sa.Column("doing", sa.Text(), nullable=False, server_default=""))
    op.add_column("receipt", sa.Column("died", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("watermark", sa.Column("deadly_until", sa.DateTime(timezone=True)))


def downgrade() -> None:
    for table, column in (("lane", "doing"), ("receipt", "died"), ("watermark", "deadly_until")):
        with op.batch_alter_table(table) as batch:
            batch.drop_column(column)
