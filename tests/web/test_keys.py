"""Who may use /v1, and how long a revoked key still may."""

import time

import httpx

from core.db import Database, keys
from tests.web.conftest import NOW, code_of


def test_without_a_key_nothing_is_told(anybody: httpx.Client) -> None:
    for path in ("/v1/feed", "/v1/no-such-path"):
        response = anybody.get(path)
        assert code_of(response, 401) == "key_missing"
        assert response.headers["www-authenticate"] == "Bearer"


def test_a_wrong_key_opens_nothing(anybody: httpx.Client) -> None:
    for sent in ("Bearer qk_wrong", "Basic cWs6eA==", "qk_wrong", "Bearer  qk_\u00fc"):
        headers = {b"Authorization": sent.encode()}
        assert code_of(anybody.get("/v1/shops", headers=headers), 401) == "key_invalid"


def test_a_missing_key_is_told_before_a_malformed_body(anybody: httpx.Client) -> None:
    headers = {"Content-Type": "application/json"}
    assert code_of(anybody.put("/v1/stock", content=b"{", headers=headers), 401) == "key_missing"


def test_a_revoked_key_stops_within_a_second(erp: httpx.Client, key: str, database: Database) -> None:
    assert erp.get("/v1/shops").status_code == 200
    with database.write() as connection:
        assert keys.revoke(connection, key[:11], NOW)
        assert not keys.revoke(connection, key[:11], NOW)
    time.sleep(1)
    assert code_of(erp.get("/v1/shops"), 401) == "key_invalid"


def test_only_the_hash_of_a_key_is_stored(key: str, database: Database) -> None:
    with database.read() as connection:
        [row] = keys.all_keys(connection)
        stored = connection.exec_driver_sql("SELECT * FROM api_key").one()
    assert key.startswith(row.id)
    assert key not in repr(tuple(stored))
    assert key.encode() not in b"".join(value for value in stored if isinstance(value, bytes))


def test_health_and_description_need_no_key(anybody: httpx.Client) -> None:
    for path in ("/healthz", "/readyz", "/openapi.json", "/docs"):
        assert anybody.get(path).status_code == 200
