"""`make simulate`: plays seeds on all cores, one line of progress, one line for each violation, and a summary.

`make simulate SEEDS=1000` plays 1 to 1000, `SEED=1234` replays one; `WITHOUT=fence` takes a guard away, and
`DATABASE=postgresql` plays on PostgreSQL. The same seed is the same day, whatever the machine.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.runner import Played

HASHES = "PYTHONHASHSEED"
AT_ONCE = 5
"""Seeds that share a process's database template and Redis server."""
TOLD_EVERY = 50
"""Seeds between two lines of progress where nobody watches a terminal."""


def main() -> int:
    """The exit code: 1 when anything was violated."""
    asked = _arguments()
    if os.environ.get(HASHES) != "0":  # the order of sets is part of a day
        os.execve(  # noqa: S606  # ourselves again
            sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]], {**os.environ, HASHES: "0"}
        )
    seeds = [asked.seed] if asked.seed is not None else list(range(asked.first, asked.first + asked.seeds))
    options = f" WITHOUT={asked.without}" if asked.without else ""
    options += " DATABASE=postgresql" if asked.database == "postgresql" else ""
    began, broken, played, seconds = time.monotonic(), 0, 0, 0.0
    for done in _results(seeds, asked):
        for each in done:
            played += 1
            seconds += each.seconds
            broken += bool(each.violations)
            for line in each.lines(options):
                _print(line)
            if asked.digest:
                _print(f"digest {each.digest}")
            if each.trace and asked.seed is not None:
                _print(each.trace)
            if asked.first_only and broken:
                return 1
        _progress(f"{played} of {len(seeds)} seeds, {broken} with violations, {seconds / played:.1f} s each", played)
    _progress("", 0)
    _print(
        f"{played} seeds, {broken} with violations, {seconds / max(1, played):.2f} s of processor time each, "
        f"{time.monotonic() - began:.0f} s in all"
    )
    return 1 if broken else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds to play")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--seed", type=int, help="one seed alone")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once")
    parser.add_argument("--without", default="", help="the guard to take away; see guards.py")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--digest", action="store_true", help="print what makes two days the same")
    parser.add_argument("--first-only", action="store_true", help="stop at the first violation")
    return parser.parse_args()


def _results(seeds: Sequence[int], asked: argparse.Namespace) -> "Iterator[list[Played]]":
    from tests.simulation import runner  # noqa: PLC0415  # after the order of sets is settled

    options = {"without": asked.without, "postgresql": asked.database == "postgresql", "first_only": asked.first_only}
    if len(seeds) == 1 or asked.jobs == 1:
        for start in range(0, len(seeds), AT_ONCE):
            yield runner.play(seeds[start : start + AT_ONCE], **options)
        return
    size = max(1, min(AT_ONCE, len(seeds) // asked.jobs))
    with ProcessPoolExecutor(asked.jobs) as pool:
        parts = [pool.submit(runner.play, seeds[n : n + size], **options) for n in range(0, len(seeds), size)]
        for part in as_completed(parts):
            yield part.result()


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _progress(line: str, played: int) -> None:
    """In place on a terminal, else a line now and then."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{line}")
    elif played and played % TOLD_EVERY == 0:
        sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
