"""The command as its users run it: another process, a folder of its own, nothing of ours in the environment."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

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
def qudao(tmp_path: Path) -> Qudao:
    """Runs `qudao …` in a folder of this test's own."""

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
