"""The WebSockets of Pinduoduo's and Taobao's messages: they move frames of connections that know no I/O."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Protocol

from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from .pinduoduo import session
from .sandbox import Sandbox
from .taobao.frames import BadFrame
from .taobao.longlink import LongLink

TICK = 0.2
"""How often a connection is looked at when nothing wakes it (real seconds)."""
_PROTOCOL_ERROR = 1002


class _Connection(Protocol):
    """Called under the world's lock."""

    def on_frame(self, frame: str | bytes) -> Sequence[str | bytes]: ...
    def to_send(self) -> Sequence[str | bytes]: ...
    def next_at(self) -> float | None: ...


async def serve_pinduoduo(sandbox: Sandbox, socket: WebSocket) -> None:
    """One connection: a bad digest is refused at the handshake."""
    world = sandbox.world
    with world.lock:
        welcome = session.admits(world, socket.scope["path"])
    if not welcome:
        await socket.send_denial_response(PlainTextResponse("invalid digest", status_code=401))
        return
    await socket.accept()
    await _talk(sandbox, socket, session.Session(world), "pinduoduo")


async def serve_taobao(sandbox: Sandbox, socket: WebSocket) -> None:
    """One connection: who it is comes in its first frame. What is no frame ends it."""
    await socket.accept()
    try:
        await _talk(sandbox, socket, LongLink(sandbox.world), "taobao")
    except BadFrame:
        await socket.close(_PROTOCOL_ERROR)


async def _talk(sandbox: Sandbox, socket: WebSocket, connection: _Connection, channel: str) -> None:
    wake = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ring() -> None:
        loop.call_soon_threadsafe(wake.set)

    outbox = sandbox.world.outboxes[channel]
    outbox.wake.append(ring)
    sender = asyncio.create_task(_send_due(sandbox, socket, connection, wake))
    try:
        while (received := await socket.receive())["type"] != "websocket.disconnect":
            text = received.get("text")
            with sandbox.world.lock:
                answers = connection.on_frame(received["bytes"] if text is None else text)
            wake.set()
            await _send(socket, answers)
    except WebSocketDisconnect:
        return
    finally:
        outbox.wake.remove(ring)
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)


async def _send_due(sandbox: Sandbox, socket: WebSocket, connection: _Connection, wake: asyncio.Event) -> None:
    while True:
        wake.clear()
        with sandbox.world.lock:
            frames = connection.to_send()
            next_at = connection.next_at()
            wait = TICK if next_at is None else min(max(next_at - sandbox.world.now(), 0.02), TICK)
        await _send(socket, frames)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(wake.wait(), wait)


async def _send(socket: WebSocket, frames: Sequence[str | bytes]) -> None:
    for frame in frames:
        if isinstance(frame, str):
            await socket.send_text(frame)
        else:
            await socket.send_bytes(frame)
