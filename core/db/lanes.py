"""Lanes: who works on which shop's which kind of work, with a fence that outlives the owner."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from core.db.tables import lane
from core.db.upsert import upsert
from core.errors import QudaoError


class Kind(StrEnum):
    """A kind of work. Everything of one kind in one shop is done by one worker at a time."""

    NOTICES = "notices"
    SHIP = "ship"
    STOCK = "stock"
    PRICE = "price"
    MEMO = "memo"
    SHELF = "shelf"
    ADDRESS = "address"
    PULL = "pull"
    BACKFILL = "backfill"
    LISTEN = "listen"
    WEBHOOK = "webhook"


@dataclass(frozen=True)
class Lane:
    """A shop's work of one kind. LISTEN has an app, whose connection it is, and WEBHOOK a subscription for a shop."""

    shop_id: str
    kind: Kind

    def __str__(self) -> str:
        return f"{self.kind.value}@{self.shop_id}"


@dataclass
class Claim:
    """The right to work on a lane. `rung` is the bell count seen so far, `urgent` whether what is being sent comes
    before all else. `left` is what a predecessor was at when it ended without a word.
    """

    lane: Lane
    owner: str
    fence: int
    rung: int
    urgent: bool = False
    left: str = ""


class LaneLost(QudaoError):
    """Another worker owns the lane now; nothing may be written in its name any more."""


# Statements are made once: making one costs more than running it, and these run around every batch.
_NAMED = sa.and_(lane.c.shop_id == sa.bindparam("of_shop"), lane.c.kind == sa.bindparam("of_kind"))
_FENCED = sa.and_(_NAMED, lane.c.fence == sa.bindparam("with_fence"))
_FREE = sa.or_(lane.c.owner == "", lane.c.expires_at < sa.bindparam("now"))
_TAKE = (
    sa.update(lane)
    .where(_NAMED, _FREE)
    .values(owner=sa.bindparam("new_owner"), fence=lane.c.fence + 1, expires_at=sa.bindparam("until"))
    .returning(lane.c.fence, lane.c.rung, lane.c.doing)
)
_RING = sa.update(lane).where(_NAMED).values(rung=lane.c.rung + 1)
_HOLD = sa.update(lane).where(_FENCED, lane.c.owner == sa.bindparam("by")).values(expires_at=sa.bindparam("until"))
_BEGIN = _HOLD.values(doing=sa.bindparam("doing_now"))
_FAIL = sa.update(lane).where(_FENCED).values(owner="", expires_at=None)
_ABANDON = _FAIL.values(doing="")
_RELEASE = _ABANDON.where(lane.c.rung == sa.bindparam("heard"))
_LOOK = sa.select(lane.c.fence, lane.c.rung).where(_NAMED)
_SLEEP = sa.update(lane).where(_NAMED).values(not_before=sa.bindparam("until"))
_ASLEEP = sa.select(lane.c.not_before).where(_NAMED)
_BUSY = sa.and_(lane.c.owner != "", lane.c.expires_at >= sa.bindparam("now"))
_BUSY_OR_ASLEEP = sa.select(lane.c.shop_id, lane.c.kind).where(sa.or_(_BUSY, lane.c.not_before > sa.bindparam("now")))


def take(connection: Connection, wanted: Lane, owner: str, now: datetime, ttl: timedelta) -> Claim | None:
    """The claim, or None when another has it; then its owner will look once more before it lets go."""
    named = _named(wanted)
    taking = {**named, "now": now, "new_owner": owner, "until": now + ttl}
    row = connection.execute(_TAKE, taking).one_or_none()
    if row is None and connection.execute(_RING, named).rowcount == 0:  # nobody has ever worked on it
        upsert(connection, lane, [{"shop_id": wanted.shop_id, "kind": wanted.kind.value}])
        row = connection.execute(_TAKE, taking).one_or_none()
        if row is None:  # somebody was faster
            connection.execute(_RING, named)
    return Claim(wanted, owner, row.fence, row.rung, left=row.doing) if row is not None else None


def hold(connection: Connection, claim: Claim, now: datetime, ttl: timedelta, *, doing: str | None = None) -> None:
    """Proves the claim inside this transaction and prolongs it; with `doing` says what comes next. Raises LaneLost."""
    told = {**_fenced(claim), "by": claim.owner, "until": now + ttl}
    held = connection.execute(_HOLD, told) if doing is None else connection.execute(_BEGIN, told | {"doing_now": doing})
    if held.rowcount == 0:
        raise LaneLost(f"{claim.lane} has another owner")


def release(connection: Connection, claim: Claim) -> bool:
    """Lets go, unless a bell rang meanwhile: then False, the claim stays and the owner must look again."""
    if connection.execute(_RELEASE, {**_fenced(claim), "heard": claim.rung}).rowcount:
        return True
    row = connection.execute(_LOOK, _named(claim.lane)).one()
    if row.fence != claim.fence:
        return True
    claim.rung = row.rung
    return False


def abandon(connection: Connection, claim: Claim, *, failed: bool = False) -> None:
    """Lets go whatever rang; the sweeper will ring again. What `failed` in a way that nobody foresaw stays named."""
    connection.execute(_FAIL if failed else _ABANDON, _fenced(claim))


def sleep_until(connection: Connection, asleep: Lane, until: datetime) -> None:
    """Nobody is to ring this lane before then."""
    connection.execute(_SLEEP, {**_named(asleep), "until": until})


def busy_or_asleep(connection: Connection, now: datetime) -> set[Lane]:
    """Lanes that need no bell now."""
    return {Lane(row.shop_id, Kind(row.kind)) for row in connection.execute(_BUSY_OR_ASLEEP, {"now": now})}


def asleep_until(connection: Connection, wanted: Lane) -> datetime | None:
    until: datetime | None = connection.scalar(_ASLEEP, _named(wanted))
    return until


def _named(wanted: Lane) -> dict[str, Any]:
    return {"of_shop": wanted.shop_id, "of_kind": wanted.kind.value}


def _fenced(claim: Claim) -> dict[str, Any]:
    return {**_named(claim.lane), "with_fence": claim.fence}
