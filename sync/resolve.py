"""What a person does about conflicts: see them, decide them, and say whose word counts from now on."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from core.conflict import PERSONAL, UNWRITTEN, Field, Policy
from core.crypto import Vault
from core.db import conflicts, feed, intents, shops
from core.db.catalog import Target
from core.db.conflicts import DecisionRow
from core.db.intents import ADOPTED, CONFLICT, SUPERSEDED, UNMAPPED, Intent, Wish
from core.db.lanes import Kind, Lane
from core.errors import ConfigurationError
from core.model import SkuKey
from sync import push, tracking
from sync.conflicts import alone
from sync.decisions import KINDS, TOLD, adopted, event_of, listing_and_sku, unsealed
from sync.push import PriceItem
from sync.runtime import Runtime

OURS, THEIRS, VALUE = "ours", "theirs", "value"
FILTERS = ("open", "decided", "resolved", "superseded")


@dataclass(frozen=True)
class PolicyView:
    """Whose word counts about a field. `own` says that the shop was given this policy, `shop` '' is every other one."""

    shop_id: str
    field: Field
    policy: Policy
    own: bool


def list_conflicts(
    runtime: Runtime, *, shop: str = "", field: str = "", state: str = "open", limit: int = 200
) -> list[DecisionRow]:
    """Newest first, without the values of personal fields. `state` '' for all."""
    with runtime.database.read() as connection:
        rows = conflicts.listed(connection, shop_id=shop, field=field, state=state, limit=limit)
    return [replace(row, base="", ours="", theirs="") if Field(row.field) in PERSONAL else row for row in rows]


def show_conflict(runtime: Runtime, identity: int) -> DecisionRow:
    """One decision with its inputs in plain text, those of personal fields too. Raises ConfigurationError."""
    with runtime.database.read() as connection:
        row = conflicts.get(connection, identity)
    return _plain(runtime.vault, row)


def list_policies(runtime: Runtime, shop: str = "") -> list[PolicyView]:
    """Every field's policy, of a shop or by default. Raises ConfigurationError for a shop that was never added."""
    with runtime.database.read() as connection:
        if shop:
            shops.get(connection, shop)
        own = conflicts.own_policies(connection, shop)
        return [
            PolicyView(shop, each, policy, each in own) for each, policy in conflicts.policies(connection, shop).items()
        ]


def set_policy(runtime: Runtime, shop: str, field: Field, policy: Policy) -> None:
    """From now on; what is open stays open. Shop '' sets the default."""
    with runtime.database.write() as connection:
        if shop:
            shops.get(connection, shop)
        conflicts.set_policy(connection, shop, field, policy)


def resolve(
    runtime: Runtime, identity: int, resolution: str, *, value: str = "", note: str = "", by: str = ""
) -> DecisionRow:
    """Decides an open conflict: `ours` is sent, `theirs` stands, or `value` is wanted instead (stock; a price in fen).

    Of two who decide at once the first one wins; the other gets ConfigurationError, which says what was decided.
    """
    if resolution not in _RESOLVE:
        raise ConfigurationError(f"decide with {OURS}, {THEIRS} or {VALUE}, not {resolution}")
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        row = conflicts.get(connection, identity)
        alone(connection, row.shop_id)
        words = f"{VALUE} {value}" if resolution == VALUE else resolution
        if not conflicts.resolve(connection, identity, resolution=words, by=by, note=note, now=now):
            raise ConfigurationError(_too_late(conflicts.get(connection, identity)))
        row = conflicts.get(connection, identity)
        events = _RESOLVE[resolution](connection, row, value, now)
        _release(connection, row, now)
        feed.append(connection, [*events, event_of(row, "conflict.resolved", now, resolution=words)])
    if Field(row.field) in KINDS:
        runtime.bells.ring([Lane(row.shop_id, KINDS[Field(row.field)])])
    if row.field == Field.ADDRESS:
        runtime.bells.ring([Lane(row.shop_id, Kind.SHIP)])
    runtime.bells.announce_feed()
    return _plain(runtime.vault, row)


def _too_late(row: DecisionRow) -> str:
    if row.state == "resolved":
        who = f" by {row.by}" if row.by else ""
        return f"conflict {row.id} was decided already{who}: {row.resolution} ({row.resolved_at:%Y-%m-%d %H:%M} UTC)"
    return f"conflict {row.id} is not open any more: {row.state}; `qudao conflicts list` shows what is"


def _ours(connection: Connection, row: DecisionRow, _value: str, now: datetime) -> list[feed.Event]:
    if Field(row.field) in UNWRITTEN:
        raise ConfigurationError(f"{UNWRITTEN[Field(row.field)]}; decide with {THEIRS}")
    item = _intent(connection, row)
    if item is None:
        raise ConfigurationError(f"there is no wish of ours to send for the {row.field} of {row.object_id}")
    if item.state != "due" and not intents.retry(connection, item.id, now):
        intents.want(connection, [Wish(item.kind, item.key, item.shop_id, item.object_id, item.wanted)], now)
    return []


def _theirs(connection: Connection, row: DecisionRow, _value: str, now: datetime) -> list[feed.Event]:
    item = _intent(connection, row)
    if item is not None and row.field == Field.TRACKING:
        return tracking.stands(connection, item, row.theirs, now)
    if item is not None and item.state != "done":
        intents.adopted(connection, item, "a person let the channel's own value stand", now)
    return adopted(row, now)


def _other(connection: Connection, row: DecisionRow, value: str, now: datetime) -> list[feed.Event]:
    if Field(row.field) not in TOLD or not value.isdecimal():
        raise ConfigurationError("only stock and prices can be given another value: a whole number, prices in fen")
    listing_id, sku_id = listing_and_sku(row.object_id)
    if row.field == Field.STOCK:
        target = Target(row.shop_id, SkuKey(listing_id=listing_id, sku_id=sku_id))
        intents.want(connection, [push.stock_wish(target, int(value))], now)
        return []
    item = PriceItem(shop=row.shop_id, listing_id=listing_id, sku_id=sku_id, sale=int(value))
    [result] = push.set_prices(connection, [item], now).items
    if result.state == "refused":
        raise ConfigurationError(f"{result.code}: {result.message}")
    return []


_RESOLVE: dict[str, Callable[[Connection, DecisionRow, str, datetime], list[feed.Event]]] = {
    OURS: _ours,
    THEIRS: _theirs,
    VALUE: _other,
}


def _release(connection: Connection, row: DecisionRow, now: datetime) -> None:
    """Lets the shipments go that waited for a word about the address."""
    if row.field != Field.ADDRESS:
        return
    for item in intents.of_object(connection, Kind.SHIP.value, row.shop_id, row.object_id):
        if item.state == "parked" and item.reason_code == CONFLICT:
            intents.retry(connection, item.id, now)


def _intent(connection: Connection, row: DecisionRow) -> Intent | None:
    if row.intent_id is None:
        return None
    item = intents.find(connection, row.intent_id)
    return None if item.reason_code in (ADOPTED, SUPERSEDED, UNMAPPED) else item


def _plain(vault: Vault, row: DecisionRow) -> DecisionRow:
    def plain(kept: str) -> str:
        return unsealed(vault, Field(row.field), row.shop_id, row.object_id, kept)

    return replace(row, base=plain(row.base), ours=plain(row.ours), theirs=plain(row.theirs))
