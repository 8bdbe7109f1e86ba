"""A running server over a real database and a real Redis, a shop on each channel, and an ERP's client."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import redis
from pydantic import SecretStr

from core.channel import Credentials
from core.db import Database, catalog, keys, mappings, shops
from core.db.catalog import Target
from core.db.mappings import Mapped
from core.model import Listing, ListingSku, Price, SkuKey
from core.settings import Settings
from core.status import Fact, Shelf
from core.stock import Part
from sync.runtime import Runtime
from tests.vault import VAULT
from web.app import create_app
from web.serve import Server

NOW = datetime(2026, 1, 1, 4, 0, tzinfo=UTC)
DOUYIN, PINDUODUO = "douyin:7001", "pinduoduo:1"
APP_KEY, APP_SECRET = "app-7", "a secret of an invented app"


@pytest.fixture
def runtime(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Runtime]:
    settings = Settings(data_dir=tmp_path, redis_url=redis_url)
    opened = Runtime(settings, database, VAULT, redis.Redis.from_url(redis_url))
    yield opened
    opened.redis.close()


@contextmanager
def serving(runtime: Runtime, *, patient: bool = True, expecting_pushes: bool = False) -> Iterator[str]:
    """The base URL of a server on a free port. One that is not patient sends waiting readers home at once."""
    up = threading.Event()
    ports: list[int] = []

    def started(port: int) -> None:
        ports.append(port)
        up.set()

    app = create_app(runtime, expecting_pushes=expecting_pushes)
    server = Server(app, "127.0.0.1", 0, started=started)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert up.wait(20), "the server did not start"
        if not patient:
            app.state.release()
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def server(runtime: Runtime) -> Iterator[str]:
    with serving(runtime) as url:
        yield url


@pytest.fixture
def key(database: Database) -> str:
    with database.write() as connection:
        return keys.create(connection, "tests", NOW).plain


@pytest.fixture
def anybody(server: str) -> Iterator[httpx.Client]:
    """A client without a key."""
    with client(server) as opened:
        yield opened


@pytest.fixture
def erp(server: str, key: str) -> Iterator[httpx.Client]:
    """The client of an ERP that has a key."""
    with client(server, Authorization=f"Bearer {key}") as opened:
        yield opened


def client(server: str, **headers: str) -> httpx.Client:
    """Opens faster than httpx's own default, which reads all certificates of the system."""
    return httpx.Client(base_url=server, headers=headers, timeout=40, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


@pytest.fixture
def shop(runtime: Runtime) -> str:
    """A Douyin shop with one listing of two SKUs: S1 is mapped to TEA, S2 to nothing."""
    connect(runtime, DOUYIN)
    listing = Listing(
        shop_id=DOUYIN,
        id="L1",
        title="Tea",
        shelf=Fact[Shelf](value=Shelf.ON),
        skus=(
            ListingSku(sku_id="S1", merchant_code="TEA", sellable=3, price=Price(sale=1000)),
            ListingSku(sku_id="S2", sellable=4, price=Price(sale=2000)),
        ),
    )
    with runtime.database.write() as connection:
        catalog.record(connection, DOUYIN, [listing], NOW)
        target = Target(DOUYIN, SkuKey(listing_id="L1", sku_id="S1"))
        mappings.write(connection, {target: Mapped("manual", (Part("TEA"),))}, "tests", NOW)
    return DOUYIN


def connect(runtime: Runtime, identity: str, *, app_key: str = APP_KEY, secret: str = APP_SECRET) -> None:
    channel, _, account = identity.partition(":")
    tokens = Credentials(app_key, SecretStr(secret), SecretStr("access"), SecretStr("refresh"))
    with runtime.database.write() as connection:
        shops.add(connection, runtime.vault, channel=channel, account=account, name="Tea", credentials=tokens, now=NOW)


def code_of(response: httpx.Response, status: int) -> str:
    """The stable code of a problem, after checking that it is a whole one."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["type"] == f"urn:qudao:problem:{problem['code']}"
    assert all(problem[member] for member in ("title", "title_zh", "detail", "detail_zh"))
    assert "{" not in problem["detail"] + problem["detail_zh"]
    return str(problem["code"])


def eventually(check: Callable[[], object], seconds: float = 5) -> bool:
    """Whether it becomes so in time."""
    deadline = time.monotonic() + seconds
    while not (found := bool(check())) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found
