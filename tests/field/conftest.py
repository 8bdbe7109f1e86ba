"""The channels and databases that the stories are told on."""

import zlib
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from core.db import Database
from tests.conftest import new_database
from tests.contract.channel import ChannelUnderTest
from tests.contract.douyin import Douyin
from tests.contract.jd import Jd
from tests.contract.pinduoduo import Pinduoduo
from tests.contract.taobao import Taobao
from tests.field.ground import Ground

CHANNELS = (Pinduoduo(), Douyin(), Jd(), Taobao())
DATABASES = ("sqlite", "postgresql")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each story runs on every channel, two of them on the one database and two on the other; which ones, changes from
    story to story.
    """
    if "ground" not in metafunc.fixturenames:
        return
    turn = zlib.crc32(metafunc.function.__name__.encode())
    pairs = [(channel, DATABASES[(turn + n) % 2]) for n, channel in enumerate(CHANNELS)]
    names = [f"{channel.code}-{database}" for channel, database in pairs]
    metafunc.parametrize(("channel", "database"), pairs, indirect=True, ids=names)


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with new_database(request, tmp_path, request.param) as opened:
        yield opened


@pytest.fixture
def channel(request: pytest.FixtureRequest) -> ChannelUnderTest:
    under_test: ChannelUnderTest = request.param
    return under_test


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What our own code logs, instead of printing it."""
    with capture_logs() as entries:
        yield entries


@pytest.fixture
def ground(channel: ChannelUnderTest, database: Database, redis_url: str, tmp_path: Path) -> Iterator[Ground]:
    made = Ground(database, redis_url, tmp_path, channel)
    yield made
    made.close()
