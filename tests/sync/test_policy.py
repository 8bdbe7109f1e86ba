"""What every class of error leads to."""

from datetime import timedelta

import pytest

from core import errors
from core.errors import ChannelError
from sync.policy import LONGEST_WAIT_SECONDS, Action, Decision, decide

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


def test_an_outage_is_waited_out_with_growing_waits() -> None:
    waits = [decide(errors.Unavailable(), tries).wait.total_seconds() for tries in range(20)]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT_SECONDS


def test_a_delay_that_the_platform_names_is_kept() -> None:
    assert decide(errors.Throttled(retry_after=17), 0) == Decision(Action.LANE_LATER, timedelta(seconds=17))
