"""What a key to /v1 may do: a scope per resource, and roles that are sets of them. Which shops, the key says itself."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class KeyScope(StrEnum):
    """One thing a key may do. Those of `PRIVILEGED` are written into the audit log at every use."""

    FEED_READ = "feed:read"
    """The feed and its consumers."""
    ORDERS_READ = "orders:read"
    AFTER_SALES_READ = "after_sales:read"
    LISTINGS_READ = "listings:read"
    STOCK_READ = "stock:read"
    SHOPS_READ = "shops:read"
    COMMANDS_READ = "commands:read"
    """What became of commands."""
    STOCK_WRITE = "stock:write"
    PRICES_WRITE = "prices:write"
    SHIPMENTS_WRITE = "shipments:write"
    MEMOS_WRITE = "memos:write"
    SHELF_WRITE = "shelf:write"
    ADDRESSES_WRITE = "addresses:write"
    """Answers to buyers who ask for another address."""
    MAPPINGS_WRITE = "mappings:write"
    SUBSCRIPTIONS_WRITE = "subscriptions:write"
    """Subscriptions, their secrets and their delivery log."""
    RECEIVERS_REVEAL = "receivers:reveal"
    RECEIVERS_SEARCH = "receivers:search"
    AUDIT_READ = "audit:read"


PRIVILEGED = frozenset({KeyScope.RECEIVERS_REVEAL, KeyScope.RECEIVERS_SEARCH, KeyScope.AUDIT_READ})
"""What shows people in plain text, or who looked at them."""

_READ = frozenset(scope for scope in KeyScope if scope.endswith(":read")) - PRIVILEGED
_WRITE = frozenset(scope for scope in KeyScope if scope.endswith(":write"))

ROLES: dict[str, frozenset[KeyScope]] = {
    "erp": _READ | _WRITE,
    "viewer": _READ,
    "warehouse": _READ | {KeyScope.SHIPMENTS_WRITE, KeyScope.MEMOS_WRITE, KeyScope.RECEIVERS_REVEAL},
    "service": _READ
    | {KeyScope.MEMOS_WRITE, KeyScope.ADDRESSES_WRITE, KeyScope.RECEIVERS_REVEAL, KeyScope.RECEIVERS_SEARCH},
    "auditor": _READ | {KeyScope.AUDIT_READ},
}
"""Sets of scopes that people ask for by name."""


NO_SHOP = ("",)
"""A filter that nothing passes."""


@dataclass(frozen=True)
class Caller:
    """Who sent a request: the key's visible beginning, what it may do, and in which shops (empty: in all)."""

    id: str
    scopes: frozenset[KeyScope] = frozenset()
    shops: frozenset[str] = frozenset()
    per_minute: int = 0
    """How many requests it may send; 0: as many as it likes."""

    def within(self, asked: Collection[str]) -> Collection[str]:
        """The shops to read of those asked for, where none asked for means all: empty for all, NO_SHOP for none."""
        if not self.shops:
            return asked
        return self.shops.intersection(asked or self.shops) or NO_SHOP

    def reaches(self, shop_id: str) -> bool:
        """Whether the shop is one of the key's."""
        return not self.shops or shop_id in self.shops
