"""The platforms' WebSockets: they move frames of connections that know no I/O."""

import asyncio
import contextlib
from collections.abc import Sequence

from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from .platform import Broken, Connection, Platform
from .world import World

TICK = 0.2
"""How often a connection is looked at when nothing wakes it (real seconds)."""
_PROTOCOL_ERROR = 1002


async def serve(world: World, platform: Platform, socket: WebSocket) -> None:
    """One connection: who may not come in is refused at the handshake, what is no frame ends it."""
    with world.lock:
        welcome = platform.admits(socket.scope["path"])
    if not welcome:
        await socket.send_denial_response(PlainTextResponse("invalid digest", status_code=401))
        return
    await socket.accept()
    try:
        await _talk(world, socket, platform.connect(), platform.profile.channel)
    except Broken:
        await socket.close(_PROTOCOL_ERROR)


async def _talk(world: World, socket: WebSocket, connection: Connection, channel: str) -> None:
    wake = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ring() -> None:
        loop.call_soon_threadsafe(wake.set)

    outbox = world.outboxes[channel]
    outbox.wake.append(ring)
    sender = asyncio.create_task(_send_due(world, socket, connection, wake))
    try:
        while (received := await socket.receive())["type"] != "websocket.disconnect":
            text = received.get("text")
            with world.lock:
                answers = connection.on_frame(received["bytes"] if text is None else text)
            wake.set()
            await _send(socket, answers)
    except WebSocketDisconnect:
        return
    finally:
        outbox.wake.remove(ring)
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)


async def _send_due(world: World, socket: WebSocket, connection: Connection, wake: asyncio.Event) -> None:
    while True:
        wake.clear()
        with world.lock:
            frames = connection.to_send()
            next_at = connection.next_at()
            wait = TICK if next_at is None else min(max(next_at - world.now(), 0.02), TICK)
        await _send(socket, frames)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(wake.wait(), wait)


async def _send(socket: WebSocket, frames: Sequence[str | bytes]) -> None:
    for frame in frames:
        if isinstance(frame, str):
            await socket.send_text(frame)
        else:
            await socket.send_bytes(frame)
