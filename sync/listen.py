"""Notices that must be fetched: moves frames between the platforms and sans-I/O sessions, looks at polled sources, and
puts what comes into the same inbox as every push.

One process listens for an app at a time (a lane of kind LISTEN). An acknowledgement leaves only after the commit.
"""

import asyncio
import contextlib
import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from pydantic import SecretStr
from sqlalchemy.exc import SQLAlchemyError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from connectors import CHANNELS
from core.db import lanes, shops
from core.db.lanes import Claim, Kind, Lane, LaneLost
from core.errors import ChannelError, ConfigurationError, QudaoError
from core.notices import AppAccess, Notice, Session, Source
from sync import inbox
from sync.policy import backoff
from sync.runtime import Runtime

log = structlog.get_logger("qudao.listen")

TICK_SECONDS = 1.0
LOOK_FOR_APPS_SECONDS = 5.0
OPEN_SECONDS = 10.0
LARGEST_FRAME = 4 * 1024 * 1024
STEADY_SECONDS = 30.0
"""A connection that lived this long was a good one; the next try after it comes at once."""
PING_SECONDS = 45.0
"""How often a WebSocket ping proves that the peer is there, whatever the channel's own heartbeat is."""
PONG_SECONDS = 20.0
LONGEST_RETRY_SECONDS = 30.0


_TROUBLE = (OSError, WebSocketException, ChannelError, ConfigurationError, SQLAlchemyError, TimeoutError)
"""What may happen to a connection or a look; it is tried again."""


@dataclass(frozen=True)
class _App:
    channel: str
    app_key: str

    @property
    def lane(self) -> Lane:
        return Lane(f"{self.channel}:{self.app_key}", Kind.LISTEN)


def run(runtime: Runtime, stop: threading.Event) -> None:
    """Holds a connection for every app of every channel that has them, until `stop` is set."""
    asyncio.run(_run(runtime, stop))


async def _run(runtime: Runtime, stop: threading.Event) -> None:
    tasks: dict[_App, asyncio.Task[None]] = {}
    while not stop.is_set():
        try:
            apps = await asyncio.to_thread(_apps, runtime)
        except SQLAlchemyError as error:
            log.warning("database does not answer", error=type(error).__name__)
            apps = {}
        for app, secret in apps.items():
            if app not in tasks or tasks[app].done():
                tasks[app] = asyncio.create_task(_keep(runtime, app, secret))
        await _pause(stop, LOOK_FOR_APPS_SECONDS)
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


async def _pause(stop: threading.Event, seconds: float) -> None:
    for _ in range(int(seconds / 0.2)):
        if stop.is_set():
            return
        await asyncio.sleep(0.2)


def _apps(runtime: Runtime) -> dict[_App, SecretStr]:
    """Every app with at least one active shop on a channel whose notices must be fetched."""
    with runtime.database.read() as connection:
        used = {(row.channel, row.app_key) for row in shops.all_shops(connection) if row.active}
        found: dict[_App, SecretStr] = {}
        for code, adapter in CHANNELS.items():
            if adapter.session is not None or adapter.source is not None:
                secrets_by_key = shops.app_secrets(connection, runtime.vault, code)
                found |= {_App(code, key): secret for key, secret in secrets_by_key.items() if (code, key) in used}
    return found


async def _keep(runtime: Runtime, app: _App, secret: SecretStr) -> None:
    """Owns one app's notices and goes on for as long as the ownership lasts."""
    source = _source(runtime, app, secret)
    session = CHANNELS[app.channel].session
    if session is None and source is None:
        return
    claim = await asyncio.to_thread(_take, runtime, app)
    if claim is None:
        return
    failures = 0
    try:
        while True:
            opened = time.monotonic()
            try:
                if session is not None:
                    made = session(app.app_key, secret, _push_gateway(runtime, app), runtime.clock)
                    await _connection(runtime, app, made, claim)
                elif source is not None:
                    await _look(runtime, app, source, claim)
            except _TROUBLE as error:
                _complain("cannot listen", app, error)
            await asyncio.to_thread(_hold, runtime, claim)
            failures = 0 if time.monotonic() - opened > STEADY_SECONDS else failures + 1
            wait = min(LONGEST_RETRY_SECONDS, backoff(failures) / 4)
            await _stand_in(runtime, app, source if session is not None else None, claim, wait)
    except LaneLost:
        log.info("another process listens now", channel=app.channel, app=app.app_key)
    except SQLAlchemyError as error:  # nothing proves any more that the app is ours
        _complain("stopped listening", app, error)
    finally:
        if source is not None:
            await asyncio.to_thread(source.close)
        with contextlib.suppress(SQLAlchemyError):  # else the lease ends by itself
            await asyncio.to_thread(_let_go, runtime, claim)


def _source(runtime: Runtime, app: _App, secret: SecretStr) -> Source | None:
    adapter = CHANNELS[app.channel]
    if adapter.source is None:
        return None
    settings = runtime.settings
    database = settings.push_databases.get(app.channel)
    gateway = settings.gateway(adapter.channel)
    return adapter.source(AppAccess(app.app_key, secret, gateway, database, runtime.http, runtime.gate, runtime.clock))


def _push_gateway(runtime: Runtime, app: _App) -> str:
    return runtime.settings.push_gateway(CHANNELS[app.channel].channel)


async def _connection(runtime: Runtime, app: _App, session: Session, claim: Claim) -> None:
    """One connection from its opening to its end."""
    async with connect(
        session.address(),
        open_timeout=OPEN_SECONDS,
        max_size=LARGEST_FRAME,
        ping_interval=PING_SECONDS,
        ping_timeout=PONG_SECONDS,
    ) as socket:
        log.info("connected", channel=app.channel, app=app.app_key)
        await _send(socket, session.on_open())
        held = time.monotonic()
        while True:
            with contextlib.suppress(TimeoutError):
                await _frame(runtime, socket, session, await asyncio.wait_for(socket.recv(), TICK_SECONDS))
            await _send(socket, session.tick())
            if time.monotonic() - held > runtime.settings.lease_seconds / 4:
                await asyncio.to_thread(_hold, runtime, claim)
                held = time.monotonic()


async def _look(runtime: Runtime, app: _App, source: Source, claim: Claim, seconds: float = float("inf")) -> None:
    """Fetches from the source again and again, for `seconds`."""
    end = time.monotonic() + seconds
    while True:
        more = await asyncio.to_thread(_fetch, runtime, app, source, claim)
        if time.monotonic() >= end:
            return
        if not more:
            await asyncio.sleep(min(source.every, max(0.0, end - time.monotonic())))


async def _stand_in(runtime: Runtime, app: _App, source: Source | None, claim: Claim, seconds: float) -> None:
    """Sits out the wait before the next connection; a source fetches meanwhile what the connection would have told."""
    if source is None:
        await asyncio.sleep(seconds)
        return
    try:
        await _look(runtime, app, source, claim, seconds)
    except _TROUBLE as error:
        _complain("cannot fetch notices", app, error)
        await asyncio.sleep(seconds)


def _complain(what: str, app: _App, error: BaseException) -> None:
    """Our own errors say in words what is wrong, and hold nothing secret; of others the kind must do."""
    reason = str(error) if isinstance(error, QudaoError) else ""
    log.warning(what, channel=app.channel, app=app.app_key, error=type(error).__name__, reason=reason)


def _fetch(runtime: Runtime, app: _App, source: Source, claim: Claim) -> bool:
    """One look: notices and cursor in one transaction, then the acknowledgements. True when there is more."""
    with runtime.database.read() as connection:
        cursor = shops.push_cursor(connection, app.channel, app.app_key)
    polled = source.poll(cursor)
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, timedelta(seconds=runtime.settings.lease_seconds))
        ringing = inbox.store(connection, runtime.vault, polled.notices, now)
        if polled.cursor != cursor:
            shops.keep_push_cursor(connection, app.channel, app.app_key, polled.cursor)
    runtime.bells.ring(ringing)
    if polled.acks:
        source.confirm(polled.acks)
    return polled.more


async def _frame(runtime: Runtime, socket: ClientConnection, session: Session, frame: str | bytes) -> None:
    received = session.on_frame(frame)
    await _send(socket, received.reply)
    if received.notices:
        await asyncio.to_thread(_store, runtime, received.notices)
    await _send(socket, received.acks)


async def _send(socket: ClientConnection, frames: Iterable[str | bytes]) -> None:
    for frame in frames:
        await socket.send(frame)


def _store(runtime: Runtime, notices: tuple[Notice, ...]) -> None:
    with runtime.database.write() as connection:
        ringing = inbox.store(connection, runtime.vault, notices, runtime.clock.now())
    runtime.bells.ring(ringing)


def _take(runtime: Runtime, app: _App) -> Claim | None:
    ttl = timedelta(seconds=runtime.settings.lease_seconds)
    with runtime.database.write() as connection:
        return lanes.take(connection, app.lane, secrets.token_hex(8), runtime.clock.now(), ttl)


def _hold(runtime: Runtime, claim: Claim) -> None:
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, runtime.clock.now(), timedelta(seconds=runtime.settings.lease_seconds))


def _let_go(runtime: Runtime, claim: Claim) -> None:
    with runtime.database.write() as connection:
        lanes.abandon(connection, claim)
