"""Listing SKUs with what the channel shows of them, their mapping to the ERP's SKUs, and the ERP's own numbers."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from core.db.engine import lock
from core.db.tables import component, listing_sku, mapping, sku_stock
from core.db.upsert import upsert
from core.db.where import in_shops
from core.model import Listing, Price, SkuKey, StockLevel
from core.status import Shelf
from core.stock import Part, made_of


@dataclass(frozen=True)
class Target:
    """A listing SKU in a shop."""

    shop_id: str
    key: SkuKey


@dataclass(frozen=True)
class CatalogRow:
    """A listing SKU as the channel last showed it, with its mapping. `sku` and `origin` are empty while it is
    unmapped.
    """

    shop_id: str
    key: SkuKey
    merchant_code: str
    title: str
    spec: str
    shelf: str
    sellable: int | None
    held: int | None
    price: Price | None
    sku: str
    origin: str
    components: tuple[Part, ...] = ()
    """What a bundle is made of, which has no SKU of its own."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """All that its number depends on."""
        return self.components or ((Part(self.sku),) if self.sku else ())


def record(connection: Connection, shop_id: str, seen: Sequence[Listing], now: datetime) -> None:
    """Stores what listings show. A reading without stock or price leaves the last known one in place."""
    rows = [
        {
            "shop_id": shop_id,
            "listing_id": listing.id,
            "sku_id": sku.sku_id,
            "merchant_code": sku.merchant_code,
            "title": listing.title,
            "spec": sku.spec,
            "shelf": (sku.shelf if sku.shelf is not Shelf.ON else listing.shelf.value).value,
        }
        for listing in seen
        for sku in listing.skus
    ]
    upsert(connection, listing_sku, rows)
    skus = [(listing.id, sku) for listing in seen for sku in listing.skus]
    read_stock(
        connection,
        shop_id,
        [
            StockLevel(
                key=SkuKey(listing_id=listing, sku_id=sku.sku_id), sellable=sku.sellable, held=sku.held, read_at=now
            )
            for listing, sku in skus
            if sku.sellable is not None
        ],
    )
    read_price(
        connection,
        shop_id,
        [(SkuKey(listing_id=listing, sku_id=sku.sku_id), sku.price) for listing, sku in skus if sku.price is not None],
        now,
    )


def numbers_locked(connection: Connection, *, shared: bool = False) -> None:
    """Until the transaction ends, the ERP's numbers and what they are applied to do not change beside each other: who
    writes a SKU's number or a price shares the lock, who maps or sends known ones again has it alone. Take it before
    any reading.
    """
    lock(connection, "numbers", shared=shared)


def bundles_locked(connection: Connection) -> None:
    """Until the transaction ends, no other one changes a number that a bundle depends on: of two that each know half of
    it, the last one would publish what is wrong. Take it after `numbers_locked` and before reading numbers.
    """
    lock(connection, "bundles")


def read_stock(connection: Connection, shop_id: str, levels: Iterable[StockLevel]) -> None:
    """Stores readings of stock of known listing SKUs."""
    values = [
        {
            "listing": level.key.listing_id,
            "sku": level.key.sku_id,
            "sellable": level.sellable,
            "held": level.held,
            "at": level.read_at,
        }
        for level in levels
    ]
    if values:
        connection.execute(
            sa.update(listing_sku)
            .where(_named(shop_id))
            .values(sellable=sa.bindparam("sellable"), held=sa.bindparam("held"), stock_read_at=sa.bindparam("at")),
            values,
        )


def note_sellable(connection: Connection, shop_id: str, taken: Mapping[SkuKey, int], now: datetime) -> None:
    """Stores the numbers that the channel just took; what is held stays as last read."""
    values = [{"listing": key.listing_id, "sku": key.sku_id, "sellable": number} for key, number in taken.items()]
    if values:
        connection.execute(
            sa.update(listing_sku).where(_named(shop_id)).values(sellable=sa.bindparam("sellable"), stock_read_at=now),
            values,
        )


def read_price(connection: Connection, shop_id: str, prices: Iterable[tuple[SkuKey, Price]], now: datetime) -> None:
    """Stores readings of prices of known listing SKUs."""
    values = [
        {
            "listing": key.listing_id,
            "sku": key.sku_id,
            "sale": price.sale,
            "single": price.single,
            "market": price.market,
            "at": now,
        }
        for key, price in prices
    ]
    if values:
        columns: dict[str, sa.BindParameter[int | None]] = {
            name: sa.bindparam(name) for name in ("sale", "single", "market")
        }
        connection.execute(
            sa.update(listing_sku).where(_named(shop_id)).values(price_read_at=sa.bindparam("at"), **columns), values
        )


def targets(connection: Connection, skus: Collection[str], shop_id: str = "") -> dict[str, list[Target]]:
    """SKU → the listing SKUs that are one piece of it, in all shops or one."""
    query = sa.select(mapping).order_by(mapping.c.shop_id, mapping.c.listing_id, mapping.c.sku_id)
    if shop_id:
        query = query.where(mapping.c.shop_id == shop_id)
    found: dict[str, list[Target]] = {}
    for some in _parts({sku for sku in skus if sku}):
        for row in connection.execute(query.where(mapping.c.sku.in_(some))):
            key = SkuKey(listing_id=row.listing_id, sku_id=row.sku_id)
            found.setdefault(row.sku, []).append(Target(row.shop_id, key))
    return found


def _parts(skus: Collection[str]) -> Iterator[list[str]]:
    """Databases take some ten thousand parameters in one statement, a big shop has more SKUs."""
    ordered = sorted(skus)
    for start in range(0, len(ordered), 1000):
        yield ordered[start : start + 1000]


def find(connection: Connection, wanted: Sequence[Target]) -> dict[Target, CatalogRow]:
    """What is known of the given listing SKUs; unknown ones are left out."""
    listings: dict[str, set[str]] = {}
    for target in wanted:
        listings.setdefault(target.shop_id, set()).add(target.key.listing_id)
    known = {
        Target(row.shop_id, row.key): row
        for shop_id, listing_ids in listings.items()
        for row in rows_of(connection, shop_id=shop_id, listing_ids=listing_ids)
    }
    return {target: known[target] for target in wanted if target in known}


def rows_of(
    connection: Connection,
    *,
    shop_id: str = "",
    sku: str = "",
    unmapped: bool = False,
    listing_ids: Collection[str] = (),
    shops: Collection[str] = (),
    channels: Collection[str] = (),
    shelf: str = "",
    after: tuple[str, str, str] | None = None,
    limit: int = 0,
) -> list[CatalogRow]:
    """Listing SKUs in order of shop, listing and SKU; `after` continues behind such a triple. `sku`: those that are it
    or hold it; `shops`: only of these.
    """
    order = (listing_sku.c.shop_id, listing_sku.c.listing_id, listing_sku.c.sku_id)
    joined = sa.and_(*_same(mapping, order), sa.or_(mapping.c.sku != "", mapping.c.components > 0))
    query = (
        sa.select(listing_sku, mapping.c.sku, mapping.c.origin, mapping.c.components)
        .select_from(listing_sku.outerjoin(mapping, joined))
        .order_by(*order)
    )
    if sku:
        held = sa.exists().where(*_same(component, order), component.c.sku == sku)
        query = query.where(sa.or_(mapping.c.sku == sku, held))
    if unmapped:
        query = query.where(mapping.c.sku.is_(None))
    if listing_ids:
        query = query.where(listing_sku.c.listing_id.in_(listing_ids))
    if shelf:
        query = query.where(listing_sku.c.shelf == shelf)
    if after is not None:
        query = query.where(sa.tuple_(*order) > sa.tuple_(*(sa.literal(part) for part in after)))
    if shop_id:
        query = query.where(listing_sku.c.shop_id == shop_id)
    query = query.where(*in_shops(listing_sku.c.shop_id, shops, channels))
    return _rows(connection, connection.execute(query.limit(limit) if limit else query).all())


def _same(table: sa.Table, order: Sequence[sa.Column[str]]) -> list[sa.ColumnElement[bool]]:
    return [table.c[column.name] == column for column in order]


def _rows(connection: Connection, rows: Sequence[sa.Row[Any]]) -> list[CatalogRow]:
    bundles: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        if row.components:
            bundles.setdefault(row.shop_id, []).append((row.listing_id, row.sku_id))
    parts = {
        (shop_id, *key): found
        for shop_id, keys in bundles.items()
        for key, found in parts_of(connection, shop_id, keys).items()
    }
    return [_row(row, parts.get((row.shop_id, row.listing_id, row.sku_id), ())) for row in rows]


def parts_of(
    connection: Connection, shop_id: str, keys: Collection[tuple[str, str]]
) -> dict[tuple[str, str], tuple[Part, ...]]:
    """(listing, SKU) → what it is made of in order of SKUs, for those that are bundles."""
    wanted = set(keys)
    found: dict[tuple[str, str], list[Part]] = {}
    for some in _parts({listing for listing, _ in wanted}):
        query = sa.select(component).where(component.c.shop_id == shop_id, component.c.listing_id.in_(some))
        for row in connection.execute(query):
            if (key := (row.listing_id, row.sku_id)) in wanted:
                found.setdefault(key, []).append(Part(row.sku, row.quantity))
    return {key: made_of(parts) for key, parts in found.items()}


def listing_ids(connection: Connection, shop_id: str, after: str, limit: int) -> list[str]:
    """The next listings of a shop in order of their ids, but for deleted ones."""
    query = (
        sa.select(listing_sku.c.listing_id)
        .where(
            listing_sku.c.shop_id == shop_id,
            listing_sku.c.listing_id > after,
            listing_sku.c.shelf != Shelf.DELETED.value,
        )
        .distinct()
        .order_by(listing_sku.c.listing_id)
        .limit(limit)
    )
    return list(connection.scalars(query))


def set_numbers(connection: Connection, numbers: dict[str, int], now: datetime) -> None:
    """Remembers the ERP's newest number of each SKU."""
    upsert(
        connection, sku_stock, [{"sku": sku, "quantity": quantity, "set_at": now} for sku, quantity in numbers.items()]
    )


def numbers(connection: Connection, skus: Collection[str]) -> dict[str, int]:
    """The ERP's newest number of each SKU that has one."""
    query = sa.select(sku_stock.c.sku, sku_stock.c.quantity)
    return {
        row.sku: row.quantity
        for some in _parts(set(skus))
        for row in connection.execute(query.where(sku_stock.c.sku.in_(some)))
    }


def said_at(connection: Connection, skus: Collection[str]) -> datetime | None:
    """When the ERP last said a number of any of these SKUs."""
    query = sa.select(sa.func.max(sku_stock.c.set_at)).where(sku_stock.c.sku.in_(skus))
    said: datetime | None = connection.scalar(query)
    return said


def _named(shop_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        listing_sku.c.shop_id == shop_id,
        listing_sku.c.listing_id == sa.bindparam("listing"),
        listing_sku.c.sku_id == sa.bindparam("sku"),
    )


def _row(row: sa.Row[Any], components: tuple[Part, ...]) -> CatalogRow:
    values = row._mapping
    price = None
    if values["sale"] is not None:
        price = Price(sale=values["sale"], single=values["single"], market=values["market"])
    return CatalogRow(
        shop_id=values["shop_id"],
        key=SkuKey(listing_id=values["listing_id"], sku_id=values["sku_id"]),
        merchant_code=values["merchant_code"],
        title=values["title"],
        spec=values["spec"],
        shelf=values["shelf"],
        sellable=values["sellable"],
        held=values["held"],
        price=price,
        sku=values["sku"] or "",
        origin=values["origin"] or "",
        components=components,
    )
