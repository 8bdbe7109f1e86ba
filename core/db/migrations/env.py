"""What alembic runs for every command: the connection is the caller's, and so is its transaction."""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext

from core.db.tables import Instant, metadata


def render(kind: str, value: Any, _context: AutogenContext) -> str | Literal[False]:
    """Our own column type by what it is to the database, so that revisions import nothing of ours."""
    if kind == "type" and isinstance(value, Instant):
        return "sa.DateTime(timezone=True)"
    return False


connection: sa.Connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_item=render)
context.run_migrations()
