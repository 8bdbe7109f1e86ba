"""The neutral shared world of the simulated platforms: what really is, independent of how a platform tells it.

`World` is built in layers, one noun each, lowest first: `ground.py` (clock, shops, tokens, indexes, events),
`stock.py`, `orders.py`, `refunds.py`; the things themselves are in `model.py`. On top this module adds faults and the
outboxes of push messages. Platforms render from it and change it only through its methods;
nothing here knows a wire format.

Rules for callers: hold `world.lock` when several threads are about; call `world.run_due()` before reading (timers);
money is int fen, time epoch seconds of `world.clock`; a step that is not possible raises `Refused(reason)`.
"""

from collections.abc import Sequence

from .clock import Clock, RealClock, VirtualClock
from .faults import FaultRule, Faults
from .ground import Ground, Refused, ShopBook, TimeIndex
from .profile import Profile
from .pushes import Outbox, Push
from .refunds import RefundLife
from .settings import RateLimit, Settings

__all__ = [
    "Clock",
    "FaultRule",
    "Faults",
    "Ground",
    "Outbox",
    "Profile",
    "Push",
    "RateLimit",
    "RealClock",
    "Refused",
    "Settings",
    "ShopBook",
    "TimeIndex",
    "VirtualClock",
    "World",
]


class World(RefundLife):
    """Everything. Deterministic for the platforms' profiles, a seed, a virtual clock and a sequence of calls."""

    def __init__(
        self,
        profiles: Sequence[Profile],
        seed: int = 1,
        clock: Clock | None = None,
        *,
        shops: int = 1,
        stock: tuple[int, int] = (50, 500),
        settings: Settings | None = None,
    ) -> None:
        super().__init__(profiles, seed, clock, shops=shops, stock=stock, settings=settings)
        self.faults = Faults(self)
        self.outboxes = {each.channel: Outbox(self, self.faults, each) for each in profiles}
