"""JD's push table in the sandbox, written to SQLite."""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from sandbox.jd.push_table import TABLE, PushTable, deliver, open_engine, open_table
from sandbox.model import Order
from sandbox.platform import NoDatabase
from sandbox.sandbox import Sandbox
from sandbox.serve import create_app
from sandbox.truth import truth
from sandbox.world import FaultRule
from tests.sandbox.jd_kit import Keeper, differences, sample


class Pushed(Keeper):
    """A JD shop whose orders are pushed into a table in memory."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
        self.table = PushTable(self.world, self.engine)
        self.table.create()

    def fault(self, kind: Any, **more: Any) -> None:
        self.world.faults.add(FaultRule(kind=kind, channel="jd", times=1, **more))

    def rows(self) -> list[Any]:
        """Everything in the table, in order of writing."""
        self.table.write_due()
        with self.engine.connect() as connection:
            return list(connection.execute(sa.select(TABLE).order_by(TABLE.c.id)))


def told(row: Any) -> dict[str, Any]:
    """The order a row tells."""
    answer = json.loads(row.responseJson)["jingdong_pop_order_enGet_responce"]
    order: dict[str, Any] = answer["orderDetailInfo"]["orderInfo"]
    return order


@pytest.fixture
def shop() -> Iterator[Pushed]:
    made = Pushed()
    yield made
    made.engine.dispose()


def remark(shop: Pushed, order: Order, memo: str) -> None:
    shop.world.advance(1)
    shop.world.set_memo(order, memo, 1)


def test_a_row_is_the_latest_version_of_its_order(shop: Pushed) -> None:
    order = shop.order()
    [row] = shop.rows()
    assert (row.orderId, row.venderId, row.state) == (int(order.order_id), 10000001, "WAIT_SELLER_STOCK_OUT")
    shop.world.advance(60)
    shop.world.ship(order, "467", "SF1234567890123")
    [after] = shop.rows()
    assert (after.id, after.state) == (row.id, "WAIT_GOODS_RECEIVE_CONFIRM")
    assert (after.pushModified - row.pushModified).total_seconds() == 60
    assert (after.pushCreated, after.created) == (row.pushCreated, row.created)
    assert told(after)["waybill"] == "SF1234567890123"


def test_a_row_has_the_samples_columns_and_the_text_of_enget(shop: Pushed) -> None:
    order = shop.order()
    [row] = shop.rows()
    wanted = sample("push.rds_row")
    assert set(row._mapping) == set(wanted)
    assert row.pushModified.strftime("%Y-%m-%d %H:%M:%S") == "2026-03-15 10:20:32"
    fields = ",".join(told(row))
    said = shop.answer("jingdong.pop.order.enGet", order_id=int(order.order_id), optional_fields=fields)
    assert json.loads(row.responseJson) == said
    missing = [line for line in differences(json.loads(wanted["responseJson"]), said) if "extra" not in line]
    assert missing == []


def test_every_order_of_every_authorised_shop_comes(shop: Pushed) -> None:
    orders = {int(shop.order().order_id) for _ in range(250)}
    shop.shop.authorised = False
    shop.order()
    shop.world.place(shop.world.shop("douyin"), restock=True)
    assert {row.orderId for row in shop.rows()} == orders


def test_an_application_for_the_money_locks_the_row(shop: Pushed) -> None:
    shop.world.request_refund(shop.order())
    assert [row.state for row in shop.rows()] == ["LOCKED"]


def test_a_second_copy_is_a_row_of_its_own(shop: Pushed) -> None:
    order = shop.order()
    shop.rows()
    shop.fault("duplicate_push")
    remark(shop, order, "加急")
    shop.rows()
    shop.world.advance(2)
    first, second = shop.rows()
    assert first.responseJson == second.responseJson
    assert first.modified == second.modified
    assert first.pushModified < second.pushModified


def test_a_late_row_is_stamped_with_the_time_it_should_have_come(shop: Pushed) -> None:
    order = shop.order()
    shop.rows()
    shop.fault("delay_push", seconds=30)
    remark(shop, order, "加急")
    assert told(shop.rows()[0])["venderRemark"] == ""
    shop.world.advance(31)
    [row] = shop.rows()
    assert told(row)["venderRemark"].startswith("加急")
    assert row.pushModified == row.modified


def test_an_old_version_that_comes_behind_a_newer_one_does_not_overwrite_it(shop: Pushed) -> None:
    order = shop.order()
    shop.rows()
    shop.fault("reorder_push")
    remark(shop, order, "旧")
    remark(shop, order, "新")
    shop.rows()
    shop.world.advance(3)
    newer, older = shop.rows()
    assert told(newer)["venderRemark"].startswith("新")
    assert told(older)["venderRemark"].startswith("旧")
    assert newer.modified > older.modified
    assert newer.pushModified <= older.pushModified


def test_a_dropped_push_never_comes(shop: Pushed) -> None:
    order = shop.order()
    shop.rows()
    shop.fault("drop_push")
    remark(shop, order, "加急")
    shop.world.advance(3600)
    assert [told(row)["venderRemark"] for row in shop.rows()] == [""]


def test_the_truth_knows_what_was_written_and_what_was_disturbed(shop: Pushed) -> None:
    order = shop.order()
    shop.fault("duplicate_push")
    remark(shop, order, "加急")
    shop.rows()
    shop.world.advance(2)
    shop.rows()
    *plain, doubled = truth(shop.world, "jd")["channels"]["jd"]["pushes"]
    assert {push["topic"] for push in plain} == {"yd_pop_order"}
    assert all(len(push["deliveries"]) == 1 and push["acked_at"] and not push["touched"] for push in plain)
    assert (len(doubled["deliveries"]), doubled["object_id"], doubled["touched"]) == (2, order.order_id, True)


def test_rows_wait_while_the_database_refuses(shop: Pushed) -> None:
    order = shop.order()
    TABLE.drop(shop.engine)
    deliveries = shop.table.take()
    with pytest.raises(sa.exc.OperationalError):
        shop.table.write(deliveries)
    shop.table.settle(deliveries, written=False)
    shop.table.create()
    assert shop.rows() == []
    shop.world.advance(11)
    assert [row.orderId for row in shop.rows()] == [int(order.order_id)]


def test_leftovers_of_an_earlier_run_are_overwritten() -> None:
    earlier = Pushed()
    first = earlier.order()
    [row] = earlier.rows()
    again = Pushed()
    again.table = PushTable(again.world, earlier.engine)
    again.world.advance(100)
    second = again.order()
    assert first.order_id == second.order_id
    again.table.write_due()
    [after] = earlier.rows()
    assert (after.id, (after.pushModified - row.pushModified).total_seconds()) == (row.id, 100)
    earlier.engine.dispose()
    again.engine.dispose()


def test_the_writer_writes_while_the_sandbox_serves(tmp_path: Any) -> None:
    sandbox = Sandbox(1)
    url = f"sqlite:///{tmp_path / 'rds.db'}"
    sandbox.platforms["jd"].open_pushes(url)
    engine = open_engine(url)
    app = create_app(sandbox)

    async def play() -> list[int]:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://s") as http,
        ):
            placed = (await http.post("/_sandbox/orders", json={"channel": "jd", "count": 3})).json()["order_ids"]
            for _ in range(100):
                await asyncio.sleep(0.02)
                with engine.connect() as connection:
                    found = {row.orderId for row in connection.execute(sa.select(TABLE))}
                if found == {int(order_id) for order_id in placed}:
                    break
            return [*sorted(found - {int(order_id) for order_id in placed}), len(found)]

    assert asyncio.run(play()) == [3]
    engine.dispose()


def test_the_writer_outlives_a_database_that_is_away(shop: Pushed) -> None:
    shop.order()
    TABLE.drop(shop.engine)

    async def play() -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(deliver(shop.world, shop.table), 0.3)

    asyncio.run(play())
    assert shop.table.outbox.backlog() > 0


def test_mysql_urls_name_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(sa, "create_engine", lambda url, **_: asked.append(url.drivername))
    for url in ("mysql://u:p@h/rds", "mariadb://u:p@h/rds", "mysql+mysqldb://u:p@h/rds"):
        open_engine(url)
    assert asked == ["mysql+pymysql", "mariadb+pymysql", "mysql+mysqldb"]


@pytest.mark.parametrize(
    "url",
    ["nonsense", "mysql://u:pass-word@h:x/rds", "sqlite:////nowhere/pass-word/rds.db", "nodb+nodriver://pass-word"],
)
def test_a_database_that_cannot_be_used_is_told_without_its_url(shop: Pushed, url: str) -> None:
    with pytest.raises(NoDatabase, match="JD's push database") as caught:
        open_table(shop.world, url)
    assert "pass-word" not in str(caught.value)


def test_the_table_is_made_where_it_is_missing(shop: Pushed, tmp_path: Any) -> None:
    for _ in range(2):
        table = open_table(shop.world, f"sqlite:///{tmp_path / 'rds.db'}")
    shop.order()
    assert table.write_due() > 0
