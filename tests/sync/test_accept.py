"""The one door in: what makes a revision and an event, and what does not."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.crypto import Vault
from core.db import Database, catalog, feed, items
from core.model import Listing, ListingSku
from core.status import Fact, Fulfilment, Hold, Shelf
from sync.accept import accept
from tests.canonical import at, fetched, order, parcel
from tests.vault import VAULT

SHOP = "pinduoduo:1"


@pytest.fixture
def vault() -> Vault:
    return VAULT


def take(database: Database, vault: Vault, *orders: object) -> list[str]:
    with database.write() as connection:
        return [o.effect for o in accept(connection, vault, SHOP, [fetched(each) for each in orders], at(20))]


def events(database: Database) -> list[feed.FeedRow]:
    with database.read() as connection:
        return feed.read(connection, 0, 100)


def test_a_new_order_is_one_event_with_its_snapshot(database: Database, vault: Vault) -> None:
    assert take(database, vault, order()) == ["created"]
    [event] = events(database)
    assert (event.id, event.revision) == ("order.created/pinduoduo:1/o1/1", 1)
    assert json.loads(event.data)["order"]["lines"][0]["merchant_code"] == "SKU-1"


def test_copies_that_differ_only_in_a_timestamp_are_no_change(database: Database, vault: Vault) -> None:
    take(database, vault, order(updated_at=at(1)))
    assert take(database, vault, order(updated_at=at(2))) == ["unchanged"]
    assert len(events(database)) == 1


def test_an_older_fact_that_comes_after_an_unchanged_reading_is_known_as_late(database: Database, vault: Vault) -> None:
    take(database, vault, order(updated_at=at(1), out_of_stock=False))
    take(database, vault, order(updated_at=at(5), out_of_stock=False))
    assert take(database, vault, order(updated_at=at(3), out_of_stock=True)) == ["unchanged"]


def test_a_number_corrected_within_a_tick_is_alone_once_the_tick_is_over(database: Database, vault: Vault) -> None:
    """Found by a simulated day: an order was shipped, read, and given another number within the same second, which is
    as exact as Pinduoduo's times are. The reading after that cannot be told from one that shows a second parcel; one
    that was asked for minutes later can.
    """

    def reading(number: str, asked: float) -> set[str]:
        told = fetched(order(updated_at=at(1), parcels=(parcel(number),)))
        with database.write() as connection:
            accept(connection, vault, SHOP, [told], at(asked), asked_at=at(asked))
            stored = items.find(connection, "order", SHOP, "o1")
        assert stored is not None
        return {each.tracking_no for each in items.order(stored).parcels}

    assert reading("FIRST", 1.01) == {"FIRST"}
    assert reading("SECOND", 1.1) == {"FIRST", "SECOND"}
    assert reading("SECOND", 4) == {"SECOND"}


def test_an_update_names_what_changed(database: Database, vault: Vault) -> None:
    take(database, vault, order())
    shipped = order(
        fulfilment=Fact[Fulfilment](value=Fulfilment.SHIPPED), parcels=(parcel(),), updated_at=at(1), shipped_at=at(1)
    )
    assert take(database, vault, shipped) == ["updated"]
    status, fulfilment, shipped_at, parcels = json.loads(events(database)[-1].data)["changes"]
    assert status == {"field": "status", "before": "to_ship", "after": "shipped"}
    assert fulfilment == {"field": "fulfilment", "before": "to_ship", "after": "shipped"}
    assert (shipped_at["field"], shipped_at["before"]) == ("shipped_at", None)
    assert (parcels["before"], [each["tracking_no"] for each in parcels["after"]]) == ([], [parcel().tracking_no])


def test_a_value_that_returns_is_another_event(database: Database, vault: Vault) -> None:
    for number, hold in enumerate((Hold.NONE, Hold.RISK, Hold.NONE, Hold.NONE, Hold.RISK)):
        take(database, vault, order(hold=Fact[Hold](value=hold), updated_at=at(number)))
    told = events(database)
    assert [each.id.rpartition("/")[2] for each in told] == ["1", "2", "3", "4"]
    moved = [json.loads(each.data)["changes"][-1] for each in told[1:]]
    assert [(each["before"], each["after"]) for each in moved] == [("none", "risk"), ("risk", "none"), ("none", "risk")]


def test_of_two_readings_in_one_batch_the_newer_counts(database: Database, vault: Vault) -> None:
    newer, older = order(updated_at=at(2), out_of_stock=True), order(updated_at=at(1))
    assert take(database, vault, newer, older) == ["created"]
    with database.read() as connection:
        stored = items.find(connection, "order", SHOP, "o1")
    assert stored is not None
    assert items.order(stored).out_of_stock


def test_the_raw_payload_is_kept_sealed(database: Database, vault: Vault) -> None:
    take(database, vault, order())
    with database.read() as connection:
        assert items.read_raw(connection, vault, "order", SHOP, "o1") == b'{"raw": true}'


def test_the_same_fact_twice_in_parallel_has_one_effect(database: Database, vault: Vault) -> None:
    batch = [order(id=f"o{number}") for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        effects = list(pool.map(lambda _: take(database, vault, *batch), range(8)))
    assert sorted(effect for answer in effects for effect in answer) == ["created"] * 20 + ["unchanged"] * 140
    assert len(events(database)) == 20


def test_a_listing_asked_for_earlier_displaces_no_newer_one(database: Database, vault: Vault) -> None:
    """Two lanes read listings; one of them may have stood still between asking and storing."""

    def reading(sellable: int, asked: float) -> str:
        sku = ListingSku(sku_id="S1", sellable=sellable)
        told = Listing(shop_id=SHOP, id="L1", title="Tea", shelf=Fact[Shelf](value=Shelf.ON), skus=(sku,))
        with database.write() as connection:
            [done] = accept(connection, vault, SHOP, [fetched(told)], at(20), asked_at=at(asked))
        return done.effect

    assert [reading(5, 10), reading(4, 12), reading(5, 11), reading(3, 13)] == [
        "created",
        "updated",
        "unchanged",
        "updated",
    ]
    with database.read() as connection:
        [row] = catalog.rows_of(connection, shop_id=SHOP)
    assert row.sellable == 3
