"""Taobao's messages (TMC) into notices: the long connection without I/O, and the queue that can be polled instead.

Both serve every shop of the app; a message's user id says whose it is. Delivery is at least once and in no order. What
is not confirmed comes again after about five minutes and is gone after a day. The bytes of a frame are in frames.py;
the platform's HTTP callbacks (SPI) ask questions instead of naming things and are not read.
"""

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from pydantic import SecretStr
from pydantic_core import from_json

from connectors.taobao import CHANNEL, signing, wire
from connectors.taobao.client import TaobaoClient
from connectors.taobao.frames import Custom, Format, Frame, FrameType, Value, decode, encode
from connectors.taobao.mapping.values import loose_instant
from core.channel import ObjectKind
from core.clock import Clock
from core.errors import Malformed, Unavailable
from core.notices import AppAccess, Notice, Polled, Received

GROUP = "default"
"""The queue of every user and topic that was put into no other group."""
PULL = timedelta(seconds=5)
"""How often the connection is asked for what is waiting; the official clients do so every 5 to 15 s."""
ACCEPTANCE = timedelta(seconds=5)
"""How long the answer to CONNECT may take; the official client's patience."""
EVERY_SECONDS = 2.0
"""Between two looks at an empty queue; 1 to 5 s spare the app's budget of calls."""
QUANTITY = 100
CONFIRM_BATCH = 200
LARGEST_CONTENT = 4 * 1024 * 1024
"""Bytes of a message's content once it is unpacked; what is larger is none that the platform writes (inferred)."""
SDK = "qudao"
INTRANET_IP = "127.0.0.1"
"""The official client tells its address; what for is not documented (inferred: the platform's own displays)."""

_TRADE = "taobao_trade_"
_REFUND = "taobao_refund_"
_ITEM = "taobao_item_"
TOPICS = {
    ObjectKind.ORDER: (
        f"{_TRADE}TradeCreate",
        f"{_TRADE}TradeAlipayCreate",
        f"{_TRADE}TradeModifyFee",
        f"{_TRADE}TradeCloseAndModifyDetailOrder",
        f"{_TRADE}TradeClose",
        f"{_TRADE}TradeBuyerPay",
        f"{_TRADE}TradeBuyerStepPay",
        f"{_TRADE}TradeSellerShip",
        f"{_TRADE}TradePartlySellerShip",
        f"{_TRADE}TradeDelayConfirmPay",
        f"{_TRADE}TradePartlyRefund",
        f"{_TRADE}TradePartlyConfirmPay",
        f"{_TRADE}TradeSuccess",
        f"{_TRADE}TradeMemoModified",
        f"{_TRADE}TradeLogisticsAddressChanged",
        f"{_TRADE}TradeChanged",
        f"{_TRADE}OrderSkuChanged",
    ),
    ObjectKind.AFTER_SALE: (
        f"{_REFUND}RefundCreated",
        f"{_REFUND}RefundSellerAgreeAgreement",
        f"{_REFUND}RefundSellerRefuseAgreement",
        f"{_REFUND}RefundBuyerModifyAgreement",
        f"{_REFUND}RefundBuyerReturnGoods",
        f"{_REFUND}RefundCreateMessage",
        f"{_REFUND}RefundClosed",
        f"{_REFUND}RefundSuccess",
    ),
    ObjectKind.LISTING: (
        f"{_ITEM}ItemAdd",
        f"{_ITEM}ItemUpshelf",
        f"{_ITEM}ItemDownshelf",
        f"{_ITEM}ItemDelete",
        f"{_ITEM}ItemUpdate",
        f"{_ITEM}ItemZeroStock",
        f"{_ITEM}ItemSkuZeroStock",
        f"{_ITEM}ItemStockChanged",
        f"{_ITEM}ItemPunishDelete",
        f"{_ITEM}ItemPunishDownshelf",
        f"{_ITEM}ItemPunishCc",
    ),
}
"""What the app is to be subscribed to, in the platform's console; what it lacks is found by polling, later."""
_KIND_OF = {topic: kind for kind, topics in TOPICS.items() for topic in topics}
_ID_IN = {ObjectKind.ORDER: "tid", ObjectKind.AFTER_SALE: "refund_id", ObjectKind.LISTING: "num_iid"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GZIP = b"\x1f\x8b"


class Kind(IntEnum):
    """What a SEND frame is for, in its header `__kind`."""

    PULL = 1
    CONFIRM = 2
    DATA = 3


class TaobaoSession:
    """One app's connection; a new one for every connect. `push_gateway` is scheme://host[:port]."""

    def __init__(self, app_key: str, secret: SecretStr, push_gateway: str, clock: Clock) -> None:
        self._app_key = app_key
        self._secret = secret
        self._gateway = push_gateway.rstrip("/")
        self._clock = clock
        self._token = ""
        self._since = clock.now()
        """When the connection was opened, later when messages were last asked for."""

    def address(self) -> str:
        """The same for every app; the first frame says who connects."""
        return f"{self._gateway}/"

    def on_open(self) -> Sequence[str | bytes]:
        """CONNECT, signed with the present time; the answer is awaited from here."""
        self._since = self._clock.now()
        signed = {
            "app_key": self._app_key,
            "group_name": GROUP,
            "timestamp": str((self._since - _EPOCH) // timedelta(milliseconds=1)),
        }
        told = {
            **signed,
            "sign": signing.sign(signed, self._secret.get_secret_value(), signing.MD5),
            "sdk": SDK,
            "intranet_ip": INTRANET_IP,
        }
        content = tuple(Custom(key, Format.TEXT, value) for key, value in told.items())
        return [encode(Frame(FrameType.CONNECT, flag=1, content=content))]

    def on_frame(self, frame: str | bytes) -> Received:
        """Notices with the confirmations to send once they are durable. Raises Unavailable when the platform refuses
        the connection or a frame of ours (its codes are not documented), Malformed for a frame that is none.
        """
        if isinstance(frame, str):
            raise Malformed("a text where only binary frames are spoken", channel=CHANNEL.code)
        told = decode(frame)
        if told.status:
            raise Unavailable(told.phrase or "refused", channel=CHANNEL.code, operation="tmc", code=str(told.status))
        if told.type == FrameType.CONNECT_ACK:
            if not told.token:
                raise Unavailable("the connection was given no token", channel=CHANNEL.code, operation="tmc")
            self._token = told.token
            return Received(reply=(self._pull(),))
        is_data = told.type == FrameType.SEND and told.get("__kind") == Kind.DATA
        return self._received(told) if is_data else Received()

    def tick(self) -> Sequence[str | bytes]:
        """The request for waiting messages when it is due. Raises Unavailable when CONNECT stays without an answer;
        whether a silent peer is still there is for the WebSocket's own pings to find out.
        """
        waited = self._clock.now() - self._since
        if not self._token and waited >= ACCEPTANCE:
            raise Unavailable("the connection was not accepted in time", channel=CHANNEL.code, operation="tmc")
        return [self._pull()] if self._token and waited >= PULL else []

    def _received(self, told: Frame) -> Received:
        if not self._token:
            raise Malformed("a message before the connection was accepted", channel=CHANNEL.code)
        number = told.get("id")
        message = _Message(
            id=_text(number),
            account=_text(told.get("userid")),
            topic=_text(told.get("topic")),
            content=_plain(told.get("content")),
            published=told.get("time"),
        )
        acks = (self._send(Kind.CONFIRM, Custom("id", Format.INT64, number)),) if isinstance(number, int) else ()
        return Received(notices=(_notice(self._app_key, message),), acks=acks)

    def _pull(self) -> bytes:
        self._since = self._clock.now()
        return self._send(Kind.PULL)

    def _send(self, kind: Kind, *more: Custom) -> bytes:
        content = (Custom("__kind", Format.BYTE, kind), *more)
        return encode(Frame(FrameType.SEND, token=self._token, content=content))


class TaobaoSource:
    """The same messages from the app's queue; needs no shop's token. The queue keeps its own place, so no cursor."""

    every = EVERY_SECONDS

    def __init__(self, access: AppAccess) -> None:
        self._app_key = access.app_key
        self._client = TaobaoClient.of_app(access)

    def poll(self, cursor: str) -> Polled:
        """What the queue holds; messages stay in it until they are confirmed."""
        answer = self._client.call(wire.CONSUME, {"group_name": GROUP, "quantity": QUANTITY})
        messages = [
            _Message(
                id=_text(row.get("id")),
                account=_text(row.get("user_id")),
                topic=_text(row.get("topic")),
                content=_plain(row.get("content")),
                published=row.get("pub_time"),
            )
            for row in answer.messages
        ]
        return Polled(
            notices=tuple(_notice(self._app_key, message) for message in messages),
            cursor=cursor,
            acks=tuple(message.id for message in messages if message.id),
            more=len(messages) >= QUANTITY,
        )

    def confirm(self, acks: Sequence[str]) -> None:
        """In batches. What an error leaves unconfirmed comes again."""
        for start in range(0, len(acks), CONFIRM_BATCH):
            ids = ",".join(acks[start : start + CONFIRM_BATCH])
            self._client.call(wire.CONFIRM, {"group_name": GROUP, "s_message_ids": ids})

    def close(self) -> None:
        """Nothing is held: the transport is shared."""


@dataclass(frozen=True)
class _Message:
    """What the connection and the queue both tell of a message."""

    id: str
    account: str
    topic: str
    content: bytes = field(repr=False)
    published: Value
    """Epoch milliseconds on the connection, wall-clock text in the queue."""


def _notice(app_key: str, message: _Message) -> Notice:
    content = _content(message.content)
    kind = _KIND_OF.get(message.topic, ObjectKind.OTHER)
    named = _text(content.get(_ID_IN[kind])) if kind in _ID_IN else ""
    # That a redelivery keeps its id is inferred; were it not so, it would only be read once more.
    identity = message.id or hashlib.sha256(message.content).hexdigest()
    return Notice(
        channel=CHANNEL.code,
        app_key=app_key,
        account=message.account,
        topic=message.topic,
        kind=kind if named else ObjectKind.OTHER,
        object_id=named,
        dedup_key=f"{message.account}:{message.topic}:{named}:{identity}",
        source_at=_instant(message.published),
        parent_id=_text(content.get("tid")) if named and kind is ObjectKind.AFTER_SALE else "",
        raw=message.content,
    )


def _content(text: bytes) -> dict[str, object]:
    """The inner JSON. One that cannot be read names nothing: refusing it would only bring it back for a day."""
    try:
        content = from_json(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _plain(content: object) -> bytes:
    """The content as JSON text; the connection may send it packed. What cannot be unpacked stays as it came."""
    if isinstance(content, str):
        return content.encode()
    if not isinstance(content, bytes):
        return b""
    if not content.startswith(_GZIP):
        return content
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(content, LARGEST_CONTENT)
    except zlib.error:
        return content


def _text(value: object) -> str:
    """An id or a name as text, whichever way it was written; 0 and what is neither number nor text are none."""
    return str(value) if value and isinstance(value, int | str) and not isinstance(value, bool) else ""


def _instant(value: Value) -> datetime | None:
    if isinstance(value, str):
        return loose_instant(value)
    try:
        return _EPOCH + timedelta(milliseconds=value) if isinstance(value, int) else None
    except OverflowError:
        return None
