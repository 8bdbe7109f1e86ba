"""Lists and single things, page by page."""

from typing import Any

import httpx

from sync.accept import accept
from sync.runtime import Runtime
from tests.canonical import at, fetched, line, order
from tests.web.conftest import DOUYIN, PINDUODUO, code_of


def add_orders(runtime: Runtime, *ids: str) -> None:
    for minute, identity in enumerate(ids):
        with runtime.database.write() as connection:
            accept(connection, runtime.vault, PINDUODUO, [fetched(order(id=identity, lines=(line(),)))], at(minute))


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


def test_a_cursor_belongs_to_its_list(erp: httpx.Client, runtime: Runtime) -> None:
    add_orders(runtime, "a")
    cursor = erp.get("/v1/orders").json()["cursor"]
    for path in ("/v1/listings", "/v1/stock", "/v1/feed"):
        assert code_of(erp.get(path, params={"after": cursor}), 400) == "cursor_invalid"


def test_an_empty_list_has_an_empty_cursor(erp: httpx.Client) -> None:
    assert erp.get("/v1/listings").json() == {"items": [], "cursor": "", "more": False}


def test_a_status_that_does_not_exist_is_refused(erp: httpx.Client) -> None:
    for params in ({"status": "paid"}, {"updated_since": "yesterday"}, {"updated_since": "2026-01-01T00:00:00"}):
        assert code_of(erp.get("/v1/orders", params=params), 400) == "invalid_parameter"
