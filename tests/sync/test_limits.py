"""The rate budget on a real server: never above the platform's window, shared, all or none, empty after a flush."""

import subprocess
import sys
from collections import deque
from random import Random

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.channel import Call, Limit, Scope
from core.clock import ManualClock
from core.errors import Throttled, Unavailable
from sync.limits import RedisGate

CALL = Call("pinduoduo", "app", "pinduoduo:1", "pdd.refund.list.increment.get")
OTHER_SHOP = Call("pinduoduo", "app", "pinduoduo:2", CALL.method)
OTHER_METHOD = Call("pinduoduo", "app", "pinduoduo:1", "pdd.goods.list.get")
OTHER_APP = Call("pinduoduo", "another", "pinduoduo:3", CALL.method)


class Waiting:
    """A gate whose waiting moves its clock."""

    def __init__(self, url: str, *limits: Limit, longest_wait: float = 1e9) -> None:
        self.redis = redis.Redis.from_url(url)
        self.clock = ManualClock()
        self.gate = RedisGate(
            self.redis, {"pinduoduo": limits}, longest_wait=longest_wait, clock=self.clock, sleep=self.clock.advance
        )

    def now(self) -> float:
        return self.clock.now().timestamp()

    def leaves_at(self, call: Call = CALL) -> float:
        self.gate.enter(call)
        return self.now()

    def waits(self, call: Call) -> float:
        before = self.now()
        return self.leaves_at(call) - before

    def old(self) -> None:
        """Makes Redis one that has counted for long."""
        self.leaves_at(Call("pinduoduo", "yet another", "", ""))
        self.clock.advance(100_000)


def most_in_a_window(times: list[float], seconds: float) -> int:
    recent: deque[float] = deque()
    most = 0
    for time in times:
        recent.append(time)
        while recent[0] <= time - seconds + 1e-6:
            recent.popleft()
        most = max(most, len(recent))
    return most


STEPS = st.one_of(
    st.tuples(st.just("call"), st.integers(1, 40)),
    st.tuples(st.just("pass"), st.floats(0, 90)),
    st.tuples(st.just("flush"), st.just(0)),
    st.tuples(st.just("refuse"), st.sampled_from([0, 0.5, 7])),
    st.tuples(st.just("back"), st.floats(0, 5)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=st.integers(1, 120), seconds=st.sampled_from([1, 10, 60]), steps=st.lists(STEPS, max_size=25))
def test_no_window_ever_sees_more_than_the_limit(
    redis_url: str, calls: int, seconds: int, steps: list[tuple[str, float]]
) -> None:
    """Whatever comes between the calls: pauses, flushes, refusals, a clock that is set back."""
    waiting = Waiting(redis_url, Limit(calls, seconds, Scope.SHOP, CALL.method))
    waiting.redis.flushall()
    left: list[float] = []
    set_back = 0.0
    for kind, amount in steps:
        if kind == "call":
            left += [waiting.leaves_at() + set_back for _ in range(int(amount))]
        elif kind == "pass":
            waiting.clock.advance(amount)
        elif kind == "flush":
            waiting.redis.flushall()
        elif kind == "refuse":
            waiting.gate.refused(CALL, amount or None)
        else:
            waiting.clock.advance(-amount)
            set_back += amount
    assert most_in_a_window(left, seconds) <= calls


@pytest.mark.parametrize(("calls", "seconds"), [(1, 10), (2, 1), (10, 1), (40, 1), (100, 10), (3000, 60)])
def test_the_quota_is_used_to_95_percent(redis_url: str, calls: int, seconds: int) -> None:
    """Also by callers that come a little late each time, as sleepers do."""
    waiting = Waiting(redis_url, Limit(calls, seconds, Scope.SHOP, CALL.method))
    times = [waiting.leaves_at() for _ in range(1000)]
    assert 999 / (times[-1] - times[0]) >= 0.95 * calls / seconds
    assert most_in_a_window(times, seconds) <= calls


def test_after_a_flush_the_budget_is_empty_and_not_full(redis_url: str) -> None:
    waiting = Waiting(redis_url, Limit(100, 10, Scope.SHOP, CALL.method))
    waiting.old()
    assert [waiting.waits(CALL) for _ in range(2)] == [0, 0], "a pause left room for two at once"
    for _ in range(3):
        waiting.redis.flushall()
        assert waiting.waits(CALL) == pytest.approx(0.104, rel=0.02)


def test_a_shop_limit_is_per_shop_and_an_app_limit_is_not(redis_url: str) -> None:
    waiting = Waiting(redis_url, Limit(2, 1, Scope.APP), Limit(1, 10, Scope.SHOP, CALL.method))
    waiting.old()
    start = waiting.leaves_at()
    assert waiting.leaves_at(OTHER_SHOP) - start == pytest.approx(0.5, rel=0.02), "the app's two calls a second"
    assert waiting.leaves_at() - start == pytest.approx(10.2, rel=0.01), "the shop's one call in ten seconds"


def test_a_wait_that_is_too_long_is_said_and_not_slept(redis_url: str) -> None:
    waiting = Waiting(redis_url, Limit(1, 60, Scope.SHOP, CALL.method), longest_wait=2)
    waiting.old()
    start = waiting.leaves_at()
    with pytest.raises(Throttled) as refused:
        waiting.gate.enter(CALL)
    assert refused.value.retry_after == pytest.approx(61.2, rel=0.01)
    assert waiting.now() == start


@pytest.mark.parametrize("named", [1, 30, 31_062.0])
def test_a_named_ban_is_kept_to_the_second(redis_url: str, named: float) -> None:
    waiting = Waiting(redis_url, longest_wait=0)
    waiting.old()
    waiting.gate.refused(CALL, named)
    waiting.clock.advance(named - 0.01)
    with pytest.raises(Throttled):
        waiting.gate.enter(CALL)
    waiting.clock.advance(0.01)
    waiting.gate.enter(CALL)


def test_a_refusal_without_a_time_holds_back_longer_each_time_and_is_forgiven(redis_url: str) -> None:
    waiting = Waiting(redis_url)
    held = []
    for _ in range(8):
        waiting.gate.refused(CALL, None)
        held.append(round(waiting.waits(CALL)))
    assert held == [1, 2, 4, 8, 16, 32, 60, 60]
    waiting.clock.advance(200)
    waiting.gate.refused(CALL, None)
    assert round(waiting.waits(CALL)) == 1


def test_a_spent_quota_of_a_whole_app_is_asked_about_every_ten_minutes_at_last(redis_url: str) -> None:
    waiting = Waiting(redis_url)
    held = []
    for _ in range(12):
        waiting.gate.refused(CALL, None, Scope.APP, every_method=True)
        held.append(round(waiting.waits(OTHER_SHOP)))
    assert held[:3] == [1, 2, 4]
    assert held[-2:] == [600, 600]


def test_refusals_with_calls_between_them_do_not_hold_back_longer(redis_url: str) -> None:
    waiting = Waiting(redis_url)
    for _ in range(5):
        waiting.gate.refused(CALL, None)
        assert round(waiting.waits(CALL)) == 1
        for _ in range(5):
            waiting.leaves_at()


def learned(waiting: Waiting) -> float:
    [budget] = [each for each in waiting.gate.budgets() if (each.shop, each.method) == (CALL.shop, CALL.method)]
    return budget.learned


def test_calls_refused_together_are_one_refusal_and_alone_it_lowers_nothing(redis_url: str) -> None:
    waiting = Waiting(redis_url, Limit(10, 1, Scope.SHOP, CALL.method))
    for seconds, left in ((1, 1), (2, 0.7)):
        for _ in range(20):
            waiting.gate.refused(CALL, None)
        assert waiting.waits(CALL) == pytest.approx(seconds, rel=0.01)
        assert learned(waiting) == pytest.approx(left, rel=0.03)


def test_a_platform_that_refuses_one_call_in_a_hundred_at_random_keeps_its_rate(redis_url: str) -> None:
    waiting = Waiting(redis_url, Limit(20, 1, Scope.SHOP, CALL.method))
    dice, start = Random("a hundred"), waiting.now()
    for _ in range(2000):
        waiting.leaves_at()
        if dice.random() < 0.01:
            waiting.gate.refused(CALL, 1)
    assert 2000 / (waiting.now() - start) > 10


@pytest.mark.parametrize(
    ("scope", "every_method", "stopped"),
    [
        (Scope.SHOP, False, {CALL}),
        (Scope.SHOP, True, {CALL, OTHER_METHOD}),
        (Scope.APP, False, {CALL, OTHER_SHOP}),
        (Scope.APP, True, {CALL, OTHER_SHOP, OTHER_METHOD}),
    ],
)
def test_a_refusal_stops_whom_it_is_about_and_nobody_else(
    redis_url: str, scope: Scope, every_method: bool, stopped: set[Call]
) -> None:
    waiting = Waiting(redis_url, longest_wait=0)
    waiting.gate.refused(CALL, 30, scope, every_method=every_method)
    asked = {call: waiting.gate.ask(call, 0) for call in (CALL, OTHER_SHOP, OTHER_METHOD, OTHER_APP)}
    assert {call: wait.expected for call, wait in asked.items() if wait} == dict.fromkeys(stopped, 30)


def rate(waiting: Waiting, calls: int = 20) -> float:
    waiting.leaves_at()
    start = waiting.leaves_at()
    return calls / ([waiting.leaves_at() for _ in range(calls)][-1] - start)


def test_a_rate_is_learned_down_and_up_again_but_never_above_the_declared_one(redis_url: str) -> None:
    waiting = Waiting(redis_url, Limit(10, 1, Scope.SHOP, CALL.method))
    full = rate(waiting)
    for _ in range(2):
        waiting.gate.refused(CALL, 1)
        waiting.clock.advance(1)
    once = rate(waiting)
    assert once / full == pytest.approx(0.7, rel=0.05)
    for _ in range(20):
        waiting.gate.refused(CALL, 0.1)
        waiting.clock.advance(0.1)
    assert rate(waiting, 2) / full == pytest.approx(0.1, rel=0.5), "a floor"
    waiting.clock.advance(30)
    assert once > rate(waiting) / full > 0.3
    waiting.clock.advance(400)
    assert rate(waiting) == pytest.approx(full, rel=0.01)


def test_where_none_is_declared_a_refusal_makes_a_limit_of_what_was_used(redis_url: str) -> None:
    waiting = Waiting(redis_url)
    for _ in range(400):  # 40 a second
        waiting.leaves_at()
        waiting.clock.advance(0.025)
    for _ in range(2):
        waiting.gate.refused(CALL, 1)
        waiting.clock.advance(1)
    assert rate(waiting) == pytest.approx(28, rel=0.1)
    assert waiting.waits(OTHER_SHOP) == 0
    waiting.clock.advance(120)
    assert rate(waiting) > 60, "it rises beyond what was seen"
    waiting.clock.advance(40)
    assert {waiting.waits(CALL) for _ in range(50)} == {0}, "until it is forgotten"


def test_a_flush_forgets_what_was_learned_without_a_burst(redis_url: str) -> None:
    waiting = Waiting(redis_url, Limit(10, 1, Scope.SHOP, CALL.method))
    for _ in range(5):
        waiting.gate.refused(CALL, 1)
        waiting.clock.advance(1)
    waiting.redis.flushall()
    assert waiting.waits(CALL) == pytest.approx(0.104, rel=0.05)


def test_what_is_held_and_learned_can_be_seen(redis_url: str) -> None:
    waiting = Waiting(redis_url, Limit(10, 1, Scope.SHOP, CALL.method))
    rate(waiting)
    waiting.gate.refused(CALL, 12)
    budgets = {(each.shop, each.method): each for each in waiting.gate.budgets()}
    assert set(budgets) == {(shop, method) for shop in ("*", CALL.shop) for method in ("*", CALL.method)}
    told = budgets[CALL.shop, CALL.method]
    assert (told.declared, told.held) == (10, 12)
    assert told.rate == pytest.approx(7, rel=0.01)
    assert told.used == pytest.approx(9.5, rel=0.2)
    assert (budgets["*", "*"].rate, budgets["*", "*"].held) == (None, 0)


def test_a_shop_that_keeps_failing_is_asked_less_and_less_and_no_other_one(redis_url: str) -> None:
    waiting = Waiting(redis_url)
    waits = []
    for _ in range(12):
        waiting.gate.failed(CALL)
        assert waiting.waits(OTHER_SHOP) == 0
        waits.append(round(waiting.waits(CALL)))
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 120, 120]
    for _ in range(13):
        waiting.leaves_at()
    waiting.gate.failed(CALL)
    assert waiting.waits(CALL) == 0, "as many came through as had failed"


def test_calls_that_fail_now_and_then_hold_nothing_back(redis_url: str) -> None:
    waiting = Waiting(redis_url)
    for _ in range(20):
        waiting.gate.failed(CALL)
        for _ in range(5):
            assert waiting.waits(CALL) == 0


def test_an_outage_met_by_several_workers_at_once_holds_back(redis_url: str) -> None:
    waiting = Waiting(redis_url)
    waits = []
    for _ in range(5):
        for _ in range(4):
            waiting.leaves_at()
        before = waiting.now()
        for _ in range(4):
            waiting.gate.failed(CALL)
        waits.append(round(waiting.leaves_at() - before))
    assert waits[0] == 1
    assert waits == sorted(waits)
    assert waits[-1] >= 8


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


WORKER = """
import sys, time, redis
from core.channel import Call, Limit, Scope
from sync.limits import RedisGate
limits = {"pinduoduo": (Limit(100, 2, Scope.APP),)}
gate = RedisGate(redis.Redis.from_url(sys.argv[1]), limits, longest_wait=5)
for _ in range(80):
    gate.enter(Call("pinduoduo", "app", sys.argv[2], "orders"))
    print(time.monotonic())
"""


def test_two_processes_share_one_budget_on_the_clock_of_redis(redis_url: str) -> None:
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, redis_url, shop], stdout=subprocess.PIPE, text=True)
        for shop in ("pinduoduo:1", "pinduoduo:2")
    ]
    told = [[float(line) for line in worker.communicate(timeout=60)[0].split()] for worker in workers]
    times = sorted(time for times in told for time in times)
    assert len(times) == 160
    assert most_in_a_window(times, 2) <= 100
