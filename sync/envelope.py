"""An event as the world outside gets it: CloudEvents 1.0 as JSON, the same text in the feed and in a webhook."""

from datetime import UTC, datetime

from pydantic_core import to_json

from core.db.feed import FeedRow
from core.model import SCHEMA_VERSION

TYPE_PREFIX = "qudao."
_OUTCOMES = ("accepted", "pending", "parked")
_WISHED = (*_OUTCOMES, "adopted")
TYPES: dict[str, frozenset[str]] = {
    "order": frozenset({"created", "updated", "address_requested"}),
    "after_sale": frozenset({"created", "updated"}),
    "listing": frozenset({"created", "updated", "mapped"}),
    "stock": frozenset(_WISHED),
    "price": frozenset(_WISHED),
    "memo": frozenset(_WISHED),
    "shelf": frozenset(_WISHED),
    "shipment": frozenset(_OUTCOMES),
    "address": frozenset(_OUTCOMES),
    "conflict": frozenset({"opened", "resolved"}),
    "shop": frozenset({"paused", "resumed"}),
    "subscription": frozenset({"disabled", "test"}),
}
"""Family of events → what may follow its name. A new type is added here first: nobody could ask for it else."""
FAMILIES = frozenset(TYPES)
"""The first word of every event type."""
SCHEMAS = {
    f"{family}.{effect}": f"{name}-event"
    for family, name in {"order": "order", "after_sale": "after-sale", "listing": "listing"}.items()
    for effect in ("created", "updated")
}
"""Type of event → the published schema its data has."""


def event_text(row: FeedRow) -> str:
    """One event as CloudEvents JSON. Its data goes in as the text it was stored as."""
    envelope = {
        "specversion": "1.0",
        "id": row.id,
        "source": f"/shops/{row.shop_id}" if row.shop_id else "/",
        "type": TYPE_PREFIX + row.type,
        "subject": row.object_id,
        "time": instant_text(row.at),
        "datacontenttype": "application/json",
        "position": str(row.position),
        "revision": str(row.revision),
    }
    if schema := SCHEMAS.get(row.type):
        envelope["dataschema"] = f"urn:qudao:schema:{schema}:{SCHEMA_VERSION}"
    return f'{to_json(envelope).decode()[:-1]},"data":{row.data}}}'


def wanted_type(name: str) -> str | None:
    """An event type or a family (`order.*`) as it is stored; None when no event can have it."""
    plain = name.removeprefix(TYPE_PREFIX)
    family, _, rest = plain.partition(".")
    return plain if (rest == "*" and family in TYPES) or rest in TYPES.get(family, ()) else None


def instant_text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
