"""One message connection without I/O: checks the handshake, says what to send, understands what comes in.

The server (`sandbox/serve.py`) moves the frames. Acknowledged messages are not sent again; a message whose ack does not
come, or that is answered with Fail, is repeated after the retry delay of the settings.
"""

import json
from typing import Any
from urllib.parse import unquote

from ..world import World
from . import messages, signing

PREFIX = "/message/"
UNACKED_LIMIT = 500
"""How many messages may be under way on one connection without an ack (inferred)."""


def admits(world: World, path: str) -> bool:
    """Whether `/message/{client_id}/{ms}/{digest}` is right and fresh; `=` may come as %3D."""
    parts = unquote(path).removeprefix(PREFIX).split("/", 2)
    app = world.apps["pinduoduo"]
    if len(parts) != 3 or parts[0] != app.key or not parts[1].isascii() or not parts[1].isdigit():
        return False
    fresh = abs(int(parts[1]) / 1000 - world.now()) <= world.settings.clock_tolerance
    return fresh and parts[2] == signing.digest(parts[0], parts[1], app.secret)


class Session:
    """The state of one connection. Call under the world's lock."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._outbox = world.outboxes["pinduoduo"]
        self._under_way: set[str] = set()

    def to_send(self) -> list[str]:
        """Frames of the messages that are due now."""
        room = UNACKED_LIMIT - len(self._under_way)
        frames = []
        for push in self._outbox.due(room) if room > 0 else []:
            wire_id = self._outbox.sent(push)
            if push.acked_at is None:
                self._under_way.add(wire_id)
            frames.append(messages.common_frame(push, wire_id, self._milliseconds()))
        return frames

    def next_at(self) -> float | None:
        """When the next message is due; None when nothing waits."""
        return self._outbox.next_at()

    def on_frame(self, text: str | bytes) -> list[str]:
        """Frames to answer with."""
        try:
            frame: Any = json.loads(text)
        except ValueError:
            return [messages.fail_frame("invalid message", self._milliseconds())]
        kind = frame.get("commandType") if isinstance(frame, dict) else None
        if kind == "HeartBeat":
            return [messages.heartbeat_frame(int(frame.get("id") or self._milliseconds()), self._milliseconds())]
        wire_id = str(frame.get("id")) if isinstance(frame, dict) else ""
        if kind == "Ack" and "sendTime" in frame and self._outbox.acked(wire_id):
            self._under_way.discard(wire_id)
            return []
        if kind == "Fail" and "sendTime" in frame and self._outbox.failed(wire_id):
            self._under_way.discard(wire_id)
            return []
        return [messages.fail_frame("unknown message", self._milliseconds())]

    def _milliseconds(self) -> int:
        return int(self._world.now() * 1000)
