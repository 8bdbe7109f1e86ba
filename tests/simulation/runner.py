"""Plays seeds one after another: an empty database and an empty Redis for each, and violations as values."""

import gc
import logging
import shutil
import signal
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import structlog

from core.db import Database
from core.db.migrations import upgrade
from tests import servers
from tests.simulation import guards, story
from tests.simulation.invariants import UNFORESEEN, Violation
from tests.vault import VAULT

MEMORY = Path("/dev/shm")  # our own folder is made inside
LONGEST_SECONDS = 180
SILENT = logging.CRITICAL
GARBAGE = 50_000
"""Objects that may become garbage before the collector looks."""


@dataclass(frozen=True)
class Played:
    """What became of a seed."""

    seed: int
    seconds: float
    """Of processor time."""
    violations: tuple[Violation, ...] = ()
    trace: str = ""
    digest: str = ""
    """Of the feed."""

    def lines(self, options: str = "") -> list[str]:
        """How to see it again, with what was broken; the same line for each violation."""
        return [f"make simulate SEED={self.seed}{options}: {violation}" for violation in self.violations]


class Stuck(Exception):
    """A seed does not come to its end."""


def play(
    seeds: Sequence[int], *, without: str = "", postgresql: bool = False, first_only: bool = False
) -> list[Played]:
    """Plays seeds; `without` names a guard to take away, `first_only` stops at the first violation."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(SILENT))
    done = []
    with ExitStack() as stack:
        folder = stack.enter_context(_folder())
        redis_url = stack.enter_context(servers.valkey())
        cluster = stack.enter_context(servers.postgres()) if postgresql else None
        databases = _PostgreSQL(cluster) if cluster else _SQLite(folder)
        stack.enter_context(guards.removed(without))
        _settle_down()
        for seed in seeds:
            with databases.empty() as database:
                done.append(_play(seed, database, redis_url, folder))
            if first_only and done[-1].violations:
                break
    return done


def _settle_down() -> None:
    """What is loaded by now stays: the collector need not look through it again and again during a day."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)


def _play(seed: int, database: Database, redis_url: str, folder: Path) -> Played:
    own = folder / f"day-{seed}"
    own.mkdir()
    began = time.process_time()
    trace = digest = ""
    try:
        with _patience():
            violations, digest = story.play(seed, database, redis_url, own)
    except Exception as error:  # noqa: BLE001  # whatever stops a day is a finding
        trace = traceback.format_exc()
        violations = [Violation(UNFORESEEN, f"{type(error).__name__}: {error}")]
    finally:
        shutil.rmtree(own)
    return Played(seed, time.process_time() - began, tuple(violations), trace, digest)


@contextmanager
def _patience() -> Iterator[None]:
    def stuck(_signal: int, _frame: FrameType | None) -> None:
        raise Stuck(f"the day has not ended after {LONGEST_SECONDS} s")

    before = signal.signal(signal.SIGALRM, stuck)
    signal.alarm(LONGEST_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _folder() -> Iterator[Path]:
    """In memory where the system has such a place."""
    path = Path(tempfile.mkdtemp(prefix="qudao-sim-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class _SQLite:
    """One file, which each seed finds as a copy of a migrated one. Its engine remembers how statements are written."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "day.db"
        self._template = folder / "template.db"
        self._database = Database(f"sqlite:///{self._path}", VAULT)
        upgrade(self._database)
        self._database.close()
        shutil.copy(self._path, self._template)

    @contextmanager
    def empty(self) -> Iterator[Database]:
        for left in self._path.parent.glob(f"{self._path.name}*"):
            left.unlink()
        shutil.copy(self._template, self._path)
        yield self._database
        self._database.close()


class _PostgreSQL:
    """A database for each seed, copied from a migrated one."""

    def __init__(self, cluster: servers.Postgres) -> None:
        self._cluster = cluster
        self._template = cluster.create_database()
        made = Database(cluster.url(self._template))
        upgrade(made)
        made.close()

    @contextmanager
    def empty(self) -> Iterator[Database]:
        name = self._cluster.create_database(self._template)
        opened = Database(self._cluster.url(name), VAULT)
        yield opened
        opened.close()
        self._cluster.drop_database(name)
