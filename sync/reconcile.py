"""Comparing shops with their channels: every night on the backfill lane, and whenever a person asks.

Lives here: when a comparison begins, where it goes on, when it is through. Does not: what is compared (sync/drift).
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection

from core.channel import Connector, ObjectKind
from core.db import lanes, reconciliations, shops, watermarks
from core.db.lanes import Claim
from core.db.reconciliations import ASKED, NIGHTLY, RESYNC, Run
from core.db.watermarks import Watermark
from core.errors import ChannelError, ConfigurationError, Reauthorize
from sync import drift, nights, ops, policy, pull, tokens
from sync.drift import FRESH, ORDERS, PARTS, Bench, Finding, Piece
from sync.patience import Last, Patient
from sync.policy import Action
from sync.runtime import Runtime

log = structlog.get_logger("qudao.reconcile")

STALE = timedelta(hours=20)
"""A run that was stopped so long ago is not gone on with; a new one begins."""
END = "end"


@dataclass(frozen=True)
class Plan:
    """What to compare: which parts of a shop, and for orders and after-sales which time range."""

    shop_id: str
    parts: tuple[str, ...]
    since: datetime
    until: datetime


def plan(runtime: Runtime, shop_id: str, parts: Collection[str] = (), days: float | None = None) -> Plan:
    """The usual comparison of a shop. Raises ConfigurationError for a part that is none."""
    if strange := set(parts) - set(PARTS):
        raise ConfigurationError(f"no part {', '.join(sorted(strange))}; there are {', '.join(PARTS)}")
    now = runtime.clock.now()
    back = timedelta(days=days if days is not None else runtime.settings.reconcile_days)
    return Plan(shop_id, tuple(part for part in PARTS if not parts or part in parts), now - back, now - FRESH)


def drain(runtime: Runtime, connector: Connector, claim: Claim) -> bool:
    """The backfill lane: its streams have their turn first, then the nightly comparison if its time has come."""
    behind = pull.drain(runtime, connector, claim)
    return _turn(runtime, connector, claim) or behind


def _turn(runtime: Runtime, connector: Connector, claim: Claim) -> bool:
    """Works on the shop's run for a while. True when it is not through."""
    with runtime.database.read() as connection:
        mark = watermarks.of_shop(connection, claim.lane.shop_id).get(pull.RECONCILIATION)
    now = runtime.clock.now()
    if mark is None or mark.next_at > now:
        return False
    if not runtime.settings.reconcile_at:
        _next(runtime, claim, mark, mark.complete_through, nights.next_run(runtime.settings, mark.shop_id, now))
        return False
    with runtime.database.read() as connection:
        row = shops.get(connection, claim.lane.shop_id)
    last, _ = runtime.connector(row, Last(connector.transport))
    return _pieces(runtime, last, claim, mark)


def _pieces(runtime: Runtime, connector: Connector, claim: Claim, mark: Watermark) -> bool:
    """Pieces of tonight's run, until the turn is over. True when there are more."""
    run = _tonight(runtime, claim)
    end = runtime.monotonic() + pull.TURN_SECONDS
    bench = Bench(runtime, connector, run, hold=lambda connection: _hold(runtime, connection, claim))
    cursor: Mapping[str, Any] | None = run.cursor if run.cursor.get("stage") != END else None
    try:
        while cursor is not None:
            done = drift.piece(bench, cursor)
            cursor = done.cursor
            if done.pause:
                _next(runtime, claim, mark, mark.complete_through, runtime.clock.now() + done.pause)
                return False
            if cursor is not None and runtime.monotonic() >= end:
                return True
    except ChannelError as error:
        if policy.decide(error, mark.tries).action not in (Action.ITEM_LATER, Action.PARK, Action.READ_BACK):
            raise
        _again(runtime, claim, mark, str(error))
        return False
    _through(runtime, claim, mark, run)
    return False


def _tonight(runtime: Runtime, claim: Claim) -> Run:
    """The run that was begun, or a new one."""
    now, shop_id = runtime.clock.now(), claim.lane.shop_id
    wanted = plan(runtime, shop_id)
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, timedelta(seconds=runtime.settings.lease_seconds), doing=pull.RECONCILIATION)
        open_one = reconciliations.unfinished(connection, shop_id, origin=NIGHTLY, since=now - STALE)
        if open_one is not None:
            return open_one
        return reconciliations.begin(connection, shop_id, NIGHTLY, wanted.parts, wanted.since, wanted.until, now)


def _through(runtime: Runtime, claim: Claim, mark: Watermark, run: Run) -> None:
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        _hold(runtime, connection, claim)
        reconciliations.end(connection, run.id, now)
        night = nights.next_run(runtime.settings, mark.shop_id, now)
        watermarks.advance(connection, mark.shop_id, mark.stream, run.started_at, night)
    log.info("compared", shop=mark.shop_id, run=run.id)


def _next(runtime: Runtime, claim: Claim, mark: Watermark, proven: datetime, at: datetime) -> None:
    with runtime.database.write() as connection:
        _hold(runtime, connection, claim)
        watermarks.advance(connection, mark.shop_id, mark.stream, proven, at)


def _again(runtime: Runtime, claim: Claim, mark: Watermark, reason: str) -> None:
    log.warning("comparison waits", shop=mark.shop_id, reason=reason)
    with runtime.database.write() as connection:
        _hold(runtime, connection, claim)
        later = runtime.clock.now() + timedelta(seconds=policy.backoff(mark.tries))
        watermarks.again(connection, mark.shop_id, mark.stream, later, reason)


def _hold(runtime: Runtime, connection: Connection, claim: Claim) -> None:
    lanes.hold(connection, claim, runtime.clock.now(), timedelta(seconds=runtime.settings.lease_seconds))


def here(
    runtime: Runtime,
    wanted: Plan,
    *,
    origin: str = ASKED,
    dry_run: bool = False,
    calls_per_second: float | None = None,
    going_on: Run | None = None,
) -> Iterator[tuple[Run, Piece]]:
    """Compares now, in this process, one piece after the other. It needs no lane: whatever is read twice changes
    nothing.

    A run of the same kind that was stopped goes on where it was; `going_on` names one. A dry run keeps nothing.
    """
    with runtime.database.read() as connection:
        row = shops.get(connection, wanted.shop_id)
    run = going_on or _begun(runtime, wanted, origin, dry_run=dry_run)
    way = Patient(runtime) if calls_per_second is None else Patient(runtime, calls_per_second)
    connector, version = runtime.connector(row, way)
    cursor: Mapping[str, Any] | None = run.cursor if run.cursor.get("stage") != END else None
    refreshed = False
    while cursor is not None:
        try:
            done = drift.piece(Bench(runtime, connector, run, dry_run=dry_run), cursor)
        except Reauthorize:
            if refreshed:
                raise
            refreshed = True
            tokens.refresh(runtime, row, version)
            connector, version = runtime.connector(row, way)
            continue
        cursor, refreshed = done.cursor, False
        yield run, done
    if not dry_run:
        with runtime.database.write() as connection:
            reconciliations.end(connection, run.id, runtime.clock.now())


def _begun(runtime: Runtime, wanted: Plan, origin: str, *, dry_run: bool) -> Run:
    now = runtime.clock.now()
    if dry_run:
        return Run(0, wanted.shop_id, origin, wanted.parts, wanted.since, wanted.until, now)
    with runtime.database.write() as connection:
        shops.get(connection, wanted.shop_id)
        open_one = reconciliations.unfinished(connection, wanted.shop_id, origin=origin, since=now - STALE)
        if open_one is not None and origin == ASKED and open_one.parts == wanted.parts:
            return open_one
        return reconciliations.begin(connection, wanted.shop_id, origin, wanted.parts, wanted.since, wanted.until, now)


def one(runtime: Runtime, shop_id: str, part: str, object_id: str, *, dry_run: bool = False) -> list[Finding]:
    """Reads one order (`orders`) or listing (`shelf`) and takes it over, or says what that would change."""
    kind = ObjectKind.ORDER if part == ORDERS else ObjectKind.LISTING
    asked_at = runtime.clock.now()
    fetched = ops.ask(runtime, shop_id, partial(ops.reading, kind, object_id))
    run = Run(0, shop_id, RESYNC, (part,), asked_at, asked_at, asked_at)
    with runtime.database.read() as connection:
        row = shops.get(connection, shop_id)
    return drift.one(Bench(runtime, runtime.connector(row)[0], run, dry_run=dry_run), part, fetched, asked_at)


def runs(runtime: Runtime, *, shop: str = "", limit: int = 50) -> list[Run]:
    """Newest first."""
    with runtime.database.read() as connection:
        return reconciliations.listed(connection, shop_id=shop, limit=limit)


def stopped(runtime: Runtime, run_id: int | None = None) -> Run:
    """A resync that was stopped, by its id or the newest one. Raises ConfigurationError when there is none."""
    with runtime.database.read() as connection:
        if run_id is not None:
            run: Run | None = reconciliations.get(connection, run_id)
        else:
            since = runtime.clock.now() - timedelta(days=30)
            run = reconciliations.unfinished(connection, origin=RESYNC, since=since)
    if run is None or run.ended_at is not None:
        raise ConfigurationError("no resync was stopped; `qudao reconcile --list` shows them all")
    return run
