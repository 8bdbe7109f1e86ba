"""How often a key may call: a bucket of a minute's requests that fills evenly, counted in Redis for all processes.

One request is one call of Redis. Without Redis nobody is refused: a limit is a courtesy between neighbours, while the
feed and the commands need SQL alone.
"""

import asyncio
import math
from dataclasses import dataclass

import redis.asyncio
import structlog
from redis.exceptions import RedisError

from core.access import Caller
from web.problems import Problem

WINDOW = 60
PATIENCE_SECONDS = 0.25
"""How long a request may wait for Redis before it passes uncounted."""
AWAY_SECONDS = 1.0
"""How long Redis is not asked again after it did not answer."""
AT_ONCE = 8
"""Connections to Redis that a process uses for this."""

_TAKE = """
local at = redis.call('TIME')
local now = tonumber(at[1]) + tonumber(at[2]) / 1000000
local most, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local each = window / most
local full = math.max(now, math.min(now + window, tonumber(redis.call('GET', KEYS[1]) or '0')))
local wait = full + each - now - window
if wait > 0.000001 then return {'0', string.format('%.6f', wait), string.format('%.6f', full - now)} end
full = full + each
redis.call('SET', KEYS[1], string.format('%.6f', full), 'PX', math.ceil((full - now) * 1000))
return {string.format('%d', math.floor((window - full + now) / each + 0.001)), '0', string.format('%.6f', full - now)}
"""
"""The key holds when the bucket is full again. Answers what is left, how long to wait, how long until it is full."""

log = structlog.get_logger()


@dataclass(frozen=True)
class _Taken:
    left: int
    wait: float
    full_in: float


class KeyRate:
    """Counts the requests of keys."""

    def __init__(self, redis_url: str) -> None:
        self._client = redis.asyncio.Redis.from_url(redis_url)
        self._take = self._client.register_script(_TAKE)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._away_until = 0.0

    async def close(self) -> None:
        await self._client.aclose()

    async def take(self, caller: Caller) -> dict[str, str]:
        """Counts a request and answers the headers that say what is left. Raises `rate_limited`."""
        if not caller.per_minute:
            return {}
        policy = {"RateLimit-Policy": f'"key";q={caller.per_minute};w={WINDOW}'}
        taken = await self._ask(caller)
        if taken is None:
            return policy
        headers = policy | {"RateLimit": f'"key";r={taken.left};t={math.ceil(taken.full_in)}'}
        if taken.wait > 0:
            raise Problem(
                "rate_limited",
                headers=headers | {"Retry-After": str(math.ceil(taken.wait))},
                values={"limit": caller.per_minute},
            )
        return headers

    async def _ask(self, caller: Caller) -> _Taken | None:
        """None while Redis does not answer."""
        now = asyncio.get_running_loop().time
        async with self._slots:
            if now() < self._away_until:
                return None
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    left, wait, full = await self._take(
                        keys=[f"qudao:rate:{caller.id}"], args=[caller.per_minute, WINDOW]
                    )
            except (RedisError, OSError, TimeoutError) as error:
                self._away_until = now() + AWAY_SECONDS
                log.warning("requests of keys not counted", error=type(error).__name__)
                return None
        return _Taken(int(left), float(wait), float(full))
