"""Clocks of the world: the machine's, or one that stands still until told to advance."""

import time
from typing import Protocol


class Clock(Protocol):
    """Epoch seconds."""

    def now(self) -> float:
        """The current instant."""

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds` >= 0."""


class VirtualClock:
    """Moves only when advanced."""

    def __init__(self, start: float = 1_767_225_600.0) -> None:
        self._now = start

    def now(self) -> float:
        """The current instant."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move forward; ValueError when negative."""
        if seconds < 0:
            raise ValueError("time does not run backwards")
        self._now += seconds


class RealClock:
    """The machine's clock plus everything it was advanced by."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        """The current instant."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Jump forward; ValueError when negative."""
        if seconds < 0:
            raise ValueError("time does not run backwards")
        self._ahead += seconds
