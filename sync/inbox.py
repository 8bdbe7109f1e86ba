"""Notices become receipts, receipts become readings.

`store` is called by whoever received a verified push, inside the transaction that must commit before the
acknowledgement. `drain` re-reads what the notices name and hands it to `accept`: a notice is never the truth about
anything.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import zip_longest

import sqlalchemy as sa
import structlog
from sqlalchemy import Connection

from core.channel import Connector, Fetched, ObjectKind
from core.crypto import Vault
from core.db import feed, lanes, receipts
from core.db.lanes import Claim, Kind, Lane
from core.db.receipts import DEADLY, UNKNOWN_SHOP, Receipt
from core.db.shops import shop_id
from core.db.tables import shop
from core.errors import ChannelError, Garbled, NotFound, OutcomeUnknown, Throttled, Unavailable, Unsupported
from core.model import AfterSale, Listing, Order
from core.notices import Notice
from sync import address, policy
from sync.accept import accept
from sync.policy import Action
from sync.runtime import Runtime

log = structlog.get_logger("qudao.inbox")

KINDS = (ObjectKind.ORDER, ObjectKind.AFTER_SALE, ObjectKind.LISTING)
"""What is read first: a promotion's flood of listing notices delays no order."""
BATCH = 20
"""Receipts of one kind between two looks at what has come meanwhile."""
FIRST_LOOK_AGAIN_SECONDS = 1.0
"""Query APIs lag behind pushes; the first second look comes this soon and then doubles."""


def store(connection: Connection, vault: Vault, notices: Sequence[Notice], now: datetime) -> set[Lane]:
    """Writes receipts. Answers the lanes to ring once the caller has committed."""
    if not notices:
        return set()
    wanted = {shop_id(notice.channel, notice.account) for notice in notices}
    known = set(connection.scalars(sa.select(shop.c.id).where(shop.c.id.in_(wanted))))
    states = [_state(notice, shop_id(notice.channel, notice.account) in known) for notice in notices]
    receipts.store(connection, vault, notices, states, now)
    feed.append(connection, _wishes(connection, notices, known, now))
    return {
        Lane(shop_id(notice.channel, notice.account), Kind.NOTICES)
        for notice, (state, _) in zip(notices, states, strict=True)
        if state == "due"
    }


def _wishes(connection: Connection, notices: Sequence[Notice], known: set[str], now: datetime) -> list[feed.Event]:
    """What notices ask of the seller beside naming something."""
    events = []
    for notice in notices:
        if notice.asks == "address" and (of := shop_id(notice.channel, notice.account)) in known:
            events += address.asked(connection, of, notice, now)
    return events


def _state(notice: Notice, known: bool) -> tuple[str, str]:
    if notice.kind is ObjectKind.OTHER:
        return "ignored", "nothing to read for this topic"
    return ("due", "") if known else ("parked", UNKNOWN_SHOP)


def drain(runtime: Runtime, connector: Connector, claim: Claim) -> bool:
    """Handles one batch of the most urgent kind that is due, or what of it there is time for. True when there may be
    more.

    Where the channel holds back what is read for one kind, the others go on; only orders stop the lane. What is read
    next is named on the lane, in the transaction that settles what was read before, so that what ends its worker is
    known to the next one and is parked before long.
    """
    if claim.left:
        _died(runtime, connector, claim)
    deadline = runtime.monotonic() + runtime.settings.drain_seconds
    channel, account = connector.channel.code, connector.account
    for kind in KINDS:
        now = runtime.clock.now()
        with runtime.database.read() as connection:
            batch = receipts.due(connection, channel, account, kind, now, BATCH)
        by_object: dict[str, list[Receipt]] = {}
        for item in batch:
            by_object.setdefault(item.object_id, []).append(item)
        objects = list(by_object.values())
        if objects:
            with runtime.database.write() as connection:
                lanes.hold(connection, claim, now, _ttl(runtime), doing=_name(objects[0]))
        try:
            for named, following in zip_longest(objects, objects[1:]):
                _handle(runtime, connector, claim, named, _name(following))
                if runtime.monotonic() >= deadline:
                    return True
        except Throttled as error:
            if kind is ObjectKind.ORDER:
                raise
            _hold(runtime, connector, claim, kind, error)
            return True
        if batch:
            return True
    return False


def _hold(runtime: Runtime, connector: Connector, claim: Claim, kind: ObjectKind, error: Throttled) -> None:
    """Leaves one kind alone for as long as the channel, or our budget, asks."""
    now = runtime.clock.now()
    log.info("notices wait", lane=str(claim.lane), kind=kind.value, reason=str(error))
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, _ttl(runtime), doing="")
        until = now + policy.decide(error, 0).wait
        receipts.postpone(connection, connector.channel.code, connector.account, kind, until)


def _died(runtime: Runtime, connector: Connector, claim: Claim) -> None:
    """Counts what a predecessor was at when it ended. It waits, so that the others come first, and is parked in the
    end.
    """
    kind, _, object_id = claim.left.partition("/")
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, _ttl(runtime), doing="")
        named, times = receipts.died(connection, connector.channel.code, connector.account, ObjectKind(kind), object_id)
        log.error("a worker ended at it", lane=str(claim.lane), kind=kind, id=object_id, times=times)
        if times >= policy.DEADLY_TRIES:
            receipts.settle(connection, named, "parked", f"{DEADLY} {times} times")
        else:
            wait = timedelta(seconds=policy.backoff(times - 1, claim.lane.shop_id))
            receipts.later(connection, named, now + wait, DEADLY)
    claim.left = ""


def _name(named: list[Receipt] | None) -> str:
    return f"{named[0].kind.value}/{named[0].object_id}" if named else ""


def _ttl(runtime: Runtime) -> timedelta:
    return timedelta(seconds=runtime.settings.lease_seconds)


def _handle(runtime: Runtime, connector: Connector, claim: Claim, named: list[Receipt], following: str) -> None:
    """Reads one object and settles every receipt that names it, in one transaction."""
    asked_at = runtime.clock.now()
    try:
        fetched = _read_twice(connector, named[-1])
    except ChannelError as error:
        _later(runtime, connector, claim, named, error, following)
        return
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, _ttl(runtime), doing=following)
        receipts.settle(connection, named, "handled")
        outcomes = accept(connection, runtime.vault, claim.lane.shop_id, [fetched], now, asked_at=asked_at)
    if any(outcome.effect != "unchanged" for outcome in outcomes):
        runtime.bells.announce_feed()


def _read_twice(connector: Connector, named: Receipt) -> Fetched[Order] | Fetched[AfterSale] | Fetched[Listing]:
    """What a broken line or an error page hides is asked for once more at once; then it waits."""
    try:
        return _read(connector, named)
    except (Unavailable, Garbled):
        return _read(connector, named)


def _read(connector: Connector, named: Receipt) -> Fetched[Order] | Fetched[AfterSale] | Fetched[Listing]:
    if named.kind is ObjectKind.ORDER:
        return connector.order(named.object_id)
    if named.kind is ObjectKind.AFTER_SALE:
        return connector.after_sale(named.object_id, named.parent_id)
    return connector.listing(named.object_id)


def _later(
    runtime: Runtime,
    connector: Connector,
    claim: Claim,
    named: list[Receipt],
    error: ChannelError,
    following: str,
) -> None:
    """Waits, parks, or lets the drain deal with an error that concerns the whole lane."""
    now = runtime.clock.now()
    tries = max(item.tries for item in named)
    age = now - min(item.received_at for item in named)
    decision = policy.decide(error, tries)
    if isinstance(error, NotFound) and age < connector.channel.notice_patience:
        decision = policy.Decision(Action.ITEM_LATER, timedelta(seconds=min(60.0, FIRST_LOOK_AGAIN_SECONDS * 2**tries)))
    elif isinstance(error, OutcomeUnknown | Unsupported):
        decision = policy.Decision(Action.PARK)
    if decision.action not in (Action.ITEM_LATER, Action.PARK):
        raise error
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, _ttl(runtime), doing=following)
        if decision.action is Action.ITEM_LATER:
            receipts.later(connection, named, now + decision.wait, str(error))
        else:
            receipts.settle(connection, named, "parked", str(error))
