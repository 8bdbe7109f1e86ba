"""Everything an operator can do, as plain functions over a Runtime; command line and console only show the answers.

What changes rows also rings for them. A Redis that is away loses nothing: the sweeper rings what is due.
"""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import SecretStr, ValidationError
from sqlalchemy import Connection

from connectors import CHANNELS
from core.channel import Connector, Credentials, Fetched, ObjectKind, Window
from core.db import catalog, feed, history, intents, items, order_numbers, parked, shops, watermarks
from core.db.catalog import CatalogRow
from core.db.feed import FeedRow
from core.db.intents import Intent
from core.db.items import StoredItem
from core.db.lanes import Kind, Lane
from core.db.mappings import Change
from core.db.mappings import history as changes
from core.db.parked import Parked
from core.db.shops import ShopRow
from core.db.watermarks import Walk
from core.errors import ConfigurationError
from core.model import StockLevel
from core.stock import Part, published
from sync import by_hand, conflicts, mappings, pull, push, tokens
from sync.accept import Accepted, accept
from sync.mappings import MappingItem
from sync.patience import Patient
from sync.push import StockItem
from sync.queue import QUEUES
from sync.runtime import Runtime
from sync.wishes import ItemResult

SKUS_AT_ONCE = 50

R = TypeVar("R")


@dataclass(frozen=True)
class ShopView:
    """A shop as an operator wants to see it. `complete_through`: every order change up to then is here."""

    shop: ShopRow
    complete_through: datetime | None
    access_expires_at: datetime | None
    parked: int
    trouble: str
    """Why the last look at the channel came back incomplete; empty when it did not."""


def connect_shop(
    runtime: Runtime,
    *,
    channel: str,
    account: str,
    name: str,
    credentials: Credentials,
    options: Mapping[str, str] = MappingProxyType({}),
) -> ShopView:
    """Connects a shop, or renews the app, tokens and given options of a known one, and starts its first pull."""
    if channel not in CHANNELS:
        raise ConfigurationError(f"no channel {channel}; there are {', '.join(sorted(CHANNELS))}")
    _check_options(channel, options)
    if not account or not credentials.app_key or not credentials.access_token.get_secret_value():
        raise ConfigurationError("a shop needs its account, the app's key and secret, and an access token")
    with runtime.database.write() as connection:
        identity = shops.add(
            connection,
            runtime.vault,
            channel=channel,
            account=account,
            name=name or account,
            credentials=credentials,
            now=runtime.clock.now(),
            options=options,
        )
    pull.begin(runtime, identity)
    runtime.bells.ring(Lane(identity, kind) for kind in (Kind.PULL, Kind.BACKFILL, Kind.NOTICES))
    return show_shop(runtime, identity)


def _check_options(channel: str, options: Mapping[str, str]) -> None:
    known = {option.name: option for option in CHANNELS[channel].channel.options}
    for name, value in options.items():
        if name not in known:
            raise ConfigurationError(f"{channel} has no option {name}; there are {', '.join(known) or 'none'}")
        if known[name].choices and value not in known[name].choices:
            raise ConfigurationError(f"{name} is one of {', '.join(known[name].choices)}, not {value}")


def credentials(app_key: str, app_secret: str, access_token: str, refresh_token: str = "") -> Credentials:
    """Credentials from plain text; when the tokens end is learnt from the channel."""
    return Credentials(app_key, SecretStr(app_secret), SecretStr(access_token), SecretStr(refresh_token))


def list_shops(runtime: Runtime) -> list[ShopView]:
    with runtime.database.read() as connection:
        waiting = parked.counts(connection)
        return [_view(runtime, connection, row, waiting) for row in shops.all_shops(connection)]


def show_shop(runtime: Runtime, identity: str) -> ShopView:
    """Raises ConfigurationError for a shop that was never added."""
    with runtime.database.read() as connection:
        return _view(runtime, connection, shops.get(connection, identity), parked.counts(connection))


def _view(runtime: Runtime, connection: Connection, row: ShopRow, waiting: dict[str, int]) -> ShopView:
    marks = watermarks.of_shop(connection, row.id)
    held = shops.credentials(connection, runtime.vault, row)
    return ShopView(
        row,
        marks[pull.ORDERS].complete_through if pull.ORDERS in marks else None,
        held.credentials.access_expires_at,
        waiting.get(row.id, 0),
        "; ".join(f"{mark.stream}: {mark.reason}" for mark in marks.values() if mark.reason),
    )


def pause_shop(runtime: Runtime, identity: str, reason: str) -> bool:
    """Stops all calls to a shop; wishes and pushes keep arriving. False when it was paused already."""
    return _set_state(runtime, identity, "paused", reason)


def resume_shop(runtime: Runtime, identity: str) -> bool:
    """Lets the work of a shop go on. False when it was not paused."""
    changed = _set_state(runtime, identity, "resumed", "")
    runtime.bells.ring(Lane(identity, kind) for kind in QUEUES)
    return changed


def _set_state(runtime: Runtime, identity: str, state: str, reason: str) -> bool:
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        shops.get(connection, identity)
        pausing = state == "paused"
        revision = shops.pause(connection, identity, reason) if pausing else shops.resume(connection, identity)
        if revision:
            feed.append(connection, [tokens.state_event(identity, state, reason, revision, now)])
    runtime.bells.announce_feed()
    return revision > 0


def ask(runtime: Runtime, identity: str, read: Callable[[Connector], R]) -> R:
    """A person's own reading of a shop's channel. A dead token is refreshed once, and the reading begins again."""
    with runtime.database.read() as connection:
        row = shops.get(connection, identity)
    return tokens.ask(runtime, row, read, Patient(runtime))


def resync(
    runtime: Runtime, identity: str, stream: str, window: Window, *, dry_run: bool = False
) -> Iterator[tuple[Walk, list[Accepted]]]:
    """Reads orders or listings again; one answer per page: the walk so far and what the page changed (or would)."""
    with runtime.database.read() as connection:
        row = shops.get(connection, identity)

    def begin(connector: Connector) -> Iterator[tuple[Walk, list[Accepted]]]:
        pages = pull.resync(runtime, row, connector, stream, window, dry_run=dry_run)
        first = next(pages, None)
        return iter(()) if first is None else itertools.chain([first], pages)

    yield from ask(runtime, identity, begin)


@dataclass(frozen=True)
class StockReading:
    """One listing SKU: what we last knew of its stock, what the channel shows now, and what the ERP wants."""

    row: CatalogRow
    now: StockLevel | None
    wanted: int | None


def resync_stock(runtime: Runtime, identity: str, *, dry_run: bool = False) -> Iterator[list[StockReading]]:
    """Reads the stock of every known listing SKU of a shop again, some at a time."""
    with runtime.database.read() as connection:
        rows = catalog.rows_of(connection, shop_id=identity)
        numbers, _ = known_numbers(connection, rows)
    for start in range(0, len(rows), SKUS_AT_ONCE):
        batch = rows[start : start + SKUS_AT_ONCE]
        asked_at = runtime.clock.now()
        levels = {level.key: level for level in ask(runtime, identity, functools.partial(_levels, batch))}
        if not dry_run:
            now = runtime.clock.now()
            with runtime.database.write() as connection:
                catalog.read_stock(connection, identity, levels.values())
                judged = conflicts.see_levels(connection, runtime.vault, identity, levels.values(), asked_at, now)
                feed.append(connection, judged.events)
            runtime.bells.ring(judged.lanes)
            runtime.bells.announce_feed()
        yield [StockReading(row, levels.get(row.key), published(row.parts, numbers)) for row in batch]


def _levels(rows: Sequence[CatalogRow], connector: Connector) -> list[StockLevel]:
    return connector.stock_levels([row.key for row in rows])


def push_stock(runtime: Runtime, identity: str) -> int:
    """Sends the ERP's number of every mapped SKU to a shop again. Answers how many listing SKUs."""
    with runtime.database.write() as connection:
        numbers, held = known_numbers(connection, catalog.rows_of(connection, shop_id=identity))
        ready = [row for row in held if published(row.parts, numbers) is not None]
        targets = [catalog.Target(row.shop_id, row.key) for row in ready]
        wanted = mappings.publish(connection, identity, targets, runtime.clock.now())
    runtime.bells.ring(wanted)
    return len(ready)


def known_numbers(connection: Connection, rows: Iterable[CatalogRow]) -> tuple[dict[str, int], list[CatalogRow]]:
    """The ERP's numbers of all that these are made of, and those of them that are made of anything."""
    held = [row for row in rows if row.parts]
    return catalog.numbers(connection, {part.sku for row in held for part in row.parts}), held


def push_prices(runtime: Runtime, identity: str) -> int:
    """Sends every price the ERP ever set in a shop again. Answers how many listing SKUs."""
    with runtime.database.write() as connection:
        catalog.numbers_locked(connection)
        wanted = intents.of_shop(connection, Kind.PRICE.value, identity)
        wishes = [intents.Wish(item.kind, item.key, item.shop_id, item.object_id, item.wanted) for item in wanted]
        intents.want(connection, wishes, runtime.clock.now())
    runtime.bells.ring({Lane(identity, Kind.PRICE)} if wanted else ())
    return len(wanted)


def list_orders(runtime: Runtime, *, shop: str = "", status: str = "", limit: int = 50) -> list[StoredItem]:
    """Newest change first."""
    with runtime.database.read() as connection:
        return items.latest(connection, "order", shop=shop, status=status, limit=limit)


@dataclass(frozen=True)
class OrderView:
    """An order with what we were asked to do about it."""

    stored: StoredItem
    shipments: tuple[Intent, ...]


def show_order(runtime: Runtime, number: str, shop: str = "") -> OrderView:
    """An order by any of its numbers, by its own id first. Raises ConfigurationError for an unknown one, and names the
    orders when there are several.
    """
    with runtime.database.read() as connection:
        led = order_numbers.find(connection, number, [shop] if shop else ())
        own = [(shop_id, order_id) for shop_id, order_id in led if order_id == number]
        stored = [items.find(connection, "order", shop_id, order_id) for shop_id, order_id in own or led]
        found = [item for item in stored if item is not None]
        if not found:
            raise ConfigurationError(f"no order {number} here; `qudao resync orders` reads the channel again")
        if len(found) > 1:
            named = ", ".join(f"{item.id} of {item.shop_id}" for item in found)
            raise ConfigurationError(f"{number} is a number of several orders: {named}; name one, or one with --shop")
        wanted = intents.of_object(connection, Kind.SHIP.value, found[0].shop_id, found[0].id)
    return OrderView(found[0], tuple(wanted))


def list_mappings(runtime: Runtime, *, shop: str = "", sku: str = "", unmapped: bool = False) -> list[CatalogRow]:
    with runtime.database.read() as connection:
        return catalog.rows_of(connection, shop_id=shop, sku=sku, unmapped=unmapped)


def set_mapping(
    runtime: Runtime, shop: str, listing_id: str, sku_id: str, sku: str | None, components: Sequence[Part] = ()
) -> ItemResult:
    """Maps a listing SKU to the ERP's SKU, or to a bundle of components; None says that it must not be mapped. Raises
    ConfigurationError for a bundle that cannot be one.
    """
    parts = tuple({"sku": part.sku, "quantity": part.quantity} for part in components) or None
    named = {"shop": shop, "listing_id": listing_id, "sku_id": sku_id}
    try:
        told = [MappingItem.model_validate({**named, "sku": sku, "components": parts})]
    except ValidationError as error:
        raise ConfigurationError("; ".join(each["msg"] for each in error.errors())) from None
    return by_hand.wish(runtime, "mappings", functools.partial(mappings.set_mappings, by=by_hand.OPERATOR), told)


def mapping_history(
    runtime: Runtime, *, shop: str = "", listing_id: str = "", sku_id: str = "", limit: int = 100
) -> list[Change]:
    """Who mapped what, the last changes in their order."""
    shops = [shop] if shop else ()
    with runtime.database.read() as connection:
        return changes(connection, shops=shops, listing_id=listing_id, sku_id=sku_id, newest=True, limit=limit)


@dataclass(frozen=True)
class StockView:
    """A listing SKU with the ERP's number and how far it has come."""

    row: CatalogRow
    wanted: int | None
    state: str
    reason: str


def show_stock(runtime: Runtime, *, shop: str = "", sku: str = "") -> list[StockView]:
    """Every mapped listing SKU, or those of one SKU or shop."""
    with runtime.database.read() as connection:
        numbers, rows = known_numbers(connection, catalog.rows_of(connection, shop_id=shop, sku=sku))
        work = {
            (item.shop_id, item.object_id): item
            for identity in {row.shop_id for row in rows}
            for item in intents.of_shop(connection, Kind.STOCK.value, identity)
        }
    views = []
    for row in rows:
        item = work.get((row.shop_id, f"{row.key.listing_id}/{row.key.sku_id}"))
        state, reason = (item.state, item.reason) if item else ("", "")
        views.append(StockView(row, published(row.parts, numbers), "queued" if state == "due" else state, reason))
    return views


def set_stock(runtime: Runtime, sku: str, quantity: int) -> ItemResult:
    """Wants a number for a SKU in every shop, as the ERP does."""
    return by_hand.wish(runtime, "stock", push.set_stock, [StockItem(sku=sku, quantity=quantity)])


def read_feed(
    runtime: Runtime, after: int, limit: int, *, types: Sequence[str] = (), shop_ids: Sequence[str] = ()
) -> list[FeedRow]:
    with runtime.database.read() as connection:
        return feed.read(connection, after, limit, types=types, shops=shop_ids)


def feed_head(runtime: Runtime) -> int:
    with runtime.database.read() as connection:
        return feed.head(connection)


MOST_AT_ONCE = 100_000
"""So many parked things of one sort are looked at for a filter."""


def list_parked(
    runtime: Runtime,
    *,
    shop: str = "",
    kind: str = "",
    code: str = "",
    before: datetime | None = None,
    limit: int = 200,
) -> list[Parked]:
    """Newest first; `limit` counts before kind, code and age are looked at."""
    with runtime.database.read() as connection:
        return parked.all_parked(connection, shop_id=shop, kind=kind, code=code, before=before, limit=limit)


def show_parked(runtime: Runtime, ref: str) -> tuple[Parked, list[history.Intervened]]:
    """One thing, and what was done about it before. Raises ConfigurationError when nothing of this name waits."""
    with runtime.database.read() as connection:
        item = parked.get(connection, ref)
        done = history.interventions(connection, item.shop_id, [item.object_id])
    return item, [each for each in done if each.ref == ref]


def retry(runtime: Runtime, ref: str) -> Parked:
    """Tries something parked again; an unreadable row by reading its object from the channel now."""
    with runtime.database.read() as connection:
        item = parked.get(connection, ref)
    if ref.startswith(parked.ROW):
        reread(runtime, item.shop_id, ObjectKind(item.kind), item.object_id)
        with runtime.database.write() as connection:
            parked.retry(connection, item, runtime.clock.now())
        return item
    with runtime.database.write() as connection:
        parked.retry(connection, item, runtime.clock.now())
    kind = Kind.NOTICES if ref.startswith(parked.NOTICE) else Kind(item.kind)
    runtime.bells.ring([Lane(item.shop_id, kind)])
    return item


def dismiss(runtime: Runtime, ref: str, note: str) -> Parked:
    """Gives something parked up; a newer wish for the same thing is not affected."""
    with runtime.database.write() as connection:
        item = parked.get(connection, ref)
        parked.dismiss(connection, item, note, runtime.clock.now())
    return item


def reread(runtime: Runtime, identity: str, kind: ObjectKind, object_id: str) -> list[Accepted]:
    """Reads one object from the channel now."""
    if not object_id:
        raise ConfigurationError("the row has no id to read it by; resync its time range, then dismiss it")
    asked_at = runtime.clock.now()
    fetched = ask(runtime, identity, functools.partial(reading, kind, object_id))
    with runtime.database.write() as connection:
        outcomes = accept(connection, runtime.vault, identity, [fetched], runtime.clock.now(), asked_at=asked_at)
    runtime.bells.announce_feed()
    return outcomes


def reading(kind: ObjectKind, object_id: str, connector: Connector) -> Fetched[Any]:
    """One object as its channel shows it now."""
    if kind is ObjectKind.ORDER:
        return connector.order(object_id)
    return connector.after_sale(object_id) if kind is ObjectKind.AFTER_SALE else connector.listing(object_id)
