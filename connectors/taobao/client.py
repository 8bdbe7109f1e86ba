"""One call to Taobao: parameters to signed request, answer to wire model, refusal to a named error; and the walk over
a list of changes. No retries.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from math import ceil
from typing import Self, TypeVar
from urllib.parse import urlencode

from pydantic import SecretStr, ValidationError
from pydantic_core import from_json

from connectors.rows import Wire, described, named, page, text_of
from connectors.taobao import CHANNEL, errors, signing, wire
from connectors.taobao.mapping.values import loose_instant
from connectors.taobao.signing import Param
from core.channel import Call, Credentials, Fetched, Gate, Page, Request, Scope, Transport, Window
from core.clock import SHANGHAI, Clock
from core.errors import ChannelError, Garbled, Malformed, NotFound, OutcomeUnknown, Rejected, Throttled, Unavailable
from core.notices import AppAccess

ROUTER = "/router/rest"
CONTENT_TYPE = "application/x-www-form-urlencoded;charset=utf-8"
NO_SESSION = SecretStr("")

PAGE = 50
"""Rows of a page of changes: 100 at most, 40 to 50 advised."""

THROTTLED_WAIT = 1.0
"""Seconds to keep back after a refusal that names no time: the usual ban of one method (1–2 s seen)."""

_BAN = re.compile(r"ban will last for (\d+) more second", re.IGNORECASE)
_LOGISTICS = re.compile(r"is[vp]\.logistics-([a-z-]+?)(?:-service)?-error:([A-Z]+\d*)")

T = TypeVar("T")
W = TypeVar("W", bound=Wire)
L = TypeVar("L", bound=wire.Rows)


class TaobaoClient:
    """Calls the router for one shop, or for an app alone. Raises `core.errors` that name channel, shop and method."""

    def __init__(
        self,
        shop_id: str,
        credentials: Credentials,
        transport: Transport,
        gate: Gate,
        clock: Clock,
        gateway: str,
        sign_method: str = signing.HMAC_SHA256,
    ) -> None:
        self._shop_id = shop_id
        self._credentials = credentials
        self._transport = transport
        self._gate = gate
        self._clock = clock
        self._url = gateway.rstrip("/") + ROUTER
        self._sign_method = sign_method

    @classmethod
    def of_app(cls, access: AppAccess) -> Self:
        """Without a shop: for methods that need no session."""
        app = Credentials(access.app_key, access.app_secret, NO_SESSION, NO_SESSION)
        return cls("", app, access.transport, access.gate, access.clock, access.gateway)

    def call(self, method: wire.Method[W], params: Mapping[str, Param | None] | None = None) -> W:
        """The answer as its model."""
        return self.model(method, self.row(method, params))

    def row(self, method: wire.Method[W], params: Mapping[str, Param | None] | None = None) -> wire.Row:
        """The object under the answer's root, as it came."""
        call = Call(CHANNEL.code, self._credentials.app_key, self._shop_id, method.name)
        request = Request(
            call=call,
            url=self._url,
            body=self._body(method, params or {}),
            headers={"content-type": CONTENT_TYPE},
            write=method.write,
        )
        try:
            return _opened(method, self._transport.send(request))
        except Throttled as error:
            if error.code:  # the channel's own word; our budget's refusal carries none
                scope, every_method = errors.REACH.get(error.sub_code, (Scope.SHOP, False))
                self._gate.refused(call, error.retry_after, scope, every_method=every_method)
            raise self._placed(error, method) from None
        except ChannelError as error:
            raise self._placed(error, method) from None

    def model(self, method: wire.Method[W], row: wire.Row) -> W:
        """The row validated; a success that says no raises."""
        try:
            answer = method.answer.model_validate(row)
        except ValidationError as error:
            raise self._placed(_unreadable(method, described(error)), method) from None
        if isinstance(answer, wire.Ack) and not answer.accepted():
            raise self._placed(_declined(method, answer), method)
        return answer

    def changes(self, method: wire.Method[L], asked: Mapping[str, Param]) -> Iterator[tuple[list[wire.Row], int]]:
        """Pages of a list of changes with how many the range holds, from the last page to the first: the newest come
        first, and a row that changes leaves the range. Counting costs the platform far more than a page does, so only
        the first look counts, and a last one that tells whether rows came in meanwhile.
        """

        def ask(number: int, *, counted: bool) -> wire.Rows:
            return self.call(method, {**asked, "page_no": number, "page_size": PAGE, "use_has_next": not counted})

        first = ask(1, counted=True)
        total = self._counted(method, first)
        if total <= PAGE:
            yield first.rows, total
            return
        for number in range(ceil(total / PAGE), 1, -1):
            yield ask(number, counted=False).rows, total
        rows = ask(1, counted=False).rows
        yield rows, self._counted(method, ask(1, counted=True))

    def _counted(self, method: wire.Method[L], page: wire.Rows) -> int:
        if page.total_results is None:
            raise self._placed(Malformed("the list was not counted"), method)
        return page.total_results

    def _body(self, method: wire.Method[W], params: Mapping[str, Param | None]) -> bytes:
        sent = {
            "method": method.name,
            "app_key": self._credentials.app_key,
            "timestamp": wall(self._clock.now()),
            "format": "json",
            "v": "2.0",
            "sign_method": self._sign_method,
        }
        if method.session:
            sent["session"] = self._credentials.access_token.get_secret_value()
        # Never an empty value: the platform's own clients disagree on how to sign one.
        sent |= {name: signing.text(value) for name, value in params.items() if value is not None and value != ""}
        sent["sign"] = signing.sign(sent, self._credentials.app_secret.get_secret_value(), self._sign_method)
        return urlencode(sent).encode()

    def _placed(self, error: ChannelError, method: wire.Method[W]) -> ChannelError:
        return error.at(channel=CHANNEL.code, shop=self._shop_id, operation=method.name)


def changed_in(window: Window) -> dict[str, Param]:
    """The range of both lists: whole seconds of the wall clock, both rounded down, so that half an hour stays one."""
    return {"start_modified": wall(window.since), "end_modified": wall(window.until)}


def read_whole(
    rows: Iterable[wire.Row],
    field: str,
    read: Callable[[str], Fetched[T]],
    known: Callable[[Mapping[str, datetime]], set[str]],
    expected: int,
) -> Page[T]:
    """What a page of a list names, each read by a call of its own but for those that are known."""
    rows = list(rows)
    shown = {text_of(row, field): loose_instant(text_of(row, "modified")) for row in rows}
    left_out = known({name: at for name, at in shown.items() if name and at})
    unread = [row for row in rows if text_of(row, field) not in left_out]
    found = page(unread, lambda row: _detail(row, field, read), named(field), expected)
    return replace(found, known=tuple(left_out))


def _detail(row: wire.Row, field: str, read: Callable[[str], Fetched[T]]) -> Fetched[T]:
    """Raises Malformed where it names nothing, or something that the detail does not know."""
    if not (name := text_of(row, field)):
        raise Malformed(f"{field}: missing", channel=CHANNEL.code)
    try:
        return read(name)
    except NotFound:
        raise Malformed("the list names it, the detail does not know it", channel=CHANNEL.code) from None


def classify(code: str, sub_code: str, sub_msg: str, *, write: bool) -> type[ChannelError]:
    """What an error means. A platform fault proves nothing about a write: that one is unknown."""
    kind = _kind(code, sub_code, sub_msg)
    if write and kind is Unavailable and sub_code not in errors.NOT_DONE and not sub_code.endswith(errors.REJECTION):
        return OutcomeUnknown
    return kind


def _kind(code: str, sub_code: str, sub_msg: str) -> type[ChannelError]:
    if _BAN.search(sub_msg):
        return Throttled
    name = sub_code.removesuffix("-tmall")
    if kind := errors.SUB_CODES.get(name) or _logistics_kind(name):
        return kind
    if any(word in sub_msg for word in errors.BUSY) or name.endswith(errors.REJECTION):
        return Unavailable
    if kind := errors.SUB_CODES.get(name.partition(":")[0]):
        return kind
    for prefix, kind in errors.PREFIXES:
        if name.startswith(prefix):
            return kind
    return errors.CODES.get(code, Rejected)


def _logistics_kind(name: str) -> type[ChannelError] | None:
    found = _LOGISTICS.match(name)
    if found is None:
        return errors.LOGISTICS.get(name.rpartition(":")[2]) if name.startswith("isv.invalid-parameter:") else None
    family, word = found.groups()
    return errors.LOGISTICS_FAMILY.get((family, word)) or errors.LOGISTICS.get(word)


def wall(at: datetime) -> str:
    """An instant as the platform writes it: Shanghai's wall clock, to the second."""
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def _opened(method: wire.Method[W], body: bytes) -> wire.Row:
    try:
        answer = from_json(body)
    except ValueError:
        raise (OutcomeUnknown if method.write else Garbled)("the answer is cut off") from None
    if not isinstance(answer, dict):
        raise _unreadable(method, "the answer is not an object")
    if "error_response" in answer:
        raise _error(method, answer["error_response"])
    root = answer.get(method.root)
    if isinstance(root, dict):
        return root
    if "request_id" in answer and not any(name.endswith("_response") for name in answer):
        return answer  # simplified: nothing around the fields
    raise _unreadable(method, f"the answer has no {method.root}")


def _error(method: wire.Method[W], told: object) -> ChannelError:
    fields = told if isinstance(told, dict) else {}
    code, sub_code = _word(fields.get("code")), _word(fields.get("sub_code"))
    message = _word(fields.get("sub_msg")) or _word(fields.get("msg"))
    kind = classify(code, sub_code, message, write=method.write)
    retry_after = None
    if kind is Throttled:
        ban = _BAN.search(message)
        retry_after = float(ban[1]) if ban else THROTTLED_WAIT
    return kind(
        message,
        code=code,
        sub_code=sub_code,
        request_id=_word(fields.get("request_id")),
        retry_after=retry_after,
    )


def _declined(method: wire.Method[W], ack: wire.Ack) -> ChannelError:
    if ack.said_yes is None:
        return _unreadable(method, "the answer says neither yes nor no")
    return Rejected("the platform declined without a reason", request_id=ack.request_id)


def _unreadable(method: wire.Method[W], reason: str) -> ChannelError:
    return OutcomeUnknown(reason) if method.write else Malformed(reason)


def _word(value: object) -> str:
    return "" if value is None else str(value)
