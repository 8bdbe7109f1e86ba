"""Whose call is next when there is not enough for all: nobody starves, and what is costly to starve goes first."""

from collections import Counter

from core.channel import Limit, Scope, Urgency
from core.clock import ManualClock
from tests.sync.contest import call, contest

APP = Limit(20, 1, Scope.APP)


def test_fifty_shops_of_one_app_get_equal_shares(redis_url: str) -> None:
    shops = [f"pinduoduo:{number}" for number in range(50)]
    greedy = [call("pinduoduo:0") for _ in range(5)]
    left = contest(redis_url, [APP], [*(call(shop) for shop in shops), *greedy], 40)
    counts = Counter(each.call.shop for each in left)
    assert len(left) >= 0.9 * 20 * 40, "although a third of them goes to sleep again and again"
    assert set(counts) == set(shops)
    assert max(counts.values()) <= 1.3 * min(counts.values())


def test_a_storm_of_429_on_a_shared_app_key_starves_no_shop(redis_url: str) -> None:
    """Two workers that want all the time and one shop that asks now and then."""
    wanted = [call("pinduoduo:1"), call("pinduoduo:1"), call("pinduoduo:2")]
    left = contest(redis_url, [Limit(1, 1, Scope.APP)], wanted, 300)
    counts = Counter(each.call.shop for each in left)
    assert counts["pinduoduo:2"] >= 0.4 * len(left)
    assert max(each.waited for each in left) < 10


def test_a_shipment_waits_for_no_backfill(redis_url: str) -> None:
    wanted = [call(f"pinduoduo:{number}", Urgency.BACKFILL) for number in range(12)]
    left = contest(redis_url, [APP], [*wanted, call("pinduoduo:7", Urgency.NOW)], 20, work=0.2)
    urgent = [each.waited for each in left if each.call.urgency is Urgency.NOW]
    assert len(urgent) > 20 / 0.4
    assert max(urgent) < 0.12, "at most two slots"
    assert len(left) >= 0.95 * 20 * 20 - 5, "and what it leaves is used"


def test_urgent_work_goes_first_and_nothing_waits_for_ever(redis_url: str) -> None:
    kinds = [Urgency.NOW, Urgency.READ, Urgency.STOCK, Urgency.PRICE, Urgency.LISTING]
    wanted = [call(f"pinduoduo:{shop}", urgency) for shop in range(2) for urgency in kinds]
    left = contest(redis_url, [Limit(1, 1, Scope.APP)], wanted, 700)
    counts = Counter(each.call.urgency for each in left)
    assert [counts[kind] for kind in kinds] == sorted(counts.values(), reverse=True)
    assert counts[Urgency.NOW] > 0.5 * len(left)
    assert counts[Urgency.LISTING] >= 2, "each shop's listings had their turn"


def test_who_asks_no_more_holds_nobody_up(redis_url: str) -> None:
    """A worker that died while it waited for its turn."""
    clock = ManualClock()
    one, dead = call("pinduoduo:1"), call("pinduoduo:2", Urgency.NOW)
    alone = contest(redis_url, [APP], [one], 5, clock=clock)
    dying = contest(redis_url, [APP], [one, dead, dead], 0.3, clock=clock)
    after = contest(redis_url, [APP], [one], 5, clock=clock)
    assert dying
    assert len(after) >= 0.9 * len(alone)
