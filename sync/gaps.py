"""What is not proven to be here: windows whose ids did not all come, and streams whose watermark stands still.

Lives here: finding them, saying what is known of the reason, walking a window again. Does not: the lanes' own walks
(sync/pull), which close most gaps by themselves at the next try.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.channel import ObjectKind, Window
from core.db import gaps, shops, watermarks
from core.db.gaps import Gap
from core.db.lanes import Lane
from core.db.watermarks import Walk
from core.errors import ChannelError, ConfigurationError, NotFound
from sync import ops, pull
from sync.accept import Accepted
from sync.runtime import Runtime

STANDS_AFTER = timedelta(minutes=15)
"""A look that is so long overdue will not come by itself."""


@dataclass(frozen=True)
class Missing:
    """An id that should have come, with why we think so."""

    id: str
    why: str


@dataclass(frozen=True)
class GapView:
    """A gap with what is known of it."""

    gap: Gap
    missing: tuple[Missing, ...]
    why: str


@dataclass(frozen=True)
class Standing:
    """A stream whose watermark does not move."""

    shop_id: str
    stream: str
    complete_through: datetime
    last_walk: datetime | None
    tries: int
    why: str


@dataclass(frozen=True)
class Repair:
    """What walking a gap again brought. `missing` is what is still not here when it is not `closed`."""

    gap: Gap
    closed: bool
    expected: int | None
    received: int
    changed: tuple[Accepted, ...]
    missing: tuple[Missing, ...]


def find(
    runtime: Runtime, *, shop: str = "", stream: str = "", since: datetime | None = None
) -> tuple[list[GapView], list[Standing]]:
    """Open gaps, oldest first, and streams that stand."""
    with runtime.database.read() as connection:
        found = gaps.find(connection, shop_id=shop, stream=stream, since=since)
        views = [_view(gap, gaps.named_but_missing(connection, gap), gaps.unreadable(connection, gap)) for gap in found]
        marks = [
            (row.active, row.reason, mark)
            for row in shops.all_shops(connection)
            if shop in ("", row.id)
            for mark in watermarks.of_shop(connection, row.id).values()
            if stream in ("", mark.stream)
        ]
        walked = gaps.last_walks(connection, shop)
    now = runtime.clock.now()
    standing = [
        Standing(
            mark.shop_id,
            mark.stream,
            mark.complete_through,
            walked.get((mark.shop_id, mark.stream)),
            mark.tries,
            why,
        )
        for active, reason, mark in marks
        if (why := _stands(mark, now) if active else f"the shop is paused: {reason}")
    ]
    return views, standing


def _view(gap: Gap, named: list[str], unreadable: list[tuple[str, str]]) -> GapView:
    missing = [Missing(each, "a push named it, and it is not here") for each in named]
    missing += [Missing(each or "?", f"came and could not be read: {reason}") for each, reason in unreadable if gap.bad]
    if gap.expected is None:
        why = "the walk did not reach its end"
    else:
        short = gap.expected - gap.received
        why = f"the channel counts {gap.expected}, its pages gave {gap.received}: {short} missing"
    return GapView(gap, tuple(missing), why)


def _stands(mark: watermarks.Watermark, now: datetime) -> str:
    if mark.tries:
        return mark.reason
    late = now - mark.next_at
    return f"nobody has looked since {mark.next_at:%Y-%m-%d %H:%M} UTC" if late > STANDS_AFTER else ""


def get(runtime: Runtime, gap_id: int) -> Gap:
    """Raises ConfigurationError when no open gap has this id."""
    with runtime.database.read() as connection:
        gap = gaps.get(connection, gap_id)
    if gap is None:
        raise ConfigurationError(f"no open gap {gap_id}; `qudao gaps list` shows them")
    return gap


def repair(
    runtime: Runtime, gap: Gap, *, dry_run: bool = False, walked: Callable[[Walk], None] = lambda _walk: None
) -> Repair:
    """Walks the gap again, and reads what pushes named one by one. `walked` hears of every page.

    With `dry_run` nothing is written; what it would change is in the answer. Raises `core.errors`.
    """
    changed: dict[str, Accepted] = {}
    windows: dict[datetime, Walk] = {}
    listed: set[str] = set()
    for walk, outcomes in ops.resync(runtime, gap.shop_id, gap.stream, Window(gap.since, gap.until), dry_run=dry_run):
        windows[walk.since] = walk
        listed.update(outcome.id for outcome in outcomes)
        changed |= {outcome.id: outcome for outcome in outcomes if outcome.effect != "unchanged"}
        walked(walk)
    with runtime.database.read() as connection:
        named = [each for each in gaps.named_but_missing(connection, gap) if each not in listed]
        stored = sorted(set(gaps.changed_within(connection, gap)) - listed)
        unreadable = gaps.unreadable(connection, gap)
    missing = []
    for each in named:
        outcome = (
            Missing(each, "a push named it, and the list does not show it") if dry_run else _read(runtime, gap, each)
        )
        if isinstance(outcome, Missing):
            missing.append(outcome)
        else:
            changed[each] = outcome
    missing += [Missing(each, "here, but the channel's list does not show it") for each in stored]
    missing += [Missing(each or "?", f"cannot be read: {reason}") for each, reason in unreadable if gap.bad]
    complete = bool(windows) and all(walk.complete for walk in windows.values())
    if complete and not dry_run:
        _look_again(runtime, gap)
    counts = [walk.expected for walk in windows.values() if walk.expected is not None]
    return Repair(
        gap,
        complete,
        sum(counts) if counts else None,
        sum(walk.received for walk in windows.values()),
        tuple(changed.values()),
        () if complete else tuple(missing),
    )


def _read(runtime: Runtime, gap: Gap, identity: str) -> Accepted | Missing:
    try:
        [outcome] = ops.reread(runtime, gap.shop_id, ObjectKind(gaps.KINDS[gap.stream]), identity)
    except NotFound:
        return Missing(identity, "a push named it, and the channel says that it does not exist")
    except ChannelError as error:
        return Missing(identity, f"a push named it, and it cannot be read: {error}")
    return outcome


def _look_again(runtime: Runtime, gap: Gap) -> None:
    """Lets a watermark that waited for this range go on at once."""
    with runtime.database.write() as connection:
        watermarks.look_now(connection, gap.shop_id, gap.stream, runtime.clock.now())
    runtime.bells.ring([Lane(gap.shop_id, pull.LANES[gap.stream])])
