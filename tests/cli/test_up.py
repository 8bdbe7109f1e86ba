"""`qudao up` against a sandbox, as an operator uses it: one command runs everything, the others find it."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from connectors import CHANNELS
from examples.sandbox_control import SandboxControl
from tests.cli.conftest import Qudao, Said, arguments, surroundings

pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(reached: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := reached()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.5)  # asking costs the processors that it waits for
    return found


@contextmanager
def process(folder: Path, name: str, *words: str, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """`qudao …` in the background; what it says is in `<name>.log`."""
    with (folder / f"{name}.log").open("wb") as log:
        running = subprocess.Popen(
            arguments(*words), cwd=folder, env=surroundings(folder, **settings), stdout=log, stderr=log
        )
    try:
        yield running
    finally:
        if running.poll() is None:
            running.send_signal(signal.SIGINT)
            running.wait(30)


def pids(log: Path) -> dict[str, int]:
    """The newest process id of every part, as `up` told them."""
    return {name: int(pid) for name, pid in re.findall(r"^(\w+) started \((\d+)\)", log.read_text(), re.MULTILINE)}


def test_an_operators_day(tmp_path: Path, qudao: Qudao, qudao_process: Qudao) -> None:
    platforms, port = free_port(), free_port()
    url = f"http://127.0.0.1:{platforms}"
    settings = {
        **{f"QUDAO_{channel.upper()}_GATEWAY": url for channel in CHANNELS},
        "QUDAO_FIRST_PULL_DAYS": "0.04",
        "QUDAO_LANG": "en",
    }

    def run(*words: str) -> Said:
        return qudao(*words, **settings)

    def table(*words: str) -> Any:
        said = run(*words, "--json")
        assert said.code in (0, 1), said.err
        return said.json

    sandbox = process(tmp_path, "sandbox", "sandbox", "--port", str(platforms), "--seed", "7")
    with sandbox, SandboxControl(url) as control:
        until(control.answers)
        with process(tmp_path, "up", "up", "--port", str(port), **settings) as up:
            until(lambda: "listen" in pids(tmp_path / "up.log"))
            shops = [row["shop"] for row in table("shop", "add", "--from-sandbox", url)]
            assert sorted(shop.partition(":")[0] for shop in shops) == sorted(CHANNELS)
            mapped = until(lambda: {row["shop"] for row in table("map", "list") if row["sku"]} == set(shops))
            assert mapped
            assert any(not row["sku"] for row in table("map", "list", "--unmapped"))

            assert run("stock", "set", "SKU-0002", "33").code == 0
            until(lambda: {row["state"] for row in table("stock", "show", "SKU-0002")} == {"done"})
            truth = control.truth()["channels"]
            assert {
                sku["last_set"]["quantity"]
                for channel in truth.values()
                for shop in channel["shops"].values()
                for sku in shop["skus"].values()
                if sku["code"] == "SKU-0002"
            } == {33}

            channel = shops[0].partition(":")[0]
            (order,) = control.place(channel, variant="plain")
            found = until(lambda: table("orders", "list", "--shop", shops[0]))
            assert found[0]["order"] == order
            assert table("orders", "show", order)["order"]["status"] == "to_ship"
            assert f" {order} " in run("feed", "tail", "--type", "order.created").out

            [again] = table("resync", "orders", "--shop", shops[0], "--since", "20m", "--dry-run")
            assert again["differing"] == 0
            assert table("resync", "listings", "--shop", shops[1])["unchanged"] > 0
            assert all(row["shown"] is not None for row in table("resync", "stock", "--shop", shops[1]))
            assert table("resync", "stock", "--shop", shops[1], "--push") == {"queued": 1}

            doctor = run("doctor", "--json")
            assert doctor.code == 0, doctor.out
            assert sum("gateway answers" in finding["detail"] for finding in doctor.json["findings"]) == len(CHANNELS)

            worker = pids(tmp_path / "up.log")["worker"]
            os.killpg(worker, signal.SIGKILL)
            until(lambda: pids(tmp_path / "up.log")["worker"] != worker)
            run("stock", "set", "SKU-0002", "44")
            until(lambda: {row["state"] for row in table("stock", "show", "SKU-0002")} == {"done"})

            taken = qudao_process("up", "--port", str(port), **settings)
            assert (taken.code, len(taken.err.splitlines())) == (3, 1)
            assert "choose another with --port" in taken.err

            children = pids(tmp_path / "up.log").values()
            up.send_signal(signal.SIGTERM)
            assert up.wait(30) == 0
        assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []
    assert "Traceback" not in (tmp_path / "up.log").read_text()


def test_a_database_that_cannot_be_opened_ends_up_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        arguments("up", "--port", str(free_port())),
        cwd=tmp_path,
        env=surroundings(tmp_path, QUDAO_DATABASE_URL=f"postgresql://nobody@/nothing?host={tmp_path}"),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 4
    assert len(done.stderr.splitlines()) == 1
