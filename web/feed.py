"""`GET /v1/feed`: the ordered events, by cursor, with long-poll. CloudEvents 1.0.

Lives here: the page as JSON, the watch that wakes waiting readers, the route. Does not: the rows (core/db/feed.py).
Waiting costs no query: readers sleep until this process knows of a newer position, and those that ask for the same page
at the same moment share one read. The data always comes from SQL; Redis only says that looking is worth it.
"""

import asyncio
import contextlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import redis.asyncio
import structlog
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from redis.exceptions import RedisError
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from core.access import KeyScope
from core.db import feed
from core.model import SCHEMA_VERSION
from sync.envelope import event_text, instant_text, wanted_type
from sync.queue import FEED_CHANNEL
from web import cursor
from web.access import needs
from web.problems import Problem
from web.state import State

LOOK_SECONDS = 1.0
"""How long an event may stay unseen when its announcement is lost."""
RECONNECT_SECONDS = 1.0

log = structlog.get_logger()


class FeedEvent(BaseModel):
    """A CloudEvents 1.0 event. `id` never comes twice with another meaning; delivery is at least once."""

    specversion: str = Field("1.0", examples=["1.0"])
    id: str = Field(examples=["order.updated/douyin:7012345/6920000000000000001/3"])
    source: str = Field(examples=["/shops/douyin:7012345"])
    type: str = Field(examples=["qudao.order.updated"])
    subject: str = Field(description="The id of the object.", examples=["6920000000000000001"])
    time: datetime = Field(description="When it became known here.", examples=["2026-01-01T00:00:00Z"])
    datacontenttype: str = Field("application/json", examples=["application/json"])
    dataschema: str | None = Field(None, examples=[f"urn:qudao:schema:order:{SCHEMA_VERSION}"])
    position: str = Field(description="Its place in the feed, a growing whole number.", examples=["1042"])
    revision: str = Field(description="Rises with every real change of the object.", examples=["3"])
    data: dict[str, Any]


class FeedAnswer(BaseModel):
    """The next events. Store `cursor` in the same transaction as what the events changed, and send it as `after`."""

    events: list[FeedEvent]
    cursor: str
    complete_through: dict[str, datetime] = Field(
        description="Shop → the instant up to which all its order changes are in the feed. Holds once `more` is false."
    )
    more: bool = Field(description="There were more events than `limit`: ask again at once.")


class FeedQuery(BaseModel):
    """What is asked of the feed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: str = Field(
        "", max_length=400, description="The cursor of the answer before; empty: from the start; `now`: from here on."
    )
    limit: int = Field(100, ge=1, le=1000)
    wait: float = Field(0, ge=0, le=30, description="How many seconds to wait for an event when there is none.")
    type: list[str] = Field(
        [], max_length=50, description="Only these types; `order.*` means the family.", examples=[["order.*"]]
    )
    shop: list[str] = Field([], max_length=200, description="Only these shops.", examples=[["douyin:7012345"]])


@dataclass(frozen=True)
class Slice:
    """Which events a reader wants next."""

    after: int | None
    """None: those that come from now on."""
    limit: int
    types: tuple[str, ...]
    shops: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    """A slice as it was read, with its answer as JSON. `head` is the end of the feed that the reading has covered."""

    body: bytes
    empty: bool
    next: int
    head: int


def read_page(connection: Connection, wanted: Slice) -> Page:
    """Reads the watermarks first, then the head, then the events: each says nothing that the next one has not seen."""
    through = feed.complete_through(connection)
    head = feed.head(connection)
    after = head if wanted.after is None else wanted.after
    if after > head:
        raise Problem("cursor_ahead")
    rows = feed.read(connection, after, wanted.limit + 1, types=wanted.types, shops=wanted.shops)
    more = len(rows) > wanted.limit
    rows = rows[: wanted.limit]
    last = rows[-1].position if rows else after
    place = last if more else max(head, last)
    answer = {
        "cursor": cursor.encode("feed", place),
        "complete_through": {
            shop: instant_text(at) for shop, at in sorted(through.items()) if not wanted.shops or shop in wanted.shops
        },
        "more": more,
    }
    events = ",\n".join(event_text(row) for row in rows)
    body = f'{{"events":[{events}],{json.dumps(answer)[1:]}'
    return Page(body.encode(), not rows, place, head)


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
        self._open = True
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._follow())]

    def release(self) -> None:
        """Sends every waiting reader home with what there is, because the server stops."""
        self._open = False
        self._moved.set()

    async def close(self) -> None:
        self.release()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def page(self, wanted: Slice, wait: float) -> Page:
        """The next events, as soon as there are any, at the latest after `wait` seconds. Raises `cursor_ahead`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait
        self._readers += 1
        try:
            while True:
                page = await self._read(wanted)
                if not page.empty or loop.time() >= deadline or not self._open:
                    return page
                wanted = Slice(page.next, wanted.limit, wanted.types, wanted.shops)
                await self._past(page.head, deadline - loop.time())
        finally:
            self._readers -= 1

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

    async def _past(self, head: int, seconds: float) -> None:
        """Returns when the feed is known to go beyond `head`, or after that time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._head <= head and self._open:
                    await self._moved.wait()

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


def routes(watch: Watch) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["feed"])

    @router.get(
        "/feed", dependencies=[needs(KeyScope.FEED_READ)], response_model=None, responses={200: {"model": FeedAnswer}}
    )
    async def read_feed(query: Annotated[FeedQuery, Query()]) -> Response:
        """Read the events after a cursor, in order and without gaps.

        Begin with an empty `after` (everything) or `after=now`. Store the `cursor` of each answer and send it with the
        next question. With `wait`, the answer comes as soon as there is an event. Events arrive at least once; `id`
        tells repetitions.
        """
        page = await watch.page(_slice(query), query.wait)
        return Response(page.body, media_type="application/json")

    return router


def _slice(query: FeedQuery) -> Slice:
    types = tuple(sorted({_type(wanted) for wanted in query.type}))
    return Slice(_position(query.after), query.limit, types, tuple(sorted(set(query.shop))))


def _type(wanted: str) -> str:
    plain = wanted_type(wanted)
    if plain is None:
        raise Problem("unknown_event_type", values={"type": wanted[:64]})
    return plain


def _position(after: str) -> int | None:
    if after == "now":
        return None
    if not after:
        return 0
    match cursor.decode("feed", after):
        case [int(position)] if position >= 0:
            return position
    raise Problem("cursor_invalid")
