"""Who is calling: `Authorization: Bearer qk_…`, looked up by hash and remembered for less than a second."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.access import Caller, KeyScope
from core.db import keys
from web.problems import Problem
from web.state import State

FRESH = timedelta(milliseconds=800)
"""How long a revoked key may still open a door; every process asks the database again after it."""
REMEMBERED = 10_000

_CHALLENGE = {"WWW-Authenticate": "Bearer"}


@dataclass(frozen=True)
class _Checked:
    caller: Caller | None
    at: datetime


class Keys:
    """The keys this process has seen lately."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._checked: dict[bytes, _Checked] = {}

    async def caller(self, authorization: str) -> Caller:
        """Whose key it is. Raises the problems `key_missing` and `key_invalid`."""
        scheme, _, plain = authorization.partition(" ")
        if not authorization or (scheme.lower() == "bearer" and not plain.strip()):
            raise Problem("key_missing", headers=_CHALLENGE)
        if scheme.lower() != "bearer":
            raise Problem("key_invalid", headers=_CHALLENGE)
        caller = await self._check(plain.strip())
        if caller is None:
            raise Problem("key_invalid", headers=_CHALLENGE)
        return caller

    async def _check(self, plain: str) -> Caller | None:
        digest = keys.digest(plain)
        now = self._state.runtime.clock.now()
        checked = self._checked.get(digest)
        if checked is None or now - checked.at >= FRESH:
            if len(self._checked) >= REMEMBERED:
                self._checked.clear()
            checked = _Checked(await self._state.read(self._look_up, plain), now)
            self._checked[digest] = checked
        return checked.caller

    def _look_up(self, plain: str) -> Caller | None:
        with self._state.runtime.database.read() as connection:
            found = keys.verify(connection, plain)
        return Caller(found, frozenset(KeyScope)) if found else None
