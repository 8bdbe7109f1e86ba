"""What all lists of /v1 have in common: pages by cursor, filters, and the shops that the caller's key reaches."""

import json
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Path, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from connectors import CHANNELS
from core.access import Caller
from core.db import items
from core.db.items import Filter, StoredItem
from web import cursor
from web.batches import JSON
from web.feed import Instant, Name
from web.problems import Problem
from web.state import State

ShopId = Annotated[Name, Path(pattern=r"^[^/:\x00-\x1f\x7f]+:[^/\x00-\x1f\x7f]+$", examples=["douyin:7012345"])]
OrderId = Annotated[Name, Path(examples=["6920000000000000001"])]
AfterSaleId = Annotated[Name, Path(examples=["7010000000000000001"])]
ListingId = Annotated[Name, Path(examples=["3512345"])]


class PageQuery(BaseModel):
    """Which page of a list, and of which shops."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: str = Field("", max_length=400, description="The cursor of the page before; empty: from the start.")
    limit: int = Field(100, ge=1, le=500)
    shop: list[Name] = Field([], max_length=200, description="Only these shops.", examples=[["douyin:7012345"]])
    channel: list[Name] = Field([], max_length=20, description="Only these channels.", examples=[["douyin"]])


class ChangedQuery(PageQuery):
    """When it changed here."""

    updated_since: Instant | None = Field(
        None, description="Changed here then or later.", examples=["2026-01-01T00:00:00Z"]
    )
    updated_until: Instant | None = Field(None, description="Changed here before then.")


class CreatedQuery(ChangedQuery):
    """When the channel created it."""

    created_since: Instant | None = Field(None, description="Created on the channel then or later.")
    created_until: Instant | None = Field(None, description="Created on the channel before then.")


class Changed(BaseModel):
    """`cursor` continues behind the last item; it stays good for what changes later."""

    cursor: str
    more: bool


class Reads:
    """How a route reads: in a thread, from one connection, answered as JSON."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def __call__(self, work: Callable[[Connection], bytes]) -> Response:
        def reading() -> bytes:
            with self._state.runtime.database.read() as connection:
                return work(connection)

        return Response(await self._state.read(reading), media_type=JSON)


def shops_of(query: PageQuery, caller: Caller) -> Collection[str]:
    """The shops to read: those asked for that the key reaches; empty for all. Raises `unknown_channel`."""
    for code in query.channel:
        if code not in CHANNELS:
            raise Problem("unknown_channel", values={"channel": code[:64]})
    return caller.within(query.shop)


def filter_of(query: ChangedQuery, caller: Caller, statuses: Iterable[str], **more: Any) -> Filter:
    """What any list by change is narrowed by."""
    return Filter(
        shops=shops_of(query, caller),
        channels=query.channel,
        statuses=list(statuses),
        updated=(query.updated_since, query.updated_until),
        **more,
    )


def changed(connection: Connection, kind: str, query: PageQuery, wanted: Filter) -> bytes:
    """A page of things in order of their last change."""
    name = f"{kind}s"
    after = _place(cursor.decode(name, query.after)) if query.after else None
    found = items.page(connection, kind, wanted, after=after, limit=query.limit + 1)
    page = found[: query.limit]
    last = page[-1] if page else None
    place = cursor.encode(name, last.changed_at.isoformat(), last.shop_id, last.id) if last else query.after
    end = json.dumps({"cursor": place, "more": len(found) > len(page)})
    return f'{{"items":[{",".join(_text(kind, item) for item in page)}],{end[1:]}'.encode()


def one(connection: Connection, kind: str, caller: Caller, shop: str, identity: str) -> bytes:
    """One thing of a shop. Raises `unknown_{kind}`, also for a shop that the key does not reach."""
    found = items.find(connection, kind, shop, identity) if caller.reaches(shop) else None
    if found is None:
        raise Problem(f"unknown_{kind}", status=404)
    return _text(kind, found).encode()


def texts(place: list[str | int], many: int) -> tuple[str, ...]:
    """The place of a cursor that is so many words. Raises `cursor_invalid`."""
    words = tuple(each for each in place if isinstance(each, str))
    if len(words) != len(place) or len(words) != many:
        raise Problem("cursor_invalid")
    return words


def _place(place: list[str | int]) -> tuple[datetime, str, str]:
    at, shop, identity = texts(place, 3)
    return datetime.fromisoformat(at), shop, identity


def _text(kind: str, item: StoredItem) -> str:
    """The canonical JSON goes in as the text it was stored as."""
    changed_at = item.changed_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return f'{{"{kind}":{item.body},"revision":{item.revision},"changed_at":"{changed_at}"}}'
