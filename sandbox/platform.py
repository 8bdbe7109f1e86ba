"""What a simulated platform is to the sandbox: the class each platform's folder derives its own from.

Requests come in by `handle`; pushes leave as callbacks (`callbacks.py`), over a WebSocket, or by a task of the
platform's own. Which platforms there are is in `platforms.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Coroutine, Sequence
from typing import Any, ClassVar, Protocol

from .callbacks import Callbacks, deliver
from .gateway import Request, Response
from .profile import Profile
from .world import World


class Broken(Exception):
    """What came over a WebSocket is not the platform's protocol: the connection is closed."""


class NoDatabase(Exception):
    """The database for the pushes cannot be used; the text is for people and does not show the URL."""


class Connection(Protocol):
    """One WebSocket without I/O. Called under the world's lock; `on_frame` may raise Broken."""

    def on_frame(self, frame: str | bytes, /) -> Sequence[str | bytes]:
        """Frames to answer with."""

    def to_send(self) -> Sequence[str | bytes]:
        """Frames that are due now."""

    def next_at(self) -> float | None:
        """When the next one is due; None when nothing waits."""


class Platform(ABC):
    """One platform on a world. Made once per sandbox; calls come one at a time, under the world's lock."""

    profile: ClassVar[Profile]
    socket_path: ClassVar[str] = ""
    """Where its WebSocket is, as Starlette spells routes; empty = it has none."""
    callbacks: Callbacks | None = None
    """Where it pushes by HTTP."""

    def __init__(self, world: World) -> None:
        self.world = world

    @abstractmethod
    def matches(self, path: str) -> bool:
        """Whether the path is this platform's, known method or not. No two platforms may answer one path."""

    @abstractmethod
    def handle(self, request: Request) -> Response:
        """Answers one HTTP request. Raises gateway.NoAnswer when a fault says that no answer comes."""

    def admits(self, path: str) -> bool:
        """Whether a WebSocket may be opened at the path."""
        return True

    def connect(self) -> Connection:
        """A new WebSocket's state."""
        raise NotImplementedError(f"{self.profile.channel} has no WebSocket")

    def open_pushes(self, url: str) -> None:
        """Pushes go into a table of the database from now on. Raises NoDatabase."""
        raise NoDatabase(f"{self.profile.channel} writes its pushes into no database")

    def background(self) -> Coroutine[Any, Any, None] | None:
        """What runs while the sandbox is served, until it is cancelled."""
        return None if self.callbacks is None else deliver(self.world, self.callbacks)
