"""How Taobao counts stock: what `quantity` and `with_hold_quantity` are, and what writing them means.

A shop deducts at order (sub_stock 1) or at payment (2). At payment, pieces of unpaid orders are withheld: they are
still inside `quantity`, and no total below them is accepted. The world's `sellable` is what is left of either.
"""

from ..model import Item, Shop, Sku
from ..world import World

AT_ORDER, AT_PAYMENT = 1, 2


def is_tmall(shop: Shop) -> bool:
    """Whether the shop is a Tmall one (seller type B), else a Taobao one (C)."""
    return shop.kind == "tmall"


def sub_stock(world: World, shop: Shop) -> int:
    """1 = deducted at order, 2 = at payment: the setting, or the default of the shop's kind."""
    chosen = world.settings.taobao_sub_stock
    return chosen if chosen is not None else AT_PAYMENT if is_tmall(shop) else AT_ORDER


def withheld(world: World, shop: Shop, sku: Sku) -> int:
    """Pieces of unpaid orders that are still counted in `quantity`."""
    return sku.unpaid if sub_stock(world, shop) == AT_PAYMENT else 0


def quantity(world: World, shop: Shop, sku: Sku) -> int:
    """The stock number the platform shows."""
    return sku.sellable + withheld(world, shop, sku)


def total(world: World, shop: Shop, item: Item) -> int:
    """`num` of an item: the sum over its SKUs."""
    return sum(quantity(world, shop, sku) for sku in item.skus.values())
