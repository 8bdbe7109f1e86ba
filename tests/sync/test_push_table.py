"""JD's push from end to end: an order of the simulated platform, its row in a MariaDB, the inbox, the feed."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog
from pydantic import SecretStr

from connectors import CHANNELS, Adapter
from connectors.jd import CHANNEL
from connectors.jd.connector import JdConnector
from connectors.jd.messages import LAG, JdSource, jd_source
from core.db import Database, shops
from core.db.tables import receipt
from sandbox.faults import FaultRule
from sandbox.jd.push_table import PushTable, open_engine
from sandbox.model import Order
from sync import listen
from tests.engine import Engine
from tests.engine import engine as running


class Pushed:
    """An engine with one JD shop that hears of its orders through the table and in no other way."""

    def __init__(self, engine: Engine, table: PushTable, url: str) -> None:
        self.engine = engine
        self.table = table
        self.shop = engine.world.shop("jd")
        self.shop_id = f"jd:{self.shop.shop_id}"
        settings = engine.runtime.settings
        engine.runtime.settings = settings.model_copy(update={"push_databases": {"jd": SecretStr(url)}})

    def place(self) -> Order:
        return self.engine.world.place(self.shop, variant="plain", restock=True)

    def fault(self, kind: str, **options: object) -> None:
        rule = {"kind": kind, "channel": "jd", "times": 1, **options}
        self.engine.world.faults.add(FaultRule.model_validate(rule))

    def written(self) -> None:
        """Everything due is in the table, and old enough to be read."""
        self.table.write_due()
        self.engine.world.advance(LAG.total_seconds() + 1)
        self.table.write_due()

    def heard(self, *orders: Order) -> None:
        """Listens until there is a receipt for each of these, then reads what they name."""
        wanted = {order.order_id for order in orders}
        stop = threading.Event()
        thread = threading.Thread(target=listen.run, args=(self.engine.runtime, stop))
        thread.start()
        until(lambda: wanted <= {row.object_id for row in self.receipts() if row.state == "due"})
        stop.set()
        thread.join(20)
        assert wanted <= {row.object_id for row in self.receipts() if row.state == "due"}
        self.engine.settle()

    def receipts(self) -> list[sa.Row[tuple[object, ...]]]:
        with self.engine.runtime.database.read() as connection:
            return list(connection.execute(sa.select(receipt).where(receipt.c.channel == "jd")).all())

    def events(self, order: Order) -> list[str]:
        return [event.type for event in self.engine.events("order.") if event.object_id == order.order_id]


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end and not condition():
        time.sleep(0.02)


@pytest.fixture
def pushed(
    database: Database, redis_url: str, tmp_path: Path, mariadb_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pushed]:
    adapter = Adapter(CHANNEL, JdConnector, source=jd_source)
    monkeypatch.setitem(CHANNELS, "jd", adapter)
    monkeypatch.setattr(listen, "CHANNELS", {"jd": adapter})
    monkeypatch.setattr(listen, "LOOK_FOR_APPS_SECONDS", 0.2)
    monkeypatch.setattr(JdSource, "every", 0.05)
    with running(database, redis_url, tmp_path) as engine:
        if "jd" not in engine.shops:
            engine.shops["jd"] = engine._connect("jd")
        target = open_engine(mariadb_url)
        table = PushTable(engine.world, target)
        table.create()
        yield Pushed(engine, table, mariadb_url)
        target.dispose()


def test_an_order_reaches_the_feed_through_the_table(pushed: Pushed) -> None:
    order = pushed.place()
    pushed.written()
    pushed.heard(order)
    assert pushed.events(order) == ["order.created"]
    seen = pushed.engine.order(pushed.shop_id, order.order_id)
    assert seen is not None
    assert seen.money.pay == order.pay_amount


def test_a_later_version_of_the_row_is_a_later_event(pushed: Pushed) -> None:
    order = pushed.place()
    pushed.written()
    pushed.heard(order)
    pushed.engine.world.cancel(order)
    pushed.written()
    pushed.heard(order)
    assert pushed.events(order) == ["order.created", "order.updated"]


@pytest.mark.parametrize("kind", ["delay_push", "duplicate_push", "reorder_push"])
def test_rows_that_come_late_twice_or_out_of_order_end_the_same(pushed: Pushed, kind: str) -> None:
    pushed.fault(kind)
    orders = [pushed.place() for _ in range(3)]
    pushed.written()
    pushed.engine.world.advance(25)
    pushed.written()
    pushed.heard(*orders)
    assert [pushed.events(order) for order in orders] == [["order.created"]] * 3


def test_a_restart_of_the_listener_repeats_nothing_and_loses_nothing(pushed: Pushed) -> None:
    first, second = pushed.place(), pushed.place()
    pushed.written()
    pushed.heard(first, second)
    third = pushed.place()
    pushed.written()
    pushed.heard(third)
    assert [pushed.events(order) for order in (first, second, third)] == [["order.created"]] * 3


def test_what_the_row_says_of_people_is_sealed(pushed: Pushed) -> None:
    order = pushed.place()
    pushed.written()
    pushed.heard(order)
    [row] = pushed.receipts()
    assert order.order_id.encode() not in row.raw
    with pushed.engine.runtime.database.read() as connection:
        assert shops.push_cursor(connection, "jd", pushed.engine.world.apps["jd"].key)


def test_a_refused_login_is_said_in_the_log_without_the_password(pushed: Pushed) -> None:
    settings = pushed.engine.runtime.settings
    url = sa.make_url(settings.push_databases["jd"].get_secret_value()).set(username="nobody", password="pass-word")
    told = SecretStr(url.render_as_string(hide_password=False))
    pushed.engine.runtime.settings = settings.model_copy(update={"push_databases": {"jd": told}})
    stop = threading.Event()
    thread = threading.Thread(target=listen.run, args=(pushed.engine.runtime, stop))
    with structlog.testing.capture_logs() as lines:
        thread.start()
        until(lambda: any(line["event"] == "cannot listen" for line in lines))
        stop.set()
        thread.join(20)
    first = next(line for line in lines if line["event"] == "cannot listen")
    assert first["reason"] == ("JD's push database refused the login (error 1045); see QUDAO_JD_PUSH_DATABASE_URL")
    assert "pass-word" not in str(lines)
