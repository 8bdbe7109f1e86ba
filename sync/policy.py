"""What to do about an error, by its class. The one place that decides between again, later, pause and park."""

import zlib
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from core.errors import (
    AlreadyDone,
    ChannelError,
    Denied,
    Garbled,
    Malformed,
    NotYet,
    OutcomeUnknown,
    Reauthorize,
    Rejected,
    Throttled,
    Unavailable,
    Unsupported,
)


class Action(StrEnum):
    """The consequence of an error."""

    LANE_LATER = "lane_later"
    """Nothing on this lane will go through now."""
    ITEM_LATER = "item_later"
    """This item alone must wait."""
    READ_BACK = "read_back"
    """Look at the channel before doing anything else."""
    REFRESH = "refresh"
    """Renew the token, then again."""
    PAUSE_SHOP = "pause_shop"
    """Nothing of this shop will go through before a person acts."""
    PARK = "park"
    """A person must look at this item."""


@dataclass(frozen=True)
class Decision:
    """An action and, for the later ones, how long to wait."""

    action: Action
    wait: timedelta = timedelta(0)


FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 300.0
SPREAD = 0.25
"""The part of a wait over which shops are spread. A wait that the channel names is kept to the second."""
UNSETTLED_TRIES = 12
"""After so many tries an item that stays unanswered, unreadable or not ready is shown to a person; with the waits
above, after 25 minutes at most.
"""

DEADLY_TRIES = 5
"""What ends the worker at it so often in a row is the reason, and no restart or host that went away."""

MALFORMED_TRIES = 3
"""An answer that stays other than documented is somebody's defect; an error page or a cut off body (Garbled) passes."""

_TABLE: tuple[tuple[type[ChannelError], Action], ...] = (
    (Throttled, Action.LANE_LATER),
    (Unavailable, Action.ITEM_LATER),
    (NotYet, Action.ITEM_LATER),
    (OutcomeUnknown, Action.READ_BACK),
    (AlreadyDone, Action.READ_BACK),
    (Reauthorize, Action.REFRESH),
    (Denied, Action.PAUSE_SHOP),
    (Unsupported, Action.PARK),
    (Malformed, Action.ITEM_LATER),  # and Garbled with it
    (Rejected, Action.PARK),
)


def decide(error: ChannelError, tries: int) -> Decision:
    """`tries` counts the earlier tries of this item that ended in waiting."""
    action = next((action for kind, action in _TABLE if isinstance(error, kind)), Action.PARK)
    if action is Action.LANE_LATER:
        return Decision(action, timedelta(seconds=error.retry_after or FIRST_WAIT_SECONDS))
    if action in (Action.ITEM_LATER, Action.READ_BACK) and _exhausted(error, tries):
        return Decision(Action.PARK)
    if action in (Action.ITEM_LATER, Action.READ_BACK):
        return Decision(action, timedelta(seconds=error.retry_after or backoff(tries, error.shop)))
    return Decision(action)


def _exhausted(error: ChannelError, tries: int) -> bool:
    """An outage of the platform ends by itself, however long it takes; parking all that met it would help nobody."""
    if isinstance(error, Unavailable):
        return False
    lasting = isinstance(error, Malformed) and not isinstance(error, Garbled)
    return tries >= (MALFORMED_TRIES if lasting else UNSETTLED_TRIES)


def backoff(tries: int, shop: str = "") -> float:
    """Seconds before the next try: doubling from the first wait to the longest, for each shop a little less of it, so
    that an outage which met all shops at once does not bring all back at once.
    """
    wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(tries, 20))
    return float(wait * (1 - SPREAD * (zlib.crc32(shop.encode()) / 2**32)))


def code(error: ChannelError) -> str:
    """The stable word for an error class in the API, the CLI and the feed."""
    name = type(error).__name__
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
