"""One call to JD: parameters to signed request, answer to wire model, refusal to a named error. No retries.

The gateway says success nearly always; whether the thing was done stands one or two levels further inside, in a shape
of each API family's own. All of them are read in one place: `verdict`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from pydantic import ValidationError
from pydantic_core import from_json

from connectors.jd import CHANNEL, signing, wire
from connectors.jd.errors import BUSINESS, GATEWAY, OAUTH, QUOTA, UNSURE, WORDS
from connectors.rows import Wire, described
from core.channel import Call, Credentials, Gate, Request, Scope, Transport
from core.clock import SHANGHAI, Clock
from core.errors import (
    ChannelError,
    Garbled,
    Invalid,
    Malformed,
    OutcomeUnknown,
    Reauthorize,
    Rejected,
    Throttled,
    Unavailable,
)

ROUTER = "/routerjson"
REFRESH = "/oauth2/refresh_token"
AUTHORISATION = "https://open-oauth.jd.com"
"""Production's host for tokens; under an overridden gateway tokens are asked for there too."""

W = TypeVar("W", bound=Wire)


class JdClient:
    """Calls the router for one shop. Raises `core.errors` that name the channel, the shop and the method."""

    def __init__(
        self, shop_id: str, credentials: Credentials, transport: Transport, gate: Gate, clock: Clock, gateway: str
    ) -> None:
        self._shop_id = shop_id
        self._credentials = credentials
        self._transport = transport
        self._gate = gate
        self._clock = clock
        self._gateway = gateway.rstrip("/")

    def call(self, method: wire.Method[W], params: Mapping[str, object] | None = None) -> W:
        """The result as its model. A refusal inside a success raises like any other."""
        return self.model(method, self.row(method, params))

    def row(self, method: wire.Method[W], params: Mapping[str, object] | None = None) -> wire.Row:
        """The result object as it came; what says no, or does not say yes, raises."""
        request = Request(
            call=Call(CHANNEL.code, self._credentials.app_key, self._shop_id, method.name),
            url=self._gateway + ROUTER,
            body=self._body(method, params or {}),
            headers={"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
            write=method.write,
        )
        try:
            return _result(method, _opened(request, self._transport.send(request)))
        except ChannelError as error:
            raise self._placed(error, request.call) from None

    def model(self, method: wire.Method[W], row: wire.Row) -> W:
        """The result validated."""
        try:
            return method.answer.model_validate(row)
        except ValidationError as error:
            call = Call(CHANNEL.code, self._credentials.app_key, self._shop_id, method.name)
            raise self._placed(_unreadable(method.write, described(error)), call) from None

    def refreshed(self) -> wire.Token:
        """New tokens. To ask again is harmless: the values may even stay the same."""
        query = {
            "app_key": self._credentials.app_key,
            "app_secret": self._credentials.app_secret.get_secret_value(),
            "grant_type": "refresh_token",
            "refresh_token": self._credentials.refresh_token.get_secret_value(),
        }
        host = AUTHORISATION if self._gateway == CHANNEL.gateway else self._gateway
        call = Call(CHANNEL.code, self._credentials.app_key, self._shop_id, REFRESH)
        request = Request(call=call, url=host + REFRESH, query=query, http_method="GET")
        try:
            return _token(_opened(request, self._transport.send(request)))
        except ChannelError as error:
            raise self._placed(error, call) from None

    def place(self, operation: str) -> dict[str, str]:
        """Where an error of this shop happened."""
        return {"channel": CHANNEL.code, "shop": self._shop_id, "operation": operation}

    def _body(self, method: wire.Method[W], params: Mapping[str, object]) -> bytes:
        sent = {
            "method": method.name,
            "app_key": self._credentials.app_key,
            "access_token": self._credentials.access_token.get_secret_value(),
            "timestamp": self._clock.now().astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S"),
            "v": "2.0",
            "360buy_param_json": signing.text(params),
        }
        # Never an empty parameter: the platform's own clients disagree on how to sign one.
        sent = {name: value for name, value in sent.items() if value}
        sent["sign"] = signing.sign(sent, self._credentials.app_secret.get_secret_value())
        return urlencode(sent).encode()

    def _placed(self, error: ChannelError, call: Call) -> ChannelError:
        if isinstance(error, Throttled) and error.code:  # the channel's own word; our budget's refusal carries none
            whole_app = error.code == QUOTA  # it names no moment, so the budget doubles its own wait while it goes on
            scope = Scope.APP if whole_app else Scope.SHOP
            self._gate.refused(call, error.retry_after, scope, every_method=whole_app)
        return error.at(**self.place(call.method))


@dataclass(frozen=True)
class Verdict:
    """What a result says of itself. `accepted` is None where it says neither yes nor no."""

    accepted: bool | None
    code: str = ""
    text: str = ""


_INNER = ("apiResult", "api_jos_result")
"""Where order and remark APIs keep their verdict."""
_CODES = (
    "numberCode",
    "errorCode",
    "error_code",
    "statusCode",
    "detailCode",
    "resultCode",
    "result_code",
    "rtnCode",
    "code",
)
_JUDGING = frozenset({"statusCode", "detailCode", "resultCode", "result_code", "rtnCode", "code"})
"""Codes that are the verdict where no flag stands beside them: 0 is yes."""
_TEXTS = (
    "chineseErrCode",
    "chinese_err_code",
    "errorMsg",
    "errorMessage",
    "statusMessage",
    "detailMsg",
    "result_describe",
    "resultDescribe",
    "message",
    "msg",
    "englishErrCode",
    "english_err_code",
)


def verdict(result: wire.Row) -> Verdict:
    """Every shape of yes and no that is documented, booleans and numbers in text included."""
    told = next((result[name] for name in _INNER if isinstance(result.get(name), dict)), result)
    codes = {name: _word(told[name]) for name in _CODES if told.get(name) not in (None, "")}
    code = next((word for word in codes.values() if word != "0"), "")
    text = next((_word(told[name]) for name in _TEXTS if told.get(name)), "")
    if told.get("success") is not None:
        return Verdict(_word(told["success"]).lower() == "true", code, text)
    judged = [word == "0" for name, word in codes.items() if name in _JUDGING]
    return Verdict(all(judged) if judged else None, code, text)


def refusal(said: Verdict, *, write: bool) -> ChannelError:
    """The error of a verdict that says no: by its number, else by its words."""
    kind = BUSINESS.get(said.code) or next((each for word, each in WORDS if word in said.text), Rejected)
    if write and kind is Unavailable:  # an error worth a retry does not say that the write failed
        kind = OutcomeUnknown
    return kind(said.text, code=said.code)


def number(text: str) -> int:
    """Ids are numbers in requests. Raises Invalid for what cannot be one."""
    if not (text.isascii() and text.isdigit()):
        raise Invalid("ids of JD are numbers", channel=CHANNEL.code)
    return int(text)


def _opened(request: Request, body: bytes) -> wire.Row:
    try:
        answer = from_json(body)
    except ValueError:
        raise (OutcomeUnknown if request.write else Garbled)("the answer is cut off") from None
    if not isinstance(answer, dict):
        raise _unreadable(request.write, "the answer is not an object")
    if isinstance(told := answer.get("error_response"), dict):
        raise _gateway(told, write=request.write)
    return answer


def _result(method: wire.Method[W], answer: wire.Row) -> wire.Row:
    """The object under the wrapper, whose key ends in a misspelling of "response", and under the API's own key."""
    wrapper = next((answer[key] for key in answer if key.endswith(("_responce", "_response"))), None)
    if not isinstance(wrapper, dict):
        raise _unreadable(method.write, "the answer has no wrapper")
    if _word(wrapper.get("code", "0")) != "0":
        raise _gateway(wrapper, write=method.write)
    content = {key: value for key, value in wrapper.items() if key != "code"}
    result = content.get(method.result, content.get(method.other)) if method.result else content
    # A refusal may leave the result out, or stand in the wrapper itself.
    judged = result if isinstance(result, dict) else content
    said = verdict(judged)
    if said.accepted is False:
        raise refusal(said, write=method.write)
    if not isinstance(result, dict):
        raise _unreadable(method.write, f"the answer has no {method.result}")
    if method.write and said.accepted is None:
        raise _unreadable(True, "the answer says neither yes nor no")
    return result


def _gateway(told: wire.Row, *, write: bool) -> ChannelError:
    code = _word(told.get("code"))
    kind = OutcomeUnknown if write and code in UNSURE else GATEWAY.get(code, Rejected)
    return kind(_word(told.get("zh_desc")) or _word(told.get("en_desc")), code=code)


def _token(answer: wire.Row) -> wire.Token:
    """A refusal's shape is not documented (inferred): a code, and no tokens."""
    code = _word(answer.get("code"))
    if "access_token" not in answer and code not in ("", "0"):
        text = next((_word(answer[name]) for name in ("msg", "error_description", "message") if answer.get(name)), "")
        raise OAUTH.get(code, Reauthorize)(text, code=code)
    try:
        return wire.Token.model_validate(answer)
    except ValidationError as error:
        raise Malformed(described(error)) from None


def _unreadable(write: bool, reason: str) -> ChannelError:
    return OutcomeUnknown(reason) if write else Malformed(reason)


def _word(value: object) -> str:
    return "" if value is None else str(value)
