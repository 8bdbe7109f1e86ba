"""What an order or a listing brings with it: shelf, memo, address and tracking numbers that changed on the channel.

The item as stored before is what both sides stood on; for tracking numbers it is what the channel once took from us.
`order.updated` and `listing.updated` tell of the change itself; here it is decided, and held against what is wanted.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from core.conflict import Field, decide, same
from core.crypto import Vault
from core.db import conflicts, feed, intents
from core.db.lanes import Kind
from core.model import Listing, Order, Receiver
from sync.conflicts import alone
from sync.decisions import Case, carry_out, sealed, unsealed

WATCHED = {"shelf", "memo", "receiver", "parcels"}


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
        if isinstance(after, Listing) and "shelf" in changed:
            values = before.shelf.value.value, after.shelf.value.value
            events += _moved(connection, vault, shop_id, Field.SHELF, after.id, values, now)
        if isinstance(after, Order):
            events += _order(connection, vault, before, after, changed, now)
    return events


def _order(
    connection: Connection, vault: Vault, before: Order, after: Order, changed: tuple[str, ...], now: datetime
) -> list[feed.Event]:
    events: list[feed.Event] = []
    if "memo" in changed:
        memos = before.memo.model_dump_json(), after.memo.model_dump_json()
        events += _moved(connection, vault, after.shop_id, Field.MEMO, after.id, memos, now)
    places = address(before.receiver), address(after.receiver)
    if "receiver" in changed and all(places):
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
