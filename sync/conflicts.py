"""The one home of "the channel shows something else": every reading of stock, price and shelf, every change that an
order brings, and every send is compared here with what both sides stood on.

Lives here: when a difference counts. Does not: the decision itself (core/conflict), what it does to rows and feed
(sync/decisions), what a person does about an open one (sync/resolve). Everything runs inside the caller's transaction,
which appends the events last and rings the lanes after its commit.

A reading asked before base was settled is stale and changes nothing, so that any message may come twice or late. One of
stock counts only once the shop's order watermark has passed it, one beside an unsettled attempt only once that is
settled: until then it waits in its base's row, and is judged by `review`, or by `before_send` when ours is about to go.
What nobody edited and is yet more than the ERP's word allows (sync/given_back) waits there for the ERP's next word.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from connectors import CHANNELS
from core.conflict import Field, Policy, decide, same
from core.crypto import Vault
from core.db import conflicts, intents, mappings, sold
from core.db.conflicts import Agreed, Reading
from core.db.engine import lock
from core.db.intents import ADOPTED, Intent
from core.model import Listing, Price, StockLevel
from core.sold import Expected, Sold, Span, expected
from core.status import Shelf
from sync import given_back
from sync.decisions import KINDS, Case, Considered, carry_out, hold, listing_and_sku

Sales = dict[tuple[str, str], list[Sold]]
"""(listing, SKU) → its order lines."""
SETTLE = timedelta(seconds=30)
"""How long after the channel took ours a reading may still show what was before."""
LOOK_AGAIN = timedelta(seconds=30)
"""How soon a wish that waits for the orders around a reading is looked at again."""


def consider(
    connection: Connection,
    vault: Vault,
    shop_id: str,
    field: Field,
    object_id: str,
    theirs: str,
    read_at: datetime,
    now: datetime,
    *,
    asked_at: datetime | None = None,
    held: int | None = None,
) -> Considered:
    """One reading of stock (a whole number as text) or price (JSON of `Price`) of a listing SKU, `listing/sku`, or of a
    listing's shelf.

    `read_at`: when it was here; `asked_at`: before the call left, which is what a reading must be judged by as soon as
    ours may be written beside it. The other fields are compared where `accept` learns of them.
    """
    reading = Reading(object_id, theirs, asked_at or read_at, read_at, held)
    return consider_all(connection, vault, shop_id, field, [reading], now)


def consider_all(
    connection: Connection, vault: Vault, shop_id: str, field: Field, readings: Iterable[Reading], now: datetime
) -> Considered:
    """As `consider`, for many readings of one field."""
    ordered = sorted(readings, key=lambda reading: reading.object_id)
    done = Considered()
    if not ordered:
        return done
    desk = Desk.at(connection, vault, shop_id, field, now)
    known = conflicts.bases(connection, shop_id, field, [reading.object_id for reading in ordered])
    conflicts.first_seen(connection, shop_id, field, [each for each in ordered if each.object_id not in known])
    done.outcomes |= {each.object_id: "agreed" for each in ordered if each.object_id not in known}
    pairs = [(known[each.object_id], each) for each in ordered if each.object_id in known]
    fresh = [(base, each) for base, each in pairs if not _stale(base, each)]
    done.outcomes |= {each.object_id: "stale" for base, each in pairs if _stale(base, each)}
    sales = desk.sales([base for base, _ in fresh])
    for base, reading in fresh:
        should_be = desk.expected(base, reading, sales)
        if _unmoved(field, base, reading, should_be):
            done.add(_as_expected(desk, base, reading, should_be, sales))
        else:
            done.add(_differs(desk, base, reading, should_be, sales))
    return done


def review(connection: Connection, vault: Vault, shop_id: str, now: datetime) -> Considered:
    """Judges the readings that waited and need not any more. Called whenever the order watermark moved."""
    done = Considered()
    for field in {Field(base.field) for base in conflicts.waiting(connection, shop_id)}:
        desk = Desk.at(connection, vault, shop_id, field, now)
        ripe = [
            (base, base.seen)
            for base in conflicts.waiting(connection, shop_id, field)
            if base.seen is not None and desk.proven(base.seen)
        ]
        sales = desk.sales([base for base, _ in ripe])
        for base, reading in ripe:
            done.add(_waited(desk, base, reading, sales))
    return done


def before_send(
    connection: Connection, vault: Vault, shop_id: str, field: Field, batch: Sequence[Intent], now: datetime
) -> tuple[list[Intent], Considered]:
    """Which of these wishes may leave now. A wish whose conflict is open is held; a reading that waits is judged, or
    the wish waits for it, unless the ERP's word counts anyway: that it overwrites something is then decided here.
    """
    desk = Desk.at(connection, vault, shop_id, field, now)
    ids = [item.object_id for item in batch]
    opened = conflicts.open_ones(connection, shop_id, field, ids)
    waiting = {base.object_id: base for base in conflicts.waiting(connection, shop_id, field, ids)}
    done = Considered()
    free = []
    for item in batch:
        if item.object_id in opened:
            hold(connection, opened[item.object_id], item, now)
        elif item.object_id not in waiting or _may_pass(desk, waiting[item.object_id], item, done):
            free.append(item)
    due = intents.still_due(connection, [item.id for item in free])
    return [item for item in free if item.id in due], done


def see_listings(
    connection: Connection, vault: Vault, shop_id: str, listings: Iterable[Listing], asked_at: datetime, now: datetime
) -> Considered:
    """Stock, prices and shelves as listings show them."""
    stock, prices, shelves = [], [], []
    for listing in listings:
        if (shelf := listing.shelf.value) is not Shelf.UNKNOWN:
            shelves.append(Reading(listing.id, shelf.value, asked_at, now))
        for sku in listing.skus:
            object_id = f"{listing.id}/{sku.sku_id}"
            if sku.sellable is not None:
                stock.append(Reading(object_id, str(sku.sellable), asked_at, now, sku.held))
            if sku.price is not None:
                prices.append(Reading(object_id, sku.price.model_dump_json(exclude_none=True), asked_at, now))
    done = consider_all(connection, vault, shop_id, Field.STOCK, stock, now)
    done.add(consider_all(connection, vault, shop_id, Field.PRICE, prices, now))
    done.add(consider_all(connection, vault, shop_id, Field.SHELF, shelves, now))
    return done


def see_levels(
    connection: Connection, vault: Vault, shop_id: str, levels: Iterable[StockLevel], asked_at: datetime, now: datetime
) -> Considered:
    """Stock as it was read by itself."""
    readings = [
        Reading(f"{each.key.listing_id}/{each.key.sku_id}", str(each.sellable), asked_at, each.read_at, each.held)
        for each in levels
    ]
    return consider_all(connection, vault, shop_id, Field.STOCK, readings, now)


def took(
    connection: Connection, shop_id: str, field: Field, values: dict[str, str], since: datetime, now: datetime
) -> None:
    """The channel took ours (object → value) in calls begun at `since`: both sides stand on it. Call `alone` before."""
    if not values:
        return
    if field is Field.PRICE:
        known = conflicts.bases(connection, shop_id, field, values)
        values = {each: _over(known[each].value, value) if each in known else value for each, value in values.items()}
    conflicts.agree(connection, shop_id, field, values, since, now, "accepted")


def alone(connection: Connection, shop_id: str) -> None:
    """Until the transaction ends, nobody else judges or settles anything in this shop. Who also changes wishes takes it
    before that.
    """
    lock(connection, f"conflicts/{shop_id}")


def _over(base: str, wanted: str) -> str:
    """The prices the channel has after taking some of them."""
    return Price.model_validate(json.loads(base) | json.loads(wanted)).model_dump_json(exclude_none=True)


@dataclass
class Desk:
    """Where one shop's readings of one field are judged, one judge at a time."""

    connection: Connection
    vault: Vault
    shop_id: str
    field: Field
    now: datetime
    policy: Policy
    complete_through: datetime | None

    @classmethod
    def at(cls, connection: Connection, vault: Vault, shop_id: str, field: Field, now: datetime) -> "Desk":
        alone(connection, shop_id)
        return cls(
            connection,
            vault,
            shop_id,
            field,
            now,
            conflicts.policies(connection, shop_id)[field],
            conflicts.complete_through(connection, shop_id),
        )

    def policy_of(self, object_id: str) -> Policy:
        """The number of a bundle follows from those of its parts, and the channel's cannot be put down to them: ours
        counts, unless a person is to be asked.
        """
        yields = self.field is Field.STOCK and self.policy in (Policy.CHANNEL, Policy.NEWEST)
        if yields and mappings.is_bundle(self.connection, self.shop_id, *listing_and_sku(object_id)):
            return Policy.ERP
        return self.policy

    def sales(self, bases: Sequence[Agreed]) -> Sales:
        if self.field is not Field.STOCK or not bases:
            return {}
        skus = [listing_and_sku(base.object_id)[1] for base in bases]
        return sold.since(self.connection, self.shop_id, skus, min(base.since for base in bases))

    def expected(self, base: Agreed, reading: Reading, sales: Sales) -> Expected | None:
        """What stock should be by now; None for a field that nobody changes by buying."""
        if self.field is not Field.STOCK:
            return None
        key = listing_and_sku(base.object_id)
        unseen = 0
        channel = CHANNELS[self.shop_id.partition(":")[0]].channel
        if not channel.shows_unpaid and reading.held:
            unseen = max(0, reading.held - sold.holding(self.connection, self.shop_id, *key))
        span = Span(base.since, base.at), Span(reading.since, reading.at)
        return expected(int(base.value), *span, sales.get(key, ()), unseen)

    def proven(self, reading: Reading) -> bool:
        """Whether every order that may have touched the reading is known."""
        if self.field is not Field.STOCK:
            return True
        return self.complete_through is not None and self.complete_through >= reading.at

    def stand_on(self, base: Agreed, reading: Reading, source: str) -> None:
        """From now on further changes are measured from this reading."""
        value = _over(base.value, reading.value) if self.field is Field.PRICE else reading.value
        values = {reading.object_id: value}
        conflicts.agree(self.connection, self.shop_id, self.field, values, reading.since, reading.at, source)

    def unmoved(self, base: Agreed, reading: Reading, should_be: Expected | None) -> None:
        """Moves base along with sales, so that it does not get old, once it is sure what was sold."""
        if base.seen is not None:
            conflicts.forget(self.connection, self.shop_id, self.field, base.object_id)
        if should_be is None or reading.value == base.value:
            return
        if should_be.low == should_be.high or self.proven(reading):
            self.stand_on(base, reading, "shown")
        else:
            conflicts.remember(self.connection, self.shop_id, self.field, reading)

    def intent(self, object_id: str) -> Intent | None:
        """The newest wish about an object."""
        found = intents.of_object(self.connection, KINDS[self.field].value, self.shop_id, object_id)
        return found[-1] if found else None


def _stale(base: Agreed, reading: Reading) -> bool:
    return reading.since <= base.at + (SETTLE if base.source == "accepted" else timedelta(0))


def _unmoved(field: Field, base: Agreed, reading: Reading, should_be: Expected | None) -> bool:
    return int(reading.value) in should_be if should_be is not None else same(field, base.value, reading.value)


def _as_expected(desk: Desk, base: Agreed, reading: Reading, should_be: Expected | None, sales: Sales) -> Considered:
    """Nobody edited it. More stock than the ERP's word allows is put right all the same, unless the ERP does so."""
    key, over, item = reading.object_id, None, None
    if any(line.back_at is not None for line in sales.get(listing_and_sku(key), ())):
        item = desk.intent(key)
        over = given_back.excess(desk.connection, desk.shop_id, item, reading, desk.now)
    if over is None:
        desk.unmoved(base, reading, should_be)
        return Considered({key: "agreed"})
    if not desk.proven(reading) or desk.now < reading.at + given_back.ANSWER:
        conflicts.remember(desk.connection, desk.shop_id, desk.field, reading)
        return Considered({key: "wait"})
    desk.stand_on(base, reading, "decided")
    policy = desk.policy_of(key)
    case = Case(desk.shop_id, desk.field, key, base.value, str(over.ours), reading.value, policy, item)
    return given_back.put_right(desk.connection, case, over, reading.at, desk.now)


def _differs(desk: Desk, base: Agreed, reading: Reading, should_be: Expected | None, sales: Sales) -> Considered:
    """Judges a difference, or keeps it until it can be judged, rather than one that only waits for the ERP's word."""
    item = desk.intent(reading.object_id)
    if (item is not None and intents.unsettled(desk.connection, [item.id])) or not desk.proven(reading):
        if base.seen is not None and _unmoved(desk.field, base, base.seen, desk.expected(base, base.seen, sales)):
            conflicts.forget(desk.connection, desk.shop_id, desk.field, base.object_id)
        conflicts.remember(desk.connection, desk.shop_id, desk.field, reading)
        return Considered({reading.object_id: "wait"})
    if item is not None and _our_echo(desk, base, reading, item):
        desk.stand_on(base, reading, "decided")
        return Considered({reading.object_id: "agreed"})
    return _judge(desk, base, reading, should_be, item)


def _our_echo(desk: Desk, base: Agreed, reading: Reading, item: Intent) -> bool:
    """Whether the channel's review ended for an older price of ours while a newer one is on its way, or in review
    itself: nobody else changed it.
    """
    if desk.field is not Field.PRICE:
        return False
    return any(
        attempt.state == "accepted"
        and attempt.started_at >= base.at
        and same(desk.field, attempt.wanted, reading.value)
        for attempt in intents.attempts(desk.connection, item.id)
    )


def _waited(desk: Desk, base: Agreed, reading: Reading, sales: Sales) -> Considered:
    """Judges the reading that waits in a base's row, if its time has come."""
    if _stale(base, reading):
        conflicts.forget(desk.connection, desk.shop_id, desk.field, base.object_id)
        return Considered({base.object_id: "stale"})
    should_be = desk.expected(base, reading, sales)
    if _unmoved(desk.field, base, reading, should_be):
        return _as_expected(desk, base, reading, should_be, sales)
    return _differs(desk, base, reading, should_be, sales)


def _may_pass(desk: Desk, base: Agreed, item: Intent, done: Considered) -> bool:
    """Whether a wish may leave beside a reading that waits."""
    if (reading := base.seen) is None:
        return True
    should_be = desk.expected(base, reading, desk.sales([base]))
    if _stale(base, reading) or _unmoved(desk.field, base, reading, should_be):
        conflicts.forget(desk.connection, desk.shop_id, desk.field, base.object_id)
        return True
    if not desk.proven(reading) and desk.policy_of(base.object_id) is not Policy.ERP:
        words = "the channel shows something else; waiting for the orders of that time"
        intents.later(desk.connection, item, desk.now + LOOK_AGAIN, "conflict_wait", words, failed=False)
        return False
    judged = _judge(desk, base, reading, should_be, item)
    done.add(judged)
    return judged.outcomes[base.object_id] in ("push", "agreed")


def _judge(desk: Desk, base: Agreed, reading: Reading, should_be: Expected | None, item: Intent | None) -> Considered:
    ours = _ours(desk.field, base, item)
    ours_at = None
    opened = conflicts.open_ones(desk.connection, desk.shop_id, desk.field, [base.object_id]).get(base.object_id)
    if item is not None and ours is not None:
        ours_at = opened.ours_at if opened is not None else item.changed_at
    policy = desk.policy_of(base.object_id)
    case = Case(desk.shop_id, desk.field, base.object_id, base.value, ours, reading.value, policy, item)
    made = decide(
        desk.field,
        base.value,
        ours,
        reading.value,
        policy,
        ours_at=ours_at,
        theirs_at=_moved_at(base.at, reading.at, ours_at),
        expected=should_be,
    )
    if made.rule == "policy_erp" and not desk.proven(reading):
        sums = f" ({should_be.words})" if should_be is not None else ""
        words = f"the channel shows something else{sums}, maybe for orders yet to come; the ERP's word counts anyway"
        made = replace(made, rule="policy_erp_early", reason=words)
    desk.stand_on(base, reading, "decided")
    return carry_out(desk.connection, case, made, opened, ours_at=ours_at, theirs_at=reading.at, now=desk.now)


def _ours(field: Field, base: Agreed, item: Intent | None) -> str | None:
    """What the ERP wants beyond base: what is under way, or a price in the channel's review."""
    if item is None or item.reason_code == ADOPTED or item.state == "dismissed":
        return None
    if item.state == "done" and (field is not Field.PRICE or same(field, item.wanted, base.value)):
        return None
    return item.wanted


def _moved_at(after: datetime, until: datetime, ours_at: datetime | None) -> datetime | None:
    """When theirs changed, as far as that tells who did last: it did between two readings."""
    return until if ours_at is None or ours_at <= after or ours_at > until else None
