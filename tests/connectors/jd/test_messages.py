"""The push table: what a row becomes, and that no row is ever skipped, read from a real MariaDB."""

import builtins
import json
import socket
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from connectors.jd import messages
from connectors.jd.messages import JdSource, jd_source
from core.channel import ObjectKind, OpenGate, Request
from core.clock import SHANGHAI, ManualClock
from core.errors import ConfigurationError, Malformed, Unavailable
from core.notices import AppAccess, Notice, Polled
from tests.servers import Mariadb

KEY = "A1B2C3D4E5F60718293A4B5C6D7E8F90"
ROW = json.loads((Path(__file__).parents[2] / "fixtures" / "jd" / "push.rds_row.json").read_text(encoding="utf-8"))
NOW = datetime(2026, 3, 15, 10, 3, 0, tzinfo=SHANGHAI)
TABLE = """CREATE TABLE yd_pop_order (
    id BIGINT PRIMARY KEY AUTO_INCREMENT, orderId {id}, venderId {id}, state VARCHAR(64), created DATETIME,
    modified DATETIME, pushCreated DATETIME, pushModified DATETIME, responseJson MEDIUMTEXT, KEY (pushModified)
)"""


class Nowhere:
    """A transport that must not be used."""

    def send(self, request: Request) -> bytes:
        raise AssertionError("the table is read without the gateway")


class Table:
    """The push table as JD writes it."""

    def __init__(self, url: str, ids: str = "BIGINT") -> None:
        self.engine = sa.create_engine(url)
        self.run(TABLE.format(id=ids))

    def run(self, statement: str, *rows: dict[str, Any]) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.text(statement), rows or None)

    def write(self, order: int, pushed: datetime, **changes: Any) -> None:
        self.write_many([{"orderId": order, "pushModified": local(pushed), **changes}])

    def write_many(self, rows: Sequence[dict[str, Any]]) -> None:
        known = {"venderId": 10000001, "state": "WAIT_SELLER_STOCK_OUT", "responseJson": "{}"}
        self.run(
            "INSERT INTO yd_pop_order (orderId, venderId, state, pushModified, responseJson)"
            " VALUES (:orderId, :venderId, :state, :pushModified, :responseJson)",
            *({**known, **row} for row in rows),
        )


def local(at: datetime) -> datetime:
    return at.astimezone(SHANGHAI).replace(tzinfo=None)


@pytest.fixture
def table(mariadb_url: str) -> Iterator[Table]:
    made = Table(mariadb_url)
    yield made
    made.engine.dispose()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW.astimezone(UTC))


def access(url: str | None, clock: ManualClock) -> AppAccess:
    database = None if url is None else SecretStr(url)
    return AppAccess(KEY, SecretStr("s"), "https://api.jd.com", database, Nowhere(), OpenGate(), clock)


@pytest.fixture
def source(table: Table, mariadb_url: str, clock: ManualClock) -> Iterator[JdSource]:
    opened = jd_source(access(mariadb_url, clock))
    assert opened is not None
    yield opened
    opened.close()


class Reader:
    """Polls as the engine does: keeps the cursor with the notices, then confirms."""

    def __init__(self, source: JdSource, cursor: str = "") -> None:
        self.source = source
        self.cursor = cursor

    def look(self) -> Polled:
        polled = self.source.poll(self.cursor)
        self.cursor = polled.cursor
        self.source.confirm(polled.acks)
        return polled

    def read(self) -> list[Notice]:
        found: list[Notice] = []
        while True:
            polled = self.look()
            found += polled.notices
            if not polled.more:
                return found

    def orders(self) -> list[int]:
        return [int(notice.object_id) for notice in self.read()]


def test_the_sample_row(table: Table, source: JdSource) -> None:
    row = {name: ROW[name] for name in ("orderId", "venderId", "state", "pushModified", "responseJson")}
    table.write_many([row])
    [notice] = Reader(source).read()
    assert replace(notice, dedup_key="") == Notice(
        channel="jd",
        app_key=KEY,
        account="10000001",
        topic="yd_pop_order",
        kind=ObjectKind.ORDER,
        object_id="301234567890",
        dedup_key="",
        source_at=datetime(2026, 3, 15, 2, 2, 43, tzinfo=UTC),
        raw=ROW["responseJson"].encode(),
    )
    assert notice.dedup_key.startswith("301234567890:WAIT_SELLER_STOCK_OUT:")


def test_what_a_row_says_of_its_order_does_not_show(table: Table, source: JdSource) -> None:
    table.write(1, NOW - timedelta(seconds=20), responseJson='{"fullname":"张三"}')
    [notice] = Reader(source).read()
    assert "张三" not in repr(notice)


def test_without_a_database_there_is_no_source(clock: ManualClock) -> None:
    assert jd_source(access(None, clock)) is None


def test_rows_that_may_still_be_written_are_left_for_the_next_look(
    table: Table, source: JdSource, clock: ManualClock
) -> None:
    reader = Reader(source)
    table.write(1, NOW - timedelta(seconds=11))
    table.write(2, NOW - timedelta(seconds=10))
    assert reader.orders() == [1]
    clock.advance(source.every)
    assert reader.orders() == [2]


def test_an_order_told_and_confirmed_is_not_told_again(table: Table, source: JdSource, clock: ManualClock) -> None:
    reader = Reader(source)
    table.write(1, NOW - timedelta(seconds=11))
    seen = []
    for _ in range(12):
        seen += reader.orders()
        clock.advance(source.every)
    assert seen == [1]
    assert source._confirmed == {}


def test_what_was_not_confirmed_is_told_again(table: Table, source: JdSource) -> None:
    table.write(1, NOW - timedelta(seconds=20))
    first = source.poll("")
    again = source.poll(first.cursor)
    assert first.notices == again.notices
    source.confirm(again.acks)
    assert source.poll(again.cursor).notices == ()


def test_a_row_written_late_within_a_second_already_read(table: Table, source: JdSource, clock: ManualClock) -> None:
    reader = Reader(source)
    second = NOW - timedelta(seconds=15)
    table.write(5, second)
    assert reader.orders() == [5]
    table.write(3, second)
    table.write(7, second)
    clock.advance(30)
    assert reader.orders() == [3, 7]


def test_a_row_written_late_behind_everything_read(table: Table, source: JdSource, clock: ManualClock) -> None:
    reader = Reader(source)
    table.write(5, NOW - timedelta(seconds=15))
    assert reader.orders() == [5]
    clock.advance(30)
    table.write(6, NOW - timedelta(seconds=25))
    assert reader.orders() == [6]


def test_a_newer_version_of_an_order_is_another_notice(table: Table, source: JdSource, clock: ManualClock) -> None:
    reader = Reader(source)
    table.write(1, NOW - timedelta(seconds=20))
    [first] = reader.read()
    table.run("UPDATE yd_pop_order SET pushModified = :at, state = 'WAIT_GOODS_RECEIVE_CONFIRM'", {"at": local(NOW)})
    clock.advance(20)
    [second] = reader.read()
    assert (first.object_id, second.object_id) == ("1", "1")
    assert first.dedup_key != second.dedup_key


def test_an_order_rewritten_within_one_second(table: Table, source: JdSource) -> None:
    reader = Reader(source)
    table.write(1, NOW - timedelta(seconds=20), responseJson='{"v":1}')
    assert reader.orders() == [1]
    table.run("UPDATE yd_pop_order SET responseJson = :text", {"text": '{"v":2}'})
    assert reader.orders() == [1]


def test_a_version_written_again_later_is_the_same_notice(table: Table, source: JdSource, clock: ManualClock) -> None:
    table.write(1, NOW - timedelta(seconds=20), responseJson='{"v":1}')
    [first] = source.poll("").notices
    table.write(1, NOW, responseJson='{"v":1}')
    clock.advance(20)
    [again] = source.poll("").notices
    assert again.dedup_key == first.dedup_key
    reader = Reader(source)
    assert reader.orders() == [1]
    assert reader.orders() == []


def test_a_row_without_content_is_told_apart_by_its_time(table: Table, source: JdSource, clock: ManualClock) -> None:
    reader = Reader(source)
    table.write(1, NOW - timedelta(seconds=20), responseJson=None)
    assert reader.orders() == [1]
    table.write(1, NOW, responseJson=None)
    clock.advance(20)
    assert reader.orders() == [1]


def test_rows_in_duplicate_are_one_notice(table: Table, source: JdSource) -> None:
    for _ in range(3):
        table.write(1, NOW - timedelta(seconds=20))
    assert Reader(source).orders() == [1]


@pytest.mark.parametrize("ids", ["BIGINT", "VARCHAR(50)"])
def test_a_second_with_more_rows_than_a_batch(
    ids: str, mariadb_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "BATCH", 7)
    table = Table(mariadb_url, ids)
    second = local(NOW - timedelta(seconds=20))
    table.write_many([{"orderId": order, "pushModified": second} for order in range(95, 125)])
    opened = jd_source(access(mariadb_url, clock))
    assert opened is not None
    assert sorted(Reader(opened).orders()) == list(range(95, 125))
    opened.close()
    table.engine.dispose()


def test_a_restart_amid_a_long_read_goes_on_where_it_was(
    table: Table, mariadb_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "BATCH", 4)
    table.write_many([
        {"orderId": order, "pushModified": local(NOW - timedelta(seconds=60 - order // 3))} for order in range(30)
    ])  # fmt: skip
    seen: list[int] = []
    cursor, more = "", True
    while more:
        opened = jd_source(access(mariadb_url, clock))
        assert opened is not None
        polled = opened.poll(cursor)
        opened.close()
        seen += [int(notice.object_id) for notice in polled.notices]
        cursor, more = polled.cursor, polled.more
    assert seen == list(range(30))


def test_after_a_long_absence_everything_since_is_read(table: Table, source: JdSource, clock: ManualClock) -> None:
    reader = Reader(source)
    reader.read()
    table.write_many([{"orderId": day, "pushModified": local(NOW + timedelta(days=day))} for day in range(1, 6)])
    clock.advance(timedelta(days=6).total_seconds())
    assert reader.orders() == [1, 2, 3, 4, 5]


def test_the_first_look_leaves_old_rows_to_the_gateway(table: Table, source: JdSource) -> None:
    table.write(1, NOW - timedelta(days=3))
    table.write(2, NOW - timedelta(minutes=5))
    assert Reader(source).orders() == [2]


def test_shops_of_one_table_are_told_apart(table: Table, source: JdSource) -> None:
    table.write(1, NOW - timedelta(seconds=20), venderId=10000001)
    table.write(2, NOW - timedelta(seconds=20), venderId=10000002)
    assert {notice.object_id: notice.account for notice in Reader(source).read()} == {
        "1": "10000001",
        "2": "10000002",
    }


def test_emoji_and_64_bit_ids_come_through(table: Table, source: JdSource) -> None:
    table.write(9223372036854775807, NOW - timedelta(seconds=20), responseJson='{"orderRemark":"礼物🎁"}')
    [notice] = Reader(source).read()
    assert notice.object_id == "9223372036854775807"
    assert "🎁" in notice.raw.decode()


def test_a_row_without_its_text_still_names_its_order(table: Table, source: JdSource) -> None:
    table.write(1, NOW - timedelta(seconds=20), responseJson=None)
    [notice] = Reader(source).read()
    assert (notice.object_id, notice.raw) == ("1", b"")


def poll_of(url: str, clock: ManualClock, cursor: str = "") -> Polled:
    opened = jd_source(access(url, clock))
    assert opened is not None
    try:
        return opened.poll(cursor)
    finally:
        opened.close()


def refusal(url: str, clock: ManualClock) -> str:
    with pytest.raises(ConfigurationError) as caught:
        poll_of(url, clock)
    text = str(caught.value)
    assert "\n" not in text
    assert "QUDAO_JD_PUSH_DATABASE_URL" in text
    shown = "".join(traceback.format_exception(caught.value))
    assert "pass-word" not in shown
    return text


def test_a_refused_login_is_one_line_without_the_password(
    table: Table, mariadb_server: Mariadb, mariadb_url: str, clock: ManualClock
) -> None:
    name = str(sa.make_url(mariadb_url).database)
    assert "refused the login (error 1045)" in refusal(mariadb_server.url(name, "reader", "pass-word-1"), clock)


def test_an_account_without_the_table_is_told_so(
    table: Table, mariadb_server: Mariadb, mariadb_url: str, clock: ManualClock
) -> None:
    name = str(sa.make_url(mariadb_url).database)
    mariadb_server.execute("CREATE OR REPLACE USER poor@localhost IDENTIFIED BY 'pass-word-2'")
    assert "refused this account the database" in refusal(mariadb_server.url(name, "poor", "pass-word-2"), clock)
    mariadb_server.execute(f"GRANT INSERT ON {name}.yd_pop_order TO poor@localhost")
    assert "refused this account the table" in refusal(mariadb_server.url(name, "poor", "pass-word-2"), clock)


def test_an_account_that_may_only_read_is_enough(
    table: Table, mariadb_server: Mariadb, mariadb_url: str, clock: ManualClock
) -> None:
    name = str(sa.make_url(mariadb_url).database)
    mariadb_server.execute("CREATE OR REPLACE USER reader@localhost IDENTIFIED BY 'pass-word-3'")
    mariadb_server.execute(f"GRANT SELECT ON {name}.* TO reader@localhost")
    table.write(1, NOW - timedelta(seconds=20))
    url = mariadb_server.url(name, "reader", "pass-word-3")
    assert [notice.object_id for notice in poll_of(url, clock).notices] == ["1"]


def test_a_database_without_the_table_is_told_so(mariadb_url: str, clock: ManualClock) -> None:
    assert "has no table yd_pop_order" in refusal(mariadb_url, clock)


def test_a_table_of_another_shape_is_told_so(table: Table, mariadb_url: str, clock: ManualClock) -> None:
    table.run("ALTER TABLE yd_pop_order DROP COLUMN venderId")
    assert "without the documented columns" in refusal(mariadb_url, clock)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("not a url", "is not a database URL"),
        ("mysql://reader:pass-word@host:33x/rds", "is not a database URL"),
        ("nosuch://reader:pass-word@host/rds", "is not a database URL"),
        ("mysql://reader:pass-word@127.0.0.1/rds?nonsense=1", "has an option that the driver does not take"),
        ("mysql://reader:pass-word@127.0.0.1/rds?charset=nonsense", "has an option that the driver does not take"),
    ],
)
def test_a_url_that_cannot_work_is_told_without_being_shown(url: str, told: str, clock: ManualClock) -> None:
    assert told in refusal(url, clock)


def test_a_plain_mysql_url_works(table: Table, mariadb_url: str, clock: ManualClock) -> None:
    table.write(1, NOW - timedelta(seconds=20))
    for scheme in ("mysql", "mariadb"):
        polled = poll_of(mariadb_url.replace("mysql+pymysql", scheme), clock)
        assert [notice.object_id for notice in polled.notices] == ["1"]


def test_a_simulated_table_may_be_in_another_database(clock: ManualClock, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/pushes.db"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE yd_pop_order (orderId, venderId, state, pushModified, responseJson)"))
        for order, second in ((1, 40), (2, 49), (3, 50)):
            row = {
                "orderId": order,
                "venderId": 5,
                "state": "",
                "pushModified": local(NOW - timedelta(seconds=60 - second)),
            }
            connection.execute(sa.insert(messages.ORDERS).values(row))
    engine.dispose()
    first = poll_of(url, clock)
    assert [notice.object_id for notice in first.notices] == ["1", "2"]
    clock.advance(10)
    assert [notice.object_id for notice in poll_of(url, clock, first.cursor).notices] == ["1", "2", "3"]


def test_a_missing_driver_is_one_clear_line(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    find = builtins.__import__

    def without_driver(name: str, *rest: Any, **named: Any) -> Any:
        if name == "pymysql":
            raise ModuleNotFoundError("No module named 'pymysql'", name=name)
        return find(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without_driver)
    with pytest.raises(ConfigurationError, match=r"needs the driver pymysql: pip install 'qudao\[jd-push\]'"):
        poll_of("mysql://reader:password@host/rds", clock)


def test_a_server_that_is_away_is_asked_again_later(clock: ManualClock) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"mysql://reader:pass-word@127.0.0.1:{closed.getsockname()[1]}/rds"
        with pytest.raises(Unavailable) as caught:
            poll_of(url, clock)
    assert "pass-word" not in "".join(traceback.format_exception(caught.value))


def test_a_connection_the_server_ended_is_renewed(table: Table, source: JdSource, mariadb_server: Mariadb) -> None:
    reader = Reader(source)
    reader.read()
    engine = source._engine
    assert engine is not None
    with engine.connect() as connection:
        number = connection.scalar(sa.text("SELECT CONNECTION_ID()"))
    mariadb_server.execute(f"KILL {number}")
    table.write(1, NOW - timedelta(seconds=20))
    assert reader.orders() == [1]


@pytest.mark.parametrize("cursor", ["yesterday", "[]", '["2026-03-15 10:00:00"]', '["soon", 1]', "7"])
def test_a_cursor_that_is_none_of_ours_is_malformed(cursor: str, clock: ManualClock) -> None:
    with pytest.raises(Malformed):
        poll_of("mysql://reader@host/rds", clock, cursor)
