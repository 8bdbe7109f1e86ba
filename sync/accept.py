"""The one door in: poll, push, resync and read-back all end here.

Canonical items → compare with what is stored → upsert and feed event, in the caller's transaction. A revision rises
only when the content really changed; a newer source version alone changes nothing.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from core.changes import changes_of
from core.channel import Fetched
from core.crypto import Vault
from core.db import catalog, feed, items, order_numbers, sold
from core.db.engine import lock
from core.difference import Difference, differences
from core.merge import merge_after_sale, merge_listing, merge_order
from core.model import AfterSale, Change, Listing, Order
from core.people import without_people
from sync import conflicts
from sync.changes import see as see_changes

Item = Order | AfterSale | Listing

FINAL_AFTER = timedelta(minutes=2)
"""A reading asked for so long after its own source version shows all that happened within that tick of the channel's
clock: replicas lag less, and clocks differ by less.
"""
VOLATILE = {"updated_at"}
"""Fields whose change alone is no change."""


@dataclass(frozen=True)
class _Kind:
    name: str
    model: type[Any]


_KINDS: dict[type[Any], _Kind] = {
    Order: _Kind("order", Order),
    AfterSale: _Kind("after_sale", AfterSale),
    Listing: _Kind("listing", Listing),
}


@dataclass(frozen=True)
class Accepted:
    """What one item did: `created`, `updated` or `unchanged`, with the names of the fields that changed."""

    id: str
    effect: str
    changed: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    """Field by field, where it was only compared."""


def accept(
    connection: Connection,
    vault: Vault,
    shop_id: str,
    fetched: Sequence[Fetched[Any]],
    now: datetime,
    *,
    asked_at: datetime | None = None,
    reread: bool = False,
) -> list[Accepted]:
    """Stores items of one shop and one kind and tells the feed. The caller commits, and does nothing after it.

    `asked_at`: before the call left. What is here now may be as old as that. `reread` remembers the reading also
    where it brought nothing new.
    """
    outcomes, events = absorb(connection, vault, shop_id, fetched, now, asked_at=asked_at, reread=reread)
    feed.append(connection, events)
    return outcomes


def absorb(
    connection: Connection,
    vault: Vault,
    shop_id: str,
    fetched: Sequence[Fetched[Any]],
    now: datetime,
    *,
    asked_at: datetime | None = None,
    reread: bool = False,
) -> tuple[list[Accepted], list[feed.Event]]:
    """As `accept`, but hands the events back for a caller that has more to write before it appends them."""
    if not fetched:
        return [], []
    kind = _KINDS[type(fetched[0].value)]
    lock(connection, f"shop/{shop_id}")
    newest = _newest(fetched)
    known = items.find_many(connection, kind.name, shop_id, list(newest))
    read_at = asked_at or now
    late = _late(connection, shop_id, newest, known, read_at) if kind.name == "listing" else set()
    changes = [_compare(kind, item.value, known.get(i), read_at) for i, item in newest.items() if i not in late]
    real = [change for change in changes if change.effect != "unchanged"]
    items.write(connection, kind.name, [_row(kind, change, now) for change in real])
    erased = {identity for identity, stored in known.items() if stored.erased_at is not None}
    payloads = {c.value.id: newest[c.value.id].raw for c in real if c.value.id not in erased}
    items.write_raw(connection, vault, kind.name, shop_id, payloads, read_at)
    same = {c.value.id: c.value.updated_at for c in changes if c.effect == "unchanged"}
    newer = {i: at for i, at in same.items() if at is not None and at > known[i].source_at}
    items.touch(connection, kind.name, shop_id, newer)
    if reread:
        shown = [i for i, at in same.items() if at is not None and at >= known[i].source_at]
        items.read_again(connection, kind.name, shop_id, shown, read_at)
    items.forgive_rows(connection, kind.name, shop_id, list(newest))
    events = [_event(kind, change, now) for change in real]
    moved = [(change.before, change.value, change.changed) for change in real if change.before is not None]
    events += see_changes(connection, vault, shop_id, moved, now)
    if kind.name != "listing":
        order_numbers.note(connection, [(change.before, change.value) for change in real])
    if kind.name == "order":
        sold.note(connection, [change.value for change in real])
    if kind.name == "listing":
        seen = [item.value for identity, item in newest.items() if identity not in late]
        catalog.record(connection, shop_id, seen, now)
        events += conflicts.see_listings(connection, vault, shop_id, seen, read_at, now).events
    done = {c.value.id: Accepted(c.value.id, c.effect, c.changed) for c in changes}
    return [done.get(identity) or Accepted(identity, "unchanged") for identity in newest], events


def compare(
    connection: Connection, shop_id: str, fetched: Sequence[Fetched[Any]], asked_at: datetime
) -> list[Accepted]:
    """What `accept` would do, without doing it."""
    if not fetched:
        return []
    kind = _KINDS[type(fetched[0].value)]
    newest = _newest(fetched)
    known = items.find_many(connection, kind.name, shop_id, list(newest))
    changes = [_compare(kind, item.value, known.get(identity), asked_at) for identity, item in newest.items()]
    bodies = {identity: stored.body for identity, stored in known.items()}
    return [
        Accepted(c.value.id, c.effect, c.changed, differences(bodies.get(c.value.id), c.body))
        if c.effect != "unchanged"
        else Accepted(c.value.id, c.effect)
        for c in changes
    ]


@dataclass(frozen=True)
class _Change:
    value: Any
    body: str
    digest: bytes
    revision: int
    effect: str
    changed: tuple[str, ...] = ()
    before: Any = None


def _newest(fetched: Sequence[Fetched[Any]]) -> dict[str, Fetched[Any]]:
    """One reading per id; of two in one batch the one with the newer source version, or the later one."""
    newest: dict[str, Fetched[Any]] = {}
    for item in fetched:
        held = newest.get(item.value.id)
        if held is None or not _older(item.value, held.value):
            newest[item.value.id] = item
    return newest


def _older(one: Item, other: Item) -> bool:
    return bool(one.updated_at and other.updated_at and one.updated_at < other.updated_at)


def _late(
    connection: Connection,
    shop_id: str,
    told: dict[str, Fetched[Any]],
    known: dict[str, items.StoredItem],
    read_at: datetime,
) -> set[str]:
    """Listings that were asked for before the stored reading was. Stock and price change without a new source version,
    and some channels tell none.
    """
    same = [
        identity
        for identity, stored in known.items()
        if (at := told[identity].value.updated_at) is None or at <= stored.source_at
    ]
    asked = items.asked_at(connection, "listing", shop_id, same)
    return {identity for identity, at in asked.items() if read_at < at}


def _compare(kind: _Kind, told: Any, stored: items.StoredItem | None, read_at: datetime) -> _Change:
    content, digest = _content(told)
    if stored is None:
        return _Change(told, _body(told, content), digest, 1, "created")
    if stored.erased_at is not None:
        told = without_people(told)
        content, digest = _content(told)
    if digest == stored.digest:
        return _Change(told, stored.body, digest, stored.revision, "unchanged")
    # The body carries the source version of its last real change; the row knows whether a newer one was seen since.
    known = kind.model.model_validate_json(stored.body).model_copy(update={"updated_at": stored.source_at})
    merged = _merge(known, told, read_at)
    content, digest = _content(merged)
    if digest == stored.digest:
        return _Change(told, stored.body, digest, stored.revision, "unchanged")
    fields = (name for name in kind.model.model_fields if name not in VOLATILE)
    changed = tuple(name for name in fields if getattr(known, name) != getattr(merged, name))
    return _Change(merged, _body(merged, content), digest, stored.revision + 1, "updated", changed, known)


def _merge(known: Any, told: Any, read_at: datetime) -> Item:
    if isinstance(told, Order):
        return merge_order(known, told, final=read_at - told.updated_at > FINAL_AFTER)
    if isinstance(told, AfterSale):
        return merge_after_sale(known, told)
    return merge_listing(known, told)


def content_of(value: Any) -> tuple[str, bytes]:
    """A canonical value as it is stored, with its digest."""
    content, digest = _content(value)
    return _body(value, content), digest


def _content(value: Any) -> tuple[str, bytes]:
    """What makes a revision, as JSON text with its digest."""
    text: str = value.model_dump_json(exclude=VOLATILE)
    return text, hashlib.blake2b(text.encode(), digest_size=16).digest()


def _body(value: Item, content: str) -> str:
    """The whole value as JSON: its content with the source version put back, without dumping it twice."""
    at = f'"{value.updated_at.isoformat()}"' if value.updated_at else "null"
    return f'{{"updated_at":{at},{content[1:]}'


def _row(kind: _Kind, change: _Change, now: datetime) -> dict[str, Any]:
    value = change.value
    row = {
        "shop_id": value.shop_id,
        "id": value.id,
        "status": _status(value),
        "revision": change.revision,
        "digest": change.digest,
        "body": change.body,
        "source_at": value.updated_at or now,
        "changed_at": now,
    }
    if kind.name == "order":
        row |= {"created_at": value.created_at, "ship_by": value.ship_by}
    if kind.name == "after_sale":
        row |= {"created_at": value.created_at, "order_id": value.order_id}
    return row


def _status(value: Item) -> str:
    if isinstance(value, Order):
        return value.status.value
    return value.stage.value.value if isinstance(value, AfterSale) else value.shelf.value.value


def _event(kind: _Kind, change: _Change, now: datetime) -> feed.Event:
    value = change.value
    told = changes_of(change.before, value, change.changed) if change.before is not None else []
    words = json.dumps([_told(each) for each in told], ensure_ascii=False, separators=(",", ":"))
    data = f'{{"{kind.name}":{change.body},"changes":{words}}}'
    return feed.Event(f"{kind.name}.{change.effect}", value.shop_id, value.id, change.revision, now, data)


def _told(change: Change) -> dict[str, Any]:
    return change.model_dump(exclude=set() if change.id else {"id"})
