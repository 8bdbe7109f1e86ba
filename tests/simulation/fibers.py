"""Work that stops at a boundary and goes on later: greenlets, all in one thread.

What a fiber does between two stops happens at once. Nothing here knows what the work is; the day decides whose turn it
is, so a seed decides every interleaving.
"""

from collections.abc import Callable

from greenlet import getcurrent, greenlet


class Killed(BaseException):
    """The process is gone. Raised where it happens, and again wherever its cleaning up tries to reach the outside."""


class Process:
    """Something that can be killed. What it holds in memory is in `memory`, and is lost with it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.skew = 0.0
        """Seconds its clock is ahead of the platforms'."""
        self.fiber: Fiber | None = None
        self.memory: dict[str, object] = {}

    @property
    def idle(self) -> bool:
        return self.fiber is None or self.fiber.done


class Fiber:
    """One piece of a process's work. It runs when it is given a turn, until it stops or ends."""

    def __init__(self, baton: "Baton", process: Process, title: str, work: Callable[[], object]) -> None:
        self.process = process
        self.title = title
        self.done = False
        self.dead = False
        self.in_transaction = False
        self.late = False
        """Stood still after it was told that a request may leave."""
        self.wake_at = 0.0
        """Asleep, or standing still, until the world's clock shows this."""
        self.error: BaseException | None = None
        self._baton = baton
        self._work = work
        self._day = getcurrent()
        self._greenlet = greenlet(self._run)
        process.fiber = self

    def go_on(self) -> None:
        """Returns when it stops or ends. Called by the day only."""
        self._baton.holder = self
        self._greenlet.switch()
        self._baton.holder = None

    def stop(self, until: float) -> None:
        """Waits for a turn after then. Called by the fiber's own work only."""
        self.wake_at = until
        self._day.switch()
        if self.dead:
            raise Killed

    def kill(self) -> None:
        """Ends it wherever it stopped: it unwinds, and reaches nothing outside any more."""
        self.dead = True
        while not self.done:
            self.go_on()

    def _run(self) -> None:
        try:
            if not self.dead:
                self._work()
        except Killed:
            self.dead = True
        except BaseException as error:  # noqa: BLE001  # the day reports it as what it is
            self.error = error
        self.done = True


class Baton:
    """Who runs: a fiber, or the day itself (None)."""

    holder: Fiber | None = None
