"""The beat outlives every outage; without it nothing is rung again."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from core.db import Database, commands
from core.db.tables import command
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


def test_the_beat_forgets_commands_after_their_seven_days(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    now = engine.runtime.clock.now()
    ages = {"older": commands.KEPT + timedelta(minutes=1), "younger": commands.KEPT - timedelta(minutes=1)}
    with engine.runtime.database.write() as connection:
        for key, age in ages.items():
            commands.claim(connection, caller="erp", key=key, kind="stock", digest=b"1", now=now - age)
    stop = threading.Event()
    monkeypatch.setattr(beat, "TIDY_SECONDS", -1)
    monkeypatch.setattr(beat, "beat", lambda _runtime: stop.set())
    engine.runtime.redis.flushall()
    beat.run(engine.runtime, stop)
    with engine.runtime.database.read() as connection:
        assert list(connection.scalars(sa.select(command.c.idempotency_key))) == ["younger"]
