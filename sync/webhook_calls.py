"""One call of a webhook: its signature, its request, and what its answer means. Standard Webhooks 1.0."""

import asyncio
import base64
import hashlib
import hmac
import ssl
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from core.clock import Clock
from core.db.deliveries import Attempt, Delivery, State
from core.db.subscriptions import SECRET_PREFIX, Secret
from sync.webhook_targets import Refused

CONTENT_TYPE = "application/cloudevents+json"
TIMEOUT_SECONDS = 15.0
KEPT_BYTES = 1024
"""How much of an answer is kept."""
STEPS = (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds from each failure to the next try: 0, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h."""
SPREAD = 0.2
"""By how much of itself a step is longer or shorter, so that what failed together does not come back together."""
LONGEST_RETRY_AFTER = timedelta(days=1)
GONE = 410


@dataclass(frozen=True)
class Answered:
    """What came of a call. `retry_after`: what the answer asked for, if it did."""

    attempt: Attempt
    retry_after: timedelta | None = None

    @property
    def good(self) -> bool:
        return self.attempt.status is not None and 200 <= self.attempt.status < 300

    @property
    def gone(self) -> bool:
        """The answer says that nothing is to be sent there ever again."""
        return self.attempt.status == GONE


def message_id(event_id: str) -> str:
    """The same for every delivery of an event. Event ids hold dots, which part a signature, and any characters."""
    return "evt_" + hashlib.sha256(event_id.encode()).hexdigest()[:32]


def headers(event_id: str, body: bytes, secrets: Iterable[Secret], now: datetime) -> dict[str, str]:
    """Of one call, signed with every valid secret."""
    message, timestamp = message_id(event_id), str(int(now.timestamp()))
    content = f"{message}.{timestamp}.".encode() + body
    return {
        "content-type": CONTENT_TYPE,
        "user-agent": "Qudao",
        "accept-encoding": "identity",
        "webhook-id": message,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(secret, content) for secret in secrets),
    }


def _signature(secret: Secret, content: bytes) -> str:
    key = base64.b64decode(secret.plain.removeprefix(SECRET_PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode()


async def call(client: httpx.AsyncClient, url: str, sent: dict[str, str], body: bytes, clock: Clock) -> Answered:
    """Sends it once. Never raises for what the other side does; once there is a status, that is the answer."""
    at, loop = clock.now(), asyncio.get_running_loop()
    began = loop.time()
    status, beginning, asked, word = None, b"", "", ""
    try:
        async with (
            asyncio.timeout(TIMEOUT_SECONDS),
            client.stream("POST", url, content=body, headers=sent) as response,
        ):
            status, asked = response.status_code, response.headers.get("retry-after", "")
            beginning = await _beginning(response)
    except (httpx.HTTPError, OSError, Refused) as error:
        word = "" if status is not None else _word(error)
    if status is not None and not 200 <= status < 300:
        word = "redirect" if 300 <= status < 400 else "status"
    attempt = Attempt(at, status, round((loop.time() - began) * 1000), word, beginning)
    return Answered(attempt, retry_after(asked, at))


def verdict(sent: Delivery, answered: Answered, now: datetime) -> tuple[State, datetime | None]:
    """What the delivery is now, and when it is tried again."""
    if answered.good:
        return State.DELIVERED, None
    tries = sent.tries + 1
    if tries >= len(STEPS):
        return State.FAILED, None
    part = zlib.crc32(f"{sent.id}/{tries}".encode()) / 2**32
    wait = timedelta(seconds=STEPS[tries] * (1 + SPREAD * (2 * part - 1)))
    if answered.retry_after is not None:
        wait = max(wait, min(answered.retry_after, LONGEST_RETRY_AFTER))
    return State.DUE, now + wait


def retry_after(text: str, now: datetime) -> timedelta | None:
    """The header as a span: seconds, or the time of a date. None when it says neither."""
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:10]), LONGEST_RETRY_AFTER.total_seconds()))
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return max(timedelta(0), at - now) if at.tzinfo else None


async def _beginning(response: httpx.Response) -> bytes:
    found = b""
    async for part in response.aiter_raw(KEPT_BYTES):
        found += part
        if len(found) >= KEPT_BYTES:
            break
    return found[:KEPT_BYTES]


def _word(error: BaseException) -> str:
    """Why there is no answer, in one word that holds nothing of the target."""
    if isinstance(error, Refused):
        return "target_refused"
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return "timeout"
    if any(isinstance(each, ssl.SSLError) for each in _causes(error)):
        return "tls"
    if isinstance(error, httpx.ConnectError):
        return "unreachable"
    return "unresolved" if isinstance(error, OSError) else "broken_off"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
