"""What buyers took and gave back, and when.

A channel whose number is made of a reading and a write may miss a sale that falls between the two, by just that much.
"""

from collections import defaultdict

from sandbox.model import Event
from sandbox.world import World

BETWEEN_SECONDS = 60.0
"""Longer than from such a reading to its write, retries included."""


class Moves:
    """Listens to a world from its beginning."""

    def __init__(self, world: World) -> None:
        self._now = world.now
        self._moved: defaultdict[str, list[tuple[float, int]]] = defaultdict(list)
        self._written: dict[str, float] = {}
        world.subscribe(self._on_event)

    def around_last_write(self, sku_id: str) -> int:
        """Pieces of the SKU that moved shortly before its stock was last written."""
        at = self._written.get(sku_id, 0.0)
        return sum(pieces for moved, pieces in self._moved[sku_id] if at - BETWEEN_SECONDS <= moved <= at)

    def _on_event(self, event: Event) -> None:
        if event.kind == "stock.written" and event.sku is not None:
            self._written[event.sku.sku_id] = self._now()
        elif event.order is not None:  # any step may have moved its pieces; more tolerance than needed, for seconds
            for line in event.order.lines:
                self._moved[line.sku_id].append((self._now(), line.quantity))
