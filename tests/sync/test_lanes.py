"""Lanes: one owner at a time, a fence that stops the last one, and no bell lost between the last look and the
release.
"""

from datetime import timedelta

import pytest

from core.db import Database, lanes
from core.db.lanes import Claim, Kind, Lane, LaneLost
from tests.canonical import START

LANE = Lane("douyin:7", Kind.STOCK)
TTL = timedelta(seconds=30)


def take(database: Database, owner: str, seconds: float = 0) -> Claim | None:
    with database.write() as connection:
        return lanes.take(connection, LANE, owner, START + timedelta(seconds=seconds), TTL)


def hold(database: Database, claim: Claim, seconds: float = 0) -> None:
    with database.write() as connection:
        lanes.hold(connection, claim, START + timedelta(seconds=seconds), TTL)


def release(database: Database, claim: Claim) -> bool:
    with database.write() as connection:
        return lanes.release(connection, claim)


def taken(database: Database, owner: str, seconds: float = 0) -> Claim:
    claim = take(database, owner, seconds)
    assert claim is not None
    return claim


def test_a_lane_has_one_owner(database: Database) -> None:
    claim = taken(database, "one")
    assert take(database, "two") is None
    assert not release(database, claim), "the second bell must make the owner look once more"
    assert release(database, claim)
    assert taken(database, "two").fence == claim.fence + 1


def test_the_owner_whose_lease_ran_out_can_write_nothing(database: Database) -> None:
    claim = taken(database, "slow")
    assert take(database, "quick", seconds=29) is None
    successor = taken(database, "quick", seconds=31)
    with pytest.raises(LaneLost):
        hold(database, claim, seconds=32)
    hold(database, successor, seconds=32)
    assert release(database, claim), "nothing is left for the slow one to do"
    hold(database, successor, seconds=33)


def test_a_sign_of_life_prolongs_the_lease(database: Database) -> None:
    claim = taken(database, "one")
    hold(database, claim, seconds=25)
    assert take(database, "two", seconds=50) is None


def test_a_busy_or_sleeping_lane_needs_no_bell(database: Database) -> None:
    claim = taken(database, "one")
    with database.write() as connection:
        assert lanes.busy_or_asleep(connection, START) == {LANE}
        assert lanes.busy_or_asleep(connection, START + timedelta(seconds=31)) == set()
        lanes.abandon(connection, claim)
        lanes.sleep_until(connection, LANE, START + timedelta(seconds=5))
        assert lanes.busy_or_asleep(connection, START) == {LANE}
        assert lanes.busy_or_asleep(connection, START + timedelta(seconds=6)) == set()
