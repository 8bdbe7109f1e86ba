"""What all requests of one process share: the runtime, threads for SQL, and the ringer of bells."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import redis
import structlog

from core.db.lanes import Lane
from sync.queue import Bells
from sync.runtime import Runtime

P = ParamSpec("P")
R = TypeVar("R")

READERS = 8
WRITERS = 4

log = structlog.get_logger()


class Ringer:
    """Rings bells from a thread of its own, so that a slow or absent Redis never delays an answer.

    A bell that cannot be rung is dropped: the rows are committed and the sweeper rings for them.
    """

    def __init__(self, bells: Bells) -> None:
        self._bells = bells
        self._waiting: set[Lane] = set()
        self._changed = threading.Condition()
        self._open = True
        self._thread = threading.Thread(target=self._run, name="ringer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ring(self, lanes: Iterable[Lane]) -> None:
        """Never waits, never raises. Call it after the commit."""
        with self._changed:
            self._waiting.update(lanes)
            self._changed.notify()

    def close(self) -> None:
        """Rings what is waiting and ends; gives up after a second."""
        with self._changed:
            self._open = False
            self._changed.notify()
        self._thread.join(timeout=1)

    def _run(self) -> None:
        while lanes := self._take():
            try:
                self._bells.ring(lanes)
            except redis.RedisError as error:
                log.warning("bells not rung", lanes=len(lanes), error=type(error).__name__)

    def _take(self) -> set[Lane]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or not self._open)
            lanes, self._waiting = self._waiting, set()
            return lanes


class State:
    """Started with the server, closed when it stops. Reads and writes have threads apart: on SQLite writes queue."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.ringer = Ringer(runtime.bells)
        self._readers = ThreadPoolExecutor(READERS, "read")
        self._writers = ThreadPoolExecutor(WRITERS, "write")

    def start(self) -> None:
        self.ringer.start()

    async def read(self, work: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs blocking work that writes nothing."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, lambda: work(*args, **kwargs))

    async def write(self, work: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs blocking work that writes."""
        return await asyncio.get_running_loop().run_in_executor(self._writers, lambda: work(*args, **kwargs))

    def close(self) -> None:
        """Waits for the work under way."""
        self._readers.shutdown()
        self._writers.shutdown()
        self.ringer.close()
