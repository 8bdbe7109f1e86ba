"""What the platforms push: frames of the sandbox's sessions into ours, callback bodies into the reader, polled sources.

The bytes are real, the sockets are not. A connection lives in its process's memory: it is lost with it, and breaks now
and then by itself.
"""

from dataclasses import dataclass

from pydantic import SecretStr

from connectors import CHANNELS
from core.db import shops
from core.db.lanes import Claim, LaneLost
from core.errors import ChannelError
from core.notices import Session, Source
from sandbox.platform import Connection
from sync import listen
from sync.runtime import Runtime
from tests.simulation.boundaries import STEP
from tests.simulation.day import Day

EVERY = 4.0


@dataclass
class _Link:
    ours: Session
    theirs: Connection


class Listening:
    """The listener process, and the web process as far as it takes callbacks."""

    def __init__(self, day: Day) -> None:
        self._day = day
        self._callbacks = {
            code: platform.callbacks
            for code, platform in day.sandbox.platforms.items()
            if code in day.channels and platform.callbacks is not None
        }
        for code, callbacks in self._callbacks.items():
            callbacks.set_url(f"http://127.0.0.1/hooks/{code}")

    def act(self) -> float:
        """The listener looks at its connections and sources."""
        if self._day.listen.idle:
            self._day.start(self._day.listen, "listen", self._listen)
        if self._day.push_table is not None:
            self._day.push_table.write_due()
        return self._day.dice.uniform(0.2, 2) * EVERY

    def call_back(self) -> float:
        """Platforms deliver to the web process what is due."""
        if self._callbacks and self._day.web.idle:
            self._day.start(self._day.web, "callbacks", self._take_callbacks)
        return self._day.dice.uniform(0.2, 2) * EVERY

    def _listen(self, runtime: Runtime) -> None:
        memory = self._day.listen.memory
        for channel in self._day.channels:
            adapter = CHANNELS[channel]
            broken = self._day.fates.on and self._day.dice.random() < 0.03
            try:
                if broken:
                    memory.pop(channel, None)
                if adapter.session is not None and self._day.dice.random() < 0.9:
                    self._exchange(runtime, channel)
                if adapter.source is not None and self._day.dice.random() < 0.3:
                    self._fetch(runtime, channel)
            except (ChannelError, LaneLost):
                memory.pop(channel, None)
                memory.pop(f"claim:{channel}", None)

    def _exchange(self, runtime: Runtime, channel: str) -> None:
        held = self._day.listen.memory.get(channel)
        if not isinstance(held, _Link):
            held = self._connected(runtime, channel)
            self._day.listen.memory[channel] = held
        for frame in held.ours.tick():
            self._to_them(held, frame)
        for frame in held.theirs.to_send():
            self._to_us(runtime, held, frame)

    def _connected(self, runtime: Runtime, channel: str) -> _Link:
        make, app = CHANNELS[channel].session, self._day.world.apps[channel]
        assert make is not None
        ours = make(app.key, SecretStr(app.secret), "ws://sandbox", runtime.clock)
        made = _Link(ours, self._day.sandbox.platforms[channel].connect())
        for frame in ours.on_open():
            self._to_them(made, frame)
        return made

    def _to_them(self, held: _Link, frame: str | bytes) -> None:
        for answer in held.theirs.on_frame(frame):
            for reply in held.ours.on_frame(answer).reply:
                held.theirs.on_frame(reply)

    def _to_us(self, runtime: Runtime, held: _Link, frame: str | bytes) -> None:
        received = held.ours.on_frame(frame)
        self._day.boundaries.cross(STEP)
        if received.notices:
            listen._store(runtime, received.notices)
        self._day.boundaries.cross(STEP)
        for ack in (*received.reply, *received.acks):
            held.theirs.on_frame(ack)

    def _fetch(self, runtime: Runtime, channel: str) -> None:
        app = self._day.world.apps[channel]
        named = listen._App(channel, app.key)
        memory = self._day.listen.memory
        claim = memory.get(f"claim:{channel}") or listen._take(runtime, named)
        if not isinstance(claim, Claim):
            return
        memory[f"claim:{channel}"] = claim
        source = memory.get(f"source:{channel}")
        if source is None:
            source = listen._source(runtime, named, SecretStr(app.secret))
            memory[f"source:{channel}"] = source
        polled: Source | None = source  # type: ignore[assignment]  # the memory holds objects of all kinds
        if polled is not None:
            self._day.boundaries.cross(STEP)
            listen._fetch(runtime, named, polled, claim)

    def _take_callbacks(self, runtime: Runtime) -> None:
        for code, callbacks in self._callbacks.items():
            make = CHANNELS[code].reader
            assert make is not None
            with runtime.database.read() as connection:
                reader = make(shops.app_secrets(connection, runtime.vault, code))
            while (batch := callbacks.take()) is not None:
                status: int | None = None
                body = b""
                try:
                    inbound = reader.read(batch.headers, batch.body)
                    self._day.boundaries.cross(STEP)
                    listen._store(runtime, inbound.notices)
                    self._day.boundaries.cross(STEP)
                    status, body = inbound.ack.status, inbound.ack.body
                finally:  # an answer that never came is an outcome, too
                    callbacks.settle(batch, status, body)
