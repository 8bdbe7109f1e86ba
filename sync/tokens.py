"""Tokens are refreshed by one worker at a time; a shop whose seller must authorise again is paused, once and aloud."""

import json
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from core.channel import Capability, Connector, Credentials, Transport
from core.db import feed, shops
from core.db.shops import ShopRow
from core.errors import Denied, NotYet, Reauthorize
from sync.runtime import Runtime

R = TypeVar("R")

log = structlog.get_logger("qudao.tokens")

EARLY = timedelta(minutes=10)
"""A token with less than this left is refreshed before it dies. Within Douyin's last hour, in which a refresh gives a
new one.
"""
LEASE = timedelta(minutes=1)
"""Longer than a refresh may take with all its tries, since a second one beside it would meet a token that just died."""
POLL_SECONDS = 0.1
PATIENCE_SECONDS = 15.0
"""How long a worker waits for another one's refresh before it puts its lane to sleep."""


def ask(runtime: Runtime, row: ShopRow, read: Callable[[Connector], R], way: Transport | None = None) -> R:
    """What a session of the shop answers. A dead token is refreshed once, and the reading begins again."""
    connector, version = runtime.connector(row, way)
    try:
        return read(connector)
    except Reauthorize:
        refresh(runtime, row, version)
        return read(runtime.connector(row, way)[0])


def refresh(runtime: Runtime, row: ShopRow, version: int) -> None:
    """Replaces the tokens that were read at `version`, unless another worker already has.

    Raises Reauthorize or Denied after pausing the shop, NotYet while another worker is at it for too long.
    """
    owner = secrets.token_hex(8)
    deadline = runtime.monotonic() + PATIENCE_SECONDS
    while not _lease(runtime, row.id, owner, version):
        with runtime.database.read() as connection:
            if shops.token_version(connection, row.id) != version:
                return
        if runtime.monotonic() > deadline:
            raise NotYet("another worker is refreshing the token", shop=row.id, retry_after=5)
        runtime.sleep(POLL_SECONDS)
    try:
        fresh = _fresh(runtime, row)
        with runtime.database.write() as connection:
            if not shops.store_tokens(connection, runtime.vault, row.id, fresh, instead_of=version):
                log.warning("newer tokens are there already", shop=row.id)
                return
        log.info("token refreshed", shop=row.id)
    except (Reauthorize, Denied) as error:
        with runtime.database.read() as connection:
            if shops.token_version(connection, row.id) != version:
                return  # what was refused is not what the shop has now
        pause(runtime, row.id, f"the seller must authorise the app again: {error}")
        raise
    finally:
        with runtime.database.write() as connection:
            shops.release_refresh(connection, row.id, owner)


def _fresh(runtime: Runtime, row: ShopRow) -> Credentials:
    connector, _ = runtime.connector(row)
    if not connector.channel.supports(Capability.REFRESH):
        raise Reauthorize("this channel's tokens cannot be refreshed", channel=row.channel, shop=row.id)
    return connector.refresh()


def _lease(runtime: Runtime, shop: str, owner: str, version: int) -> bool:
    with runtime.database.write() as connection:
        return shops.lease_refresh(connection, shop, owner, version, runtime.clock.now(), LEASE)


def near_its_end(expires_at: datetime | None, now: datetime) -> bool:
    """Whether to refresh before the channel refuses. A token whose end is not known is used until it is refused."""
    return expires_at is not None and expires_at - now < EARLY


def pause(runtime: Runtime, shop: str, reason: str) -> None:
    """Stops all work of a shop; the first one to say so tells the feed."""
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        if revision := shops.pause(connection, shop, reason):
            feed.append(connection, [state_event(shop, "paused", reason, revision, now)])
            log.warning("shop paused", shop=shop, reason=reason)
    runtime.bells.announce_feed()


def state_event(shop: str, state: str, reason: str, revision: int, now: datetime) -> feed.Event:
    """`shop.paused` or `shop.resumed`."""
    data = json.dumps({"shop": shop, "state": state, "reason": reason}, ensure_ascii=False)
    return feed.Event(f"shop.{state}", shop, shop, revision, now, data)
