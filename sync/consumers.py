"""The named readers of the feed, for whoever runs it."""

from dataclasses import dataclass

from core.db import consumers, feed_end
from core.db.consumers import COUNTED, Consumer, Lag
from core.errors import ConfigurationError
from sync.runtime import Runtime


@dataclass(frozen=True)
class Standing:
    """A consumer and how far behind it is. `expired`: it stands before what is kept and cannot go on."""

    consumer: Consumer
    lag: Lag
    expired: bool

    @property
    def more(self) -> bool:
        """There may be more events than were counted."""
        return self.lag.events >= COUNTED


def standings(runtime: Runtime) -> list[Standing]:
    """By name."""
    with runtime.database.read() as connection:
        end = feed_end.end(connection)
        return [
            Standing(each, consumers.lag(connection, each), each.position < end.expired)
            for each in consumers.every(connection)
        ]


def forget(runtime: Runtime, name: str) -> None:
    """Drops a consumer and its place. Raises ConfigurationError when there is none of that name."""
    with runtime.database.write() as connection:
        if not consumers.remove(connection, name):
            raise ConfigurationError(f"there is no consumer {name}; `qudao feed consumers` lists them")
