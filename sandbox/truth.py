"""What really is, as the control API tells it: `credentials` and `truth`. No buyer data."""

from typing import Any

from .model import Order, Refund, Shop, Sku
from .world import World


def credentials(world: World) -> dict[str, Any]:
    """The apps' keys and secrets (of the simulated platforms) and the shops' tokens and order ids."""
    return {
        "channels": {
            channel: {
                "app_key": world.apps[channel].key,
                "app_secret": world.apps[channel].secret,
                "shops": [
                    {
                        "shop_id": shop.shop_id,
                        "name": shop.name,
                        "access_token": shop.grant.access_token,
                        "refresh_token": shop.grant.refresh_token,
                        "access_expires": shop.grant.access_expires,
                        "refresh_expires": shop.grant.refresh_expires,
                        "order_ids": list(world.book(shop).orders),
                    }
                    for shop in shops.values()
                ],
            }
            for channel, shops in world.shops.items()
        }
    }


def truth(world: World, channel: str | None = None) -> dict[str, Any]:
    """Orders, SKUs, pushes and call counts of all channels, or of one."""
    return {
        "now": world.now(),
        "channels": {
            name: {
                "shops": {shop.shop_id: _shop(world, shop) for shop in shops.values()},
                "pushes": _pushes(world, name),
                "calls": world.calls[name],
                "index_lag": world.settings.index_lag.get(name, 0),
            }
            for name, shops in world.shops.items()
            if channel in (None, name)
        },
    }


def _shop(world: World, shop: Shop) -> dict[str, Any]:
    return {
        "authorised": shop.authorised,
        "orders": {order_id: order_truth(order) for order_id, order in world.book(shop).orders.items()},
        "skus": {sku.sku_id: sku_truth(sku) for item in shop.items.values() for sku in item.skus.values()},
        "items": {
            item.item_id: {"code": item.code, "on_shelf": item.on_shelf, "deleted": item.deleted, "review": item.review}
            for item in shop.items.values()
        },
    }


def order_truth(order: Order) -> dict[str, Any]:
    """One order."""
    return {
        "state": order.state.value,
        "hold": order.hold,
        "variant": order.variant,
        "placed_at": order.created,
        "paid_at": order.paid,
        "confirmed_at": order.confirmed,
        "shipped_at": order.shipped,
        "updated_at": order.updated,
        "pay_amount": order.pay_amount,
        "parent_id": order.parent_id,
        "split_into": order.children,
        "forced_state": order.forced_state,
        "memo": order.memo,
        "flag": order.flag,
        "lines": [
            {
                "line_id": line.line_id,
                "sku_id": line.sku_id,
                "code": line.code,
                "quantity": line.quantity,
                "shipped": line.shipped,
                "gift": line.gift,
                "cancelled": line.cancelled,
                "pay_amount": line.pay_amount,
            }
            for line in order.lines
        ],
        "packages": [
            {
                "pack_id": package.pack_id,
                "carrier": package.carrier,
                "tracking_no": package.tracking_no,
                "kind": package.kind,
                "contents": package.contents,
            }
            for package in order.packages
        ],
        "ship_accepts": order.ship_accepts,
        "refunds": [_refund(refund) for refund in order.refunds],
    }


def _refund(refund: Refund) -> dict[str, Any]:
    return {
        "refund_id": refund.refund_id,
        "line_id": refund.line_id,
        "kind": refund.kind.value,
        "state": refund.state.value,
        "amount": refund.amount,
        "before_shipping": refund.before_shipping,
        "updated_at": refund.updated,
    }


def sku_truth(sku: Sku) -> dict[str, Any]:
    """One SKU; `sellable == last_set.quantity - sold_since + given_back_since`."""
    pending = sku.pending_price
    return {
        "item_id": sku.item_id,
        "code": sku.code,
        "on_shelf": sku.on_shelf,
        "sellable": sku.sellable,
        "held": sku.held,
        "unpaid": sku.unpaid,
        "last_set": {"quantity": sku.last_set.quantity, "at": sku.last_set.at, "kind": sku.last_set.kind},
        "sold_since": sku.sold_since,
        "given_back_since": sku.given_back_since,
        "price": {"sale": sku.price.sale, "single": sku.price.single, "market": sku.price.market},
        "pending_price": None
        if pending is None
        else {
            "edit_id": pending.edit_id,
            "sale": pending.price.sale,
            "single": pending.price.single,
            "market": pending.price.market,
            "due": pending.due,
        },
    }


def _pushes(world: World, channel: str) -> list[dict[str, Any]]:
    return [
        {
            "id": push.push_id,
            "topic": push.topic,
            "object_id": push.object_id,
            "shop_id": push.shop_id,
            "created_at": push.created,
            "first_sent_at": push.deliveries[0] if push.deliveries else None,
            "deliveries": push.deliveries,
            "acked_at": push.acked_at,
            "dropped": push.dropped,
            "touched": push.touched,
        }
        for push in world.outboxes[channel].pushes
    ]
