"""Which of the ERP's SKUs a listing SKU is made of, and how that changed: by merchant code, by an ERP, by a person."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection

from core.db import catalog, feed, intents
from core.db.catalog import Target
from core.db.tables import component, listing_sku, mapping, mapping_change
from core.db.upsert import upsert
from core.db.where import in_shops
from core.model import SkuKey
from core.status import Shelf
from core.stock import Part

AUTO, MANUAL = "auto", "manual"
"""Origins: by a merchant code that is unique in the shop, or by somebody's word."""
BY_CODE = "auto"
"""Who changed a mapping, when nobody did."""
EVENT = "listing.mapped"

T = TypeVar("T")


@dataclass(frozen=True)
class Mapped:
    """What a listing SKU is. Without parts it must not be mapped to anything."""

    origin: str
    parts: tuple[Part, ...] = ()

    @property
    def sku(self) -> str:
        """The one SKU it is one piece of; empty for a bundle and for nothing."""
        return self.parts[0].sku if len(self.parts) == 1 and self.parts[0].quantity == 1 else ""

    @property
    def bundle(self) -> bool:
        return bool(self.parts) and not self.sku

    def told(self) -> dict[str, Any]:
        """As history and feed say it."""
        components = [{"sku": part.sku, "quantity": part.quantity} for part in self.parts] if self.bundle else []
        return {"origin": self.origin, "sku": self.sku or None, "components": components}


@dataclass(frozen=True)
class Change:
    """A mapping that became another one. `before` and `after` are as `Mapped.told`, None for no word about it."""

    id: int
    shop_id: str
    listing_id: str
    sku_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    by: str
    at: datetime


@dataclass
class Matched:
    """What merchant codes changed: listing SKUs that are mapped now and were not to this, and the events."""

    fresh: list[Target] = field(default_factory=list)
    events: list[feed.Event] = field(default_factory=list)


def current(connection: Connection, targets: Collection[Target]) -> dict[Target, Mapped]:
    """What is said of each of these listing SKUs; those of which nothing is said are left out."""
    found: dict[Target, Mapped] = {}
    for shop_id, keys in _by_shop(targets).items():
        parts = catalog.parts_of(connection, shop_id, [key for key, _ in keys])
        for some in _some({listing for (listing, _), _ in keys}):
            query = sa.select(mapping).where(mapping.c.shop_id == shop_id, mapping.c.listing_id.in_(some))
            for row in connection.execute(query):
                target = Target(shop_id, SkuKey(listing_id=row.listing_id, sku_id=row.sku_id))
                one = (Part(row.sku),) if row.sku else ()
                found[target] = Mapped(row.origin, parts.get((row.listing_id, row.sku_id), one))
    return {target: found[target] for target in targets if target in found}


def holders(connection: Connection, skus: Collection[str], shop_id: str = "") -> dict[Target, tuple[Part, ...]]:
    """Every listing SKU whose number depends on any of these SKUs, with all that it is made of; in all shops or one."""
    found: dict[Target, tuple[Part, ...]] = {}
    bundles: set[Target] = set()
    for some in _some({sku for sku in skus if sku}):
        for table in (mapping, component):
            query = sa.select(table.c.shop_id, table.c.listing_id, table.c.sku_id, table.c.sku)
            query = query.where(table.c.sku.in_(some))
            if shop_id:
                query = query.where(table.c.shop_id == shop_id)
            for row in connection.execute(query):
                target = Target(row.shop_id, SkuKey(listing_id=row.listing_id, sku_id=row.sku_id))
                if table is mapping:
                    found[target] = (Part(row.sku),)
                else:
                    bundles.add(target)
    for shop, keys in _by_shop(bundles).items():
        parts = catalog.parts_of(connection, shop, [key for key, _ in keys])
        found |= {target: parts[key] for key, target in keys}
    return dict(sorted(found.items(), key=lambda each: _place(each[0])))


def is_bundle(connection: Connection, shop_id: str, listing_id: str, sku_id: str) -> bool:
    query = sa.select(sa.literal(1)).where(
        component.c.shop_id == shop_id, component.c.listing_id == listing_id, component.c.sku_id == sku_id
    )
    return connection.execute(query.limit(1)).first() is not None


def write(
    connection: Connection, wanted: Mapping[Target, Mapped | None], by: str, now: datetime
) -> dict[Target, feed.Event]:
    """Says of each listing SKU what it is, or with None nothing. Answers an event for each of which that is new; the
    caller appends them last, takes numbers back and publishes others.
    """
    before = current(connection, wanted.keys())
    changed = {target: after for target, after in wanted.items() if before.get(target) != after}
    if not changed:
        return {}
    _store(connection, changed, now)
    rows = [
        {**_named(target), "before": _text(before.get(target)), "after": _text(after), "by": by, "at": now}
        for target, after in changed.items()
    ]
    inserted = sa.insert(mapping_change).returning(mapping_change.c.id, sort_by_parameter_order=True)
    ids = connection.scalars(inserted, rows)
    return {
        target: _event(identity, target, before.get(target), after, by, now)
        for identity, (target, after) in zip(ids, changed.items(), strict=True)
    }


def _store(connection: Connection, changed: Mapping[Target, Mapped | None], now: datetime) -> None:
    for table, targets in (
        (component, list(changed)),
        (mapping, [target for target, after in changed.items() if after is None]),
    ):
        if targets:
            this = sa.and_(*(table.c[name] == sa.bindparam(f"of_{name}") for name in _NAMES))
            named = [{f"of_{name}": value for name, value in _named(target).items()} for target in targets]
            connection.execute(sa.delete(table).where(this), named)
    known = [(target, after) for target, after in changed.items() if after is not None]
    upsert(
        connection,
        mapping,
        [
            {
                **_named(target),
                "sku": after.sku,
                "origin": after.origin,
                "mapped_at": now,
                "components": len(after.parts) if after.bundle else 0,
            }
            for target, after in known
        ],
    )
    parts = [
        {**_named(target), "sku": part.sku, "quantity": part.quantity}
        for target, after in known
        if after.bundle
        for part in after.parts
    ]
    upsert(connection, component, parts)


def match_codes(connection: Connection, shop_id: str, now: datetime) -> Matched:
    """Maps by merchant code where the code is not empty and unique in the shop; takes such mappings back where it no
    longer is. What somebody mapped by hand stays as it is.
    """
    rows = connection.execute(
        sa.select(listing_sku.c.listing_id, listing_sku.c.sku_id, listing_sku.c.merchant_code).where(
            listing_sku.c.shop_id == shop_id, listing_sku.c.shelf != Shelf.DELETED.value
        )
    ).all()
    times = Counter(row.merchant_code for row in rows)
    unique = {
        (row.listing_id, row.sku_id): row.merchant_code
        for row in rows
        if row.merchant_code and times[row.merchant_code] == 1
    }
    columns = (mapping.c.listing_id, mapping.c.sku_id, mapping.c.sku, mapping.c.origin)
    known = {
        (row.listing_id, row.sku_id): row
        for row in connection.execute(sa.select(*columns).where(mapping.c.shop_id == shop_id))
    }
    stale = [key for key, row in known.items() if row.origin == AUTO and unique.get(key) != row.sku]
    fresh = {key: code for key, code in unique.items() if key not in known or key in stale}
    intents.withdraw_stock(connection, shop_id, ["/".join(key) for key in stale], now)
    wanted: dict[tuple[str, str], Mapped | None] = dict.fromkeys(stale)
    wanted |= {key: Mapped(AUTO, (Part(code),)) for key, code in fresh.items()}
    named = {key: Target(shop_id, SkuKey(listing_id=key[0], sku_id=key[1])) for key in wanted}
    events = write(connection, {named[key]: after for key, after in wanted.items()}, BY_CODE, now)
    return Matched([named[key] for key in fresh], list(events.values()))


def history(
    connection: Connection,
    *,
    listing_id: str = "",
    sku_id: str = "",
    shops: Collection[str] = (),
    channels: Collection[str] = (),
    after: int = 0,
    newest: bool = False,
    limit: int = 100,
) -> list[Change]:
    """Changes, oldest first; `shops`, `channels`: only of these. `after`: the last one of the page before; `newest`:
    the last page.
    """
    place = mapping_change.c.id.desc() if newest else mapping_change.c.id
    query = sa.select(mapping_change).where(mapping_change.c.id > after).order_by(place).limit(limit)
    for name, value in (("listing_id", listing_id), ("sku_id", sku_id)):
        if value:
            query = query.where(mapping_change.c[name] == value)
    query = query.where(*in_shops(mapping_change.c.shop_id, shops, channels))
    found = [
        Change(row.id, row.shop_id, row.listing_id, row.sku_id, _read(row.before), _read(row.after), row.by, row.at)
        for row in connection.execute(query)
    ]
    return found[::-1] if newest else found


_NAMES = ("shop_id", "listing_id", "sku_id")


def _named(target: Target) -> dict[str, str]:
    return dict(zip(_NAMES, _place(target), strict=True))


def _place(target: Target) -> tuple[str, str, str]:
    return target.shop_id, target.key.listing_id, target.key.sku_id


def _text(mapped: Mapped | None) -> str:
    return json.dumps(mapped.told(), ensure_ascii=False) if mapped is not None else ""


def _read(text: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = json.loads(text) if text else None
    return found


def _event(
    identity: int, target: Target, before: Mapped | None, after: Mapped | None, by: str, now: datetime
) -> feed.Event:
    data = {
        "listing_id": target.key.listing_id,
        "sku_id": target.key.sku_id,
        "before": before.told() if before is not None else None,
        "after": after.told() if after is not None else None,
        "by": by,
    }
    object_id = f"{target.key.listing_id}/{target.key.sku_id}"
    return feed.Event(EVENT, target.shop_id, object_id, identity, now, json.dumps(data, ensure_ascii=False))


def _by_shop(targets: Iterable[Target]) -> dict[str, list[tuple[tuple[str, str], Target]]]:
    found: dict[str, list[tuple[tuple[str, str], Target]]] = {}
    for target in targets:
        key = (target.key.listing_id, target.key.sku_id)
        found.setdefault(target.shop_id, []).append((key, target))
    return found


def _some(values: Collection[str]) -> Iterator[Sequence[str]]:
    """Databases take some ten thousand parameters in one statement, a big shop has more SKUs."""
    ordered = sorted(values)
    return (ordered[start : start + 1000] for start in range(0, len(ordered), 1000))
