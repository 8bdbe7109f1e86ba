"""Shops with goods behind a server, for programs that know only its address and a key."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.db import keys
from examples.erp_client import Qudao
from tests.conftest import new_database
from tests.engine import Engine, engine
from tests.web.conftest import serving


@pytest.fixture
def running(request: pytest.FixtureRequest, tmp_path: Path, redis_url: str) -> Iterator[Engine]:
    with new_database(request, tmp_path, "sqlite") as database, engine(database, redis_url, tmp_path) as opened:
        opened.settle()
        yield opened


@pytest.fixture
def qudao(running: Engine) -> Iterator[Qudao]:
    with running.runtime.database.write() as connection:
        key = keys.create(connection, "an ERP", running.runtime.clock.now()).plain
    with serving(running.runtime) as url, Qudao(url, key, patience=5) as client:
        yield client
