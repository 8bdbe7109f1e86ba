"""What a decision does: its row, the wish it holds, frees or gives up, and the event that tells of it."""

import base64
import json
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from core.conflict import PERSONAL, Decision, Field, Outcome, Policy
from core.crypto import Vault
from core.db import conflicts, feed, intents
from core.db.conflicts import DecisionRow
from core.db.intents import CONFLICT, Intent
from core.db.lanes import Kind, Lane

KINDS = {
    Field.STOCK: Kind.STOCK,
    Field.PRICE: Kind.PRICE,
    Field.SHELF: Kind.SHELF,
    Field.TRACKING: Kind.SHIP,
    Field.MEMO: Kind.MEMO,
    Field.ADDRESS: Kind.ADDRESS,
}
"""Field → the lane, and kind of intent, that carries ours."""

TOLD = {Field.STOCK, Field.PRICE}
"""Fields whose adopted value has an event of its own; the others are in `order.updated` or `listing.updated`."""


@dataclass
class Considered:
    """What came of readings. `outcomes`: object → agreed, push, adopt, ask, wait (judged later) or stale (changes
    nothing). The caller appends `events` last in its transaction and rings `lanes` after it.
    """

    outcomes: dict[str, str] = field(default_factory=dict)
    decisions: dict[str, int] = field(default_factory=dict)
    """Object → its decision row, where there was something to decide."""
    events: list[feed.Event] = field(default_factory=list)
    lanes: set[Lane] = field(default_factory=set)

    def add(self, other: "Considered") -> None:
        self.outcomes |= other.outcomes
        self.decisions |= other.decisions
        self.events += other.events
        self.lanes |= other.lanes


@dataclass(frozen=True)
class Case:
    """What was compared; values as they are kept, so sealed where personal. `intent` is the wish about it, if any."""

    shop_id: str
    field: Field
    object_id: str
    base: str
    ours: str | None
    theirs: str
    policy: Policy
    intent: Intent | None = None


def carry_out(
    connection: Connection,
    case: Case,
    made: Decision,
    opened: DecisionRow | None,
    *,
    ours_at: datetime | None,
    theirs_at: datetime,
    now: datetime,
) -> Considered:
    """Writes a decision and does what it says to the wish; `opened` is the open one about the same, which it replaces.
    What both sides agree on is no decision.
    """
    done = Considered({case.object_id: made.outcome.value})
    item = case.intent
    if opened is not None:
        conflicts.supersede(connection, opened.id, now)
        done.events.append(event_of(opened, "conflict.resolved", now, resolution="superseded"))
    if item is not None and _held(item) and made.outcome in (Outcome.AGREED, Outcome.PUSH):
        intents.retry(connection, item.id, now)
        done.lanes.add(Lane(case.shop_id, KINDS[case.field]))
    if made.outcome is Outcome.AGREED or made.rule == "only_ours":
        return done
    row = _write(connection, case, made, ours_at, theirs_at, now)
    done.decisions[case.object_id] = row.id
    if made.outcome is Outcome.ADOPT:
        if item is not None:
            intents.adopted(connection, item, made.reason, now)
        done.events += adopted(row, now)
    if made.outcome is Outcome.ASK:
        if item is not None and case.ours is not None:
            hold(connection, row, item, now)
        done.events.append(event_of(row, "conflict.opened", now))
    return done


def hold(connection: Connection, opened: DecisionRow, item: Intent, now: datetime) -> None:
    """A wish waits for a person. When the ERP wants something new meanwhile, that is what the person decides about."""
    ours = json.loads(item.wanted) if opened.field == Field.MEMO else item.wanted
    if opened.field != Field.TRACKING and ours != opened.ours:
        conflicts.wants_now(connection, opened.id, item.id, ours, item.changed_at)
    words = f"{opened.reason}; `qudao conflicts resolve {opened.id} ours` or `theirs` decides"
    intents.park(connection, item, CONFLICT, words, now)


def _held(item: Intent) -> bool:
    return item.state == "parked" and item.reason_code == CONFLICT


def _write(
    connection: Connection, case: Case, made: Decision, ours_at: datetime | None, theirs_at: datetime, now: datetime
) -> DecisionRow:
    identity = conflicts.write(
        connection,
        case.shop_id,
        case.field,
        case.object_id,
        values=(case.base, case.ours or "", case.theirs),
        policy=case.policy,
        made=made,
        intent_id=case.intent.id if case.intent is not None and case.ours is not None else None,
        ours_at=ours_at,
        theirs_at=theirs_at,
        now=now,
    )
    return conflicts.get(connection, identity)


def adopted(row: DecisionRow, now: datetime) -> list[feed.Event]:
    """Tells that the channel's value stands, where no other event does: of a memo or shelf, that ours was given up for
    it.
    """
    told = Field(row.field) in TOLD or (row.field in (Field.MEMO, Field.SHELF) and row.ours)
    return [event_of(row, f"{row.field}.adopted", now)] if told else []


def event_of(row: DecisionRow, name: str, now: datetime, **more: object) -> feed.Event:
    """An event about a decision. Values of personal fields stay where they are."""
    data: dict[str, object] = {"decision": row.id, "field": row.field, **_named(row), **more}
    if Field(row.field) not in PERSONAL:
        data |= {"before": _value(row, row.base), "after": _value(row, row.theirs), "wanted": _value(row, row.ours)}
    data |= {"policy": row.policy, "rule": row.rule, "reason": row.reason, "intent": row.intent_id}
    text = json.dumps(data, ensure_ascii=False)
    return feed.Event(name, row.shop_id, row.object_id, row.id, now, text)


def _named(row: DecisionRow) -> dict[str, str]:
    if row.field in (Field.STOCK, Field.PRICE):
        return dict(zip(("listing_id", "sku_id"), listing_and_sku(row.object_id), strict=True))
    return {"listing_id" if row.field == Field.SHELF else "order_id": row.object_id}


def _value(row: DecisionRow, value: str) -> object:
    if not value:
        return None
    if row.field in (Field.STOCK, Field.PRICE):
        return json.loads(value)
    return value.split(",") if row.field == Field.TRACKING else value


def listing_and_sku(object_id: str) -> tuple[str, str]:
    """The two ids that name a listing SKU within a shop."""
    listing_id, _, sku_id = object_id.partition("/")
    return listing_id, sku_id


def sealed(vault: Vault, field: Field, shop_id: str, object_id: str, value: str) -> str:
    """A value as it is kept: that of a personal field encrypted."""
    if field not in PERSONAL or not value:
        return value
    return base64.b64encode(vault.seal(value.encode(), "decision", field.value, f"{shop_id}/{object_id}")).decode()


def unsealed(vault: Vault, field: Field, shop_id: str, object_id: str, kept: str) -> str:
    """The value that `sealed` kept."""
    if field not in PERSONAL or not kept:
        return kept
    return vault.open(base64.b64decode(kept), "decision", field.value, f"{shop_id}/{object_id}").decode()
