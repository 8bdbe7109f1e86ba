"""One TMC connection without I/O: CONNECT and its check, then pull, data, confirm and failed.

The server (`sandbox/serve.py`) moves the binary WebSocket messages. Status codes and phrases of refusals are made up;
the documentation names none. Data flows after the first PullRequest, from then on as it comes (inferred; the setting
`tmc_only_on_pull` makes every message wait for a PullRequest).
"""

import gzip
import json
from enum import IntEnum
from random import Random
from uuid import UUID

from ..world import Push, World
from . import signing
from .call import CHANNEL
from .frames import BadFrame, Custom, Format, Frame, FrameType, decode, encode
from .queues import PUBLISHER, auth_token, knows, queue_name

BAD_SIGN, BAD_GROUP, BAD_TOKEN, NOT_CONNECTED, NO_PUBLISHING = 101, 102, 103, 104, 105
UNCONFIRMED_LIMIT = 2000
"""How many messages may be under way on one connection (inferred: the queue size of the official client)."""


class Kind(IntEnum):
    """What a SEND is for: the custom header `__kind`."""

    PULL = 1
    CONFIRM = 2
    DATA = 3
    FAILED = 20


class LongLink:
    """The state of one connection. Call under the world's lock. `frames.BadFrame` means: hang up."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._outbox = world.outboxes[CHANNEL]
        self._token: str | None = None
        self._queue = ""
        self._pulled = False
        self._under_way: set[str] = set()

    def next_at(self) -> float | None:
        """When the next message may be sent; None when nothing waits or nobody has asked."""
        room = len(self._under_way) < UNCONFIRMED_LIMIT
        return self._outbox.next_at(self._queue) if self._pulled and room else None

    def on_frame(self, data: str | bytes) -> list[bytes]:
        """Messages to answer with."""
        if isinstance(data, str):
            raise BadFrame("a text message")
        frame = decode(data)
        if frame.type is FrameType.CONNECT:
            return [encode(self._connected(frame))]
        if frame.type is not FrameType.SEND:
            return []
        if self._token is None or frame.token != self._token:
            return [encode(_refusal(FrameType.SENDACK, frame.flag, NOT_CONNECTED, "token is invalid"))]
        match frame.get("__kind"):
            case Kind.PULL:
                self._pulled = True
            case Kind.CONFIRM:
                self._outbox.acked(str(frame.get("id")))
                self._under_way.discard(str(frame.get("id")))
            case Kind.FAILED:
                self._outbox.failed(str(frame.get("id")))
                self._under_way.discard(str(frame.get("id")))
            case Kind.DATA:
                return [encode(_refusal(FrameType.SENDACK, frame.flag, NO_PUBLISHING, "publishing is not permitted"))]
        return []

    def to_send(self) -> list[bytes]:
        """Data frames of the messages that are due now."""
        if self._token is None or not self._pulled:
            return []
        if self._world.settings.tmc_only_on_pull:
            self._pulled = False
        room = UNCONFIRMED_LIMIT - len(self._under_way)
        frames = []
        for push in self._outbox.due(room, self._queue) if room > 0 else []:
            wire_id = self._outbox.sent(push)
            if push.acked_at is None:
                self._under_way.add(wire_id)
            frames.append(encode(self._data(push, wire_id)))
        return frames

    def _connected(self, frame: Frame) -> Frame:
        world, app = self._world, self._world.apps[CHANNEL]
        signed = {name: str(frame.get(name) or "") for name in ("app_key", "group_name", "timestamp")}
        given, stamp = str(frame.get("sign") or ""), signed["timestamp"]
        fresh = stamp.isdigit() and abs(int(stamp) / 1000 - world.now()) <= world.settings.clock_tolerance
        if signed["app_key"] != app.key or not fresh or given != signing.sign(signed, app.secret, "md5"):
            return _refusal(FrameType.CONNECTACK, frame.flag, BAD_SIGN, "sign check failed")
        if not knows(world, signed["group_name"]):
            return _refusal(FrameType.CONNECTACK, frame.flag, BAD_GROUP, "group is not exist")
        permit = frame.get("token")
        if permit is not None and permit != auth_token(world, signed["group_name"]):
            return _refusal(FrameType.CONNECTACK, frame.flag, BAD_TOKEN, "token check failed")
        self._queue = queue_name(signed["group_name"])
        self._token = str(UUID(int=Random(f"{world.seed}:tmc:{world.number()}").getrandbits(128)))
        self._pulled = False
        return Frame(FrameType.CONNECTACK, flag=frame.flag, token=self._token)

    def _data(self, push: Push, wire_id: str) -> Frame:
        shop = self._world.shops[CHANNEL][push.shop_id]
        text = json.dumps(push.payload, ensure_ascii=False, separators=(",", ":"))
        content = Custom("content", Format.STR, text)
        over = self._world.settings.tmc_gzip_over
        if over is not None and len(text.encode()) > over:
            content = Custom("content", Format.BYTES, gzip.compress(text.encode(), mtime=0))
        values = (
            Custom("topic", Format.STR, push.topic),
            Custom("userid", Format.INT64, int(shop.shop_id)),
            Custom("__kind", Format.BYTE, Kind.DATA),
            Custom("publisher", Format.STR, PUBLISHER),
            Custom("retried", Format.BYTE, min(len(push.deliveries) - 1, 127)),
            content,
            Custom("id", Format.INT64, int(wire_id)),
            Custom("dataid", Format.INT64, int(push.object_id)),
            Custom("time", Format.DATE, int(push.created * 1000)),
            Custom("nick", Format.STR, shop.name),
            Custom("outtime", Format.DATE, int(self._world.now() * 1000)),
        )
        return Frame(FrameType.SEND, values, token=self._token)


def _refusal(kind: FrameType, flag: int, code: int, phrase: str) -> Frame:
    return Frame(kind, flag=flag, status_code=code, status_phrase=phrase)
