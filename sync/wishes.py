"""What every command has in common: items become intents, each with its own result.

Everything here runs inside the caller's transaction; the caller rings the lanes after it. A wish that cannot be right
is refused item by item, before anything is stored of it, and stops none of its neighbours.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, TypeVar

import sqlalchemy as sa
from pydantic import StringConstraints
from sqlalchemy import Connection

from core.channel import Capability, Channel
from core.db import intents
from core.db.feed import Event
from core.db.intents import Wish
from core.db.lanes import Kind, Lane
from core.db.tables import shop
from core.packing import Remark
from core.text import masked

Name = Annotated[
    str, StringConstraints(min_length=1, max_length=128, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]+$")
]

T = TypeVar("T")


@dataclass(frozen=True)
class ItemResult:
    """What became of one item. `state`: queued, unchanged or refused; `code` is stable, `message` is for people.

    `intents` are (intent id, version) pairs whose outcome can be asked for.
    """

    state: str
    code: str = ""
    message: str = ""
    warnings: tuple[Remark, ...] = ()
    intents: tuple[tuple[int, int], ...] = ()


@dataclass
class Queued:
    """The result of each item in order, the lanes to ring after the commit, and what the feed is told before it."""

    items: list[ItemResult]
    lanes: set[Lane] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """What one item wants: wishes, or the reason why it may not want anything."""

    wishes: tuple[Wish, ...] = ()
    refused: ItemResult | None = None
    warnings: tuple[Remark, ...] = ()


def queue(connection: Connection, wanted: Sequence[T], plan: Callable[[T], Plan], now: datetime) -> Queued:
    """Plans every item, then writes all wishes at once."""
    plans = [plan(item) for item in wanted]
    wishes = [wish for each in plans for wish in each.wishes]
    written = intents.want(connection, wishes, now)
    results = [
        each.refused
        or ItemResult("queued", warnings=each.warnings, intents=tuple(written[wish.key] for wish in each.wishes))
        for each in plans
    ]
    return Queued(results, {Lane(wish.shop_id, Kind(wish.kind)) for wish in wishes})


def no(code: str, message: str) -> Plan:
    """The plan of an item that is refused; a mobile number in the place of a code is not repeated."""
    return Plan(refused=ItemResult("refused", code, masked(message)))


def not_here(channel: Channel, capability: Capability) -> Plan | None:
    """The plan of an item that its channel cannot carry out."""
    if channel.supports(capability):
        return None
    return no("not_supported_here", f"{channel.label}: {channel.notes.get(capability, 'it cannot be done there')}")


def channels(connection: Connection, named: Iterable[str]) -> dict[str, str]:
    """Shop → its channel, for those that are connected."""
    rows = connection.execute(sa.select(shop.c.id, shop.c.channel).where(shop.c.id.in_(set(named))))
    return {row.id: row.channel for row in rows}
