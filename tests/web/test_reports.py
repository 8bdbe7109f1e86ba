"""Orders leave as a table that says on every row who took it, under a row of the audit log."""

import csv
import io
from datetime import timedelta

import httpx

from core.db import Database, audit, keys
from core.db.keys import Grant
from core.model import Receiver
from sync.accept import accept
from tests.canonical import START, fetched, order
from tests.vault import VAULT
from tests.web.conftest import client, code_of

PATH = "/v1/reports/orders.csv"


def store(database: Database, *shops: str) -> None:
    for shop in shops:
        with database.write() as connection:
            told = order(shop_id=shop, receiver=Receiver(province="=1+1", city="杭州市"))
            accept(connection, VAULT, shop, [fetched(told)], START)


def table(response: httpx.Response) -> list[dict[str, str]]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(response.text)))


def test_every_row_says_who_took_it(erp: httpx.Client, database: Database, key: str) -> None:
    store(database, "douyin:1", "jd:2")
    rows = table(erp.get(PATH, params={"reason": "monthly statement"}))
    assert [row["shop"] for row in rows] == ["douyin:1", "jd:2"]
    assert {row["province"] for row in rows} == {"'=1+1"}, "no spreadsheet reads it as a formula"
    with database.read() as connection:
        [noted] = audit.page(connection, action="report:orders", limit=10)
    assert (noted.key, noted.reason) == (key[: len(noted.key)], "monthly statement")
    assert all(row["taken"].startswith(noted.key) and row["taken"].endswith(f"audit-{noted.id}") for row in rows)


def test_a_key_takes_its_own_shops_only(server: str, database: Database) -> None:
    store(database, "douyin:1", "jd:2")
    with database.write() as connection:
        made = keys.create(connection, "one shop", START, Grant(shops=frozenset({"jd:2"})))
    with client(server, Authorization=f"Bearer {made.plain}") as one:
        assert [row["shop"] for row in table(one.get(PATH, params={"reason": "x"}))] == ["jd:2"]
        assert table(one.get(PATH, params={"reason": "x", "shop": "douyin:1"})) == []


def test_a_table_is_narrowed_by_when_orders_were_created(erp: httpx.Client, database: Database) -> None:
    store(database, "douyin:1")
    late = (START + timedelta(days=1)).isoformat()
    assert table(erp.get(PATH, params={"reason": "x", "created_since": late})) == []
    assert len(table(erp.get(PATH, params={"reason": "x", "created_until": late}))) == 1


def test_a_reason_is_needed_and_names_nobody(erp: httpx.Client, database: Database) -> None:
    for wrong in ({}, {"reason": " "}, {"reason": "a\x00b"}, {"reason": "x" * 201}):
        assert code_of(erp.get(PATH, params=wrong), 400) == "invalid_parameter"
    assert code_of(erp.get(PATH, params={"reason": "for 13800000000"}), 422) == "reason_holds_personal_data"
    with database.read() as connection:
        assert audit.page(connection, action="report:orders", limit=10) == []
