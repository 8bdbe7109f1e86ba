"""`GET /v1/snapshot`: everything that is, and the place in the feed behind which everything comes that it is not."""

import json
from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from core.access import Caller, KeyScope
from core.db import feed, feed_end, snapshots
from core.db.items import StoredItem
from core.model import AfterSale, Listing, Order
from core.status import AFTER_SALE_OVER, ORDER_OVER, AfterSaleStage, OrderStatus, Shelf
from sync.envelope import instant_text
from web import cursor
from web.access import Calling, needs
from web.batches import JSON
from web.feed import Places, places
from web.problems import Problem
from web.state import State

LIST = "snapshot"
_EXAMPLE = cursor.encode("feed", 1042)


class Kind(StrEnum):
    """What there are snapshots of."""

    ORDER = "order"
    AFTER_SALE = "after_sale"
    LISTING = "listing"


_OVER: dict[Kind, Collection[str]] = {
    Kind.ORDER: ORDER_OVER,
    Kind.AFTER_SALE: AFTER_SALE_OVER,
    Kind.LISTING: {Shelf.DELETED},
}
_WORDS: dict[Kind, type[StrEnum]] = {Kind.ORDER: OrderStatus, Kind.AFTER_SALE: AfterSaleStage, Kind.LISTING: Shelf}
OPEN = "open"
"""The word for every status from which something is still to come."""


class SnapshotQuery(Places):
    """Of what, and which page."""

    kind: Kind
    status: list[Annotated[str, Field(max_length=32)]] = Field(
        [],
        max_length=20,
        description="Only these: statuses of orders, stages of after-sales, shelves of listings; `open` means all but "
        "those that are over.",
        examples=[["open"]],
    )
    after: str = Field("", max_length=800, description="The cursor of the page before; empty: the first page.")
    limit: int = Field(100, ge=1, le=500)


class SnapshotItem(BaseModel):
    """One of the three, by its kind, as the feed's newest event about it showed it."""

    order: Order | None = None
    after_sale: AfterSale | None = None
    listing: Listing | None = None
    revision: int = Field(description="That of its events: one that is not greater tells nothing new.", examples=[3])
    changed_at: datetime


class SnapshotPage(BaseModel):
    """When `more` is false, go on with `GET /v1/feed?after=` the `feed` cursor."""

    items: list[SnapshotItem]
    cursor: str = Field(description="For the next page.")
    more: bool
    feed: str = Field(description="Where the feed stood before the first page was read.", examples=[_EXAMPLE])


def routes(state: State) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["feed"])

    @router.get(
        "/snapshot",
        dependencies=[needs(KeyScope.FEED_READ)],
        response_model=None,
        responses={200: {"model": SnapshotPage}},
    )
    async def read_snapshot(query: Annotated[SnapshotQuery, Query()], caller: Calling) -> Response:
        """Read everything of a kind, and from where to follow the feed afterwards.

        Ask page by page until `more` is false, with the same filters; then read the feed from `feed`. Nothing is
        missed: what changed while the pages were read is in the feed behind that place. What comes twice has a
        `revision` that is not greater.
        """

        def read() -> str:
            with state.runtime.database.read() as connection:
                return _page(connection, query, caller)

        return Response(await state.read(read), media_type=JSON)

    return router


def _page(connection: Connection, query: SnapshotQuery, caller: Caller) -> str:
    """The end of the feed is read before the items."""
    shops, channels = places(query, caller)
    statuses = _statuses(query.kind, query.status)
    position, after = _place(query) if query.after else (feed.head(connection), ("", ""))
    items, last, more = snapshots.page(
        connection,
        query.kind.value,
        after=after,
        limit=query.limit,
        statuses=statuses,
        shops=shops,
        channels=channels,
    )
    if position < feed_end.end(connection).expired:
        raise Problem("cursor_expired")
    end = {
        "cursor": cursor.encode(LIST, query.kind.value, position, *last),
        "more": more,
        "feed": cursor.encode("feed", position),
    }
    return f'{{"items":[{",".join(_text(query.kind, item) for item in items)}],{json.dumps(end)[1:]}'


def _place(query: SnapshotQuery) -> tuple[int, tuple[str, str]]:
    match cursor.decode(LIST, query.after):
        case [query.kind.value, int(position), str(shop), str(identity)] if (
            position >= 0 and "\0" not in shop + identity
        ):
            return position, (shop, identity)
    raise Problem("cursor_invalid")


def _statuses(kind: Kind, asked: list[str]) -> list[str]:
    """Raises `unknown_status` for a word that this kind does not have."""
    words = [each.value for each in _WORDS[kind]]
    if not {*asked} <= {OPEN, *words}:
        raise Problem("unknown_status", values={"kind": kind.value, "statuses": ", ".join((OPEN, *words))})
    still_open = {word for word in words if word not in _OVER[kind]} if OPEN in asked else set()
    return sorted(still_open | ({*asked} - {OPEN}))


def _text(kind: Kind, item: StoredItem) -> str:
    changed_at = instant_text(item.changed_at)
    return f'{{"{kind.value}":{item.body},"revision":{item.revision},"changed_at":"{changed_at}"}}'
