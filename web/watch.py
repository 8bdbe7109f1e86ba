"""Readers of the feed wait here: what they want next, the page they get, and the watch that wakes them.

Waiting costs no query: readers sleep until this process knows of a newer position, and those that ask for the same page
at the same moment share one read. The data always comes from SQL; Redis only says that looking is worth it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

import redis.asyncio
import structlog
from redis.exceptions import RedisError
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from core.db import feed, feed_end
from sync.envelope import event_text, instant_text
from sync.queue import FEED_CHANNEL
from web.problems import Problem
from web.state import State

LOOK_SECONDS = 1.0
"""How long an event may stay unseen when its announcement is lost."""
RECONNECT_SECONDS = 1.0
_LINE_ENDS = {"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"}

log = structlog.get_logger()


class Start(Enum):
    """Where a reader without a position begins."""

    BEGINNING = "beginning"
    """With the oldest event that is kept."""
    NOW = "now"


Place = int | datetime | Start
"""Behind a position, with the first event of an instant or later, or at one end."""


@dataclass(frozen=True)
class Slice:
    """Which events a reader wants next; filters that are empty let everything through."""

    after: Place
    limit: int
    types: tuple[str, ...] = ()
    shops: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()

    def shows(self, shop: str) -> bool:
        """Whether events of the shop are among them."""
        channel = shop.partition(":")[0]
        return (not self.shops or shop in self.shops) and (not self.channels or channel in self.channels)


@dataclass(frozen=True)
class Told:
    """One event of a page, as CloudEvents JSON."""

    position: int
    type: str
    text: str


@dataclass(frozen=True)
class Page:
    """A slice as it was read. `next` is the position to go on behind, `head` the end of the feed that was covered."""

    events: tuple[Told, ...]
    through: Mapping[str, str]
    next: int
    head: int
    more: bool


def read_page(connection: Connection, wanted: Slice) -> Page:
    """Reads the watermarks first, then the head, then the events: each says nothing that the next one has not seen.
    What is forgotten meanwhile is noticed at the end. Raises `cursor_ahead` and `cursor_expired`.
    """
    through = feed.complete_through(connection)
    head = feed.head(connection)
    after = position_of(connection, wanted.after, head)
    if after > head:
        raise Problem("cursor_ahead")
    rows = feed.read(
        connection, after, wanted.limit + 1, types=wanted.types, shops=wanted.shops, channels=wanted.channels
    )
    refuse_gone(connection, wanted.after)
    more = len(rows) > wanted.limit
    rows = rows[: wanted.limit]
    last = rows[-1].position if rows else after
    return Page(
        tuple(Told(row.position, row.type, _in_one_line(event_text(row))) for row in rows),
        {shop: instant_text(at) for shop, at in sorted(through.items()) if wanted.shows(shop)},
        last if more else max(head, last),
        head,
        more,
    )


def _in_one_line(text: str) -> str:
    """Escapes what JSON lets stand but some readers of lines, Python's own among them, take for an end."""
    for end, escaped in _LINE_ENDS.items():
        if end in text:
            text = text.replace(end, escaped)
    return text


def position_of(connection: Connection, place: Place, head: int) -> int:
    """The position behind which a place begins."""
    if isinstance(place, datetime):
        return feed.before(connection, place)
    if isinstance(place, Start):
        return head if place is Start.NOW else 0
    return place


def refuse_gone(connection: Connection, place: Place) -> None:
    """Raises `cursor_expired` where events after the place are not kept any more."""
    if isinstance(place, Start):
        return
    end = feed_end.end(connection)
    gone = place < end.expired if isinstance(place, int) else end.expired_at is not None and place <= end.expired_at
    if gone:
        raise Problem("cursor_expired")


class Watch:
    """Knows how far the feed goes, for every reader of this process."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._head = 0
        self._moved = asyncio.Event()
        self._look = asyncio.Event()
        self._readings: dict[tuple[int, Slice], asyncio.Task[Page]] = {}
        self._readers = 0
        self.hears = False
        """Whether announcements arrive now."""
        self.open = True
        """False once the server stops: nobody waits any more."""
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._follow())]

    def release(self) -> None:
        """Sends every waiting reader home with what there is, because the server stops."""
        self.open = False
        self._moved.set()

    async def close(self) -> None:
        self.release()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def page(self, wanted: Slice, wait: float = 0) -> Page:
        """The next events, as soon as there are any, at the latest after `wait` seconds. Raises as `read_page`."""
        deadline = asyncio.get_running_loop().time() + wait
        while True:
            page = await self._read(wanted)
            left = deadline - asyncio.get_running_loop().time()
            if page.events or left <= 0 or not self.open:
                return page
            wanted = replace(wanted, after=page.next)
            await self.past(page.head, left)

    async def pages(self, wanted: Slice, first: Page, most: int) -> AsyncIterator[Page]:
        """`first`, and those behind it until there is nothing more or `most` events are told."""
        page, told = first, len(first.events)
        yield page
        while page.more and told < most:
            page = await self._read(replace(wanted, after=page.next, limit=min(wanted.limit, most - told)))
            told += len(page.events)
            yield page

    async def past(self, head: int, seconds: float) -> bool:
        """Waits until the feed is known to go beyond `head`, at the longest that time. Whether it does."""
        self._readers += 1
        try:
            async with asyncio.timeout(seconds):
                while self._head <= head and self.open:
                    await self._moved.wait()
        except TimeoutError:
            pass
        finally:
            self._readers -= 1
        return self._head > head

    async def _read(self, wanted: Slice) -> Page:
        """Joins a reading of the same slice that is under way, if it began after the newest event we know of."""
        key = (self._head, wanted)
        task = self._readings.get(key)
        if task is None:
            task = asyncio.create_task(self._state.read(self._page, wanted))
            self._readings[key] = task
            task.add_done_callback(lambda _: self._readings.pop(key))
        return await asyncio.shield(task)

    def _page(self, wanted: Slice) -> Page:
        with self._state.runtime.database.read() as connection:
            return read_page(connection, wanted)

    async def _listen(self) -> None:
        """Hears announcements. Without Redis, `_follow` looks by itself every LOOK_SECONDS."""
        while True:
            try:
                async with (
                    redis.asyncio.Redis.from_url(self._state.runtime.settings.redis_url) as client,
                    client.pubsub(ignore_subscribe_messages=True) as channel,
                ):
                    await channel.subscribe(FEED_CHANNEL)
                    self.hears = True
                    async for _ in channel.listen():
                        self._look.set()
            except (RedisError, OSError) as error:
                self.hears = False
                log.warning("feed announcements not heard", error=type(error).__name__)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _follow(self) -> None:
        """Looks for the head after an announcement, and every LOOK_SECONDS, while there are readers."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._look.wait()
            self._look.clear()
            if not self._readers:
                continue
            try:
                head = await self._state.read(self._read_head)
            except SQLAlchemyError as error:
                log.warning("feed not read", error=type(error).__name__)
                continue
            if head != self._head:
                self._head = head
                self._moved.set()
                self._moved = asyncio.Event()

    def _read_head(self) -> int:
        with self._state.runtime.database.read() as connection:
            return feed.head(connection)
