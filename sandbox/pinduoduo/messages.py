"""What Pinduoduo pushes: world events as PMC messages, the message frames, permits (dossier section 12).

The connection itself (a WebSocket) is driven by `session.py`.
"""

import json
from typing import Any

from ..model import Event
from ..world import Push, World
from . import errors, render
from .call import Call
from .refunds import detail_type

_TRADE = {
    "order.paid": "pdd_trade_TradeConfirmed",
    "order.shipped": "pdd_trade_TradeSellerShip",
    "order.received": "pdd_trade_TradeSuccess",
    "order.address_changed": "pdd_trade_TradeLogisticsAddressChanged",
    "order.held": "pdd_trade_TradeRiskChanged",
    "order.released": "pdd_trade_TradeRiskChanged",
    "order.memo_changed": "pdd_trade_TradeMemoModified",
    "order.buyer_note_changed": "pdd_trade_BuyerMemoModified",
}
_REFUND = {
    "refund.requested": ("pdd_refund_RefundCreated", 1000),
    "refund.modified": ("pdd_refund_RefundBuyerModifyAgreement", 1001),
    "refund.refunding": ("pdd_refund_RefundAgreeAgreement", 1002),
    "refund.return_agreed": ("pdd_refund_RefundAgreeAgreement", 1002),
    "refund.sending": ("pdd_refund_RefundAgreeAgreement", 1002),
    "refund.returned": ("pdd_refund_RefundBuyerReturnGoods", 1003),
    "refund.withdrawn": ("pdd_refund_RefundClosed", 1004),
    "refund.closed": ("pdd_refund_RefundClosed", 1004),
    "refund.arbitration": ("pdd_refund_RefundCreateMessage", 1005),
}
"""Topic and `operation`; only 1000 = create is supported by a logged message, the other numbers are inferred."""
_GOODS = {
    "item.changed": "pdd_goods_GoodsUpdate",
    "item.on_shelf": "pdd_goods_GoodsOnShelf",
    "item.off_shelf": "pdd_goods_GoodsOffShelf",
    "item.added": "pdd_goods_GoodsAdd",
    "item.deleted": "pdd_goods_GoodsDelete",
    "item.rejected": "pdd_goods_GoodsCheckReject",
}
TOPICS = frozenset(
    {*_TRADE.values(), *(topic for topic, _ in _REFUND.values()), *_GOODS.values(), "pdd_chat_OrderPromise"}
)
"""The topics the sandbox's app is subscribed to: all."""


class Publisher:
    """Turns events into messages of shops that were permitted for the topic."""

    def __init__(self, world: World) -> None:
        self._world = world

    def on_event(self, event: Event) -> None:
        """World subscriber."""
        shop = event.shop
        if shop.channel != "pinduoduo" or not shop.topics:
            return
        found = _message(event)
        if found is None or found[0] not in shop.topics:
            return
        topic, object_id, content = found
        self._world.outboxes["pinduoduo"].publish(shop, topic, object_id, {"mall_id": int(shop.shop_id)} | content)


def _message(event: Event) -> tuple[str, str, dict[str, Any]] | None:
    """(topic, id of the thing, content)."""
    milliseconds = int(event.at * 1000)
    if event.refund is not None:
        if event.kind not in _REFUND:
            return None
        topic, operation = _REFUND[event.kind]
        refund = event.refund
        content = {
            "tid": refund.order_id,
            "refund_id": int(refund.refund_id),
            "refund_fee": refund.amount,
            "bill_type": detail_type(refund),
            "operation": operation,
            "modified": milliseconds,
        }
        return topic, refund.refund_id, content
    if event.order is not None:
        signed_now = event.kind == "order.finished" and event.order.received == event.order.finished
        trade = "pdd_trade_TradeSuccess" if signed_now else _TRADE.get(event.kind)
        return (trade, event.order.order_id, {"tid": event.order.order_id}) if trade else None
    if event.item is not None and event.kind in _GOODS:
        time_name = "onshelf_time" if event.kind == "item.on_shelf" else "update_time"
        return _GOODS[event.kind], event.item.item_id, {"goods_id": int(event.item.item_id), time_name: milliseconds}
    return None


def common_frame(push: Push, wire_id: str, milliseconds: int) -> str:
    """A pushed message; `content` is JSON in a text."""
    content = json.dumps(push.payload, ensure_ascii=False, separators=(",", ":"))
    message = {"type": push.topic, "mallID": int(push.shop_id), "content": content}
    frame = {
        "id": int(wire_id),
        "appId": 1,
        "commandType": "Common",
        "time": int(push.created * 1000),
        "sendTime": milliseconds,
        "message": message,
    }
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


def heartbeat_frame(frame_id: int, milliseconds: int) -> str:
    """The server's answer to a heartbeat."""
    return json.dumps({"id": frame_id, "commandType": "HeartBeat", "time": milliseconds}, separators=(",", ":"))


def fail_frame(text: str, milliseconds: int) -> str:
    """The server's error notice."""
    return json.dumps(
        {"commandType": "Fail", "time": milliseconds, "message": text}, ensure_ascii=False, separators=(",", ":")
    )


def permit(call: Call) -> dict[str, Any]:
    """pdd.pmc.user.permit: from now on the shop's events are pushed; topics left out = all of the app's."""
    topics = frozenset(call.params.words("topics", 100)) if "topics" in call.params else TOPICS
    if not topics <= TOPICS:
        raise errors.business("topic未订阅")
    call.shop.topics, call.shop.permitted_at = topics, call.world.now()
    return {"is_success": True}


def permitted(call: Call) -> dict[str, Any]:
    """pdd.pmc.user.get: null for a shop that was never permitted (inferred)."""
    shop = call.world.shops["pinduoduo"].get(call.params.required("owner_id"))
    if shop is None or shop.topics is None:
        return {"pmc_user": None}
    since = render.when(shop.permitted_at)
    expired = int(not shop.authorised or shop.grant.access_expires <= call.world.now())
    return {
        "pmc_user": {
            "owner_id": shop.shop_id,
            "created": since,
            "modified": since,
            "is_expire": expired,
            "topics": sorted(shop.topics),
        }
    }


def cancel(call: Call) -> dict[str, Any]:
    """pdd.pmc.user.cancel"""
    shop = call.world.shops["pinduoduo"].get(call.params.required("owner_id"))
    if shop is None:
        raise errors.business("用户不存在")
    shop.topics = shop.permitted_at = None
    return {"is_success": True}


def backlog(call: Call) -> dict[str, Any]:
    """pdd.pmc.accrue.query: messages not acknowledged within the retention."""
    return {"number": call.world.outboxes["pinduoduo"].backlog()}
