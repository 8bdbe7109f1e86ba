"""`/v1/subscriptions`: addresses that are sent the feed as signed webhooks, and the log of what was sent.

Lives here: the routes. Does not: bodies and answers (web/subscription_bodies.py), what is asked
(sync/subscriptions.py), who sends (sync/webhooks.py).
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel

from core.access import KeyScope
from core.db.subscriptions import Wanted
from core.errors import QudaoError
from sync import subscriptions as asked
from sync.subscriptions import Shown
from sync.webhook_targets import Refused
from web import cursor
from web.access import Calling, needs
from web.batches import JSON, read_json, read_one
from web.paths import SUBSCRIPTION
from web.problems import Problem
from web.state import State
from web.subscription_bodies import (
    DeliveryItem,
    DeliveryPage,
    DeliveryQuery,
    NewSecret,
    NewSubscription,
    RecoverBody,
    Recovered,
    ResumeQuery,
    RotateQuery,
    SubscriptionBody,
    SubscriptionChange,
    SubscriptionItem,
    SubscriptionList,
    TestEvent,
    delivery_of,
    item_of,
)

R = TypeVar("R")

LIST = "deliveries"
"""The name of its cursors."""

ONE = f"/{SUBSCRIPTION}"
SubscriptionId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_]{1,64}$", examples=["sub_5f0c9a1e7d3b2c4a6e8f0a1b"])]
DeliveryId = Annotated[str, Path(pattern=r"^[0-9]{1,18}$", examples=["1042"])]


class _Door:
    """Runs what is asked in a thread, and turns its refusals into problems."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.runtime = state.runtime

    async def write(self, work: Callable[[], R]) -> R:
        return await self._told(self._state.write, work)

    async def read(self, work: Callable[[], R]) -> R:
        return await self._told(self._state.read, work)

    async def _told(self, run: Any, work: Callable[[], R]) -> R:
        try:
            found: R = await run(work)
        except QudaoError as error:
            problem = _problem(error)
            if problem is None:
                raise
            raise problem from None
        return found

    async def judge(self, url: str) -> None:
        """Raises `target_refused`."""
        try:
            await asked.targets(self.runtime).check(url)
        except Refused as refused:
            raise Problem("target_refused", values={"reason": str(refused)}) from None


def routes(state: State) -> APIRouter:
    router = APIRouter(
        prefix="/v1/subscriptions", tags=["subscriptions"], dependencies=[needs(KeyScope.SUBSCRIPTIONS_WRITE)]
    )
    door = _Door(state)
    _themselves(router, door)
    _state_routes(router, door)
    _delivery_routes(router, door)
    return router


def _themselves(router: APIRouter, door: _Door) -> None:
    runtime = door.runtime

    @router.post("", status_code=201, openapi_extra=_documented(SubscriptionBody))
    async def create_subscription(request: Request, caller: Calling) -> NewSubscription:
        """Subscribe to what comes from now on. Store the secret: it is shown this once.

        Each event is sent as `POST` with the CloudEvent that the feed has for it, signed after Standard Webhooks. See
        `:recover` for what was before.
        """
        body = read_one(SubscriptionBody, await read_json(request)).good[0]
        await door.judge(body.url)
        wanted = Wanted(body.url, body.type, body.shop, body.channel)
        view, secret = await door.write(lambda: asked.add(runtime, wanted, caller.shops))
        return NewSubscription(**item_of(view).model_dump(), secret=secret.plain)

    @router.get("")
    async def list_subscriptions(caller: Calling) -> SubscriptionList:
        """List the subscriptions and how they fare."""
        views = await door.read(lambda: asked.every(runtime, caller.shops))
        return SubscriptionList(items=[item_of(view) for view in views])

    @router.get(ONE)
    async def read_subscription(subscription_id: SubscriptionId, caller: Calling) -> SubscriptionItem:
        """Read one subscription."""
        return item_of(await door.read(lambda: asked.show(runtime, subscription_id, caller.shops)))

    @router.patch(ONE, openapi_extra=_documented(SubscriptionChange))
    async def change_subscription(
        subscription_id: SubscriptionId, request: Request, caller: Calling
    ) -> SubscriptionItem:
        """Change the address or the filters. They count for events that have no delivery yet."""
        body = read_one(SubscriptionChange, await read_json(request)).good[0]
        row = (await door.read(lambda: asked.show(runtime, subscription_id, caller.shops))).row
        if body.url is not None:
            await door.judge(body.url)
        wanted = Wanted(
            body.url or row.url,
            row.types if body.type is None else body.type,
            row.shops if body.shop is None else body.shop,
            row.channels if body.channel is None else body.channel,
        )
        return item_of(await door.write(lambda: asked.change(runtime, subscription_id, wanted, caller.shops)))

    @router.delete(ONE, status_code=204)
    async def delete_subscription(subscription_id: SubscriptionId, caller: Calling) -> None:
        """Remove a subscription with its log and everything that was still to be sent."""
        await door.write(lambda: asked.remove(runtime, subscription_id, caller.shops))


def _state_routes(router: APIRouter, door: _Door) -> None:
    runtime = door.runtime

    @router.post(ONE + "/secret:rotate")
    async def rotate_secret(
        subscription_id: SubscriptionId, query: Annotated[RotateQuery, Query()], caller: Calling
    ) -> NewSecret:
        """Make a new secret. For a while every call carries two signatures, so that nobody has to hurry."""
        keep = timedelta(hours=query.keep_hours)
        secret, until = await door.write(lambda: asked.rotate(runtime, subscription_id, keep, caller.shops))
        return NewSecret(secret=secret.plain, previous_secret_until=until)

    @router.post(ONE + "/test")
    async def send_test(subscription_id: SubscriptionId, caller: Calling) -> TestEvent:
        """Send a `subscription.test` event the way every event goes. The deliveries show what came of it."""
        event_id = await door.write(lambda: asked.send_test(runtime, subscription_id, caller.shops))
        return TestEvent(event_id=event_id)

    @router.post(ONE + ":pause")
    async def pause(subscription_id: SubscriptionId, caller: Calling) -> SubscriptionItem:
        """Send nothing until it is resumed. Nothing is lost."""
        return item_of(await door.write(lambda: asked.pause(runtime, subscription_id, caller.shops)))

    @router.post(ONE + ":resume")
    async def resume(
        subscription_id: SubscriptionId, query: Annotated[ResumeQuery, Query()], caller: Calling
    ) -> SubscriptionItem:
        """Go on where it stopped, also after it was disabled."""
        return item_of(await door.write(lambda: asked.resume(runtime, subscription_id, caller.shops, skip=query.skip)))

    @router.post(ONE + ":recover", openapi_extra=_documented(RecoverBody))
    async def recover(subscription_id: SubscriptionId, request: Request, caller: Calling) -> Recovered:
        """Send again what failed or was skipped since then, and what never became a delivery."""
        since = read_one(RecoverBody, await read_json(request)).good[0].since
        again = await door.write(lambda: asked.recover(runtime, subscription_id, since, caller.shops))
        return Recovered(again=again)


def _delivery_routes(router: APIRouter, door: _Door) -> None:
    runtime = door.runtime

    @router.get(ONE + "/deliveries")
    async def list_deliveries(
        subscription_id: SubscriptionId, query: Annotated[DeliveryQuery, Query()], caller: Calling
    ) -> DeliveryPage:
        """List what was sent and is to be sent, with every call and how its answer began."""
        before = cursor.number(LIST, query.after) if query.after else None
        page = {"state": query.state, "before": before, "limit": query.limit + 1}
        found: Sequence[Shown] = await door.read(
            lambda: asked.show_deliveries(runtime, subscription_id, caller.shops, **page)  # type: ignore[arg-type]
        )
        items = [delivery_of(shown) for shown in found[: query.limit]]
        place = cursor.encode(LIST, int(items[-1].position)) if items else query.after
        return DeliveryPage(items=items, cursor=place, more=len(found) > query.limit)

    @router.post(ONE + "/deliveries/{delivery_id}:resend")
    async def resend(subscription_id: SubscriptionId, delivery_id: DeliveryId, caller: Calling) -> DeliveryItem:
        """Send one delivery again, whatever became of it; later ones of its object that still wait come after it."""
        number = int(delivery_id)
        return delivery_of(await door.write(lambda: asked.resend(runtime, subscription_id, number, caller.shops)))


def _problem(error: QudaoError) -> Problem | None:
    match error:
        case asked.UnknownSubscription():
            return Problem("unknown_subscription")
        case asked.UnknownDelivery():
            return Problem("unknown_delivery")
        case asked.Inactive():
            return Problem("subscription_inactive")
        case asked.TooLongAgo(days=days):
            return Problem("too_long_ago", values={"days": f"{days:g}"})
        case asked.UnknownFilter(code=code, value=value):
            name = "type" if code == "event_type" else code
            return Problem(f"unknown_{code}", status=422, values={name: value[:64]})
    return None


def _documented(body: type[BaseModel]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {JSON: {"schema": body.model_json_schema()}}}}
