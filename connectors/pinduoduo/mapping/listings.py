"""Pinduoduo's listings with stock and prices, and the plan of a price change. Prices are fen."""

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.pinduoduo import CHANNEL, price_rule, wire
from connectors.pinduoduo.mapping.tables import SHELF_OF
from core.channel import PriceWrite
from core.errors import Invalid, NotFound, Rejected
from core.model import Listing, ListingSku, Price
from core.status import Fact, Shelf

_ShelfFact = Fact[Shelf]


def listing(shop_id: str, goods: wire.Goods) -> Listing:
    """From the detail; prices are fen already."""
    status = goods.status or ""
    return Listing(
        shop_id=shop_id,
        id=goods.goods_id,
        title=goods.goods_name or "",
        merchant_code=goods.outer_goods_id or "",
        shelf=_ShelfFact(value=SHELF_OF.get(status, Shelf.UNKNOWN), raw=status),
        skus=tuple(_listing_sku(sku, goods.market_price) for sku in goods.sku_list),
    )


def _listing_sku(sku: wire.GoodsSku, market_price: int | None) -> ListingSku:
    return ListingSku(
        sku_id=sku.sku_id,
        merchant_code=sku.out_sku_sn or "",
        spec=",".join(spec.spec_name for spec in sku.spec or ()),
        sellable=sku.quantity,  # that orders in flight are already taken off is inferred
        held=sku.reserve_quantity,
        price=None if sku.multi_price is None else Price(sale=sku.multi_price, single=sku.price, market=market_price),
        shelf=Shelf.OFF if sku.is_onsale == "0" else Shelf.ON,
    )


@dataclass(frozen=True)
class PricePlan:
    """The listing's strike-through price, and for each wish its row of the call or why it must not be sent."""

    market: int | None
    rows: tuple[dict[str, int] | Rejected, ...]


def price_plan(goods: wire.Goods, writes: Sequence[PriceWrite]) -> PricePlan:
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
            rows.append(_price_row(sku, write, market))
    return PricePlan(market, tuple(rows))


def _price_row(sku: wire.GoodsSku, write: PriceWrite, market: int | None) -> dict[str, int] | Rejected:
    group = write.price.sale
    single = write.price.single if write.price.single is not None else sku.price
    if single is None:
        return _invalid("the listing shows no single price, so one must be named")
    if group <= 0:
        return _invalid(f"the group price {group} must be above 0")
    if broken := price_rule(Price(sale=group, single=single, market=market)):
        return _invalid(broken)
    return {
        "sku_id": int(sku.sku_id),
        "group_price": group,
        "single_price": single,
        "is_onsale": 0 if sku.is_onsale == "0" else 1,
    }


def _invalid(reason: str) -> Invalid:
    return Invalid(reason, channel=CHANNEL.code)
