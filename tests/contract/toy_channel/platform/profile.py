"""The toy as the world knows it."""

from sandbox.model import App
from sandbox.profile import Profile, counted, line_after_order, long_id

PROFILE = Profile(
    app=App("toy", "toy-app", "7f0e1d2c3b4a59687f0e1d2c3b4a5968"),
    first_shop=5001,
    shop_name="示例玩具店",
    item_base=51_000_000_001,
    sku_base=52_000_000_001,
    order_id=long_id(5_500_000_000_000_000_001),
    line_id=line_after_order,
    refund_id=counted(53_000_000_000),
    token_life=86_400,
    refresh_life=864_000,
    review_is_state=True,
)
