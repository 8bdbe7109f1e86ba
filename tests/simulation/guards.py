"""Takes one guard of the engine away, to prove that the simulation would notice.

Each is the smallest change that makes a promise empty: what remains is the engine without that one line.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import sqlalchemy as sa
from sqlalchemy import Connection

from core.channel import Connector, Paging, Window
from core.db import outcomes, receipts, watermarks
from core.db.intents import Attempt, Intent
from core.db.lanes import Claim
from core.db.outcomes import Ending, Version
from core.db.tables import lane
from core.model import Order
from sync import pull
from sync.runtime import Runtime


def _hold(connection: Connection, claim: Claim, now: datetime, ttl: timedelta, *, doing: str | None = None) -> None:
    """Whoever says that he owns the lane is believed."""
    mine = sa.and_(lane.c.shop_id == claim.lane.shop_id, lane.c.kind == claim.lane.kind.value)
    told = {} if doing is None else {"doing": doing}
    connection.execute(sa.update(lane).where(mine).values(expires_at=now + ttl, **told))


def _read_back(
    runtime: Runtime, _connector: Connector, _claim: Claim, _field: object, doubtful: list[tuple[Intent, Attempt]]
) -> None:
    """What was not answered will have landed."""
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        for item, attempt in doubtful:
            outcomes.end(connection, [Ending(attempt.id, "accepted", message="assumed")], now)
            outcomes.accept(connection, [Version(item.id, attempt.version)], now)


def _window_after(complete_through: datetime, paging: Paging | None, now: datetime) -> Window:
    """Windows touch and do not overlap."""
    if paging is None:
        return Window(complete_through, now)
    since = max(complete_through, now - paging.horizon)
    return Window(since, min(since + paging.window, now))


_walk = pull._walk


def _walk_after_moving(runtime: Runtime, claim: Claim, stream: Any, connector: Connector, window: Window) -> Any:
    """The watermark moves before what it vouches for is stored."""
    [name] = [name for name, each in pull._STREAMS.items() if each is stream]
    now, paging = runtime.clock.now(), stream.paging(connector)
    proven = min(window.until, now - paging.lag) if paging else now
    with runtime.database.write() as connection:
        watermarks.advance(connection, claim.lane.shop_id, name, proven, now)
    return _walk(runtime, claim, stream, connector, window)


_values = receipts._values
_copies = itertools.count()


def _values_of_a_new_one(*arguments: Any) -> dict[str, object]:
    """Every delivery is a message of its own."""
    values = _values(*arguments)
    return values | {"dedup_key": f"{values['dedup_key']}/{next(_copies)}"}


def _told(_known: Order, told: Order, *, final: bool) -> Order:
    """The last reading that arrives is right."""
    return told


def _nothing(*_: object) -> set[object]:
    return set()


def _enter(*_: object) -> None:
    """Every call may leave at once."""


def _enough(*_: object) -> None:
    """Whatever sales explain is right."""


GUARDS: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    "fence": {"core.db.lanes.hold": _hold},
    "read-back": {"sync.deliver._read_back": _read_back},
    "overlap": {"sync.pull.window_after": _window_after},
    "watermark": {"sync.pull._walk": _walk_after_moving},
    "dedup": {"core.db.receipts._values": _values_of_a_new_one},
    "axes": {"sync.accept.merge_order": _told},
    "sweeper": {"sync.beat._notices": _nothing, "sync.beat._intents": _nothing},
    "gate": {"sync.limits.RedisGate.enter": _enter},
    "word": {"sync.given_back.excess": _enough},
}
"""Guard → what stands where it was."""


@contextmanager
def removed(name: str) -> Iterator[None]:
    """The engine without the named guard; an empty name takes nothing away."""
    if name and name not in GUARDS:
        raise ValueError(f"no guard {name!r}; there are {', '.join(GUARDS)}")
    with ExitStack() as stack:
        for place, instead in GUARDS.get(name, {}).items():
            stack.enter_context(mock.patch(place, instead))
        yield
