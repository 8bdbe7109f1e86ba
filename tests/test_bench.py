"""`make bench`: one page for all measurements, whatever becomes of each. Nothing is measured here."""

import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as bench


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bench, "RESULTS", tmp_path / "results.md")
    return tmp_path / "results.md"


def measured(monkeypatch: pytest.MonkeyPatch, *names: str, **outcomes: Any) -> int:
    """Runs these benches; answers the exit code."""
    monkeypatch.setattr(sys, "argv", ["bench", *names])
    monkeypatch.setattr(bench, "measure", lambda name: outcomes.get(name, ([{"shape": name, "calls": 1234}], "")))
    try:
        bench.main()
    except SystemExit as end:
        return 0 if end.code is None else 1
    return 0


def test_every_measurement_can_be_run_by_name() -> None:
    modules = {path.stem for path in Path(bench.__file__).parent.glob("[a-z]*.py")}
    assert modules == set(bench.ALL)


def test_one_that_fails_hides_no_other(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert measured(monkeypatch, hooks=([], "exit code 1: no server")) == 1
    text = page.read_text()
    assert [text.index(f"\n## {name}\n") for name in bench.ALL] == sorted(
        text.index(f"\n## {name}\n") for name in bench.ALL
    )
    assert "exit code 1: no server" in text
    assert text.count("| calls | 1,234 |") == len(bench.ALL) - 1
    assert socket.gethostname() not in text.split()


def test_what_is_not_measured_again_stays(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured(monkeypatch)
    before = page.read_text()
    assert measured(monkeypatch, "latency", latency=([{"shape": "quicker"}], "")) == 0
    after = page.read_text()
    assert "| shape | quicker |" in after
    assert after.partition("## latency")[0] == before.partition("## latency")[0]


def test_a_real_one_that_cannot_run_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert bench.measure("hooks") == ([], "exit code 1: ")
