"""JD as the world knows it."""

from random import Random

from ..model import App
from ..profile import Profile, line_of_order

SERVICE_IDS = 900_000_000_000
"""Service orders are numbered from here on, refund applications below."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _token(dice: Random, _: str = "") -> str:
    """32 hex digits and four letters."""
    return f"{dice.getrandbits(128):032x}" + "".join(dice.choice(_LETTERS) for _ in range(4))


def _order_id(number: int, dice: Random, _: float) -> str:
    """12 digits."""
    return str(301_000_000_000 + number * 1000 + dice.randrange(1000))


def _refund_id(number: int, whole_order: bool) -> str:
    return str(number + (40_000_000_000 if whole_order else SERVICE_IDS))


PROFILE = Profile(
    app=App("jd", "A1B2C3D4E5F60718293A4B5C6D7E8F90", "0f1e2d3c4b5a69788796a5b4c3d2e1f0"),
    first_shop=10_000_001,
    shop_name="示例京东店",
    item_base=10_001_234_567,
    sku_base=100_012_345_678,
    order_id=_order_id,
    line_id=line_of_order,
    refund_id=_refund_id,
    token_life=31_535_999,
    refresh_life=31_535_999,
    token=_token,
    code=_token,
    push_retry=(10,),
    unpaid_life=86_400,
    whole_seconds=True,
    long_ids=False,
    two_lines=frozenset({"several", "split"}),
    on_delivery=True,
    splits=True,
    refunds_orders=True,
)
"""`push_retry` is for rows that its database refused."""
