"""The way out for readings that a person asked for: they sit out the rate budget instead of giving up, and never take
more than a small part of it.
"""

from dataclasses import replace
from datetime import timedelta

from core.channel import Request, Transport, Urgency
from core.errors import Throttled
from sync.runtime import Runtime

CALLS_PER_SECOND = 5.0
"""How fast such readings go at most, however much of the budget is free."""
GIVE_UP = timedelta(minutes=10)
"""A budget that stays used up for so long needs a look at the shop first."""
WAIT_SECONDS = 1.0
"""Waited for a budget that does not say when it is free again."""


class Last:
    """`core.channel.Transport` for calls that everything else goes before."""

    def __init__(self, way: Transport) -> None:
        self._way = way

    def send(self, request: Request) -> bytes:
        return self._way.send(replace(request, call=replace(request.call, urgency=Urgency.BACKFILL)))


class Patient:
    """`core.channel.Transport` that waits."""

    def __init__(self, runtime: Runtime, calls_per_second: float = CALLS_PER_SECOND) -> None:
        self._runtime = runtime
        self._pause = timedelta(seconds=1 / calls_per_second)
        self._next = runtime.clock.now()
        self._way = Last(runtime.http)

    def send(self, request: Request) -> bytes:
        """Raises Throttled only after a long while; everything else as it comes."""
        since = self._runtime.clock.now()
        while True:
            self._wait(self._next - self._runtime.clock.now())
            self._next = self._runtime.clock.now() + self._pause
            try:
                return self._way.send(request)
            except Throttled as error:
                if self._runtime.clock.now() - since > GIVE_UP:
                    raise
                self._wait(timedelta(seconds=error.retry_after or WAIT_SECONDS))

    def _wait(self, time: timedelta) -> None:
        if time > timedelta(0):
            self._runtime.sleep(time.total_seconds())
