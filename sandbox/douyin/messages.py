"""What the platform pushes when something happens in the world: tag and `data` of each message.

Ids are int64 numbers, except `p_id` of tag 126. `update_time` of after-sale messages is an RFC 3339 text, every other
time is int seconds. There is no stock and no price tag. Delivery lives in `callbacks.py`.
"""

import json
from collections.abc import Callable
from typing import Any

from ..model import Buyer, Event, Item, Order, Package, Refund, RefundKind
from ..world import World
from .aftersale_wire import REASON_CODE
from .callbacks import DouyinCallbacks
from .ciphers import Cipher
from .envelope import rfc3339
from .goods_wire import CHECK, item_status
from .order_money import seconds
from .order_wire import CANCEL_REASON
from .receiver import Receiver, region
from .states import order_status, refund_status, refund_type

Data = dict[str, Any]
# The meaning of `event` in tag 400 is not documented; these numbers are ours.
PRODUCT_EVENT = {
    "item.on_shelf": 1, "item.off_shelf": 2, "item.deleted": 3, "item.rejected": 4, "item.changed": 5, "item.added": 6,
}  # fmt: skip


class Messages:
    """Turns world events of this channel into messages and hands them to the callbacks."""

    def __init__(self, world: World, cipher: Cipher, callbacks: DouyinCallbacks) -> None:
        self._world = world
        self._cipher = cipher
        self._callbacks = callbacks
        self._orders: dict[str, tuple[str, Callable[[Order, Event], Data]]] = {
            "order.placed": ("100", lambda order, _: {"create_time": int(order.created), "biz": 2}),
            "order.waiting": ("110", lambda *_: {"biz": 2}),
            "order.held": ("110", lambda *_: {"biz": 2}),
            "order.paid": ("101", _paid),
            "order.cancelled": ("106", _cancelled),
            "order.amount_changed": ("109", _amount),
            "order.finished": ("103", lambda order, _: {"complete_time": seconds(order.finished), "biz": 2}),
            "order.shipped": ("102", self._shipped),
            "order.part_shipped": ("108", self._part_shipped),
            "order.tracking_changed": ("104", self._shipped),
            "order.address_changed": ("105", self._address),
        }

    def on_event(self, event: Event) -> None:
        """Subscriber of the world."""
        if event.shop.channel != "douyin" or not event.shop.authorised or not self._callbacks.listening:
            return
        for tag, object_id, data in self._messages(event):
            self._callbacks.publish(event.shop, tag, object_id, data)

    def _messages(self, event: Event) -> list[tuple[str, str, Data]]:
        if event.refund is not None:
            found = _refund_message(event.kind, event.refund, event)
            return [(found[0], event.refund.refund_id, found[1])] if found else []
        if event.order is not None:
            found = self._order_message(event, event.order)
            return [(found[0], event.order.order_id, found[1])] if found else []
        return _item_messages(event, event.item) if event.item is not None else []

    def _order_message(self, event: Event, order: Order) -> tuple[str, Data] | None:
        if event.kind in self._orders:
            tag, extra = self._orders[event.kind]
            return tag, _order_head(order) | extra(order, event)
        shop = {"p_id": int(order.order_id), "shop_id": int(order.shop_id)}
        if event.kind == "order.memo_changed":
            return "113", shop | {"remark": order.memo, "star": order.flag or 0, "update_time": int(event.at)}
        if event.kind == "order.address_wanted" and order.wanted_address is not None:
            before, wanted = self._receiver(order, order.buyer), self._receiver(order, order.wanted_address)
            return "111", shop | {"apply_time": int(event.at), "post_receiver_msg": before, "receiver_msg": wanted}
        if event.kind == "order.deadline_changed":
            head = _order_head(order) | {"p_id": order.order_id, "exp_delivery_time": seconds(order.ship_by)}
            del head["order_status"]
            return "126", head
        return None

    def _receiver(self, order: Order, buyer: Buyer) -> Data:
        receiver = Receiver(self._cipher, order.order_id, buyer)
        return {
            "addr": _address_text(receiver),
            "encrypt_name": receiver.name,
            "encrypt_tel": receiver.phone,
            "name": "",
            "tel": "",
        }

    def _short_receiver(self, order: Order) -> Data:
        return {"addr": _address_text(Receiver(self._cipher, order.order_id, order.buyer)), "name": "", "tel": ""}

    def _address(self, order: Order, event: Event) -> Data:
        return {"update_time": int(event.at), "receiver_msg": self._receiver(order, order.buyer)}

    def _shipped(self, order: Order, event: Event) -> Data:
        package = event.package or (order.packages[-1] if order.packages else None)
        return {
            "update_time": int(event.at),
            "biz": 2,
            "logistics_msg": _logistics(package),
            "receiver_msg": self._short_receiver(order),
        }

    def _part_shipped(self, order: Order, event: Event) -> Data:
        data = self._shipped(order, event)
        if event.package is not None:
            data["logistics_msg"] |= {
                "pack_id": event.package.pack_id,
                "shipped_order_info": [
                    {
                        "shipped_order_id": int(line.line_id),
                        "product_id": int(line.item_id),
                        "sku_id": int(line.sku_id),
                        "sku_num": line.quantity,
                        "shipped_num": event.package.contents[line.line_id],
                    }
                    for line in order.lines
                    if line.line_id in event.package.contents
                ],
            }
        return data


def _order_head(order: Order) -> Data:
    return {
        "p_id": int(order.order_id),
        "s_ids": [int(line.line_id) for line in order.lines],
        "shop_id": int(order.shop_id),
        "order_status": order_status(order),
        "order_type": 0,
    }


def _paid(order: Order, _: Event) -> Data:
    pay_type = 2 if order.pay_amount else 7
    return {"pay_type": pay_type, "pay_time": seconds(order.paid), "pay_amount": order.pay_amount, "biz": 2}


def _cancelled(order: Order, _: Event) -> Data:
    return {
        "cancel_time": seconds(order.cancelled),
        "cancel_reason": CANCEL_REASON.get(order.cancel_reason, order.cancel_reason),
        "biz": 2,
    }


def _amount(order: Order, event: Event) -> Data:
    return {"modify_time": int(event.at), "total_amount": order.pay_amount, "post_amount": order.postage, "biz": 2}


def _address_text(receiver: Receiver) -> str:
    """The address as JSON inside a string; the province id has two digits here."""
    places = region(receiver.buyer.address)
    places["province"] = {"id": places["province"]["id"][:2], "name": places["province"]["name"]}
    named = {level: {"name": place["name"], "id": place["id"]} for level, place in places.items()}
    return compact(named | {"detail": "", "encrypt_detail": receiver.detail})


def _logistics(package: Package | None) -> Data:
    return {
        "express_company_id": package.carrier if package else "",
        "logistics_code": package.tracking_no if package else "",
    }


def compact(value: Any) -> str:
    """JSON as the platform writes it into `data`: no spaces, raw UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_REFUND_TAGS = {
    "refund.requested": ("200", "apply_time"),
    "refund.refunding": ("201", "agree_time"),
    "refund.return_agreed": ("202", "agree_time"),
    "refund.returned": ("203", "return_time"),
    "refund.refused": ("204", "refuse_time"),
    "refund.return_refused": ("204", "refuse_time"),
    "refund.refunded": ("206", "success_time"),
    "refund.withdrawn": ("207", "close_time"),
    "refund.closed": ("207", "close_time"),
    "refund.modified": ("208", "modify_time"),
    "refund.arbitration": ("212", "apply_time"),
}


def _refund_message(kind: str, refund: Refund, event: Event) -> tuple[str, Data] | None:
    ids = {
        "aftersale_id": int(refund.refund_id),
        "p_id": int(refund.order_id),
        "s_id": int(refund.line_id),
        "shop_id": int(refund.shop_id),
        "aftersale_type": refund_type(refund),
    }
    status = refund_status(refund)
    if kind == "refund.deadline_changed":
        return "209", ids | {"aftersale_status": status, "status_deadline": seconds(refund.deadline)}
    stamp = {"reason_code": REASON_CODE, "update_time": rfc3339(event.at)}
    if kind == "refund.sending":
        return ("227", ids | stamp | {"after_sale_status": status}) if refund.kind is RefundKind.RESEND else None
    if kind == "refund.sent" and refund.kind is RefundKind.RESEND:
        return "226", ids | stamp | {"aftersale_status": status}
    money = {"refund_amount": refund.amount, "refund_post_amount": refund.postage, "refund_voucher_num": 0}
    full = ids | money | stamp | {"aftersale_status": status}
    if kind == "refund.sent":
        return "211", full | {"apply_time": int(event.at)}
    if kind not in _REFUND_TAGS:
        return None
    tag, time_field = _REFUND_TAGS[kind]
    if kind == "refund.refused" and refund.kind is not RefundKind.REFUND_ONLY:
        tag = "205"
    return tag, full | {time_field: int(event.at)}


def _item_messages(event: Event, item: Item) -> list[tuple[str, str, Data]]:
    product, shop = int(item.item_id), int(event.shop.shop_id)
    changed: Data = {
        "check_reject_reason": "审核未通过" if event.kind == "item.rejected" else "",
        "event": PRODUCT_EVENT[event.kind],
        "out_product_id": 0,
        "product_id": product,
        "shop_id": shop,
        "update_time": int(event.at),
    }
    messages = [("400", item.item_id, changed)]
    if event.kind in ("item.changed", "item.rejected"):
        check = str(CHECK[item.review])
        content: Data = {
            "channel_info": {"channel_id": 0, "channel_main_product_id": 0, "channel_type": 0},
            "msg_type": 1,
            "product_id": product,
            "shop_id": shop,
            "status": {"check_status": check, "draft_status": "0", "status": str(item_status(item))},
        }
        messages.append(("417", item.item_id, content))
    return messages
