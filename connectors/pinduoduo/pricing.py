"""What a price call for one listing says, and which wishes break the platform's relation. Pure; prices in fen."""

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.pinduoduo import CHANNEL, wire
from core.channel import PriceWrite
from core.errors import Invalid, NotFound, Rejected


@dataclass(frozen=True)
class Plan:
    """The listing's strike-through price, and for each wish its row of the call or why it must not be sent."""

    market: int | None
    rows: tuple[dict[str, int] | Rejected, ...]


def plan(goods: wire.Goods, writes: Sequence[PriceWrite]) -> Plan:
    """What a wish leaves out is taken from the listing. Whether a SKU is on sale stays as it is."""
    markets = {write.price.market for write in writes if write.price.market is not None}
    market = max(markets, default=goods.market_price or None)
    skus = {sku.sku_id: sku for sku in goods.sku_list}
    changed = {write.key.sku_id for write in writes}
    rest = max((sku.price or 0 for sku in goods.sku_list if sku.sku_id not in changed), default=0)
    rows: list[dict[str, int] | Rejected] = []
    for write in writes:
        sku = skus.get(write.key.sku_id)
        if sku is None:
            rows.append(NotFound("the listing has no such SKU", channel=CHANNEL.code))
        elif len(markets) > 1:
            rows.append(_invalid("a listing has one market price, these differ"))
        elif write.price.market is not None and write.price.market < rest:
            rows.append(_invalid(f"market {write.price.market} is below another SKU's single price {rest}"))
        else:
            rows.append(_row(sku, write, market))
    return Plan(market, tuple(rows))


def _row(sku: wire.GoodsSku, write: PriceWrite, market: int | None) -> dict[str, int] | Rejected:
    group = write.price.sale
    single = write.price.single if write.price.single is not None else sku.price
    if single is None:
        return _invalid("the listing shows no single price, so one must be named")
    # The relation is the platform's practice (inferred); it answers a violation with a sentence only.
    if not 0 < group < single:
        return _invalid(f"group {group} must be above 0 and below single {single}")
    if market is not None and single > market:
        return _invalid(f"single {single} must not be above market {market}")
    return {
        "sku_id": int(sku.sku_id),
        "group_price": group,
        "single_price": single,
        "is_onsale": 0 if sku.is_onsale == "0" else 1,
    }


def _invalid(reason: str) -> Invalid:
    return Invalid(reason, channel=CHANNEL.code)
