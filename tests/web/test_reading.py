"""Lists and single things, page by page."""

import itertools
from datetime import timedelta
from typing import Any

import httpx
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Connection

from core.db import Database, items, keys
from core.db.keys import Grant
from core.model import AfterSale, Lineage, Memo, ReturnParcel
from core.status import AfterSaleKind, AfterSaleStage, Fact
from sync.accept import accept
from sync.runtime import Runtime
from tests.canonical import at, fetched, line, order, parcel
from tests.web.conftest import DOUYIN, NOW, PINDUODUO, client, code_of, connect
from web import cursor as cursors


def add_orders(runtime: Runtime, *ids: str) -> None:
    for minute, identity in enumerate(ids):
        with runtime.database.write() as connection:
            accept(connection, runtime.vault, PINDUODUO, [fetched(order(id=identity, lines=(line(),)))], at(minute))


def put(runtime: Runtime, *values: Any, minute: float = 9) -> None:
    for value in values:
        with runtime.database.write() as connection:
            accept(connection, runtime.vault, value.shop_id, [fetched(value)], at(minute))


def request(**changes: Any) -> AfterSale:
    """A return that the seller must decide about."""
    fields: dict[str, Any] = {
        "shop_id": PINDUODUO,
        "id": "AS1",
        "order_id": "2601-3",
        "kind": AfterSaleKind.RETURN,
        "stage": Fact[AfterSaleStage](value=AfterSaleStage.REQUESTED),
        "created_at": at(0),
        "updated_at": at(0),
        "returned": ReturnParcel(tracking_no="YT9"),
    }
    return AfterSale(**(fields | changes))


def follow(erp: httpx.Client, path: str, **params: Any) -> list[Any]:
    found, after, more = [], "", True
    while more:
        page = erp.get(path, params={"after": after, "limit": 2, **params}).json()
        found += page["items"]
        after, more = page["cursor"], page["more"]
    assert erp.get(path, params={"after": after, **params}).json()["items"] == []
    return found


def test_orders_are_listed_page_by_page(erp: httpx.Client, runtime: Runtime) -> None:
    ids = [f"2601-{number}" for number in range(5)]
    add_orders(runtime, *ids)
    assert [item["order"]["id"] for item in follow(erp, "/v1/orders")] == ids
    assert [item["order"]["id"] for item in follow(erp, "/v1/orders", updated_since=at(3).isoformat())] == ids[3:]
    assert len(follow(erp, "/v1/orders", shop=PINDUODUO, status="to_ship")) == 5
    assert follow(erp, "/v1/orders", shop=DOUYIN) == []
    assert follow(erp, "/v1/orders", status="signed") == []


def test_one_order_is_found_by_shop_and_id(erp: httpx.Client, runtime: Runtime) -> None:
    add_orders(runtime, "260101-123456789")
    found = erp.get(f"/v1/orders/{PINDUODUO}/260101-123456789").json()
    assert (found["order"]["id"], found["order"]["status"], found["revision"]) == ("260101-123456789", "to_ship", 1)
    assert found["changed_at"] == "2026-06-18T12:00:00Z"
    assert code_of(erp.get(f"/v1/orders/{DOUYIN}/260101-123456789"), 404) == "unknown_order"


def test_any_number_finds_its_order(erp: httpx.Client, runtime: Runtime) -> None:
    connect(runtime, PINDUODUO)
    add_orders(runtime, "2601-1", "2601-2")
    put(runtime, order(id="2601-3", parcels=(parcel("SF1"),), lineage=Lineage(parent_id="P1")), request())

    def ids(number: str, **more: str) -> list[str]:
        return [item["order"]["id"] for item in follow(erp, "/v1/orders", number=number, **more)]

    for number in ("2601-3", "SF1", "P1", "AS1", "YT9"):
        assert ids(number) == ["2601-3"], number
    assert ids("SF1", shop=DOUYIN) == ids("SF1", status="signed") == ids("SF2") == []


def test_orders_are_narrowed_by_time_channel_and_state(erp: httpx.Client, runtime: Runtime) -> None:
    add_orders(runtime, "a", "b")
    put(runtime, order(id="c", shop_id=DOUYIN, created_at=at(-50), ship_by=at(100)), minute=5)

    def ids(**filters: Any) -> str:
        return "".join(item["order"]["id"] for item in follow(erp, "/v1/orders", **filters))

    assert ids() == "abc"
    assert (ids(channel="douyin"), ids(channel="jd"), ids(channel=["jd", "pinduoduo"])) == ("c", "", "ab")
    assert (ids(shop=[DOUYIN, PINDUODUO]), ids(status=["signed", "to_ship"])) == ("abc", "abc")
    assert ids(updated_since=at(1).isoformat(), updated_until=at(5).isoformat()) == "b"
    assert ids(created_since=at(-5).isoformat()) == "ab"
    assert ids(created_until=at(-5).isoformat()) == "c"
    assert (ids(ship_by_before=at(101).isoformat()), ids(ship_by_before=at(100).isoformat())) == ("c", "")
    assert code_of(erp.get("/v1/orders", params={"channel": "ebay"}), 422) == "unknown_channel"


def test_after_sales_are_listed_and_read(erp: httpx.Client, runtime: Runtime) -> None:
    put(runtime, request(), request(id="AS2", order_id="o2", stage=Fact[AfterSaleStage](value=AfterSaleStage.DONE)))

    def ids(**filters: Any) -> list[str]:
        return [item["after_sale"]["id"] for item in follow(erp, "/v1/after-sales", **filters)]

    assert ids() == ["AS1", "AS2"]
    assert (ids(status="requested"), ids(order=["o2", "o9"]), ids(channel="jd")) == (["AS1"], ["AS2"], [])
    found = erp.get(f"/v1/after-sales/{PINDUODUO}/AS1").json()
    assert (found["after_sale"]["returned"]["tracking_no"], found["revision"]) == ("YT9", 1)
    assert code_of(erp.get(f"/v1/after-sales/{PINDUODUO}/AS9"), 404) == "unknown_after_sale"


def test_a_key_sees_its_own_shops_only(server: str, runtime: Runtime, database: Database, shop: str) -> None:
    connect(runtime, PINDUODUO)
    add_orders(runtime, "2601-1")
    put(runtime, order(id="2601-2", shop_id=DOUYIN, parcels=(parcel("SF1"),)), request())
    with database.write() as connection:
        narrow = keys.create(connection, "narrow", NOW, Grant(shops=frozenset({DOUYIN}))).plain
    with client(server, Authorization=f"Bearer {narrow}") as one_shop:
        for path, kind in (("orders", "order"), ("after-sales", "after_sale"), ("listings", "listing")):
            shops = {item[kind]["shop_id"] for item in follow(one_shop, f"/v1/{path}")}
            assert shops <= {DOUYIN}, path
        for path in ("/v1/orders", "/v1/after-sales", "/v1/shops", "/v1/stock", "/v1/mappings", "/v1/mappings/history"):
            assert follow(one_shop, path, shop=PINDUODUO) == follow(one_shop, path, channel="pinduoduo") == [], path
        assert follow(one_shop, "/v1/orders", number="2601-1") == []
        assert len(follow(one_shop, "/v1/orders", number="SF1")) == 1
        assert [item["id"] for item in follow(one_shop, "/v1/shops")] == [DOUYIN]
        for path in (f"orders/{PINDUODUO}/2601-1", f"after-sales/{PINDUODUO}/AS1", f"shops/{PINDUODUO}"):
            assert one_shop.get(f"/v1/{path}").status_code == 404, path


def test_a_bundle_shows_its_parts_and_what_follows_from_them(erp: httpx.Client, shop: str) -> None:
    parts = [{"sku": "TEA", "quantity": 2}, {"sku": "CUP", "quantity": 1}]
    item = {"shop": shop, "listing_id": "L1", "sku_id": "S2"}
    answer = erp.put("/v1/mappings", json={"items": [{**item, "components": parts}]}, headers={"Idempotency-Key": "m"})
    [warning] = answer.json()["items"][0]["warnings"]
    assert (answer.status_code, warning["code"], warning["detail_zh"] != "") == (202, "number_unknown", True)
    body = {"items": [{"sku": "TEA", "quantity": 9}]}
    [taken] = erp.put("/v1/stock", json=body, headers={"Idempotency-Key": "k"}).json()["items"]
    assert [each["code"] for each in taken["warnings"]] == ["number_unknown"]
    assert follow(erp, "/v1/stock", sku="CUP")[0]["quantity"] is None
    erp.put("/v1/stock", json={"items": [{"sku": "CUP", "quantity": 3}]}, headers={"Idempotency-Key": "l"})
    row = follow(erp, "/v1/stock", sku="CUP")[0]
    assert (row["sku"], row["origin"], row["quantity"]) == (None, "manual", 3)
    assert row["components"] == [{"sku": "CUP", "quantity": 1, "number": 3}, {"sku": "TEA", "quantity": 2, "number": 9}]
    assert [each["sku_id"] for each in follow(erp, "/v1/mappings", sku="TEA")] == ["S1", "S2"]
    assert follow(erp, "/v1/mappings")[1]["components"] == [
        {"sku": "CUP", "quantity": 1},
        {"sku": "TEA", "quantity": 2},
    ]


def test_who_mapped_what_is_on_record(erp: httpx.Client, shop: str, key: str) -> None:
    item = {"shop": shop, "listing_id": "L1", "sku_id": "S1"}
    for number, sku in enumerate(("CUP", None)):
        headers = {"Idempotency-Key": f"m{number}"}
        assert erp.put("/v1/mappings", json={"items": [{**item, "sku": sku}]}, headers=headers).status_code == 202
    changes = follow(erp, "/v1/mappings/history", shop=shop, listing_id="L1", sku_id="S1")
    assert [(each["by"], each["before"] and each["before"]["sku"], each["after"]["sku"]) for each in changes] == [
        ("tests", None, "TEA"),
        (key[:11], "TEA", "CUP"),
        (key[:11], "CUP", None),
    ]
    assert follow(erp, "/v1/mappings/history", sku_id="S2") == []
    told = erp.get("/v1/feed", params={"type": "listing.mapped"}).json()["events"]
    assert [event["data"]["after"]["sku"] for event in told] == ["CUP", None]


def test_a_dry_run_of_a_mapping_changes_nothing(erp: httpx.Client, shop: str) -> None:
    body = {"items": [{"shop": shop, "listing_id": "L1", "sku_id": "S1", "sku": "CUP"}]}
    answer = erp.put("/v1/mappings", json=body, params={"dry_run": True}, headers={"Idempotency-Key": "m"})
    assert (answer.status_code, answer.json()["items"][0]["state"]) == (200, "queued")
    assert follow(erp, "/v1/mappings", sku="TEA") != []
    assert len(follow(erp, "/v1/mappings/history")) == 1


def test_listing_skus_show_stock_mapping_and_the_erp_s_number(erp: httpx.Client, shop: str) -> None:
    body = {"items": [{"sku": "TEA", "quantity": 9}]}
    assert erp.put("/v1/stock", json=body, headers={"Idempotency-Key": "k"}).status_code == 202
    first, second = follow(erp, "/v1/stock", shop=shop)
    assert (first["sku_id"], first["sku"], first["origin"]) == ("S1", "TEA", "manual")
    assert (first["sellable"], first["quantity"], first["price"]["sale"]) == (3, 9, 1000)
    assert (second["sku_id"], second["sku"], second["quantity"]) == ("S2", None, None)
    assert [row["sku_id"] for row in follow(erp, "/v1/stock", unmapped=True)] == ["S2"]
    assert [row["sku_id"] for row in follow(erp, "/v1/stock", sku="TEA")] == ["S1"]
    assert len(erp.get("/v1/stock", params={"limit": 1}).json()["items"]) == 1


def test_shops_are_listed_without_anything_secret(erp: httpx.Client, shop: str) -> None:
    assert erp.get("/v1/shops").json()["items"] == [
        {
            "id": shop,
            "channel": "douyin",
            "account": "7001",
            "name": "Tea",
            "state": "active",
            "reason": "",
            "complete_through": None,
        }
    ]


def test_one_shop_is_read_and_shops_are_narrowed(erp: httpx.Client, runtime: Runtime, shop: str) -> None:
    connect(runtime, PINDUODUO)
    assert erp.get(f"/v1/shops/{shop}").json()["name"] == "Tea"
    assert code_of(erp.get("/v1/shops/douyin:9"), 404) == "unknown_shop"
    assert [each["id"] for each in follow(erp, "/v1/shops")] == [DOUYIN, PINDUODUO]
    assert [each["id"] for each in follow(erp, "/v1/shops", channel="douyin", status="active")] == [DOUYIN]
    assert follow(erp, "/v1/shops", status="paused") == []


def test_a_cursor_belongs_to_its_list(erp: httpx.Client, runtime: Runtime) -> None:
    add_orders(runtime, "a")
    cursor = erp.get("/v1/orders").json()["cursor"]
    for path in ("listings", "after-sales", "stock", "shops", "mappings", "mappings/history", "feed"):
        assert code_of(erp.get(f"/v1/{path}", params={"after": cursor}), 422) == "cursor_invalid", path


def test_an_empty_list_has_an_empty_cursor(erp: httpx.Client) -> None:
    assert erp.get("/v1/listings").json() == {"items": [], "cursor": "", "more": False}


def test_a_status_that_does_not_exist_is_refused(erp: httpx.Client) -> None:
    wrong: list[dict[str, str]] = [
        {"status": "paid"},
        {"updated_since": "yesterday"},
        {"updated_since": "2026-01-01T00:00:00"},
        {"number": ""},
        {"number": "a\x00b"},
        {"number": "9" * 129},
        {"shop": "\x00"},
        {"stauts": "to_ship"},
    ]
    for params in wrong:
        assert code_of(erp.get("/v1/orders", params=params), 400) == "invalid_parameter", params
    assert code_of(erp.get("/v1/orders/a%0Ab/c"), 404) == "not_found"
    for path in ("orders/a:1/b%00", "listings/a:%00/b", "after-sales/a:1/%00", "shops/a:%00"):
        assert code_of(erp.get(f"/v1/{path}"), 400) == "invalid_parameter", path
    for path in ("orders/a/b", "orders/7/memo", "shops/a"):
        assert code_of(erp.get(f"/v1/{path}"), 405 if "memo" in path else 404), path


CHANGES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2)), max_size=12)


@given(before=CHANGES, between=CHANGES, limit=st.integers(1, 3))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_neither_skip_nor_double_while_rows_change(
    runtime: Runtime, before: list[tuple[int, int]], between: list[tuple[int, int]], limit: int
) -> None:
    """Each change is (which order, how long after the one before): several fall on one instant."""
    clock, changes, seen = at(0), iter(between), list[tuple[str, int]]()
    newest: dict[str, int] = {}

    def change(connection: Connection, which: int, later: int) -> None:
        nonlocal clock
        clock += timedelta(minutes=later)
        identity = f"o{which}"
        newest[identity] = newest.get(identity, 0) + 1
        value = order(id=identity, memo=Memo(text=str(newest[identity])), updated_at=clock)
        accept(connection, runtime.vault, PINDUODUO, [fetched(value)], clock)

    with runtime.database.write() as connection:
        trial = connection.begin_nested()
        for which, later in before:
            change(connection, which, later)
        after, more = None, True
        while more:
            found = items.page(connection, "order", after=after, limit=limit)
            seen += [(item.id, item.revision) for item in found]
            if found:
                after = (found[-1].changed_at, found[-1].shop_id, found[-1].id)
            clock += timedelta(minutes=1)
            more = bool(found)
            for which, later in itertools.islice(changes, 2):
                change(connection, which, later)
                more = True
        trial.rollback()
    assert len(seen) == len(set(seen)), "no revision comes twice"
    assert dict(sorted(seen, key=lambda each: each[1])) == newest, "the last word about each is its newest"


@pytest.mark.parametrize("place", [2**63, 2**70, -1, "1"])
def test_a_place_that_no_database_holds_is_no_cursor(erp: httpx.Client, place: int | str) -> None:
    forged = cursors.encode("mapping_changes", place)
    assert code_of(erp.get("/v1/mappings/history", params={"after": forged}), 422) == "cursor_invalid"
