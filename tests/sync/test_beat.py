"""The beat outlives every outage; without it nothing is rung again."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import exc

from core.db import Database
from sync import beat
from sync.runtime import Runtime
from tests.engine import Engine
from tests.engine import engine as running


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path) as started:
        yield started


@pytest.mark.parametrize("outage", [exc.TimeoutError(), exc.InterfaceError("", {}, OSError())])
def test_an_outage_of_the_database_does_not_end_the_beat(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, outage: exc.SQLAlchemyError
) -> None:
    stop = threading.Event()
    beats: list[Runtime] = []

    def beating(runtime: Runtime) -> None:
        beats.append(runtime)
        if len(beats) == 1:
            raise outage
        stop.set()

    monkeypatch.setattr(beat, "beat", beating)
    engine.runtime.redis.flushall()
    beat.run(engine.runtime, stop)
    assert len(beats) == 2
