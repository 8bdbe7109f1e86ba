"""U+0000, which PostgreSQL takes in no text: it arrives as a visible U+FFFD and costs neither its row nor others."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from connectors.rows import named, page
from core.channel import Fetched, ObjectKind
from core.db import Database, items, parked, watermarks
from core.db.tables import receipt
from core.errors import Malformed, Rejected
from core.model import Order
from core.notices import Notice
from sync import gaps, ops, pull
from tests.engine import engine as running


@pytest.mark.parametrize("name", ["pinduoduo", "douyin", "taobao", "jd"])
def test_a_nul_in_a_memo_and_in_a_title(database: Database, redis_url: str, tmp_path: Path, name: str) -> None:
    with running(database, redis_url, tmp_path, channels=(name,)) as engine:
        shop = engine.world.shop(name)
        for item in shop.items.values():
            item.title = f"红\0色 {item.title}"
        placed = engine.world.place(shop, variant="plain", restock=True)
        engine.world.set_memo(placed, r"周\0一 C:\u0000".replace(r"\0", "\0"), None)
        engine.run(600, step=120)
        order = engine.order(engine.shops[name], placed.order_id)
        assert order is not None
        assert order.lines[0].title.startswith("红\ufffd色 ")
        assert order.memo is not None
        assert order.memo.text == "周\ufffd一 C:\\u0000", "what only looks like it stays"
        listed = [event.data for event in engine.events("listing.created")]
        assert len(listed) == len(shop.items)
        told = [event.data for event in engine.events()]
        assert not any("\0" in data or "红\\u0000" in data for data in told)
        assert all("红\ufffd色" in data for data in listed)
        assert gaps.find(engine.runtime) == ([], [])
        assert ops.list_parked(engine.runtime) == []
        with database.read() as connection:
            raw = items.read_raw(connection, engine.runtime.vault, "order", order.shop_id, order.id)
        assert raw is not None
        assert "红\\u0000色".encode() in raw, "as it came"


def test_a_nul_elsewhere(database: Database, redis_url: str, tmp_path: Path) -> None:
    """In the ids of a notice and of a row that cannot be read, and in the words of a refusal."""

    def unreadable(_: object) -> Fetched[Order]:
        raise Malformed("no \0")

    bad = page([{"id": "3\0"}], unreadable, named("id")).bad
    with running(database, redis_url, tmp_path) as engine:
        engine.settle()
        shop_id, now = engine.shops["douyin"], engine.runtime.clock.now()
        account = shop_id.partition(":")[2]
        engine.store((Notice("douyin", "app", account, "a\0b", ObjectKind.ORDER, "1\0", "1\0:a"),))
        with database.write() as connection:
            pull.park_rows(engine.runtime, connection, shop_id, "order", bad, now)
            watermarks.again(connection, shop_id, "orders", now, str(Rejected("no \0", code="1\0")))
        with database.read() as connection:
            assert watermarks.of_shop(connection, shop_id)["orders"].reason == "Rejected: no \ufffd [1\ufffd]"
            assert [each.object_id for each in parked.all_parked(connection)] == ["3\ufffd"]
            assert connection.scalar(sa.select(receipt.c.object_id)) == "1\ufffd"
