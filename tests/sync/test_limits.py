"""The rate budget on a real server: never above the platform's window, shared, all or none, empty after a flush."""

from collections import deque

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.channel import Call, Limit, Scope
from core.clock import ManualClock
from core.errors import Throttled, Unavailable
from sync.limits import RedisGate

CALL = Call("pinduoduo", "app", "pinduoduo:1", "pdd.refund.list.increment.get")


class Waiting:
    """A gate whose waiting moves its clock."""

    def __init__(self, url: str, *limits: Limit, longest_wait: float = 1e9) -> None:
        self.redis = redis.Redis.from_url(url)
        self.clock = ManualClock()
        self.gate = RedisGate(
            self.redis, {"pinduoduo": limits}, longest_wait=longest_wait, clock=self.clock, sleep=self.clock.advance
        )

    def leaves_at(self, call: Call = CALL) -> float:
        self.gate.enter(call)
        return self.clock.now().timestamp()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    calls=st.integers(1, 120),
    seconds=st.sampled_from([1, 10, 60]),
    pauses=st.lists(st.floats(0, 30), min_size=150, max_size=150),
    flush_at=st.integers(0, 149),
)
def test_no_window_ever_sees_more_than_the_limit(
    redis_url: str, calls: int, seconds: int, pauses: list[float], flush_at: int
) -> None:
    waiting = Waiting(redis_url, Limit(calls, seconds, Scope.SHOP, CALL.method))
    waiting.redis.flushall()
    recent: deque[float] = deque()
    for number, pause in enumerate(pauses):
        if number % 7 == 0:
            waiting.clock.advance(pause)
        if number == flush_at and calls > 1:
            waiting.redis.flushall()
            waiting.clock.advance(seconds)
        recent.append(waiting.leaves_at())
        while recent[0] <= recent[-1] - seconds + 1e-6:
            recent.popleft()
        assert len(recent) <= calls


def test_the_quota_is_used_to_95_percent(redis_url: str) -> None:
    waiting = Waiting(redis_url, Limit(100, 10, Scope.SHOP, CALL.method))
    times = [waiting.leaves_at() for _ in range(1000)]
    assert 1000 / (times[-1] - times[0]) >= 0.95 * 10


def test_after_a_flush_the_budget_is_empty_and_not_full(redis_url: str) -> None:
    waiting = Waiting(redis_url, Limit(100, 10, Scope.SHOP, CALL.method))
    waiting.leaves_at()
    waiting.redis.flushall()
    first, second = waiting.leaves_at(), waiting.leaves_at()
    assert second - first == pytest.approx(10 / 95, rel=0.01)


def test_a_shop_limit_is_per_shop_and_an_app_limit_is_not(redis_url: str) -> None:
    waiting = Waiting(redis_url, Limit(2, 1, Scope.APP), Limit(1, 10, Scope.SHOP, CALL.method))
    other = Call("pinduoduo", "app", "pinduoduo:2", CALL.method)
    start = waiting.leaves_at()
    assert waiting.leaves_at(other) - start == pytest.approx(1, rel=0.01), "the app's one call a second"
    assert waiting.leaves_at() - start == pytest.approx(10, rel=0.01), "the shop's one call in ten seconds"


def test_a_wait_that_is_too_long_is_said_and_not_slept(redis_url: str) -> None:
    waiting = Waiting(redis_url, Limit(1, 60, Scope.SHOP, CALL.method), longest_wait=2)
    start = waiting.leaves_at()
    with pytest.raises(Throttled) as refused:
        waiting.gate.enter(CALL)
    assert refused.value.retry_after == pytest.approx(60, rel=0.01)
    assert waiting.clock.now().timestamp() == start


def test_a_platforms_refusal_holds_everyone_back_longer_each_time(redis_url: str) -> None:
    waiting = Waiting(redis_url)
    start = waiting.leaves_at()
    waiting.gate.refused(CALL, None)
    waiting.gate.refused(CALL, None)
    assert waiting.leaves_at() - start == pytest.approx(2, rel=0.01)
    waiting.gate.refused(CALL, 30)
    assert waiting.leaves_at() - start == pytest.approx(32, rel=0.01)
    other = Call("pinduoduo", "app", "pinduoduo:2", CALL.method)
    waiting.gate.refused(CALL, 30)
    before = waiting.clock.now().timestamp()
    assert waiting.leaves_at(other) == before


def test_without_redis_no_call_leaves(redis_url: str) -> None:
    nowhere = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2)
    gate = RedisGate(nowhere, {}, longest_wait=1)
    with pytest.raises(Unavailable):
        gate.enter(CALL)


def test_a_limit_by_the_minute_and_one_by_the_second_are_two_budgets(redis_url: str) -> None:
    limits = (Limit(60, 60, Scope.SHOP, CALL.method), Limit(20, 1, Scope.SHOP, CALL.method))
    waiting = Waiting(redis_url, *limits)
    first = waiting.leaves_at()
    assert [waiting.leaves_at() for _ in range(60)][-1] - first >= 60
