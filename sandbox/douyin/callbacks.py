"""Delivery of push messages: signed HTTP POSTs in batches to the one callback URL of the app.

`Callbacks` decides what to send and what an answer means, without I/O; `deliver` moves the bytes. Saving a URL sends
the verification message (tag 0) until it is acknowledged; messages follow. Not acknowledged means that the whole batch
comes again on the outbox's schedule. The platform's time limit is 2 or 5 s by source; here 5.
"""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from ..model import App, Shop
from ..world import World
from . import signing
from .envelope import rfc3339

BATCH = 20
TIME_LIMIT = 5.0
VERIFY_AGAIN = 5.0
LANES = 4
LONGEST_SLEEP = 0.5


@dataclass(frozen=True)
class Batch:
    """One POST. `wire_ids` are empty for the verification message."""

    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    wire_ids: tuple[str, ...]


class Callbacks:
    """The app's callback URL and what is due to it. Hold the world's lock around every call."""

    def __init__(self, world: World, app: App) -> None:
        self._world = world
        self._app = app
        self._outbox = world.outboxes["douyin"]
        self.url: str | None = None
        self.verified = False
        self.tags: frozenset[str] | None = None
        """Subscribed tags; None = all."""
        self._verify_at = 0.0

    @property
    def listening(self) -> bool:
        """Whether a URL is saved; without one no message comes into being."""
        return self.url is not None

    def set_url(self, url: str | None) -> None:
        """Save the callback URL (None = stop pushing). Verification is due at once. ValueError when it is no URL."""
        if url is not None and not url.startswith(("http://", "https://")):
            raise ValueError("the callback must be an http or https URL")
        self.url, self.verified, self._verify_at = url, False, 0.0
        for wake in self._outbox.wake:
            wake()

    def publish(self, shop: Shop, tag: str, object_id: str, data: dict[str, Any]) -> None:
        """Queue a message when its tag is subscribed."""
        if self.listening and (self.tags is None or tag in self.tags):
            self._outbox.publish(shop, tag, object_id, data)

    def take(self) -> Batch | None:
        """The next POST that is due; None when nothing is. Every taken batch must be settled."""
        if self.url is None:
            return None
        if not self.verified:
            if self._world.now() < self._verify_at:
                return None
            self._verify_at = self._world.now() + VERIFY_AGAIN
            return self._batch(self.url, [{"tag": "0", "msg_id": "0", "data": rfc3339(self._world.now())}], ())
        messages, wire_ids = [], []
        for push in self._outbox.due(BATCH):
            wire_id = self._outbox.sent(push)
            data = json.dumps(push.payload, ensure_ascii=False, separators=(",", ":"))
            messages.append({"tag": push.topic, "msg_id": wire_id, "data": data})
            wire_ids.append(wire_id)
        return self._batch(self.url, messages, tuple(wire_ids)) if messages else None

    def _batch(self, url: str, messages: list[dict[str, str]], wire_ids: tuple[str, ...]) -> Batch:
        text = json.dumps(messages, ensure_ascii=False, separators=(",", ":"))
        sign = signing.sign_push(self._app.secret, self._app.key, text, self._world.settings.push_sign_method)
        headers = {"content-type": "application/json; charset=utf-8", "app-id": self._app.key, "event-sign": sign}
        return Batch(url, headers, text.encode(), wire_ids)

    def settle(self, batch: Batch, status: int | None, body: bytes = b"") -> bool:
        """The outcome of a POST (`status` None = no answer). True when the receiver acknowledged the whole batch."""
        good = status == 200 and _code(body) == 0
        if not batch.wire_ids:
            if batch.url == self.url:
                self.verified = self.verified or good
            return good
        for wire_id in batch.wire_ids:
            if good:
                self._outbox.acked(wire_id)
            else:
                self._outbox.failed(wire_id)
        return good

    def wait(self) -> float:
        """Seconds until something may be due."""
        now = self._world.now()
        at = self._outbox.next_at() if self.verified else (self._verify_at if self.url else None)
        return LONGEST_SLEEP if at is None else min(max(at - now, 0.0), LONGEST_SLEEP)


def _code(body: bytes) -> Any:
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    code = answer.get("code") if isinstance(answer, dict) else None
    return None if isinstance(code, bool) else code


async def deliver(world: World, callbacks: Callbacks, client: httpx.AsyncClient | None = None) -> None:
    """Send what is due until cancelled, over several connections at once (so batches may overtake each other)."""
    own = client or httpx.AsyncClient(timeout=TIME_LIMIT, trust_env=False)
    wake = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ring() -> None:
        loop.call_soon_threadsafe(wake.set)

    world.outboxes["douyin"].wake.append(ring)
    try:
        await asyncio.gather(*(_lane(world, callbacks, own, wake) for _ in range(LANES)))
    finally:
        world.outboxes["douyin"].wake.remove(ring)
        if client is None:
            await own.aclose()


async def _lane(world: World, callbacks: Callbacks, client: httpx.AsyncClient, wake: asyncio.Event) -> None:
    while True:
        wake.clear()
        with world.lock:
            world.run_due()
            batch = callbacks.take()
            pause = callbacks.wait()
        if batch is None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), max(pause, 0.01))
            continue
        status, body = await _post(client, batch)
        with world.lock:
            callbacks.settle(batch, status, body)


async def _post(client: httpx.AsyncClient, batch: Batch) -> tuple[int | None, bytes]:
    """(status, body); (None, b"") when no answer came in time."""
    try:
        answer = await client.post(batch.url, content=batch.body, headers=dict(batch.headers), timeout=TIME_LIMIT)
    except httpx.HTTPError:
        return None, b""
    return answer.status_code, answer.content
