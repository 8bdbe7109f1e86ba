"""Receivers in plain text, and the orders of one: asked of the channel, answered once, stored and logged nowhere.

Neither the values searched for nor what a channel says of them ends in a problem.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from math import ceil
from typing import Annotated, Any, Self, TypeVar

from fastapi import APIRouter, Path, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from core.access import KeyScope
from core.channel import Purpose, Recipient, Window
from core.errors import (
    ChannelError,
    ConfigurationError,
    Garbled,
    Malformed,
    NotFound,
    NotYet,
    OutcomeUnknown,
    Throttled,
    Unavailable,
    Unsupported,
)
from core.model import Canonical
from sync import policy, receivers
from sync.wishes import Name
from web.access import Calling, Reason, checked_reason, needs
from web.batches import JSON, read_json, read_one
from web.problems import ItemError, Problem, detail_zh
from web.state import State

R = TypeVar("R")

LONGEST = timedelta(days=92)
AGAIN_SECONDS = 10
"""When to come again to a channel that did not answer, or did not say when its quota is free."""


class RevealRequest(Canonical):
    """What a receiver is needed for. The audit log keeps it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"shop": "douyin:7012345", "purpose": "ship", "reason": "waybill printed by hand"}]
        }
    )

    shop: Name
    purpose: Purpose
    reason: Reason


class SearchRequest(Canonical):
    """Exactly this name or this phone number, among the orders created in the time given."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "shop": "douyin:7012345",
                    "phone": "13800000000",
                    "since": "2026-01-01T00:00:00Z",
                    "until": "2026-01-31T00:00:00Z",
                    "reason": "caller asks where the parcel is",
                }
            ]
        }
    )

    shop: Name
    name: Annotated[str, StringConstraints(max_length=64, strip_whitespace=True)] = Field("", repr=False)
    phone: Annotated[str, StringConstraints(pattern=r"^$|^\+?[0-9-]{4,20}$")] = Field("", repr=False)
    since: AwareDatetime
    until: AwareDatetime
    reason: Reason

    @model_validator(mode="after")
    def _one_value_and_some_time(self) -> Self:
        if bool(self.name) == bool(self.phone):
            raise ValueError("give either name or phone")
        if not timedelta(0) < self.until - self.since <= LONGEST:
            raise ValueError(f"until lies behind since, at most {LONGEST.days} days")
        return self


class Revealed(BaseModel):
    """A receiver in plain text. Keep it no longer than the purpose needs."""

    name: str
    phone: str = Field(description="As it must be printed; a virtual number carries its extension behind `-`.")
    address: str = Field(description="Without the regions that the order names in plain text.")
    virtual: bool = Field(description="The phone is a number of the channel's own that works for a while.")
    expires_at: datetime | None = Field(description="When a virtual number ends, where the channel says.")


class Found(BaseModel):
    """Ids of orders; read them with `GET /v1/orders/{id}`. One that is not here yet comes with its push or poll."""

    orders: list[str] = Field(examples=[["6920000000000000001"]])


BODIES: tuple[type[BaseModel], ...] = (RevealRequest, SearchRequest)
"""Read by hand, so the description of the API has to be told of them."""
OrderId = Annotated[str, Path(pattern=r"^[!-~]{1,128}$", examples=["6920000000000000001"])]


def _documented(scope: KeyScope, body: type[BaseModel], answer: type[BaseModel]) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{body.__name__}"}
    return {
        "dependencies": [needs(scope)],
        "response_model": None,
        "responses": {200: {"model": answer}},
        "openapi_extra": {"requestBody": {"required": True, "content": {JSON: {"schema": schema}}}},
    }


def routes(state: State) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["receivers"])

    @router.post(
        "/orders/{order_id}/receiver:reveal", **_documented(KeyScope.RECEIVERS_REVEAL, RevealRequest, Revealed)
    )
    async def reveal(order_id: OrderId, request: Request, caller: Calling) -> Response:
        """The receiver of an order in plain text, from the channel, within its quota. Written into the audit log."""
        [wanted] = read_one(RevealRequest, await read_json(request)).good.values()
        reason = checked_reason(wanted.reason)
        if not caller.reaches(wanted.shop):
            raise Problem("unknown_shop")

        def ask() -> Recipient:
            return receivers.reveal(state.runtime, wanted.shop, order_id, wanted.purpose, by=caller.id, reason=reason)

        found = await _asked(ask)
        shown = Revealed.model_validate(found, from_attributes=True)
        return _once(shown)

    @router.post("/receivers:search", **_documented(KeyScope.RECEIVERS_SEARCH, SearchRequest, Found))
    async def search(request: Request, caller: Calling) -> Response:
        """The orders of a receiver, by exact name or phone, as the channel finds them. Written into the audit log."""
        [wanted] = read_one(SearchRequest, await read_json(request)).good.values()
        reason = checked_reason(wanted.reason)
        if not caller.reaches(wanted.shop):
            raise Problem("unknown_shop")
        window = Window(wanted.since, wanted.until)

        def ask() -> list[str]:
            who = {"name": wanted.name, "phone": wanted.phone}
            return receivers.search(state.runtime, wanted.shop, window, **who, by=caller.id, reason=reason)

        return _once(Found(orders=await _asked(ask)))

    return router


def _once(shown: BaseModel) -> Response:
    return Response(shown.model_dump_json(), 200, {"Cache-Control": "no-store"}, JSON)


async def _asked(ask: Callable[[], R]) -> R:
    """In a thread of its own kind: a channel may take its time, and no reader of the API waits for it."""
    try:
        return await asyncio.to_thread(ask)
    except ConfigurationError:
        raise Problem("unknown_shop") from None
    except ChannelError as error:
        raise _problem(error) from None


def _problem(error: ChannelError) -> Problem:
    """What a channel's no means to the caller. Its own words may repeat what was searched for: its codes are told."""
    if isinstance(error, NotFound) and not error.channel:
        return Problem("unknown_order")
    if isinstance(error, Unsupported):
        return Problem("not_supported_here")
    if isinstance(error, Throttled):
        return Problem("channel_throttled", headers={"Retry-After": str(ceil(error.retry_after or AGAIN_SECONDS))})
    if isinstance(error, Unavailable | OutcomeUnknown | Garbled | Malformed | NotYet):
        wait = str(ceil(error.retry_after or AGAIN_SECONDS))
        return Problem("channel_unavailable", headers={"Retry-After": wait})
    codes = "/".join(part for part in (error.code, error.sub_code) if part) or "none"
    words = f"the channel's code is {codes}"
    why = ItemError(pointer="", code=policy.code(error), detail=words, detail_zh=detail_zh("channel_refused"))
    return Problem("channel_refused", errors=[why])
