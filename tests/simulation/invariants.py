"""What must be true when a day is over, each said in words with the ids it is about."""

import itertools
import json
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from connectors import Http
from core.channel import Connector, OpenGate
from core.db import catalog, feed, items, mappings, shops
from core.db.feed import FeedRow
from core.db.intents import ADOPTED
from core.db.tables import attempt, bad_row, intent, lane, receipt, watermark
from core.errors import NotFound
from core.model import AfterSale, Order
from core.sold import COUNTED
from core.status import Closing, advance
from sandbox.model import Sku
from sandbox.world import World
from sync import pull
from tests.simulation.chaos import SKEW_SECONDS, Chaos
from tests.simulation.day import Day
from tests.simulation.erp import Erp

BETWEEN_SECONDS = 60.0
"""Longer than from a reading that a number is made of to its write, and from that to reading back, retries included.
"""

UNFORESEEN = "nothing ends with an error nobody foresaw"
"""The promise that any exception breaks."""


@dataclass(frozen=True)
class Violation:
    """A broken promise and the thing it is about."""

    invariant: str
    about: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.about}"


def broken(day: Day, erp: Erp, chaos: Chaos) -> list[Violation]:
    """Everything that is not as it must be."""
    now = datetime.fromtimestamp(day.world.now(), UTC)
    with day.database.read() as connection:
        rows = feed.read(connection, 0, 1_000_000)
        found = [
            *feed_histories(rows),
            *replayed(connection, rows),
            *_intents(connection, now),
            *_receipts(day, connection),
        ]
        found += [*_watermarks(day, connection), *_heard(rows, erp), *_limits(day, chaos)]
    day.world.change_settings({"rate_limits_on": False})
    for channel in day.channels:
        found += _platform(day, channel)
    found += [*_shipments(day, erp), *_stock(day, erp), *_prices(day, erp)]
    return found


_MODELS: dict[str, Any] = {"order": Order, "after_sale": AfterSale}


def feed_histories(rows: list[FeedRow]) -> Iterator[Violation]:
    """Each object is created once and changed in steps that are real, and no axis that only advances moves back."""
    histories: dict[tuple[str, str, str], list[FeedRow]] = defaultdict(list)
    for row in rows:
        family = row.type.split(".", maxsplit=1)[0]
        if family in items.TABLES and row.type != mappings.EVENT:
            histories[family, row.shop_id, row.object_id].append(row)
    for (family, shop, identity), events in histories.items():
        about = f"{family} {identity} of {shop}"
        if [event.revision for event in events] != list(range(1, len(events) + 1)):
            yield Violation("revisions in the feed are 1..n in order", f"{about}: {[e.revision for e in events]}")
        kinds = [event.type.rpartition(".")[2] for event in events]
        if kinds != ["created"] + ["updated"] * (len(events) - 1):
            yield Violation("an object is created once in the feed", f"{about}: {kinds}")
        bodies = [json.loads(event.data)[family] for event in events]
        for one, other in itertools.pairwise(bodies):
            if {**one, "updated_at": ""} == {**other, "updated_at": ""}:
                yield Violation("an update in the feed changes something", about)
        if family in _MODELS:
            values = [_MODELS[family].model_validate(body) for body in bodies]
            for one, other in itertools.pairwise(values):
                yield from _backwards(family, about, one, other)


def _backwards(family: str, about: str, one: Any, other: Any) -> Iterator[Violation]:
    if family == "after_sale":
        if one.refunded and not other.refunded:
            yield Violation("money that is back stays back", about)
        return
    for axis in ("payment", "fulfilment", "closing"):
        before, after = getattr(one, axis), getattr(other, axis)
        if advance(before, after) is not after and before.value != after.value:
            yield Violation("an advancing axis never moves back", f"{about}: {axis} {before.value} → {after.value}")


def replayed(connection: Connection, rows: list[FeedRow]) -> Iterator[Violation]:
    """Who applies the feed from its first event has what the tables have."""
    told: dict[tuple[str, str, str], Any] = {}
    for row in rows:
        family = row.type.split(".", maxsplit=1)[0]
        if family in items.TABLES and row.type != mappings.EVENT:
            told[family, row.shop_id, row.object_id] = json.loads(row.data)[family]
    for family in items.TABLES:
        everything = items.page(connection, family, limit=1_000_000)
        stored = {(family, item.shop_id, item.id): json.loads(item.body) for item in everything}
        mine = {key: value for key, value in told.items() if key[0] == family}
        for key in stored.keys() | mine.keys():
            if stored.get(key) != mine.get(key):
                yield Violation("replaying the feed gives what is stored", " ".join(key))


def _heard(rows: list[FeedRow], erp: Erp) -> Iterator[Violation]:
    """The ERP, which crashed before saving its cursor, has heard of everything."""
    behind = [row for row in rows if row.position > erp.cursor]
    newest: dict[tuple[str, str, str], int] = {}
    for row in rows[: len(rows) - len(behind)]:
        key = (row.type.split(".", maxsplit=1)[0], row.shop_id, row.object_id)
        newest[key] = max(newest.get(key, 0), row.revision)
    for key, revision in newest.items():
        if erp.seen.get(key, 0) < revision:
            yield Violation("a reader with a cursor misses no event", f"{' '.join(key)} revision {revision}")


def _intents(connection: Connection, now: datetime) -> Iterator[Violation]:
    """Every history is closed: nothing is under way, and what is done was accepted."""
    attempts = defaultdict(list)
    for row in connection.execute(sa.select(attempt).order_by(attempt.c.id)):
        attempts[row.intent_id].append(row)
    for row in connection.execute(sa.select(intent)):
        about = f"intent {row.id} ({row.kind} {row.object_id} of {row.shop_id})"
        if row.done_version > row.version:
            yield Violation("no version is done before it is wanted", about)
        if any(each.state in ("open", "unknown") for each in attempts[row.id]):
            yield Violation("every attempt has its outcome", about)
        accepted = [each.version for each in attempts[row.id] if each.state == "accepted"]
        if row.state == "done" and row.kind != "ship" and row.done_version not in accepted:
            yield Violation("what is done was accepted in an attempt", about)
        if row.state == "parked" and not row.reason:
            yield Violation("what is parked has its reason", about)
    for row in connection.execute(sa.select(lane).where(lane.c.expires_at > now, lane.c.kind != "listen")):
        yield Violation("no lane is owned when nobody works", f"{row.kind}@{row.shop_id}")


def _receipts(day: Day, connection: Connection) -> Iterator[Violation]:
    """Every notice is dealt with, and a message that came twice is one receipt."""
    counted: dict[tuple[str, str], int] = defaultdict(int)
    for row in connection.execute(sa.select(receipt)):
        counted[row.channel, row.object_id] += 1
        if row.state == "due" or (row.state == "parked" and not row.reason):
            yield Violation("every notice is handled, or parked with its reason", f"{row.channel} notice {row.id}")
    for channel in day.channels:
        sent: dict[str, int] = defaultdict(int)
        for push in day.world.outboxes[channel].pushes:
            sent[push.object_id] += 1
        total = sum(count for (of, _), count in counted.items() if of == channel)
        if channel != "jd" and total > sum(sent.values()):
            yield Violation("a message that came twice is one receipt", f"{channel}: {total} of {sum(sent.values())}")
    for row in connection.execute(sa.select(bad_row)):
        yield Violation("every row of the platforms can be read", f"{row.kind} {row.object_id}: {row.reason}")


def _watermarks(day: Day, connection: Connection) -> Iterator[Violation]:
    now = datetime.fromtimestamp(day.world.now(), UTC)
    for row in connection.execute(sa.select(watermark).where(watermark.c.stream.in_((pull.ORDERS, pull.AFTER_SALES)))):
        if row.complete_through < now - timedelta(minutes=30):
            yield Violation(
                "watermarks move on", f"{row.stream} of {row.shop_id}: {row.complete_through} ({row.reason})"
            )
        if row.complete_through > now:
            yield Violation("no watermark is ahead of the platform", f"{row.stream} of {row.shop_id}")


def _connector(day: Day, channel: str) -> Connector:
    """A session without a rate budget, for the judge's own eyes."""
    runtime = day.runtime(day.web)
    runtime.__dict__["gate"] = OpenGate()
    with day.database.read() as connection:
        row = shops.get(connection, day.shop_id(channel))
    return runtime.connector(row, Http(OpenGate(), day.wire))[0]


def _platform(day: Day, channel: str) -> Iterator[Violation]:
    """Nothing is missing: what the platform shows of every order and after-sale is what we have."""
    connector, shop = _connector(day, channel), day.shop_id(channel)
    book = day.world.book(day.world.shop(channel))
    with day.database.read() as connection:
        stored = items.find_many(connection, "order", shop, list(book.orders))
        known = items.page(connection, "after_sale", items.Filter(shops=[shop]), limit=1_000_000)
    cases = {item.id: item for item in known}
    for identity, order in book.orders.items():
        if channel == "pinduoduo" and order.confirmed is None:
            continue  # its lists know no such orders
        try:
            shown = connector.order(identity).value
        except NotFound:
            continue
        if identity not in stored:
            yield Violation("no order of the platform is missing", f"order {identity} of {shop}")
            continue
        ours = items.order(stored[identity])
        if order.received and shown.closing.value is Closing.CLOSED_REFUNDED:  # what is closed tells less than before
            shown = shown.model_copy(update={"fulfilment": advance(shown.fulfilment, ours.fulfilment)})
        yield from _differs(f"order {identity} of {shop}", ours, shown)
    for identity, refund in book.refunds.items():
        named = f"{'refund' if refund.whole_order else 'service'}:{identity}" if channel == "jd" else identity
        try:
            case = connector.after_sale(named, refund.order_id).value
        except NotFound:
            continue
        if named not in cases:
            yield Violation("no after-sale of the platform is missing", f"after-sale {named} of {shop}")
        elif (have := AfterSale.model_validate_json(cases[named].body)).stage.value != case.stage.value:
            about = f"after-sale {named} of {shop}"
            yield Violation(
                "after-sales end as the platform shows them", f"{about}: {have.stage.value}, shown {case.stage.value}"
            )


def _differs(about: str, have: Order, shown: Order) -> Iterator[Violation]:
    for name in ("payment", "fulfilment", "closing", "hold", "after_sale"):
        ours, theirs = getattr(have, name).value, getattr(shown, name).value
        if ours != theirs:
            yield Violation("orders end as the platform shows them", f"{about}: {name} is {ours}, shown {theirs}")
    numbers = ({parcel.tracking_no for parcel in order.parcels} for order in (have, shown))
    if len({frozenset(each) for each in numbers}) > 1:
        yield Violation("orders end as the platform shows them", f"{about}: other parcels")


def _shipments(day: Day, erp: Erp) -> Iterator[Violation]:
    """Every order the ERP shipped was accepted once and shows the numbers last wanted, or a person was asked."""
    with day.database.read() as connection:
        states = defaultdict(list)
        for row in connection.execute(sa.select(intent).where(intent.c.kind == "ship").order_by(intent.c.id)):
            states[row.shop_id, row.object_id].append(row)
    for channel in day.channels:
        for order in day.world.all_orders(channel):
            key = (day.shop_id(channel), order.order_id)
            wanted, shown = erp.numbers.get(key, []), [package.tracking_no for package in order.packages]
            about = f"order {order.order_id} of {key[0]}"
            if len(shown) != len(set(shown)):
                yield Violation("a parcel is declared once", f"{about}: {shown}")
            if order.ship_accepts > max(1, len(wanted)):
                yield Violation("a shipment is accepted once", f"{about}: {order.ship_accepts} times")
            last = states[key][-1] if states[key] else None
            if last is None:
                if shown:
                    yield Violation("nobody ships by himself", about)
            elif last.state == "done" and not set(wanted) <= set(shown):
                yield Violation("the numbers last wanted are shown", f"{about}: wanted {wanted}, shown {shown}")
            elif last.state == "parked" and not _excused(order, last.reason_code):
                yield Violation("a shipment is parked for a true reason", f"{about}: {last.reason_code} {last.reason}")


def _excused(order: Any, code: str) -> bool:
    """Whether the order's life explains why a person was asked."""
    return bool(order.refunds) or order.state.value in ("cancelled", "received", "finished")


def _stock(day: Day, erp: Erp) -> Iterator[Violation]:
    with day.database.read() as connection:
        numbers = catalog.numbers(connection, set(erp.stock))
        rows = {
            (r.shop_id, r.object_id): r for r in connection.execute(sa.select(intent).where(intent.c.kind == "stock"))
        }
        mapped = [row for row in catalog.rows_of(connection) if row.sku in erp.stock]
        shown = sa.select(attempt).where(attempt.c.state == "accepted", attempt.c.resolved_at.is_not(None))
        looks = {
            (row.intent_id, row.version): (row.started_at.timestamp(), row.resolved_at.timestamp())
            for row in connection.execute(shown)
        }
        said = {code: at for code in erp.stock if (at := catalog.said_at(connection, [code])) is not None}
    for code, quantity in erp.stock.items():
        if numbers.get(code) != quantity:
            yield Violation("the ERP's last number is ours", f"{code}: {numbers.get(code)}, wanted {quantity}")
    for row in mapped:
        channel = row.shop_id.partition(":")[0]
        sku = day.world.sku(day.world.shop(channel), row.key.sku_id)
        about = f"SKU {row.key.sku_id} ({row.sku}) of {row.shop_id}"
        work = rows.get((row.shop_id, f"{row.key.listing_id}/{row.key.sku_id}"))
        if work is None:
            yield Violation("a number that is wanted has its intent", about)
        elif work.state == "parked":
            yield Violation("no stock is parked without cause", f"{about}: {work.reason_code} {work.reason}")
        elif work.reason_code == ADOPTED:
            continue  # the channel showed the wanted number already, and nothing was sent
        elif not explained(day.world, channel, sku, erp.stock[row.sku], looks.get((work.id, work.version))):
            yield Violation(
                "stock ends as last wanted", f"{about}: set to {sku.last_set.quantity}, wanted {erp.stock[row.sku]}"
            )
        elif work.state == "done":
            counted = said[row.sku] - COUNTED
            most = erp.stock[row.sku] + left_of(day, channel, sku, looks.get((work.id, work.version)), counted)
            if sku.sellable > most:
                yield Violation("no more stays on sale than was said", f"{about}: {sku.sellable}, at most {most}")


def left_of(day: Day, channel: str, sku: Sku, looked: tuple[float, float] | None, counted: datetime) -> int:
    """By how much what is on sale may be above the number last wished, with the truth about orders: less what was sold
    since and is still out; more by what came back of orders that the ERP had `counted`, or after the evening's look.
    """
    since = max(sku.last_set.at, looked[1] if looked is not None else 0) + BETWEEN_SECONDS
    change = 0
    for order in day.world.all_orders(channel):
        for line in order.lines:
            if line.sku_id != sku.sku_id:
                continue
            back = line.cancelled or order.cancelled is not None
            known = order.paid is not None and order.paid < counted.timestamp() + BETWEEN_SECONDS
            if back and (known or order.updated > day.looked_at):
                change += line.quantity
            elif not back and order.paid is not None and order.created > since and not order.parent_id:
                change -= line.quantity
    return change


def explained(world: World, channel: str, sku: Sku, wanted: int, looked: tuple[float, float] | None) -> bool:
    """Whether the number last set on the channel is what a wish leads to.

    Some channels' numbers are made of a reading and a write: what was sold between the two is missing, which is right.
    What orders shipped between the two leave too much is found by reading back, unless as much was sold before that:
    then nobody can tell, and no more is left than was wished.

    `looked`, of a wish that counts as accepted because the channel showed its number: when its call began and when the
    look was written down, by clocks of ours. Nobody can tell, and need not, whether that call landed or sales alone led
    from the number set before to the one wished: at that moment writing it would change nothing.
    """
    at, over = sku.last_set.at, sku.last_set.quantity - wanted
    before = after = 0
    if channel in ("taobao", "jd"):
        before = _sold(world, channel, sku, at - BETWEEN_SECONDS, at)
        after = _sold(world, channel, sku, at, at + BETWEEN_SECONDS)
    if -before <= over <= after:
        return True
    if looked is None:
        return False
    begun, shown = looked
    least = max(0, sku.sold_since - _sold(world, channel, sku, begun - SKEW_SECONDS)) - sku.given_back_since
    return least <= over <= sku.sold_since - _sold(world, channel, sku, shown + SKEW_SECONDS)


def _sold(world: World, channel: str, sku: Sku, after: float, until: float = math.inf) -> int:
    """Pieces ordered after one time and not after the other."""
    return sum(
        line.quantity
        for order in world.all_orders(channel)
        if not order.parent_id and after < order.created <= until
        for line in order.lines
        if line.sku_id == sku.sku_id
    )


def _prices(day: Day, erp: Erp) -> Iterator[Violation]:
    with day.database.read() as connection:
        rows = {
            (r.shop_id, r.object_id): r for r in connection.execute(sa.select(intent).where(intent.c.kind == "price"))
        }
    for (shop, listing, sku_id), sale in erp.prices.items():
        sku = day.world.sku(day.world.shop(shop.partition(":")[0]), sku_id)
        price = sku.pending_price.price if sku.pending_price else sku.price
        work = rows.get((shop, f"{listing}/{sku_id}"))
        about = f"SKU {sku_id} of {shop}"
        if work is None:
            yield Violation("a price that is wanted has its intent", about)
        elif work.state == "parked" and work.reason_code != "unsupported":
            yield Violation("no price is parked without cause", f"{about}: {work.reason_code} {work.reason}")
        elif work.state != "parked" and price.sale != sale:
            yield Violation("prices end as last wanted", f"{about}: {price.sale}, wanted {sale}")


def _limits(day: Day, chaos: Chaos) -> Iterator[Violation]:
    """No call is refused for being too much, but for the refusals that were ordered, and for calls that stood still
    between the budget's word and the platform: nobody can call those back.
    """
    for channel in day.channels:
        ordered = sum(fault.struck for fault in chaos.storms if fault.rule.channel == channel)
        if ordered and channel == "taobao":
            continue  # a ban outlasts the refusal, and a flushed Redis forgets it
        refused = {method: counts["throttled"] for method, counts in day.world.calls[channel].items()}
        if sum(refused.values()) > ordered + day.wire.excused[channel]:
            told = {method: count for method, count in refused.items() if count}
            yield Violation("no call is above a limit", f"{channel}: {told}, {ordered} refusals were ordered")
