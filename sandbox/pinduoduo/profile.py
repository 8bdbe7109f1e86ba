"""Pinduoduo as the world knows it."""

from datetime import datetime, timedelta, timezone
from random import Random

from ..model import App
from ..profile import Profile, counted, line_of_order

_SHANGHAI = timezone(timedelta(hours=8))


def _order_id(number: int, dice: Random, at: float) -> str:
    """`YYMMDD-` and 15 digits."""
    digits = number * 1_000_003 % 10**9
    return f"{datetime.fromtimestamp(at, _SHANGHAI):%y%m%d}-{dice.randrange(10**6):06d}{digits:09d}"


PROFILE = Profile(
    app=App("pinduoduo", "0d6f3c1a9b7e4f52a8c0e1d2b3a49586", "5e1f0c7b2a9d48638f7e6d5c4b3a2918f0e1d2c3"),
    token_methods=frozenset({"pdd.pop.auth.token.create", "pdd.pop.auth.token.refresh"}),
    first_shop=100_200_300,
    shop_name="示例服饰店",
    item_base=700_100_200_300,
    sku_base=900_100_200_301,
    order_id=_order_id,
    line_id=line_of_order,
    refund_id=counted(987_000_000_000),
    token_life=86_400,
    refresh_life=2_592_000,
    world_dice=True,
    first_message=4_500_000_000_000_000_000,
    two_lines=frozenset(),
    reviews_prices=True,
)
