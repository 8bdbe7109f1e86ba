"""The demo as users run it, and through the worst night: every worker killed, Redis emptied."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from commands import demo
from commands.demo_result import ChannelResult, Result
from connectors import CHANNELS
from sync import embedded
from tests.cli.conftest import Qudao, arguments, surroundings

pytestmark = pytest.mark.slow

ORDERS = 12
VERDICT = ("missing", "duplicated", "stock_agreed", "price_agreed")
VERDICT = ("missing", "duplicated", "stock_agreed", "price_agreed")
COLUMNS = {"placed", "in_feed", "shipped", "accepted", "p50_ms", "p99_ms", *VERDICT}


class Demo:
    """A demo in its own process, in a folder of its own."""

    def __init__(self, folder: Path, *words: str, **settings: str) -> None:
        self.place = folder / "place"
        self.log = folder / "said"
        command = ("demo", "--json", "--orders", str(ORDERS), "--duration", "8", "--folder", str(self.place), *words)
        with self.log.open("wb") as said:
            self.process = subprocess.Popen(
                arguments(*command),
                cwd=folder,
                env=surroundings(folder, **settings),
                stdout=subprocess.PIPE,
                stderr=said,
            )

    def pid(self, part: str) -> int:
        """The newest process of a part; 0 before it runs."""
        found = re.findall(rf"^{part} started \((\d+)\)", self.log.read_text(), re.MULTILINE)
        return int(found[-1]) if found else 0

    def until_orders_come(self, count: int) -> None:
        """Returns when the ERP has heard of so many orders."""
        journal = self.place / "erp.jsonl"
        deadline = time.monotonic() + 90
        while not journal.exists() or journal.read_text().count('"type": "qudao.order.created"') < count:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def result(self) -> dict[str, Any]:
        """The verdict of a demo in which everything agreed."""
        out, _ = self.process.communicate(timeout=280)
        assert self.process.returncode == 0, self.log.read_text()
        found: dict[str, Any] = json.loads(out)
        return found


def check(result: dict[str, Any]) -> None:
    assert result["ok"] is True
    assert result["channels"].keys() == CHANNELS.keys()
    for row in result["channels"].values():
        assert set(row) == COLUMNS
        assert [row[name] for name in VERDICT] == [0, 0, True, True]
        assert row["placed"] == row["in_feed"] == ORDERS / len(CHANNELS)
        assert row["shipped"] == row["accepted"] > 0


def kill_every_worker(demo: Demo) -> None:
    """Twice, so that the ones that took over die as well."""
    for _ in range(2):
        worker = demo.pid("worker")
        os.killpg(worker, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while demo.pid("worker") == worker:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)


def empty_redis(demo: Demo) -> None:
    with redis.Redis.from_url(f"unix://{embedded.socket(demo.place)}") as client:
        client.flushall()


@pytest.mark.parametrize("disaster", [kill_every_worker, empty_redis])
def test_nothing_is_lost_or_doubled(tmp_path: Path, disaster: Callable[[Demo], None]) -> None:
    night = Demo(tmp_path)
    night.until_orders_come(3)
    disaster(night)
    check(night.result())


def test_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    night = Demo(tmp_path, QUDAO_DATABASE_URL=postgres_url)
    check(night.result())
    assert not night.place.exists()


def test_ctrl_c_leaves_nothing_running(tmp_path: Path) -> None:
    night = Demo(tmp_path, "--keep")
    night.until_orders_come(1)
    children = [night.pid(part) for part in ("sandbox", "redis", "web", "worker", "beat", "listen", "erp")]
    assert 0 not in children
    night.process.send_signal(signal.SIGINT)
    out, _ = night.process.communicate(timeout=40)
    assert (night.process.returncode, out) == (130, b"")
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []
    assert (night.place / "qudao.db").exists()


def test_disagreement_is_exit_code_1_with_the_reasons(qudao: Qudao, monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = Result({"douyin": ChannelResult(placed=2, in_feed=1, missing=1)}, ["order 7 is not in the feed"])
    monkeypatch.setattr(demo, "_cast", lambda *_: [])
    monkeypatch.setattr(demo, "_play", lambda *_, **__: verdict)
    said = qudao("demo", "--json", QUDAO_LANG="en")
    assert said.code == 1
    assert said.json["ok"] is False
    assert said.json["channels"]["douyin"]["missing"] == 1
    assert said.err.splitlines() == ["order 7 is not in the feed", "1 things do not agree"]


def test_a_folder_in_use_is_refused(qudao: Qudao, tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "something").touch()
    said = qudao("demo", "--folder", "place")
    assert said.code == 3
    assert "not empty" in said.err
