"""`/v1/consumers`: named readers of the feed, whose place is kept here and moves by acknowledgement."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from sqlalchemy import Connection

from core.access import Caller, KeyScope
from core.db import consumers, feed, feed_end, shops
from core.db.consumers import Consumer
from core.db.feed_end import End
from core.model import Canonical
from web import cursor
from web.access import Calling, needs
from web.batches import JSON, read_json, read_one
from web.feed import TWO_FORMS, Choice, Instant, Name, PollQuery, TypeName, answer, chosen, place_of
from web.problems import Problem
from web.state import State
from web.watch import Place, Slice, Start, Watch, position_of, refuse_gone

LIST = "consumer"
"""The name of its cursors, so that one of another list is not taken for one of its own."""
ConsumerName = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", examples=["warehouse"])]
_INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


class ConsumerBody(Canonical):
    """What a consumer reads, and where it begins."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": False})

    type: tuple[TypeName, ...] = Field((), max_length=50, examples=[["order.*"]])
    shop: tuple[Name, ...] = Field((), max_length=200, description="Empty: every shop of the key.")
    channel: tuple[Name, ...] = Field((), max_length=20)
    start: str = Field(
        "beginning",
        max_length=400,
        description="`beginning`, `now`, a cursor of the feed or a snapshot, or an instant. Counts when it is made.",
        examples=["now"],
    )


class AckBody(Canonical):
    """Up to where all is worked off."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": False})

    cursor: str = Field(min_length=1, max_length=400, examples=[cursor.encode(LIST, "warehouse", "5f0c9a1e", 1042)])


BODIES: tuple[type[BaseModel], ...] = (ConsumerBody, AckBody)
"""Read by hand, so the description of the API has to be told of them."""


class Acknowledged(BaseModel):
    """Where the consumer stands now. `moved` is false when it stood there, or further, before."""

    cursor: str
    moved: bool


class ConsumerItem(BaseModel):
    """A named reader, and how far behind it is."""

    name: str = Field(examples=["warehouse"])
    type: list[str]
    shop: list[str]
    channel: list[str]
    start: str
    cursor: str = Field(description="What it has acknowledged.")
    acked_at: datetime | None
    created_at: datetime
    lag: int = Field(description=f"Events of its choice behind that place, counted up to {consumers.COUNTED}.")
    waiting_since: datetime | None = Field(description="When the oldest of them became known here.")
    expired: bool = Field(description="It stands before what is kept: delete it, take a snapshot, begin there.")


class ConsumerList(BaseModel):
    """All consumers that the key may see, by name."""

    items: list[ConsumerItem]


def routes(state: State, watch: Watch) -> APIRouter:  # noqa: C901  # one small function for each route
    router = APIRouter(prefix="/v1/consumers", tags=["feed"], dependencies=[needs(KeyScope.FEED_READ)])
    database = state.runtime.database

    @router.put(
        "/{name}",
        openapi_extra=_documented(ConsumerBody),
        responses={200: {"model": ConsumerItem}, 201: {"model": ConsumerItem, "description": "It was made."}},
        response_model=None,
    )
    async def put_consumer(name: ConsumerName, request: Request, caller: Calling) -> Response:
        """Make a consumer, or change what it reads from its acknowledged place on.

        Repeating it changes nothing. `start` counts when the consumer is made: another one later is refused with
        `consumer_exists`; delete it to begin anew.
        """
        body = read_one(ConsumerBody, await read_json(request)).good[0]

        def put() -> tuple[ConsumerItem, bool]:
            with database.write() as connection:
                found, made = _put(connection, name, body, caller, state.runtime.clock.now())
                return _item(connection, found, feed_end.end(connection)), made

        item, made = await state.write(put)
        return Response(item.model_dump_json(), 201 if made else 200, media_type=JSON)

    @router.get("/{name}")
    async def read_consumer(name: ConsumerName, caller: Calling) -> ConsumerItem:
        """Read where a consumer stands and how far behind it is."""

        def read() -> ConsumerItem:
            with database.read() as connection:
                return _item(connection, _own(connection, name, caller), feed_end.end(connection))

        return await state.read(read)

    @router.get("")
    async def list_consumers(caller: Calling) -> ConsumerList:
        """List the consumers with their lag."""

        def read() -> ConsumerList:
            with database.read() as connection:
                end = feed_end.end(connection)
                found = [each for each in consumers.every(connection) if _reaches(caller, each)]
                return ConsumerList(items=[_item(connection, each, end) for each in found])

        return await state.read(read)

    @router.delete("/{name}", status_code=204)
    async def delete_consumer(name: ConsumerName, caller: Calling) -> None:
        """Forget a consumer and its place."""

        def remove() -> None:
            with database.write() as connection:
                _own(connection, name, caller)
                consumers.remove(connection, name)

        await state.write(remove)

    @router.get("/{name}/events", response_model=None, responses=TWO_FORMS)
    async def read_events(
        name: ConsumerName, query: Annotated[PollQuery, Query()], request: Request, caller: Calling
    ) -> Response:
        """Read the events behind the acknowledged place, in order.

        Asking again without an acknowledgement gives the same events again. Acknowledge the `cursor` of every answer,
        that of an empty one too.
        """

        def find() -> Consumer:
            with database.read() as connection:
                return _own(connection, name, caller)

        found = await state.read(find)
        wanted = Slice(found.position, query.limit, found.types, found.shops, found.channels)
        return await answer(request, watch, wanted, query, lambda position: _cursor(found, position))

    @router.post("/{name}/ack", openapi_extra=_documented(AckBody))
    async def acknowledge(name: ConsumerName, request: Request, caller: Calling) -> Acknowledged:
        """Move a consumer forward, to the `cursor` of an answer whose events are worked off.

        It never moves back: repeating an acknowledgement, or sending an older one, changes nothing.
        """
        body = read_one(AckBody, await read_json(request)).good[0]

        def acknowledge() -> Acknowledged:
            with database.write() as connection:
                found = _own(connection, name, caller)
                place = _acknowledged(connection, found, body.cursor)
                moved = consumers.acknowledge(connection, found, place, state.runtime.clock.now())
                return Acknowledged(cursor=_cursor(found, max(place, found.position)), moved=moved)

        return await state.write(acknowledge)

    return router


def _documented(body: type[BaseModel]) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{body.__name__}"}
    return {"requestBody": {"required": True, "content": {JSON: {"schema": schema}}}}


def _put(connection: Connection, name: str, body: ConsumerBody, caller: Caller, now: datetime) -> tuple[Consumer, bool]:
    """The consumer as it is now, and whether it was made."""
    wanted = chosen(Choice(type=list(body.type), shop=list(body.shop), channel=list(body.channel)), caller)
    known = {row.id for row in shops.all_shops(connection)}
    if not all(each in known and caller.reaches(each) for each in body.shop):
        raise Problem("unknown_shop")
    filters = {"types": wanted.types, "shops": wanted.shops, "channels": wanted.channels}
    found = consumers.claimed(connection, name)
    if found is None:
        place = _start(body.start)
        position = position_of(connection, place, head := feed.head(connection))
        if position > head:
            raise Problem("cursor_ahead")
        refuse_gone(connection, place)
        if place is Start.BEGINNING:
            position = feed_end.end(connection).expired
        made = consumers.create(connection, name, **filters, start=body.start, position=position, now=now)
        return made, True
    if found.start != body.start or not _reaches(caller, found):
        raise Problem("consumer_exists")
    consumers.change(connection, name, **filters)
    return _own(connection, name, caller), False


def _start(text: str) -> Place:
    """Raises `cursor_invalid` for what is none of the four."""
    if text == Start.BEGINNING.value:
        return Start.BEGINNING
    try:
        return _INSTANT.validate_python(text)
    except ValidationError:
        return place_of(text or "-")


def _own(connection: Connection, name: str, caller: Caller) -> Consumer:
    """Raises `unknown_consumer` where there is none for this caller."""
    found = consumers.find(connection, name)
    if found is None or not _reaches(caller, found):
        raise Problem("unknown_consumer")
    return found


def _reaches(caller: Caller, found: Consumer) -> bool:
    """A key of some shops sees a consumer that reads no others."""
    return not caller.shops or (bool(found.shops) and caller.shops.issuperset(found.shops))


def _acknowledged(connection: Connection, found: Consumer, text: str) -> int:
    """The position of a cursor this consumer was given. Raises `cursor_invalid` and `cursor_ahead`."""
    match cursor.decode(LIST, text):
        case [found.name, found.epoch, int(position)] if position >= 0:
            if position > max(feed.head(connection), found.position):
                raise Problem("cursor_ahead")
            return position
    raise Problem("cursor_invalid")


def _cursor(found: Consumer, position: int) -> str:
    return cursor.encode(LIST, found.name, found.epoch, position)


def _item(connection: Connection, found: Consumer, end: End) -> ConsumerItem:
    lag = consumers.lag(connection, found)
    return ConsumerItem(
        name=found.name,
        type=list(found.types),
        shop=list(found.shops),
        channel=list(found.channels),
        start=found.start,
        cursor=_cursor(found, found.position),
        acked_at=found.acked_at,
        created_at=found.created_at,
        lag=lag.events,
        waiting_since=lag.oldest,
        expired=found.position < end.expired,
    )
