"""`GET /v1/audit`: who used what needs a reason, and who was refused. Reading it is written into it."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from core.access import Caller, KeyScope
from core.db import audit
from web import cursor
from web.access import Calling, needs
from web.feed import Instant
from web.state import State

Word = Annotated[str, Field(max_length=64, pattern=r"^[\x21-\x7e]*$")]


class AuditQuery(BaseModel):
    """Which rows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: str = Field("", max_length=400, description="The cursor of the page before; empty: from the start.")
    limit: int = Field(100, ge=1, le=500)
    since: Instant | None = Field(None, description="Only what happened since then.")
    key: Word = Field("", description="Only by this key, or `cli`.", examples=["qk_3f9aK2xB"])
    action: Word = Field("", description="Only this scope or command.", examples=["receivers:reveal"])


class AuditItem(BaseModel):
    """One row of the book."""

    at: datetime
    key: str = Field(description="The visible beginning of the key, or `cli`.", examples=["qk_3f9aK2xB"])
    action: str = Field(description="A scope, or a command.", examples=["receivers:reveal"])
    outcome: Literal["allowed", "refused"]
    shop: str = Field(examples=["douyin:7012345"])
    object: str = Field(description="What it was done to.", examples=["6920000000000000001"])
    purpose: str = Field(examples=["ship"])
    reason: str = Field(description="In the caller's words.", examples=["the courier asks for the door"])
    times: int = Field(description="How often the same was refused within a minute; else 1.", examples=[1])


class AuditPage(BaseModel):
    """Oldest first. `cursor` continues behind the last item; it stays good for what is added later."""

    items: list[AuditItem]
    cursor: str
    more: bool


def routes(state: State) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["audit"])

    @router.get("/audit", dependencies=[needs(KeyScope.AUDIT_READ)])
    async def read_audit(query: Annotated[AuditQuery, Query()], caller: Calling) -> AuditPage:
        """Read the audit log. The reading becomes a row of its own, which the next page shows."""

        def read() -> AuditPage:
            with state.runtime.database.write() as connection:
                page = _page(connection, query, caller)
                audit.write(connection, at=state.runtime.clock.now(), key=caller.id, action=KeyScope.AUDIT_READ.value)
                return page

        return await state.write(read)

    return router


def _page(connection: Connection, query: AuditQuery, caller: Caller) -> AuditPage:
    found = audit.page(
        connection,
        after=cursor.number("audit", query.after) if query.after else 0,
        since=query.since,
        key=query.key,
        action=query.action,
        shops=caller.shops,
        limit=query.limit + 1,
    )
    page = found[: query.limit]
    return AuditPage(
        items=[
            AuditItem(
                at=row.at,
                key=row.key,
                action=row.action,
                outcome="refused" if row.outcome == audit.Outcome.REFUSED else "allowed",
                shop=row.shop_id,
                object=row.object_id,
                purpose=row.purpose,
                reason=row.reason,
                times=row.times,
            )
            for row in page
        ],
        cursor=cursor.encode("audit", page[-1].id) if page else query.after,
        more=len(found) > len(page),
    )
