"""The port's inward side: what channels tell by themselves, and how it is read.

`Reader`, `Session` and `Source` are channel-wide, because a push must be verified with the app's secret before its
shop is known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pydantic import SecretStr

from core.channel import Gate, ObjectKind, Transport
from core.clock import Clock
from core.text import visible


@dataclass(frozen=True)
class Notice:
    """A push message: names a thing, is never the truth about it. `account` is the channel's id of the shop."""

    channel: str
    app_key: str
    account: str
    topic: str
    kind: ObjectKind
    object_id: str
    dedup_key: str
    """Equal for every delivery of the same message."""
    source_at: datetime | None = None
    parent_id: str = ""
    """The order of an after-sale, where the channel needs it to read the after-sale."""
    asks: str = ""
    """What somebody wants of the seller that no reading shows: `address` when the buyer asks for another one."""
    raw: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        for name in ("account", "topic", "object_id", "dedup_key", "parent_id"):
            if "\0" in (text := getattr(self, name)):
                object.__setattr__(self, name, visible(text))


@dataclass(frozen=True)
class Ack:
    """The HTTP answer that the platform wants."""

    status: int
    body: bytes
    content_type: str = "application/json"


@dataclass(frozen=True)
class Inbound:
    """A verified delivery. `ack` may be sent only after the notices are durable; `nack` tells the platform to come
    again.
    """

    notices: tuple[Notice, ...]
    ack: Ack
    nack: Ack


class Reader(Protocol):
    """Reads HTTP pushes of one channel. Made with the secrets of all its apps."""

    @property
    def nack(self) -> Ack:
        """What the platform reads as "not taken", for a delivery that `read` refuses; its HTTP status is the server's
        choice.
        """

    def read(self, headers: Mapping[str, str], body: bytes) -> Inbound:
        """Header names are lower-case. Raises BadSignature or Malformed; never looks at the content before the
        proof.
        """


@dataclass(frozen=True)
class Received:
    """What one frame of a long connection means. `reply` goes out at once, `acks` only after the notices are
    durable.
    """

    notices: tuple[Notice, ...] = ()
    acks: tuple[str | bytes, ...] = ()
    reply: tuple[str | bytes, ...] = ()


class Session(Protocol):
    """One app's long connection, without I/O. A new one is made for every connect."""

    def address(self) -> str:
        """The URL to connect to now, signed with the present time."""

    def on_open(self) -> Sequence[str | bytes]:
        """Frames to send first."""

    def on_frame(self, frame: str | bytes) -> Received:
        """Raises Malformed for a frame that is not the channel's; the connection is then worth renewing."""

    def tick(self) -> Sequence[str | bytes]:
        """Frames due now (called about once a second). Raises Unavailable when the peer has been silent for too
        long.
        """


@dataclass(frozen=True)
class AppAccess:
    """What a source works with: one app, where its channel is, and the way there."""

    app_key: str
    app_secret: SecretStr
    gateway: str
    push_database: SecretStr | None
    """SQLAlchemy URL from `QUDAO_<CODE>_PUSH_DATABASE_URL`: where the channel writes pushes into a table."""
    transport: Transport
    gate: Gate
    clock: Clock


@dataclass(frozen=True)
class Polled:
    """What one look at a source found. `cursor` is kept with the notices; `acks` go back after they are durable."""

    notices: tuple[Notice, ...] = ()
    cursor: str = ""
    acks: tuple[str, ...] = ()
    more: bool = False
    """There is more to fetch at once."""


class Source(Protocol):
    """One app's notices where the channel keeps them to be fetched: a message queue or a table."""

    @property
    def every(self) -> float:
        """Seconds between two looks while there is nothing more to fetch."""

    def poll(self, cursor: str) -> Polled:
        """What came since `cursor` (empty at first). Repeats are harmless, gaps are not. Raises `core.errors`."""

    def confirm(self, acks: Sequence[str]) -> None:
        """Tells the channel that these need not come again. Raises `core.errors`."""

    def close(self) -> None:
        """Lets go of connections."""
