"""What both sides of a field stand on, what was decided when they did not, and whose word counts.

Values are text as in `core.conflict`; those of personal fields arrive here sealed.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from core.conflict import DEFAULTS, Decision, Field, Outcome, Policy
from core.db.tables import agreed, decision, policy, watermark
from core.db.upsert import upsert
from core.errors import ConfigurationError


@dataclass(frozen=True)
class Reading:
    """What the channel showed of an object between `since` (asked) and `at` (here). `held` as in `StockLevel`."""

    object_id: str
    value: str
    since: datetime
    at: datetime
    held: int | None = None


@dataclass(frozen=True)
class Agreed:
    """The base of a field, with the reading that waits to be judged, if any."""

    field: str
    object_id: str
    value: str
    since: datetime
    at: datetime
    source: str
    seen: Reading | None


@dataclass(frozen=True)
class DecisionRow:
    """A decision with its inputs. `ours` is empty when the ERP wanted nothing beyond base."""

    id: int
    shop_id: str
    field: str
    object_id: str
    base: str
    ours: str
    theirs: str
    policy: str
    outcome: str
    rule: str
    reason: str
    state: str
    intent_id: int | None
    ours_at: datetime | None
    theirs_at: datetime
    at: datetime
    resolved_at: datetime | None
    resolution: str
    by: str
    note: str


_DECISION = [decision.c[name] for name in DecisionRow.__dataclass_fields__]
# Made once: making a statement costs more than running it, and these run for every reading that comes in.
_SHOP = sa.bindparam("of_shop", type_=sa.Text)
_FIELD = sa.bindparam("of_field", type_=sa.Text)
_IDS = sa.bindparam("ids", type_=sa.Text, expanding=True)
_BASES = sa.select(agreed).where(agreed.c.shop_id == _SHOP, agreed.c.field == _FIELD, agreed.c.object_id.in_(_IDS))
_OPEN = sa.select(*_DECISION).where(
    decision.c.shop_id == _SHOP,
    decision.c.field == _FIELD,
    decision.c.object_id.in_(_IDS),
    decision.c.state == "open",
)
_COMPLETE_THROUGH = sa.select(watermark.c.complete_through).where(
    watermark.c.shop_id == _SHOP, watermark.c.stream == "orders"
)
_POLICIES = sa.select(policy).where(policy.c.shop_id.in_(("", _SHOP))).order_by(policy.c.shop_id)


def bases(connection: Connection, shop_id: str, field: Field, object_ids: Collection[str]) -> dict[str, Agreed]:
    """Object → its base; what was never seen is left out."""
    named = {"of_shop": shop_id, "of_field": field.value}
    return {
        row.object_id: _agreed(row)
        for some in _parts(object_ids)
        for row in connection.execute(_BASES, {**named, "ids": some})
    }


def waiting(
    connection: Connection, shop_id: str, field: Field | None = None, object_ids: Collection[str] = ()
) -> list[Agreed]:
    """Bases with a reading that waits to be judged, in order of field and object."""
    query = sa.select(agreed).where(agreed.c.shop_id == shop_id, agreed.c.seen_at.is_not(None))
    if field is not None:
        query = query.where(agreed.c.field == field.value)
    if object_ids:
        query = query.where(agreed.c.object_id.in_(object_ids))
    return [_agreed(row) for row in connection.execute(query.order_by(agreed.c.field, agreed.c.object_id))]


def agree(
    connection: Connection,
    shop_id: str,
    field: Field,
    values: Mapping[str, str],
    since: datetime,
    at: datetime,
    source: str,
) -> None:
    """From now on both sides stand on these values (object → value); readings that waited are settled by it."""
    rows = [
        {
            "shop_id": shop_id,
            "field": field.value,
            "object_id": object_id,
            "value": value,
            "since": since,
            "at": at,
            "source": source,
            "seen": None,
            "seen_held": None,
            "seen_since": None,
            "seen_at": None,
        }
        for object_id, value in sorted(values.items())
    ]
    upsert(connection, agreed, rows)


def first_seen(connection: Connection, shop_id: str, field: Field, readings: Iterable[Reading]) -> None:
    """What is seen for the first time is what both sides stand on; a base that came meanwhile stays."""
    rows = [
        {
            "shop_id": shop_id,
            "field": field.value,
            "object_id": reading.object_id,
            "value": reading.value,
            "since": reading.since,
            "at": reading.at,
            "source": "shown",
        }
        for reading in readings
    ]
    upsert(connection, agreed, rows, keep=("value", "since", "at", "source"))


def remember(connection: Connection, shop_id: str, field: Field, reading: Reading) -> None:
    """Keeps a reading to be judged later. One that waits already is judged first."""
    connection.execute(
        sa.update(agreed)
        .where(*_one(agreed, shop_id, field, reading.object_id), agreed.c.seen_at.is_(None))
        .values(seen=reading.value, seen_held=reading.held, seen_since=reading.since, seen_at=reading.at)
    )


def forget(connection: Connection, shop_id: str, field: Field, object_id: str) -> None:
    """Drops the reading that waits."""
    connection.execute(
        sa.update(agreed)
        .where(*_one(agreed, shop_id, field, object_id))
        .values(seen=None, seen_held=None, seen_since=None, seen_at=None)
    )


def complete_through(connection: Connection, shop_id: str) -> datetime | None:
    """Up to when every order of the shop is known; None before the first pull."""
    until: datetime | None = connection.scalar(_COMPLETE_THROUGH, {"of_shop": shop_id})
    return until


def policies(connection: Connection, shop_id: str) -> dict[Field, Policy]:
    """Whose word counts in a shop, field by field; shop '' for the defaults."""
    rows = connection.execute(_POLICIES, {"of_shop": shop_id})
    return DEFAULTS | {Field(row.field): Policy(row.policy) for row in rows}


def own_policies(connection: Connection, shop_id: str) -> set[Field]:
    """The fields for which this very shop (or '', the default) was given a policy."""
    return {Field(name) for name in connection.scalars(sa.select(policy.c.field).where(policy.c.shop_id == shop_id))}


def set_policy(connection: Connection, shop_id: str, field: Field, chosen: Policy) -> None:
    upsert(connection, policy, [{"shop_id": shop_id, "field": field.value, "policy": chosen.value}])


def write(
    connection: Connection,
    shop_id: str,
    field: Field,
    object_id: str,
    *,
    values: tuple[str, str, str],
    policy: Policy,
    made: Decision,
    intent_id: int | None,
    ours_at: datetime | None,
    theirs_at: datetime,
    now: datetime,
) -> int:
    """Keeps a decision; `values` are base, ours and theirs. There must be no open one about the same."""
    row = {
        "shop_id": shop_id,
        "field": field.value,
        "object_id": object_id,
        **dict(zip(("base", "ours", "theirs"), values, strict=True)),
        "policy": policy.value,
        "outcome": made.outcome.value,
        "rule": made.rule,
        "reason": made.reason,
        "state": "open" if made.outcome is Outcome.ASK else "decided",
        "intent_id": intent_id,
        "ours_at": ours_at,
        "theirs_at": theirs_at,
        "at": now,
    }
    identity: int = connection.execute(sa.insert(decision).values(row).returning(decision.c.id)).scalar_one()
    return identity


def supersede(connection: Connection, decision_id: int, now: datetime) -> None:
    """Closes an open decision because the sides moved on."""
    connection.execute(
        sa.update(decision)
        .where(decision.c.id == decision_id, decision.c.state == "open")
        .values(state="superseded", resolved_at=now)
    )


def open_ones(
    connection: Connection, shop_id: str, field: Field, object_ids: Collection[str]
) -> dict[str, DecisionRow]:
    """Object → its open decision."""
    named = {"of_shop": shop_id, "of_field": field.value}
    return {
        row.object_id: DecisionRow(*row)
        for some in _parts(object_ids)
        for row in connection.execute(_OPEN, {**named, "ids": some})
    }


def wants_now(connection: Connection, decision_id: int, intent_id: int, ours: str, at: datetime) -> None:
    """The ERP changed its wish while a decision is open."""
    connection.execute(
        sa.update(decision).where(decision.c.id == decision_id).values(ours=ours, ours_at=at, intent_id=intent_id)
    )


def resolve(connection: Connection, decision_id: int, *, resolution: str, by: str, note: str, now: datetime) -> bool:
    """A person decided. False when it was not open any more."""
    changed = connection.execute(
        sa.update(decision)
        .where(decision.c.id == decision_id, decision.c.state == "open")
        .values(state="resolved", resolution=resolution, by=by, note=note[:500], resolved_at=now)
    )
    return changed.rowcount == 1


def get(connection: Connection, decision_id: int) -> DecisionRow:
    """Raises ConfigurationError for an id that does not exist."""
    row = connection.execute(sa.select(*_DECISION).where(decision.c.id == decision_id)).one_or_none()
    if row is None:
        raise ConfigurationError(f"no decision {decision_id}; `qudao conflicts list` shows what is open")
    return DecisionRow(*row)


def of_object(connection: Connection, shop_id: str, field: Field, object_id: str) -> list[DecisionRow]:
    """Every decision about one field of one object, oldest first."""
    query = sa.select(*_DECISION).where(*_one(decision, shop_id, field, object_id)).order_by(decision.c.id)
    return [DecisionRow(*row) for row in connection.execute(query)]


def listed(
    connection: Connection, *, shop_id: str = "", field: str = "", state: str = "", limit: int = 200
) -> list[DecisionRow]:
    """Newest first."""
    query = sa.select(*_DECISION).order_by(decision.c.id.desc()).limit(limit)
    for column, wanted in ((decision.c.shop_id, shop_id), (decision.c.field, field), (decision.c.state, state)):
        if wanted:
            query = query.where(column == wanted)
    return [DecisionRow(*row) for row in connection.execute(query)]


def _agreed(row: Any) -> Agreed:
    seen = None
    if row.seen_at is not None:
        seen = Reading(row.object_id, row.seen, row.seen_since, row.seen_at, row.seen_held)
    return Agreed(row.field, row.object_id, row.value, row.since, row.at, row.source, seen)


def _one(table: sa.Table, shop_id: str, field: Field, object_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.shop_id == shop_id, table.c.field == field.value, table.c.object_id == object_id


def _parts(values: Iterable[str]) -> Iterable[list[str]]:
    ordered = sorted(set(values))
    return (ordered[start : start + 1000] for start in range(0, len(ordered), 1000))
