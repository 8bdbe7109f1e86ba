"""What /v1/subscriptions takes and answers."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from core.db.deliveries import State as DeliveryState
from core.db.subscriptions import State as SubscriptionState
from core.model import Canonical
from sync.envelope import TYPE_PREFIX
from sync.subscriptions import Shown, View
from sync.webhook_targets import LONGEST_URL
from web.feed import Name, TypeName

OLD_SECRET_HOURS = 24

Url = Annotated[str, StringConstraints(min_length=8, max_length=LONGEST_URL, pattern=r"^https?://[^\s\x00]+$")]


class SubscriptionBody(Canonical):
    """Where to send, and what. An empty filter means everything."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": False})

    url: Url = Field(description="https, on the public internet.", examples=["https://erp.example/hooks/qudao"])
    type: tuple[TypeName, ...] = Field((), max_length=50, examples=[["order.*", "after_sale.*"]])
    shop: tuple[Name, ...] = Field((), max_length=200, description="Empty: every shop of the key.")
    channel: tuple[Name, ...] = Field((), max_length=20)


class SubscriptionChange(Canonical):
    """What shall be otherwise; what is left out or null stays."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": False})

    url: Url | None = Field(None, examples=["https://erp.example/hooks/qudao"])
    type: tuple[TypeName, ...] | None = Field(None, max_length=50, examples=[["order.*"]])
    shop: tuple[Name, ...] | None = Field(None, max_length=200)
    channel: tuple[Name, ...] | None = Field(None, max_length=20)


class RecoverBody(Canonical):
    """Since when."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": False})

    since: AwareDatetime = Field(examples=["2026-01-01T00:00:00Z"])


class SubscriptionItem(BaseModel):
    """A subscription and how it fares."""

    id: str = Field(examples=["sub_5f0c9a1e7d3b2c4a6e8f0a1b"])
    url: str = Field(examples=["https://erp.example/hooks/qudao"])
    type: list[str] = Field(examples=[["qudao.order.*"]])
    shop: list[str]
    channel: list[str]
    state: SubscriptionState = Field(description="`disabled`: it does not answer; resume it once it does.")
    reason: str = Field(description="Why it is disabled.", examples=[""])
    waiting: int = Field(description="Deliveries that are still to be sent.")
    failed: int = Field(description="Deliveries that were given up.")
    behind: int = Field(description="Positions of the feed that it has not come to yet.")
    failing_since: datetime | None = Field(description="Since when every try failed.")
    delivered_at: datetime | None = Field(description="When the last delivery succeeded.")
    previous_secret_until: datetime | None = Field(description="Until when the secret before is valid as well.")
    created_at: datetime


class NewSubscription(SubscriptionItem):
    """A subscription just made. Its secret is shown this once."""

    secret: str = Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="])


class SubscriptionList(BaseModel):
    """All subscriptions that the key may see, the oldest first."""

    items: list[SubscriptionItem]


class NewSecret(BaseModel):
    """A new secret, shown this once. Until then calls are signed with the one before as well."""

    secret: str = Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="])
    previous_secret_until: datetime


class TestEvent(BaseModel):
    """The event that was put into the feed for this subscription."""

    event_id: str = Field(examples=["subscription.test//sub_5f0c9a1e7d3b2c4a6e8f0a1b/1"])


class Recovered(BaseModel):
    """How many failed or skipped deliveries are due again. Events that never became a delivery follow by themselves."""

    again: int


class AttemptItem(BaseModel):
    """One call. `error`: `status`, `redirect`, `timeout`, `unreachable`, `unresolved`, `tls`, `target_refused`,
    `broken_off`; empty when it succeeded.
    """

    at: datetime
    status: int | None = Field(description="Null when there was no answer.", examples=[503])
    ms: int
    error: str = Field(examples=["status"])
    response: str = Field(description="How the answer's body began, 1,024 bytes at most.")


class DeliveryItem(BaseModel):
    """An event for the subscription, with every call."""

    id: str = Field(examples=["1042"])
    event_id: str = Field(examples=["order.updated/douyin:7012345/6920000000000000001/3"])
    position: str = Field(description="The event's place in the feed.", examples=["1042"])
    state: DeliveryState
    tries: int = Field(description="Failures of the present schedule.")
    next_try_at: datetime | None = Field(
        description="Null when it is settled, or waits for an earlier event of the same object."
    )
    created_at: datetime
    settled_at: datetime | None
    attempts: list[AttemptItem]


class DeliveryPage(BaseModel):
    """Deliveries, the newest events first."""

    items: list[DeliveryItem]
    cursor: str = Field(description="Send it as `after` for the next page.")
    more: bool


class RotateQuery(BaseModel):
    """How long the old secret lives."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep_hours: int = Field(OLD_SECRET_HOURS, ge=0, le=168, description="How long the secret before stays valid.")


class ResumeQuery(BaseModel):
    """Where to go on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    skip: bool = Field(False, description="Skip what waits and go on with what comes; it can be recovered later.")


class DeliveryQuery(BaseModel):
    """Which deliveries."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: DeliveryState | None = None
    after: str = Field("", max_length=400, description="The cursor of the page before; empty: from the newest.")
    limit: int = Field(50, ge=1, le=100)


def item_of(view: View) -> SubscriptionItem:
    row = view.row
    return SubscriptionItem(
        id=row.id,
        url=row.url,
        type=[TYPE_PREFIX + name for name in row.types],
        shop=list(row.shops),
        channel=list(row.channels),
        state=row.state,
        reason=row.reason,
        waiting=view.waiting,
        failed=view.failed,
        behind=view.behind,
        failing_since=row.failing_since,
        delivered_at=row.delivered_at,
        previous_secret_until=row.previous_until,
        created_at=row.created_at,
    )


def delivery_of(shown: Shown) -> DeliveryItem:
    row = shown.delivery
    return DeliveryItem(
        id=str(row.id),
        event_id=row.event_id,
        position=str(row.position),
        state=row.state,
        tries=row.tries,
        next_try_at=row.not_before,
        created_at=row.created_at,
        settled_at=row.settled_at,
        attempts=[
            AttemptItem(
                at=each.at,
                status=each.status,
                ms=each.ms,
                error=each.error,
                response=each.response.decode(errors="replace"),
            )
            for each in shown.attempts
        ],
    )
