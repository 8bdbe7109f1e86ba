"""Intents and attempts: what must become true on a channel, and every call made for it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from core.db import outcomes
from core.db.outcomes import UNSETTLED, Delay, Parking, Version
from core.db.tables import SOLD_OUT, attempt, intent
from core.errors import ConfigurationError

CONFLICT = "conflict"
"""Reason code of a wish that is held until a person decides a conflict."""
ADOPTED = "adopted"
"""Reason code of a wish that gave way to what the channel shows."""
TOOK_ITS_PLACE = "a newer wish took its place"
SUPERSEDED = "superseded"
"""Reason code of a wish that gave way to a later one, which has a row of its own."""
UNMAPPED = "unmapped"
"""Reason code of a number whose listing SKU is another SKU's now, or nobody's."""


@dataclass(frozen=True)
class Intent:
    """A row of work. `wanted` is JSON text, of a shelf one word; `version` what is wanted now, `done_version` what the
    channel last accepted.
    """

    id: int
    kind: str
    key: str
    shop_id: str
    object_id: str
    wanted: str
    version: int
    done_version: int
    state: str
    tries: int
    reason: str
    reason_code: str
    not_before: datetime
    created_at: datetime
    changed_at: datetime

    @property
    def this_version(self) -> Version:
        """What was wanted of it when it was read."""
        return Version(self.id, self.version)


@dataclass(frozen=True)
class Attempt:
    """One call. `wanted` is what was asked for by it; `state` as in the table."""

    id: int
    intent_id: int
    version: int
    fence: int
    wanted: str
    state: str
    code: str
    message: str
    request_id: str
    started_at: datetime
    ended_at: datetime | None
    resolved_at: datetime | None
    resolution: str


@dataclass(frozen=True)
class Wish:
    """Something newly wanted. `key` coalesces: the same key is the same row, and the newest wish wins."""

    kind: str
    key: str
    shop_id: str
    object_id: str
    wanted: str


def want(connection: Connection, wishes: Sequence[Wish], now: datetime) -> dict[str, tuple[int, int]]:
    """Writes wishes, each as a new version of its row, due at once. Answers key → (intent id, version)."""
    if not wishes:
        return {}
    newest = {wish.key: wish for wish in wishes}
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(intent)
    merging = statement.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "wanted": statement.excluded.wanted,
            "version": intent.c.version + 1,
            "state": "due",
            "not_before": now,
            "tries": 0,
            "reason": "",
            "reason_code": "",
            "changed_at": now,
        },
    ).returning(intent.c.key, intent.c.id, intent.c.version)
    rows = [
        {
            "kind": wish.kind,
            "key": wish.key,
            "shop_id": wish.shop_id,
            "object_id": wish.object_id,
            "wanted": wish.wanted,
            "not_before": now,
            "created_at": now,
            "changed_at": now,
        }
        for wish in sorted(newest.values(), key=lambda wish: wish.key)
    ]
    return {row.key: (row.id, row.version) for row in connection.execute(merging, rows)}


def due(connection: Connection, shop_id: str, kinds: Collection[str], now: datetime, limit: int) -> list[Intent]:
    """The next intents of a lane: stock that has run out, then the longest waiting."""
    of_shop_now = sa.and_(intent.c.shop_id == shop_id, intent.c.not_before <= now)
    longest_waiting = sa.select(*_INTENT).where(of_shop_now).order_by(intent.c.not_before, intent.c.id)
    first: list[Intent] = []
    if "stock" in kinds:
        first = [Intent(*row) for row in connection.execute(longest_waiting.where(SOLD_OUT).limit(limit))]
    query = longest_waiting.where(
        intent.c.kind.in_(kinds), intent.c.state == "due", intent.c.id.not_in([item.id for item in first])
    )
    return first + [Intent(*row) for row in connection.execute(query.limit(limit - len(first)))]


def sold_out(connection: Connection, now: datetime) -> set[str]:
    """Shops with stock that has run out and is still for sale on the channel."""
    query = sa.select(intent.c.shop_id).where(SOLD_OUT, intent.c.not_before <= now).distinct()
    return set(connection.scalars(query))


def find(connection: Connection, intent_id: int) -> Intent:
    """Raises ConfigurationError for an id that does not exist."""
    row = connection.execute(sa.select(*_INTENT).where(intent.c.id == intent_id)).one_or_none()
    if row is None:
        raise ConfigurationError(f"no intent {intent_id}; `qudao parked list` shows what waits for a person")
    return Intent(*row)


def of_object(connection: Connection, kind: str, shop_id: str, object_id: str) -> list[Intent]:
    """All intents about one object, oldest first."""
    query = (
        sa.select(*_INTENT)
        .where(intent.c.kind == kind, intent.c.shop_id == shop_id, intent.c.object_id == object_id)
        .order_by(intent.c.id)
    )
    return [Intent(*row) for row in connection.execute(query)]


def of_shop(connection: Connection, kind: str, shop_id: str) -> list[Intent]:
    """All intents of one kind in a shop, oldest first."""
    query = sa.select(*_INTENT).where(intent.c.kind == kind, intent.c.shop_id == shop_id).order_by(intent.c.id)
    return [Intent(*row) for row in connection.execute(query)]


def parked(connection: Connection, *, shop_id: str = "", kind: str = "", limit: int = 200) -> list[Intent]:
    """What waits for a person, newest first."""
    query = sa.select(*_INTENT).where(intent.c.state == "parked").order_by(intent.c.changed_at.desc()).limit(limit)
    if shop_id:
        query = query.where(intent.c.shop_id == shop_id)
    if kind:
        query = query.where(intent.c.kind == kind)
    return [Intent(*row) for row in connection.execute(query)]


def retry(connection: Connection, intent_id: int, now: datetime) -> bool:
    """Makes a parked or dismissed intent due again. False when it was neither."""
    changed = connection.execute(
        sa.update(intent)
        .where(intent.c.id == intent_id, intent.c.state.in_(("parked", "dismissed")))
        .values(state="due", not_before=now, tries=0, reason="", reason_code="", changed_at=now)
    )
    return changed.rowcount == 1


def again(connection: Connection, item: Intent, now: datetime) -> None:
    """What was done is wanted once more, as a new version. A newer wish has its own chance."""
    connection.execute(
        sa.update(intent)
        .where(intent.c.id == item.id, intent.c.version == item.version, intent.c.state == "done")
        .values(version=item.version + 1, state="due", not_before=now, tries=0, changed_at=now)
    )


def dismiss(connection: Connection, intent_id: int, note: str, now: datetime) -> bool:
    """Gives a parked intent up, with a note. False when it was not parked."""
    changed = connection.execute(
        sa.update(intent)
        .where(intent.c.id == intent_id, intent.c.state == "parked")
        .values(state="dismissed", reason=note, changed_at=now)
    )
    return changed.rowcount == 1


def withdraw_stock(connection: Connection, shop_id: str, object_ids: Collection[str], now: datetime) -> None:
    """Takes back numbers that are not sent yet, of listing SKUs that are not mapped any more."""
    connection.execute(
        sa.update(intent)
        .where(
            intent.c.kind == "stock",
            intent.c.shop_id == shop_id,
            intent.c.object_id.in_(object_ids),
            sa.or_(intent.c.state == "due", sa.and_(intent.c.state == "parked", intent.c.reason_code == CONFLICT)),
        )
        .values(state="dismissed", reason_code=UNMAPPED, reason="the listing SKU is not mapped to it", changed_at=now)
    )


def unsettled(connection: Connection, intent_ids: Collection[int]) -> dict[int, Attempt]:
    """Attempts whose outcome nobody knows, by intent."""
    query = sa.select(*_ATTEMPT).where(attempt.c.intent_id.in_(intent_ids), attempt.c.state.in_(UNSETTLED))
    return {row.intent_id: Attempt(*row) for row in connection.execute(query)}


def attempts(connection: Connection, intent_id: int) -> list[Attempt]:
    """The history of calls for an intent, oldest first."""
    query = sa.select(*_ATTEMPT).where(attempt.c.intent_id == intent_id).order_by(attempt.c.id)
    return [Attempt(*row) for row in connection.execute(query)]


def begin(connection: Connection, sent: Sequence[Intent], fence: int, now: datetime) -> dict[int, int]:
    """Opens an attempt for each intent before its call. Answers intent id → attempt id."""
    rows = [
        {
            "intent_id": item.id,
            "version": item.version,
            "fence": fence,
            "wanted": item.wanted,
            "state": "open",
            "started_at": now,
        }
        for item in sent
    ]
    opened = connection.execute(sa.insert(attempt).returning(attempt.c.intent_id, attempt.c.id), rows)
    return {row.intent_id: row.id for row in opened}


def park(connection: Connection, item: Intent, code: str, reason: str, now: datetime) -> bool:
    """A person must look at this version. False when a newer one is wanted meanwhile, which then has its own chance."""
    return outcomes.park(connection, [Parking(item.this_version, code, reason)], now) == 1


def supersede(connection: Connection, item: Intent, now: datetime) -> None:
    """A later wish about the same took its place."""
    connection.execute(
        sa.update(intent)
        .where(intent.c.id == item.id, intent.c.version == item.version, intent.c.state != "done")
        .values(state="dismissed", reason_code=SUPERSEDED, reason=TOOK_ITS_PLACE, changed_at=now)
    )


def adopted(connection: Connection, item: Intent, reason: str, now: datetime) -> None:
    """The channel's own value stands instead: what is not sent yet is given up, what was accepted stays so. A newer
    wish has its own chance.
    """
    connection.execute(
        sa.update(intent)
        .where(intent.c.id == item.id, intent.c.version == item.version)
        .values(
            state=sa.case((intent.c.state == "done", "done"), else_="dismissed"),
            reason_code=ADOPTED,
            reason=reason[:500],
            changed_at=now,
        )
    )


def still_due(connection: Connection, intent_ids: Collection[int]) -> set[int]:
    """Which of these are to be sent, seen from this transaction."""
    query = sa.select(intent.c.id).where(intent.c.id.in_(intent_ids), intent.c.state == "due")
    return set(connection.scalars(query))


def later(
    connection: Connection, item: Intent, until: datetime, code: str, reason: str, *, failed: bool = True
) -> None:
    """Not before then; a newer version stays due as it is. Without `failed` the wait counts as no try."""
    outcomes.delay(connection, [Delay(item.this_version, until, code, reason, failed)])


def wake(connection: Connection, kind: str, shop_id: str, object_id: str, code: str, now: datetime) -> None:
    """What waits for this reason need not wait any more."""
    connection.execute(
        sa.update(intent)
        .where(
            intent.c.kind == kind,
            intent.c.shop_id == shop_id,
            intent.c.object_id == object_id,
            intent.c.state == "due",
            intent.c.reason_code == code,
        )
        .values(not_before=now, reason="", reason_code="")
    )


def states(connection: Connection, asked: Collection[tuple[int, int]]) -> dict[tuple[int, int], tuple[str, str, str]]:
    """(intent, version) → (state, reason code, reason). State: queued, accepted, superseded, parked, dismissed."""
    found = {
        row.id: row
        for row in connection.execute(
            sa.select(
                intent.c.id,
                intent.c.version,
                intent.c.done_version,
                intent.c.state,
                intent.c.reason_code,
                intent.c.reason,
            ).where(intent.c.id.in_({intent_id for intent_id, _ in asked}))
        )
    }
    done = {
        (row.intent_id, row.version)
        for row in connection.execute(
            sa.select(attempt.c.intent_id, attempt.c.version).where(
                attempt.c.intent_id.in_(found), attempt.c.state == "accepted"
            )
        )
    }
    return {
        (intent_id, version): _state(found[intent_id], version, (intent_id, version) in done)
        for intent_id, version in asked
        if intent_id in found
    }


def _state(row: Any, version: int, accepted_itself: bool) -> tuple[str, str, str]:
    if accepted_itself or row.done_version == version:
        return "accepted", "", ""
    if row.version > version or row.reason_code == SUPERSEDED:
        return "superseded", "", TOOK_ITS_PLACE
    return ("queued" if row.state == "due" else row.state), row.reason_code, row.reason


_INTENT = [intent.c[name] for name in Intent.__dataclass_fields__]
_ATTEMPT = [attempt.c[name] for name in Attempt.__dataclass_fields__]
