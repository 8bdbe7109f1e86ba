"""What other systems acknowledged and then lost, or took for new because their memory was gone.

Vets-Who-Code#1259 answered 200 while its database refused: the platform never came again. saleor#17086 started the job
before the row was committed, found nothing, and nobody rang twice. OpenLinker's ADR-005 kept the ids of pushes in Redis
only: after a restart every repetition was news.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy.exc import SQLAlchemyError

from connectors import CHANNELS
from core.channel import Push
from core.db import Database
from core.db.lanes import Kind
from core.notices import Session
from sandbox.model import Order
from sync import drain, inbox, listen, shipments
from tests.field.ground import Ground
from tests.web.conftest import client, serving


@contextmanager
def missing_receipts(database: Database) -> Iterator[None]:
    """Takes the table away for a while, as a failing database."""
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE receipt RENAME TO away")
    yield
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO receipt")


def call_back(ground: Ground, hooks: httpx.Client) -> None:
    """Delivers what is due to a running server. Raises when it refused any of it."""
    callbacks = ground.sandbox.platforms[ground.code].callbacks
    assert callbacks is not None
    statuses = []
    while (batch := callbacks.take()) is not None:
        answer = hooks.post(f"/hooks/{ground.code}", content=batch.body, headers=batch.headers)
        callbacks.settle(batch, answer.status_code, answer.content)
        statuses.append(answer.status_code)
    if any(status >= 300 for status in statuses):
        raise SQLAlchemyError


def exchange(ground: Ground) -> None:
    """A new connection takes what is due; raises what breaks it."""
    make, app = CHANNELS[ground.code].session, ground.world.apps[ground.code]
    assert make is not None
    ours: Session = make(app.key, SecretStr(app.secret), "ws://sandbox", ground.runtime.clock)
    theirs = ground.sandbox.platforms[ground.code].connect()

    class Socket:
        async def send(self, frame: str | bytes) -> None:
            for answer in theirs.on_frame(frame):
                await listen._frame(ground.runtime, self, ours, answer)  # type: ignore[arg-type]  # all that it uses

    async def take() -> None:
        socket = Socket()
        for frame in ours.on_open():
            await socket.send(frame)
        while frames := theirs.to_send():
            for frame in frames:
                await listen._frame(ground.runtime, socket, ours, frame)  # type: ignore[arg-type]  # as above

    asyncio.run(take())


def look(ground: Ground) -> None:
    """One look into the table of pushes."""
    app = listen._App(ground.code, ground.world.apps[ground.code].key)
    claim = listen._take(ground.runtime, app)
    assert claim is not None
    assert ground.table is not None
    assert ground.source is not None
    try:
        ground.table.write_due()
        ground.world.advance(15)
        listen._fetch(ground.runtime, app, ground.source, claim)
    finally:
        listen._let_go(ground.runtime, claim)


@contextmanager
def receiving(ground: Ground) -> Iterator[Callable[[], None]]:
    """Takes what the platform has to tell, as the process does that listens for it. Raises when we have none of it."""
    if ground.channel.channel.push is Push.CONNECTION:
        yield lambda: exchange(ground)
    elif ground.channel.channel.push is Push.POLLED:
        yield lambda: look(ground)
    else:
        with serving(ground.runtime) as url, client(url) as hooks:
            yield lambda: call_back(ground, hooks)


def test_vets_who_code_1259_a_database_error_while_receiving(ground: Ground) -> None:
    ground.settle()
    with receiving(ground) as receive:
        receive()
        before = ground.receipts()
        order = ground.place()
        with missing_receipts(ground.runtime.database), pytest.raises(SQLAlchemyError):
            receive()
        pushes = [each for each in ground.world.outboxes[ground.code].pushes if each.object_id == order.order_id]
        assert pushes
        if ground.channel.channel.push is not Push.POLLED:  # there the platform's part ends with its table
            assert [each.acked_at for each in pushes] == [None] * len(pushes)
        assert ground.receipts() == before
        ground.world.advance(3600)
        receive()
    assert order.order_id in {object_id for object_id, _, _ in ground.receipts()}
    assert None not in [each.acked_at for each in pushes]
    ground.drain(Kind.NOTICES)
    assert ground.told(order) == ["order.created"]


def test_saleor_17086_a_job_that_starts_before_the_commit(ground: Ground) -> None:
    ground.settle()
    order = ground.place()
    ground.wait_for_pushes()
    told, database, now = tuple(ground.heard), ground.runtime.database, ground.runtime.clock.now
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM receipt")
    with ThreadPoolExecutor(1) as pool:
        with database.write() as connection:
            ground.runtime.bells.ring(inbox.store(connection, ground.runtime.vault, told, now()))
            _too_early(ground, pool, Kind.NOTICES)
        ground.run(10)
        assert ground.told(order) == ["order.created"]
        with database.write() as connection:
            queued = shipments.ship(connection, [ground.shipment(order)], now())
            ground.runtime.bells.ring(queued.lanes)
            _too_early(ground, pool, Kind.SHIP)
    ground.run(10)
    assert order.ship_accepts == 1
    assert ground.shipped(order).state == "done"


def _too_early(ground: Ground, pool: ThreadPoolExecutor, kind: Kind) -> None:
    """A worker answers the bell now; on SQLite it waits for the commit."""
    begun = pool.submit(drain.drain, ground.runtime, ground.lane(kind))
    with contextlib.suppress(TimeoutError):
        begun.result(timeout=0.3)


def test_openlinker_adr_005_redis_flushed_between_two_deliveries(ground: Ground) -> None:
    ground.settle()
    order: Order = ground.place()
    ground.wait_for_pushes()
    ground.settle()
    told = tuple(notice for notice in ground.heard if notice.object_id == order.order_id)
    assert told
    for _ in range(2):
        ground.runtime.redis.flushall()
        ground.store(told)
        ground.runtime.redis.flushall()
        ground.run(10)
    assert ground.told(order) == ["order.created"]
    ours = [(state, seen) for object_id, state, seen in ground.receipts() if object_id == order.order_id]
    assert {state for state, _ in ours} == {"handled"}
    assert sum(seen for _, seen in ours) == 3 * len(told)
