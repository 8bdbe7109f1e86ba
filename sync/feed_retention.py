"""The feed does not grow for ever: what is older than its time goes, and what was superseded goes before."""

import time
from datetime import timedelta

import structlog

from core.db import consumers, feed_end
from sync.runtime import Runtime

log = structlog.get_logger("qudao.feed")

EXPIRED_AT_ONCE, COMPACTED_AT_ONCE = 2000, 500
"""How many events one transaction looks at, so that no writer waits long for it."""
SHORTEN_SECONDS = 3
"""How long a beat may be busy with it; the rest is for the next hour."""


def shorten(runtime: Runtime) -> None:
    """Forgets events older than `feed_keep_days`, whoever has not read them, then thins out those older than
    `feed_compact_days` that every consumer has acknowledged.
    """
    enough = time.monotonic() + SHORTEN_SECONDS
    gone = 0
    while time.monotonic() < enough and (expired := _expire(runtime)):
        gone += expired
    while time.monotonic() < enough:
        seen, superseded = _compact(runtime)
        gone += superseded
        if not seen:
            break
    if gone:
        log.info("feed shortened", events=gone)


def _expire(runtime: Runtime) -> int:
    kept = runtime.settings.feed_keep_days
    if not kept:
        return 0
    with runtime.database.write() as connection:
        return feed_end.expire(connection, runtime.clock.now() - timedelta(days=kept), EXPIRED_AT_ONCE)


def _compact(runtime: Runtime) -> tuple[int, int]:
    whole = runtime.settings.feed_compact_days
    if not whole:
        return 0, 0
    with runtime.database.write() as connection:
        read_by_all = consumers.slowest(connection)
        older_than = runtime.clock.now() - timedelta(days=whole)
        return feed_end.compact(connection, older_than, read_by_all, COMPACTED_AT_ONCE)
