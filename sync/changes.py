"""What an order brings with it: memo, address and tracking numbers that changed on the channel.

The order as stored before is what both sides stood on; for tracking numbers it is what the channel once took from us,
and a memo that the ERP ever wanted has a base of its own. `order.updated` tells of the change itself; here it is
decided, and held against what is wanted.
"""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from core.conflict import Field, decide, same, same_text
from core.crypto import Vault
from core.db import conflicts, feed, intents, requests
from core.db.conflicts import Agreed
from core.db.intents import Intent
from core.db.lanes import Kind
from core.model import Order, Receiver
from sync.conflicts import SETTLE, alone
from sync.decisions import Case, carry_out, sealed, unsealed

WATCHED = {"memo", "receiver", "parcels"}
SOURCE_GRAIN = timedelta(seconds=1)
"""Channels tell in whole seconds when an order changed."""


def see(
    connection: Connection,
    vault: Vault,
    shop_id: str,
    changes: Iterable[tuple[Any, Any, tuple[str, ...]]],
    now: datetime,
) -> list[feed.Event]:
    """`changes`: an item before and after a reading, and the names of what changed. Answers the events of decisions."""
    watched = [each for each in changes if WATCHED & set(each[2])]
    if not watched:
        return []
    alone(connection, shop_id)
    events: list[feed.Event] = []
    for before, after, changed in watched:
        if isinstance(after, Order):
            events += _order(connection, vault, before, after, changed, now)
    return events


def _order(
    connection: Connection, vault: Vault, before: Order, after: Order, changed: tuple[str, ...], now: datetime
) -> list[feed.Event]:
    events: list[feed.Event] = []
    if "memo" in changed:
        events += _memo(connection, vault, before, after, now, only=changed == ("memo",))
    places = address(before.receiver), address(after.receiver)
    if "receiver" in changed and all(places):
        if places[0] != places[1]:
            requests.end(connection, after.shop_id, after.id, "elsewhere", now, asked_by=after.updated_at)
        events += _moved(connection, vault, after.shop_id, Field.ADDRESS, after.id, places, now)
    if "parcels" in changed:
        events += _numbers(connection, vault, after, now)
    return events


def address(receiver: Receiver) -> str:
    """What an order's address is compared by: region and masked text. Ciphertexts differ from reading to reading."""
    parts = [receiver.province, receiver.city, receiver.district, receiver.town]
    return " ".join(part for part in (*parts, receiver.detail.mask, receiver.name.mask, receiver.phone.mask) if part)


def _moved(
    connection: Connection,
    vault: Vault,
    shop_id: str,
    field: Field,
    object_id: str,
    values: tuple[str, str],
    now: datetime,
) -> list[feed.Event]:
    """A change of a field that the ERP has no wish about."""
    opened = conflicts.open_ones(connection, shop_id, field, [object_id]).get(object_id)
    base, theirs = values
    if opened is not None:
        base = unsealed(vault, field, shop_id, object_id, opened.base)
    policy = conflicts.policies(connection, shop_id)[field]
    made = decide(field, base, None, theirs, policy)
    kept = [sealed(vault, field, shop_id, object_id, value) for value in (base, theirs)]
    case = Case(shop_id, field, object_id, kept[0], None, kept[1], policy)
    return carry_out(connection, case, made, opened, ours_at=None, theirs_at=now, now=now).events


def _memo(
    connection: Connection, vault: Vault, before: Order, after: Order, now: datetime, *, only: bool
) -> list[feed.Event]:
    """A changed memo. While a call for ours has no outcome yet, its lane looks for itself."""
    item = memo_wish(connection, after)
    if item is not None and item.state == "due" and intents.unsettled(connection, [item.id]):
        return []
    return judge_memo(connection, vault, before, after, item, now, only=only)


def memo_wish(connection: Connection, order: Order) -> Intent | None:
    """What the ERP last wanted as the order's memo."""
    found = intents.of_object(connection, Kind.MEMO.value, order.shop_id, order.id)
    return found[0] if found else None


def judge_memo(
    connection: Connection, vault: Vault, before: Order, after: Order, item: Intent | None, now: datetime, *, only: bool
) -> list[feed.Event]:
    """Compares the memo that the order shows with what both sides stood on (its own base, else the order before) and
    with the ERP's wish `item`. `only`: nothing else changed with it, so the order's time of change is the memo's.
    """
    place = Field.MEMO, after.shop_id, after.id
    base = conflicts.bases(connection, after.shop_id, Field.MEMO, [after.id]).get(after.id)
    stood = before.memo.model_dump_json() if base is None else unsealed(vault, *place, base.value)
    theirs = after.memo.model_dump_json()
    opened = conflicts.open_ones(connection, after.shop_id, Field.MEMO, [after.id]).get(after.id)
    if same(Field.MEMO, stood, theirs) or (base is not None and _from_before(base, after, now)):
        return []
    kept = sealed(vault, *place, theirs)
    if base is not None:
        stands = "shown" if _echo(base, stood, theirs) else "decided"
        at = after.updated_at
        conflicts.agree(connection, after.shop_id, Field.MEMO, {after.id: kept}, at, at, stands)
        if stands == "shown":
            return []
    wish = item if item is not None and item.state in ("due", "parked") else None
    ours_at = (opened.ours_at if opened is not None else None) or (wish.changed_at if wish is not None else None)
    policy = conflicts.policies(connection, after.shop_id)[Field.MEMO]
    theirs_at = _edited_at(before.updated_at if base is None else base.at, after.updated_at, ours_at, only=only)
    ours = None if wish is None else wanted_memo(vault, wish, wish.wanted)
    made = decide(Field.MEMO, stood, ours, theirs, policy, ours_at=ours_at, theirs_at=theirs_at)
    as_kept = sealed(vault, *place, stood), None if wish is None else json.loads(wish.wanted), kept
    case = Case(after.shop_id, Field.MEMO, after.id, *as_kept, policy, wish)
    return carry_out(connection, case, made, opened, ours_at=ours_at, theirs_at=after.updated_at, now=now).events


def wanted_memo(vault: Vault, item: Intent, wanted: str) -> str:
    """The memo that an intent, or an attempt of it, keeps sealed in `wanted`."""
    return unsealed(vault, Field.MEMO, item.shop_id, item.object_id, json.loads(wanted))


def _from_before(base: Agreed, order: Order, now: datetime) -> bool:
    """Whether the reading may be older than our write, which the channel has only just taken."""
    just_taken = base.source == "accepted" and now <= base.at + SETTLE
    return just_taken and order.updated_at + SOURCE_GRAIN <= base.since


def _echo(base: Agreed, stood: str, theirs: str) -> bool:
    """Our own write as the channel first shows it: some keep the flag they had, or do not show ours."""
    return base.source == "accepted" and same_text(stood, theirs)


def _edited_at(after: datetime, until: datetime, ours_at: datetime | None, *, only: bool) -> datetime | None:
    """When the seller changed the memo, as far as that tells who did last: between two source versions of the order."""
    first = until if only else after
    if ours_at is None or until <= after or first <= ours_at < until + SOURCE_GRAIN:
        return None
    return until + SOURCE_GRAIN if ours_at < first else first


def _numbers(connection: Connection, vault: Vault, order: Order, now: datetime) -> list[feed.Event]:
    """Numbers that took the place of ours. While a shipment is under way it looks for itself."""
    base = conflicts.bases(connection, order.shop_id, Field.TRACKING, [order.id]).get(order.id)
    theirs = numbers(order)
    if base is None or not theirs or same(Field.TRACKING, base.value, theirs):
        return []
    wished = intents.of_object(connection, Kind.SHIP.value, order.shop_id, order.id)
    if any(item.state in ("due", "parked") for item in wished):
        return []
    conflicts.agree(connection, order.shop_id, Field.TRACKING, {order.id: theirs}, now, now, "shown")
    if set(base.value.split(",")) <= set(theirs.split(",")):
        return []
    return _moved(connection, vault, order.shop_id, Field.TRACKING, order.id, (base.value, theirs), now)


def numbers(order: Order) -> str:
    """An order's tracking numbers as one value."""
    return ",".join(sorted({parcel.tracking_no for parcel in order.parcels if parcel.tracking_no}))
