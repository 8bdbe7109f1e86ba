"""What an operator wishes at the command line, as the ERP does over the API, and remembered like it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy import Connection

from core.db import commands, feed
from core.errors import ConfigurationError
from core.model import Canonical
from sync import address
from sync.address import AnswerItem
from sync.runtime import Runtime
from sync.shelf import ShelfItem, set_shelves
from sync.shipments import ShipmentItem
from sync.shipments import ship as push_shipments
from sync.wishes import ItemResult, Queued

OPERATOR = "operator"
"""The caller of what was asked for at the command line."""

M = TypeVar("M", bound=Canonical)
Push = Callable[..., Queued]


def ship(
    runtime: Runtime,
    shop: str,
    order_id: str,
    parcels: Sequence[dict[str, Any]],
    *,
    refuse_refund: bool = False,
    dry_run: bool = False,
) -> ItemResult:
    """Declares an order's parcels. Raises ConfigurationError for what is no parcel."""
    named = {"shop": shop, "order_id": order_id, "parcels": tuple(parcels), "refuse_refund": refuse_refund}
    return wish(runtime, "shipments", push_shipments, [_item(ShipmentItem, named)], dry_run=dry_run)


def set_shelf(runtime: Runtime, shop: str, listing_id: str, *, on: bool, dry_run: bool = False) -> ItemResult:
    """Puts a listing on sale or takes it off."""
    item = _item(ShelfItem, {"shop": shop, "listing_id": listing_id, "on": on})
    return wish(runtime, "shelf", set_shelves, [item], dry_run=dry_run)


def answer_address(
    runtime: Runtime, shop: str, order_id: str, *, approve: bool, refusal: str = "", dry_run: bool = False
) -> ItemResult:
    """Answers a buyer who asks for another address. Raises ConfigurationError for an unknown reason to refuse."""
    named = {"shop": shop, "order_id": order_id, "approve": approve, "refusal": refusal or None}
    return wish(runtime, "address", address.answer, [_item(AnswerItem, named)], dry_run=dry_run)


def wish(runtime: Runtime, kind: str, push: Push, wanted: Sequence[Any], *, dry_run: bool = False) -> ItemResult:
    """Wishes one thing. A dry run answers as the real one would."""
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        trial = connection.begin_nested() if dry_run else None
        queued = push(connection, wanted, now)
        if trial is not None:
            trial.rollback()
            return queued.items[0]
        _remember(connection, kind, queued, now)
        feed.append(connection, queued.events)
    runtime.bells.ring(queued.lanes)
    if queued.events:
        runtime.bells.announce_feed()
    return queued.items[0]


def _remember(connection: Connection, kind: str, queued: Queued, now: datetime) -> None:
    """Keeps who asked, as for an ERP's command."""
    if any(item.state != "refused" for item in queued.items):
        commands.remember(
            connection,
            caller=OPERATOR,
            kind=kind,
            states=[item.state for item in queued.items],
            intents=[item.intents for item in queued.items],
            now=now,
        )


def _item(model: type[M], named: dict[str, Any]) -> M:
    try:
        return model.model_validate(named)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        told = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in found)
        raise ConfigurationError("; ".join(told)) from None
