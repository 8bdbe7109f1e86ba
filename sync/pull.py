"""Polling: walks windows of a channel's changes and moves the watermark only when a walk was complete and committed.

A window reaches from before the watermark (overlap) to now, so that fresh changes come in at once; the watermark itself
stays behind by the channel's lag, because what is younger may still be missing from its lists.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection

from core.channel import BadRow, Capability, Connector, ObjectKind, Page, Paging, Window
from core.clock import Clock
from core.db import catalog, feed, items, lanes, receipts, watermarks
from core.db.lanes import Claim, Kind
from core.db.mappings import match_codes
from core.db.shops import ShopRow
from core.db.watermarks import Walk, Watermark
from core.errors import ChannelError, Unsupported
from core.settings import Settings
from sync import conflicts, mappings, nights, policy
from sync.accept import FINAL_AFTER, Accepted, accept, compare
from sync.decisions import Considered
from sync.policy import Action
from sync.runtime import Runtime

P = TypeVar("P")
log = structlog.get_logger("qudao.pull")

ORDERS, AFTER_SALES, LISTINGS, SUBSCRIPTION = "orders", "after_sales", "listings", "subscription"
RECONCILIATION = "reconciliation"
"""Read by sync/reconcile."""
LANES: dict[str, Kind] = {
    ORDERS: Kind.PULL,
    AFTER_SALES: Kind.PULL,
    LISTINGS: Kind.BACKFILL,
    SUBSCRIPTION: Kind.BACKFILL,
    RECONCILIATION: Kind.BACKFILL,
}
"""Stream → the lane that reads it."""

SUBSCRIBE_EVERY = timedelta(days=1)
"""A subscription to pushes may lapse on the platform's side; renewing it is idempotent."""
READ_AGAIN_AFTER = timedelta(seconds=10)
"""How long after its source version a reading counts for the two minutes until the final one."""
SMALLEST = timedelta(minutes=1)
"""A window that is no longer and still ends its worker is left out, as a gap."""
TURN_SECONDS = 3.0
"""How long a stream that is behind goes on before the next has its turn: one whose windows cost many calls must not
hold the others up window by window.
"""


@dataclass(frozen=True)
class _Stream:
    """How one stream is read."""

    capability: Capability
    kind: str
    pages: Callable[[Connector, Window], Iterator[Page[Any]]]
    every: Callable[[Settings], float]
    paging: Callable[[Connector], Paging | None]


_STREAMS: dict[str, _Stream] = {
    ORDERS: _Stream(
        Capability.ORDERS,
        "order",
        lambda connector, window: connector.orders(window),
        lambda settings: settings.poll_orders_seconds,
        lambda connector: connector.channel.orders,
    ),
    AFTER_SALES: _Stream(
        Capability.AFTER_SALES,
        "after_sale",
        lambda connector, window: connector.after_sales(window),
        lambda settings: settings.poll_after_sales_seconds,
        lambda connector: connector.channel.after_sales,
    ),
    LISTINGS: _Stream(
        Capability.LISTINGS,
        "listing",
        lambda connector, _window: connector.listings(),
        lambda settings: settings.poll_listings_seconds,
        lambda _connector: None,
    ),
}


def pages(stream: str, connector: Connector, window: Window) -> Iterator[Page[Any]]:
    """What a stream's list shows of a window that is not longer than its paging allows."""
    return _STREAMS[stream].pages(connector, window)


def paging(stream: str, connector: Connector) -> Paging | None:
    """How a stream is read; None where the channel does not tell it by time, or not at all."""
    found = _STREAMS[stream]
    return found.paging(connector) if connector.channel.supports(found.capability) else None


def begin(runtime: Runtime, shop_id: str) -> None:
    """Starts all streams of a shop that has none, and takes up notices that came before it was connected."""
    now = runtime.clock.now()
    since = now - timedelta(days=runtime.settings.first_pull_days)
    channel, _, account = shop_id.partition(":")
    with runtime.database.write() as connection:
        watermarks.begin(
            connection, shop_id, {SUBSCRIPTION: now, LISTINGS: now, ORDERS: since, AFTER_SALES: since}, now
        )
        watermarks.begin(connection, shop_id, {RECONCILIATION: now}, nights.next_run(runtime.settings, shop_id, now))
        receipts.adopt(connection, channel, account, now)


def drain(runtime: Runtime, connector: Connector, claim: Claim) -> bool:
    """Gives every due stream of the lane a turn, orders and subscriptions first. True when one is still behind."""
    if claim.left:
        _died(runtime, connector, claim)
    now = runtime.clock.now()
    with runtime.database.read() as connection:
        marks = watermarks.due(connection, connector.shop_id, now)
    due = [mark for mark in marks if LANES[mark.stream] is claim.lane.kind and mark.stream != RECONCILIATION]
    behind = False
    for mark in sorted(due, key=lambda mark: mark.stream not in (ORDERS, SUBSCRIPTION)):
        try:
            behind |= _turn(runtime, connector, claim, mark)
        except ChannelError as error:
            decision = policy.decide(error, mark.tries)
            if decision.action not in (Action.ITEM_LATER, Action.PARK, Action.READ_BACK):
                raise
            _again(runtime, claim, mark, str(error))
    return behind


def _turn(runtime: Runtime, connector: Connector, claim: Claim, mark: Watermark) -> bool:
    """Walks windows until the stream is up to date or its turn is over. True when it is still behind."""
    end = runtime.monotonic() + TURN_SECONDS
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, runtime.clock.now(), _ttl(runtime), doing=mark.stream)
    while _look(runtime, connector, claim, mark):
        if runtime.monotonic() >= end:
            return True
        with runtime.database.read() as connection:
            mark = watermarks.of_shop(connection, mark.shop_id)[mark.stream]
    return False


def _look(runtime: Runtime, connector: Connector, claim: Claim, mark: Watermark) -> bool:
    if mark.stream == SUBSCRIPTION:
        _subscribe(runtime, connector, claim, mark)
        return False
    stream = _STREAMS[mark.stream]
    if not connector.channel.supports(stream.capability):
        _done(runtime, claim, mark, mark.complete_through, SUBSCRIBE_EVERY)
        return False
    now = runtime.clock.now()
    paging = stream.paging(connector)
    window = _window(mark, paging, now)
    walk = _walk(runtime, claim, stream, connector, window)
    narrowed = mark.deadly_until is not None and mark.deadly_until > mark.complete_through
    with runtime.database.write() as connection:
        watermarks.log(connection, mark.shop_id, mark.stream, walk, runtime.clock.now())
        if walk.complete and mark.deadly_until is not None and narrowed and window.until >= mark.deadly_until:
            watermarks.deadly(connection, mark.shop_id, mark.stream, None)
    if not walk.complete:
        _again(
            runtime,
            claim,
            mark,
            f"received {walk.received} of {walk.expected} between {window.since} and {window.until}",
        )
        return False
    if mark.stream == LISTINGS:
        match_listings(runtime, mark.shop_id)
    proven = min(window.until, now - paging.lag) if paging else now
    behind = window.until < now and (proven == window.until or not narrowed)
    every = timedelta(seconds=stream.every(runtime.settings))
    ended = runtime.clock.now()
    _done(runtime, claim, mark, proven, timedelta(0) if behind else max(now + every - ended, every / 2))
    return behind


def window_after(complete_through: datetime, paging: Paging | None, now: datetime) -> Window:
    """The next window to walk: from before the watermark, as long as the channel allows, at most to now."""
    if paging is None:
        return Window(complete_through, now)
    since = max(complete_through - paging.overlap, now - paging.horizon)
    return Window(since, min(since + paging.window, now))


def _window(mark: Watermark, paging: Paging | None, now: datetime) -> Window:
    """The next window, but half as far where one ended its worker, and not back over one that was left out."""
    window = window_after(mark.complete_through, paging, now)
    if paging is None or mark.deadly_until is None:
        return window
    ahead = mark.deadly_until - mark.complete_through
    if ahead <= timedelta(0):
        return Window(max(window.since, mark.deadly_until), window.until)
    if ahead > SMALLEST:
        ahead /= 2
    return Window(window.since, min(window.until, mark.complete_through + ahead))


def _died(runtime: Runtime, connector: Connector, claim: Claim) -> None:
    """Makes good that a predecessor ended in the middle of a stream, killed by what it read or by a defect.

    The stream waits, longer each time, and `qudao gaps` says why. From the second time in a row on it walks half as
    far, so that everything around what kills is read; when the smallest window ends the worker as well, time after
    time, it is left out, stays open as a gap, and the stream goes on behind it. A stream without times has no smaller
    part to walk: it brings what comes before what kills, and waits.
    """
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, _ttl(runtime), doing="")
        mark = watermarks.of_shop(connection, claim.lane.shop_id)[claim.left]
        stream = _STREAMS.get(mark.stream)
        _narrow(connection, mark, stream.paging(connector) if stream else None, now)
    claim.left = ""


def _narrow(connection: Connection, mark: Watermark, paging: Paging | None, now: datetime) -> None:
    window = _window(mark, paging, now)
    times = mark.tries + 1
    log.error("a worker ended at it", shop=mark.shop_id, stream=mark.stream, until=str(window.until), times=times)
    if paging and window.until - mark.complete_through <= SMALLEST and times >= policy.DEADLY_TRIES:
        left_out = Walk(window.since, window.until, None, 0, 0, complete=False)
        watermarks.log(connection, mark.shop_id, mark.stream, left_out, now)
        watermarks.advance(connection, mark.shop_id, mark.stream, window.until, now)
        watermarks.deadly(connection, mark.shop_id, mark.stream, window.until)
        return
    later = now + timedelta(seconds=policy.backoff(mark.tries, mark.shop_id))
    watermarks.again(connection, mark.shop_id, mark.stream, later, "reading it ended the worker")
    narrowed = mark.deadly_until is not None and mark.deadly_until > mark.complete_through
    if paging and (narrowed or times > 1):
        watermarks.deadly(connection, mark.shop_id, mark.stream, window.until)


def _ttl(runtime: Runtime) -> timedelta:
    return timedelta(seconds=runtime.settings.lease_seconds)


def _walk(runtime: Runtime, claim: Claim, stream: _Stream, connector: Connector, window: Window) -> Walk:
    """Accepts every page in a transaction of its own."""
    seen = Seen()
    if connector.channel.lists_names:
        connector.known = partial(_known, runtime, connector.shop_id)
    pages = timed(stream.pages(connector, window), runtime.clock)
    for asked_at, page in read_ahead(pages) if runtime.settings.read_ahead else pages:
        seen.add(page)
        outcomes = accept_page(runtime, claim, stream.kind, page, asked_at, reread=connector.channel.lists_names)
        if any(outcome.effect != "unchanged" for outcome in outcomes):
            runtime.bells.announce_feed()
    return seen.walk(window)


def _known(runtime: Runtime, shop_id: str, kind: ObjectKind, versions: Mapping[str, datetime]) -> set[str]:
    """What was read often enough: again well after its version was made, and once more when that was over, because
    versions are whole seconds, and what was read within one may have changed again in it.
    """
    now = runtime.clock.now()
    with runtime.database.read() as connection:
        stored = items.readings(connection, kind.value, shop_id, list(versions))
    known = set()
    for identity, (version, asked_at) in stored.items():
        waited = asked_at - version
        resting = waited >= READ_AGAIN_AFTER and now - version <= FINAL_AFTER
        if versions[identity] == version and (resting or waited > FINAL_AFTER):
            known.add(identity)
    return known


@dataclass
class Seen:
    """What the pages of one walk brought. Ids are counted once, however often a page repeats them; a row that does not
    even show its id counts by its text, so that it cannot keep the watermark from moving.
    """

    ids: set[str] = field(default_factory=set)
    bad: int = 0
    expected: int | None = None

    def add(self, page: Page[Any]) -> None:
        self.ids.update(item.value.id for item in page.items)
        self.ids.update(page.known)
        self.ids.update(row.id or f"? {hashlib.sha256(row.raw).hexdigest()}" for row in page.bad)
        self.bad += len(page.bad)
        self.expected = page.expected

    def walk(self, window: Window) -> Walk:
        received = len(self.ids)
        complete = self.expected is None or received >= self.expected
        return Walk(window.since, window.until, self.expected, received, self.bad, complete)


def timed(pages: Iterator[P], clock: Clock) -> Iterator[tuple[datetime, P]]:
    """The same pages, each with the instant before it was asked for."""
    while True:
        asked_at = clock.now()
        page = next(pages, None)
        if page is None:
            return
        yield asked_at, page


def read_ahead(pages: Iterator[P]) -> Iterator[P]:
    """The same pages, each asked for while the caller still deals with the one before."""
    with ThreadPoolExecutor(1, "read-ahead") as pool:
        upcoming = pool.submit(next, pages, None)
        while (page := upcoming.result()) is not None:
            upcoming = pool.submit(next, pages, None)
            yield page


def accept_page(
    runtime: Runtime,
    claim: Claim,
    kind: str,
    page: Page[Any],
    asked_at: datetime | None = None,
    *,
    reread: bool = False,
) -> list[Accepted]:
    """One page, one transaction, in the name of the lane's owner."""
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, timedelta(seconds=runtime.settings.lease_seconds))
        park_rows(runtime, connection, claim.lane.shop_id, kind, page.bad, now)
        return accept(connection, runtime.vault, claim.lane.shop_id, page.items, now, asked_at=asked_at, reread=reread)


def park_rows(
    runtime: Runtime, connection: Connection, shop_id: str, kind: str, bad: tuple[BadRow, ...], now: datetime
) -> None:
    for row in bad:
        log.warning("row does not parse", shop=shop_id, kind=kind, id=row.id, reason=row.reason)
        items.park_row(
            connection,
            runtime.vault,
            kind=kind,
            shop_id=shop_id,
            identity=row.id,
            reason=row.reason,
            payload=row.raw,
            now=now,
        )


def match_listings(runtime: Runtime, shop_id: str) -> None:
    """Maps what can be mapped by merchant code and publishes the ERP's known numbers for it. Idempotent."""
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        catalog.numbers_locked(connection)
        matched = match_codes(connection, shop_id, now)
        wanted = mappings.publish(connection, shop_id, matched.fresh, now)
        feed.append(connection, matched.events)
    runtime.bells.ring(wanted)
    if matched.events:
        runtime.bells.announce_feed()


def _subscribe(runtime: Runtime, connector: Connector, claim: Claim, mark: Watermark) -> None:
    if connector.channel.supports(Capability.SUBSCRIBE):
        connector.subscribe()
    _done(runtime, claim, mark, runtime.clock.now(), SUBSCRIBE_EVERY)


def _done(runtime: Runtime, claim: Claim, mark: Watermark, proven: datetime, wait: timedelta) -> None:
    """Moves the watermark. With every order up to it here, readings of stock that waited for that can be judged."""
    now = runtime.clock.now()
    judged = Considered()
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, timedelta(seconds=runtime.settings.lease_seconds))
        watermarks.advance(connection, mark.shop_id, mark.stream, proven, now + wait)
        if mark.stream == ORDERS:
            judged = conflicts.review(connection, runtime.vault, mark.shop_id, now)
            feed.append(connection, judged.events)
    runtime.bells.ring(judged.lanes)
    if judged.events:
        runtime.bells.announce_feed()


def _again(runtime: Runtime, claim: Claim, mark: Watermark, reason: str) -> None:
    now = runtime.clock.now()
    log.warning("pull incomplete", shop=mark.shop_id, stream=mark.stream, reason=reason)
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, timedelta(seconds=runtime.settings.lease_seconds))
        later = now + timedelta(seconds=policy.backoff(mark.tries, mark.shop_id))
        watermarks.again(connection, mark.shop_id, mark.stream, later, reason)


def resync(
    runtime: Runtime, row: ShopRow, connector: Connector, stream_name: str, window: Window, *, dry_run: bool = False
) -> Iterator[tuple[Walk, list[Accepted]]]:
    """Reads a time range again, window by window, and answers after each page what it changed (or with `dry_run`
    would).

    Moves no watermark and needs no lane: `accept` takes the same facts from anybody, any number of times.
    """
    stream = _STREAMS[stream_name]
    if not connector.channel.supports(stream.capability):
        raise Unsupported(connector.channel.notes.get(stream.capability, ""), channel=row.channel, shop=row.id)
    paging = stream.paging(connector)
    since = window.since
    while True:
        part = Window(since, min(since + paging.window, window.until) if paging else window.until)
        seen = Seen()
        for asked_at, page in timed(stream.pages(connector, part), runtime.clock):
            seen.add(page)
            with runtime.database.read() if dry_run else runtime.database.write() as connection:
                now = runtime.clock.now()
                if dry_run:
                    outcomes = compare(connection, row.id, page.items, asked_at)
                else:
                    park_rows(runtime, connection, row.id, stream.kind, page.bad, now)
                    outcomes = accept(connection, runtime.vault, row.id, page.items, now, asked_at=asked_at)
            yield seen.walk(part), outcomes
        if not dry_run:
            with runtime.database.write() as connection:
                watermarks.log(connection, row.id, stream_name, seen.walk(part), runtime.clock.now())
        if part.until >= window.until:
            break
        since = part.until
    if not dry_run:
        if stream_name == LISTINGS:
            match_listings(runtime, row.id)
        runtime.bells.announce_feed()
