"""The toy's pushes into notices."""

from collections.abc import Mapping

from pydantic import SecretStr, ValidationError
from pydantic_core import from_json, to_json

from core.channel import ObjectKind
from core.errors import BadSignature, Malformed
from core.notices import Ack, Inbound, Notice
from tests.contract.toy_channel import CHANNEL, mapping, signing, wire

ACK = Ack(200, b'{"ok":true}')
NACK = Ack(503, b'{"ok":false}')
KINDS = {"order.changed": ObjectKind.ORDER, "item.changed": ObjectKind.LISTING}


class ToyReader:
    """Reads the pushes of all apps."""

    nack = NACK

    def __init__(self, secrets: Mapping[str, SecretStr]) -> None:
        self._secrets = secrets

    def read(self, headers: Mapping[str, str], body: bytes) -> Inbound:
        """Raises BadSignature before anything of the body is looked at."""
        app, at = headers.get("x-toy-app", ""), headers.get("x-toy-time", "")
        secret = self._secrets.get(app)
        if secret is None:
            raise BadSignature("a push for an unknown app")
        if not signing.verify(secret.get_secret_value(), at, body=body, signature=headers.get("x-toy-sign", "")):
            raise BadSignature("the push is not signed with the app's secret")
        try:
            told = from_json(body)["messages"]
            messages = [(wire.Message.model_validate(message), to_json(message)) for message in told]
        except (ValidationError, ValueError, KeyError, TypeError):
            raise Malformed("the push is not the documented shape", channel=CHANNEL.code) from None
        return Inbound(tuple(_notice(app, message, raw) for message, raw in messages), ACK, NACK)


def _notice(app: str, message: wire.Message, raw: bytes) -> Notice:
    return Notice(
        channel=CHANNEL.code,
        app_key=app,
        account=message.shop,
        topic=message.topic,
        kind=KINDS.get(message.topic, ObjectKind.OTHER),
        object_id=message.object,
        dedup_key=message.id,
        source_at=mapping.instant(message.at),
        raw=raw,
    )
