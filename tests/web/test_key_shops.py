"""A key that is limited to shops: every other shop is as if it did not exist."""

import re
from collections.abc import Iterator, Mapping

import httpx
import pytest

from core.db import Database, catalog, keys
from core.db.keys import Grant
from core.model import Listing, ListingSku
from core.status import Fact, Shelf
from sync.accept import accept
from sync.runtime import Runtime
from tests import canonical
from tests.web.conftest import DOUYIN, NOW, PINDUODUO, client, code_of, connect

NEEDED = {"/v1/snapshot": {"kind": "order"}, "/v1/reports/orders.csv": {"reason": "a test"}}
"""What some routes cannot be asked without."""


@pytest.fixture
def two_shops(runtime: Runtime, shop: str) -> None:
    """A second shop, which sells CUP alone and TEA too."""
    connect(runtime, PINDUODUO)
    skus = (ListingSku(sku_id="1", merchant_code="CUP"), ListingSku(sku_id="2", merchant_code="TEA"))
    listing = Listing(shop_id=PINDUODUO, id="P1", title="Cup", shelf=Fact[Shelf](value=Shelf.ON), skus=skus)
    with runtime.database.write() as connection:
        catalog.record(connection, PINDUODUO, [listing], NOW)


@pytest.fixture
def limited(server: str, database: Database, two_shops: None) -> Iterator[httpx.Client]:
    with database.write() as connection:
        plain = keys.create(connection, "one shop", NOW, Grant(shops=frozenset({DOUYIN}))).plain
    with client(server, Authorization=f"Bearer {plain}") as opened:
        yield opened


def wish(erp: httpx.Client, path: str, key: str, *items: Mapping[str, object]) -> httpx.Response:
    method = "POST" if path == "/v1/shipments" else "PUT"
    return erp.request(method, path, json={"items": list(items)}, headers={"Idempotency-Key": key})


def states(response: httpx.Response) -> list[tuple[str, str]]:
    assert response.status_code == 202, response.text
    return [(item["state"], item["code"]) for item in response.json()["items"]]


def test_commands_about_another_shop_are_refused_like_an_unknown_one(limited: httpx.Client) -> None:
    parcels = [{"carrier": "ZTO", "tracking_no": "75312345678901"}]
    elsewhere = wish(limited, "/v1/shipments", "a", {"shop": PINDUODUO, "order_id": "1", "parcels": parcels})
    nowhere = wish(limited, "/v1/shipments", "b", {"shop": "pinduoduo:9", "order_id": "1", "parcels": parcels})
    assert code_of(elsewhere, 422) == code_of(nowhere, 422) == "unknown_shop"
    assert (
        elsewhere.json()["errors"][0]["detail"].replace(PINDUODUO, "pinduoduo:9")
        == (nowhere.json()["errors"][0]["detail"])
    )
    memo = limited.put("/v1/orders/1/memo", json={"shop": PINDUODUO, "text": "gift"}, headers={"Idempotency-Key": "c"})
    assert code_of(memo, 422) == "unknown_shop"
    mapping = {"shop": PINDUODUO, "listing_id": "P1", "sku_id": "1", "sku": "TEA"}
    assert code_of(wish(limited, "/v1/mappings", "d", mapping), 422) == "unknown_shop"


def test_one_refused_item_stops_no_neighbour(limited: httpx.Client) -> None:
    prices = (
        {"shop": PINDUODUO, "listing_id": "P1", "sku_id": "1", "sale": 1},
        {"shop": DOUYIN, "listing_id": "L1", "sku_id": "S1", "sale": 900},
    )
    answer = wish(limited, "/v1/prices", "a", *prices)
    assert states(answer) == [("refused", "unknown_shop"), ("queued", "")]


def test_a_sku_sold_elsewhere_too_keeps_its_number(limited: httpx.Client, erp: httpx.Client, runtime: Runtime) -> None:
    assert states(wish(limited, "/v1/stock", "a", {"sku": "TEA", "quantity": 5})) == [("queued", "")]
    mapped = wish(
        erp,
        "/v1/mappings",
        "b",
        {"shop": PINDUODUO, "listing_id": "P1", "sku_id": "2", "sku": "TEA"},
        {"shop": PINDUODUO, "listing_id": "P1", "sku_id": "1", "sku": "CUP"},
    )
    assert mapped.status_code == 202
    refused = wish(limited, "/v1/stock", "c", {"sku": "TEA", "quantity": 0})
    assert code_of(refused, 422) == "sku_elsewhere"
    assert code_of(wish(limited, "/v1/stock", "d", {"sku": "CUP", "quantity": 0}), 422) == "unknown_sku"
    with runtime.database.read() as connection:
        assert catalog.numbers(connection, {"TEA", "CUP"}) == {"TEA": 5}
    assert states(wish(erp, "/v1/stock", "e", {"sku": "TEA", "quantity": 0})) == [("queued", "")]


def test_what_became_of_others_commands_is_not_told(limited: httpx.Client, erp: httpx.Client) -> None:
    ours = wish(limited, "/v1/stock", "a", {"sku": "TEA", "quantity": 5}).json()["id"]
    mapping = {"shop": DOUYIN, "listing_id": "L1", "sku_id": "S2", "sku": "CUP"}
    mapped = wish(limited, "/v1/mappings", "b", mapping).json()["id"]
    theirs = {"shop": PINDUODUO, "listing_id": "P1", "sku_id": "1", "sale": 900}
    other = wish(erp, "/v1/prices", "c", theirs).json()["id"]
    unplaced = wish(erp, "/v1/mappings", "d", mapping | {"sku": "JAR"}).json()["id"]
    for identity, whole, part in ((ours, 200, 200), (mapped, 200, 200), (other, 200, 404), (unplaced, 200, 404)):
        assert erp.get(f"/v1/commands/{identity}").status_code == whole
        assert limited.get(f"/v1/commands/{identity}").status_code == part


def test_the_feed_leaves_other_shops_out(limited: httpx.Client, erp: httpx.Client) -> None:
    def shops(reader: httpx.Client, **query: str) -> set[str]:
        return {
            event["source"].removeprefix("/shops/") for event in reader.get("/v1/feed", params=query).json()["events"]
        }

    for shop, listing, sku in ((DOUYIN, "L1", "S2"), (PINDUODUO, "P1", "1")):
        mapping = {"shop": shop, "listing_id": listing, "sku_id": sku, "sku": "JAR"}
        assert wish(erp, "/v1/mappings", shop, mapping).status_code == 202
    assert shops(erp) == {DOUYIN, PINDUODUO}
    assert shops(limited) == {DOUYIN}
    assert shops(limited, shop=PINDUODUO) == set()


def test_no_route_shows_another_shop(limited: httpx.Client, erp: httpx.Client, runtime: Runtime) -> None:
    """Whatever can be read, as the description lists it, in lists and by name."""
    listing = Listing(shop_id=PINDUODUO, id="P1", title="Cup", shelf=Fact[Shelf](value=Shelf.ON), skus=())
    with runtime.database.write() as connection:
        for seen in (canonical.order(shop_id=PINDUODUO, id="1"), listing):
            accept(connection, runtime.vault, PINDUODUO, [canonical.fetched(seen)], NOW, asked_at=NOW)
    mapping = {"shop": PINDUODUO, "listing_id": "P1", "sku_id": "1", "sku": "JAR"}
    assert wish(erp, "/v1/mappings", "a", mapping).status_code == 202
    shown = set()
    for path, methods in erp.get("/openapi.json").json()["paths"].items():
        if "get" not in methods or path == "/v1/feed/stream" or "{name}" in path:
            continue
        named = path.replace("{shop}", PINDUODUO).replace("{order_id}", "1").replace("{listing_id}", "P1")
        named = re.sub(r"{\w+}", "1", named)
        if PINDUODUO in erp.get(named, params=NEEDED.get(path)).text:
            shown.add(path)
        answer = limited.get(named, params=NEEDED.get(path))
        assert PINDUODUO not in answer.text, named
        if "{shop}" in path:
            assert answer.status_code == 404, named
        for name in ("shop", "shops"):
            asked = limited.get(named, params={**NEEDED.get(path, {}), name: PINDUODUO})
            assert PINDUODUO not in asked.text, f"{named}?{name}="
    lists = {
        "feed",
        "listings",
        "mappings",
        "mappings/history",
        "orders",
        "reports/orders.csv",
        "shops",
        "snapshot",
        "stock",
    }
    assert {f"/v1/{name}" for name in lists} <= shown
