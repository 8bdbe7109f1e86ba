"""The one HTTP client: timeouts, short retries inside a call, the rate gate before every request, one log line per
request.

What it does not do: sign, parse, or know a platform's error codes. A read that fails on the way is tried again a few
times; a write only when no byte of it left this machine. Everything else of a write is `OutcomeUnknown`.
"""

import logging
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

import httpx
import structlog
import tenacity

from core.channel import Gate, Request
from core.errors import ChannelError, Garbled, OutcomeUnknown, Throttled, Unavailable

log = structlog.get_logger("qudao.http")

TIMEOUT = httpx.Timeout(12.0, connect=5.0)
"""12 s is the official Douyin client's default; Pinduoduo documents none."""

_NOTHING_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Http:
    """Sends signed requests. One per process and channel; safe to share between threads, as httpx.Client is."""

    def __init__(
        self,
        gate: Gate,
        transport: httpx.BaseTransport | None = None,
        *,
        tries: int = 3,
        first_wait: float = 0.2,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gate = gate
        # httpx logs whole addresses at INFO; some platforms want their token in the query.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._client = httpx.Client(
            transport=transport,
            timeout=TIMEOUT,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=50, max_keepalive_connections=20, keepalive_expiry=30),
        )
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_worth_another_try),
            stop=tenacity.stop_after_attempt(tries),
            wait=tenacity.wait_exponential(multiplier=first_wait, max=2.0) + tenacity.wait_random(0, first_wait),
            sleep=sleep,
            reraise=True,
        )

    def send(self, request: Request) -> bytes:
        """The body of a 2xx answer."""
        try:
            return self._retrying.copy()(self._once, request)
        except ChannelError as error:
            raise error.at(
                channel=request.call.channel, shop=request.call.shop, operation=request.call.method
            ) from None

    def close(self) -> None:
        self._client.close()

    def _once(self, request: Request) -> bytes:
        self._gate.enter(request.call)
        started = time.perf_counter()
        outcome = "error"
        try:
            response = self._client.request(
                request.http_method,
                request.url,
                params=request.query or None,
                content=request.body,
                headers=dict(request.headers),
            )
            outcome = str(response.status_code)
            return _body(request, response)
        except _NOTHING_LEFT as error:
            outcome = type(error).__name__
            raise NotSent(f"no connection: {outcome}") from None
        except httpx.HTTPError as error:
            outcome = type(error).__name__
            raise _lost(request, f"no answer: {outcome}") from None
        finally:
            log.debug(
                "request",
                channel=request.call.channel,
                shop=request.call.shop,
                method=request.call.method,
                outcome=outcome,
                ms=round((time.perf_counter() - started) * 1000),
            )


class NotSent(Unavailable):
    """No byte left this machine, so that even a write may be tried again."""


def _body(request: Request, response: httpx.Response) -> bytes:
    if response.status_code == 429:
        raise Throttled("HTTP 429", code="429", retry_after=_retry_after(response.headers))
    if response.status_code >= 500 or response.status_code == 408:
        raise _lost(request, f"HTTP {response.status_code}")
    if response.status_code >= 300:
        raise _unreadable(request, f"HTTP {response.status_code}")
    body = response.content
    if body.lstrip()[:1] not in (b"{", b"[") or body.rstrip()[-1:] not in (b"}", b"]"):
        raise _unreadable(request, "the answer is not JSON, or cut off")
    return body


def _retry_after(headers: httpx.Headers) -> float | None:
    """Seconds, or until a date on the sender's own clock."""
    told = headers.get("retry-after", "").strip()
    if told.isascii() and told.isdigit():
        return float(told)
    try:
        until, now = parsedate_to_datetime(told), parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        return None


def _lost(request: Request, reason: str) -> ChannelError:
    return OutcomeUnknown(reason) if request.write else Unavailable(reason)


def _unreadable(request: Request, reason: str) -> ChannelError:
    return OutcomeUnknown(reason) if request.write else Garbled(reason)


def _worth_another_try(error: BaseException) -> bool:
    """A write that may have left raises OutcomeUnknown, never these. A gateway's error page often passes at once."""
    return isinstance(error, Unavailable | Garbled)
