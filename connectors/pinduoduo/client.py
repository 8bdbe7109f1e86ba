"""One call to Pinduoduo: parameters to signed request, answer to wire model, refusal to a named error. No retries."""

import json
from collections.abc import Mapping
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import from_json

from connectors.pinduoduo import CHANNEL, signing, wire
from connectors.pinduoduo.errors import API_LIMIT, ERRORS, UNSURE
from connectors.pinduoduo.signing import Param
from connectors.rows import Wire, described
from core.channel import Call, Credentials, Gate, Request, Scope, Transport, Window
from core.clock import Clock
from core.errors import ChannelError, Garbled, Malformed, NotFound, OutcomeUnknown, Rejected, Throttled

ROUTER = "/api/router"

PAGE = 100
"""Rows of a page: the most that every list takes."""

THROTTLED_WAIT = 1.0
"""Seconds to keep back after a throttle code (inferred): the wire names no wait; windows renew every 1, 10 or 60 s."""

W = TypeVar("W", bound=Wire)


class PinduoduoClient:
    """Calls the router for one shop. Raises `core.errors` that name the channel, the shop and the method."""

    def __init__(
        self, shop_id: str, credentials: Credentials, transport: Transport, gate: Gate, clock: Clock, gateway: str
    ) -> None:
        self._shop_id = shop_id
        self._credentials = credentials
        self._transport = transport
        self._gate = gate
        self._clock = clock
        self._url = gateway.rstrip("/") + ROUTER

    def call(self, method: wire.Method[W], params: Mapping[str, Param | None] | None = None) -> W:
        """The answer as its model. A write that is refused softly, inside a success, raises like any other refusal."""
        return self.model(method, self.row(method, params))

    def row(self, method: wire.Method[W], params: Mapping[str, Param | None] | None = None) -> wire.Row:
        """The object under the answer's root, as it came."""
        call = Call(CHANNEL.code, self._credentials.app_key, self._shop_id, method.name)
        request = Request(
            call=call,
            url=self._url,
            body=self._body(method, params or {}),
            headers={"content-type": "application/json; charset=utf-8"},
            write=method.write,
        )
        try:
            return _opened(method, self._transport.send(request))
        except Throttled as error:
            if error.code:  # the channel's own word; our budget's refusal carries none
                self._gate.refused(call, error.retry_after, _scope(error, method.name))
            raise self._placed(error, method) from None
        except ChannelError as error:
            raise self._placed(error, method) from None

    def one(self, method: wire.Method[W], params: Mapping[str, Param | None]) -> wire.Row:
        """A thing read by its id, without the answer's own id, which differs with every reading. Where only a sentence
        says no, the thing is taken for missing (inferred): raises NotFound.
        """
        try:
            row = self.row(method, params)
        except Rejected as error:
            raise (error.renamed(NotFound) if type(error) is Rejected else error) from None
        return {name: value for name, value in row.items() if name != "request_id"}

    def model(self, method: wire.Method[W], row: wire.Row) -> W:
        """The row validated; a success that says no, or does not say yes, raises."""
        try:
            answer = method.answer.model_validate(row)
        except ValidationError as error:
            raise self._placed(_unreadable(method, described(error)), method) from None
        if isinstance(answer, wire.Ack) and not answer.accepted():
            raise self._placed(_refused(method, answer), method)
        return answer

    def _body(self, method: wire.Method[W], params: Mapping[str, Param | None]) -> bytes:
        sent = {
            "type": method.name,
            "client_id": self._credentials.app_key,
            "timestamp": str(int(self._clock.now().timestamp())),
            "data_type": "JSON",
            "version": "V1",
        }
        if method.token:
            sent["access_token"] = self._credentials.access_token.get_secret_value()
        # Never an empty value: the platform's own clients disagree on how to sign one.
        sent |= {name: signing.text(value) for name, value in params.items() if value is not None and value != ""}
        sent["sign"] = signing.sign(sent, self._credentials.app_secret.get_secret_value())
        return json.dumps(sent, ensure_ascii=False).encode()

    def _placed(self, error: ChannelError, method: wire.Method[W]) -> ChannelError:
        return error.at(channel=CHANNEL.code, shop=self._shop_id, operation=method.name)


def changed_in(window: Window) -> dict[str, Param]:
    """The range of both lists of changes: whole seconds, both rounded down, so that 30 minutes stay 30 minutes."""
    return {
        "start_updated_at": int(window.since.timestamp()),
        "end_updated_at": int(window.until.timestamp()),
    }


def _opened(method: wire.Method[W], body: bytes) -> wire.Row:
    try:
        answer = from_json(body)
    except ValueError:
        raise (OutcomeUnknown if method.write else Garbled)("the answer is cut off") from None
    if not isinstance(answer, dict):
        raise _unreadable(method, "the answer is not an object")
    if "error_response" in answer:
        raise _error(method, answer["error_response"])
    root = answer.get(method.root) if method.root else answer
    if not isinstance(root, dict):
        raise _unreadable(method, f"the answer has no {method.root}")
    if "request_id" in answer and "request_id" not in root:
        root["request_id"] = answer["request_id"]
    return root


def _error(method: wire.Method[W], told: object) -> ChannelError:
    fields = told if isinstance(told, dict) else {}
    code, sub_code = _word(fields.get("error_code")), _word(fields.get("sub_code"))
    kind = ERRORS.get((code, sub_code)) or ERRORS.get((code, ""), Rejected)
    if method.write and code in UNSURE:
        kind = OutcomeUnknown
    return kind(
        _word(fields.get("sub_msg")) or _word(fields.get("error_msg")),
        code=code,
        sub_code=sub_code,
        request_id=_word(fields.get("request_id")),
        retry_after=THROTTLED_WAIT if kind is Throttled else None,
    )


def _scope(error: Throttled, method: str) -> Scope:
    """Whose calls were too many (inferred: no code says so): all callers' for 52101, else whoever is limited there."""
    limited = {limit.scope for limit in CHANNEL.limits if limit.method == method}
    return Scope.APP if error.code == API_LIMIT or limited == {Scope.APP} else Scope.SHOP


def _refused(method: wire.Method[W], ack: wire.Ack) -> ChannelError:
    if not ack.flags:
        return _unreadable(method, "the answer says neither yes nor no")
    fields = {"error_code": ack.error_code, "error_msg": ack.reason(), "request_id": ack.request_id}
    return _error(method, fields)


def _unreadable(method: wire.Method[W], reason: str) -> ChannelError:
    return OutcomeUnknown(reason) if method.write else Malformed(reason)


def _word(value: object) -> str:
    return "" if value is None else str(value)
