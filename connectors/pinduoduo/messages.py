"""Pinduoduo's message connection without I/O: its address, heartbeats, pushes into notices, acknowledgements.

One connection serves every shop of the app. Delivery is at least once and in no order; what is not acknowledged comes
again. A push carries no signature of its own: the connection's digest is the proof.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog
from pydantic import SecretStr
from pydantic_core import from_json

from connectors.pinduoduo import CHANNEL, mapping, signing, wire
from core.channel import ObjectKind
from core.clock import Clock
from core.errors import Malformed, Unavailable
from core.notices import Notice, Received

log = structlog.get_logger("qudao.pinduoduo.messages")

HEARTBEAT = timedelta(seconds=5)
"""As the official client's code does; its guide says 10 s."""

SILENCE = timedelta(minutes=3)
"""After so long without any frame the server is taken for gone."""

TOPICS = {
    ObjectKind.ORDER: (
        "pdd_trade_TradeConfirmed",
        "pdd_trade_TradeSellerShip",
        "pdd_trade_TradeSuccess",
        "pdd_trade_TradeLogisticsAddressChanged",
        "pdd_trade_TradeRiskChanged",
        "pdd_trade_TradeMemoModified",
        "pdd_trade_BuyerMemoModified",
    ),
    ObjectKind.AFTER_SALE: (
        "pdd_refund_RefundCreated",
        "pdd_refund_RefundAgreeAgreement",
        "pdd_refund_RefundBuyerModifyAgreement",
        "pdd_refund_RefundBuyerReturnGoods",
        "pdd_refund_RefundClosed",
        "pdd_refund_RefundCreateMessage",
    ),
    ObjectKind.LISTING: (
        "pdd_goods_GoodsAdd",
        "pdd_goods_GoodsUpdate",
        "pdd_goods_GoodsOnShelf",
        "pdd_goods_GoodsOffShelf",
        "pdd_goods_GoodsDelete",
        "pdd_goods_GoodsCheckReject",
    ),
}
_KIND_OF = {topic: kind for kind, topics in TOPICS.items() for topic in topics}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PinduoduoSession:
    """One app's connection; a new one for every connect. `push_gateway` is scheme://host[:port]."""

    def __init__(self, app_key: str, secret: SecretStr, push_gateway: str, clock: Clock) -> None:
        self._app_key = app_key
        self._secret = secret
        self._gateway = push_gateway.rstrip("/")
        self._clock = clock
        self._heard = clock.now()
        self._beat: datetime | None = None

    def address(self) -> str:
        """The URL to connect to now. The last `=` of its digest is sent as it is."""
        now = self._milliseconds()
        return f"{self._gateway}/message/{self._app_key}/{now}/{self._digest(now)}"

    def on_open(self) -> Sequence[str | bytes]:
        """A first heartbeat; silence counts from here."""
        self._heard = self._clock.now()
        return [self._heartbeat()]

    def on_frame(self, frame: str | bytes) -> Received:
        """Notices with the acknowledgements to send once they are durable. Raises Malformed for what is not a frame."""
        self._heard = self._clock.now()
        try:
            told = wire.Frame.model_validate(from_json(frame))
        except ValueError:
            raise Malformed("a frame that is none", channel=CHANNEL.code) from None
        if told.commandType == "Fail":
            # The server's complaint about something we sent; what it refused comes again by itself.
            log.warning("push connection complains", app_key=self._app_key, id=told.id)
        if told.commandType != "Common":
            return Received()
        if not isinstance(told.message, wire.PushMessage):
            raise Malformed("a push without a message", channel=CHANNEL.code)
        body = frame if isinstance(frame, bytes) else frame.encode()
        return Received(notices=(self._notice(told, told.message, body),), acks=(self._ack(told, told.message),))

    def tick(self) -> Sequence[str | bytes]:
        """The heartbeat when it is due. Raises Unavailable after three minutes of silence."""
        now = self._clock.now()
        if now - self._heard >= SILENCE:
            raise Unavailable("the message connection has been silent for too long", channel=CHANNEL.code)
        return [self._heartbeat()] if self._beat is None or now - self._beat >= HEARTBEAT else []

    def _notice(self, told: wire.Frame, message: wire.PushMessage, body: bytes) -> Notice:
        content = _content(message)
        kind = _KIND_OF.get(message.type, ObjectKind.OTHER)
        named = {
            ObjectKind.ORDER: content.tid,
            ObjectKind.AFTER_SALE: content.refund_id,
            ObjectKind.LISTING: content.goods_id,
        }.get(kind)
        changed = content.modified or content.update_time or content.onshelf_time
        return Notice(
            channel=CHANNEL.code,
            app_key=self._app_key,
            account=message.mallID,
            topic=message.type,
            kind=kind if named else ObjectKind.OTHER,
            object_id=named or "",
            # A redelivery may carry another frame id, so only what the message says counts.
            dedup_key=":".join((message.mallID, message.type, named or message.content, str(changed or ""))),
            source_at=mapping.instant(changed or told.time),
            parent_id=content.tid or "" if kind is ObjectKind.AFTER_SALE else "",
            raw=body,
        )

    def _ack(self, told: wire.Frame, message: wire.PushMessage) -> str:
        mall = message.mallID
        return json.dumps(
            {
                "id": told.id,
                "commandType": "Ack",
                "time": self._milliseconds(),
                "sendTime": told.sendTime,
                "type": message.type,
                "mallID": int(mall) if mall.isdigit() else mall,
            },
            separators=(",", ":"),
        )

    def _heartbeat(self) -> str:
        self._beat = self._clock.now()
        now = self._milliseconds()
        return json.dumps({"id": now, "commandType": "HeartBeat", "time": now}, separators=(",", ":"))

    def _digest(self, milliseconds: int) -> str:
        return signing.digest(self._app_key, self._secret.get_secret_value(), milliseconds)

    def _milliseconds(self) -> int:
        return (self._clock.now() - _EPOCH) // timedelta(milliseconds=1)


def _content(message: wire.PushMessage) -> wire.PushContent:
    """The inner JSON. One that cannot be read names nothing: refusing it would only bring it back for seven days."""
    try:
        return wire.PushContent.model_validate(from_json(message.content))
    except ValueError:
        return wire.PushContent()
