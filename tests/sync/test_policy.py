"""What every class of error leads to."""

from datetime import timedelta

import pytest

from core import errors
from core.errors import ChannelError
from sync import policy
from sync.policy import LONGEST_WAIT_SECONDS, MALFORMED_TRIES, UNSETTLED_TRIES, Action, Decision, decide

MANY = 10_000


@pytest.mark.parametrize(
    ("error", "first", "at_last"),
    [
        (errors.Throttled(), Action.LANE_LATER, Action.LANE_LATER),
        (errors.Unavailable(), Action.ITEM_LATER, Action.ITEM_LATER),
        (errors.NotYet(), Action.ITEM_LATER, Action.PARK),
        (errors.OutcomeUnknown(), Action.READ_BACK, Action.PARK),
        (errors.AlreadyDone(), Action.READ_BACK, Action.PARK),
        (errors.Reauthorize(), Action.REFRESH, Action.REFRESH),
        (errors.Denied(), Action.PAUSE_SHOP, Action.PAUSE_SHOP),
        (errors.Unsupported(), Action.PARK, Action.PARK),
        (errors.Malformed(), Action.ITEM_LATER, Action.PARK),
        (errors.Garbled(), Action.ITEM_LATER, Action.PARK),
        (errors.NotFound(), Action.PARK, Action.PARK),
        (errors.Invalid(), Action.PARK, Action.PARK),
        (errors.Conflict(), Action.PARK, Action.PARK),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, ChannelError) else str(value),
)
def test_every_class_of_error_has_its_consequence(error: ChannelError, first: Action, at_last: Action) -> None:
    assert decide(error, 0).action is first
    assert decide(error, MANY).action is at_last


def test_the_table_leaves_no_class_out() -> None:
    named = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ChannelError)}
    decided = tuple(kind for kind, _ in policy._TABLE)
    assert [kind for kind in named if not issubclass(kind, decided)] == [ChannelError]
    assert decide(errors.Rejected(), 0).action is decide(ChannelError(), 0).action is Action.PARK


@pytest.mark.parametrize("kind", [errors.Unavailable, errors.NotYet, errors.OutcomeUnknown, errors.Garbled])
@pytest.mark.parametrize("named", [0.5, 17, 31_062])
def test_a_wait_that_is_named_is_kept_by_every_class_that_waits(kind: type[ChannelError], named: float) -> None:
    assert decide(kind(retry_after=named, shop="taobao:1"), 7).wait == timedelta(seconds=named)


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (errors.NotYet(), UNSETTLED_TRIES),
        (errors.OutcomeUnknown(), UNSETTLED_TRIES),
        (errors.AlreadyDone(), UNSETTLED_TRIES),
        (errors.Garbled(), UNSETTLED_TRIES),
        (errors.Malformed(), MALFORMED_TRIES),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, ChannelError) else str(value),
)
def test_what_does_not_pass_is_shown_to_a_person_after_its_tries(error: ChannelError, tries: int) -> None:
    assert decide(error, tries - 1).action is not Action.PARK
    assert decide(error, tries).action is Action.PARK


def test_shops_that_met_one_outage_do_not_come_back_in_step() -> None:
    shops = [f"taobao:{number}" for number in range(200)]
    for tries in (0, 3, 30):
        waits = [decide(errors.Unavailable(shop=shop), tries).wait.total_seconds() for shop in shops]
        longest = min(LONGEST_WAIT_SECONDS, 2**tries)
        assert len(set(waits)) > 190
        assert min(waits) > 0.74 * longest
        assert longest >= max(waits) > 1.2 * min(waits)


def test_an_outage_is_waited_out_with_growing_waits() -> None:
    waits = [decide(errors.Unavailable(), tries).wait.total_seconds() for tries in range(20)]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT_SECONDS


def test_a_delay_that_the_platform_names_is_kept() -> None:
    assert decide(errors.Throttled(retry_after=17), 0) == Decision(Action.LANE_LATER, timedelta(seconds=17))
