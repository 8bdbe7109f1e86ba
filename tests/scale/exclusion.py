"""What the rows say about who worked when."""

from datetime import datetime

import sqlalchemy as sa

from core.db import Database
from core.db.tables import attempt, intent


def overlaps(database: Database) -> list[str]:
    """Lanes in which two owners wrote at once: a fence that falls, or a last word after the successor's first."""
    with database.read() as connection:
        rows = connection.execute(
            sa.select(intent.c.shop_id, intent.c.kind, attempt)
            .join(intent, intent.c.id == attempt.c.intent_id)
            .order_by(attempt.c.id)
        ).all()
    newest: dict[tuple[str, str], int] = {}
    last_words: dict[tuple[str, str, int], datetime] = {}
    found = []
    for row in rows:
        lane = (row.shop_id, row.kind)
        fence = newest.get(lane, row.fence)
        if row.fence < fence:
            found.append(f"{lane}: an attempt of fence {row.fence} begins after one of {fence}")
        if row.fence > fence and last_words.get((*lane, fence), row.started_at) > row.started_at:
            found.append(f"{lane}: fence {fence} ends a call after {row.fence} has begun")
        newest[lane] = max(fence, row.fence)
        if row.ended_at is not None:
            last = last_words.get((*lane, row.fence), row.ended_at)
            last_words[*lane, row.fence] = max(last, row.ended_at)
    return found
