"""Subscriptions: an address, what it asks for, its secrets and how it fares.

Lives here: the rows and their states. Does not: what is sent to whom when (core/db/deliveries.py, sync/webhooks.py).
"""

import base64
import json
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from core.db.engine import vault
from core.db.lanes import Kind
from core.db.tables import DUE, delivery, lane, subscription

SECRET_PREFIX = "whsec_"  # noqa: S105  # how Standard Webhooks marks a secret
SECRET_BYTES = 32
TEST = "subscription.test"
"""The type of an event that goes to the one subscription it names."""
QUIET = timedelta(days=2)
"""Tries further apart than this are no run of failures: the schedule's longest wait is half as long."""


class State(StrEnum):
    """What is done for a subscription: all, nothing because a person said so, nothing because it does not answer."""

    ACTIVE = "active"
    PAUSED = "paused"
    DISABLED = "disabled"


@dataclass(frozen=True)
class SubscriptionRow:
    """A subscription without its secrets. Empty filters mean everything; `reach` bounds them, empty as well."""

    id: str
    url: str
    types: tuple[str, ...]
    shops: tuple[str, ...]
    channels: tuple[str, ...]
    reach: tuple[str, ...]
    state: State
    reason: str
    position: int
    failing_since: datetime | None
    failed_at: datetime | None
    delivered_at: datetime | None
    previous_until: datetime | None
    told: int
    created_at: datetime

    @property
    def active(self) -> bool:
        return self.state is State.ACTIVE

    def wants(self, event_type: str, shop_id: str, object_id: str) -> bool:
        """Whether an event is for this subscription."""
        if event_type == TEST:
            return object_id == self.id
        return (
            (not self.reach or shop_id in self.reach)
            and (not self.shops or shop_id in self.shops)
            and (not self.channels or shop_id.partition(":")[0] in self.channels)
            and (not self.types or any(_fits(event_type, wanted) for wanted in self.types))
        )


@dataclass(frozen=True)
class Wanted:
    """What an ERP asks for."""

    url: str
    types: Sequence[str] = ()
    shops: Sequence[str] = ()
    channels: Sequence[str] = ()


@dataclass(frozen=True)
class Secret:
    """A secret as its owner writes it: `whsec_` and Base64. Shown once."""

    plain: str = field(repr=False)


def _fits(event_type: str, wanted: str) -> bool:
    return event_type.startswith(wanted[:-1]) if wanted.endswith(".*") else event_type == wanted


def add(
    connection: Connection, wanted: Wanted, *, reach: Collection[str], position: int, now: datetime
) -> tuple[str, Secret]:
    """Makes a subscription to what comes after a position of the feed; its id and its secret."""
    identity, secret = f"sub_{secrets.token_hex(12)}", _new_secret()
    values = {**_filters(wanted), "id": identity, "url": wanted.url, "position": position, "created_at": now}
    sealed = _seal(connection, identity, secret)
    connection.execute(sa.insert(subscription).values(reach=_list(reach), secret=sealed, **values))
    return identity, secret


def get(connection: Connection, identity: str, *, held: bool = False) -> SubscriptionRow | None:
    """`held`: nobody else changes it before this transaction ends."""
    query = sa.select(*_COLUMNS).where(subscription.c.id == identity)
    row = connection.execute(query.with_for_update() if held else query).one_or_none()
    return _row(row) if row else None


def all_subscriptions(connection: Connection) -> list[SubscriptionRow]:
    """Oldest first."""
    order = (subscription.c.created_at, subscription.c.id)
    return [_row(row) for row in connection.execute(sa.select(*_COLUMNS).order_by(*order))]


def change(connection: Connection, identity: str, wanted: Wanted) -> None:
    """Another address or other filters; they count for events that have no delivery yet."""
    _set(connection, identity, url=wanted.url, **_filters(wanted))


def move(connection: Connection, identity: str, position: int) -> None:
    """From here on the feed is turned into deliveries; what has one already gets no second one."""
    _set(connection, identity, position=position)


def pause(connection: Connection, identity: str, reason: str) -> None:
    _set(connection, identity, state=State.PAUSED.value, reason=reason)


def resume(connection: Connection, identity: str) -> None:
    """Goes on where it stopped, with a clean slate."""
    _set(connection, identity, state=State.ACTIVE.value, reason="", failing_since=None, failed_at=None)


def disable(connection: Connection, identity: str, reason: str) -> int:
    """Stops an active one; the revision of the event to tell about it, 0 when it was not active any more."""
    query = sa.update(subscription).where(subscription.c.id == identity, subscription.c.state == State.ACTIVE.value)
    told = connection.execute(
        query.values(state=State.DISABLED.value, reason=reason, told=subscription.c.told + 1).returning(
            subscription.c.told
        )
    ).scalar_one_or_none()
    return told or 0


def tell(connection: Connection, identity: str) -> int:
    """The revision of the next event about this subscription."""
    query = sa.update(subscription).where(subscription.c.id == identity).values(told=subscription.c.told + 1)
    return int(connection.execute(query.returning(subscription.c.told)).scalar_one())


def answered(connection: Connection, row: SubscriptionRow, now: datetime) -> None:
    """A delivery succeeded: the run of failures is over."""
    _set(connection, row.id, failing_since=None, delivered_at=now)


def unanswered(connection: Connection, row: SubscriptionRow, now: datetime) -> datetime:
    """A try failed; since when every one did."""
    run = row.failing_since is not None and row.failed_at is not None and now - row.failed_at <= QUIET
    since = row.failing_since if run and row.failing_since is not None else now
    _set(connection, row.id, failing_since=since, failed_at=now)
    return since


def rotate(connection: Connection, identity: str, previous_until: datetime) -> Secret:
    """A new secret; the one before is valid as well until then, the one before that no more."""
    secret = _new_secret()
    old = connection.execute(sa.select(subscription.c.secret).where(subscription.c.id == identity)).scalar_one()
    plain = vault(connection).open(old, "subscription", "secret", identity)
    _set(
        connection,
        identity,
        secret=_seal(connection, identity, secret),
        previous_secret=vault(connection).seal(plain, "subscription", "previous_secret", identity),
        previous_until=previous_until,
    )
    return secret


def valid_secrets(connection: Connection, identity: str, now: datetime) -> list[Secret]:
    """The secret, and the previous one while it is valid."""
    columns = (subscription.c.secret, subscription.c.previous_secret, subscription.c.previous_until)
    row = connection.execute(sa.select(*columns).where(subscription.c.id == identity)).one()
    unseal = vault(connection).open
    found = [Secret(unseal(row.secret, "subscription", "secret", identity).decode())]
    if row.previous_secret is not None and row.previous_until > now:
        found.append(Secret(unseal(row.previous_secret, "subscription", "previous_secret", identity).decode()))
    return found


def remove(connection: Connection, identity: str) -> None:
    """With its deliveries; whoever works for it finds that out before it writes anything."""
    connection.execute(sa.delete(lane).where(lane.c.shop_id == identity, lane.c.kind == Kind.WEBHOOK.value))
    connection.execute(sa.delete(subscription).where(subscription.c.id == identity))


def needing_work(connection: Connection, now: datetime, head: int) -> list[str]:
    """Active subscriptions that the feed has gone ahead of, or that have something to send, and that nobody serves."""
    sendable = sa.exists().where(delivery.c.subscription_id == subscription.c.id, DUE, delivery.c.not_before <= now)
    served = sa.exists().where(
        lane.c.shop_id == subscription.c.id,
        lane.c.kind == Kind.WEBHOOK.value,
        lane.c.owner != "",
        lane.c.expires_at >= now,
    )
    query = sa.select(subscription.c.id).where(
        subscription.c.state == State.ACTIVE.value, sa.or_(subscription.c.position < head, sendable), ~served
    )
    return list(connection.scalars(query))


_COLUMNS = tuple(subscription.c[name] for name in SubscriptionRow.__dataclass_fields__)


def _row(row: sa.Row[Any]) -> SubscriptionRow:
    values = dict(row._mapping)
    lists = {name: tuple(json.loads(values[name])) for name in ("types", "shops", "channels", "reach")}
    return SubscriptionRow(**{**values, **lists, "state": State(values["state"])})


def _set(connection: Connection, identity: str, **values: Any) -> None:
    connection.execute(sa.update(subscription).where(subscription.c.id == identity).values(**values))


def _filters(wanted: Wanted) -> dict[str, str]:
    return {name: _list(getattr(wanted, name)) for name in ("types", "shops", "channels")}


def _list(values: Collection[str]) -> str:
    return json.dumps(sorted(set(values)), ensure_ascii=False)


def _new_secret() -> Secret:
    return Secret(SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode())


def _seal(connection: Connection, identity: str, secret: Secret) -> bytes:
    return vault(connection).seal(secret.plain.encode(), "subscription", "secret", identity)
