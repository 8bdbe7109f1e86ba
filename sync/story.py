"""How something came about: every input, rule, call, answer, read-back, decision and event about it, in order of time.

Told from rows alone. Values of stock, prices and tracking numbers are told; personal ones, secrets and payloads never.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from core.conflict import PERSONAL, Field
from core.db import catalog, conflicts, feed, history, intents, items, mappings, requests
from core.db.catalog import CatalogRow
from core.db.conflicts import DecisionRow
from core.db.intents import Attempt, Intent
from core.db.items import StoredItem
from core.db.lanes import Kind
from core.db.mappings import Change
from core.db.requests import AddressRequest
from core.errors import ConfigurationError
from sync.decisions import KINDS
from sync.runtime import Runtime

NEWEST = 200
"""Of a thing that changed very often, so many of its newest events are told."""
OUTCOMES = ("accepted", "pending", "parked")
RULES = {
    Kind.SHIP: "the order is read just before each step; its numbers shown there mean accepted",
    Kind.STOCK: "the newest number counts; every mapped listing SKU gets it",
    Kind.PRICE: "the newest price counts; what is left out stays as the channel shows it",
    Kind.MEMO: "the newest memo counts; the order is read just before, and ours shown there means accepted",
    Kind.SHELF: "the newest word counts; the listing shown so means accepted",
    Kind.ADDRESS: "the newest answer counts; one whose outcome is not known is given again, which changes nothing",
}
FIELDS = {kind: field for field, kind in KINDS.items()}


@dataclass(frozen=True)
class Step:
    """One thing that happened. `what`: command, notice, poll, rule, wish, call, answer, read_back, decision, person,
    event or state; `facts` are its exact values.
    """

    at: datetime
    what: str
    words: str
    facts: dict[str, Any] = field(default_factory=dict)


def of_intent(runtime: Runtime, intent_id: int) -> list[Step]:
    """Raises ConfigurationError for an id that does not exist."""
    with runtime.database.read() as connection:
        item = intents.find(connection, intent_id)
        steps = _wishes(connection, [item]) + _told(connection, item.kind, item.shop_id, item.object_id)
        steps += _decided(connection, item.shop_id, FIELDS[Kind(item.kind)], item.object_id)
        steps += _people(connection, item.shop_id, [item.object_id])
    return _in_time(steps)


def of_order(runtime: Runtime, shop: str, order_id: str) -> list[Step]:
    """An order with its after-sales, shipments and memos. Raises ConfigurationError when nothing is known of it."""
    with runtime.database.read() as connection:
        related = history.after_sales_of(connection, shop, order_id)
        names = [order_id, *(identity for identity, _ in related)]
        steps = _notices(connection, shop, "order", [order_id])
        steps += _notices(connection, shop, "after_sale", names[1:])
        stored = items.find_many(connection, "order", shop, [order_id]).values()
        late = items.find_many(connection, "after_sale", shop, names[1:]).values()
        for item in stored:
            steps += _changes(connection, "order", "orders", item)
        for item in late:
            steps += _changes(connection, "after_sale", "after_sales", item)
        for request in requests.of_order(connection, shop, order_id):
            steps += _request(request)
        for kind in (Kind.SHIP, Kind.MEMO, Kind.ADDRESS):
            wanted = intents.of_object(connection, kind.value, shop, order_id)
            steps += _wishes(connection, wanted) + _told(connection, kind.value, shop, order_id)
        for each in (Field.TRACKING, Field.MEMO, Field.ADDRESS):
            steps += _decided(connection, shop, each, order_id)
        steps += _people(connection, shop, names)
    if not steps:
        raise ConfigurationError(f"nothing is known of an order {order_id} in {shop}")
    return _in_time(steps)


def of_sku(runtime: Runtime, sku: str, shop: str) -> list[Step]:
    """Stock and price of a SKU in a shop: every listing SKU that is mapped to it. Raises ConfigurationError when none
    is.
    """
    with runtime.database.read() as connection:
        rows = catalog.rows_of(connection, shop_id=shop, sku=sku)
        if not rows:
            raise ConfigurationError(f"no listing SKU of {shop} is mapped to {sku}; see `qudao map list`")
        steps = [step for row in rows for step in _sku(connection, row)]
    return _in_time(steps)


def _sku(connection: Connection, row: CatalogRow) -> list[Step]:
    object_id = f"{row.key.listing_id}/{row.key.sku_id}"
    steps = _mapping(connection, row)
    for kind in (Kind.STOCK, Kind.PRICE):
        steps += _wishes(connection, intents.of_object(connection, kind.value, row.shop_id, object_id))
        steps += _told(connection, kind.value, row.shop_id, object_id)
        steps += _decided(connection, row.shop_id, FIELDS[kind], object_id)
    shelf = Kind.SHELF.value, row.shop_id, row.key.listing_id
    steps += _wishes(connection, intents.of_object(connection, *shelf)) + _told(connection, *shelf)
    steps += _decided(connection, row.shop_id, Field.SHELF, row.key.listing_id)
    return steps + _people(connection, row.shop_id, [object_id])


def _mapping(connection: Connection, row: CatalogRow) -> list[Step]:
    listing_id, sku_id = row.key.listing_id, row.key.sku_id
    changes = mappings.history(
        connection, shops=[row.shop_id], listing_id=listing_id, sku_id=sku_id, newest=True, limit=NEWEST
    )
    steps = [_mapped(change) for change in changes]
    for number in history.numbers(connection, [part.sku for part in row.parts]):
        words = f"the ERP's number of {number.sku} is {number.quantity}"
        steps.append(Step(number.set_at, "rule", words, {"quantity": number.quantity}))
    return steps


def _mapped(change: Change) -> Step:
    named, after = f"{change.listing_id}/{change.sku_id}", change.after
    parts = [f"{part['quantity']} × {part['sku']}" for part in after["components"]] if after else []
    to = (after and after["sku"]) or " + ".join(parts)
    how = "by its merchant code, unique in the shop" if change.by == mappings.BY_CODE else "by hand"
    words = f"{named} is mapped to {to} {how}" if to else f"{named} is mapped to nothing"
    return Step(change.at, "rule", words, {"by": change.by, "before": change.before, "after": after})


def _wishes(connection: Connection, wanted: Sequence[Intent]) -> list[Step]:
    asked = history.asked_for(connection, [item.id for item in wanted])
    steps = [
        Step(
            each.at,
            "command",
            f"{each.caller} asked for it: {each.kind} command, item {each.item}, version {each.version}",
            {
                "command": each.command_id,
                "idempotency_key": each.key,
                "caller": each.caller,
                "intent": each.intent_id,
                "version": each.version,
            },
        )
        for each in asked
    ]
    for item in wanted:
        steps += _wish(item)
        for attempt in intents.attempts(connection, item.id):
            steps += _call(item, attempt)
    return steps


def _wish(item: Intent) -> list[Step]:
    named = {"intent": item.id, "key": item.key, "shop": item.shop_id, "object": item.object_id}
    facts = named | _wanted(item, item.wanted) | {"version": item.version, "accepted_version": item.done_version}
    state = f"{item.state}: version {item.version} wanted, version {item.done_version} accepted"
    if item.reason or item.reason_code:
        state += f"; {item.reason or item.reason_code}"
    rule = RULES[Kind(item.kind)]
    return [
        Step(item.created_at, "wish", f"{item.kind} intent {item.id} for {item.object_id}; {rule}", named),
        Step(item.changed_at, "state", state, facts | {"state": item.state, "code": item.reason_code}),
    ]


def _wanted(item: Intent, wanted: str) -> dict[str, Any]:
    """The value; that of a personal field is left out."""
    if FIELDS[Kind(item.kind)] in PERSONAL:
        return {}
    return {"wanted": wanted if item.kind == Kind.SHELF else json.loads(wanted)}


def _call(item: Intent, attempt: Attempt) -> list[Step]:
    facts = {"intent": attempt.intent_id, "attempt": attempt.id, "version": attempt.version, "fence": attempt.fence}
    words = f"call for version {attempt.version} (attempt {attempt.id})"
    steps = [Step(attempt.started_at, "call", words, facts | _wanted(item, attempt.wanted))]
    if attempt.ended_at is not None:
        first = attempt.state if attempt.resolved_at is None else "unknown"
        codes = {"code": attempt.code, "request_id": attempt.request_id, "outcome": first}
        told = " ".join(part for part in (first, attempt.code, attempt.message) if part)
        steps.append(Step(attempt.ended_at, "answer", told, {"attempt": attempt.id} | codes))
    if attempt.resolved_at is not None:
        words = f"{attempt.state}: {attempt.resolution}"
        steps.append(Step(attempt.resolved_at, "read_back", words, {"attempt": attempt.id, "outcome": attempt.state}))
    return steps


def _notices(connection: Connection, shop: str, kind: str, ids: Sequence[str]) -> list[Step]:
    return [
        Step(
            each.received_at,
            "notice",
            f"{each.topic} names {each.kind} {each.object_id}, {each.state}"
            + (f"; came {each.seen} times" if each.seen > 1 else "")
            + (f"; {each.reason}" if each.reason else ""),
            {"receipt": each.id, "topic": each.topic, "source_at": each.source_at, "seen": each.seen},
        )
        for each in history.notices(connection, shop, kind, ids)
    ]


def _changes(connection: Connection, kind: str, stream: str, item: StoredItem) -> list[Step]:
    """The item's events, each with the poll that may have brought it."""
    steps = _events(connection, [f"{kind}.created", f"{kind}.updated"], item.shop_id, item.id, item.revision)
    polls = {}
    for step in steps:
        source_at = step.facts["source_at"] or step.at
        walk = history.walk_that_brought(connection, item.shop_id, stream, source_at, step.at)
        if walk is not None:
            polls[walk.id] = walk
    for walk in polls.values():
        counted = f"{walk.received} ids" if walk.expected is None else f"{walk.received} of {walk.expected} ids"
        words = f"a poll of {stream} from {walk.since:%m-%d %H:%M:%S} to {walk.until:%m-%d %H:%M:%S} UTC: {counted}"
        steps.append(Step(walk.ended_at, "poll", words, {"window": walk.id, "complete": walk.complete}))
    return steps


def _told(connection: Connection, kind: str, shop: str, object_id: str) -> list[Step]:
    family = "shipment" if kind == Kind.SHIP.value else kind
    newest = history.told(connection, kind, shop, object_id)
    return _events(connection, [f"{family}.{outcome}" for outcome in OUTCOMES], shop, object_id, newest)


def _events(connection: Connection, types: Iterable[str], shop: str, object_id: str, newest: int) -> list[Step]:
    revisions = range(max(1, newest - NEWEST + 1), newest + 1)
    ids = [f"{each}/{shop}/{object_id}/{revision}" for each in types for revision in revisions]
    return [_event(row) for row in history.events(connection, ids)]


def _event(row: feed.FeedRow) -> Step:
    """What the feed says, without the body of anything."""
    data = json.loads(row.data)
    facts: dict[str, Any] = {"position": row.position, "revision": row.revision, "object": row.object_id}
    words = f"{row.type} of {row.object_id}"
    if changed := list(dict.fromkeys(each["field"] for each in data.get("changes", ()))):
        facts["changed"] = changed
        words += f": {', '.join(changed)}"
    for name in ("intent", "version", "outcome", "code", "reason"):
        if data.get(name):
            facts[name] = data[name]
    if facts.get("reason"):
        words += f": {facts['reason']}"
    body: dict[str, Any] = data.get("order") or data.get("after_sale") or {}
    if body:
        at = body.get("updated_at")
        facts["source_at"] = datetime.fromisoformat(at) if at else None
    return Step(row.at, "event", words, facts)


def _decided(connection: Connection, shop: str, field: Field, object_id: str) -> list[Step]:
    rows = conflicts.of_object(connection, shop, field, object_id)
    steps = [step for row in rows for step in _decision(row)]
    types = ["conflict.opened", "conflict.resolved", f"{field.value}.adopted"]
    ids = [f"{each}/{shop}/{object_id}/{row.id}" for each in types for row in rows]
    return steps + [_event(row) for row in history.events(connection, ids)]


def _decision(row: DecisionRow) -> list[Step]:
    values: dict[str, Any] = {}
    if Field(row.field) not in PERSONAL:
        values = {"base": row.base, "ours": row.ours or None, "theirs": row.theirs}
    facts = {"decision": row.id, "field": row.field, "policy": row.policy, "rule": row.rule, "state": row.state}
    steps = [Step(row.at, "decision", f"{row.field}: {row.outcome}, {row.reason}", facts | values)]
    if row.resolved_at is not None:
        words = f"decision {row.id} {row.state}" + (f": {row.resolution} by {row.by}" if row.resolution else "")
        note = {"note": row.note} if row.note else {}
        steps.append(Step(row.resolved_at, "decision", words, {"decision": row.id} | note))
    return steps


def _request(request: AddressRequest) -> list[Step]:
    facts = {"number": request.number}
    steps = [Step(request.asked_at, "notice", "the buyer asks for another address; shipments wait", facts)]
    if request.ended_at is not None:
        words = f"the buyer's request for another address ended: {request.state}"
        steps.append(Step(request.ended_at, "state", words, facts | {"state": request.state}))
    return steps


def _people(connection: Connection, shop: str, object_ids: Sequence[str]) -> list[Step]:
    return [
        Step(
            each.at,
            "person",
            f"{each.ref} {each.action}" + (f": {each.note}" if each.note else ""),
            {"ref": each.ref, "code": each.code, "reason": each.reason},
        )
        for each in history.interventions(connection, shop, object_ids)
    ]


_ORDER = (
    "command", "rule", "wish", "notice", "call", "answer", "read_back", "person", "decision", "event", "poll", "state",
)  # fmt: skip
"""Of things at the same instant, causes before effects."""


def _in_time(steps: Iterable[Step]) -> list[Step]:
    return sorted(steps, key=lambda step: (step.at, _ORDER.index(step.what)))
