"""Where a process touches the outside, and what may happen to it there: SQL statements, commits, requests, Redis.

At each boundary the fates may kill the process, cut the connection, or take the baton away for a moment or for longer
than any lease. A dead process reaches nothing: what its cleaning up tries is refused. A fiber never stops inside a
transaction, where it would keep others in the same thread waiting for its locks.
"""

import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import parse_qsl

import httpx
import psycopg
import redis

from core.db import Database
from sandbox.gateway import NoAnswer, Request
from sandbox.sandbox import Sandbox
from tests.simulation.fibers import Baton, Fiber, Killed

SQL, COMMIT, COMMITTED, REQUEST, TAKEN, ANSWER, REDIS, STEP = (
    "sql", "commit", "committed", "request", "taken", "answer", "redis", "step",
)  # fmt: skip

KILLS = {SQL: 2500, COMMIT: 450, COMMITTED: 400, REQUEST: 500, TAKEN: 350, ANSWER: 500, REDIS: 700, STEP: 150}
"""A process dies about once in so many crossings of a boundary of this kind."""
CUTS = {SQL: 4000, COMMIT: 900, COMMITTED: 900, TAKEN: 250, REDIS: 1500}
"""The connection breaks about once in so many crossings. At TAKEN the answer is lost, at COMMITTED the news of it."""
PAUSES = {SQL: 12, COMMITTED: 8, REQUEST: 5, ANSWER: 5, REDIS: 25, STEP: 4}
"""Others go on first, about once in so many crossings."""
PAUSE_SECONDS = 0.7
LONG_PAUSES = 0.15
"""The part of them that lasts twelve times as long, and still less than a lease."""
STALLS = {SQL: 400, COMMITTED: 250, ANSWER: 150}
"""The process stands still for longer than its lease. Not between the proof of a lease and the request it is for: no
platform knows our fences, so nothing can tell a request that left too late (DESIGN has no answer, and says so).
"""
STALE = {ANSWER: 6}
"""A reading of one order is answered by a replica that is behind, about once in so many."""
REPLICA_SECONDS = 60.0
"""How far it may be behind."""
LIMIT_SECONDS = 1.0
"""How far back the platforms of a simulated day count calls."""
STALL_SECONDS = (31.0, 120.0)


@dataclass
class Fates:
    """How often what happens, and the dice. Switched off, everybody lives and runs straight through."""

    dice: Random
    on: bool = False
    scale: float = 1.0
    """A wilder day has less than 1."""
    struck: dict[str, int] = field(default_factory=dict)
    _left: dict[tuple[str, str], float] = field(default_factory=dict)

    def strikes(self, what: str, means: dict[str, int], boundary: str) -> bool:
        mean = means.get(boundary)
        if not self.on or mean is None:
            return False
        key = (what, boundary)
        left = self._left.get(key)
        if left is None:
            left = self.dice.expovariate(1 / (mean * (1 if what == "pause" else self.scale)))
        left -= 1
        if left > 0:
            self._left[key] = left
            return False
        self._left.pop(key, None)
        self.struck[what] = self.struck.get(what, 0) + 1
        return True


class Boundaries:
    """Every crossing of the day goes through here."""

    def __init__(self, baton: Baton, fates: Fates, now: Callable[[], float]) -> None:
        self._baton = baton
        self._fates = fates
        self._now = now

    def cross(self, boundary: str, cut: Callable[[], BaseException] | None = None) -> None:
        """Raises Killed, or what `cut` makes; else returns, perhaps after others had their turn."""
        fiber = self._baton.holder
        if fiber is None:
            return
        if fiber.dead:
            raise Killed
        fates = self._fates
        if not fates.on:
            return
        if boundary not in (REDIS, REQUEST):
            fiber.late = False
        if not fiber.in_transaction:
            self._interrupt(fiber, boundary)
        if fates.strikes("kill", KILLS, boundary):
            fiber.dead = True
            raise Killed
        if cut is not None and fates.strikes("cut", CUTS, boundary):
            raise cut()

    def _interrupt(self, fiber: Fiber, boundary: str) -> None:
        if self._fates.strikes("stall", STALLS, boundary):
            fiber.stop(self._now() + self._fates.dice.uniform(*STALL_SECONDS))
        elif self._fates.strikes("pause", PAUSES, boundary):
            fiber.late = boundary in (REDIS, REQUEST)
            long = 12 if self._fates.dice.random() < LONG_PAUSES else 1
            fiber.stop(self._now() + min(20.0, long * self._fates.dice.expovariate(1 / PAUSE_SECONDS)))

    def replicas_lag(self) -> bool:
        """Whether this reading is answered by a replica that is behind. Only readings that go to `accept`: what is
        read before a write is asked of the platform's own present.
        """
        fiber = self._baton.holder
        reading = fiber is not None and any(kind in fiber.title for kind in (" notices@", " pull@"))
        return reading and self._fates.strikes("stale", STALE, ANSWER)

    def now(self) -> float:
        return self._now()

    def punctual(self) -> None:
        """The budget was asked only now, whatever was before."""
        if self._baton.holder is not None:
            self._baton.holder.late = False

    def late(self) -> bool:
        """Whether the request that arrives now stood still after the budget let it go."""
        return self._baton.holder is not None and self._baton.holder.late

    def sleep(self, seconds: float) -> None:
        """What a process does instead of `time.sleep`."""
        fiber = self._baton.holder
        if fiber is None:
            return
        if fiber.dead:
            raise Killed
        fiber.stop(self._now() + seconds)

    @contextmanager
    def watching(self, database: Database) -> Iterator[None]:
        """Puts every statement and commit of the database behind boundaries."""
        dialect: Any = database.engine.dialect
        lost = _lost_postgresql if database.postgresql else _lost_sqlite
        names = ("do_execute", "do_executemany", "do_execute_no_params", "do_begin", "do_commit", "do_rollback")
        original = {name: getattr(dialect, name) for name in names}

        def executing(name: str) -> Callable[..., Any]:
            def execute(cursor: Any, statement: str, *rest: Any) -> Any:
                self.cross(SQL, lost)
                result = original[name](cursor, statement, *rest)
                if statement.startswith("BEGIN"):
                    self._mark(inside=True)
                return result

            return execute

        def begin(connection: Any) -> None:
            if database.postgresql:
                self.cross(SQL, lost)
            original["do_begin"](connection)
            self._mark(inside=True)

        def commit(connection: Any) -> None:
            self.cross(COMMIT, lost)
            original["do_commit"](connection)
            self._mark(inside=False)
            self.cross(COMMITTED, lost)

        def rollback(connection: Any) -> None:
            original["do_rollback"](connection)
            self._mark(inside=False)

        for name in names[:3]:
            setattr(dialect, name, executing(name))
        dialect.do_begin, dialect.do_commit, dialect.do_rollback = begin, commit, rollback
        try:
            yield
        finally:
            for name in names:
                delattr(dialect, name)

    def _mark(self, *, inside: bool) -> None:
        if self._baton.holder is not None:
            self._baton.holder.in_transaction = inside


def _lost_sqlite() -> BaseException:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    return error


def _lost_postgresql() -> BaseException:
    return psycopg.OperationalError("server closed the connection unexpectedly")


class Wire(httpx.BaseTransport):
    """The network between a process and the platforms: slow at times, broken at times, sometimes gone."""

    TIMEOUT = 12.0

    def __init__(self, boundaries: Boundaries, sandbox: Sandbox, dice: Random) -> None:
        self._boundaries = boundaries
        self._sandbox = sandbox
        self._dice = dice
        self.down = False
        self._replica: dict[str, tuple[float, httpx.Response]] = {}
        self._late: defaultdict[str, list[float]] = defaultdict(list)
        """Channel → when requests arrived that had stood still on their way."""
        self.excused: Counter[str] = Counter()
        """Channel → refusals for too many calls that are those requests' fault: each may be one too many once."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._boundaries.cross(REQUEST)
        if self.down:
            raise httpx.ConnectError("connection refused", request=request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = list(request.url.params.multi_items())
        asked = Request(request.method, request.url.path, query, headers, request.read())
        if (behind := self._behind(asked)) is not None:
            self._boundaries.sleep(0.02)
            return behind
        counted = self._counted()
        try:
            response = self._sandbox.handle(asked)
            self._excuse(counted)
        except NoAnswer as silence:
            self._boundaries.sleep(self.TIMEOUT)
            raise httpx.ReadTimeout(str(silence), request=request) from None
        self._boundaries.cross(TAKEN, lambda: httpx.ReadError("connection reset", request=request))
        self._boundaries.sleep(self._dice.choice((0.01, 0.02, 0.03, 0.05, 0.3)))
        self._boundaries.cross(ANSWER)
        answer = httpx.Response(response.status, headers=dict(response.headers), content=response.body, request=request)
        name, now = _named(asked), self._boundaries.now()
        if now - self._replica.get(name, (0.0,))[0] >= REPLICA_SECONDS:
            self._replica[name] = (now, answer)
        return answer

    def _counted(self) -> dict[str, tuple[int, int]]:
        """Channel → calls it counted, and how many of them it refused as too many."""
        return {
            channel: (
                sum(each["count"] for each in methods.values()),
                sum(each["throttled"] for each in methods.values()),
            )
            for channel, methods in self._sandbox.world.calls.items()
        }

    def _excuse(self, before: dict[str, tuple[int, int]]) -> None:
        """Takes note of a request that arrived late, and of a refusal that such a one explains."""
        now = self._boundaries.now()
        for channel, (calls, refused) in self._counted().items():
            calls_before, refused_before = before.get(channel, (0, 0))
            if calls > calls_before and self._boundaries.late():
                self._late[channel].append(now)
            self._late[channel] = [at for at in self._late[channel] if now - at <= LIMIT_SECONDS]
            if refused > refused_before and self._late[channel]:
                self._late[channel].pop()
                self.excused[channel] += 1

    def _behind(self, asked: Request) -> httpx.Response | None:
        """What a replica that is behind still says of an order: the answer to the same question from a while ago."""
        if not self._boundaries.replicas_lag() or not _ONE_ORDER.search(name := _named(asked)):
            return None
        at, answer = self._replica.get(name, (0.0, None))
        return answer if self._boundaries.now() - at < REPLICA_SECONDS else None


_ONE_ORDER = re.compile(r"order\.information\.get|orderDetail|trade\.fullinfo\.get|pop\.order\.(en)?get", re.IGNORECASE)
_CHANGING = ("timestamp", "sign")


def _named(asked: Request) -> str:
    """The question without what is new in every request."""
    told = asked.query
    if asked.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        told = told + parse_qsl(asked.body.decode(), keep_blank_values=True)
        return f"{asked.path} {[each for each in told if each[0] not in _CHANGING]}"
    return f"{asked.path} {[each for each in told if each[0] not in _CHANGING]} {asked.body!r}"


_EXPIRING = """
local NOW = tonumber(table.remove(ARGV))
local server = redis
local redis = setmetatable({}, {__index = server})
local function forget(key)
  local ends = server.call('HGET', 'sim:ends', key)
  if ends and tonumber(ends) <= NOW then server.call('DEL', key); server.call('HDEL', 'sim:ends', key) end
end
local function keep(key, milliseconds)
  server.call('HSET', 'sim:ends', key, string.format('%.6f', NOW + milliseconds / 1000))
end
function redis.call(name, key, ...)
  local word, rest = string.upper(name), {...}
  if key then forget(key) end
  if word == 'PEXPIRE' then keep(key, tonumber(rest[1])); return 1 end
  if word == 'EXPIRE' then keep(key, tonumber(rest[1]) * 1000); return 1 end
  if word == 'SET' then
    server.call('HDEL', 'sim:ends', key)
    local plain, i = {}, 1
    while i <= #rest do
      local option = string.upper(tostring(rest[i]))
      if i > 1 and option == 'PX' then keep(key, tonumber(rest[i + 1])); i = i + 2
      elseif i > 1 and option == 'EX' then keep(key, tonumber(rest[i + 1]) * 1000); i = i + 2
      else plain[#plain + 1] = rest[i]; i = i + 1 end
    end
    return server.call('SET', key, unpack(plain))
  end
  return server.call(name, key, unpack(rest))
end
"""
"""Put before every script: the server expires keys by its own clock, which does not know ours."""


class Valkey(redis.Redis):
    """The real server with the real scripts; only what expires does so by the world's clock."""

    def __init__(self, url: str, boundaries: Boundaries, now: Callable[[], float]) -> None:
        super().__init__(connection_pool=redis.ConnectionPool.from_url(url))
        self._plain = redis.Redis(connection_pool=self.connection_pool)
        self._boundaries = boundaries
        self._world_now = now
        self.down = False

    def lose_everything(self) -> None:
        """A restart without a disk: keys and scripts are gone."""
        self._plain.flushall()
        self._plain.script_flush()

    def register_script(self, script: Any) -> Any:
        return super().register_script(_EXPIRING + str(script))

    def evalsha(self, sha: str, numkeys: int, *keys_and_args: Any) -> Any:
        return super().evalsha(sha, numkeys, *keys_and_args, f"{self._world_now():.6f}")

    def execute_command(self, *args: Any, **options: Any) -> Any:
        self._boundaries.cross(REDIS, lambda: redis.ConnectionError("connection closed by server"))
        if self.down:
            raise redis.ConnectionError("connection refused")
        answer = super().execute_command(*args, **options)  # type: ignore[no-untyped-call]  # redis leaves it untyped
        self._boundaries.punctual()
        self._boundaries.cross(REDIS)
        return answer
