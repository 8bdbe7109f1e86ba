"""Pushes as HTTP POSTs in batches to the one callback URL of an app.

`Callbacks` decides without I/O what is due and what an answer means, `deliver` moves the bytes. How a message looks and
is signed, and which answer acknowledges it, are the platform's: it derives a class of its own. Not acknowledged means
that the whole batch comes again on the outbox's schedule.
"""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from .model import App, Shop
from .pushes import Push
from .world import World

BATCH = 20
TIME_LIMIT = 5.0
LANES = 4
LONGEST_SLEEP = 0.5


@dataclass(frozen=True)
class Batch:
    """One POST. `wire_ids` are empty for a message that only tries the URL."""

    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    wire_ids: tuple[str, ...]


class Callbacks(ABC):
    """The app's callback URL and what is due to it. Hold the world's lock around every call."""

    batch = BATCH
    """How many messages one POST may carry."""

    def __init__(self, world: World, app: App) -> None:
        self._world = world
        self._app = app
        self.outbox = world.outboxes[app.channel]
        self.url: str | None = None

    @abstractmethod
    def request(self, url: str, messages: list[tuple[str, Push]]) -> Batch:
        """The POST that carries these messages, each under the id that the receiver sees."""

    @abstractmethod
    def accepted(self, status: int | None, body: bytes) -> bool:
        """Whether the receiver's answer (`status` None = none came) acknowledges the batch."""

    def set_url(self, url: str | None) -> None:
        """Save the callback URL (None = stop pushing). ValueError when it is no URL."""
        if url is not None and not url.startswith(("http://", "https://")):
            raise ValueError("the callback must be an http or https URL")
        self.url = url
        for wake in self.outbox.wake:
            wake()

    @property
    def listening(self) -> bool:
        """Whether a URL is saved; without one no message comes into being."""
        return self.url is not None

    def publish(self, shop: Shop, topic: str, object_id: str, data: dict[str, Any]) -> None:
        """Queue a message when somebody listens."""
        if self.listening:
            self.outbox.publish(shop, topic, object_id, data)

    def take(self) -> Batch | None:
        """The next POST that is due; None when nothing is. Every taken batch must be settled."""
        if self.url is None:
            return None
        due = [(self.outbox.sent(push), push) for push in self.outbox.due(self.batch)]
        return self.request(self.url, due) if due else None

    def settle(self, batch: Batch, status: int | None, body: bytes = b"") -> bool:
        """The outcome of a POST (`status` None = no answer). True when the receiver acknowledged the whole batch."""
        good = self.accepted(status, body)
        for wire_id in batch.wire_ids:
            if good:
                self.outbox.acked(wire_id)
            else:
                self.outbox.failed(wire_id)
        return good

    def next_at(self) -> float | None:
        """When something may be due, on the world's clock; None when nothing waits."""
        return self.outbox.next_at() if self.listening else None

    def wait(self) -> float:
        """Seconds until something may be due."""
        at = self.next_at()
        return LONGEST_SLEEP if at is None else min(max(at - self._world.now(), 0.0), LONGEST_SLEEP)


async def deliver(world: World, callbacks: Callbacks, client: httpx.AsyncClient | None = None) -> None:
    """Send what is due until cancelled, over several connections at once (so batches may overtake each other)."""
    own = client or httpx.AsyncClient(timeout=TIME_LIMIT, trust_env=False)
    wake = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ring() -> None:
        loop.call_soon_threadsafe(wake.set)

    callbacks.outbox.wake.append(ring)
    try:
        await asyncio.gather(*(_lane(world, callbacks, own, wake) for _ in range(LANES)))
    finally:
        callbacks.outbox.wake.remove(ring)
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
