"""The one HTTP client at the edges of the wire: what is tried again, what never is, and what every failure is
called.
"""

from typing import Any

import httpx
import pytest
import respx
import structlog

from connectors import Http
from core.channel import Call, Request, Scope
from core.errors import ChannelError, Malformed, OutcomeUnknown, Throttled, Unavailable

URL = "https://gateway.example/api/router"
CALL = Call("pinduoduo", "app", "pinduoduo:1", "pdd.time.get")
READ = Request(CALL, URL, b'{"access_token": "secret-token"}')
WRITE = Request(CALL, URL, b'{"access_token": "secret-token"}', write=True)


class Counting:
    """A gate that counts, and says no when told to."""

    def __init__(self) -> None:
        self.entered = 0
        self.full = False

    def enter(self, call: Call) -> None:
        if self.full:
            raise Throttled("full", retry_after=9)
        self.entered += 1

    def refused(
        self, call: Call, retry_after: float | None, scope: Scope = Scope.SHOP, *, every_method: bool = False
    ) -> None:
        raise AssertionError("only a connector knows a platform's refusal")

    def failed(self, call: Call) -> None:
        return None


@pytest.fixture
def gate() -> Counting:
    return Counting()


@pytest.fixture
def http(gate: Counting) -> Http:
    return Http(gate, sleep=lambda _: None)


FAILURES: dict[str, tuple[dict[str, Any], type[ChannelError], type[ChannelError]]] = {
    "server error": ({"return_value": httpx.Response(502)}, Unavailable, OutcomeUnknown),
    "read timeout": ({"side_effect": httpx.ReadTimeout}, Unavailable, OutcomeUnknown),
    "connection reset": ({"side_effect": httpx.ReadError}, Unavailable, OutcomeUnknown),
    "error page": ({"return_value": httpx.Response(200, html="<h1>502</h1>")}, Malformed, OutcomeUnknown),
    "empty body": ({"return_value": httpx.Response(200)}, Malformed, OutcomeUnknown),
    "redirect": (
        {"return_value": httpx.Response(302, headers={"location": "https://elsewhere"})},
        Malformed,
        OutcomeUnknown,
    ),
}


@respx.mock
@pytest.mark.parametrize("name", FAILURES)
def test_a_read_is_tried_again_and_a_write_that_may_have_left_is_not(http: Http, gate: Counting, name: str) -> None:
    answer, read_error, write_error = FAILURES[name]
    route = respx.post(URL).mock(**answer)
    with pytest.raises(read_error):
        http.send(READ)
    assert (route.call_count, gate.entered) == (3, 3), "the gate is asked before every single request"
    with pytest.raises(write_error):
        http.send(WRITE)
    assert route.call_count == 4


@respx.mock
@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ConnectTimeout])
def test_a_write_of_which_no_byte_left_is_tried_again(http: Http, error: type[Exception]) -> None:
    route = respx.post(URL).mock(side_effect=[error, httpx.Response(200, json={"ok": 1})])
    assert http.send(WRITE) == b'{"ok":1}'
    assert route.call_count == 2


@respx.mock
def test_too_many_requests_is_throttling_with_its_delay(http: Http) -> None:
    route = respx.post(URL).mock(return_value=httpx.Response(429, headers={"retry-after": "7"}))
    with pytest.raises(Throttled) as refused:
        http.send(READ)
    assert refused.value.retry_after == 7
    assert route.call_count == 1


@pytest.mark.parametrize(
    ("told", "wait"),
    [
        ("0", 0),
        ("Thu, 01 Jan 2026 00:02:00 GMT", 90),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0),
        ("soon", None),
        ("", None),
    ],
)
@respx.mock
def test_a_delay_may_be_a_date_on_the_senders_clock(http: Http, told: str, wait: float | None) -> None:
    headers = {"retry-after": told, "date": "Thu, 01 Jan 2026 00:00:30 GMT"}
    respx.post(URL).mock(return_value=httpx.Response(429, headers=headers))
    with pytest.raises(Throttled) as refused:
        http.send(READ)
    assert refused.value.retry_after == wait


@respx.mock
def test_no_request_leaves_without_budget(http: Http, gate: Counting) -> None:
    gate.full = True
    route = respx.post(URL)
    with pytest.raises(Throttled):
        http.send(READ)
    assert route.call_count == 0


@respx.mock
def test_an_error_says_where_and_neither_it_nor_the_log_tells_a_secret(http: Http) -> None:
    respx.post(URL).mock(side_effect=httpx.ReadTimeout)
    with structlog.testing.capture_logs() as logged, pytest.raises(Unavailable) as failed:
        http.send(READ)
    assert (failed.value.channel, failed.value.shop, failed.value.operation) == (
        "pinduoduo",
        "pinduoduo:1",
        "pdd.time.get",
    )
    assert len(logged) == 3
    assert "secret-token" not in f"{failed.value} {failed.value!r} {logged} {READ!r}"
