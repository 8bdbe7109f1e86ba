"""Who an order goes to, in plain text: asked of the channel for a stated purpose, written into the audit log first,
handed on once and kept nowhere.
"""

from connectors import CHANNELS
from core.access import KeyScope
from core.channel import Capability, Purpose, Recipient, Window
from core.db import audit, items, shops
from core.db.shops import ShopRow
from core.errors import NotFound, Unsupported
from sync import tokens
from sync.runtime import Runtime


def reveal(runtime: Runtime, shop_id: str, order_id: str, purpose: Purpose, *, by: str, reason: str) -> Recipient:
    """The receiver of an order. `by` is the key that asks, or `audit.CLI`.

    Raises ConfigurationError for an unknown shop, NotFound for an order that is not here, Unsupported, and what the
    channel says: Throttled when its quota is used up, Rejected when it does not open this order's receiver.
    """
    with runtime.database.read() as connection:
        shops.get(connection, shop_id)
        stored = items.find(connection, "order", shop_id, order_id)
    if stored is None:
        raise NotFound(f"the shop {shop_id} has no order {order_id} here yet")
    row = _supporting(runtime, shop_id, Capability.REVEAL)
    _write_down(runtime, KeyScope.RECEIVERS_REVEAL, by, shop_id, order_id, purpose.value, reason)
    return tokens.ask(runtime, row, lambda each: each.reveal(items.order(stored), purpose, by))


def search(
    runtime: Runtime, shop_id: str, window: Window, *, name: str = "", phone: str = "", by: str, reason: str
) -> list[str]:
    """The orders, created in the window, that go to a receiver of exactly this name or phone. What was searched for is
    written nowhere. Raises as `reveal`.
    """
    row = _supporting(runtime, shop_id, Capability.FIND_ORDERS)
    _write_down(runtime, KeyScope.RECEIVERS_SEARCH, by, shop_id, "", "", reason)
    return tokens.ask(runtime, row, lambda each: each.find_orders(window, name=name, phone=phone))


def _supporting(runtime: Runtime, shop_id: str, capability: Capability) -> ShopRow:
    with runtime.database.read() as connection:
        row = shops.get(connection, shop_id)
    channel = CHANNELS[row.channel].channel
    if not channel.supports(capability):
        raise Unsupported(channel.notes.get(capability, ""), channel=row.channel, shop=shop_id)
    return row


def _write_down(
    runtime: Runtime, scope: KeyScope, by: str, shop_id: str, order_id: str, purpose: str, reason: str
) -> None:
    """Committed before the channel is asked: what could not be written down is not done."""
    with runtime.database.write() as connection:
        audit.write(
            connection,
            at=runtime.clock.now(),
            key=by,
            action=scope.value,
            shop_id=shop_id,
            object_id=order_id,
            purpose=purpose,
            reason=reason,
        )
