"""Listings that the ERP wants on sale, or off it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from connectors import CHANNELS
from core.channel import Capability
from core.db import items
from core.db.intents import Wish
from core.db.lanes import Kind
from core.model import Canonical
from core.status import Shelf
from sync.conflicts import alone
from sync.wishes import Name, Plan, Queued, channels, no, not_here, queue


class NewShelf(Canonical):
    """Whether a listing shall be on sale."""

    shop: Name
    on: bool


class ShelfItem(NewShelf):
    """Where one listing shall be."""

    listing_id: Name


def set_shelves(connection: Connection, wanted: Sequence[ShelfItem], now: datetime) -> Queued:
    """Refuses `unknown_shop`, `unknown_listing` and `not_supported_here`. Of a listing named twice, the last word
    counts.
    """
    shops = channels(connection, (item.shop for item in wanted))
    for identity in sorted(shops):
        alone(connection, identity)

    def plan(item: ShelfItem) -> Plan:
        if item.shop not in shops:
            return no("unknown_shop", f"there is no shop {item.shop}")
        if refused := not_here(CHANNELS[shops[item.shop]].channel, Capability.SET_SHELF):
            return refused
        stored = items.find(connection, "listing", item.shop, item.listing_id)
        if stored is None or stored.status == Shelf.DELETED:
            return no("unknown_listing", f"the shop {item.shop} has no listing {item.listing_id}")
        word = (Shelf.ON if item.on else Shelf.OFF).value
        key = f"{Kind.SHELF.value}/{item.shop}/{item.listing_id}"
        return Plan((Wish(Kind.SHELF.value, key, item.shop, item.listing_id, word),))

    return queue(connection, wanted, plan, now)
