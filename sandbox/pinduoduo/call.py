"""One checked call on its way to a handler, and the table row that describes an API."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..model import Order, Shop
from ..settings import RateLimit
from ..world import Refused, World
from . import errors
from .params import Params

LIFE_OF_ORDER_QUERIES = 90 * 86_400


@dataclass(frozen=True, slots=True)
class Call:
    """A call that passed the gateway. `shop_or_none` is None for APIs without token."""

    world: World
    params: Params
    shop_or_none: Shop | None
    grantable: tuple[str, ...] = ()
    """The APIs a token may be used for."""

    @property
    def shop(self) -> Shop:
        """The token's shop."""
        if self.shop_or_none is None:
            raise errors.plain(20032)
        return self.shop_or_none

    def order(self, order_sn: str) -> Order:
        """The shop's order as queries see it; 45001 when foreign, older than 90 days or not indexed yet."""
        world = self.world
        order = world.book(self.shop).orders.get(order_sn)
        if order is None or order.created < world.now() - LIFE_OF_ORDER_QUERIES:
            raise errors.order_not_found()
        lag = world.faults.lag("pinduoduo", self.shop.shop_id)
        if lag and (order.confirmed or order.created) > world.now() - lag:
            raise errors.order_not_found()
        return order


Handler = Callable[[Call], dict[str, Any]]
_TEXTS: Mapping[str, str] = {
    "already_shipped": "订单已发货，请勿重复发货",
    "wrong_state": "当前状态不允许此操作",
    "held": "订单风控审核中，暂不能发货",
    "refund_open": "订单售后处理中，不能发货",
    "bad_quantity": "库存数量不能小于0",
    "promoted": "商品正在参加活动，库存不能减少",
    "bad_price": "价格不合法",
    "deleted": "商品已删除",
    "in_review": "商品审核未通过",
    "unknown_item": "商品不存在或不属于当前店铺",
    "unknown_sku": "sku不存在",
}


def as_business(refused: Refused) -> errors.PddError:
    """What the platform says when the world refuses."""
    if refused.reason == "unknown_order":
        return errors.order_not_found()
    return errors.business(_TEXTS.get(refused.reason, "业务处理失败"))


@dataclass(frozen=True, slots=True)
class Api:
    """`root` None = the answer has no root object. `listing` = pages of orders."""

    root: str | None
    handler: Handler
    token: bool = True
    limits: RateLimit = field(default_factory=RateLimit)
    listing: bool = False
