"""map to bundles and keep history."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mapping", sa.Column("components", sa.Integer(), server_default="0", nullable=False))
    op.create_table(
        "component",
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("listing_id", sa.Text(), nullable=False),
        sa.Column("sku_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_component_positive")),
        sa.PrimaryKeyConstraint("shop_id", "listing_id", "sku_id", "sku", name=op.f("pk_component")),
    )
    op.create_index(op.f("ix_component_sku"), "component", ["sku"], unique=False)
    op.create_table(
        "mapping_change",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("listing_id", sa.Text(), nullable=False),
        sa.Column("sku_id", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mapping_change")),
    )
    op.create_index(
        op.f("ix_mapping_change_shop_id_listing_id_sku_id"),
        "mapping_change",
        ["shop_id", "listing_id", "sku_id"],
        unique=False,
    )
    op.create_table(
        "order_number",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", "shop_id", "order_id", "kind", name=op.f("pk_order_number")),
    )


def downgrade() -> None:
    op.drop_table("order_number")
    op.drop_index(op.f("ix_mapping_change_shop_id_listing_id_sku_id"), table_name="mapping_change")
    op.drop_table("mapping_change")
    op.drop_index(op.f("ix_component_sku"), table_name="component")
    op.drop_table("component")
    op.drop_column("mapping", "components")
