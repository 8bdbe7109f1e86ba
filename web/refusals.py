"""Refusals in the audit log: the first of a kind is written before its answer leaves, those that follow within a minute
are counted and added to its row, so that a storm of them writes one row a minute.
"""

import asyncio
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from core.db import audit
from core.db.audit import Outcome
from web.state import State

WINDOW_SECONDS = 60


@dataclass
class _Window:
    """The refusals of one key and action since `began`, on the loop's clock. `row` is known once it is written."""

    began: float
    row: asyncio.Task[int]
    more: int = 0


class Refusals:
    """What this process refused lately."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._windows: dict[tuple[str, str], _Window] = {}

    async def write(self, key: str, action: str, reason: str = "") -> None:
        """Returns once a row tells of it. Raises what the database raises."""
        now = asyncio.get_running_loop().time()
        window = self._windows.get((key, action))
        if window is None or now - window.began >= WINDOW_SECONDS:
            await self._finish((key, action))
            task = asyncio.create_task(self._state.write(self._insert, key, action, reason))
            window = self._windows[key, action] = _Window(now, task)
        else:
            window.more += 1
        try:
            await asyncio.shield(window.row)
        except Exception:
            if self._windows.get((key, action)) is window:
                del self._windows[key, action]
            raise

    async def flush(self, *, ended: bool = False) -> None:
        """Adds up what was counted in windows that are over, or in all when the server ends."""
        now = asyncio.get_running_loop().time()
        for place, window in list(self._windows.items()):
            if ended or now - window.began >= WINDOW_SECONDS:
                await self._finish(place)

    async def _finish(self, place: tuple[str, str]) -> None:
        window = self._windows.pop(place, None)
        if window is None or not window.more:
            return
        try:
            await self._state.write(self._add, await asyncio.shield(window.row), window.more)
        except SQLAlchemyError:
            self._windows.setdefault(place, window)
            raise

    def _insert(self, key: str, action: str, reason: str) -> int:
        with self._state.runtime.database.write() as connection:
            return audit.write(
                connection,
                at=self._state.runtime.clock.now(),
                key=key,
                action=action,
                outcome=Outcome.REFUSED,
                reason=reason,
            )

    def _add(self, row: int, times: int) -> None:
        with self._state.runtime.database.write() as connection:
            audit.again(connection, row, times)
