"""The numbers that people know an order by."""

from sqlalchemy import PrimaryKeyConstraint, Table

from core.db.tables.columns import metadata, text

order_number = Table(
    "order_number",
    metadata,
    text("number"),
    text("shop_id"),
    text("order_id"),
    text("kind"),
    PrimaryKeyConstraint("number", "shop_id", "order_id", "kind"),
)
"""Number → order, for numbers that are not the order's own id. `kind`: parent, child, related, line, tracking,
after_sale or return. What once led to an order goes on doing so.
"""
