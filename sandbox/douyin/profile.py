"""Douyin as the world knows it."""

from random import Random

from ..model import App
from ..profile import Profile, counted, hex_token, line_after_order, long_id


def _token(dice: Random, _: str) -> str:
    """A UUID."""
    digits = hex_token(dice)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))


PROFILE = Profile(
    app=App("douyin", "7012345678901234567", "3f2a9c1e-7b44-4d0a-9e61-5c8d2b7f1a90"),
    token_methods=frozenset({"token.create", "token.refresh"}),
    first_shop=12_345_678,
    shop_name="示例旗舰店",
    item_base=3_600_000_000_000_000_457,
    sku_base=1_760_000_000_000_000_001,
    order_id=long_id(6_920_000_000_000_000_001),
    line_id=line_after_order,
    refund_id=counted(7_010_000_000_000_000_000),
    token_life=604_800,
    refresh_life=1_209_600,
    token=_token,
    world_dice=True,
    first_message=6_930_000_000_000_000_000,
    push_retry=(10, 60, 600, 3600),
    push_repeats=False,
    review_is_state=True,
    creators_pay=True,
)
