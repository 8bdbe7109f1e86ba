"""Who is calling: `Authorization: Bearer qk_…`, looked up by hash and remembered for less than a second.

A key that is revoked or expires stops what it has under way as well: reads that wait or stream are ended
(`while_good`). What it was last used at is written here too, from a task of its own, never in the way of a request.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core.access import Caller
from core.db import keys
from core.db.keys import KeyRow
from web.problems import Problem
from web.refusals import Refusals
from web.state import State

FRESH = timedelta(milliseconds=400)
"""How long a revoked key may still open a door; every process asks the database again after it."""
LOOK_SECONDS = 0.4
"""How often a process asks whether the keys with requests under way are still good. A read that a revoked key began
just before FRESH was over ends after both, which is less than a second.
"""
WRITE_SECONDS = 1.0
REMEMBERED = 10_000
USE_OF_KEY = "key:use"
"""The action in the audit log when a key is refused that was good once."""

_CHALLENGE = {"WWW-Authenticate": "Bearer"}

log = structlog.get_logger()


@dataclass(frozen=True)
class _Checked:
    row: KeyRow | None
    at: datetime


class Keys:
    """The keys this process has seen lately."""

    def __init__(self, state: State) -> None:
        self.refusals = Refusals(state)
        self._state = state
        self._checked: dict[bytes, _Checked] = {}
        self._asked: dict[bytes, asyncio.Task[_Checked]] = {}
        self._under_way: dict[str, set[asyncio.Timeout]] = {}
        self._unwritten: set[str] = set()
        self._written: dict[str, datetime] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Writing has a task of its own: on SQLite it may wait for another writer."""
        self._tasks = [
            asyncio.create_task(_again_and_again(LOOK_SECONDS, self._end_those_gone)),
            asyncio.create_task(_again_and_again(WRITE_SECONDS, self._write)),
        ]

    async def close(self) -> None:
        """Writes what is not written yet; call it before the state is closed."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(SQLAlchemyError):
            await self._write(ended=True)

    async def caller(self, authorization: str) -> Caller:
        """Whose key it is. Raises the problems `key_missing`, `key_invalid` and `key_expired`."""
        scheme, _, plain = authorization.partition(" ")
        if not authorization or (scheme.lower() == "bearer" and not plain.strip()):
            raise Problem("key_missing", headers=_CHALLENGE)
        if scheme.lower() != "bearer":
            raise unknown_key()
        row = await self._look_up(plain.strip())
        if row is None:
            raise unknown_key()
        now = self._state.runtime.clock.now()
        if not row.good(now):
            gone = "revoked" if row.revoked_at else "expired"
            await self.refusals.write(row.id, USE_OF_KEY, reason=gone)
            raise unknown_key() if row.revoked_at else Problem("key_expired", headers=_CHALLENGE)
        if row.id not in self._written or now - self._written[row.id] >= keys.USED_EVERY:
            self._unwritten.add(row.id)
        return Caller(row.id, row.scopes, row.shops, row.per_minute)

    @contextlib.asynccontextmanager
    async def while_good(self, caller: Caller) -> AsyncIterator[asyncio.Timeout]:
        """Ends what happens inside with TimeoutError within about a second of the key's end; `expired()` of what is
        handed out tells that it was this.
        """
        async with asyncio.timeout(None) as ending:
            under_way = self._under_way.setdefault(caller.id, set())
            under_way.add(ending)
            try:
                yield ending
            finally:
                under_way.discard(ending)

    async def _look_up(self, plain: str) -> KeyRow | None:
        """Requests that come at the same moment share one question to the database."""
        digest = keys.digest(plain)
        checked = self._checked.get(digest)
        if checked is None or self._state.runtime.clock.now() - checked.at >= FRESH:
            task = self._asked.get(digest)
            if task is None:
                task = self._asked[digest] = asyncio.create_task(self._ask(digest, plain))
                task.add_done_callback(lambda _: self._asked.pop(digest))
            checked = await asyncio.shield(task)
        return checked.row

    async def _ask(self, digest: bytes, plain: str) -> _Checked:
        def ask() -> KeyRow | None:
            with self._state.runtime.database.read() as connection:
                return keys.find(connection, plain)

        now = self._state.runtime.clock.now()
        checked = _Checked(await self._state.read(ask), now)
        if len(self._checked) >= REMEMBERED:
            self._checked.clear()
        self._checked[digest] = checked
        return checked

    async def _end_those_gone(self) -> None:
        for identity in [each for each, under_way in self._under_way.items() if not under_way]:
            del self._under_way[identity]
        asked = set(self._under_way)
        if not asked:
            return
        now = self._state.runtime.clock.now()

        def ask() -> set[str]:
            with self._state.runtime.database.read() as connection:
                return keys.good(connection, asked, now)

        gone = asked - await self._state.read(ask)
        if not gone:
            return
        self._checked = {d: each for d, each in self._checked.items() if each.row is None or each.row.id not in gone}
        for identity in gone:
            for ending in self._under_way.get(identity, ()):
                ending.reschedule(asyncio.get_running_loop().time())

    async def _write(self, *, ended: bool = False) -> None:
        """When keys were last used, at most once a minute for each, and how often refusals were repeated."""
        if self._unwritten:
            used, self._unwritten = self._unwritten, set()
            now = self._state.runtime.clock.now()
            if len(self._written) >= REMEMBERED:
                self._written.clear()
            self._written |= dict.fromkeys(used, now)
            await self._state.write(self._note_use, used, now)
        await self.refusals.flush(ended=ended)

    def _note_use(self, used: set[str], now: datetime) -> None:
        with self._state.runtime.database.write() as connection:
            keys.used(connection, used, now)


async def _again_and_again(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except SQLAlchemyError as error:
            log.warning("keys not followed", error=type(error).__name__)


def unknown_key() -> Problem:
    """The answer to a key that opens nothing."""
    return Problem("key_invalid", headers=_CHALLENGE)
