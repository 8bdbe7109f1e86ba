"""Whatever number somebody has of an order leads to it."""

from typing import Any

import pytest

from core.db import Database, order_numbers
from core.model import AfterSale, Lineage, ReturnParcel
from core.status import AfterSaleKind, AfterSaleStage, Fact
from sync.accept import accept
from tests.canonical import at, fetched, line, order, parcel
from tests.shops import connect
from tests.vault import VAULT

DOUYIN, PINDUODUO = "douyin:7001", "pinduoduo:1"


def store(database: Database, *values: Any) -> None:
    for value in values:
        with database.write() as connection:
            accept(connection, VAULT, value.shop_id, [fetched(value)], at(1))


def found(database: Database, number: str, *shop_ids: str) -> list[tuple[str, str]]:
    with database.read() as connection:
        return order_numbers.find(connection, number, shop_ids)


@pytest.fixture
def known(database: Database) -> Database:
    """One order with every number an order can have, and an after-sale of it."""
    for identity in (DOUYIN, PINDUODUO):
        connect(database, identity)
    lineage = Lineage(parent_id="P1", children=("C1", "C2"), related=("R1",))
    lines = (line(1, id="L-1"), line(2, id="o1:S2:1"))
    request = AfterSale(
        shop_id=PINDUODUO,
        id="AS1",
        order_id="o1",
        kind=AfterSaleKind.RETURN,
        stage=Fact[AfterSaleStage](value=AfterSaleStage.UNKNOWN),
        created_at=at(0),
        updated_at=at(0),
        returned=ReturnParcel(tracking_no="YT9"),
        replacement=parcel("SF9"),
    )
    store(database, order(lines=lines, lineage=lineage, parcels=(parcel("SF1"),)), request)
    return database


@pytest.mark.parametrize(
    "number", ["o1", "P1", "C1", "C2", "R1", "L-1", "o1:S2:1", "SF1", "AS1", "YT9", "SF9"], ids=str
)
def test_any_number_finds_its_order(known: Database, number: str) -> None:
    assert found(known, number) == [(PINDUODUO, "o1")]
    assert found(known, number, PINDUODUO) == [(PINDUODUO, "o1")]
    assert found(known, number, DOUYIN) == []


def test_other_numbers_find_nothing(known: Database) -> None:
    assert [found(known, number) for number in ("", "o", "o11", "SF", "SF11", ":", "L1")] == [[]] * 7


def test_a_number_that_was_changed_still_leads_there(known: Database) -> None:
    store(known, order(parcels=(parcel("SF2"),), updated_at=at(5)))
    assert found(known, "SF1") == found(known, "SF2") == [(PINDUODUO, "o1")]


def test_one_parcel_of_several_orders_finds_them_all(known: Database) -> None:
    store(known, order(id="o2", parcels=(parcel("SF1"),)), order(id="SF1", shop_id=DOUYIN))
    assert found(known, "SF1") == [(DOUYIN, "SF1"), (PINDUODUO, "o1"), (PINDUODUO, "o2")]
