"""`POST /hooks/{channel}`: a platform's pushes in. Verified, committed, then acknowledged as that platform wants it.

Plain ASGI, because this is the one path where thousands of requests a second arrive in a promotion night. What a push
means is the channel's reader's business; what becomes of it, the engine's.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from connectors import Adapter
from core.db import shops
from core.errors import BadSignature, Malformed
from core.notices import Ack, Inbound, Reader
from web.bodies import BodyTooLarge, read_body
from web.logs import where
from web.receipts import NotStored, Overloaded, Writer
from web.state import State

SECRETS_FRESH = timedelta(seconds=30)
"""How long an app's secret may be used after it was changed or removed."""
SECRETS_RETRY = timedelta(seconds=1)
"""How soon a push that fails verification may make us read the secrets again: it may be of an app just added."""

log = structlog.get_logger()


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
        except NotStored as failed:
            log.error("push not stored", channel=channel, error=failed.error, where=failed.where)
            return _refusal(nack, 503)
        except Exception as error:  # noqa: BLE001  # whatever it was, the platform must come again
            log.error("push not read", channel=channel, error=type(error).__name__, where=where(error))
            return _refusal(nack, 503)
        return inbound.ack


_STATUS: dict[type[Exception], int] = {BadSignature: 401, Malformed: 400, BodyTooLarge: 413, Overloaded: 503}


def _refusal(nack: Ack | None, status: int) -> Ack:
    return replace(nack, status=status) if nack else Ack(status, b"")


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
