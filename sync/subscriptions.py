"""What can be asked of subscriptions, by an ERP over /v1 as by an operator at the command line.

`shops`: those of the key that asks, empty for all. A key sees and makes only subscriptions that get nothing of others.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from connectors import CHANNELS
from core.db import deliveries, feed, shops, subscriptions
from core.db.deliveries import Attempt, Delivery, State
from core.db.subscriptions import Secret, SubscriptionRow, Wanted
from core.errors import QudaoError
from sync.envelope import wanted_type
from sync.runtime import Runtime
from sync.webhook_targets import Targets
from sync.webhooks import event_about


class UnknownSubscription(QudaoError):
    """There is none of this id, or the key may not know of it."""


class UnknownDelivery(QudaoError):
    """The subscription has no such delivery, or it was forgotten."""


class Inactive(QudaoError):
    """The subscription is paused or disabled."""


class UnknownFilter(QudaoError):
    """A filter names something that does not exist. `code` says what: event_type, shop or channel."""

    def __init__(self, code: str, value: str) -> None:
        super().__init__(f"unknown {code.replace('_', ' ')} {value}")
        self.code = code
        self.value = value


class TooLongAgo(QudaoError):
    """Settled deliveries of that time are forgotten: nobody knows any more what was delivered."""

    def __init__(self, days: float) -> None:
        super().__init__(f"deliveries are kept for {days:g} days; QUDAO_WEBHOOK_KEEP_DAYS keeps them longer")
        self.days = days


@dataclass(frozen=True)
class View:
    """A subscription and how it fares. `behind`: events of the feed it has not come to yet."""

    row: SubscriptionRow
    waiting: int
    failed: int
    behind: int


@dataclass(frozen=True)
class Shown:
    """A delivery with every try."""

    delivery: Delivery
    attempts: Sequence[Attempt]


def targets(runtime: Runtime) -> Targets:
    """Where this installation sends."""
    return Targets(runtime.settings.webhook_allow_networks, http=runtime.settings.webhook_allow_http)


def add(runtime: Runtime, wanted: Wanted, of: Collection[str] = ()) -> tuple[View, Secret]:
    """Subscribes to what comes from now on. The address must have been judged. Raises UnknownFilter."""
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        wanted = _known(connection, wanted, of)
        head = feed.head(connection)
        identity, secret = subscriptions.add(connection, wanted, reach=of, position=head, now=now)
        return _view(connection, _held(connection, identity, of), head), secret


def every(runtime: Runtime, of: Collection[str] = ()) -> list[View]:
    """All that may be seen, oldest first."""
    with runtime.database.read() as connection:
        head = feed.head(connection)
        return [_view(connection, row, head) for row in subscriptions.all_subscriptions(connection) if _seen(row, of)]


def show(runtime: Runtime, identity: str, of: Collection[str] = ()) -> View:
    with runtime.database.read() as connection:
        row = subscriptions.get(connection, identity)
        if row is None or not _seen(row, of):
            raise UnknownSubscription(f"there is no subscription {identity}")
        return _view(connection, row, feed.head(connection))


def change(runtime: Runtime, identity: str, wanted: Wanted, of: Collection[str] = ()) -> View:
    """Another address or other filters. The address must have been judged. Raises UnknownFilter."""
    with runtime.database.write() as connection:
        _held(connection, identity, of)
        subscriptions.change(connection, identity, _known(connection, wanted, of))
        return _view(connection, _held(connection, identity, of), feed.head(connection))


def remove(runtime: Runtime, identity: str, of: Collection[str] = ()) -> None:
    """With everything that was to be sent."""
    with runtime.database.write() as connection:
        _held(connection, identity, of)
        subscriptions.remove(connection, identity)


def rotate(runtime: Runtime, identity: str, keep: timedelta, of: Collection[str] = ()) -> tuple[Secret, datetime]:
    """A new secret, and until when the one before is valid beside it."""
    until = runtime.clock.now() + keep
    with runtime.database.write() as connection:
        _held(connection, identity, of)
        return subscriptions.rotate(connection, identity, until), until


def pause(runtime: Runtime, identity: str, of: Collection[str] = ()) -> View:
    """Nothing is sent until it is resumed; nothing is lost."""
    with runtime.database.write() as connection:
        row = _held(connection, identity, of)
        if row.active:
            subscriptions.pause(connection, identity, "")
        return _view(connection, _held(connection, identity, of), feed.head(connection))


def resume(runtime: Runtime, identity: str, of: Collection[str] = (), *, skip: bool = False) -> View:
    """Goes on with what waits, or, with `skip`, from now on: what waited counts as skipped and can be recovered."""
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        _held(connection, identity, of)
        head = feed.head(connection)
        if skip:
            deliveries.skip_all(connection, identity, now)
            subscriptions.move(connection, identity, head)
        subscriptions.resume(connection, identity)
        view = _view(connection, _held(connection, identity, of), head)
    runtime.bells.announce_feed()
    return view


def send_test(runtime: Runtime, identity: str, of: Collection[str] = ()) -> str:
    """Puts a `subscription.test` event into the feed, for this subscription alone; its id. Raises Inactive."""
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        row = _held(connection, identity, of)
        if not row.active:
            raise Inactive(f"{identity} is {row.state.value}: resume it first")
        event = event_about(identity, "test", "asked for", subscriptions.tell(connection, identity), now)
        feed.append(connection, [event])
    runtime.bells.announce_feed()
    return event.id


def show_deliveries(
    runtime: Runtime,
    identity: str,
    of: Collection[str] = (),
    *,
    state: State | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Shown]:
    """The newest events first, with every try and what was answered."""
    with runtime.database.read() as connection:
        row = subscriptions.get(connection, identity)
        if row is None or not _seen(row, of):
            raise UnknownSubscription(f"there is no subscription {identity}")
        found = deliveries.page(connection, identity, state=state, before=before, limit=limit)
        tries = deliveries.attempts(connection, [each.id for each in found])
    return [Shown(each, tries.get(each.id, ())) for each in found]


def resend(runtime: Runtime, identity: str, number: int, of: Collection[str] = ()) -> Shown:
    """Sends one delivery again, whatever became of it, before later ones of its object that still wait."""
    with runtime.database.write() as connection:
        row = _held(connection, identity, of)
        found = deliveries.resend(connection, row, number, runtime.clock.now())
        if found is None:
            raise UnknownDelivery(f"{identity} has no delivery {number}")
        tries = deliveries.attempts(connection, [number])
    runtime.bells.announce_feed()
    return Shown(found, tries.get(number, ()))


def recover(runtime: Runtime, identity: str, since: datetime, of: Collection[str] = ()) -> int:
    """All events since then that failed or were skipped are due again, how many, and those follow that never became a
    delivery. Raises TooLongAgo.
    """
    now, days = runtime.clock.now(), runtime.settings.webhook_keep_days
    since = min(since, now)
    if now - since > timedelta(days=days):
        raise TooLongAgo(days)
    with runtime.database.write() as connection:
        again = deliveries.recover(connection, _held(connection, identity, of), since, now)
    runtime.bells.announce_feed()
    return again


def late(runtime: Runtime, row: SubscriptionRow) -> timedelta:
    """For how long something has been due to be sent, or to be looked at, that no process came to."""
    now = runtime.clock.now()
    if not row.active:
        return timedelta(0)
    with runtime.database.read() as connection:
        since = [deliveries.waiting_since(connection, row.id), deliveries.unseen_since(connection, row)]
    return max((now - at for at in since if at is not None and at < now), default=timedelta(0))


def forget(runtime: Runtime) -> None:
    """Deletes settled deliveries older than the settings keep, some at a time."""
    before = runtime.clock.now() - timedelta(days=runtime.settings.webhook_keep_days)
    more = True
    while more:
        with runtime.database.write() as connection:
            more = deliveries.forget(connection, before) == deliveries.FORGOTTEN_AT_ONCE


def _held(connection: Connection, identity: str, of: Collection[str]) -> SubscriptionRow:
    row = subscriptions.get(connection, identity, held=True)
    if row is None or not _seen(row, of):
        raise UnknownSubscription(f"there is no subscription {identity}")
    return row


def _seen(row: SubscriptionRow, of: Collection[str]) -> bool:
    return not of or (bool(row.reach) and set(row.reach) <= set(of))


def _known(connection: Connection, wanted: Wanted, of: Collection[str]) -> Wanted:
    """The filters as they are stored."""
    types = []
    for name in wanted.types:
        known = wanted_type(name)
        if known is None:
            raise UnknownFilter("event_type", name)
        types.append(known)
    there = {row.id for row in shops.all_shops(connection)}
    for shop in wanted.shops:
        if shop not in there or (of and shop not in of):
            raise UnknownFilter("shop", shop)
    for channel in wanted.channels:
        if channel not in CHANNELS:
            raise UnknownFilter("channel", channel)
    return Wanted(wanted.url, types, wanted.shops, wanted.channels)


def _view(connection: Connection, row: SubscriptionRow, head: int) -> View:
    waiting, failed = (deliveries.count(connection, row.id, state) for state in (State.DUE, State.FAILED))
    return View(row, waiting, failed, max(0, head - row.position))
