"""Many workers at one gate, in virtual time: each asks, waits as it is told, calls, works a little, asks again."""

import heapq
from dataclasses import dataclass

import redis

from core.channel import Call, Limit, Urgency
from core.clock import ManualClock
from sync.limits import RedisGate

LONGEST_WAIT = 2.0
ASLEEP = 0.25
"""How long a lane that was sent to sleep oversleeps: half a beat."""


@dataclass(frozen=True)
class Left:
    """A call that left, and how long after it was wanted."""

    at: float
    call: Call
    waited: float


def call(shop: str, urgency: Urgency = Urgency.READ, method: str = "orders") -> Call:
    return Call("pinduoduo", "app", shop, method, urgency)


def contest(
    url: str,
    limits: list[Limit],
    wanted: list[Call],
    seconds: float,
    *,
    work: float = 0.01,
    clock: ManualClock | None = None,
) -> list[Left]:
    """What leaves in `seconds` when each of `wanted` is somebody's endless work."""
    clock = clock or ManualClock()
    gate = RedisGate(redis.Redis.from_url(url), {"pinduoduo": limits}, longest_wait=LONGEST_WAIT, clock=clock)
    start = now = clock.now().timestamp()
    left: list[Left] = []
    turns = [(now, number, now, now) for number in range(len(wanted))]
    heapq.heapify(turns)
    while (turn := heapq.heappop(turns))[0] < start + seconds:
        at, number, since, arrived = turn
        clock.advance(at - now)
        now = at
        wait = gate.ask(wanted[number], LONGEST_WAIT - (at - arrived))
        if wait is None:
            left.append(Left(at, wanted[number], at - since))
            after = at + work
            heapq.heappush(turns, (after, number, after, after))
        elif at - arrived + wait.expected > LONGEST_WAIT:
            awake = at + wait.expected + ASLEEP
            heapq.heappush(turns, (awake, number, since, awake))
        else:
            heapq.heappush(turns, (at + wait.ask_again + 0.001, number, since, arrived))
    return left
