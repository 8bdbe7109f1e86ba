"""What TMC publishes: world events as messages, one per transition, with the payload fields of the topic pages.

Ids are numbers, money is yuan text. Changes of a trade without a topic of their own are `TradeChanged` (inferred: the
platform may send that one beside the others, too). Queues are in `queues.py`, the connection in `longlink.py`.
"""

from collections.abc import Iterator
from typing import Any

from ..model import Event, Item, Line, Order, Package, Refund, RefundKind, Shop, Sku
from ..world import World
from .call import CHANNEL
from .carriers import name_of
from .goods_wire import price_of
from .money import money_of
from .oaid import masked_nick, open_uid
from .states import phase, trade_status, trade_type
from .stock_rules import quantity, total
from .values import when, yuan

_TRADE = {
    "order.deposit_paid": "TradeBuyerStepPay",
    "order.waiting": "TradeBuyerPay",
    "order.amount_changed": "TradeModifyFee",
    "order.shipped": "TradeSellerShip",
    "order.finished": "TradeSuccess",
    "order.cancelled": "TradeClose",
    "order.memo_changed": "TradeMemoModified",
    "order.buyer_note_changed": "TradeMemoModified",
    "order.address_changed": "TradeLogisticsAddressChanged",
}
_REFUND = {
    "refund.requested": "RefundCreated",
    "refund.modified": "RefundBuyerModifyAgreement",
    "refund.return_agreed": "RefundSellerAgreeAgreement",
    "refund.refunding": "RefundSellerAgreeAgreement",
    "refund.sending": "RefundSellerAgreeAgreement",
    "refund.refused": "RefundSellerRefuseAgreement",
    "refund.return_refused": "RefundSellerRefuseAgreement",
    "refund.returned": "RefundBuyerReturnGoods",
    "refund.arbitration": "RefundCreateMessage",
    "refund.withdrawn": "RefundClosed",
    "refund.closed": "RefundClosed",
    "refund.refunded": "RefundSuccess",
    "refund.done": "RefundSuccess",
}
"""The platform stepping in is a message in the dispute, a finished exchange a success (both inferred)."""
_ITEM = {
    "item.added": "ItemAdd",
    "item.on_shelf": "ItemUpshelf",
    "item.off_shelf": "ItemDownshelf",
    "item.deleted": "ItemDelete",
    "item.changed": "ItemUpdate",
    "item.code_changed": "ItemUpdate",
    "item.rejected": "ItemPunishDownshelf",
}
_BILLS = {RefundKind.REFUND_ONLY: "refund_bill", RefundKind.RETURN: "return_bill"}
"""Everything else is a replace_bill."""
TOPICS = frozenset(
    {
        *(f"taobao_trade_{name}" for name in _TRADE.values()),
        *(f"taobao_refund_{name}" for name in _REFUND.values()),
        *(f"taobao_item_{name}" for name in _ITEM.values()),
        *(f"taobao_item_{name}" for name in ("ItemStockChanged", "ItemZeroStock", "ItemSkuZeroStock")),
        *(f"taobao_item_{name}" for name in ("ItemPunishDelete", "ItemPunishCc")),
        *(f"taobao_trade_{name}" for name in ("TradeCreate", "TradeAlipayCreate", "TradeCloseAndModifyDetailOrder")),
        *(f"taobao_trade_{name}" for name in ("TradePartlySellerShip", "TradePartlyRefund", "TradePartlyConfirmPay")),
        *(f"taobao_trade_{name}" for name in ("TradeDelayConfirmPay", "TradeTimeoutRemind", "TradeRated")),
        *(f"taobao_trade_{name}" for name in ("TradeChanged", "OrderSkuChanged")),
        "taobao_logistics_LogsticDetailTrace",
        "taobao_modifyaddress_ResultNotify",
        "taobao_modifysku_ResultNotify",
        "taobao_inventory_LowQuantityWarning",
        "taobao_datapush_SynTrade",
        "taobao_datapush_SynItem",
    }
)
"""The topics the sandbox's app is subscribed to: all. Some have no occasion in this world."""
Message = tuple[str, str, dict[str, Any]]
"""(topic, id of the thing, content)."""


class Publisher:
    """Turns events into messages of shops that are permitted for the topic and still authorised."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._told: dict[str, int] = {}
        now = world.now()
        for shop in world.shops[CHANNEL].values():
            shop.topics, shop.permitted_at = TOPICS, now
            for item in shop.items.values():
                self._told |= {sku.sku_id: quantity(world, shop, sku) for sku in item.skus.values()}

    def on_event(self, event: Event) -> None:
        """World subscriber."""
        shop = event.shop
        if shop.channel != CHANNEL:
            return
        for topic, object_id, content in (*_messages(self._world, event), *self._stock(event)):
            if shop.topics and topic in shop.topics and self._world.is_authorised(shop):
                self._world.outboxes[CHANNEL].publish(shop, topic, object_id, content)

    def _stock(self, event: Event) -> Iterator[Message]:
        """What became of the stock numbers of the SKUs in the event."""
        shop, order = event.shop, event.order
        skus = [event.sku] if event.sku else []
        if order is not None and event.refund is None:
            skus += [shop.items[line.item_id].skus[line.sku_id] for line in order.lines]
        for sku in skus:
            now, before = quantity(self._world, shop, sku), self._told.get(sku.sku_id, 0)
            self._told[sku.sku_id] = now
            if now != before:
                yield from _stock_messages(self._world, shop, sku, now - before)


def _messages(world: World, event: Event) -> Iterator[Message]:
    order, refund, item = event.order, event.refund, event.item
    if refund is not None and order is not None:
        yield from _refund_messages(world, event.kind, order, refund)
    elif order is not None:
        yield from _trade_messages(world, event, order)
    elif item is not None and event.kind in _ITEM:
        topic = f"taobao_item_{_ITEM[event.kind]}"
        yield topic, item.item_id, _item_content(world, event.kind, event.shop, item)


def _trade_messages(world: World, event: Event, order: Order) -> Iterator[Message]:
    def message(name: str, line: Line | None = None, **more: Any) -> Message:
        return f"taobao_trade_{name}", order.order_id, _trade_content(world, order, line) | more

    match event.kind:
        case "order.placed":
            yield message("TradeCreate")
            yield message("TradeAlipayCreate")
        case "order.paid":
            paid_now = order.confirmed == order.paid and order.variant != "cod"
            yield message("TradeBuyerPay" if paid_now else "TradeChanged")
        case "order.deposit_paid" if order.deposit is not None:
            topic, tid, content = message("TradeBuyerStepPay", payment=yuan(order.deposit.paid))
            yield topic, tid, {name: value for name, value in content.items() if name != "status"}
        case "order.part_shipped" if event.package is not None:
            for line_id in event.package.contents:
                yield message("TradePartlySellerShip", order.line(line_id))
        case "order.line_dropped":
            yield message("TradeCloseAndModifyDetailOrder", [line for line in order.lines if line.dropped][-1])
        case "order.memo_changed":
            topic, tid, content = message("TradeMemoModified", action_type="seller")
            yield topic, tid, content | {"seller_flag": order.flag or 0, "seller_memo": order.memo}
        case "order.buyer_note_changed":
            yield message("TradeMemoModified", action_type="buyer")
        case kind:
            yield message(_TRADE.get(kind, "TradeChanged"))
    if event.package is not None and event.kind in ("order.shipped", "order.part_shipped"):
        yield "taobao_logistics_LogsticDetailTrace", order.order_id, _trace(order, event.package, event.at)


def _people(world: World, order: Order) -> dict[str, Any]:
    return {
        "buyer_nick": masked_nick(order.buyer.buyer_id),
        "buyer_open_uid": open_uid(world, order.buyer.buyer_id),
        "seller_nick": world.shop(CHANNEL, order.shop_id).name,
    }


def _trade_content(world: World, order: Order, line: Line | None) -> dict[str, Any]:
    """`oid` is the line's where one is meant, else the trade's own."""
    kind = trade_type(order)
    return _people(world, order) | {
        "type": "guarantee_trade" if kind == "fixed" else kind,
        "tid": int(order.order_id),
        "oid": int(line.line_id if line is not None else order.order_id),
        "payment": yuan(money_of(order).payment),
        "status": trade_status(order),
    }


def _trace(order: Order, package: Package, at: float) -> dict[str, Any]:
    return {
        "tid": int(order.order_id),
        "out_sid": package.tracking_no,
        "company_name": name_of(package.carrier),
        "action": "CONSIGN",
        "desc": "卖家已发货",
        "time": when(at),
    }


def _refund_messages(world: World, kind: str, order: Order, refund: Refund) -> Iterator[Message]:
    if kind in _REFUND:
        content = _people(world, order) | {
            "tid": int(order.order_id),
            "oid": int(refund.line_id),
            "refund_id": int(refund.refund_id),
            "refund_fee": yuan(refund.amount),
            "refund_phase": phase(order, refund),
            "bill_type": _BILLS.get(refund.kind, "replace_bill"),
            "modified": when(refund.updated),
        }
        yield f"taobao_refund_{_REFUND[kind]}", refund.refund_id, content
    if kind == "refund.refunded":
        content = _trade_content(world, order, order.line(refund.line_id)) | {"status": "TRADE_CLOSED"}
        yield "taobao_trade_TradePartlyRefund", order.order_id, content


def _item_content(world: World, kind: str, shop: Shop, item: Item) -> dict[str, Any]:
    number = {"num_iid": int(item.item_id)}
    if kind == "item.off_shelf":
        return number
    content = {"nick": shop.name} | number
    if kind in ("item.changed", "item.code_changed"):
        content |= {
            "changed_fields": "price" if kind == "item.changed" else "outer_id",
            "title": item.title,
            "price": yuan(price_of(item)),
            "num": total(world, shop, item),
        }
    elif kind == "item.on_shelf":
        content |= {"price": yuan(price_of(item)), "status": "0"}
    elif kind != "item.deleted":
        content |= {"title": item.title, "price": yuan(price_of(item))}
    return content


def _stock_messages(world: World, shop: Shop, sku: Sku, increment: int) -> Iterator[Message]:
    item = shop.items[sku.item_id]
    left, whole = quantity(world, shop, sku), total(world, shop, item)
    base = {"nick": shop.name, "num_iid": int(item.item_id)}
    of_sku = base | {"sku_id": int(sku.sku_id), "sku_num": left, "num": whole}
    changed = of_sku | {"increment": increment, "changed_fields": "num"}
    yield "taobao_item_ItemStockChanged", item.item_id, changed
    if left == 0:
        yield "taobao_item_ItemSkuZeroStock", item.item_id, of_sku
    if whole == 0:
        yield "taobao_item_ItemZeroStock", item.item_id, base | {"num": 0}
