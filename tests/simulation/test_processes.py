"""One seeded run with real processes and real signals: web, worker, listener and beat are killed or stopped at random.

The demo's own verdict compares the platforms' truth with what an ordinary ERP saw; the database it leaves must keep the
simulation's promises about the feed.
"""

import contextlib
import os
import signal
import time
from pathlib import Path
from random import Random

import pytest

from connectors import CHANNELS
from core.crypto import Vault
from core.db import Database, feed
from tests.cli.test_demo import Demo
from tests.simulation import invariants

pytestmark = pytest.mark.long

SEED = 20261111
ORDERS = 6 * len(CHANNELS)
PARTS = ("web", "worker", "worker", "worker", "listen", "beat")
BLOWS = 14
LEASE = 4.0


def children(pid: int) -> list[int]:
    """The processes that this one started."""
    with contextlib.suppress(FileNotFoundError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def strike(night: Demo, dice: Random) -> list[int]:
    """Kills a part or one of its children, or makes it stand still. Answers who stands still."""
    pid = night.pid(dice.choice(PARTS))
    within = children(pid)
    victim = dice.choice(within) if within and dice.random() < 0.6 else pid
    stop = dice.random() < 0.4
    with contextlib.suppress(ProcessLookupError):
        os.kill(victim, signal.SIGSTOP if stop else signal.SIGKILL)
        return [victim] if stop else []
    return []


def wake(stopped: list[int]) -> None:
    for pid in stopped:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    stopped.clear()


def test_processes_die_and_stand_still_at_random(tmp_path: Path) -> None:
    dice = Random(SEED)
    night = Demo(tmp_path, "--orders", str(ORDERS), "--duration", "14", "--keep", QUDAO_LEASE_SECONDS=str(LEASE))
    night.until_orders_come(2)
    stopped: list[int] = []
    try:
        for _ in range(BLOWS):
            stopped += strike(night, dice)
            time.sleep(dice.uniform(0.2, 1.2))
            if dice.random() < 0.3:
                wake(stopped)
        time.sleep(LEASE)  # whoever still stands has lost its lease, and must find out
    finally:
        wake(stopped)
    result = night.result()
    for row in result["channels"].values():
        assert (row["missing"], row["duplicated"], row["in_feed"]) == (0, 0, row["placed"])
        assert (row["shipped"], row["stock_agreed"], row["price_agreed"]) == (row["accepted"], True, True)
    assert promises_broken(night.place / "qudao.db") == []


def promises_broken(path: Path) -> list[str]:
    """What the database that is left says about the feed."""
    database = Database(f"sqlite:///{path}", Vault.kept_in(path.parent))
    with database.read() as connection:
        rows = feed.read(connection, 0, 1_000_000)
        broken = [*invariants.feed_histories(rows), *invariants.replayed(connection, rows)]
    database.close()
    assert rows
    return [str(violation) for violation in broken]
