"""A handful of seeds in every check; `make simulate SEEDS=1000` plays the rest."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def simulate(*words: str, seconds: float = 240) -> subprocess.CompletedProcess[str]:
    """Plays in a process of its own, where the order of sets is the same every time."""
    command = [sys.executable, "-m", "tests.simulation", "--jobs", "1", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_violated(seed: int) -> None:
    done = simulate("--seed", str(seed))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_nothing_is_violated_on_postgresql(postgres_cluster: object) -> None:
    done = simulate("--seed", "5", "--database", "postgresql")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_seed_is_the_same_day_every_time() -> None:
    one, other = (simulate("--seed", "6", "--digest").stdout.splitlines()[0] for _ in range(2))
    assert one.startswith("digest ")
    assert one == other


def test_an_unknown_guard_is_named() -> None:
    done = simulate("--seed", "1", "--without", "luck")
    assert done.returncode != 0
    assert "no guard 'luck'; there are fence," in done.stderr
