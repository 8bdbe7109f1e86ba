"""`GET /v1/reports/orders.csv`: orders as a table to take away, watermarked and noted in the audit log."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import StreamingResponse

from core.access import KeyScope
from core.db.items import Filter
from sync import reports
from web.access import Calling, Reason, checked_reason, needs
from web.feed import Instant, Name
from web.state import State

CSV = "text/csv"


class ReportQuery(BaseModel):
    """Which orders, and what for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Reason = Field(
        description="What for; goes into the audit log, so it names nobody.",
        examples=["monthly statement"],
    )
    created_since: Instant | None = Field(None, description="Created on the channel then or later.")
    created_until: Instant | None = Field(None, description="Created on the channel before then.")
    shop: list[Name] = Field([], max_length=200, description="Only these shops.", examples=[["douyin:7012345"]])


def routes(state: State) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["reading"])

    @router.get(
        "/reports/orders.csv",
        dependencies=[needs(KeyScope.ORDERS_READ)],
        response_class=StreamingResponse,
        responses={200: {"content": {CSV: {"schema": {"type": "string"}}}, "description": "The table, header first."}},
    )
    async def report_orders(query: Annotated[ReportQuery, Query()], caller: Calling) -> StreamingResponse:
        """Take orders away as CSV. Receivers are masked; each row names the key, the time and the row of the audit log
        that it was taken under."""
        wanted = Filter(shops=caller.within(query.shop), created=(query.created_since, query.created_until))
        reason = checked_reason(query.reason)
        parts = await state.write(reports.orders, state.runtime, wanted, key=caller.id, reason=reason)
        headers = {"Content-Disposition": 'attachment; filename="orders.csv"', "Cache-Control": "no-store"}
        return StreamingResponse(parts, media_type=CSV, headers=headers)

    return router
