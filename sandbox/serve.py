"""The sandbox on one port: HTTP for the platforms and the control API, their WebSockets (`sockets.py`) and the tasks
that deliver their pushes. `create_app` is the ASGI app, `run` the server that `qudao sandbox` starts.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Protocol
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, WebSocketRoute
from starlette.types import Receive, Scope, Send

from . import sockets
from .control import PREFIX
from .gateway import NoAnswer, Request, Response
from .platform import NoDatabase
from .sandbox import Sandbox

__all__ = ["NoDatabase", "create_app", "run"]
TICK = 0.2
"""How often timers of the world are looked at when nobody calls (real seconds)."""


class _Transport(Protocol):
    def close(self) -> None: ...


def create_app(sandbox: Sandbox) -> Starlette:
    """The ASGI app. While it runs (lifespan), timers tick and the platforms' own tasks deliver their pushes."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        work = (platform.background() for platform in sandbox.platforms.values())
        tasks = [asyncio.create_task(each) for each in (_tick(sandbox), *work) if each is not None]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def http(scope: Scope, receive: Receive, send: Send) -> None:
        await _serve_http(sandbox, scope, receive, send)

    routes: list[BaseRoute] = [
        WebSocketRoute(platform.socket_path, partial(sockets.serve, sandbox.world, platform))
        for platform in sandbox.platforms.values()
        if platform.socket_path
    ]
    return Starlette(routes=[*routes, Mount("/", app=http)], lifespan=lifespan)


async def _tick(sandbox: Sandbox) -> None:
    while True:
        with sandbox.world.lock:
            sandbox.world.run_due()
        await asyncio.sleep(TICK)


async def _serve_http(sandbox: Sandbox, scope: Scope, receive: Receive, send: Send) -> None:
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    client = scope.get("client")
    request = Request(scope["method"], scope["path"], query, headers, body, client[0] if client else "")
    try:
        response = sandbox.handle(request)
    except NoAnswer as silence:
        await asyncio.sleep(silence.seconds)
        await _hang_up(receive, send)
        return
    if not request.path.startswith(PREFIX):
        await asyncio.sleep(sandbox.world.settings.answer_delay)
    await _answer(response, send)


async def _answer(response: Response, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()]
    headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


async def _hang_up(receive: Receive, send: Send) -> None:
    """Close the connection without a byte. ASGI cannot say that, so uvicorn's transport is closed behind `receive`;
    under another server an unfinished answer must do."""
    transport: _Transport | None = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is not None:
        transport.close()
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000000")]})


def run(
    port: int = 9700,
    seed: int = 1,
    host: str = "127.0.0.1",
    *,
    shops: int = 1,
    orders: int = 0,
    stock: tuple[int, int] = (50, 500),
    log_level: str = "warning",
    push_databases: Mapping[str, str] = MappingProxyType({}),
    **server_options: Any,
) -> None:
    """Serve until interrupted. `orders` = how many paid orders each shop starts with, spread over the last day.

    `push_databases` = where a channel writes its pushes into a table: the URL by its code; raises NoDatabase.
    """
    sandbox = Sandbox(seed, shops=shops, stock=stock)
    for channel, url in push_databases.items():
        sandbox.platforms[channel].open_pushes(url)
    place_orders(sandbox, orders)
    uvicorn.run(
        create_app(sandbox), host=host, port=port, log_level=log_level, ws="websockets-sansio", **server_options
    )


def place_orders(sandbox: Sandbox, count: int, over: float = 86_400) -> None:
    """Give every shop `count` paid orders of the last `over` seconds."""
    world = sandbox.world
    for shops in world.shops.values():
        for shop in shops.values():
            for n in range(count):
                world.place(shop, at=world.now() - over * (1 - n / count), restock=True)
