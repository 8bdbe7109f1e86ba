"""What every request to /v1 passes before any route: the key and how often it may call, the size of the body, the net
under it, the log line.

A read that waits or streams ends within about a second of its key: with 401 if the answer has not begun, else where it
is. A command that is being taken is taken.
"""

import secrets
import time

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.access import Caller
from web.auth import Keys, unknown_key
from web.bodies import LIMIT
from web.keyrate import KeyRate
from web.logs import where
from web.problems import Problem

_DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)
AGAIN_SECONDS = 5
"""When a client may come again that met an outage of the database: most are a restart or a connection that was cut."""

log = structlog.get_logger()


class Guard:
    """ASGI middleware. Puts whose key it is into `request.state.caller`."""

    def __init__(self, app: ASGIApp, keys: Keys, rate: KeyRate) -> None:
        self._app = app
        self._keys = keys
        self._rate = rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(receive, send)
        began = time.monotonic()
        try:
            caller = await self._admit(scope, exchange)
            if caller is None or scope["method"] != "GET":
                await self._app(scope, exchange.receive, exchange.send)
            else:
                await self._read(caller, scope, exchange)
        except Problem as problem:
            await problem.response()(scope, receive, exchange.send)
        except ClientDisconnect:
            exchange.status = 499
        except Exception as error:  # noqa: BLE001  # the net: logged once, answered without a word of what it was
            apology = _unexpected(error)
            if exchange.status == 0:
                await apology.response()(scope, receive, exchange.send)
        log.info(
            "request",
            method=scope["method"],
            route=getattr(scope.get("route"), "path", ""),
            status=exchange.status,
            ms=round((time.monotonic() - began) * 1000),
            key=getattr(scope.get("state", {}).get("caller"), "id", ""),
        )

    async def _admit(self, scope: Scope, exchange: "_Exchange") -> Caller | None:
        headers = dict(scope["headers"])
        path = scope["path"]
        caller = None
        if path == "/v1" or path.startswith("/v1/"):
            caller = await self._keys.caller(headers.get(b"authorization", b"").decode("latin-1"))
            scope.setdefault("state", {})["caller"] = caller
            exchange.headers = await self._rate.take(caller)
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > LIMIT:
            raise Problem("body_too_large", values={"limit": LIMIT})
        return caller

    async def _read(self, caller: Caller, scope: Scope, exchange: "_Exchange") -> None:
        try:
            async with self._keys.while_good(caller) as ending:
                await self._app(scope, exchange.receive, exchange.send)
        except TimeoutError:
            if not ending.expired():
                raise
            if exchange.status == 0:
                raise unknown_key() from None
            await exchange.send({"type": "http.response.body", "body": b"", "more_body": False})


class _Exchange:
    """Counts what comes in, adds `headers` to the answer and remembers whether it has begun."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._size = 0
        self.status = 0
        self.headers: dict[str, str] = {}

    async def receive(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > LIMIT:
            raise Problem("body_too_large", values={"limit": LIMIT})
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message).update(self.headers)
        await self._send(message)


def _unexpected(error: Exception) -> Problem:
    away = isinstance(error, _DATABASE_AWAY) or (isinstance(error, DBAPIError) and error.connection_invalidated)
    code = "storage_unavailable" if away else "internal_error"
    name = secrets.token_hex(6)
    log.error("request failed", id=name, code=code, error=type(error).__name__, where=where(error))
    return Problem(code, values={"id": name}, headers={"Retry-After": str(AGAIN_SECONDS)} if away else None)
