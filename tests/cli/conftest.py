"""The command as its users run it: a folder of its own, nothing of ours in the environment."""

import contextlib
import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

import cli

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Qudao = Callable[..., Said]


def surroundings(folder: Path, **settings: str) -> dict[str, str]:
    """The environment without any QUDAO setting of the developer's, with these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QUDAO_")}
    return {**kept, "QUDAO_DATA_DIR": str(folder / "data"), "COLUMNS": "200", **settings}


def arguments(*words: str) -> list[str]:
    return [sys.executable, str(ROOT / "cli.py"), *words]


@pytest.fixture
def qudao_process(tmp_path: Path) -> Qudao:
    """Runs `qudao …` as another process, in a folder of this test's own."""

    def run(*words: str, stdin: str = "", **settings: str) -> Said:
        done = subprocess.run(
            arguments(*words),
            cwd=tmp_path,
            env=surroundings(tmp_path, **settings),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def qudao(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Qudao]:
    """Runs `qudao …` in this process, which spares a second of imports; the folder is this test's own."""
    handlers = logging.root.handlers[:]
    monkeypatch.chdir(tmp_path)

    def run(*words: str, **settings: str) -> Said:
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("QUDAO_")]:
                patch.delenv(name)
            for name, value in {"QUDAO_DATA_DIR": str(tmp_path / "data"), "COLUMNS": "200", **settings}.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["qudao", *words])
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = outcome()
        return Said(code, out.getvalue(), err.getvalue())

    yield run
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers


def outcome() -> int:
    """The exit code of the command in sys.argv."""
    try:
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0
