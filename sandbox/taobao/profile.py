"""Taobao and Tmall as the world knows them."""

from random import Random

from ..model import App
from ..profile import Profile, counted, long_id


def _token(dice: Random, shop_id: str = "") -> str:
    """49 characters that start with 6 and end with the seller's id."""
    digits = f"{dice.getrandbits(172):043x}"
    return f"6200{digits[:12]}ZZ{digits[12:]}{shop_id}"


def _line_id(order_id: str, n: int, count: int) -> str:
    """An only line has the order's id, one of several never has."""
    return str(int(order_id) + n + (count > 1))


PROFILE = Profile(
    app=App("taobao", "23000001", "a1b2c3d4e5f60718293a4b5c6d7e8f90"),
    token_methods=frozenset({"taobao.top.auth.token.create", "taobao.top.auth.token.refresh"}),
    first_shop=2_200_112_233,
    shop_name="示例淘宝店",
    item_base=610_000_000_001,
    sku_base=5_100_000_000_001,
    order_id=long_id(2_150_000_000_000_000_001),
    line_id=_line_id,
    refund_id=counted(160_000_000_000_000_000),
    token_life=7_776_000,
    refresh_life=7_776_000,
    token=_token,
    code=_token,
    code_life=lambda settings: settings.taobao_code_life,
    shop_kinds=lambda settings: settings.taobao_shop_kinds,
    first_message=1_150_000_000_000_000_000,
    push_retry=(300,),
    push_keep=86_400,
    skuless_items=True,
    on_delivery=True,
    review_is_state=True,
)
