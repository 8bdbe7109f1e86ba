"""Makes pushes durable: those of many requests in one transaction, in a process of its own.

A thread would contend with the event loop for the interpreter at every row, which costs half of the pushes a second.
The process knows the database and the vault, nothing of HTTP or Redis; it lives exactly as long as its end of the
socket pair does, so it outlives no server, however that ends.
"""

import asyncio
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO, cast

import structlog

from core.crypto import Vault
from core.db import Database
from core.db.lanes import Lane
from core.notices import Notice
from sync import inbox
from web import logs
from web.state import State

BATCH = 500
"""How many pushes share one transaction at most."""
WAITING_LIMIT = 20_000
"""How many pushes may wait for the database before more are sent back at once."""
APART_SECONDS = 2.0
"""How long after its begin a failed batch may still be divided to find the pushes at fault. A database that takes
longer to fail is at fault itself.
"""

_LENGTH = struct.Struct("!I")

log = structlog.get_logger()


class Overloaded(Exception):
    """Too many pushes wait for the database."""


class NotStored(Exception):
    """The push may not be durable. `error` is the type of the cause, `where` the places it went through."""

    def __init__(self, error: str, where: Sequence[str] = ()) -> None:
        super().__init__(error)
        self.error = error
        self.where = where


@dataclass(frozen=True)
class _Waiting:
    notices: Sequence[Notice]
    stored: asyncio.Future[None]


class Writer:
    """Has the pushes of many requests committed together: what waits when one batch ends goes into the next."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._waiting: list[_Waiting] = []
        self._changed = asyncio.Event()
        self._open = True

    def start(self, *, at_once: bool) -> None:
        """Begins, in the running event loop. The process that commits starts now, or with the first push, which then
        waits for it.
        """
        self._task = asyncio.create_task(self._run(at_once=at_once))

    async def store(self, notices: Sequence[Notice]) -> None:
        """Returns once the notices are durable. Raises Overloaded or NotStored."""
        if len(self._waiting) >= WAITING_LIMIT:
            raise Overloaded
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(notices, stored))
        self._changed.set()
        await stored

    async def close(self) -> None:
        """Has committed what is waiting and ends."""
        self._open = False
        self._changed.set()
        await self._task

    async def _run(self, *, at_once: bool) -> None:
        child = await self._start_child() if at_once else None
        try:
            while batch := await self._take():
                if child is not None and not child.alive():
                    child.end()
                    child = None
                child = child or await self._start_child()
                await self._commit(child, batch)
        finally:
            if child is not None:
                child.end()

    async def _take(self) -> list[_Waiting]:
        """The pushes of the next transaction; empty at the end."""
        while self._open and not self._waiting:
            self._changed.clear()
            await self._changed.wait()
        batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
        return batch

    async def _commit(self, child: "_Child", batch: Sequence[_Waiting]) -> None:
        now = self._state.runtime.clock.now()
        try:
            answer: _Answer = await child.ask((now, [waiting.notices for waiting in batch]))
        except (OSError, EOFError) as error:
            log.error("the process that stores pushes died", error=type(error).__name__)
            child.end()
            answer = _Answer(refused=dict.fromkeys(range(len(batch)), (type(error).__name__, [])))
        for number, waiting in enumerate(batch):
            if waiting.stored.done():
                continue  # its client hung up
            if number in answer.refused:
                waiting.stored.set_exception(NotStored(*answer.refused[number]))
            else:
                waiting.stored.set_result(None)
        self._state.ringer.ring(answer.lanes)

    async def _start_child(self) -> "_Child":
        runtime = self._state.runtime
        url = runtime.database.url.render_as_string(hide_password=False)
        return await _Child.start((url, runtime.vault, runtime.settings.log_level))


class _Child:
    """The process, seen from the server."""

    def __init__(
        self, process: subprocess.Popen[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer

    @classmethod
    async def start(cls, settings: tuple[str, Vault, str]) -> "_Child":
        """Returns at once; what is asked is answered when the process is up. It learns the settings, among them
        secrets, over the socket, where neither a process list nor an environment shows them.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(  # noqa: ASYNC220  # takes a few milliseconds
                [sys.executable, "-c", "from web.receipts import serve; serve()"],
                stdin=theirs.fileno(),
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                start_new_session=True,  # Ctrl-C is for the server, which lets the pushes under way end
            )
        child = cls(process, *await asyncio.open_unix_connection(sock=ours))
        child._send(settings)
        return child

    def alive(self) -> bool:
        return self._process.poll() is None

    async def ask(self, question: object) -> Any:
        """Raises OSError or EOFError when the process dies meanwhile."""
        self._send(question)
        await self._writer.drain()
        (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
        return pickle.loads(await self._reader.readexactly(length))  # noqa: S301  # from our own process

    def end(self) -> None:
        """At once: whatever it was asked and has not answered is not acknowledged."""
        self._process.kill()
        self._process.wait()
        self._writer.close()

    def _send(self, message: object) -> None:
        self._writer.write(_frame(message))


@dataclass
class _Answer:
    """`refused`: what went wrong and where, by the number of the push in the batch. All others are durable."""

    lanes: set[Lane] = field(default_factory=set)
    refused: dict[int, tuple[str, list[str]]] = field(default_factory=dict)


def serve() -> None:
    """The process: answers batches until the server is gone."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # an init system sends it to all; the server says when it is over
    with socket.socket(fileno=os.dup(0)) as server, suppress(ConnectionError):
        stream = cast("BinaryIO", server.makefile("rwb"))
        url, vault, level = _receive(stream)
        logs.configure(level)
        database = Database(url, vault, pool_size=1)
        while batch := _receive(stream):
            now, pushes = batch
            answer = _Answer()
            _store(database, vault, now, list(enumerate(pushes)), answer, time.monotonic() + APART_SECONDS)
            stream.write(_frame(answer))
            stream.flush()


def _store(
    database: Database,
    vault: Vault,
    now: datetime,
    pushes: Sequence[tuple[int, Sequence[Notice]]],
    answer: _Answer,
    deadline: float,
) -> None:
    """Commits all pushes, or, when they fail together, each half for itself down to the single ones at fault."""
    try:
        with database.write() as connection:
            lanes = inbox.store(connection, vault, [notice for _, notices in pushes for notice in notices], now)
    except Exception as error:  # noqa: BLE001  # handed to the requests, which refuse their pushes
        if len(pushes) > 1 and time.monotonic() < deadline:
            half = len(pushes) // 2
            for part in (pushes[:half], pushes[half:]):
                _store(database, vault, now, part, answer, deadline)
        else:
            answer.refused |= {number: (type(error).__name__, logs.where(error)) for number, _ in pushes}
    else:
        answer.lanes |= lanes


def _frame(message: object) -> bytes:
    content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(content)) + content


def _receive(stream: BinaryIO) -> Any:
    """The next message; None when the server is gone."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    content = stream.read(length)
    return pickle.loads(content) if len(content) == length else None  # noqa: S301  # from our own server
