"""`GET /v1/feed`: the ordered events, by cursor, with long-poll, as JSON or as lines. CloudEvents 1.0.

Lives here: what may be asked, what is answered, the routes. Does not: waiting (web/watch.py), the stream
(web/stream.py), the rows (core/db/feed.py).
"""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from connectors import CHANNELS
from core.access import Caller, KeyScope
from core.model import SCHEMA_VERSION
from sync.envelope import wanted_type
from web import cursor
from web.access import Calling, needs
from web.problems import Problem
from web.stream import MEDIA_TYPE as EVENT_STREAM
from web.stream import stream
from web.watch import Page, Place, Slice, Start, Watch

NDJSON = "application/x-ndjson"
MOST_JSON, MOST_LINES = 1000, 10_000
"""How many events one answer may hold."""
CHUNK = 1000
"""How many events are read at once while lines are written."""
STREAMED = 200
"""How many events of a stream are read at once."""
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)


def _written(value: object) -> object:
    if isinstance(value, str) and "T" not in value.upper():
        raise ValueError("an RFC 3339 instant is wanted")
    return value


def _sane(value: datetime) -> datetime:
    """Time zones cannot be taken from instants at the ends of the calendar."""
    return _EARLIEST if value.year < _EARLIEST.year else min(value, _LATEST)


Instant = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_sane)]
"""A point in time with its zone, as text."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00]*$")]
TypeName = Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z_.*]*$")]


class FeedEvent(BaseModel):
    """A CloudEvents 1.0 event. `id` never comes twice with another meaning; delivery is at least once."""

    specversion: str = Field("1.0", examples=["1.0"])
    id: str = Field(examples=["order.updated/douyin:7012345/6920000000000000001/3"])
    source: str = Field(examples=["/shops/douyin:7012345"])
    type: str = Field(examples=["qudao.order.updated"])
    subject: str = Field(description="The id of the object.", examples=["6920000000000000001"])
    time: datetime = Field(description="When it became known here.", examples=["2026-01-01T00:00:00Z"])
    datacontenttype: str = Field("application/json", examples=["application/json"])
    dataschema: str | None = Field(None, examples=[f"urn:qudao:schema:order-event:{SCHEMA_VERSION}"])
    position: str = Field(description="Its place in the feed, a growing whole number.", examples=["1042"])
    revision: str = Field(description="Rises with every real change of the object.", examples=["3"])
    data: dict[str, Any]


class FeedControl(BaseModel):
    """How to go on. Store `cursor` in the same transaction as what the events changed."""

    cursor: str = Field(examples=[cursor.encode("feed", 1042)])
    complete_through: dict[str, datetime] = Field(
        description="Shop → the instant up to which all its order changes are in the feed. Holds once `more` is false.",
        examples=[{"douyin:7012345": "2026-01-01T00:00:00Z"}],
    )
    more: bool = Field(description="There were more events than `limit`: ask again at once.")


class FeedAnswer(FeedControl):
    """The next events, and how to go on."""

    events: list[FeedEvent]


class Places(BaseModel):
    """Of which shops."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shop: list[Name] = Field([], max_length=200, description="Only these shops.", examples=[["douyin:7012345"]])
    channel: list[Name] = Field([], max_length=20, description="Only these channels.", examples=[["douyin"]])


class Choice(Places):
    """Which events."""

    type: list[TypeName] = Field(
        [], max_length=50, description="Only these types; `order.*` means the family.", examples=[["order.*"]]
    )


class StreamQuery(Choice):
    """Where to begin, and which events."""

    after: str = Field(
        "", max_length=400, description="The cursor of the answer before; empty: from the start; `now`: from here on."
    )
    since: Instant | None = Field(
        None,
        description="Instead of `after`: from the first event of this instant or later.",
        examples=["2026-01-01T00:00:00Z"],
    )


class PollQuery(BaseModel):
    """How much, and how long to wait for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(100, ge=1, le=MOST_LINES, description=f"How many at most; as JSON never more than {MOST_JSON}.")
    wait: float = Field(0, ge=0, le=30, description="How many seconds to wait for an event when there is none.")


class FeedQuery(PollQuery, StreamQuery):
    """What is asked of the feed."""


TWO_FORMS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": FeedAnswer,
        "description": "The next events: as JSON, or with `Accept: application/x-ndjson` an event a line and a last "
        "line with `cursor`, `complete_through` and `more`.",
        "content": {NDJSON: {"schema": {"type": "string"}}},
    }
}


def routes(watch: Watch) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["feed"], dependencies=[needs(KeyScope.FEED_READ)])

    @router.get("/feed", response_model=None, responses=TWO_FORMS)
    async def read_feed(query: Annotated[FeedQuery, Query()], request: Request, caller: Calling) -> Response:
        """Read the events after a cursor, in order and without gaps.

        Begin with an empty `after` (everything that is kept), `after=now` or `since`. Store the `cursor` of each answer
        and send it with the next question. With `wait`, the answer comes as soon as there is an event. Events arrive at
        least once; `id` tells repetitions.
        """
        wanted = replace(chosen(query, caller), after=place_of(query.after, query.since))
        return await answer(request, watch, wanted, query, lambda position: cursor.encode("feed", position))

    @router.get(
        "/feed/stream",
        response_model=None,
        responses={200: {"description": "Server-sent events.", "content": {EVENT_STREAM: {}}}},
    )
    async def stream_feed(
        query: Annotated[StreamQuery, Query()],
        caller: Calling,
        last_event_id: Annotated[
            str, Header(max_length=400, description="The id of the last event that was seen; counts before `after`.")
        ] = "",
    ) -> Response:
        """Follow the feed as server-sent events: `id` is a cursor, `event` the type, `data` the event.

        Events named `watermark` carry `complete_through` whenever all there is was sent. A client that reconnects with
        `Last-Event-ID`, as browsers do, misses nothing.
        """
        after = place_of(last_event_id) if last_event_id else place_of(query.after, query.since)
        wanted = replace(chosen(query, caller), after=after, limit=STREAMED)
        first = await watch.page(wanted)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(stream(watch, wanted, first), media_type=EVENT_STREAM, headers=headers)

    return router


async def answer(
    request: Request, watch: Watch, wanted: Slice, query: PollQuery, named: Callable[[int], str]
) -> Response:
    """The next events in the form the caller accepts; `named` makes a position into a cursor."""
    if NDJSON in request.headers.get("accept", ""):
        first = await watch.page(replace(wanted, limit=min(query.limit, CHUNK)), query.wait)
        lines = _lines(watch, replace(wanted, limit=CHUNK), first, query.limit, named)
        return StreamingResponse(lines, media_type=NDJSON)
    page = await watch.page(replace(wanted, limit=min(query.limit, MOST_JSON)), query.wait)
    events = ",\n".join(event.text for event in page.events)
    return Response(f'{{"events":[{events}],{_control(page, named)[1:]}', media_type="application/json")


async def _lines(
    watch: Watch, wanted: Slice, first: Page, limit: int, named: Callable[[int], str]
) -> AsyncIterator[str]:
    page = first
    async for page in watch.pages(wanted, first, limit):
        yield "".join(f"{event.text}\n" for event in page.events)
    yield f"{_control(page, named)}\n"


def _control(page: Page, named: Callable[[int], str]) -> str:
    return json.dumps({"cursor": named(page.next), "complete_through": page.through, "more": page.more})


def chosen(choice: Choice, caller: Caller) -> Slice:
    """The filters, within what the caller's key may see. Raises `unknown_event_type` and `unknown_channel`."""
    shops, channels = places(choice, caller)
    return Slice(Start.NOW, MOST_JSON, tuple(sorted({_type(wanted) for wanted in choice.type})), shops, channels)


def places(choice: Places, caller: Caller) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The shops and channels to look at, within what the caller's key may see. Raises `unknown_channel`."""
    for code in choice.channel:
        if code not in CHANNELS:
            raise Problem("unknown_channel", values={"channel": code[:64]})
    return tuple(sorted(set(caller.within(choice.shop)))), tuple(sorted(set(choice.channel)))


def _type(wanted: str) -> str:
    plain = wanted_type(wanted)
    if plain is None:
        raise Problem("unknown_event_type", values={"type": wanted[:64]})
    return plain


def place_of(after: str, since: datetime | None = None) -> Place:
    """Raises `cursor_invalid`, and `cursor_and_since` when both are given."""
    if since is not None:
        if after:
            raise Problem("cursor_and_since")
        return since
    if not after:
        return Start.BEGINNING
    if after == "now":
        return Start.NOW
    match cursor.decode("feed", after):
        case [int(position)] if position >= 0:  # however great: it is compared with the head, no database sees it
            return position
    raise Problem("cursor_invalid")
