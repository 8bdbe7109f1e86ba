"""find what is due without sorting."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SOLD_OUT = sa.text("kind = 'stock' AND state = 'due' AND wanted = '0'")
LANE = ["shop_id", "kind", "state", "not_before"]


def upgrade() -> None:
    op.create_index("ix_intent_shop_id_kind_state_not_before_id", "intent", [*LANE, "id"])
    op.drop_index("ix_intent_shop_id_kind_state_not_before", table_name="intent")
    _sold_out(["kind", "state", "wanted", "shop_id", "not_before", "id"])


def downgrade() -> None:
    op.create_index("ix_intent_shop_id_kind_state_not_before", "intent", LANE)
    op.drop_index("ix_intent_shop_id_kind_state_not_before_id", table_name="intent")
    _sold_out(["shop_id", "not_before"])


def _sold_out(columns: list[str]) -> None:
    op.drop_index("ix_intent_sold_out", table_name="intent", sqlite_where=SOLD_OUT, postgresql_where=SOLD_OUT)
    op.create_index("ix_intent_sold_out", "intent", columns, sqlite_where=SOLD_OUT, postgresql_where=SOLD_OUT)
