"""More of a listing SKU is for sale than the ERP said, though nobody edited it.

It happens where our number passes an order on its way: the channel takes pieces for the order, our number, which does
not know of it, is written over what is left, and the end of the order gives the pieces back on top. An ERP that has
counted the order says a new number when it hears of its end; one that heard of both at once says nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from core.conflict import Outcome, too_many
from core.db import catalog, conflicts, intents, sold
from core.db.catalog import Target
from core.db.conflicts import Reading
from core.db.intents import ADOPTED, Intent
from core.db.lanes import Kind, Lane
from core.model import SkuKey
from core.sold import Span, Word, ceiling
from sync.decisions import Case, Considered, carry_out, listing_and_sku

ANSWER = timedelta(minutes=15)
"""How long after a reading the ERP may take to say a new number by itself."""


@dataclass(frozen=True)
class Excess:
    """`allowed` is what is left of the ERP's number, `ours`; `whole`: by now nothing of that number is sold, so that it
    may be sent as it is.
    """

    ours: int
    allowed: int
    whole: bool


def excess(connection: Connection, shop_id: str, item: Intent | None, reading: Reading, now: datetime) -> Excess | None:
    """None when no more is for sale than the ERP's word allows, or when no word of it stands."""
    if item is None or item.state != "done" or item.reason_code == ADOPTED:
        return None
    listing_id, sku_id = listing_and_sku(reading.object_id)
    word = _word(connection, Target(shop_id, SkuKey(listing_id=listing_id, sku_id=sku_id)), item)
    if word is None:
        return None
    lines = sold.since(connection, shop_id, [sku_id], word.taken.since).get((listing_id, sku_id), [])
    allowed = ceiling(word, Span(reading.since, reading.at), lines)
    if int(reading.value) <= allowed:
        return None
    return Excess(word.number, allowed, ceiling(word, Span(now, now), lines) == word.number)


def _word(connection: Connection, target: Target, item: Intent) -> Word | None:
    """What the channel last took from us."""
    accepted = [each for each in intents.attempts(connection, item.id) if each.state == "accepted"]
    if not accepted:
        return None
    last = accepted[-1]
    until = max(at for at in (last.started_at, last.ended_at, last.resolved_at) if at is not None)
    row = catalog.find(connection, [target]).get(target)
    said_at = catalog.said_at(connection, [part.sku for part in row.parts]) if row is not None else None
    return Word(int(last.wanted), said_at or last.started_at, Span(last.started_at, until))


def put_right(connection: Connection, case: Case, over: Excess, read_at: datetime, now: datetime) -> Considered:
    """The ERP's number goes out again, or it is told of the channel's."""
    made = too_many(case.policy, over.ours, over.allowed, whole=over.whole)
    opened = conflicts.open_ones(connection, case.shop_id, case.field, [case.object_id]).get(case.object_id)
    item = case.intent
    ours_at = item.changed_at if item is not None else None
    done = carry_out(connection, case, made, opened, ours_at=ours_at, theirs_at=read_at, now=now)
    if made.outcome is Outcome.PUSH and item is not None:
        intents.again(connection, item, now)
        done.lanes.add(Lane(case.shop_id, Kind.STOCK))
    return done
