"""Keeps the parts of the product running as child processes: starts them, restarts those that die, stops them cleanly.

Every child has one end of a pipe as its standard input; when this process is gone, however it ended, the pipe closes
and the children stop by themselves (`follow_starter`).
"""

import contextlib
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FOLLOWING = "QUDAO_FOLLOW_STDIN"
"""Set in a child's environment: stop when standard input closes."""

LOOK_SECONDS = 0.1
STEADY_SECONDS = 10.0
"""A child that lived this long was well; its next start comes at once."""
LONGEST_WAIT_SECONDS = 5.0
STOP_SECONDS = 8.0
"""How long children may finish what they are at; rows make it harmless to cut them off after that."""
HOPELESS = (2, 3)
"""Exit codes that a restart cannot change: wrong usage, a setting."""


@dataclass
class Part:
    """One child and how it is started. `foundation` parts start first and stop last."""

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    foundation: bool = False
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    next_start: float = 0.0
    exits: list[int] = field(default_factory=list)
    once: bool = False
    """It cannot be started again: what it knew died with it."""


class Hopeless(Exception):
    """A part stops with a code that a restart cannot change; its own words are on stderr."""

    def __init__(self, name: str, code: int) -> None:
        super().__init__(name)
        self.name = name
        self.code = code


class Supervisor:
    """Runs parts until told to stop. `told` hears of every start and death."""

    def __init__(self, parts: Sequence[Part], told: Callable[[str], None] = lambda _: None) -> None:
        self.parts = list(parts)
        self._told = told
        self._stopping = threading.Event()

    def stop(self) -> None:
        """May be called from a signal handler or another thread; `run` then ends."""
        self._stopping.set()

    def run(self) -> None:
        """Blocks. Raises Hopeless when a part cannot be helped; every child is gone when it returns or raises."""
        try:
            for part in sorted(self.parts, key=lambda part: not part.foundation):
                self._start(part)
            while not self._stopping.wait(LOOK_SECONDS):
                for part in self.parts:
                    self._look(part)
        finally:
            self._stop_all()

    def pids(self) -> dict[str, int]:
        """The process id of every part that runs now."""
        return {part.name: part.process.pid for part in self.parts if part.process is not None}

    def _start(self, part: Part) -> None:
        part.process = part.start()
        part.started = time.monotonic()
        self._told(f"{part.name} started ({part.process.pid})")

    def _look(self, part: Part) -> None:
        now = time.monotonic()
        if part.process is None:
            if now >= part.next_start:
                self._start(part)
            return
        code = part.process.poll()
        if code is None:
            return
        _end_group(part.process, signal.SIGKILL)
        _close_pipe(part.process)
        part.process = None
        part.exits.append(code)
        if code in HOPELESS or part.once:
            raise Hopeless(part.name, code)
        part.failures = 0 if now - part.started > STEADY_SECONDS else part.failures + 1
        part.next_start = now + min(LONGEST_WAIT_SECONDS, 0.2 * 2**part.failures if part.failures else 0.0)
        self._told(f"{part.name} ended with {code}, starting it again")

    def _stop_all(self) -> None:
        for foundation in (False, True):
            group = [part for part in self.parts if part.foundation is foundation and part.process is not None]
            for part in group:
                _ask_to_stop(part)
            deadline = time.monotonic() + STOP_SECONDS
            for part in group:
                _wait(part, deadline)


def _ask_to_stop(part: Part) -> None:
    if part.process is None:
        return
    _close_pipe(part.process)
    if not part.foundation:
        with contextlib.suppress(ProcessLookupError):
            part.process.terminate()


def _close_pipe(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()


def _wait(part: Part, deadline: float) -> None:
    if part.process is None:
        return
    with contextlib.suppress(subprocess.TimeoutExpired):
        part.process.wait(max(0.1, deadline - time.monotonic()))
    _end_group(part.process, signal.SIGKILL)
    part.process.wait()
    part.process = None


def _end_group(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """Ends what a child left behind: every child leads a process group of its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, how)


def command(*arguments: str) -> list[str]:
    """The `qudao` of this installation with these arguments, also where it is not on PATH."""
    return [sys.executable, str(Path(__file__).parents[1] / "cli.py"), *arguments]


def program(script: Path, *arguments: str) -> list[str]:
    """Any Python script, made to follow its starter as our own commands do."""
    return [sys.executable, __file__, str(script), *arguments]


def child(
    name: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    log: Path | None = None,
    output: Path | None = None,
) -> Part:
    """A part that is another program: `qudao …` mostly. What it says goes to `log` (its plain output to `output`), else
    where ours goes."""

    def start() -> subprocess.Popen[bytes]:
        surroundings = {**os.environ, **environment, FOLLOWING: "1", "PYTHONUNBUFFERED": "1"}
        with contextlib.ExitStack() as files:
            errors = files.enter_context(log.open("ab")) if log else None
            plain = files.enter_context(output.open("ab")) if output else errors
            return subprocess.Popen(  # noqa: S603  # our own command with our own arguments
                list(arguments),
                stdin=subprocess.PIPE,
                stdout=plain,
                stderr=errors,
                env=surroundings,
                start_new_session=True,
            )

    return Part(name, start)


def follow_starter() -> None:
    """In a child of a supervisor: stop when the supervisor is gone."""
    if os.environ.get(FOLLOWING) != "1":
        return

    def wait_for_the_end() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(STOP_SECONDS)
        _end_own_group()

    threading.Thread(target=wait_for_the_end, name="follow starter", daemon=True).start()


def _run_script() -> None:
    follow_starter()
    del sys.argv[0], sys.path[0]
    runpy.run_path(sys.argv[0], run_name="__main__")


def _end_own_group() -> None:
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    _run_script()
