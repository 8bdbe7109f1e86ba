"""Bells without RQ: the interface of `sync.queue.Bells`, in memory, where they are lost as in a flushed Redis."""

from collections.abc import Callable, Iterable

import redis

from core.db.lanes import Lane
from sync.queue import BELL_SECONDS, Bells


class Ringing:
    """What Redis would hold: keys of bells that are out, and one queue of jobs."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._out: dict[tuple[Lane, bool], float] = {}
        self.jobs: list[Lane] = []
        self.down = False

    def flush(self) -> None:
        """Redis was emptied: no worker will hear what was rung."""
        self._out.clear()
        self.jobs.clear()

    def set_if_absent(self, lane: Lane, *, urgent: bool) -> bool:
        if self._out.get((lane, urgent), float("-inf")) + BELL_SECONDS > self._now():
            return False
        self._out[lane, urgent] = self._now()
        return True

    def forget(self, lane: Lane) -> None:
        for urgent in (False, True):
            self._out.pop((lane, urgent), None)


class SimulatedBells(Bells):
    """One process's access to them, through the Redis boundary."""

    def __init__(self, ringing: Ringing, cross: Callable[[], None]) -> None:
        self._ringing = ringing
        self._cross = cross

    def ring(self, lanes: Iterable[Lane], *, urgent: bool = False) -> None:
        try:
            for lane in sorted(lanes, key=str):
                self._reach()
                if self._ringing.set_if_absent(lane, urgent=urgent):
                    self._reach()  # between the key and the job a process may die: the bell is out and nobody comes
                    self._ringing.jobs.insert(0 if urgent else len(self._ringing.jobs), lane)
        except redis.RedisError:
            return

    def silence(self, lane: Lane) -> None:
        try:
            self._reach()
        except redis.RedisError:
            return
        self._ringing.forget(lane)

    def announce_feed(self) -> None:
        """Readers of the simulation look by themselves."""

    def _reach(self) -> None:
        self._cross()
        if self._ringing.down:
            raise redis.ConnectionError("connection refused")
