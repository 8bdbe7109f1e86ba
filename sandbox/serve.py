"""The sandbox on one port: HTTP for the platforms and the control API, the messages' WebSockets (`sockets.py`), the
sender of Douyin's callbacks and the writer of JD's push table. `create_app` is the ASGI app, `run` the server that
`qudao sandbox` starts.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Protocol
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from . import douyin, sockets
from .gateway import NoAnswer, Request, Response
from .jd import push_table
from .pinduoduo import session
from .sandbox import Sandbox

NoDatabase = push_table.NoDatabase
TICK = 0.2
"""How often timers of the world are looked at when nobody calls (real seconds)."""


class _Transport(Protocol):
    def close(self) -> None: ...


def create_app(sandbox: Sandbox, jd_pushes: push_table.PushTable | None = None) -> Starlette:
    """The ASGI app. While it runs (lifespan), timers tick, Douyin callbacks are delivered and JD's rows written."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(_tick(sandbox)),
            asyncio.create_task(douyin.deliver(sandbox.world, sandbox.douyin.callbacks)),
        ]
        if jd_pushes is not None:
            tasks.append(asyncio.create_task(push_table.deliver(sandbox.world, jd_pushes)))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def http(scope: Scope, receive: Receive, send: Send) -> None:
        await _serve_http(sandbox, scope, receive, send)

    async def pinduoduo(socket: WebSocket) -> None:
        await sockets.serve_pinduoduo(sandbox, socket)

    async def taobao(socket: WebSocket) -> None:
        await sockets.serve_taobao(sandbox, socket)

    routes = [
        WebSocketRoute(session.PREFIX + "{rest:path}", pinduoduo),
        WebSocketRoute("/", taobao),
        Mount("/", app=http),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


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
    jd_push_database: str | None = None,
    **server_options: Any,
) -> None:
    """Serve until interrupted. `orders` = how many paid orders each shop starts with, spread over the last day.

    `jd_push_database` = URL of the database whose table yd_pop_order, made when it is missing, JD's pushes go to;
    raises NoDatabase.
    """
    sandbox = Sandbox(seed, shops=shops, stock=stock)
    jd_pushes = None if jd_push_database is None else push_table.open_table(sandbox.world, jd_push_database)
    place_orders(sandbox, orders)
    app = create_app(sandbox, jd_pushes)
    uvicorn.run(app, host=host, port=port, log_level=log_level, ws="websockets-sansio", **server_options)


def place_orders(sandbox: Sandbox, count: int, over: float = 86_400) -> None:
    """Give every shop `count` paid orders of the last `over` seconds."""
    world = sandbox.world
    for shops in world.shops.values():
        for shop in shops.values():
            for n in range(count):
                world.place(shop, at=world.now() - over * (1 - n / count), restock=True)
