"""The shared rate budget: one generic cell rate per (app, shop, method), asked in one round trip, all limits or none.

The state is only in Redis. A flush leaves budgets empty, not full: the first call may leave at once, the rest at the
sustained rate. A platform's own refusal holds the calls of that shop and method back for everyone.
"""

import time
from collections.abc import Callable, Iterable, Mapping

import redis

from core.channel import Call, Limit, Scope
from core.clock import Clock, SystemClock
from core.errors import Throttled, Unavailable

BURST_SHARE = 0.05
"""The part of a limit that may be used at once. A full burst and the sustained rate together never exceed the limit in
any window of its length, however the platform aligns its windows.
"""
FIRST_HOLD_SECONDS = 1.0
"""How long a call is held back when the platform refuses it without saying for how long; doubles up to the last one
while refusals follow within twice the hold after it; a single refusal now and then does not add up."""
LAST_HOLD_SECONDS = 60.0

CLOCK_GRAIN_SECONDS = 0.001
"""Slept on top of a wait, so that rounding never asks for a second, endless little one."""

_ENTER = """
local now = tonumber(ARGV[1])
local wait = 0
local held = redis.call('GET', KEYS[1])
if held then wait = math.max(wait, tonumber(held) - now) end
local slots = {}
for i = 2, #KEYS do
  local interval, burst = tonumber(ARGV[2 * i - 2]), tonumber(ARGV[2 * i - 1])
  local slot = redis.call('GET', KEYS[i])
  if slot then slot = math.max(tonumber(slot), now) else slot = now + (burst - 1) * interval end
  slots[i] = slot
  wait = math.max(wait, slot - (burst - 1) * interval - now)
end
if wait > 0.000001 then return string.format('%.6f', wait) end
for i = 2, #KEYS do
  local interval, burst = tonumber(ARGV[2 * i - 2]), tonumber(ARGV[2 * i - 1])
  local ttl = math.ceil((slots[i] - now + interval * (burst + 1)) * 1000) + 1000
  redis.call('SET', KEYS[i], string.format('%.6f', slots[i] + interval), 'PX', ttl)
end
return '0'
"""

_HOLD = """
local now, seconds, first, last = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if seconds <= 0 then
  local times = redis.call('INCR', KEYS[2])
  seconds = math.min(last, first * 2 ^ (times - 1))
  redis.call('PEXPIRE', KEYS[2], math.ceil(seconds * 3000))
end
local held = tonumber(redis.call('GET', KEYS[1]) or '0')
redis.call('SET', KEYS[1], string.format('%.6f', math.max(held, now + seconds)), 'PX', math.ceil(seconds * 1000) + 1000)
return tostring(seconds)
"""


class RedisGate:
    """`core.channel.Gate` over Redis, for all channels of a process."""

    def __init__(
        self,
        connection: redis.Redis,
        limits: Mapping[str, Iterable[Limit]],
        *,
        longest_wait: float,
        clock: Clock | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._limits = {channel: tuple(each) for channel, each in limits.items()}
        self._longest_wait = longest_wait
        self._clock = clock or SystemClock()
        self._sleep = sleep
        self._enter = connection.register_script(_ENTER)
        self._hold = connection.register_script(_HOLD)

    def enter(self, call: Call) -> None:
        waited = 0.0
        while (wait := self._ask(call)) > 0:
            if waited + wait > self._longest_wait:
                raise Throttled("our rate budget is used up", operation=call.method, retry_after=wait)
            self._sleep(wait + CLOCK_GRAIN_SECONDS)
            waited += wait + CLOCK_GRAIN_SECONDS

    def refused(self, call: Call, retry_after: float | None) -> None:
        arguments = [self._now(), retry_after or 0, FIRST_HOLD_SECONDS, LAST_HOLD_SECONDS]
        try:
            self._hold(keys=[_held(call), _held(call) + ":times"], args=arguments)
        except redis.RedisError as error:
            raise Unavailable(f"Redis does not answer: {type(error).__name__}") from None

    def _ask(self, call: Call) -> float:
        limits = [limit for limit in self._limits.get(call.channel, ()) if limit.method in ("", call.method)]
        keys = [_held(call), *(_budget(call, limit) for limit in limits)]
        arguments: list[float] = [self._now()]
        for limit in limits:
            arguments.extend(_rate(limit))
        try:
            return float(self._enter(keys=keys, args=arguments))
        except redis.RedisError as error:
            raise Unavailable(f"Redis does not answer: {type(error).__name__}") from None

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _rate(limit: Limit) -> tuple[float, int]:
    """The interval between calls and the burst, such that no window of `limit.seconds` ever sees more than
    `limit.calls`.
    """
    burst = max(1, int(limit.calls * BURST_SHARE))
    return limit.seconds / max(1, limit.calls - burst), burst


def _budget(call: Call, limit: Limit) -> str:
    shop = call.shop if limit.scope is Scope.SHOP else "*"
    return f"qudao:budget:{call.channel}:{call.app_key}:{shop}:{limit.method or '*'}:{limit.seconds:g}"


def _held(call: Call) -> str:
    return f"qudao:held:{call.channel}:{call.app_key}:{call.shop}:{call.method}"
