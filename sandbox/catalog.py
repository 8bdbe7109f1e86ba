"""The goods every shop starts with: twelve items of one to three SKUs, equal merchant codes on all channels.

Traps on purpose: one merchant code on two SKUs, one empty code, ids above 2^53, one item off the shelf.
"""

from random import Random

from .model import Item, Price, Sku, StockSet
from .profile import Profile

_TITLES = (
    "纯棉短袖T恤",
    "高腰直筒牛仔裤",
    "轻薄羽绒服",
    "运动跑步鞋",
    "不锈钢保温杯",
    "加厚纸巾整箱",
    "儿童积木套装",
    "无线蓝牙耳机",
    "玉米杂粮礼盒",
    "四件套床品",
    "桌面收纳盒",
    "猫咪逗玩棒😺",
)
_COLOURS = ("红色", "蓝色", "黑色")
BEYOND_DOUBLE = 9_100_000_000_000_000_001
"""Ids above 2^53: a client that reads them as doubles gets a neighbour's id."""


def starting_items(profile: Profile, shop_number: int, at: float, seed: int, stock: tuple[int, int]) -> dict[str, Item]:
    """Twelve items. Codes, titles, prices and numbers of SKUs depend on the seed only: they agree across channels."""
    goods = Random(f"{seed}:goods")
    numbers = Random(f"{seed}:{profile.channel}:{shop_number}:stock")
    items: dict[str, Item] = {}
    code_number = 0
    for index, title in enumerate(_TITLES):
        item_id = _item_id(profile, shop_number, index)
        item = Item(item_id, f"ITEM-{index + 1:04d}", title, at - 86_400 * (30 - index), at, {})
        base = goods.randrange(990, 29_900, 100)
        count = goods.choice((1, 2, 3)) if index else 2
        plain = count == 1 and profile.skuless_items
        for variant in range(count):
            code_number += 1
            code = _code(index, variant, code_number)
            price = Price(base + 500 * variant, base + 1000 + 500 * variant, base + 4000 + 500 * variant)
            quantity = numbers.randint(*stock)
            sku_id = item_id if plain else str(_sku_id(profile, shop_number, index, variant))
            spec = () if plain else (("颜色", _COLOURS[variant]), ("尺码", "XL"))
            item.code = code if plain else item.code
            item.skus[sku_id] = Sku(sku_id, item_id, code, spec, price, quantity, StockSet(quantity, at, "initial"))
        item.on_shelf = index != 10
        items[item_id] = item
    return items


def _code(index: int, variant: int, number: int) -> str:
    """`SKU-0001` counted up; item 3's first SKU repeats the first code of the shop, item 5's first has none."""
    if variant == 0 and index in (3, 5):
        return "SKU-0001" if index == 3 else ""
    return f"SKU-{number:04d}"


def _item_id(profile: Profile, shop_number: int, index: int) -> str:
    base = BEYOND_DOUBLE if _is_beyond(profile, index) else profile.item_base
    return str(base + shop_number * 100_000 + index * 100)


def _sku_id(profile: Profile, shop_number: int, index: int, variant: int) -> int:
    beyond = _is_beyond(profile, index)
    base = BEYOND_DOUBLE if beyond else profile.sku_base
    return base + shop_number * 100_000 + index * 100 + variant + (50 if beyond else 0)


def _is_beyond(profile: Profile, index: int) -> bool:
    return index == 7 and profile.long_ids
