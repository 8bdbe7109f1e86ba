"""`POST /hooks/{channel}`: a platform's pushes in. Verified, committed, then acknowledged as that platform wants it.

Plain ASGI, because this is the one path where thousands of requests a second arrive in a promotion night. What a push
means is the channel's reader's business; what becomes of it, the engine's.
"""

import asyncio
import queue
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from connectors import Adapter
from core.channel import Ack, Inbound, Notice, Reader
from core.db import shops
from core.errors import BadSignature, Malformed
from sync import inbox
from web.bodies import BodyTooLarge, read_body
from web.logs import where
from web.state import State

SECRETS_FRESH = timedelta(seconds=30)
"""How long an app's secret may be used after it was changed or removed."""
SECRETS_RETRY = timedelta(seconds=1)
"""How soon a push that fails verification may make us read the secrets again: it may be of an app just added."""
BATCH = 500
"""How many pushes share one transaction at most."""
WAITING_LIMIT = 20_000
"""How many pushes may wait for the database before more are sent back at once."""

log = structlog.get_logger()


class Overloaded(Exception):
    """Too many pushes wait for the database."""


@dataclass(frozen=True)
class _Waiting:
    notices: Sequence[Notice]
    stored: asyncio.Future[None]


class Writer:
    """Commits the pushes of many requests in one transaction: what waits when one ends goes into the next."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begins; the requests run in `loop`."""
        self._loop = loop
        self._thread = threading.Thread(target=self._run, name="receipts", daemon=True)
        self._thread.start()

    async def store(self, notices: Sequence[Notice]) -> None:
        """Returns once the notices are durable. Raises Overloaded, or what the database raised."""
        if self._queue.qsize() >= WAITING_LIMIT:
            raise Overloaded
        stored: asyncio.Future[None] = self._loop.create_future()
        self._queue.put(_Waiting(notices, stored))
        await stored

    def close(self) -> None:
        """Commits what is waiting and ends."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while batch := self._take():
            failure: Exception | None = None
            try:
                self._commit(batch)
            except Exception as error:  # noqa: BLE001  # handed to every request of the batch, which refuse their pushes
                failure = error
            self._loop.call_soon_threadsafe(_settle, batch, failure)

    def _take(self) -> list[_Waiting]:
        """The pushes of the next transaction; empty at the end."""
        first = self._queue.get()
        if first is None:
            return []
        batch = [first]
        while len(batch) < BATCH:
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                break
            if waiting is None:
                self._queue.put(None)
                break
            batch.append(waiting)
        return batch

    def _commit(self, batch: Sequence[_Waiting]) -> None:
        notices = [notice for waiting in batch for notice in waiting.notices]
        runtime = self._state.runtime
        with runtime.database.write() as connection:
            lanes = inbox.store(connection, runtime.vault, notices, runtime.clock.now())
        self._state.ringer.ring(lanes)


def _settle(batch: Sequence[_Waiting], failure: Exception | None) -> None:
    for waiting in batch:
        if waiting.stored.done():
            continue  # its client hung up
        if failure is None:
            waiting.stored.set_result(None)
        else:
            waiting.stored.set_exception(failure)


@dataclass(frozen=True)
class _Known:
    reader: Reader
    at: datetime


class Readers:
    """One reader per channel that pushes over HTTP, with the secrets of all apps as they are in the database."""

    def __init__(self, state: State, adapters: Mapping[str, Adapter]) -> None:
        self._state = state
        self._make = {code: adapter.reader for code, adapter in adapters.items() if adapter.reader}
        self._known: dict[str, tuple[Reader, datetime]] = {}

    def __contains__(self, channel: str) -> bool:
        return channel in self._make

    async def of(self, channel: str) -> Reader:
        """A reader whose secrets are SECRETS_FRESH."""
        reader, at = self._known.get(channel, (None, None))
        if reader is None or at is None or self._now() - at >= SECRETS_FRESH:
            return await self._load(channel)
        return reader

    async def read(self, channel: str, headers: Mapping[str, str], body: bytes) -> Inbound:
        """Raises BadSignature or Malformed. A push of an app added a moment ago is read with its secret."""
        reader = await self.of(channel)
        try:
            return reader.read(headers, body)
        except BadSignature:
            if self._now() - self._known[channel][1] < SECRETS_RETRY:
                raise
        return (await self._load(channel)).read(headers, body)

    async def _load(self, channel: str) -> Reader:
        at = self._now()
        reader = self._make[channel](await self._state.read(self._secrets, channel))
        self._known[channel] = (reader, at)
        return reader

    def _secrets(self, channel: str) -> dict[str, SecretStr]:
        runtime = self._state.runtime
        with runtime.database.read() as connection:
            return shops.app_secrets(connection, runtime.vault, channel)

    def _now(self) -> datetime:
        return self._state.runtime.clock.now()


class Hooks:
    """The ASGI endpoint. A status below 400 means that every notice of the push is committed."""

    def __init__(self, readers: Readers, writer: Writer) -> None:
        self._readers = readers
        self._writer = writer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ack = await self._answer(scope["path_params"]["channel"], scope, receive)
        head = [
            (b"content-type", ack.content_type.encode("latin-1")),
            (b"content-length", str(len(ack.body)).encode("latin-1")),
        ]
        await send({"type": "http.response.start", "status": ack.status, "headers": head})
        await send({"type": "http.response.body", "body": ack.body})

    async def _answer(self, channel: str, scope: Scope, receive: Receive) -> Ack:
        if channel not in self._readers:
            return Ack(404, b"")
        if scope["method"] != "POST":
            return Ack(405, b"")
        nack = None
        try:
            reader = await self._readers.of(channel)
            nack = reader.nack
            body = await read_body(receive)
            inbound = await self._readers.read(channel, _headers(scope), body)
            nack = inbound.nack
            if inbound.notices:
                await self._writer.store(inbound.notices)
        except (BadSignature, Malformed, BodyTooLarge, Overloaded) as refused:
            log.warning("push refused", channel=channel, why=type(refused).__name__)
            return _refusal(nack, _STATUS[type(refused)])
        except Exception as error:  # noqa: BLE001  # whatever it was, the platform must come again
            log.error("push not stored", channel=channel, error=type(error).__name__, where=where(error))
            return _refusal(nack, 503)
        return inbound.ack


_STATUS: dict[type[Exception], int] = {BadSignature: 401, Malformed: 400, BodyTooLarge: 413, Overloaded: 503}


def _refusal(nack: Ack | None, status: int) -> Ack:
    return replace(nack, status=status) if nack else Ack(status, b"")


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
