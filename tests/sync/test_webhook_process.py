"""The sending process is killed in the midst of its work: nothing is lost, and every object keeps its order."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.db import Database
from tests.sync.webhook_ground import SHOP, Ground, ground
from tests.sync.webhook_target import OK, Answer, Got, target
from tests.vault import SECRET

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@contextmanager
def sender(database: Database, redis_url: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`qudao webhooks` as an operator runs it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QUDAO_")}
    settings = {
        "QUDAO_DATABASE_URL": database.url.render_as_string(hide_password=False),
        "QUDAO_REDIS_URL": redis_url,
        "QUDAO_SECRET_KEY": SECRET,
        "QUDAO_DATA_DIR": str(folder),
        "QUDAO_LEASE_SECONDS": "2",
        "QUDAO_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
    }
    with (folder / "webhooks.log").open("ab") as log:
        running = subprocess.Popen(
            [sys.executable, str(ROOT / "cli.py"), "webhooks"], env={**kept, **settings}, stdout=log, stderr=log
        )
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def until(reached: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


@pytest.fixture
def here(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Ground]:
    with ground(database, redis_url, tmp_path) as made:
        yield made


def test_killed_senders_lose_nothing_and_keep_the_order(here: Ground, redis_url: str, tmp_path: Path) -> None:
    database, chance = here.runtime.database, random.Random(7)
    names = [f"o{number}" for number in range(12)]

    def slowly(_: Got) -> Answer:
        time.sleep(0.01)
        return OK

    with target() as there:
        there.decide = slowly
        identity, _ = here.subscribe(there.url)
        for _ in range(3):
            before = len(there.got)
            with sender(database, redis_url, tmp_path) as first, sender(database, redis_url, tmp_path):
                for _ in range(6):
                    here.happen(*chance.sample(names, 8), *chance.sample(names, 8))
                    here.runtime.bells.announce_feed()
                until(lambda before=before: len(there.got) >= before + chance.randrange(20, 60))  # type: ignore[misc]
                first.send_signal(signal.SIGKILL)
                first.wait()
        with sender(database, redis_url, tmp_path) as last:
            until(lambda: here.deliveries(identity) and set(here.states(identity)) == {"delivered"})
            last.send_signal(signal.SIGTERM)
            assert last.wait(20) == 0
        seen = dict.fromkeys(there.sequence())
    for name in names:
        assert [number for found, number in seen if found == name] == list(range(1, here.revisions[SHOP, name] + 1))
    assert len(seen) == 3 * 6 * 16
    assert "Traceback" not in (tmp_path / "webhooks.log").read_text()


def test_an_announced_event_is_sent_at_once_and_an_unannounced_one_soon(
    here: Ground, redis_url: str, tmp_path: Path
) -> None:
    with target() as there, sender(here.runtime.database, redis_url, tmp_path):
        here.subscribe(there.url)
        here.happen("o1")
        until(lambda: there.got)
        here.happen("o2")
        until(lambda: len(there.got) == 2, 10)
        here.happen("o3")
        here.runtime.bells.announce_feed()
        until(lambda: len(there.got) == 3, 10)
