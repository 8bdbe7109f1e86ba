"""Comparing a shop with its channel, piece by piece: a window of orders or after-sales, some listings, some stock.

Every piece reads, then does all it has to in transactions that end with its place in the run, so that a run that is
killed goes on where it was. What differs is taken over by `accept` with its event, or decided by `conflicts`: nothing
is judged here. A dry run does the same and rolls back.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from core.channel import Connector, Fetched, Window
from core.conflict import Field
from core.db import catalog, conflicts, feed, gaps, items, reconciliations, watermarks
from core.db.catalog import CatalogRow
from core.db.reconciliations import Counts, Run
from core.difference import Difference, differences
from core.errors import ChannelError, NotFound
from core.model import AfterSale, Listing, Order, StockLevel
from core.status import Fact, Shelf
from sync import conflicts as judge
from sync import deliver, pull
from sync.accept import Accepted, absorb
from sync.runtime import Runtime

ORDERS, AFTER_SALES, STOCK, PRICE, SHELF = "orders", "after-sales", "stock", "price", "shelf"
PARTS = (ORDERS, AFTER_SALES, STOCK, PRICE, SHELF)
LISTINGS, WAITING = "listings", "waiting"
STREAMS = {ORDERS: pull.ORDERS, AFTER_SALES: pull.AFTER_SALES}
LISTINGS_AT_ONCE = 10
SKUS_AT_ONCE = 50
UNLISTED_AT_ONCE = 20
"""So many items of one window that a list does not show are read one by one."""
FRESH = timedelta(minutes=15)
"""Changes younger than that are the polls' and pushes' own business."""
PATIENCE = timedelta(minutes=30)
"""How long a run waits until readings of stock can be judged."""
_OUTCOMES = {"ask": "asked", "push": "sent again", "adopt": "adopted"}


@dataclass(frozen=True)
class Finding:
    """Something that differed. `outcome`: created, updated, gone, adopted, sent again, asked, waiting, unread."""

    part: str
    object_id: str
    outcome: str
    differences: tuple[Difference, ...] = ()
    words: str = ""


@dataclass(frozen=True)
class Piece:
    """One piece of a run. `cursor` is where the next one begins, None when there is none; `share` how much of the run
    is done.
    """

    stage: str
    counts: Counts
    findings: tuple[Finding, ...]
    cursor: Mapping[str, Any] | None
    share: float
    pause: timedelta = timedelta(0)


@dataclass(frozen=True)
class Bench:
    """What a piece works with. `hold` proves, inside each transaction, that the work is still ours."""

    runtime: Runtime
    connector: Connector
    run: Run
    hold: Callable[[Connection], None] = lambda _connection: None
    dry_run: bool = False

    @property
    def shop(self) -> str:
        return self.run.shop_id

    def now(self) -> datetime:
        return self.runtime.clock.now()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction, undone at its end by a dry run."""
        with self.runtime.database.write() as connection:
            self.hold(connection)
            trial = connection.begin_nested() if self.dry_run else None
            yield connection
            if trial is not None:
                trial.rollback()
        self.runtime.bells.announce_feed()

    def note(self, connection: Connection, counts: Counts, cursor: Mapping[str, Any] | None = None) -> None:
        if not self.dry_run:
            reconciliations.note(connection, self.run.id, counts, cursor)


def one(bench: Bench, stage: str, fetched: Fetched[Any], asked_at: datetime) -> list[Finding]:
    """Takes over one thing that was read by itself."""
    with bench.writing() as connection:
        _, findings = _take(bench, connection, stage, [fetched], asked_at)
    return findings


def stages(run: Run) -> list[str]:
    """What a run does in turn. A listing shows stock and price as well, so stock alone is read only when nothing else
    of listings is asked for.
    """
    found = [part for part in (ORDERS, AFTER_SALES) if part in run.parts]
    if {PRICE, SHELF} & set(run.parts):
        found.append(LISTINGS)
    elif STOCK in run.parts:
        found.append(STOCK)
    if run.origin == reconciliations.NIGHTLY and STOCK in run.parts:
        found.append(WAITING)
    return found


def piece(bench: Bench, cursor: Mapping[str, Any]) -> Piece:
    """The piece at this place. Raises `core.errors` for what concerns more than one object."""
    stage = cursor.get("stage") or stages(bench.run)[0]
    if stage in STREAMS:
        return _window(bench, stage, cursor)
    if stage == LISTINGS:
        return _listings(bench, str(cursor.get("after", "")))
    return _stock(bench, cursor.get("after")) if stage == STOCK else _waiting(bench, cursor)


def _after(bench: Bench, stage: str) -> Mapping[str, Any] | None:
    """The beginning of the stage after this one."""
    todo = stages(bench.run)
    place = todo.index(stage) + 1
    return {"stage": todo[place]} if place < len(todo) else None


def _done(bench: Bench, stage: str, counts: Counts, findings: Sequence[Finding], within: float) -> Piece:
    """The piece as it is told. The caller replaces the cursor when the stage is not through."""
    todo = stages(bench.run)
    share = (todo.index(stage) + within) / len(todo)
    return Piece(stage, counts, tuple(findings), _after(bench, stage), share)


def _window(bench: Bench, stage: str, cursor: Mapping[str, Any]) -> Piece:
    stream, run = STREAMS[stage], bench.run
    paging = pull.paging(stream, bench.connector)
    if paging is None:
        return _skipped(bench, stage)
    begin = datetime.fromisoformat(cursor["at"]) if "at" in cursor else run.since
    begin = max(begin, bench.now() - paging.horizon)
    window = Window(begin, max(begin, min(begin + paging.window, run.until)))
    seen, counts = pull.Seen(), Counts()
    findings: list[Finding] = []
    for asked_at, page in pull.timed(pull.pages(stream, bench.connector, window), bench.runtime.clock):
        fresh = {item.value.id for item in page.items} - seen.ids
        seen.add(page)
        with bench.writing() as connection:
            pull.park_rows(bench.runtime, connection, bench.shop, gaps.KINDS[stream], page.bad, bench.now())
            found, told = _take(bench, connection, stage, page.items, asked_at)
            found += Counts(compared=len(fresh))
            bench.note(connection, found)
        counts, findings = counts + found, findings + told
    found, told = _unlisted(bench, stage, window, seen.ids)
    counts, findings = counts + found, findings + told
    walk = seen.walk(window)
    if not walk.complete:
        words = f"the channel counts {walk.expected}, its pages gave {walk.received}"
        findings.append(Finding(stage, f"{window.since:%m-%d %H:%M} UTC", "incomplete", words=words))
    through = window.until >= run.until
    following = _after(bench, stage) if through else {"stage": stage, "at": window.until.isoformat()}
    with bench.writing() as connection:
        watermarks.log(connection, bench.shop, stream, walk, bench.now())
        bench.note(connection, Counts(), following or {"stage": "end"})
    within = (window.until - run.since) / max(run.until - run.since, timedelta(seconds=1))
    done = _done(bench, stage, counts, findings, min(1.0, within))
    return Piece(stage, done.counts, done.findings, following, done.share)


def _skipped(bench: Bench, stage: str) -> Piece:
    """A channel that does not tell it."""
    with bench.writing() as connection:
        bench.note(connection, Counts(), _after(bench, stage) or {"stage": "end"})
    return _done(bench, stage, Counts(), (), 1.0)


def _take(
    bench: Bench, connection: Connection, stage: str, fetched: Sequence[Fetched[Any]], asked_at: datetime
) -> tuple[Counts, list[Finding]]:
    """Takes over what was read, and tells what was different."""
    kind = {ORDERS: "order", AFTER_SALES: "after_sale"}.get(stage, "listing")
    ids = [item.value.id for item in fetched]
    before = items.find_many(connection, kind, bench.shop, ids)
    outcomes, events = absorb(connection, bench.runtime.vault, bench.shop, fetched, bench.now(), asked_at=asked_at)
    after = items.find_many(connection, kind, bench.shop, ids)
    findings = [
        _changed(stage, each, before[each.id].body if each.id in before else None, after[each.id].body)
        for each in outcomes
        if each.effect != "unchanged"
    ]
    asked = sum(event.type == "conflict.opened" for event in events)
    feed.append(connection, events)
    return Counts(differing=len(findings), repaired=len(findings), asked=asked), findings


def _changed(part: str, outcome: Accepted, before: str | None, after: str) -> Finding:
    return Finding(part, outcome.id, outcome.effect, differences(before, after))


def _unlisted(bench: Bench, stage: str, window: Window, listed: set[str]) -> tuple[Counts, list[Finding]]:
    """Reads what should have been in the list by what we know of it, one by one."""
    kind = gaps.KINDS[STREAMS[stage]]
    with bench.runtime.database.read() as connection:
        known = reconciliations.changed_between(connection, kind, bench.shop, window.since, window.until)
        missing = sorted(known - listed)[:UNLISTED_AT_ONCE]
        stored = items.find_many(connection, kind, bench.shop, missing)
    counts = Counts()
    findings: list[Finding] = []
    for identity in missing:
        asked_at = bench.now()
        try:
            fetched = _read_one(bench.connector, stage, stored[identity].body, identity)
        except ChannelError as error:
            found, told = _unread(stage, identity, error)
        else:
            with bench.writing() as connection:
                found, told = _take(bench, connection, stage, [fetched], asked_at)
                found += Counts(compared=1)
                bench.note(connection, found)
        counts, findings = counts + found, findings + told
    return counts, findings


def _read_one(connector: Connector, stage: str, body: str, identity: str) -> Fetched[Order] | Fetched[AfterSale]:
    if stage == ORDERS:
        return connector.order(identity)
    return connector.after_sale(identity, AfterSale.model_validate_json(body).order_id)


def _unread(part: str, identity: str, error: ChannelError) -> tuple[Counts, list[Finding]]:
    """One object that could not be read stops nothing. Raises what concerns everything else as well."""
    if deliver.for_the_lane(error) is not None:
        raise error
    gone = isinstance(error, NotFound)
    words = "the channel does not know it any more" if gone else str(error)
    counts = Counts(compared=1, differing=int(gone), unread=1)
    return counts, [Finding(part, identity, "gone" if gone else "unread", words=words)]


def _listings(bench: Bench, after: str) -> Piece:
    with bench.runtime.database.read() as connection:
        ids = catalog.listing_ids(connection, bench.shop, after, LISTINGS_AT_ONCE)
        stored = items.find_many(connection, "listing", bench.shop, ids)
    asked_at = bench.now()
    fetched: list[Fetched[Listing]] = []
    counts = Counts()
    findings: list[Finding] = []
    for identity in ids:
        try:
            fetched.append(bench.connector.listing(identity))
        except NotFound as error:
            if identity in stored:
                fetched.append(_gone(stored[identity].body, bench.now()))
            else:
                counts, findings = _joined(counts, findings, _unread(SHELF, identity, error))
        except ChannelError as error:
            counts, findings = _joined(counts, findings, _unread(SHELF, identity, error))
    following = {"stage": LISTINGS, "after": ids[-1]} if len(ids) == LISTINGS_AT_ONCE else _after(bench, LISTINGS)
    with bench.writing() as connection:
        skus = [f"{each.value.id}/{sku.sku_id}" for each in fetched for sku in each.value.skus]
        last = reconciliations.last_decision(connection, bench.shop)
        found = _take_listings(bench, connection, fetched, asked_at)
        counts, findings = _joined(counts, findings, (Counts(), found))
        counts, findings = _joined(counts, findings, _decided(bench, connection, last, skus))
        counts += Counts(compared=len(fetched), differing=len(found), repaired=len(found))
        bench.note(connection, counts, following or {"stage": "end"})
    done = _done(bench, LISTINGS, counts, findings, 1.0 if len(ids) < LISTINGS_AT_ONCE else 0.5)
    return Piece(LISTINGS, done.counts, done.findings, following, done.share)


def _joined(
    counts: Counts, findings: list[Finding], more: tuple[Counts, list[Finding]]
) -> tuple[Counts, list[Finding]]:
    return counts + more[0], findings + more[1]


def _gone(body: str, now: datetime) -> Fetched[Listing]:
    """A listing that the channel does not know any more, as it is known here but deleted."""
    known = Listing.model_validate_json(body)
    skus = tuple(sku.model_copy(update={"shelf": Shelf.DELETED, "sellable": None, "price": None}) for sku in known.skus)
    deleted = Fact[Shelf](value=Shelf.DELETED, at=now)
    return Fetched(known.model_copy(update={"shelf": deleted, "skus": skus, "updated_at": now}), b"{}")


def _take_listings(
    bench: Bench, connection: Connection, fetched: Sequence[Fetched[Listing]], asked_at: datetime
) -> list[Finding]:
    """Stock and prices change by themselves and are judged by `conflicts`; here counts what else differs."""
    _, findings = _take(bench, connection, SHELF, fetched, asked_at)
    own = [replace(each, differences=tuple(filter(_of_the_listing, each.differences))) for each in findings]
    return [each for each in own if each.differences and SHELF in bench.run.parts]


def _of_the_listing(difference: Difference) -> bool:
    return not difference.field.startswith("skus")


def _decided(bench: Bench, connection: Connection, last: int, skus: Sequence[str]) -> tuple[Counts, list[Finding]]:
    """What was decided about these listing SKUs, and which readings wait to be judged."""
    fields = [part for part in (STOCK, PRICE) if part in bench.run.parts]
    made = [row for row in reconciliations.decided_since(connection, bench.shop, last, fields) if row[1] in skus]
    findings = [
        Finding(field, object_id, _OUTCOMES[outcome], (Difference(field, base, theirs),))
        for field, object_id, outcome, base, theirs in made
    ]
    asked = sum(outcome == "ask" for _, _, outcome, _, _ in made)
    if STOCK in fields:
        waits = conflicts.waiting(connection, bench.shop, Field.STOCK, skus) if skus else []
        findings += [
            Finding(STOCK, each.object_id, "waiting", (Difference(STOCK, each.value, each.seen.value),))
            for each in waits
            if each.seen is not None
        ]
    return Counts(differing=len(findings), repaired=len(made) - asked, asked=asked), findings


def _stock(bench: Bench, after: Sequence[str] | None) -> Piece:
    with bench.runtime.database.read() as connection:
        place = (bench.shop, after[0], after[1]) if after else None
        rows = catalog.rows_of(connection, shop_id=bench.shop, after=place, limit=SKUS_AT_ONCE)
    asked_at = bench.now()
    counts = Counts()
    findings: list[Finding] = []
    levels: list[StockLevel] = []
    try:
        levels = bench.connector.stock_levels([row.key for row in rows]) if rows else []
    except ChannelError as error:
        counts, findings = _unread(STOCK, _named(rows[0]), error)
    through = len(rows) < SKUS_AT_ONCE
    key = None if through else rows[-1].key
    following = _after(bench, STOCK) if key is None else {"stage": STOCK, "after": [key.listing_id, key.sku_id]}
    with bench.writing() as connection:
        last = reconciliations.last_decision(connection, bench.shop)
        catalog.read_stock(connection, bench.shop, levels)
        judged = judge.see_levels(connection, bench.runtime.vault, bench.shop, levels, asked_at, bench.now())
        found, told = _decided(bench, connection, last, [_named(each) for each in levels])
        counts, findings = _joined(counts, findings, (found + Counts(compared=len(levels)), told))
        bench.note(connection, counts, following or {"stage": "end"})
        feed.append(connection, judged.events)
    if not bench.dry_run:
        bench.runtime.bells.ring(judged.lanes)
    done = _done(bench, STOCK, counts, findings, 1.0 if through else 0.5)
    return Piece(STOCK, done.counts, done.findings, following, done.share)


def _named(thing: CatalogRow | StockLevel) -> str:
    return f"{thing.key.listing_id}/{thing.key.sku_id}"


def _waiting(bench: Bench, cursor: Mapping[str, Any]) -> Piece:
    """Readings of stock are judged once every order around them is here; counts what became of them."""
    since = datetime.fromisoformat(cursor["at"]) if "at" in cursor else bench.now()
    with bench.writing() as connection:
        last = int(cursor.get("decided", reconciliations.last_decision(connection, bench.shop)))
        waits = [
            each
            for each in conflicts.waiting(connection, bench.shop, Field.STOCK)
            if each.seen is not None and each.seen.at >= bench.run.started_at
        ]
        if waits and bench.now() - since < PATIENCE:
            place = {"stage": WAITING, "at": since.isoformat(), "decided": last}
            bench.note(connection, Counts(), place)
            return Piece(WAITING, Counts(), (), place, 0.99, timedelta(minutes=1))
        made = reconciliations.decided_since(connection, bench.shop, last, [STOCK])
        asked = sum(outcome == "ask" for _, _, outcome, _, _ in made)
        counts = Counts(repaired=len(made) - asked, asked=asked)
        bench.note(connection, counts, {"stage": "end"})
    return _done(bench, WAITING, counts, (), 1.0)
