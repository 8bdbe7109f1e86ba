"""Who may use /v1, how long a key that ended still may, and what is known of its use."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from core.access import ROLES, KeyScope
from core.db import Database, audit, keys
from core.db.keys import Grant
from sync.runtime import Runtime
from tests.web.conftest import NOW, client, code_of, eventually


def made(database: Database, grant: Grant | None = None) -> str:
    with database.write() as connection:
        return keys.create(connection, "tests", NOW, grant).plain


def revoke(database: Database, plain: str) -> None:
    with database.write() as connection:
        assert keys.revoke(connection, plain[:11], datetime.now(UTC))


def refused(database: Database) -> list[tuple[str, str, str, int]]:
    with database.read() as connection:
        return [
            (e.key, e.action, e.reason, e.times) for e in audit.page(connection, limit=100) if e.outcome == "refused"
        ]


def test_without_a_key_nothing_is_told(anybody: httpx.Client) -> None:
    for path in ("/v1/feed", "/v1/no-such-path"):
        response = anybody.get(path)
        assert code_of(response, 401) == "key_missing"
        assert response.headers["www-authenticate"] == "Bearer"


def test_a_wrong_key_opens_nothing(anybody: httpx.Client, database: Database) -> None:
    for sent in ("Bearer qk_wrong", "Basic cWs6eA==", "qk_wrong", "Bearer  qk_\u00fc"):
        headers = {b"Authorization": sent.encode()}
        assert code_of(anybody.get("/v1/shops", headers=headers), 401) == "key_invalid"
    assert refused(database) == []


def test_a_missing_key_is_told_before_a_malformed_body(anybody: httpx.Client) -> None:
    headers = {"Content-Type": "application/json"}
    assert code_of(anybody.put("/v1/stock", content=b"{", headers=headers), 401) == "key_missing"


def test_a_revoked_key_stops_within_a_second(erp: httpx.Client, key: str, database: Database) -> None:
    assert erp.get("/v1/shops").status_code == 200
    revoke(database, key)
    with database.write() as connection:
        assert not keys.revoke(connection, key[:11], NOW)
    time.sleep(1)
    assert code_of(erp.get("/v1/shops"), 401) == "key_invalid"
    assert refused(database) == [(key[:11], "key:use", "revoked", 1)]


def test_a_read_begun_just_after_the_end_ends_as_soon(erp: httpx.Client, key: str, database: Database) -> None:
    """The key is still remembered as a good one when it comes."""
    assert erp.get("/v1/shops").status_code == 200
    revoke(database, key)
    revoked = time.monotonic()
    assert code_of(erp.get("/v1/feed", params={"wait": 30, "after": "now"}), 401) == "key_invalid"
    assert time.monotonic() - revoked < 1


def test_an_expired_key_says_so(server: str, database: Database) -> None:
    ending = datetime.now(UTC) + timedelta(seconds=1.5)
    plain = made(database, Grant(expires_at=ending))
    with client(server, Authorization=f"Bearer {plain}") as erp:
        assert erp.get("/v1/shops").status_code == 200
        time.sleep(max(0, (ending - datetime.now(UTC)).total_seconds()))
        assert code_of(erp.get("/v1/shops"), 401) == "key_expired"
    assert refused(database) == [(plain[:11], "key:use", "expired", 1)]


def test_an_expired_key_ends_a_read_that_waits(server: str, database: Database) -> None:
    ending = datetime.now(UTC) + timedelta(seconds=1)
    plain = made(database, Grant(expires_at=ending))
    with client(server, Authorization=f"Bearer {plain}") as erp:
        assert code_of(erp.get("/v1/feed", params={"wait": 30}), 401) == "key_invalid"
    assert (datetime.now(UTC) - ending).total_seconds() < 1


@pytest.fixture
def processes(runtime: Runtime, database: Database) -> Iterator[list[str]]:
    """Two `qudao serve` of their own on one database."""
    with contextlib.ExitStack() as running:
        yield [running.enter_context(served(runtime, database)) for _ in range(2)]


@contextlib.contextmanager
def served(runtime: Runtime, database: Database) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "QUDAO_DATA_DIR": str(runtime.settings.data_dir),
        "QUDAO_DATABASE_URL": database.url.render_as_string(hide_password=False),
        "QUDAO_REDIS_URL": runtime.settings.redis_url,
        "QUDAO_SECRET_KEY": "a secret for tests only",
    }
    words = [sys.executable, "-m", "cli", "serve", "--port", str(port)]
    process = subprocess.Popen(words, env=os.environ | settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with client(f"http://127.0.0.1:{port}") as probe_client:
            assert eventually(lambda: answers(probe_client), 30), "the server did not start"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def answers(probe: httpx.Client) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return probe.get("/healthz").status_code == 200
    return False


def test_a_revoked_key_stops_within_a_second_in_every_process(
    processes: list[str], database: Database, key: str
) -> None:
    """New requests, reads that wait and open streams alike."""
    ended: dict[str, tuple[float, str]] = {}

    def wait(url: str) -> None:
        with client(url, Authorization=f"Bearer {key}") as erp:
            answer = erp.get("/v1/feed", params={"wait": 30, "after": "now"})
            ended[f"wait {url}"] = time.monotonic(), code_of(answer, 401)

    def stream(url: str) -> None:
        with client(url, Authorization=f"Bearer {key}") as erp, erp.stream("GET", "/v1/feed/stream") as answer:
            assert answer.status_code == 200
            opened.release()
            for _ in answer.iter_raw():
                pass
            ended[f"stream {url}"] = time.monotonic(), "closed"

    def ask(url: str) -> None:
        with client(url, Authorization=f"Bearer {key}") as erp:
            while erp.get("/v1/shops").status_code == 200:
                time.sleep(0.02)
            ended[f"ask {url}"] = time.monotonic(), code_of(erp.get("/v1/shops"), 401)

    opened = threading.Semaphore(0)
    readers = [threading.Thread(target=read, args=(url,)) for url in processes for read in (wait, stream, ask)]
    for reader in readers:
        reader.start()
    for _ in processes:
        assert opened.acquire(timeout=20)
    time.sleep(0.7)
    assert not ended
    revoke(database, key)
    revoked = time.monotonic()
    for reader in readers:
        reader.join(20)
    assert {(what.split()[0], said) for what, (_, said) in ended.items()} == {
        ("wait", "key_invalid"),
        ("stream", "closed"),
        ("ask", "key_invalid"),
    }
    assert len(ended) == 6
    late = {what: round(at - revoked, 2) for what, (at, _) in ended.items() if at - revoked > 1}
    assert not late


def test_a_command_under_way_is_not_cut_by_its_key(erp: httpx.Client, key: str, database: Database, shop: str) -> None:
    """What was taken is answered: only reads are ended."""
    answers: list[httpx.Response] = []

    def send() -> None:
        body = {"items": [{"sku": "TEA", "quantity": 1}]}
        answers.append(erp.put("/v1/stock", json=body, headers={"Idempotency-Key": "slow"}))

    assert erp.get("/v1/shops").status_code == 200
    with database.write() as connection:
        if database.postgresql:
            connection.exec_driver_sql("LOCK TABLE command")
        sender = threading.Thread(target=send)
        sender.start()
        time.sleep(0.3)
        assert keys.revoke(connection, key[:11], NOW)
        time.sleep(0.2)
    sender.join(20)
    assert [answer.status_code for answer in answers] == [202]


def test_only_the_hash_of_a_key_is_stored(key: str, database: Database) -> None:
    with database.read() as connection:
        [row] = keys.all_keys(connection)
        stored = connection.exec_driver_sql("SELECT * FROM api_key").one()
    assert key.startswith(row.id)
    assert key not in repr(tuple(stored))
    assert key.encode() not in b"".join(value for value in stored if isinstance(value, bytes))


def test_the_last_use_is_written_about_once_a_minute(erp: httpx.Client, key: str, database: Database) -> None:
    def last_used() -> datetime | None:
        with database.read() as connection:
            [row] = keys.all_keys(connection)
        return row.last_used_at

    assert last_used() is None
    assert erp.get("/v1/shops").status_code == 200
    assert eventually(last_used)
    first = last_used()
    assert first is not None
    for _ in range(3):
        assert erp.get("/v1/shops").status_code == 200
        time.sleep(0.5)
    assert last_used() == first
    with database.write() as connection:
        keys.used(connection, [key[:11]], first + timedelta(seconds=59))
    assert last_used() == first
    with database.write() as connection:
        keys.used(connection, [key[:11]], first + timedelta(seconds=60))
    assert last_used() == first + timedelta(seconds=60)


def test_a_key_keeps_what_it_was_given(database: Database) -> None:
    grant = Grant(ROLES["viewer"] | {KeyScope.MEMOS_WRITE}, frozenset({"douyin:7001"}), "viewer", NOW, 30)
    plain = made(database, grant)
    with database.write() as connection:
        row = keys.get(connection, plain[:11])
        assert row is not None
        assert (row.scopes, row.shops, row.role, row.expires_at, row.per_minute) == (
            grant.scopes,
            grant.shops,
            "viewer",
            NOW,
            30,
        )
        connection.exec_driver_sql("""UPDATE api_key SET scopes = '["orders:read", "moon:read"]'""")
        assert keys.get(connection, plain[:11]).scopes == {KeyScope.ORDERS_READ}  # type: ignore[union-attr]


def test_health_and_description_need_no_key(anybody: httpx.Client) -> None:
    for path in ("/healthz", "/readyz", "/openapi.json", "/docs"):
        assert anybody.get(path).status_code == 200
