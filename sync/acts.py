"""What everything that is done to an order has in common: one at a time, the order read just before, and patience with
a channel that does not know its own order yet.
"""

from collections.abc import Callable
from datetime import timedelta

from core.channel import Connector, Fetched
from core.db import feed, intents, lanes
from core.db.intents import Intent
from core.db.lanes import Claim
from core.errors import ChannelError, NotFound, NotYet
from core.model import Order
from sync import deliver, ledger
from sync.conflicts import alone
from sync.runtime import Runtime

BATCH = 20


def drain(
    runtime: Runtime,
    connector: Connector,
    claim: Claim,
    step: Callable[[Runtime, Connector, Claim, Intent], None],
) -> bool:
    """Works on one batch of the lane's intents, each alone, or what of it there is time for. True when there may be
    more.
    """
    deadline = runtime.monotonic() + runtime.settings.drain_seconds
    with runtime.database.read() as connection:
        due = intents.due(connection, claim.lane.shop_id, [claim.lane.kind.value], runtime.clock.now(), BATCH)
    for item in due:
        step(runtime, connector, claim, item)
        if runtime.monotonic() >= deadline:
            break
    return bool(due)


def read(runtime: Runtime, connector: Connector, claim: Claim, item: Intent) -> Fetched[Order] | None:
    """The order as the channel shows it now. None when it cannot be read: nothing is sent, what was sent before stays
    unsettled. Raises what concerns the whole lane.
    """
    try:
        return connector.order(item.object_id)
    except ChannelError as unreadable:
        error = patiently(runtime, connector, item, unreadable)
    if deliver.for_the_lane(error) is not None:
        raise error
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, lease(runtime))
        alone(connection, item.shop_id)
        feed.append(connection, ledger.write(connection, [ledger.postponed(item, error, now)], now))
    return None


def patiently(runtime: Runtime, connector: Connector, item: Intent, error: ChannelError) -> ChannelError:
    """An order is here before anything can be done to it, so a channel that does not find it is behind, for a while."""
    if isinstance(error, NotFound) and runtime.clock.now() - item.created_at < connector.channel.notice_patience:
        return error.renamed(NotYet)
    return error


def lease(runtime: Runtime) -> timedelta:
    """How long a lane is held without another proof."""
    return timedelta(seconds=runtime.settings.lease_seconds)
