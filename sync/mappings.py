"""Which of the ERP's SKUs a listing SKU is, and the numbers that follow from it.

Everything here runs inside the caller's transaction, which appends the events last; the caller rings the lanes after
it.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator
from sqlalchemy import Connection

from core.db import catalog, intents, mappings
from core.db.catalog import Target
from core.db.lanes import Kind, Lane
from core.db.mappings import MANUAL, Mapped
from core.model import Canonical, SkuKey
from core.stock import Part, made_of, published
from sync.push import stock_plan, stock_wish
from sync.wishes import ItemResult, Name, Plan, Queued, channels, no, queue

MOST_COMPONENTS = 50


class ComponentItem(Canonical):
    """So many of a SKU are in one piece of a bundle."""

    sku: Name
    quantity: Annotated[int, Field(strict=True, ge=1, le=99_999)]


class MappingItem(Canonical):
    """Which SKU a listing SKU is, or of which `components` it is made. With neither it must not be mapped, whatever its
    code.
    """

    shop: Name
    listing_id: Name
    sku_id: Name
    sku: Name | None = None
    components: Annotated[tuple[ComponentItem, ...], Field(min_length=1, max_length=MOST_COMPONENTS)] | None = None

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        if self.sku is not None and self.components is not None:
            raise ValueError("give either sku or components")
        skus = [part.sku for part in self.components or ()]
        if len(set(skus)) < len(skus):
            raise ValueError("a component is named twice; add its quantities up")
        return self

    @property
    def target(self) -> Target:
        return Target(self.shop, SkuKey(listing_id=self.listing_id, sku_id=self.sku_id))

    @property
    def mapped(self) -> Mapped:
        """What it says. A bundle of one piece of one SKU is that SKU."""
        if self.components is not None:
            return Mapped(MANUAL, made_of(Part(part.sku, part.quantity) for part in self.components))
        return Mapped(MANUAL, (Part(self.sku),) if self.sku is not None else ())


def set_mappings(connection: Connection, wanted: Sequence[MappingItem], now: datetime, *, by: str) -> Queued:
    """Refuses `unknown_shop` and `unknown_listing_sku`. Of a listing SKU named twice, the last word counts.

    What is mapped to something else gets the number of that at once; without one nothing is published, and a number
    that is still on its way is taken back.
    """
    catalog.numbers_locked(connection)
    shops = channels(connection, (item.shop for item in wanted))
    known = catalog.find(connection, [item.target for item in wanted if item.shop in shops])
    final = {item.target: item.mapped for item in wanted if item.target in known}
    moved = {target for target, after in final.items() if known[target].parts != after.parts}
    events = mappings.write(connection, final, by, now)
    numbers = catalog.numbers(connection, {part.sku for after in final.values() for part in after.parts})
    _withdraw(connection, {target: final[target].parts for target in moved}, numbers, now)

    def plan(item: MappingItem) -> Plan:
        if item.shop not in shops:
            return no("unknown_shop", f"there is no shop {item.shop}")
        if item.target not in final:
            named = f"listing {item.listing_id} with SKU {item.sku_id}"
            return no("unknown_listing_sku", f"the shop {item.shop} has no {named}")
        if item.target not in moved:
            return Plan(refused=ItemResult("unchanged"))
        parts = final[item.target].parts
        return stock_plan({item.target: parts}, numbers) if parts else Plan()

    queued = queue(connection, wanted, plan, now)
    queued.events += events.values()
    return queued


def _withdraw(
    connection: Connection, moved: Mapping[Target, tuple[Part, ...]], numbers: Mapping[str, int], now: datetime
) -> None:
    for shop_id in {target.shop_id for target in moved}:
        stale = [
            f"{target.key.listing_id}/{target.key.sku_id}"
            for target, parts in moved.items()
            if target.shop_id == shop_id and published(parts, numbers) is None
        ]
        intents.withdraw_stock(connection, shop_id, stale, now)


def publish(connection: Connection, shop_id: str, targets: Collection[Target], now: datetime) -> set[Lane]:
    """Wishes the number that follows from the ERP's known ones for listing SKUs of a shop, where there is one. Answers
    the lanes to ring.
    """
    catalog.numbers_locked(connection)
    held = {target: mapped.parts for target, mapped in mappings.current(connection, targets).items()}
    numbers = catalog.numbers(connection, {part.sku for parts in held.values() for part in parts})
    found = {target: published(parts, numbers) for target, parts in held.items()}
    wishes = [stock_wish(target, number) for target, number in found.items() if number is not None]
    intents.want(connection, wishes, now)
    return {Lane(shop_id, Kind.STOCK)} if wishes else set()
