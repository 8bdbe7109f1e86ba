"""Sends the feed to those who subscribed: `qudao webhooks`.

Lives here: which process works for which subscription, and its turns. Does not: the order of deliveries
(core/db/deliveries.py), a single call (sync/webhook_calls.py), what is asked of a subscription (sync/subscriptions.py).

A turn is one transaction: it proves that the subscription is still ours, writes down what came of the calls that ended,
makes deliveries of new events and chooses what to send next. Whoever is killed between two turns has at most sent what
its successor sends again. Several processes may run; a subscription is a lane, and one of them has it at a time.
"""

import asyncio
import contextlib
import json
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
import redis.asyncio
import structlog
from redis.exceptions import RedisError
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from core.db import deliveries, feed, lanes, subscriptions
from core.db.deliveries import Delivery, Ended
from core.db.lanes import Claim, Kind, Lane, LaneLost
from core.db.subscriptions import Secret, SubscriptionRow
from sync.envelope import event_text
from sync.queue import FEED_CHANNEL
from sync.runtime import Runtime
from sync.webhook_calls import TIMEOUT_SECONDS, Answered, call, headers, verdict
from sync.webhook_targets import Resolve, Targets, Transport

log = structlog.get_logger("qudao.webhooks")

AT_ONCE = 16
"""Calls under way for one subscription; each is of another object."""
LOOK_SECONDS = 1.0
"""How long a new event or a due retry may stay unseen when its announcement is lost."""
LINGER_SECONDS = 0.005
"""How long a call that ended waits for others to end, so that one turn serves them all."""
NAP_SECONDS = 0.2
"""How long a signal to stop may go unseen."""
RECONNECT_SECONDS = 1.0
FAILED_SECONDS = 5.0
"""How long a subscription is left alone after an error that nobody foresaw."""
DISABLED_AFTER = timedelta(days=5)
FAILING = "every try failed for 5 days"
GONE = "the target answered 410 Gone"
KEPT_NO_MORE = "event_expired"
"""Why a delivery was skipped: the feed no longer keeps its event."""


def run(runtime: Runtime, stop: threading.Event) -> None:
    """Sends until `stop` is set, and lets the calls under way end."""
    asyncio.run(_run(runtime, stop))


async def _run(runtime: Runtime, stop: threading.Event) -> None:
    woken = asyncio.Event()
    hearing = asyncio.create_task(_hear(runtime, woken))
    working: dict[str, asyncio.Task[None]] = {}
    rests: dict[str, float] = {}
    loop = asyncio.get_running_loop()
    while not stop.is_set():
        woken.clear()
        for identity in await _needing_work(runtime):
            if identity not in working and rests.get(identity, 0.0) <= loop.time():
                working[identity] = asyncio.create_task(drain(runtime, identity, stop=stop))
                working[identity].add_done_callback(lambda _: woken.set())  # to something that came at the last moment
        await _nap(woken, stop)
        for identity in [identity for identity, task in working.items() if task.done()]:
            error = working.pop(identity).exception()
            if error is not None:
                log.error("subscription not served", subscription=identity, error=type(error).__name__)
                rests[identity] = loop.time() + FAILED_SECONDS
    hearing.cancel()
    await asyncio.gather(hearing, *working.values(), return_exceptions=True)


async def _needing_work(runtime: Runtime) -> list[str]:
    def look() -> list[str]:
        with runtime.database.read() as connection:
            return subscriptions.needing_work(connection, runtime.clock.now(), feed.head(connection))

    try:
        return await asyncio.to_thread(look)
    except SQLAlchemyError as error:
        log.warning("database does not answer", error=type(error).__name__)
        return []


async def _nap(woken: asyncio.Event, stop: threading.Event) -> None:
    """Until something is announced, for a second at most."""
    for _ in range(round(LOOK_SECONDS / NAP_SECONDS)):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(NAP_SECONDS):
                await woken.wait()
        if woken.is_set() or stop.is_set():
            return


async def _hear(runtime: Runtime, woken: asyncio.Event) -> None:
    """Hears that the feed has grown. Without Redis a look every second does."""
    while True:
        try:
            async with (
                redis.asyncio.Redis.from_url(runtime.settings.redis_url) as client,
                client.pubsub(ignore_subscribe_messages=True) as channel,
            ):
                await channel.subscribe(FEED_CHANNEL)
                async for _ in channel.listen():
                    woken.set()
        except (RedisError, OSError) as error:
            log.warning("feed announcements not heard", error=type(error).__name__)
        await asyncio.sleep(RECONNECT_SECONDS)


async def drain(
    runtime: Runtime, identity: str, *, stop: threading.Event | None = None, resolve: Resolve | None = None
) -> None:
    """Sends what is due to one subscription, if nobody else does, until nothing is."""
    claim = await asyncio.to_thread(_take, runtime, identity)
    if claim is None:
        return
    settings = runtime.settings
    targets = Targets(settings.webhook_allow_networks, http=settings.webhook_allow_http)
    transport = Transport(targets, resolve, connections=AT_ONCE)
    async with httpx.AsyncClient(transport=transport, trust_env=False, timeout=TIMEOUT_SECONDS) as client:
        work = _Work(runtime, claim, client, stop or threading.Event())
        try:
            await work.run()
        except LaneLost as error:
            log.info("another process sends now", subscription=identity, reason=str(error))
        finally:
            await work.cancel()


def _take(runtime: Runtime, identity: str) -> Claim | None:
    ttl = timedelta(seconds=runtime.settings.lease_seconds)
    with runtime.database.write() as connection:
        return lanes.take(connection, Lane(identity, Kind.WEBHOOK), secrets.token_hex(8), runtime.clock.now(), ttl)


@dataclass(frozen=True)
class _Call:
    """A delivery with all that its request needs."""

    delivery: Delivery
    url: str
    body: bytes = field(repr=False)
    secrets: Sequence[Secret]


@dataclass(frozen=True)
class _Turn:
    """What a turn chose to send, and whether the feed goes on at once."""

    calls: Sequence[_Call] = ()
    more: bool = False


class _Work:
    """One subscription, while its lane is ours."""

    def __init__(self, runtime: Runtime, claim: Claim, client: httpx.AsyncClient, stop: threading.Event) -> None:
        self._runtime = runtime
        self._claim = claim
        self._client = client
        self._stop = stop
        self._identity = claim.lane.shop_id
        self._ttl = timedelta(seconds=runtime.settings.lease_seconds)
        self._until = runtime.clock.now() + self._ttl
        self._calls: dict[asyncio.Task[Answered], Delivery] = {}
        self._look = min(LOOK_SECONDS, self._ttl.total_seconds() / 4)

    async def run(self) -> None:
        """Turn after turn. Raises LaneLost."""
        ended: list[tuple[Delivery, Answered]] = []
        while True:
            busy = {delivery.object_key for delivery in self._calls.values()}
            turn = await asyncio.to_thread(self._turn, ended, busy)
            ended = []
            for chosen in turn.calls:
                self._calls[asyncio.create_task(self._send(chosen))] = chosen.delivery
            if self._calls:
                await asyncio.wait(self._calls, timeout=self._look, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.sleep(LINGER_SECONDS)
                ended = [(self._calls.pop(task), task.result()) for task in list(self._calls) if task.done()]
            elif not turn.more and await asyncio.to_thread(self._release):
                return

    async def cancel(self) -> None:
        """Ends what is still under way, when the lane is lost."""
        for task in self._calls:
            task.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    async def _send(self, chosen: _Call) -> Answered:
        now = self._runtime.clock.now()
        if now >= self._until:
            raise LaneLost("the lane was held for too long without a turn")
        sent = headers(chosen.delivery.event_id, chosen.body, chosen.secrets, now)
        return await call(self._client, chosen.url, sent, chosen.body, self._runtime.clock)

    def _release(self) -> bool:
        with self._runtime.database.write() as connection:
            return lanes.release(connection, self._claim)

    def _turn(self, ended: Sequence[tuple[Delivery, Answered]], busy: set[str]) -> _Turn:
        now = self._runtime.clock.now()
        with self._runtime.database.write() as connection:
            lanes.hold(connection, self._claim, now, self._ttl)
            row = subscriptions.get(connection, self._identity, held=True)
            if row is None:
                raise LaneLost("the subscription was removed")
            events = self._settle(connection, row, ended, now)
            turn = _Turn()
            if row.active and not events and not self._stop.is_set():
                turn = self._choose(connection, row, busy, now)
            feed.append(connection, events)
        self._until = now + self._ttl
        if events:
            log.warning("subscription disabled", subscription=row.id)
            self._runtime.bells.announce_feed()
        return turn

    def _settle(
        self, connection: Connection, row: SubscriptionRow, ended: Sequence[tuple[Delivery, Answered]], now: datetime
    ) -> list[feed.Event]:
        """Writes down what came of the calls; what is to be told of the subscription itself."""
        deliveries.record(
            connection,
            [Ended(delivery, answered.attempt, *verdict(delivery, answered, now)) for delivery, answered in ended],
            now,
        )
        deliveries.arrange(connection, row.id, now, {delivery.object_key for delivery, _ in ended})
        if any(answered.gone for _, answered in ended):
            return disable(connection, row, GONE, now)
        if any(answered.good for _, answered in ended):
            subscriptions.answered(connection, row, now)
        elif ended and now - subscriptions.unanswered(connection, row, now) >= DISABLED_AFTER:
            return disable(connection, row, FAILING, now)
        return []

    def _choose(self, connection: Connection, row: SubscriptionRow, busy: set[str], now: datetime) -> _Turn:
        room, more = AT_ONCE - len(busy), False
        if room <= 0:
            return _Turn()
        found = deliveries.sendable(connection, row.id, now, room, busy)
        if len(found) < room:
            more = deliveries.fan_out(connection, row, now)
            found = deliveries.sendable(connection, row.id, now, room, busy)
        if not found:
            return _Turn(more=more)
        events = deliveries.events(connection, [delivery.position for delivery in found])
        gone = [delivery for delivery in found if delivery.position not in events]
        if gone:
            deliveries.skip(connection, [delivery.id for delivery in gone], now, KEPT_NO_MORE)
            deliveries.arrange(connection, row.id, now, {delivery.object_key for delivery in gone})
        keys = subscriptions.valid_secrets(connection, row.id, now)
        calls = [
            _Call(delivery, row.url, event_text(events[delivery.position]).encode(), keys)
            for delivery in found
            if delivery.position in events
        ]
        return _Turn(calls, more or bool(gone))


def disable(connection: Connection, row: SubscriptionRow, reason: str, now: datetime) -> list[feed.Event]:
    """Stops sending; the event that tells it, for the end of the transaction. None when it was stopped already."""
    revision = subscriptions.disable(connection, row.id, reason)
    return [event_about(row.id, "disabled", reason, revision, now)] if revision else []


def event_about(identity: str, what: str, reason: str, revision: int, now: datetime) -> feed.Event:
    """`subscription.disabled` or `subscription.test`. It belongs to no shop."""
    data = json.dumps({"subscription": identity, "reason": reason}, ensure_ascii=False)
    return feed.Event(f"subscription.{what}", "", identity, revision, now, data)
