"""How often a key may call, counted by all processes together, and what happens when Redis does not count."""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import redis

from core.crypto import Vault
from core.db import Database, keys
from core.db.keys import Grant
from core.settings import Settings
from sync.runtime import Runtime
from tests.web.conftest import NOW, client, code_of, serving


def key_of(database: Database, per_minute: int) -> str:
    with database.write() as connection:
        return keys.create(connection, "tests", NOW, Grant(per_minute=per_minute)).plain


def left(answer: httpx.Response, per_minute: int) -> int:
    assert answer.headers["ratelimit-policy"] == f'"key";q={per_minute};w=60'
    told = re.fullmatch(r'"key";r=(\d+);t=(\d+)', answer.headers["ratelimit"])
    assert told
    assert 0 <= int(told[2]) <= 60
    return int(told[1])


def test_the_headers_count_down_to_429(server: str, database: Database) -> None:
    with client(server, Authorization=f"Bearer {key_of(database, 5)}") as caller:
        assert [left(caller.get("/v1/shops"), 5) for _ in range(5)] == [4, 3, 2, 1, 0]
        refused = caller.get("/v1/shops")
        assert code_of(refused, 429) == "rate_limited"
        assert left(refused, 5) == 0
        assert 1 <= int(refused.headers["retry-after"]) <= 12


def test_after_retry_after_it_goes_on(server: str, database: Database) -> None:
    with client(server, Authorization=f"Bearer {key_of(database, 40)}") as caller:
        answers = [caller.get("/v1/shops") for _ in range(60)]
        assert [answer.status_code for answer in answers[:40]] == [200] * 40
        refused = answers[-1]
        assert refused.status_code == 429
        time.sleep(int(refused.headers["retry-after"]))
        assert caller.get("/v1/shops").status_code == 200


def test_all_processes_count_together(runtime: Runtime, database: Database) -> None:
    plain = key_of(database, 6)
    with (
        serving(runtime) as one,
        serving(runtime) as two,
        client(one, Authorization=f"Bearer {plain}") as first,
        client(two, Authorization=f"Bearer {plain}") as second,
    ):
        answers = [caller.get("/v1/shops") for _ in range(4) for caller in (first, second)]
    assert [answer.status_code for answer in answers] == [200] * 6 + [429] * 2


def test_keys_are_counted_apart_and_one_without_a_limit_not_at_all(server: str, database: Database) -> None:
    with client(server, Authorization=f"Bearer {key_of(database, 1)}") as busy:
        assert [busy.get("/v1/shops").status_code for _ in range(2)] == [200, 429]
    with client(server, Authorization=f"Bearer {key_of(database, 1)}") as other:
        assert other.get("/v1/shops").status_code == 200
    with client(server, Authorization=f"Bearer {key_of(database, 0)}") as free:
        answers = [free.get("/v1/shops") for _ in range(20)]
        assert {answer.status_code for answer in answers} == {200}
        assert "ratelimit" not in answers[0].headers


def test_a_read_that_waits_counts_once(server: str, database: Database) -> None:
    with client(server, Authorization=f"Bearer {key_of(database, 3)}") as caller:
        assert left(caller.get("/v1/feed", params={"wait": 2, "after": "now"}), 3) == 2
        assert left(caller.get("/v1/shops"), 3) == 1


@contextmanager
def without_redis(database: Database, folder: Path, url: str) -> Iterator[str]:
    settings = Settings(data_dir=folder, redis_url=url)
    runtime = Runtime(settings, database, Vault("a secret for tests only"), redis.Redis.from_url(url))
    with serving(runtime) as server:
        yield server
    runtime.redis.close()


@pytest.fixture(params=["refuses", "is silent"])
def no_redis(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a Redis that is not there, or of one that takes connections and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        if request.param == "is silent":
            listening.listen(64)
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}"


def test_without_redis_nobody_is_refused(database: Database, tmp_path: Path, no_redis: str) -> None:
    plain = key_of(database, 2)
    with without_redis(database, tmp_path, no_redis) as url, client(url, Authorization=f"Bearer {plain}") as caller:
        began = time.monotonic()
        answers = [caller.get("/v1/shops") for _ in range(20)]
        assert time.monotonic() - began < 5
    assert {answer.status_code for answer in answers} == {200}
    assert answers[0].headers["ratelimit-policy"] == '"key";q=2;w=60'
    assert "ratelimit" not in answers[0].headers
