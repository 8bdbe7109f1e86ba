"""Listening to the simulated platform: frame by frame, over a real socket, and from the queue while no connection can
be had.
"""

import dataclasses
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import uvicorn
from pydantic import SecretStr

from connectors import CHANNELS, Adapter
from connectors.taobao import CHANNEL
from connectors.taobao.messages import TaobaoSession, TaobaoSource
from core.clock import ManualClock
from core.db import Database
from core.db.tables import receipt
from core.errors import Unavailable
from core.notices import Notice
from sandbox.clock import VirtualClock
from sandbox.pushes import Push
from sandbox.sandbox import Sandbox
from sandbox.serve import create_app
from sandbox.settings import Settings
from sandbox.taobao.longlink import LongLink
from sync import listen
from tests.connectors.taobao.kit import TID
from tests.engine import Engine
from tests.engine import engine as running
from tests.vault import VAULT

TOPIC = "taobao_trade_TradeChanged"


@pytest.fixture
def database(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    """One kind is enough here: listening itself is tested on both."""
    opened = Database(f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'qudao.db')}", VAULT)
    yield opened
    opened.close()


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setattr(listen, "LOOK_FOR_APPS_SECONDS", 0.2)
    with running(database, redis_url, tmp_path) as started:
        if "taobao" not in started.shops:
            started.shops["taobao"] = started._connect("taobao")
        yield started


@contextmanager
def served(engine: Engine) -> Iterator[str]:
    """The engine's sandbox on a free port; its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            create_app(engine.sandbox), log_level="error", ws="websockets-sansio", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            wait(lambda: server.started)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)


def wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end and not until():
        time.sleep(0.02)
    assert until()


def listening(engine: Engine, gateway: str, until: Callable[[], bool]) -> None:
    """Listens to Taobao alone until the condition holds; fails when it never does."""
    engine.runtime.settings = engine.runtime.settings.model_copy(update={"gateways": {"taobao": gateway}})
    stop = threading.Event()
    thread = threading.Thread(target=listen.run, args=(engine.runtime, stop))
    thread.start()
    try:
        wait(until)
    finally:
        stop.set()
        thread.join(20)


def only(monkeypatch: pytest.MonkeyPatch, *, source: bool) -> None:
    """Taobao is the only channel, with or without the queue beside its connection."""
    adapter: Adapter = dataclasses.replace(
        CHANNELS["pinduoduo"], channel=CHANNEL, session=TaobaoSession, source=TaobaoSource if source else None
    )
    monkeypatch.setattr(listen, "CHANNELS", {"taobao": adapter})


def publish(engine: Engine) -> Push:
    content = {"tid": int(TID), "status": "WAIT_SELLER_SEND_GOODS"}
    with engine.world.lock:
        return engine.world.outboxes["taobao"].publish(engine.world.shop("taobao"), TOPIC, TID, content)


def receipts(engine: Engine) -> list[tuple[str, str, str, str]]:
    columns = (receipt.c.account, receipt.c.topic, receipt.c.object_id, receipt.c.state)
    with engine.runtime.database.read() as connection:
        return [tuple(row) for row in connection.execute(sa.select(*columns).where(receipt.c.channel == "taobao"))]


def test_a_message_crosses_the_socket_and_is_confirmed(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, source=False)
    push = publish(engine)
    with served(engine) as gateway:
        listening(engine, gateway, lambda: push.acked_at is not None)
    assert receipts(engine) == [(engine.world.shop("taobao").shop_id, TOPIC, TID, "due")]
    assert len(push.deliveries) == 1


def test_the_queue_takes_over_while_the_connection_is_refused(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, source=True)
    push = publish(engine)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
    listening(engine, nowhere, lambda: push.acked_at is not None)
    assert receipts(engine) == [(engine.world.shop("taobao").shop_id, TOPIC, TID, "due")]


# Frame by frame


class Line:
    """Our session and the platform's, frames handed from one to the other."""

    def __init__(self, sandbox: Sandbox, secret: str = "", late: float = 0) -> None:
        app = sandbox.world.apps["taobao"]
        clock = ManualClock(datetime.fromtimestamp(sandbox.world.now() - late, UTC))
        self.ours = TaobaoSession(app.key, SecretStr(secret or app.secret), "ws://sandbox", clock)
        self.theirs = LongLink(sandbox.world)

    def open(self) -> None:
        for frame in self.ours.on_open():
            for answer in self.theirs.on_frame(frame):
                for reply in self.ours.on_frame(answer).reply:
                    assert self.theirs.on_frame(reply) == []

    def hear(self, *, confirm: bool = True) -> list[Notice]:
        """What is waiting."""
        notices: list[Notice] = []
        for frame in self.theirs.to_send():
            received = self.ours.on_frame(frame)
            notices += received.notices
            for ack in received.acks if confirm else ():
                assert self.theirs.on_frame(ack) == []
        return notices


def opened(sandbox: Sandbox) -> Line:
    line = Line(sandbox)
    line.open()
    return line


def placed(**settings: int) -> Sandbox:
    """A sandbox with one paid order."""
    sandbox = Sandbox(1, VirtualClock(), settings=Settings.model_validate(settings))
    sandbox.world.place(sandbox.world.shop("taobao"))
    return sandbox


def test_packed_messages_say_what_plain_ones_say() -> None:
    plain, packed = (opened(placed(**settings)).hear() for settings in ({}, {"tmc_gzip_over": 0}))
    assert plain
    assert plain == packed


def test_what_was_not_confirmed_comes_again_on_the_next_connection() -> None:
    sandbox = placed()
    first = opened(sandbox).hear(confirm=False)
    sandbox.world.advance(301)
    again = opened(sandbox).hear()
    assert first
    assert {notice.dedup_key for notice in again} == {notice.dedup_key for notice in first}
    sandbox.world.advance(301)
    assert opened(sandbox).hear() == []


def test_a_frame_with_the_token_of_another_connection_is_refused() -> None:
    sandbox = placed()
    line = opened(sandbox)
    [confirmation] = line.ours.on_frame(line.theirs.to_send()[0]).acks
    other = opened(sandbox)
    [answer] = other.theirs.on_frame(confirmation)
    with pytest.raises(Unavailable):
        other.ours.on_frame(answer)


@pytest.mark.parametrize("wrong", [{"secret": "another"}, {"late": 3600}])
def test_a_connection_that_cannot_prove_itself_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Unavailable) as caught:
        Line(placed(), **wrong).open()
    assert caught.value.code
