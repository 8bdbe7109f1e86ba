"""find stock that has run out at once."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SOLD_OUT = sa.text("kind = 'stock' AND state = 'due' AND wanted = '0'")


def upgrade() -> None:
    op.create_index(
        "ix_intent_sold_out", "intent", ["shop_id", "not_before"], sqlite_where=SOLD_OUT, postgresql_where=SOLD_OUT
    )


def downgrade() -> None:
    op.drop_index("ix_intent_sold_out", table_name="intent", sqlite_where=SOLD_OUT, postgresql_where=SOLD_OUT)
