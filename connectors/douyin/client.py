"""One signed call to the Douyin gateway: request, envelope, what a refusal means; and the complete walk over a list of
changes. Mapping lives elsewhere."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from connectors.douyin import errors, signing
from connectors.douyin.wire import Envelope, Verbatim
from connectors.rows import text_of
from core.channel import Call, Credentials, Gate, Request, Transport, Window
from core.clock import Clock
from core.errors import ChannelError, Garbled, Malformed, OutcomeUnknown, Rejected, Throttled

M = TypeVar("M", bound=BaseModel)

HEADERS = {"Content-Type": "application/json; charset=utf-8", "from": "sdk", "x-open-no-old-err-code": "1"}
"""The last one drops the legacy err_no/message pair from answers; both forms are read."""
RISK_PAUSE = 3600.0
"""Seconds to stay away after risk control (80000). Inferred: the documentation only says to back off long."""


@dataclass(frozen=True)
class Answer(Generic[M]):
    """The typed `data` of an accepted call and the platform's id of the request, which its support asks for."""

    data: M
    log_id: str


class DouyinClient:
    """Signs and sends the calls of one shop."""

    def __init__(
        self, shop_id: str, credentials: Credentials, transport: Transport, gate: Gate, clock: Clock, gateway: str
    ) -> None:
        self._shop_id = shop_id
        self._credentials = credentials
        self._transport = transport
        self._gate = gate
        self._clock = clock
        self._gateway = gateway.rstrip("/")

    def call(
        self,
        method: str,
        params: Mapping[str, Any],
        shape: type[M],
        *,
        write: bool = False,
        token: bool = True,
        partly: frozenset[str] = frozenset(),
    ) -> Answer[M]:
        """Calls `method`; `token` is False only for the token calls themselves. `partly` are the business numbers under
        which the answer's items, where it has some, each tell what became of them. Raises what the answer means.
        """
        request = self._request(method, params, write=write, token=token)
        body = self._sent(request)
        try:
            envelope = Envelope.model_validate(from_json(body))
            if envelope.accepted or (envelope.data and envelope.sub_code.partition(":")[2] in partly):
                data = {} if envelope.data is None else envelope.data
                return Answer(shape.model_validate(data), envelope.log_id)
        except ValueError as error:
            raise self._unreadable(request, error) from None
        raise self._refusal(request, envelope)

    def _sent(self, request: Request) -> bytes:
        try:
            return self._transport.send(request)
        except Throttled as error:
            if error.code:  # the gateway's own word (HTTP 429); our budget's refusal carries none
                self._gate.refused(request.call, error.retry_after)
            raise

    def write(self, method: str, params: Mapping[str, Any]) -> str:
        """A writing call whose answer says yes and no more; answers the platform's id of the request."""
        return self.call(method, params, Verbatim, write=True).log_id

    def place(self, operation: str) -> dict[str, str]:
        """Where an error of this shop happened."""
        return {"channel": "douyin", "shop": self._shop_id, "operation": operation}

    def _request(self, method: str, params: Mapping[str, Any], *, write: bool, token: bool) -> Request:
        body = signing.canonical(params)
        timestamp = str(int(self._clock.now().timestamp()))
        key = self._credentials.app_key
        secret = self._credentials.app_secret.get_secret_value()
        query = {
            "app_key": key,
            "method": method,
            "timestamp": timestamp,
            "v": "2",
            "sign_method": signing.HMAC,
            "sign": signing.sign(key, secret, method, timestamp, body),
        }
        if token:
            query["access_token"] = self._credentials.access_token.get_secret_value()
        return Request(
            call=Call("douyin", key, self._shop_id, method),
            url=f"{self._gateway}/{method.replace('.', '/')}",
            body=body.encode(),
            headers=HEADERS,
            query=query,
            write=write,
        )

    def _unreadable(self, request: Request, error: ValueError) -> ChannelError:
        """Says where the answer departs from its documented shape, never what stood there."""
        where = ""
        if isinstance(error, ValidationError):
            where = ": " + ", ".join(".".join(map(str, detail["loc"])) for detail in error.errors()[:3])
        unreadable = Malformed if isinstance(error, ValidationError) else Garbled
        kind = OutcomeUnknown if request.write else unreadable
        return self._placed(kind(f"the answer is not the documented shape{where}"), request)

    def _refusal(self, request: Request, envelope: Envelope) -> ChannelError:
        text = envelope.sub_msg or envelope.msg or envelope.message
        kind = classify(request.call.method, envelope.code, envelope.sub_code, text, err_no=envelope.err_no)
        if request.write and envelope.code in errors.UNCERTAIN_WRITES:
            kind = errors.UNCERTAIN_WRITES[envelope.code]
        retry_after = RISK_PAUSE if envelope.code == "80000" else None
        if kind is Throttled:
            self._gate.refused(request.call, retry_after)
        return self._placed(
            kind(
                text,
                code=envelope.code or envelope.err_no,
                sub_code=envelope.sub_code,
                request_id=envelope.log_id,
                retry_after=retry_after,
            ),
            request,
        )

    def _placed(self, error: ChannelError, request: Request) -> ChannelError:
        return error.at(**self.place(request.call.method))


PAGE = 100
"""The longest page of every list."""


class Slice(Protocol):
    """One page of a list of changes; `total` counts the asked range."""

    @property
    def total(self) -> int: ...

    @property
    def rows(self) -> list[Any]: ...


def seconds(window: Window) -> tuple[int, int]:
    """The whole seconds that hold the window."""
    return int(window.since.timestamp()), ceil(window.until.timestamp())


def walk(
    since: int, until: int, ask: Callable[[int, int, int], Slice], key: Callable[[object], tuple[str, int]]
) -> Iterator[tuple[list[Any], int]]:
    """Every row changed in [since, until] (Unix seconds), page by page, each with how many ids the whole range holds.

    `ask(since, until, page)` must sort by update time, oldest first; `key` names a row's id and update time. A row that
    changes meanwhile leaves its place and moves later ones up, so pages are not counted through: each one starts anew
    from the newest time seen, one second back. Pages are counted only within two seconds that hold more than one page,
    and from 0 again when the total shrank. So no request nears the platform's limit of 50,000 rows.
    """
    page, told = 0, 0
    settled: set[str] = set()
    here: dict[str, int] = {}
    while True:
        answer = ask(since, until, page)
        if page and answer.total < told:
            page = 0
            continue
        told = answer.total
        keys = [key(row) for row in answer.rows]
        times = [at for _, at in keys if at]
        if times != sorted(times):
            raise Malformed("the list is not sorted by update time", channel="douyin")
        here.update(keys)
        settled.difference_update(here)
        yield answer.rows, len(settled) + answer.total
        if not keys or (page + 1) * PAGE >= answer.total:
            return
        page += 1
        if times and times[-1] - 1 > since:
            since, page = times[-1] - 1, 0
            settled.update(name for name, at in here.items() if at < since)
            here = {}


def updated_at(row: object) -> int:
    """A raw row's time of change in Unix seconds; 0 where it tells none."""
    text = text_of(row, "update_time")
    return int(text) if text.isdigit() else 0


def classify(method: str, code: str, sub_code: str, text: str, *, err_no: str = "") -> errors.ErrorClass:
    """The error class of a refusal: whole sub_code, then its number within the API, then the main code; at last, for
    business failures that no table knows, the wording (inferred)."""
    if not code:
        return errors.LEGACY.get(err_no, Rejected)
    number = sub_code.partition(":")[2]
    tables = _SERVICE if code == "20000" else _NUMBERS
    known = _WHOLE.get(sub_code) or _THROTTLED.get(number) or tables.get((method, number))
    if known:
        return known
    kind = errors.CODES.get(code, Rejected)
    if issubclass(kind, Rejected):
        kind = next((passing for word, passing in errors.WORDS if word in text), kind)
    return kind


def classify_item(method: str, number: int, text: str) -> errors.ErrorClass:
    """The error class of one item's status inside an accepted batch; its numbers are those of the API."""
    return classify(method, "50002", f"isv.business-failed:{number}", text)


def _by_number(tables: Mapping[str, errors.Table]) -> dict[tuple[str, str], errors.ErrorClass]:
    return {
        (method, number): kind
        for method, table in tables.items()
        for kind, numbers in table.items()
        for number in numbers.split()
    }


_WHOLE = {sub_code: kind for kind, sub_codes in errors.SUB_CODES.items() for sub_code in sub_codes.split()}
_THROTTLED = dict.fromkeys(errors.THROTTLED_NUMBERS, Throttled)
_NUMBERS = _by_number(errors.NUMBERS)
_SERVICE = _by_number(errors.SERVICE_NUMBERS)
