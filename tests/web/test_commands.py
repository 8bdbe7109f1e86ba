"""What the ERP wants: taken once, refused item by item, and every bad input with its code."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from core.crypto import Vault
from core.db import Database, catalog, commands, intents, outcomes
from core.db.outcomes import Version
from core.db.tables import command, intent
from sync.accept import accept
from sync.runtime import Runtime
from tests.canonical import at, fetched, order
from tests.web.conftest import PINDUODUO, code_of, connect

TEA = {"sku": "TEA", "quantity": 5}


def put(erp: httpx.Client, path: str, *items: Any, key: str = "k1", **params: Any) -> httpx.Response:
    return erp.request(
        "POST" if path == "/v1/shipments" else "PUT",
        path,
        json={"items": items},
        headers={"Idempotency-Key": key},
        params=params,
    )


def wanted(database: Database) -> list[tuple[str, str, int]]:
    with database.read() as connection:
        rows = connection.execute(sa.select(intent.c.object_id, intent.c.wanted, intent.c.version))
        return [(row.object_id, row.wanted, row.version) for row in rows]


def test_a_number_becomes_an_intent_and_can_be_followed(erp: httpx.Client, shop: str, database: Database) -> None:
    taken = put(erp, "/v1/stock", TEA)
    assert taken.status_code == 202
    assert [item["state"] for item in taken.json()["items"]] == ["queued"]
    assert wanted(database) == [("L1/S1", "5", 1)]
    status = erp.get(f"/v1/commands/{taken.json()['id']}").json()
    assert not status["settled"]
    assert status["items"][0]["targets"] == [
        {"shop": shop, "object": "L1/S1", "state": "queued", "code": "", "detail": ""}
    ]
    with database.write() as connection:
        outcomes.accept(connection, [Version(1, 1)], at(0))
    status = erp.get(f"/v1/commands/{taken.json()['id']}").json()
    assert (status["settled"], status["items"][0]["state"]) == (True, "accepted")


def test_a_parked_intent_shows_in_its_command(erp: httpx.Client, shop: str, database: Database) -> None:
    taken = put(erp, "/v1/stock", TEA).json()
    with database.write() as connection:
        intents.park(connection, intents.find(connection, 1), "locked", "the listing is in a promotion", at(0))
    [item] = erp.get(f"/v1/commands/{taken['id']}").json()["items"]
    assert (item["state"], item["code"], item["detail"]) == ("parked", "locked", "the listing is in a promotion")


def test_an_older_command_is_superseded_by_a_newer_one(erp: httpx.Client, shop: str) -> None:
    first = put(erp, "/v1/stock", TEA, key="k1").json()
    put(erp, "/v1/stock", {"sku": "TEA", "quantity": 6}, key="k2")
    status = erp.get(f"/v1/commands/{first['id']}").json()
    assert (status["settled"], status["items"][0]["state"]) == (True, "superseded")


def test_the_same_key_and_body_get_the_same_answer_once(erp: httpx.Client, shop: str, database: Database) -> None:
    first, again = put(erp, "/v1/stock", TEA), put(erp, "/v1/stock", TEA)
    assert first.content == again.content
    assert first.status_code == again.status_code == 202
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert wanted(database) == [("L1/S1", "5", 1)]


def test_the_same_key_with_another_request_is_a_conflict(erp: httpx.Client, shop: str, database: Database) -> None:
    put(erp, "/v1/stock", TEA)
    other = put(erp, "/v1/stock", {"sku": "TEA", "quantity": 6})
    assert code_of(other, 409) == "idempotency_conflict"
    assert code_of(put(erp, "/v1/prices", {"shop": shop, "sku": "TEA", "sale": 5}), 409) == "idempotency_conflict"
    assert wanted(database) == [("L1/S1", "5", 1)]


def test_repetitions_at_the_same_moment_are_one_command(erp: httpx.Client, shop: str, database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: put(erp, "/v1/stock", TEA), range(16)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert wanted(database) == [("L1/S1", "5", 1)]


def test_of_two_bodies_with_one_key_at_the_same_moment_one_counts(
    erp: httpx.Client, shop: str, database: Database
) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = [5 + place % 2 for place in range(16)]
        answers = list(pool.map(lambda number: put(erp, "/v1/stock", {"sku": "TEA", "quantity": number}), numbers))
    taken = {number for number, answer in zip(numbers, answers, strict=True) if answer.status_code == 202}
    refused = {number for number, answer in zip(numbers, answers, strict=True) if answer.status_code == 409}
    assert len(taken) == 1
    assert refused == {5, 6} - taken
    assert wanted(database) == [("L1/S1", str(taken.pop()), 1)]


def test_a_key_is_free_again_after_seven_days(erp: httpx.Client, shop: str, database: Database) -> None:
    put(erp, "/v1/stock", TEA)
    with database.write() as connection:
        connection.execute(sa.update(command).values(created_at=at(0)))
    later = put(erp, "/v1/stock", {"sku": "TEA", "quantity": 6})
    assert later.status_code == 202
    assert wanted(database) == [("L1/S1", "6", 2)]


def test_old_commands_are_forgotten_whole(erp: httpx.Client, shop: str, database: Database) -> None:
    taken = put(erp, "/v1/stock", TEA).json()
    with database.write() as connection:
        assert commands.forget(connection, at(0)) == 0
        connection.execute(sa.update(command).values(created_at=at(0) - commands.KEPT))
        assert commands.forget(connection, at(1)) == 1
    assert code_of(erp.get(f"/v1/commands/{taken['id']}"), 404) == "unknown_command"


def test_a_command_needs_its_key(erp: httpx.Client) -> None:
    missing = erp.put("/v1/stock", json={"items": [TEA]})
    assert code_of(missing, 400) == "idempotency_key_missing"
    for key in ("", "a b", "x" * 256, "\u00e9"):
        headers = {b"Idempotency-Key": key.encode()}
        assert code_of(erp.put("/v1/stock", json={"items": [TEA]}, headers=headers), 400) == "idempotency_key_invalid"


def test_a_dry_run_answers_and_changes_nothing(erp: httpx.Client, shop: str, database: Database) -> None:
    trial = put(erp, "/v1/stock", TEA, dry_run=True)
    assert (trial.status_code, trial.json()["id"], trial.json()["dry_run"]) == (200, None, True)
    assert trial.json()["items"][0]["state"] == "queued"
    assert wanted(database) == []
    with database.read() as connection:
        assert catalog.numbers(connection, ["TEA"]) == {}
    assert put(erp, "/v1/stock", TEA).status_code == 202


def test_a_quantity_is_a_whole_number(erp: httpx.Client, shop: str, database: Database) -> None:
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    for quantity in ('"5"', "1.5", "5.0", "true", "-1", "null", "[]", "NaN", "Infinity", "1e400", "9" * 30):
        body = f'{{"items":[{{"sku":"TEA","quantity":{quantity}}}]}}'
        refused = erp.put("/v1/stock", content=body, headers=headers)
        assert code_of(refused, 422) == "invalid_quantity"
        assert refused.json()["errors"][0]["pointer"] == "/items/0/quantity"
    assert wanted(database) == []


def test_a_bad_item_stops_no_neighbour(erp: httpx.Client, shop: str, database: Database) -> None:
    taken = put(
        erp, "/v1/stock", {"sku": "TEA", "quantity": -1}, TEA, {"sku": "?", "quantity": 1}, {"sku": "TEA", "amount": 1}
    )
    assert taken.status_code == 202
    assert [(item["index"], item["state"], item["code"]) for item in taken.json()["items"]] == [
        (0, "refused", "invalid_quantity"),
        (1, "queued", ""),
        (2, "refused", "unknown_sku"),
        (3, "refused", "invalid_quantity"),
    ]
    assert wanted(database) == [("L1/S1", "5", 1)]
    status = erp.get(f"/v1/commands/{taken.json()['id']}").json()
    assert [item["state"] for item in status["items"]] == ["refused", "queued", "refused", "refused"]


def test_an_unknown_sku_is_refused_and_can_be_sent_again_once_it_is_known(
    erp: httpx.Client, shop: str, database: Database
) -> None:
    assert code_of(put(erp, "/v1/stock", {"sku": "CUP", "quantity": 1}), 422) == "unknown_sku"
    mapped = put(erp, "/v1/mappings", {"shop": shop, "listing_id": "L1", "sku_id": "S2", "sku": "CUP"}, key="k2")
    assert mapped.status_code == 202
    assert erp.get(f"/v1/commands/{mapped.json()['id']}").json()["settled"]
    assert put(erp, "/v1/stock", {"sku": "CUP", "quantity": 1}).status_code == 202
    assert wanted(database) == [("L1/S2", "1", 1)]


def test_a_price_is_whole_fen_above_zero(erp: httpx.Client, shop: str, database: Database) -> None:
    for sale in (0, -1, 12.5, "1000", True, None):
        refused = put(erp, "/v1/prices", {"shop": shop, "sku": "TEA", "sale": sale})
        assert code_of(refused, 422) == "invalid_price"
    assert wanted(database) == []


def test_a_price_needs_a_known_shop_and_one_way_to_name_its_sku(erp: httpx.Client, shop: str) -> None:
    assert code_of(put(erp, "/v1/prices", {"shop": "douyin:9", "sku": "TEA", "sale": 5}), 422) == "unknown_shop"
    assert code_of(put(erp, "/v1/prices", {"shop": shop, "sku": "CUP", "sale": 5}), 422) == "unknown_sku"
    by_listing = {"shop": shop, "listing_id": "L1", "sku_id": "S9", "sale": 5}
    assert code_of(put(erp, "/v1/prices", by_listing), 422) == "unknown_listing_sku"
    assert code_of(put(erp, "/v1/prices", {"shop": shop, "sale": 5}), 422) == "invalid_item"


def test_refusals_of_several_kinds_have_a_common_code(erp: httpx.Client, shop: str) -> None:
    refused = put(erp, "/v1/stock", {"sku": "?", "quantity": 1}, {"sku": "TEA", "quantity": -1})
    assert code_of(refused, 422) == "items_refused"
    assert [(error["pointer"], error["code"]) for error in refused.json()["errors"]] == [
        ("/items/0", "unknown_sku"),
        ("/items/1/quantity", "invalid_quantity"),
    ]


def test_shipments_name_an_order_and_a_carrier(erp: httpx.Client, runtime: Runtime, vault: Vault) -> None:
    connect(runtime, PINDUODUO)
    parcel = {"carrier": "SF", "tracking_no": "SF1000000001"}
    shipment = {"shop": PINDUODUO, "order_id": "o1", "parcels": [parcel]}
    assert code_of(put(erp, "/v1/shipments", shipment), 422) == "unknown_order"
    with runtime.database.write() as connection:
        accept(connection, vault, PINDUODUO, [fetched(order())], at(0))
    strange = shipment | {"parcels": [parcel | {"carrier": "PIGEON"}]}
    assert code_of(put(erp, "/v1/shipments", strange), 422) == "unknown_carrier"
    assert code_of(put(erp, "/v1/shipments", shipment | {"parcels": []}), 422) == "invalid_item"
    assert code_of(put(erp, "/v1/shipments", shipment | {"shop": "jd:1"}), 422) == "unknown_shop"
    assert put(erp, "/v1/shipments", shipment).status_code == 202
    assert len(wanted(runtime.database)) == 1


MEMO = {"shop": PINDUODUO, "text": "call 13800000000 first", "flag": "red"}


@pytest.fixture
def taken(runtime: Runtime, vault: Vault) -> str:
    """The id of a stored order."""
    connect(runtime, PINDUODUO)
    with runtime.database.write() as connection:
        accept(connection, vault, PINDUODUO, [fetched(order())], at(0))
    return "o1"


def put_memo(erp: httpx.Client, order_id: str, body: Any, key: str = "k1", **params: Any) -> httpx.Response:
    return erp.put(f"/v1/orders/{order_id}/memo", json=body, headers={"Idempotency-Key": key}, params=params)


def test_a_memo_becomes_an_intent_and_can_be_followed(erp: httpx.Client, taken: str, database: Database) -> None:
    answered = put_memo(erp, taken, MEMO)
    assert answered.status_code == 202
    assert (answered.json()["kind"], [item["state"] for item in answered.json()["items"]]) == ("memo", ["queued"])
    [(object_id, kept, version)] = wanted(database)
    assert (object_id, version) == (taken, 1)
    assert "13800000000" not in kept
    [item] = erp.get(f"/v1/commands/{answered.json()['id']}").json()["items"]
    assert item["targets"] == [{"shop": PINDUODUO, "object": taken, "state": "queued", "code": "", "detail": ""}]


def test_a_memo_is_taken_once_for_its_key(erp: httpx.Client, taken: str, database: Database) -> None:
    first, again = put_memo(erp, taken, MEMO), put_memo(erp, taken, MEMO)
    assert (first.content, again.headers["idempotent-replayed"]) == (again.content, "true")
    for order_id, body in ((taken, MEMO | {"text": "another"}), (taken, MEMO | {"flag": "blue"}), ("o2", MEMO)):
        assert code_of(put_memo(erp, order_id, body), 409) == "idempotency_conflict"
    assert [version for *_, version in wanted(database)] == [1]
    assert put_memo(erp, taken, MEMO | {"text": ""}, key="k2").status_code == 202
    assert [version for *_, version in wanted(database)] == [2]


def test_a_memo_that_cannot_be_is_refused(erp: httpx.Client, anybody: httpx.Client, taken: str) -> None:
    assert code_of(anybody.put(f"/v1/orders/{taken}/memo", json=MEMO), 401) == "key_missing"
    assert code_of(put_memo(erp, "o9", MEMO), 422) == "unknown_order"
    refused = put_memo(erp, taken, MEMO | {"shop": "jd:1"})
    assert code_of(refused, 422) == "unknown_shop"
    assert refused.json()["errors"][0]["pointer"] == ""
    bad = [
        ({"shop": PINDUODUO}, "/text"),
        (MEMO | {"text": "x" * 2001}, "/text"),
        (MEMO | {"text": 5}, "/text"),
        (MEMO | {"flag": "pink"}, "/flag"),
        (MEMO | {"colour": "red"}, "/colour"),
        ([MEMO], ""),
    ]
    for body, pointer in bad:
        refused = put_memo(erp, taken, body)
        assert code_of(refused, 422) == "invalid_body"
        assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]
        assert "13800000000" not in refused.text
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    assert code_of(erp.put(f"/v1/orders/{taken}/memo", content=b"{", headers=headers), 400) == "malformed_json"
    assert code_of(put_memo(erp, "o" * 129, MEMO), 400) == "invalid_parameter"


def test_a_dry_run_of_a_memo_changes_nothing(erp: httpx.Client, taken: str, database: Database) -> None:
    trial = put_memo(erp, taken, MEMO, dry_run=True)
    assert (trial.status_code, trial.json()["dry_run"], trial.json()["items"][0]["state"]) == (200, True, "queued")
    assert wanted(database) == []
    assert code_of(put_memo(erp, "o9", MEMO, dry_run=True), 422) == "unknown_order"


@pytest.fixture
def vault(runtime: Runtime) -> Vault:
    return runtime.vault


BAD_BODIES = [
    (b"{", 400, "malformed_json"),
    (b"", 400, "malformed_json"),
    (b'{"items":["\xff"]}', 400, "malformed_json"),
    (b'{"items":["\\ud800"]}', 400, "malformed_json"),
    (b"[" * 100_000, 400, "malformed_json"),
    (b'{"items":[{"sku":"TEA","quantity":' + b"9" * 5000 + b"}]}", 400, "malformed_json"),
    (b"[]", 422, "invalid_body"),
    (b"5", 422, "invalid_body"),
    (b"{}", 422, "invalid_body"),
    (b'{"items":[]}', 422, "invalid_body"),
    (b'{"items":[],"shop":1}', 422, "invalid_body"),
    (b'{"items":{"sku":"TEA","quantity":1}}', 422, "invalid_body"),
    (b'{"items":[' + b",".join([b'{"sku":"A","quantity":1}'] * 1001) + b"]}", 422, "too_many_items"),
    (b'{"items":[5]}', 422, "invalid_item"),
    (b'{"items":[{"sku":"","quantity":1}]}', 422, "invalid_item"),
    (b'{"items":[{"sku":"TEA","quantity":1,"warehouse":"A"}]}', 422, "invalid_item"),
    (b" " * 1_000_001, 413, "body_too_large"),
]


def test_a_bad_body_has_its_code(erp: httpx.Client, shop: str, database: Database) -> None:
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json; charset=utf-8"}
    for body, status, code in BAD_BODIES:
        assert code_of(erp.put("/v1/stock", content=body, headers=headers), status) == code, body[:40]
    assert wanted(database) == []


def test_a_body_without_a_length_is_cut_off_too(erp: httpx.Client) -> None:
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    parts = (b" " * 100_000 for _ in range(11))
    assert code_of(erp.put("/v1/stock", content=parts, headers=headers), 413) == "body_too_large"


def test_only_json_is_read(erp: httpx.Client) -> None:
    for headers in ({"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}, {}):
        response = erp.put("/v1/stock", content=b'{"items":[]}', headers=headers | {"Idempotency-Key": "k"})
        assert code_of(response, 415) == "unsupported_media_type"


def test_unknown_paths_and_methods_have_their_codes(erp: httpx.Client) -> None:
    assert code_of(erp.get("/v1/nothing"), 404) == "not_found"
    assert code_of(erp.get("/nothing"), 404) == "not_found"
    refused = erp.delete("/v1/stock")
    assert code_of(refused, 405) == "method_not_allowed"
    assert refused.headers["allow"] == "GET, PUT"


def test_a_misspelt_parameter_is_not_overlooked(erp: httpx.Client) -> None:
    refused = erp.get("/v1/orders", params={"stauts": "paid"})
    assert code_of(refused, 400) == "invalid_parameter"
    assert refused.json()["errors"][0]["pointer"] == "stauts"


def test_a_full_batch_is_taken(erp: httpx.Client, shop: str) -> None:
    taken = put(erp, "/v1/stock", *[TEA] * 1000)
    assert taken.status_code == 202
    assert len(taken.json()["items"]) == 1000
