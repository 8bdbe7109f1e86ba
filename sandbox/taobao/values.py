"""How the platform writes times, money and ids. Pure."""

from datetime import datetime, timedelta, timezone
from typing import Any

CHINA = timezone(timedelta(hours=8))
_FORMAT = "%Y-%m-%d %H:%M:%S"


def when(at: float) -> str:
    """`2024-03-15 10:30:00`, GMT+8, whole seconds."""
    return datetime.fromtimestamp(at, CHINA).strftime(_FORMAT)


def when_known(at: float | None) -> str | None:
    """The same; None for what did not happen."""
    return None if at is None else when(at)


def instant(text: str) -> float:
    """Epoch seconds of `2024-03-15 10:30:00`. ValueError for any other form."""
    if len(text) != 19:
        raise ValueError("not yyyy-MM-dd HH:mm:ss")
    return datetime.strptime(text, _FORMAT).replace(tzinfo=CHINA).timestamp()


def day(at: float) -> int:
    """A number of the day in China."""
    return datetime.fromtimestamp(at, CHINA).toordinal()


def yuan(fen: int) -> str:
    """`12.34`"""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def listed(element: str, rows: list[Any]) -> dict[str, list[Any]] | None:
    """A list as the platform wraps it; None, which leaves it out, for an empty one."""
    return {element: rows} if rows else None
