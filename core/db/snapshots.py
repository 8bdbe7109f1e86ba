"""All that is stored of one kind, page by page in the order of the key, which no change moves."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from core.db.items import TABLES, StoredItem, find_many


def page(
    connection: Connection,
    kind: str,
    *,
    after: tuple[str, str],
    limit: int,
    statuses: Sequence[str] = (),
    shops: Sequence[str] = (),
    channels: Sequence[str] = (),
) -> tuple[list[StoredItem], tuple[str, str], bool]:
    """The items, the (shop, id) to go on behind (`after` is that of the page before), and whether there are more. What
    always matches is in exactly one page, whatever changes meanwhile.
    """
    table = TABLES[kind]
    key = sa.tuple_(table.c.shop_id, table.c.id)
    query = sa.select(table.c.shop_id, table.c.id).where(key > sa.tuple_(*map(sa.literal, after)))
    if statuses:
        query = query.where(table.c.status.in_(statuses))
    if shops:
        query = query.where(table.c.shop_id.in_(shops))
    if channels:
        query = query.where(sa.or_(*(table.c.shop_id.startswith(f"{each}:", autoescape=True) for each in channels)))
    names = connection.execute(query.order_by(table.c.shop_id, table.c.id).limit(limit + 1)).all()
    names, more = names[:limit], len(names) > limit
    by_shop: dict[str, list[str]] = {}
    for shop_id, identity in names:
        by_shop.setdefault(shop_id, []).append(identity)
    found = {shop_id: find_many(connection, kind, shop_id, ids) for shop_id, ids in by_shop.items()}
    items = [found[shop_id][identity] for shop_id, identity in names if identity in found[shop_id]]
    return items, (names[-1].shop_id, names[-1].id) if names else after, more
