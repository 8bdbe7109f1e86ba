"""The description of the API, and what happens when something breaks."""

import json
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
import structlog
from sqlalchemy import Connection
from structlog.testing import capture_logs

from core.db import Database
from core.model import Order
from core.settings import Settings
from sync.runtime import Runtime
from tests.vault import VAULT
from tests.web.conftest import code_of, serving
from web import logs
from web.catalogue import CATALOGUE
from web.guard import AGAIN_SECONDS


def description(client: httpx.Client) -> Any:
    return client.get("/openapi.json").json()


def values(tree: Any, name: str) -> Iterator[Any]:
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        if key == name:
            yield value
        elif isinstance(value, dict | list):
            yield from values(value, name)


def test_the_description_is_whole(anybody: httpx.Client) -> None:
    api = description(anybody)
    schemas = api["components"]["schemas"]
    references = {ref for ref in values(api, "$ref") if isinstance(ref, str)}
    assert references
    assert {ref.removeprefix("#/components/schemas/") for ref in references} <= set(schemas)
    assert {"StockBatch", "PriceBatch", "MappingBatch", "ShipmentBatch", "FeedAnswer"} <= set(schemas)
    assert "Order" in schemas
    assert set(Order.model_fields) <= set(schemas["Order"]["properties"])


def test_every_operation_has_words_a_key_and_its_refusals(anybody: httpx.Client) -> None:
    described = description(anybody)
    for path, operations in described["paths"].items():
        for operation in operations.values():
            assert operation["description"], path
            assert [list(each) for each in operation["security"]] == [["key"]], path
            assert "application/problem+json" in operation["responses"]["401"]["content"]
            if "202" in operation["responses"]:
                body = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
                assert body.rpartition("/")[2] in described["components"]["schemas"], path
                header = next(it for it in operation["parameters"] if it["in"] == "header")
                assert (header["name"], header["required"]) == ("Idempotency-Key", True)


def test_the_description_holds_the_whole_catalogue_in_both_languages(anybody: httpx.Client) -> None:
    responses = description(anybody)["paths"]["/v1/stock"]["put"]["responses"].values()
    examples = {
        code: example["value"]
        for response in responses
        for code, example in response["content"].get("application/problem+json", {}).get("examples", {}).items()
    }
    assert set(examples) == set(CATALOGUE)
    assert all("{" not in each["detail"] + each["detail_zh"] for each in examples.values())


def test_the_examples_are_acceptable_bodies(erp: httpx.Client) -> None:
    api = description(erp)
    for path in ("/v1/stock", "/v1/prices", "/v1/mappings", "/v1/shipments", "/v1/orders/{order_id}/memo"):
        [(method, operation)] = [(m, o) for m, o in api["paths"][path].items() if m != "get"]
        name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        [example] = api["components"]["schemas"][name]["examples"]
        refused = erp.request(method, path, json=example, headers={"Idempotency-Key": "k"})
        assert code_of(refused, 422) in ("unknown_sku", "unknown_shop")


def test_an_unexpected_error_is_logged_once_and_tells_nothing(
    erp: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a row about 13800000000")

    monkeypatch.setattr("web.reading._shops", fail)
    with capture_logs() as lines:
        broken = erp.get("/v1/shops")
        assert code_of(broken, 500) == "internal_error"
        assert erp.get("/v1/stock").status_code == 200
    [failure] = [line for line in lines if line["event"] == "request failed"]
    assert (failure["error"], failure["id"] in broken.json()["detail"]) == ("RuntimeError", True)
    assert any("test_app.py" in place for place in failure["where"])
    assert "13800000000" not in json.dumps(lines, default=str) + broken.text
    assert [line["status"] for line in lines if line["event"] == "request"] == [500, 200]


def test_without_a_database_nothing_is_acknowledged(redis_url: str, tmp_path: Path) -> None:
    gone = Database(f"postgresql+psycopg://nobody@/nothing?host={tmp_path}")
    settings = Settings(data_dir=tmp_path, redis_url=redis_url)
    runtime = Runtime(settings, gone, VAULT, redis.Redis.from_url(redis_url))
    with serving(runtime) as server:
        refused = httpx.get(server + "/v1/feed", headers={"Authorization": "Bearer qk_some"})
        assert code_of(refused, 503) == "storage_unavailable"
        assert "Retry-After" in refused.headers
        assert httpx.get(server + "/readyz").status_code == 503
        assert httpx.post(server + "/hooks/douyin", content=b"[]").status_code == 503
        assert httpx.get(server + "/healthz").status_code == 200
    runtime.redis.close()
    gone.close()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    "cut",
    [
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "SET LOCAL idle_in_transaction_session_timeout = 1",
    ],
)
def test_a_connection_that_the_database_ends_is_an_outage(
    erp: httpx.Client, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    def idle(connection: Connection, *_: object) -> None:
        connection.exec_driver_sql(cut)
        time.sleep(0.2)
        connection.exec_driver_sql("SELECT 1")

    with monkeypatch.context() as patched:
        patched.setattr("web.reading._shops", idle)
        refused = erp.get("/v1/shops")
    assert code_of(refused, 503) == "storage_unavailable"
    assert int(refused.headers["Retry-After"]) == AGAIN_SECONDS
    assert erp.get("/v1/shops").status_code == 200


def test_stopping_does_not_wait_for_waiting_readers(runtime: Runtime, key: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        with serving(runtime) as server:
            headers = {"Authorization": f"Bearer {key}"}
            waiting = pool.submit(httpx.get, server + "/v1/feed?wait=30", headers=headers, timeout=40)
            time.sleep(0.5)
            began = time.monotonic()
        assert waiting.result().json()["events"] == []
        assert time.monotonic() - began < 5


def test_log_lines_are_json_and_hide_what_an_error_says(
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    try:
        logs.configure("info")
        structlog.get_logger().info("request", status=200)
        try:
            int("about 13800000000")
        except ValueError:
            logging.getLogger("library").exception("it failed")
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    finally:
        structlog.reset_defaults()
        root.handlers[:], root.level = before
    assert [(line["event"], line["level"]) for line in lines] == [("request", "info"), ("it failed", "error")]
    assert lines[1]["error"] == "ValueError"
    assert "13800000000" not in json.dumps(lines)
