"""Lanes: who works on which shop's which kind of work, with a fence that outlives the owner."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

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
    PULL = "pull"
    BACKFILL = "backfill"
    LISTEN = "listen"


@dataclass(frozen=True)
class Lane:
    """A shop's work of one kind. For LISTEN the shop is the app that owns the connection."""

    shop_id: str
    kind: Kind

    def __str__(self) -> str:
        return f"{self.kind.value}@{self.shop_id}"


@dataclass
class Claim:
    """The right to work on a lane. `rung` is the bell count seen so far, `urgent` whether what is being sent comes
    before all else.
    """

    lane: Lane
    owner: str
    fence: int
    rung: int
    urgent: bool = False


class LaneLost(QudaoError):
    """Another worker owns the lane now; nothing may be written in its name any more."""


def take(connection: Connection, wanted: Lane, owner: str, now: datetime, ttl: timedelta) -> Claim | None:
    """The claim, or None when another has it; then its owner will look once more before it lets go."""
    key = {"shop_id": wanted.shop_id, "kind": wanted.kind.value}
    upsert(connection, lane, [key])
    row = connection.execute(
        sa.update(lane)
        .where(_is(wanted), sa.or_(lane.c.owner == "", lane.c.expires_at < now))
        .values(owner=owner, fence=lane.c.fence + 1, expires_at=now + ttl)
        .returning(lane.c.fence, lane.c.rung)
    ).one_or_none()
    if row is None:
        connection.execute(sa.update(lane).where(_is(wanted)).values(rung=lane.c.rung + 1))
        return None
    return Claim(wanted, owner, row.fence, row.rung)


def hold(connection: Connection, claim: Claim, now: datetime, ttl: timedelta) -> None:
    """Proves the claim inside this transaction and prolongs it. Raises LaneLost."""
    held = connection.execute(
        sa.update(lane)
        .where(_is(claim.lane), lane.c.fence == claim.fence, lane.c.owner == claim.owner)
        .values(expires_at=now + ttl)
    )
    if held.rowcount == 0:
        raise LaneLost(f"{claim.lane} has another owner")


def release(connection: Connection, claim: Claim) -> bool:
    """Lets go, unless a bell rang meanwhile: then False, the claim stays and the owner must look again."""
    let_go = connection.execute(
        sa.update(lane)
        .where(_is(claim.lane), lane.c.fence == claim.fence, lane.c.rung == claim.rung)
        .values(owner="", expires_at=None)
    )
    if let_go.rowcount:
        return True
    row = connection.execute(sa.select(lane.c.fence, lane.c.rung).where(_is(claim.lane))).one()
    if row.fence != claim.fence:
        return True
    claim.rung = row.rung
    return False


def abandon(connection: Connection, claim: Claim) -> None:
    """Lets go whatever rang; the sweeper will ring again."""
    connection.execute(
        sa.update(lane).where(_is(claim.lane), lane.c.fence == claim.fence).values(owner="", expires_at=None)
    )


def sleep_until(connection: Connection, asleep: Lane, until: datetime) -> None:
    """Nobody is to ring this lane before then."""
    connection.execute(sa.update(lane).where(_is(asleep)).values(not_before=until))


def busy_or_asleep(connection: Connection, now: datetime) -> set[Lane]:
    """Lanes that need no bell now."""
    rows = connection.execute(
        sa.select(lane.c.shop_id, lane.c.kind).where(
            sa.or_(sa.and_(lane.c.owner != "", lane.c.expires_at >= now), lane.c.not_before > now)
        )
    )
    return {Lane(row.shop_id, Kind(row.kind)) for row in rows}


def asleep_until(connection: Connection, wanted: Lane) -> datetime | None:
    until: datetime | None = connection.scalar(sa.select(lane.c.not_before).where(_is(wanted)))
    return until


def _is(wanted: Lane) -> sa.ColumnElement[bool]:
    return sa.and_(lane.c.shop_id == wanted.shop_id, lane.c.kind == wanted.kind.value)
