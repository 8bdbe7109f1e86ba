"""A drain: one worker, one lane, batch after batch, until nothing is left or its time is up."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import structlog

from core.channel import Connector, Request, Urgency
from core.db import lanes, shops
from core.db.lanes import Claim, Kind, Lane, LaneLost
from core.db.shops import ShopRow
from core.errors import ChannelError, Garbled, OutcomeUnknown, Unavailable
from sync import address, deliver, inbox, memo, policy, pull, reconcile, ship, tokens
from sync.policy import Action
from sync.runtime import Runtime

log = structlog.get_logger("qudao.drain")

Work = Callable[[Runtime, Connector, Claim], bool]
WORK: dict[Kind, Work] = {
    Kind.NOTICES: inbox.drain,
    Kind.SHIP: ship.drain,
    Kind.STOCK: deliver.drain_stock,
    Kind.PRICE: deliver.drain_prices,
    Kind.MEMO: memo.drain,
    Kind.SHELF: deliver.drain_shelf,
    Kind.ADDRESS: address.drain,
    Kind.PULL: pull.drain,
    Kind.BACKFILL: reconcile.drain,
}
"""What is done on each kind of lane: one batch; True when there may be more."""

URGENCY: dict[Kind, Urgency] = {
    Kind.NOTICES: Urgency.READ,
    Kind.SHIP: Urgency.NOW,
    Kind.STOCK: Urgency.STOCK,
    Kind.PRICE: Urgency.PRICE,
    Kind.MEMO: Urgency.PRICE,
    Kind.SHELF: Urgency.PRICE,
    Kind.ADDRESS: Urgency.NOW,
    Kind.PULL: Urgency.READ,
    Kind.BACKFILL: Urgency.LISTING,
}
"""What the calls of a lane are for."""

FAILED_SECONDS = 5.0
"""How long a lane is left alone after an error that nobody foresaw."""


def drain(runtime: Runtime, lane: Lane) -> None:
    """Works on a lane if nobody else does. Never raises for what a channel did: that ends in rows."""
    ttl = timedelta(seconds=runtime.settings.lease_seconds)
    with runtime.database.write() as connection:
        row = shops.get(connection, lane.shop_id)
        now = runtime.clock.now()
        asleep = lanes.asleep_until(connection, lane)
        if not row.active or (asleep is not None and asleep > now):
            claim = None
        else:
            claim = lanes.take(connection, lane, secrets.token_hex(8), now, ttl)
    runtime.bells.silence(lane)
    if claim is None:
        return
    try:
        more = _rounds(runtime, row, claim)
    except LaneLost as error:
        log.warning("lane lost", lane=str(lane), reason=str(error))
        return
    except BaseException as error:
        failed = isinstance(error, Exception)  # not a worker that is told to stop
        with runtime.database.write() as connection:
            if failed:
                lanes.sleep_until(connection, lane, runtime.clock.now() + timedelta(seconds=FAILED_SECONDS))
            lanes.abandon(connection, claim, failed=failed)
        raise
    if more:
        with runtime.database.write() as connection:
            lanes.abandon(connection, claim)
        runtime.bells.ring([lane])


def _rounds(runtime: Runtime, row: ShopRow, claim: Claim) -> bool:
    """Batches until the lane is empty and let go of (False), or until time is up (True)."""
    deadline = runtime.monotonic() + runtime.settings.drain_seconds
    refreshed = False
    wire = _Held(runtime, claim)
    connector, version = _connector(runtime, row, wire)
    while runtime.monotonic() < deadline and _active(runtime, row):
        runtime.bells.silence(claim.lane)
        try:
            more = WORK[claim.lane.kind](runtime, connector, claim)
        except ChannelError as error:
            action = policy.decide(error, 0).action
            if action is Action.REFRESH and not refreshed and _refresh(runtime, row, version):
                refreshed = True
                connector, version = runtime.connector(row, wire)
                continue
            _stop(runtime, claim, error, refreshed=refreshed)
            return False
        refreshed = False
        if not more:
            with runtime.database.write() as connection:
                if lanes.release(connection, claim):
                    return False
    return True


class _Held:
    """Lets a request leave only while the lane is ours, and prolongs that: one batch or page may be many requests, and
    a successor must never work beside us. Tells the budget what the request is for and whether the way is open.
    """

    def __init__(self, runtime: Runtime, claim: Claim) -> None:
        self._runtime = runtime
        self._claim = claim
        self._ttl = timedelta(seconds=runtime.settings.lease_seconds)
        self._proven = runtime.clock.now()

    def send(self, request: Request) -> bytes:
        """Raises LaneLost beside what the channel answers."""
        call = replace(request.call, urgency=self._urgency(request))
        while (now := self._runtime.clock.now()) - self._proven > self._ttl / 6:  # the proof itself may have taken long
            with self._runtime.database.write() as connection:
                lanes.hold(connection, self._claim, now, self._ttl)
            self._proven = now
        try:
            return self._runtime.http.send(replace(request, call=call))
        except (Unavailable, OutcomeUnknown, Garbled):
            self._runtime.gate.failed(call)
            raise

    def _urgency(self, request: Request) -> Urgency:
        """A call that asks to be the last one is."""
        if request.call.urgency is Urgency.BACKFILL:
            return Urgency.BACKFILL
        return Urgency.NOW if self._claim.urgent else URGENCY[self._claim.lane.kind]


def _active(runtime: Runtime, row: ShopRow) -> bool:
    with runtime.database.read() as connection:
        return shops.get(connection, row.id).active


def _connector(runtime: Runtime, row: ShopRow, wire: _Held) -> tuple[Connector, int]:
    """A session whose token will live a while."""
    connector, version = runtime.connector(row, wire)
    if tokens.near_its_end(connector.credentials.access_expires_at, runtime.clock.now()):
        try:
            tokens.refresh(runtime, row, version)
        except ChannelError as error:
            log.warning("early refresh failed", shop=row.id, reason=str(error))
        connector, version = runtime.connector(row, wire)
    return connector, version


def _refresh(runtime: Runtime, row: ShopRow, version: int) -> bool:
    """True when the work may go on with a new token. Otherwise the lane sleeps or the shop is paused."""
    try:
        tokens.refresh(runtime, row, version)
    except ChannelError as error:
        log.warning("refresh failed", shop=row.id, reason=str(error))
        return False
    return True


def _stop(runtime: Runtime, claim: Claim, error: ChannelError, *, refreshed: bool) -> None:
    """Ends the drain over an error that concerns the whole lane. A token refused right after it was refreshed will not
    do better next time.
    """
    decision = policy.decide(error, 0)
    log.info("lane stops", lane=str(claim.lane), reason=str(error))
    if decision.action is Action.PAUSE_SHOP or (decision.action is Action.REFRESH and refreshed):
        tokens.pause(runtime, claim.lane.shop_id, f"the channel refuses the app or the shop: {error}")
    wait = decision.wait or timedelta(seconds=policy.FIRST_WAIT_SECONDS)
    with runtime.database.write() as connection:
        lanes.sleep_until(connection, claim.lane, runtime.clock.now() + wait)
        lanes.abandon(connection, claim)
