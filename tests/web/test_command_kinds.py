"""Every kind of command over the API: what its path names, what is refused, what a dry run shows."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.channel import ObjectKind
from core.crypto import Vault
from core.db import Database
from core.db.tables import address_request, agreed, command, intent, mapping, sku_stock
from core.model import Listing, ListingSku
from core.notices import Notice
from core.status import Fact, Shelf
from sync import inbox
from sync.accept import accept
from sync.runtime import Runtime
from tests.canonical import at, fetched, line, order
from tests.web.conftest import DOUYIN, PINDUODUO, code_of, connect

KEY = {"Idempotency-Key": "k1"}
SHELF, ADDRESS = "/v1/listings/L1/shelf", "/v1/orders/o1/address:confirm"


@pytest.fixture
def vault(runtime: Runtime) -> Vault:
    return runtime.vault


@pytest.fixture
def filled(runtime: Runtime, shop: str, vault: Vault) -> str:
    """On Douyin and Pinduoduo an order of two lines and a listing; the Douyin shop maps a SKU."""
    connect(runtime, PINDUODUO)
    with runtime.database.write() as connection:
        for identity in (DOUYIN, PINDUODUO):
            bought = order(shop_id=identity, lines=(line(1, quantity=3), line(2)))
            shown = Listing(
                shop_id=identity,
                id="L1",
                title="Tea",
                shelf=Fact[Shelf](value=Shelf.ON),
                skus=(ListingSku(sku_id="S1", merchant_code="TEA", sellable=3),),
            )
            accept(connection, vault, identity, [fetched(bought)], at(0))
            accept(connection, vault, identity, [fetched(shown)], at(0))
    return shop


def send(erp: httpx.Client, path: str, body: Any, *, key: str = "k1", **params: Any) -> httpx.Response:
    method = "PUT" if path.endswith(("/shelf", "/memo", "/stock", "/prices", "/mappings")) else "POST"
    return erp.request(method, path, json=body, headers={"Idempotency-Key": key}, params=params)


def ship(erp: httpx.Client, shop: str, *parcels: dict[str, Any], **more: Any) -> httpx.Response:
    numbered = [{"carrier": "SF", "tracking_no": f"SF{place}"} | each for place, each in enumerate(parcels)]
    return send(erp, "/v1/shipments", {"items": [{"shop": shop, "order_id": "o1", "parcels": numbered} | more]})


def wanted(database: Database) -> list[tuple[str, str, str, int]]:
    with database.read() as connection:
        rows = connection.execute(sa.select(intent.c.kind, intent.c.object_id, intent.c.wanted, intent.c.version))
        return [(row.kind, row.object_id, row.wanted, row.version) for row in rows]


def test_a_shelf_becomes_an_intent_that_coalesces(erp: httpx.Client, filled: str, database: Database) -> None:
    taken = send(erp, SHELF, {"shop": filled, "on": False})
    assert (taken.status_code, taken.json()["kind"]) == (202, "shelf")
    assert wanted(database) == [("shelf", "L1", "off", 1)]
    assert send(erp, SHELF, {"shop": filled, "on": False}).headers["idempotent-replayed"] == "true"
    send(erp, SHELF, {"shop": filled, "on": True}, key="k2")
    assert wanted(database) == [("shelf", "L1", "on", 2)]
    [item] = erp.get(f"/v1/commands/{taken.json()['id']}").json()["items"]
    assert (item["state"], item["targets"][0]["object"]) == ("superseded", "L1")


def test_an_address_is_answered_where_a_channel_lets_the_seller(
    erp: httpx.Client, filled: str, runtime: Runtime, vault: Vault, database: Database
) -> None:
    told = Notice("douyin", "app-7", "7001", "111", ObjectKind.ORDER, "o1", "m1", at(1), asks="address")
    for _ in range(2):
        with runtime.database.write() as connection:
            inbox.store(connection, vault, [told], at(2))
    events = erp.get("/v1/feed", params={"type": "order.address_requested"}).json()["events"]
    assert [event["subject"] for event in events] == ["o1"], "told twice, it is one request"
    waiting = ship(erp, filled, {})
    assert [each["code"] for each in waiting.json()["items"][0]["warnings"]] == ["address_requested"]
    taken = send(erp, ADDRESS, {"shop": filled, "approve": False, "refusal": "packed"}, key="k2")
    assert (taken.status_code, taken.json()["items"][0]["warnings"]) == (202, [])
    assert ("address", "o1", '{"approve": false, "refusal": "packed"}', 1) in wanted(database)
    refused = send(erp, ADDRESS, {"shop": PINDUODUO, "approve": True}, key="k3")
    assert code_of(refused, 422) == "not_supported_here"


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        (SHELF, {"shop": "douyin:0", "on": True}, "unknown_shop"),
        ("/v1/listings/L9/shelf", {"shop": DOUYIN, "on": True}, "unknown_listing"),
        (SHELF, {"shop": DOUYIN, "on": "yes"}, "invalid_body"),
        (SHELF, {"shop": DOUYIN, "on": True, "listing_id": "L2"}, "invalid_body"),
        (ADDRESS, {"shop": "douyin:0", "approve": True}, "unknown_shop"),
        ("/v1/orders/o9/address:confirm", {"shop": DOUYIN, "approve": True}, "unknown_order"),
        (ADDRESS, {"shop": DOUYIN, "approve": True, "refusal": "packed"}, "invalid_body"),
        (ADDRESS, {"shop": DOUYIN, "approve": False, "refusal": "mood"}, "invalid_body"),
        (ADDRESS, {"shop": "a\0b", "approve": True}, "invalid_body"),
    ],
)
def test_what_cannot_be_is_refused(
    erp: httpx.Client, filled: str, database: Database, path: str, body: dict[str, Any], code: str
) -> None:
    either: tuple[dict[str, Any], ...] = ({"dry_run": True}, {})
    for params in either:
        assert code_of(send(erp, path, body, **params), 422) == code
    assert wanted(database) == []


@pytest.mark.parametrize("path", ["/v1/listings/%20/shelf", "/v1/orders/%00/memo", "/v1/orders/a%20b/address:confirm"])
def test_a_path_names_something_that_can_be_an_id(erp: httpx.Client, filled: str, path: str) -> None:
    assert code_of(send(erp, path, {"shop": filled}), 400) == "invalid_parameter"
    assert code_of(erp.get("/v1/commands/a%00b"), 400) == "invalid_parameter"


def test_parcels_are_held_to_the_order(erp: httpx.Client, filled: str, database: Database) -> None:
    for parcels, code in (
        ([{"lines": [{"line_id": "o1-1", "quantity": 4}]}], "too_many_pieces"),
        ([{"lines": [{"line_id": "o1-1", "quantity": 0}]}], "invalid_quantity"),
        ([{"lines": [{"line_id": "o1-1", "quantity": 1.5}]}], "invalid_quantity"),
        ([{"lines": [{"line_id": "x", "quantity": 1}]}], "unknown_line"),
        ([{}, {}], "lines_missing"),
        ([{"tracking_no": ""}], "invalid_item"),
        ([{"tracking_no": "SF1,SF2"}], "invalid_item"),
        ([], "invalid_item"),
    ):
        assert code_of(ship(erp, filled, *parcels), 422) == code, parcels
    part = [{"lines": [{"line_id": "o1-1", "quantity": 1}]}]
    assert code_of(ship(erp, PINDUODUO, *part), 422) == "order_ships_whole"
    assert wanted(database) == []
    taken = ship(erp, PINDUODUO, *part, {}, refuse_refund=True).json()["items"][0]
    assert taken["state"] == "queued"
    assert [each["code"] for each in taken["warnings"]] == ["lines_not_told", "extra_parcels", "refund_stays_open"]
    assert all(each["detail"] and each["detail_zh"] for each in taken["warnings"])


PARCEL = {"carrier": "SF", "tracking_no": "SF1"}


@pytest.mark.parametrize(
    ("path", "sound", "broken"),
    [
        ("/v1/stock", {"sku": "TEA", "quantity": 5}, {"sku": "CUP", "quantity": 5}),
        ("/v1/prices", {"shop": DOUYIN, "sku": "TEA", "sale": 5}, {"shop": DOUYIN, "sku": "CUP", "sale": 5}),
        (
            "/v1/mappings",
            {"shop": DOUYIN, "listing_id": "L1", "sku_id": "S1", "sku": "CUP"},
            {"shop": DOUYIN, "listing_id": "L1", "sku_id": "S9", "sku": "CUP"},
        ),
        (
            "/v1/shipments",
            {"shop": DOUYIN, "order_id": "o1", "parcels": [PARCEL]},
            {"shop": DOUYIN, "order_id": "o9", "parcels": [PARCEL]},
        ),
    ],
)
def test_a_thousand_items_have_a_thousand_results(
    erp: httpx.Client, filled: str, path: str, sound: dict[str, Any], broken: dict[str, Any]
) -> None:
    taken = send(erp, path, {"items": [sound, broken] * 500})
    assert taken.status_code == 202
    results = taken.json()["items"]
    assert [each["index"] for each in results] == list(range(1000))
    assert {each["state"] for each in results[::2]} <= {"queued", "unchanged"}
    assert {each["state"] for each in results[1::2]} == {"refused"}
    followed = erp.get(f"/v1/commands/{taken.json()['id']}").json()
    assert len(followed["items"]) == 1000
    assert code_of(send(erp, path, {"items": [sound] * 1001}, key="k2"), 422) == "too_many_items"


Drawn = st.SearchStrategy[dict[str, Any]]
shops = st.sampled_from([DOUYIN, PINDUODUO, "jd:0", ""])
pieces = st.one_of(st.integers(-1, 5), st.just("3"), st.just(1.5))
parcel = st.fixed_dictionaries(
    {"carrier": st.sampled_from(["SF", "ZTO", "PIGEON"]), "tracking_no": st.sampled_from(["SF1", "SF2", "", "a b"])},
    optional={
        "lines": st.lists(
            st.fixed_dictionaries({"line_id": st.sampled_from(["o1-1", "o1-2", "x"]), "quantity": pieces}), max_size=3
        )
    },
)
KINDS: dict[str, Drawn] = {
    "/v1/stock": st.fixed_dictionaries({"sku": st.sampled_from(["TEA", "CUP"]), "quantity": pieces}),
    "/v1/prices": st.fixed_dictionaries(
        {"shop": shops, "sale": pieces}, optional={"sku": st.just("TEA"), "listing_id": st.just("L1")}
    ),
    "/v1/mappings": st.fixed_dictionaries(
        {"shop": shops, "listing_id": st.just("L1"), "sku_id": st.sampled_from(["S1", "S9"])},
        optional={"sku": st.sampled_from(["TEA", "NEW", None])},
    ),
    "/v1/shipments": st.fixed_dictionaries(
        {"shop": shops, "order_id": st.sampled_from(["o1", "o9"]), "parcels": st.lists(parcel, max_size=3)},
        optional={"refuse_refund": st.booleans()},
    ),
    "/v1/orders/o1/memo": st.fixed_dictionaries({"shop": shops, "text": st.text(max_size=3)}),
    SHELF: st.fixed_dictionaries({"shop": shops, "on": st.sampled_from([True, False, None])}),
    ADDRESS: st.fixed_dictionaries(
        {"shop": shops, "approve": st.booleans()}, optional={"refusal": st.sampled_from(["cost", "mood"])}
    ),
}
bodies = st.sampled_from(sorted(KINDS)).flatmap(
    lambda path: st.tuples(
        st.just(path),
        KINDS[path]
        if path.endswith(("memo", "shelf", "confirm"))
        else st.fixed_dictionaries({"items": st.lists(KINDS[path], min_size=1, max_size=4)}),
    )
)


@pytest.fixture
def numbers() -> Iterator[str]:
    """A new Idempotency-Key for every command."""
    return (f"key-{number}" for number in range(1_000_000))


def rows(database: Database) -> list[Any]:
    with database.read() as connection:
        tables = (intent, command, mapping, sku_stock, agreed, address_request)
        return [connection.execute(sa.select(table)).all() for table in tables]


def answered(response: httpx.Response) -> tuple[int, Any]:
    """What an answer says, but for what only a real one has."""
    told = response.json()
    status = 202 if response.status_code == 200 else response.status_code
    return status, {name: told[name] for name in told if name not in ("id", "dry_run", "created_at")}


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=bodies)
def test_a_dry_run_says_what_the_command_will(
    erp: httpx.Client, filled: str, database: Database, numbers: Iterator[str], drawn: tuple[str, Any]
) -> None:
    path, body = drawn
    before = rows(database)
    trial = send(erp, path, body, key=next(numbers), dry_run=True)
    assert rows(database) == before
    assert answered(trial) == answered(send(erp, path, body, key=next(numbers)))
    assert trial.status_code in (200, 422)
