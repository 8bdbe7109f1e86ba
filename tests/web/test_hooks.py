"""Pushes in: what is acknowledged is stored, what is not stored is not acknowledged, what is forged is neither."""

import hashlib
import hmac
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
import sqlalchemy as sa

from core.db import Database
from core.db.tables import receipt
from core.settings import Settings
from sync.runtime import Runtime
from tests.web.conftest import APP_KEY, APP_SECRET, DOUYIN, client, connect, eventually, serving

ACK = b'{"code":0,"msg":"success"}'


def body(*ids: int, tag: str = "101") -> bytes:
    data = [json.dumps({"p_id": number, "shop_id": 7001, "update_time": 1760000010}) for number in ids]
    return json.dumps(
        [{"tag": tag, "msg_id": f"{n}:{tag}", "data": text} for n, text in zip(ids, data, strict=True)]
    ).encode()


def push(platform: httpx.Client, content: bytes, *, app_key: str = APP_KEY, secret: str = APP_SECRET) -> httpx.Response:
    """As the platform signs it."""
    signature = hmac.new(secret.encode(), app_key.encode() + content + secret.encode(), hashlib.sha256).hexdigest()
    headers = {"app-id": app_key, "event-sign": signature, "Content-Type": "application/json"}
    return platform.post("/hooks/douyin", content=content, headers=headers)


def receipts(database: Database) -> list[tuple[str, str, int]]:
    with database.read() as connection:
        rows = connection.execute(
            sa.select(receipt.c.object_id, receipt.c.state, receipt.c.seen).order_by(receipt.c.id)
        )
        return [(row.object_id, row.state, row.seen) for row in rows]


def test_a_push_is_stored_and_acknowledged_as_the_platform_wants(
    anybody: httpx.Client, shop: str, runtime: Runtime, redis_url: str
) -> None:
    answer = push(anybody, body(11, 12))
    assert (answer.status_code, answer.content) == (200, ACK)
    assert answer.headers["content-type"] == "application/json"
    assert receipts(runtime.database) == [("11", "due", 1), ("12", "due", 1)]
    assert eventually(lambda: runtime.redis.exists(f"qudao:bell:notices@{DOUYIN}"))


def test_a_push_is_sealed_at_rest(anybody: httpx.Client, shop: str, database: Database) -> None:
    push(anybody, body(11))
    with database.read() as connection:
        [sealed] = connection.scalars(sa.select(receipt.c.raw))
    assert b"p_id" not in sealed


def test_a_replayed_push_is_counted_and_acknowledged(anybody: httpx.Client, shop: str, database: Database) -> None:
    assert [push(anybody, body(11)).content for _ in range(3)] == [ACK] * 3
    assert receipts(database) == [("11", "due", 3)]


def test_the_verification_of_the_url_is_acknowledged(anybody: httpx.Client, shop: str, database: Database) -> None:
    content = b'[{"tag":"0","msg_id":"0","data":"2026-01-01T00:00:00+08:00"}]'
    assert push(anybody, content).content == ACK
    assert receipts(database) == []


def test_a_forged_push_is_refused_and_leaves_nothing(anybody: httpx.Client, shop: str, database: Database) -> None:
    for forged in (push(anybody, body(11), secret="guessed"), push(anybody, body(11), app_key="another")):
        assert forged.status_code == 401
        assert forged.json()["code"] != 0
    signed = push(anybody, body(11)).request
    tampered = httpx.post(
        signed.url, content=body(12), headers=dict(signed.headers) | {"content-length": str(len(body(12)))}
    )
    assert tampered.status_code == 401
    assert anybody.post("/hooks/douyin", content=body(13)).status_code == 401
    assert receipts(database) == [("11", "due", 1)]


def test_a_signed_push_that_is_no_message_is_refused(anybody: httpx.Client, shop: str, database: Database) -> None:
    for content in (b"{", b"{}"):
        refused = push(anybody, content)
        assert refused.status_code == 400
        assert refused.json()["code"] != 0
    assert receipts(database) == []


def test_an_app_added_while_the_server_runs_is_known_at_its_first_push(anybody: httpx.Client, runtime: Runtime) -> None:
    assert push(anybody, body(11)).status_code == 401
    connect(runtime, DOUYIN)
    assert eventually(lambda: push(anybody, body(11)).content == ACK)


def test_a_push_of_a_shop_that_is_not_connected_is_kept_for_a_person(anybody: httpx.Client, runtime: Runtime) -> None:
    connect(runtime, "douyin:another")
    assert push(anybody, body(11)).content == ACK
    assert receipts(runtime.database) == [("11", "parked", 1)]


def test_only_channels_that_push_over_http_have_a_hook(anybody: httpx.Client) -> None:
    for channel in ("pinduoduo", "nobody", "douyin/", "../v1/feed"):
        assert anybody.post(f"/hooks/{channel}", content=b"[]").status_code in (401, 404)
    assert anybody.get("/hooks/douyin").status_code == 405


def test_a_push_that_is_too_large_is_refused(anybody: httpx.Client, shop: str, database: Database) -> None:
    assert push(anybody, b"[" + b" " * 1_000_000 + b"]").status_code == 413
    assert receipts(database) == []


def test_many_pushes_at_once_are_all_stored(anybody: httpx.Client, shop: str, database: Database) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: push(anybody, body(number)).content, range(1, 101)))
    assert answers == [ACK] * 100
    assert sorted(int(object_id) for object_id, _, _ in receipts(database)) == list(range(1, 101))


def test_without_redis_pushes_are_still_taken(database: Database, runtime: Runtime, tmp_path: Path) -> None:
    nowhere = f"unix://{tmp_path}/no-such-socket"
    alone = Runtime(
        Settings(data_dir=tmp_path, redis_url=nowhere), database, runtime.vault, redis.Redis.from_url(nowhere)
    )
    connect(alone, DOUYIN)
    with serving(alone) as server, client(server) as anybody:
        assert push(anybody, body(11)).content == ACK
        assert anybody.get("/readyz").json() == {"status": "ok", "database": "ok", "redis": "unavailable"}
    assert receipts(database) == [("11", "due", 1)]


@pytest.fixture
def storing(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that store pushes, the newest last; ask for it before the server."""
    started: list[subprocess.Popen[bytes]] = []

    class Recorded(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            if args[0][0] == sys.executable:  # not a database of the fixtures
                started.append(self)

    monkeypatch.setattr("web.receipts.subprocess.Popen", Recorded)
    return started


@contextmanager
def held(database: Database) -> Iterator[None]:
    """Nobody can write receipts meanwhile."""
    with database.write() as connection:
        if database.postgresql:
            connection.exec_driver_sql("LOCK TABLE receipt IN EXCLUSIVE MODE")
        yield


def test_a_push_whose_writer_is_killed_is_sent_back_and_the_next_one_is_taken(
    storing: list[subprocess.Popen[bytes]], anybody: httpx.Client, shop: str, database: Database
) -> None:
    assert push(anybody, body(11)).content == ACK
    with ThreadPoolExecutor(1) as pool:
        with held(database):
            under_way = pool.submit(push, anybody, body(12))
            time.sleep(0.3)
            assert not under_way.done()
            storing[-1].kill()
            failed = under_way.result()
        assert failed.status_code == 503
        assert failed.json()["code"] != 0
    assert push(anybody, body(13)).content == ACK
    assert [object_id for object_id, _, _ in receipts(database)] == ["11", "13"]
    assert len(storing) == 2


def test_a_writer_that_dies_idle_costs_no_push(
    storing: list[subprocess.Popen[bytes]], anybody: httpx.Client, shop: str
) -> None:
    assert push(anybody, body(11)).content == ACK
    storing[-1].kill()
    storing[-1].wait()
    assert push(anybody, body(12)).content == ACK


def test_whatever_is_acknowledged_while_writers_are_killed_is_stored(
    storing: list[subprocess.Popen[bytes]], anybody: httpx.Client, shop: str, database: Database
) -> None:
    assert push(anybody, body(1)).content == ACK
    with ThreadPoolExecutor(16) as pool:
        answers = {number: pool.submit(push, anybody, body(number)) for number in range(2, 202)}
        for _ in range(2):
            time.sleep(0.1)
            storing[-1].kill()
    taken = {str(number) for number, answer in answers.items() if answer.result().is_success}
    assert taken
    assert taken <= {object_id for object_id, _, _ in receipts(database)}


def test_a_push_that_cannot_be_stored_harms_none_of_its_batch(
    anybody: httpx.Client, shop: str, database: Database
) -> None:
    refuse = (
        "ALTER TABLE receipt ADD CHECK (object_id <> '66')"
        if database.postgresql
        else "CREATE TRIGGER picky BEFORE INSERT ON receipt WHEN new.object_id = '66' "
        "BEGIN SELECT RAISE(ABORT, 'poison'); END"
    )
    with database.write() as connection:
        connection.exec_driver_sql(refuse)
    with ThreadPoolExecutor(12) as pool:
        with held(database):
            first = pool.submit(push, anybody, body(11))
            time.sleep(0.3)
            batch = {number: pool.submit(push, anybody, body(number)) for number in range(21, 30)}
            poisoned = pool.submit(push, anybody, body(66))
            time.sleep(0.3)
        assert first.result().content == ACK
        assert {answer.result().content for answer in batch.values()} == {ACK}
        assert poisoned.result().status_code == 503
        assert poisoned.result().json()["code"] != 0
    assert sorted(int(object_id) for object_id, _, _ in receipts(database)) == [11, *range(21, 30)]


def test_the_process_that_stores_ends_with_the_server(storing: list[subprocess.Popen[bytes]], runtime: Runtime) -> None:
    with serving(runtime, expecting_pushes=True):
        assert storing[-1].poll() is None
    assert storing[-1].poll() is not None
