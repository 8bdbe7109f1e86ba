"""Pushes of the Douyin platform: a batch of messages per request. They name things and are never believed."""

import hashlib
from collections.abc import Mapping

from pydantic import SecretStr, ValidationError
from pydantic_core import from_json, to_json

from connectors.douyin.mapping import instant_of, order_id_of
from connectors.douyin.signing import verify_push
from connectors.douyin.wire import Json, PushMessage
from core.channel import ObjectKind
from core.errors import BadSignature, Malformed
from core.notices import Ack, Inbound, Notice

ACK = Ack(200, b'{"code":0,"msg":"success"}')
NACK = Ack(200, b'{"code":1,"msg":"fail"}')
"""Any code but 0 makes the platform deliver the whole batch again."""

VERIFICATION_TAG = "0"
"""Sent when the callback URL is saved in the console; wants nothing but the acknowledgement."""
ORDER_TAGS = frozenset({*map(str, range(100, 114)), "126"})
ADDRESS_WANTED_TAG = "111"
"""The buyer asks for another address. No order shows it, and no tag tells that the wish was withdrawn or refused; one
that was granted shows as a changed address (105).
"""
AFTER_SALE_TAGS = frozenset({*map(str, range(200, 219)), "224", "225", "226", "227"})
LISTING_TAGS = frozenset({"400", "417"})

TIMES = (
    "update_time", "modify_time", "create_time", "pay_time", "cancel_time", "complete_time", "apply_time", "agree_time",
    "refuse_time", "return_time", "success_time", "close_time",
)  # fmt: skip
"""Where a message may say when it happened; seconds, or RFC 3339 in the update_time of after-sales."""


class DouyinReader:
    """Reads the pushes of all apps. The console decides between HMAC and md5; `allow_md5` says if the latter counts."""

    nack = NACK

    def __init__(self, secrets: Mapping[str, SecretStr], *, allow_md5: bool = True) -> None:
        self._secrets = secrets
        self._allow_md5 = allow_md5

    def read(self, headers: Mapping[str, str], body: bytes) -> Inbound:
        """Raises BadSignature before anything of the body is looked at, Malformed when it is no array."""
        app_key = headers.get("app-id", "")
        secret = self._secrets.get(app_key)
        if secret is None:
            raise BadSignature("a push for an unknown app")
        signature = headers.get("event-sign", "")
        if not verify_push(app_key, secret.get_secret_value(), body, signature, allow_md5=self._allow_md5):
            raise BadSignature("the push is not signed with the app's secret")
        try:
            messages = from_json(body)
        except ValueError:
            raise Malformed("the push is not JSON", channel="douyin") from None
        if not isinstance(messages, list):
            raise Malformed("the push is not an array", channel="douyin")
        notices = (_notice(app_key, message) for message in messages)
        return Inbound(tuple(notice for notice in notices if notice.topic != VERIFICATION_TAG), ACK, NACK)


def _notice(app_key: str, message: object) -> Notice:
    """One message. One that cannot be read is of no use but must not make the platform repeat its batch for ever."""
    raw = to_json(message)
    try:
        told = PushMessage.model_validate(message)
    except ValidationError:
        told = PushMessage(tag="?")
    data = _data(told.data)
    kind, object_id = _subject(told.tag, data)
    msg_id = told.msg_id or told.msgId
    return Notice(
        channel="douyin",
        app_key=app_key,
        account=_text(data, "shop_id"),
        topic=told.tag,
        kind=kind,
        object_id=object_id,
        dedup_key=f"{msg_id}:{told.tag}" if msg_id else hashlib.sha256(raw).hexdigest(),
        source_at=next((at for name in TIMES if (at := instant_of(data.get(name)))), None),
        parent_id=order_id_of(_text(data, "p_id")) if kind is ObjectKind.AFTER_SALE else "",
        asks="address" if told.tag == ADDRESS_WANTED_TAG and object_id else "",
        raw=raw,
    )


def _data(value: object) -> Json:
    """`data` is JSON inside a string; some samples show the object itself."""
    if isinstance(value, str):
        try:
            value = from_json(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def _subject(tag: str, data: Json) -> tuple[ObjectKind, str]:
    if tag in ORDER_TAGS:
        kind, object_id = ObjectKind.ORDER, order_id_of(_text(data, "p_id"))
    elif tag in AFTER_SALE_TAGS:
        kind, object_id = ObjectKind.AFTER_SALE, _text(data, "aftersale_id") or _text(data, "after_sale_id")
    elif tag in LISTING_TAGS:
        kind, object_id = ObjectKind.LISTING, _text(data, "product_id")
    else:
        return ObjectKind.OTHER, ""
    return (kind, object_id) if object_id else (ObjectKind.OTHER, "")


def _text(data: Json, name: str) -> str:
    value = data.get(name)
    return str(value) if isinstance(value, str | int) else ""
