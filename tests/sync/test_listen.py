"""Listening: a polled source keeps its cursor with its notices, and stands in while a connection cannot be had."""

import dataclasses
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors import CHANNELS
from core.channel import ObjectKind
from core.db import Database, shops
from core.errors import Unavailable
from core.notices import AppAccess, Notice, Polled, Source
from sync import inbox, listen
from sync.runtime import Runtime
from tests.engine import Engine
from tests.engine import engine as running


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path) as started:
        yield started


class Shelf:
    """A source with numbered notices; the cursor is the number of the last one taken."""

    every = 0.05

    def __init__(self, engine: Engine, length: int, failures: int = 0) -> None:
        self.account = engine.shops["pinduoduo"].partition(":")[2]
        self.app_key = engine.world.apps["pinduoduo"].key
        self.length = length
        self.failures = failures
        self.asked: list[str] = []
        self.confirmed: list[str] = []
        self.access: AppAccess | None = None
        self.closed = 0

    def open(self, access: AppAccess) -> Source:
        self.access = access
        return self

    def poll(self, cursor: str) -> Polled:
        self.asked.append(cursor)
        if self.failures:
            self.failures -= 1
            raise Unavailable("not now", channel="pinduoduo")
        number = int(cursor or 0) + 1
        if number > self.length:
            return Polled(cursor=cursor)
        return Polled((self._notice(number),), str(number), (f"ack-{number}",), more=number < self.length)

    def confirm(self, acks: Sequence[str]) -> None:
        self.confirmed += acks

    def close(self) -> None:
        self.closed += 1

    def _notice(self, number: int) -> Notice:
        return Notice(
            channel="pinduoduo",
            app_key=self.app_key,
            account=self.account,
            topic="order",
            kind=ObjectKind.ORDER,
            object_id=f"order-{number}",
            dedup_key=f"key-{number}",
            source_at=datetime(2026, 1, 1, tzinfo=UTC),
        )


def only(monkeypatch: pytest.MonkeyPatch, shelf: Shelf, *, session: bool) -> None:
    """Pinduoduo is the only channel, with this source, and its own connection or none."""
    adapter = CHANNELS["pinduoduo"]
    changed = dataclasses.replace(adapter, source=shelf.open, session=adapter.session if session else None)
    monkeypatch.setattr(listen, "CHANNELS", {"pinduoduo": changed})
    monkeypatch.setattr(listen, "LOOK_FOR_APPS_SECONDS", 0.2)


def listening(runtime: Runtime, until: Callable[[], bool]) -> None:
    """Listens until the condition holds; fails when it never does."""
    stop = threading.Event()
    thread = threading.Thread(target=listen.run, args=(runtime, stop))
    thread.start()
    end = time.monotonic() + 20
    while time.monotonic() < end and not until():
        time.sleep(0.02)
    stop.set()
    thread.join(20)
    assert until()


def test_a_source_is_read_to_its_end_and_confirmed_after_the_commit(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(engine, 3)
    only(monkeypatch, shelf, session=False)
    stored: list[list[str]] = []
    keep = inbox.store

    def store(connection: object, vault: object, notices: Sequence[Notice], now: datetime) -> object:
        stored.append(list(shelf.confirmed))
        return keep(connection, vault, notices, now)  # type: ignore[arg-type]  # handed through as it came

    monkeypatch.setattr(inbox, "store", store)
    listening(engine.runtime, lambda: len(shelf.confirmed) == 3)
    assert shelf.confirmed == ["ack-1", "ack-2", "ack-3"]
    assert stored[:3] == [[], ["ack-1"], ["ack-1", "ack-2"]], "an acknowledgement left before its notice was stored"
    assert shelf.closed == 1


def test_the_cursor_survives_a_restart(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Shelf(engine, 2), Shelf(engine, 3)
    only(monkeypatch, first, session=False)
    listening(engine.runtime, lambda: len(first.confirmed) == 2)
    only(monkeypatch, second, session=False)
    listening(engine.runtime, lambda: len(second.confirmed) == 1)
    assert second.asked[0] == "2"
    with engine.runtime.database.read() as connection:
        assert shops.push_cursor(connection, "pinduoduo", first.app_key) == "3"


def test_a_source_that_fails_is_asked_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(engine, 1, failures=1)
    only(monkeypatch, shelf, session=False)
    listening(engine.runtime, lambda: shelf.confirmed == ["ack-1"])


def test_a_source_stands_in_while_the_connection_cannot_be_had(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
    engine.runtime.settings = engine.runtime.settings.model_copy(update={"gateways": {"pinduoduo": nowhere}})
    shelf = Shelf(engine, 2)
    only(monkeypatch, shelf, session=True)
    listening(engine.runtime, lambda: len(shelf.confirmed) == 2)
    assert shelf.access is not None
    assert shelf.access.gateway == nowhere
