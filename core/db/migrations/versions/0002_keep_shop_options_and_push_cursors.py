"""keep shop options and push cursors."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("app", sa.Column("push_cursor", sa.Text(), server_default="", nullable=False))
    op.add_column("shop", sa.Column("options", sa.Text(), server_default="{}", nullable=False))


def downgrade() -> None:
    op.drop_column("shop", "options")
    op.drop_column("app", "push_cursor")
