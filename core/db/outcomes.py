"""What became of a batch of calls, written at once: one statement for each thing to write, however many calls."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from core.db.tables import attempt, intent

UNSETTLED = ("open", "unknown")


class Version(NamedTuple):
    """An intent as it was wanted at some time."""

    intent_id: int
    version: int


@dataclass(frozen=True)
class Ending:
    """What became of a call: `state` as in the table, and what was answered or seen."""

    attempt_id: int
    state: str
    code: str = ""
    message: str = ""
    request_id: str = ""


@dataclass(frozen=True)
class Delay:
    """A version that is not due before `until`. Without `failed` the wait counts as no try."""

    of: Version
    until: datetime
    code: str = ""
    reason: str = ""
    failed: bool = True


@dataclass(frozen=True)
class Parking:
    """A version that a person must look at, and why."""

    of: Version
    code: str
    reason: str


# Made once: making a statement costs more than running it, and these run for every batch.
_IDS = sa.bindparam("ids", type_=intent.c.id.type, expanding=True)
_HELD = sa.bindparam("held", type_=intent.c.version.type)
_THIS_ATTEMPT = (
    attempt.c.id == sa.bindparam("of"),
    sa.or_(*(attempt.c.state == state for state in UNSETTLED)),  # an IN does not go with many rows of parameters
)
_THIS_VERSION = intent.c.id == sa.bindparam("of"), intent.c.version == sa.bindparam("wished")
_LOCKED = (
    sa.select(intent.c.id, intent.c.version)
    .where(intent.c.id.in_(_IDS))
    .order_by(intent.c.key)
    .with_for_update(key_share=True)
)
_END = (
    sa.update(attempt)
    .where(*_THIS_ATTEMPT)
    .values(
        state=sa.bindparam("ended"),
        code=sa.bindparam("named"),
        message=sa.bindparam("words"),
        request_id=sa.bindparam("request"),
        ended_at=sa.bindparam("now"),
    )
)
_READ_BACK = (
    sa.update(attempt)
    .where(*_THIS_ATTEMPT)
    .values(state=sa.bindparam("ended"), resolution=sa.bindparam("words"), resolved_at=sa.bindparam("now"))
)
_ACCEPT = (
    sa.update(intent)
    .where(intent.c.id == sa.bindparam("of"))
    .values(
        done_version=sa.case((intent.c.done_version < _HELD, _HELD), else_=intent.c.done_version),
        state=sa.case((intent.c.version <= _HELD, "done"), else_=intent.c.state),
        reason=sa.case((intent.c.version <= _HELD, ""), else_=intent.c.reason),
        reason_code=sa.case((intent.c.version <= _HELD, ""), else_=intent.c.reason_code),
        tries=0,
        changed_at=sa.bindparam("now"),
    )
)
_DELAY = (
    sa.update(intent)
    .where(*_THIS_VERSION)
    .values(
        not_before=sa.bindparam("until"),
        tries=intent.c.tries + sa.bindparam("failures"),
        reason_code=sa.bindparam("named"),
        reason=sa.bindparam("words"),
    )
)
_PARK = (
    sa.update(intent)
    .where(*_THIS_VERSION)
    .values(
        state="parked",
        reason_code=sa.bindparam("named"),
        reason=sa.bindparam("words"),
        changed_at=sa.bindparam("now"),
    )
)
_TELL = sa.update(intent).where(intent.c.id.in_(_IDS)).values(told=intent.c.told + 1)
_SAME = intent.alias()
_REVISIONS = (
    sa.select(intent.c.id, sa.func.sum(_SAME.c.told).label("revision"))
    .join(
        _SAME,
        sa.and_(
            _SAME.c.shop_id == intent.c.shop_id,
            _SAME.c.kind == intent.c.kind,
            _SAME.c.object_id == intent.c.object_id,
        ),
    )
    .where(intent.c.id.in_(_IDS))
    .group_by(intent.c.id)
)


def locked(connection: Connection, intent_ids: Collection[int]) -> dict[int, int]:
    """Intent id → the version wanted now, which stays so until the transaction ends. Takes the rows in the order in
    which wishes do, so that neither waits for the other.
    """
    return {row.id: row.version for row in connection.execute(_LOCKED, {"ids": list(intent_ids)})}


def end(connection: Connection, endings: Sequence[Ending], now: datetime) -> None:
    """Writes what was answered. What is settled already stays."""
    rows = [
        {
            "of": each.attempt_id,
            "ended": each.state,
            "named": each.code,
            "words": each.message[:500],
            "request": each.request_id,
            "now": now,
        }
        for each in endings
    ]
    if rows:
        connection.execute(_END, rows)


def read_back(connection: Connection, endings: Sequence[Ending], now: datetime) -> None:
    """Settles calls by what the channel shows, which is their message. What was answered before stays."""
    rows = [{"of": each.attempt_id, "ended": each.state, "words": each.message[:500], "now": now} for each in endings]
    if rows:
        connection.execute(_READ_BACK, rows)


def accept(connection: Connection, versions: Sequence[Version], now: datetime) -> None:
    """The channel holds these versions now. An intent is done unless a newer one is wanted meanwhile."""
    rows = [{"of": each.intent_id, "held": each.version, "now": now} for each in versions]
    if rows:
        connection.execute(_ACCEPT, rows)


def delay(connection: Connection, delays: Sequence[Delay]) -> None:
    """Not before then. A newer version stays due as it is."""
    rows = [
        {
            "of": each.of.intent_id,
            "wished": each.of.version,
            "until": each.until,
            "failures": int(each.failed),
            "named": each.code,
            "words": each.reason[:500],
        }
        for each in delays
    ]
    if rows:
        connection.execute(_DELAY, rows)


def park(connection: Connection, parkings: Sequence[Parking], now: datetime) -> int:
    """Hands versions to a person. Answers how many of them are still wanted; a newer one has its own chance."""
    rows = [
        {
            "of": each.of.intent_id,
            "wished": each.of.version,
            "named": each.code,
            "words": each.reason[:500],
            "now": now,
        }
        for each in parkings
    ]
    return connection.execute(_PARK, rows).rowcount if rows else 0


def tell(connection: Connection, intent_ids: Collection[int]) -> dict[int, int]:
    """Counts an outcome of each that goes into the feed. Answers intent id → its revision, rising over all intents
    about the same object; no two of these are.
    """
    if not intent_ids:
        return {}
    told = {"ids": list(intent_ids)}
    connection.execute(_TELL, told)
    return {row.id: int(row.revision) for row in connection.execute(_REVISIONS, told)}
