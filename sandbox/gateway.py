"""What every simulated platform shares at its front door: request and response values, body parsing, rate limits.

Platform rules (signatures, envelopes, check order) live in each platform's own folder.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from pydantic_core import to_json


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. Header names are lower-case; `path` starts with a slash and is decoded."""

    method: str
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    client_ip: str = "127.0.0.1"

    @property
    def content_type(self) -> str:
        """The media type without parameters, lower-case; empty when absent."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class NoAnswer(Exception):
    """The caller gets no answer: the connection is held `seconds` and then closed (a timeout, injected)."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer for {seconds} s")
        self.seconds = seconds


class Answered(Exception):
    """An answer that is sent instead of the platform's own (an injected gateway failure)."""

    def __init__(self, response: Response) -> None:
        super().__init__(str(response.status))
        self.response = response


class UnreadableBody(ValueError):
    """The body is not what its content type says."""


def json_response(value: object, status: int = 200) -> Response:
    """`value` as compact UTF-8 JSON."""
    return Response(status, {"content-type": "application/json;charset=UTF-8"}, to_json(value))


def text_of(value: object) -> str:
    """The text a scalar or nested JSON value has as a parameter: `true`, `12`, `{"a":1}`. The caller drops None."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class _Number(str):
    """A JSON number, kept as the text that was sent: 1.50 stays 1.50."""

    __slots__ = ()


def parse_json_params(body: bytes) -> dict[str, str]:
    """A flat JSON object as texts, nulls dropped; numbers keep the spelling that was sent.

    Raises UnreadableBody when the body is not a JSON object in UTF-8.
    """
    try:
        value = json.loads(body.decode("utf-8"), parse_float=_Number, parse_int=_Number)
    except ValueError as error:
        raise UnreadableBody("body is not JSON") from error
    if not isinstance(value, dict):
        raise UnreadableBody("body is not a JSON object")
    params = {name: str(text_of(entry)) for name, entry in value.items() if entry is not None}
    try:
        "".join(params.values()).encode()
    except UnicodeEncodeError as error:
        raise UnreadableBody("half a surrogate pair") from error
    return params


def parse_form(body: bytes) -> dict[str, str]:
    """`a=b&c=d`, URL-decoded; of a repeated name the last wins. Raises UnreadableBody on bad UTF-8."""
    try:
        return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict"))
    except ValueError as error:
        raise UnreadableBody("body is not a form") from error


def parse_multipart(content_type: str, body: bytes) -> tuple[dict[str, str], set[str]]:
    """Text fields of a multipart form, and the names of its file parts (files themselves are dropped)."""
    message = BytesParser(policy=HTTP).parsebytes(
        b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n" + body
    )
    if not message.is_multipart():
        raise UnreadableBody("body is not multipart")
    fields: dict[str, str] = {}
    files: set[str] = set()
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if not isinstance(name, str):
            raise UnreadableBody("a part has no name")
        content = part.get_payload(decode=True)
        if part.get_filename() is not None or not isinstance(content, bytes):
            files.add(name)
            continue
        try:
            fields[name] = content.decode("utf-8")
        except ValueError as error:
            raise UnreadableBody("a part is not UTF-8") from error
    return fields, files


def parse_params(request: Request) -> dict[str, str]:
    """Query and body of a request as one flat mapping of texts; the body wins over the query.

    Understands JSON, forms and multipart; an unnamed content type is guessed from the first byte.
    Raises UnreadableBody.
    """
    params = dict(request.query)
    if not request.body.strip():
        return params
    kind = request.content_type
    if kind == "multipart/form-data":
        fields, _ = parse_multipart(request.headers["content-type"], request.body)
        return params | fields
    if kind == "application/json" or (
        kind != "application/x-www-form-urlencoded" and request.body.lstrip()[:1] == b"{"
    ):
        return params | parse_json_params(request.body)
    return params | parse_form(request.body)


class Limiter:
    """Fixed windows on the world's clock: at most `limit` calls per `seconds` for each key."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._windows: dict[tuple[str, ...], tuple[float, int]] = {}

    def allow(self, key: tuple[str, ...], limit: int, seconds: float) -> bool:
        """Count one call of `key`; False when its window is full (the refused call is not counted)."""
        window = self._now() // seconds
        started, used = self._windows.get(key, (window, 0))
        if started != window:
            used = 0
        if used >= limit:
            return False
        self._windows[key] = (window, used + 1)
        return True
