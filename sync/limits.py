"""The shared rate budget: one generic cell rate per declared limit, asked in one round trip, all limits or none.

The state is only in Redis and counted on its clock, so that hosts' clocks may differ. A flush leaves budgets empty, not
full. What a platform refuses is held back for everyone it concerns, and its rate is learned down, then slowly up again.
Calls that compete for a slot go in the order of their turn: when their shop last had one, plus what their kind of work
can wait. So a shop with much to do delays no other, a listing no shipment, and nothing waits for ever.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import redis

from core.channel import Call, Limit, Scope, Urgency
from core.clock import Clock
from core.errors import Throttled, Unavailable
from sync import limits_lua

SLACK = 0.02
"""Part of a limit's length by which calls may come early after a pause; and as much again by which its windows are
taken longer than they are, for calls that overtake each other on their way. Both together cost 4 % of the quota.
"""
FIRST_HOLD_SECONDS = 1.0
"""How long a call is held back when the platform refuses it without saying for how long; doubles up to the last one
while one of the first few calls after a hold is refused again. A single refusal now and then does not add up."""
LAST_HOLD_SECONDS = 60.0
LAST_QUOTA_SECONDS = 600.0
"""The last one where the whole app is refused: the quota of a day comes back at a moment that no answer names."""

LOWERED_TO = 0.7
"""What a refusal makes of a rate that names a wait longer than the first hold, or follows within twice the hold after
another one; a single short one now and then says nothing about the rate. Calls refused while their kind is held back
left before that and count as one.
"""
LEAST_FACTOR = 0.1
"""A learned rate is at least this part of the declared one. It rises by half of that a minute; see `limits_lua`."""
LEAST_LEARNED = 5.0
"""Calls a second that a rate learned without a declared one starts from at least."""

FREE_FAILURES = 3
"""So many calls of a shop may fail on their way before its next ones are held back, if most of those that left since
the first of them did. One that fails now and then among others that come through is no outage.
"""
LAST_BACKOFF_SECONDS = 120.0

PATIENCE: Mapping[Urgency, float] = {
    Urgency.NOW: 0,
    Urgency.READ: 15,
    Urgency.STOCK: 30,
    Urgency.PRICE: 120,
    Urgency.LISTING: 300,
    Urgency.BACKFILL: 900,
}
"""Seconds a kind of call stands back behind the most urgent kind while there is not enough for both."""

CLOCK_GRAIN_SECONDS = 0.001
"""Slept on top of a wait, so that rounding never asks for a second, endless little one."""

_SINCE = "qudao:limit-since"


@dataclass(frozen=True)
class Budget:
    """What one place (an app or a shop, with one method or all: `*`) may do now. Rates are calls a second."""

    channel: str
    app_key: str
    shop: str
    method: str
    declared: float | None
    rate: float | None
    """The declared rate as far as refusals have left it, or the one learned from them; None where there is neither."""
    learned: float
    """Part of the declared or first seen rate."""
    used: float
    held: float
    """Seconds for which no such call leaves."""


@dataclass(frozen=True)
class Wait:
    """Seconds until a call may leave if all who wait before it use their turn; and when to look whether they do."""

    expected: float
    ask_again: float


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
        """`clock` stands in for the one of Redis in tests; all gates on one Redis must share it."""
        self._redis = connection
        self._limits = {channel: tuple(each) for channel, each in limits.items()}
        self._longest_wait = longest_wait
        self._clock = clock
        self._sleep = sleep
        self._enter = connection.register_script(limits_lua.ENTER)
        self._refused = connection.register_script(limits_lua.REFUSED)
        self._failed = connection.register_script(limits_lua.FAILED)
        self._state = connection.register_script(limits_lua.STATE)

    def enter(self, call: Call) -> None:
        """Sits a wait out up to the longest one, in turn with all others that wait."""
        left = self._longest_wait
        while (wait := self.ask(call, left)) is not None:
            if wait.expected > left:
                raise Throttled("our rate budget is used up", operation=call.method, retry_after=wait.expected)
            self._sleep(wait.ask_again + CLOCK_GRAIN_SECONDS)
            left -= wait.ask_again + CLOCK_GRAIN_SECONDS

    def ask(self, call: Call, patience: float) -> "Wait | None":
        """None: the call is counted and may leave. Else how long it would have to wait; up to `patience` seconds of
        that, its shop keeps a place among those that wait.
        """
        keys = [_SINCE, *_places(call), f"qudao:turn:{call.channel}|{call.app_key}|{call.shop}|{call.urgency.name}"]
        arguments: list[float | str] = [self._now(), PATIENCE[call.urgency], patience]
        for limit in self._limits.get(call.channel, ()):
            if limit.method in ("", call.method):
                keys.append(_slot(call, limit))
                arguments += [*_pace(limit), _place_of(limit)]
        expected, ask_again = map(float, self._run(self._enter, keys, arguments))
        return Wait(expected, ask_again) if expected else None

    def refused(
        self, call: Call, retry_after: float | None, scope: Scope = Scope.SHOP, *, every_method: bool = False
    ) -> None:
        limit = Limit(1, 1, scope, "" if every_method else call.method)
        declared = any(
            (each.scope, each.method) == (limit.scope, limit.method) for each in self._limits.get(call.channel, ())
        )
        arguments = [
            self._now(),
            retry_after or 0,
            FIRST_HOLD_SECONDS,
            LAST_QUOTA_SECONDS if (scope, every_method) == (Scope.APP, True) else LAST_HOLD_SECONDS,
            int(declared),
            LOWERED_TO,
            LEAST_FACTOR,
            LEAST_LEARNED,
        ]
        self._run(self._refused, [_places(call)[_place_of(limit) - 1]], arguments)

    def failed(self, call: Call) -> None:
        self._run(self._failed, [_places(call)[2]], [self._now(), FREE_FAILURES, LAST_BACKOFF_SECONDS])

    def budgets(self) -> list[Budget]:
        """What was used lately or refused, and how much of it is left to whom."""
        found: set[str] = set()
        for key in self._redis.scan_iter("qudao:limit:*", 1000):
            found.add("|".join(key.decode().removeprefix("qudao:limit:").split("|")[:4]))
        names = sorted(found)
        if not names:
            return []
        states = self._run(self._state, [f"qudao:limit:{name}" for name in names], [self._now()])
        return [self._budget(name, state) for name, state in zip(names, states, strict=True)]

    def _budget(self, name: str, state: Iterable[bytes]) -> Budget:
        channel, app_key, shop, method = name.split("|")
        factor, base, held, used = map(float, state)
        place = (Scope.APP if shop == "*" else Scope.SHOP, "" if method == "*" else method)
        limits = [limit for limit in self._limits.get(channel, ()) if (limit.scope, limit.method) == place]
        declared = min((limit.calls / limit.seconds for limit in limits), default=None)
        rate = declared * min(1, factor) if declared else base * factor or None
        return Budget(channel, app_key, shop, method, declared, rate, factor if rate else 1.0, used, held)

    def _run(self, script: Callable[..., Any], keys: list[str], arguments: list[float | str]) -> Any:
        try:
            return script(keys=keys, args=arguments)
        except redis.RedisError as error:
            raise Unavailable(f"Redis does not answer: {type(error).__name__}") from None

    def _now(self) -> float | str:
        return "" if self._clock is None else self._clock.now().timestamp()


def _pace(limit: Limit) -> tuple[float, float]:
    """The interval between calls and how early one may come, such that no window of `limit.seconds` ever sees more than
    `limit.calls`: of calls that may come `early` one window holds (seconds + early) / interval, rounded up.
    """
    early = SLACK * limit.seconds
    return (limit.seconds + 2 * early) / limit.calls, early


def _places(call: Call) -> list[str]:
    """Where the call counts: app, app and method, shop, shop and method."""
    head = f"qudao:limit:{call.channel}|{call.app_key}"
    return [f"{head}|{shop}|{method}" for shop in ("*", call.shop) for method in ("*", call.method)]


def _place_of(limit: Limit) -> int:
    """Which of `_places`, counted from 1, the limit is about."""
    return 1 + 2 * (limit.scope is Scope.SHOP) + bool(limit.method)


def _slot(call: Call, limit: Limit) -> str:
    shop = call.shop if limit.scope is Scope.SHOP else "*"
    return f"qudao:slot:{call.channel}|{call.app_key}|{shop}|{limit.method or '*'}|{limit.seconds:g}"
