"""What JD's goods side remembers besides the world: increments already applied, and what wares cost the seller."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Ledger:
    """Per shop; nothing here is shown to buyers."""

    applied: dict[tuple[str, str, str], float] = field(default_factory=dict)
    """(shop, stockRfId, sku) -> when an increment under this business number took effect."""
    costs: dict[tuple[str, str], int] = field(default_factory=dict)
    """(shop, ware) -> cost price in fen."""

    def repeats(self, shop_id: str, rf_id: str, sku_id: str, now: float, memory: float) -> bool:
        """Whether this increment is one that was applied within the last `memory` seconds."""
        at = self.applied.get((shop_id, rf_id, sku_id))
        return at is not None and now - at < memory

    def note(self, shop_id: str, rf_id: str, sku_id: str, now: float) -> None:
        """Remember an increment that took effect."""
        self.applied[shop_id, rf_id, sku_id] = now
