"""One signed call to the toy's gateway: request, envelope, what a refusal means. No retries, no mapping."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from connectors.rows import described
from core.channel import Call, Credentials, Gate, Request, Transport
from core.clock import Clock
from core.errors import ChannelError, Garbled, Malformed, OutcomeUnknown, Rejected, Throttled
from tests.contract.toy_channel import CHANNEL, signing, wire
from tests.contract.toy_channel.errors import ERRORS

PREFIX = "/toy/v1/"
W = TypeVar("W", bound=wire.Wire)


class ToyClient:
    """Calls the gateway for one shop. Raises `core.errors` that name the channel, the shop and the method."""

    def __init__(
        self, shop_id: str, credentials: Credentials, transport: Transport, gate: Gate, clock: Clock, gateway: str
    ) -> None:
        self._shop_id = shop_id
        self._credentials = credentials
        self._transport = transport
        self._gate = gate
        self._clock = clock
        self._gateway = gateway.rstrip("/")

    def call(self, shape: type[W], method: str, params: Mapping[str, Any], *, token: bool = True) -> W:
        """What a reading answers."""
        return self._send(shape, self._request(method, params, write=False, token=token))[0]

    def write(self, shape: type[W], method: str, params: Mapping[str, Any]) -> tuple[W, str]:
        """What a writing call answers, and the platform's id of the request."""
        return self._send(shape, self._request(method, params, write=True, token=True))

    def refusal(self, method: str, word: str, text: str, request_id: str) -> ChannelError:
        """The platform's no as an error."""
        error = ERRORS.get(word, Rejected)(text, code=word, request_id=request_id)
        return error.at(channel=CHANNEL.code, shop=self._shop_id, operation=method)

    def _request(self, method: str, params: Mapping[str, Any], *, write: bool, token: bool) -> Request:
        own, path, body = self._credentials, PREFIX + method, to_json(params)
        at = str(int(self._clock.now().timestamp()))
        access = own.access_token.get_secret_value() if token else ""
        headers = {
            "content-type": "application/json",
            "x-toy-app": own.app_key,
            "x-toy-time": at,
            "x-toy-token": access,
            "x-toy-sign": signing.sign(own.app_secret.get_secret_value(), path, at, access, body=body),
        }
        call = Call(CHANNEL.code, own.app_key, self._shop_id, method)
        return Request(call, self._gateway + path, body, headers, write=write)

    def _send(self, shape: type[W], request: Request) -> tuple[W, str]:
        body = self._transport.send(request)
        try:
            envelope = wire.Envelope.model_validate(from_json(body))
            if envelope.ok:
                return shape.model_validate(envelope.data), envelope.request
        except ValidationError as error:
            raise self._unreadable(Malformed, described(error), request) from None
        except ValueError:
            raise self._unreadable(Garbled, "the answer is cut off", request) from None
        refused = self.refusal(request.call.method, envelope.error, envelope.text, envelope.request)
        refused.retry_after = envelope.retry_after
        if isinstance(refused, Throttled):
            self._gate.refused(request.call, refused.retry_after)
        raise refused

    def _unreadable(self, kind: type[ChannelError], text: str, request: Request) -> ChannelError:
        """A write whose answer cannot be read may have happened."""
        error = (OutcomeUnknown if request.write else kind)(text)
        return error.at(channel=CHANNEL.code, shop=self._shop_id, operation=request.call.method)
