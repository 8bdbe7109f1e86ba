"""`qudao orders`: what is stored of orders."""

import json as jsonlib
from typing import Annotated

import typer

from commands import receivers
from commands.terminal import AsJson, ShopOption, opened, print_json, show, show_one

app = typer.Typer(help="Orders and their receivers · 订单与收件人。", no_args_is_help=True)
receivers.add_to(app)


@app.command("list")
def list_orders(
    shop: ShopOption = "",
    status: Annotated[str, typer.Option(help="e.g. to_ship · 状态。")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    json: AsJson = False,
) -> None:
    """Orders, the newest change first · 最近变更的订单。"""
    from core.model import Order
    from sync import ops

    with opened() as runtime:
        stored = ops.list_orders(runtime, shop=shop, status=status, limit=limit)
    rows = []
    for item in stored:
        order = Order.model_validate_json(item.body)
        rows.append(
            {
                "order": item.id,
                "shop": item.shop_id,
                "status": item.status,
                "lines": len(order.lines),
                "pay_fen": order.money.pay,
                "created_at": order.created_at,
                "ship_by": order.ship_by,
                "revision": item.revision,
            }
        )
    show(rows, as_json=json, empty="no orders", empty_zh="暂无订单")


@app.command("show")
def show_order(
    order: Annotated[str, typer.Argument(help="Any of its numbers: order, line, parcel, after-sale · 任一单号。")],
    shop: ShopOption = "",
    json: AsJson = False,
) -> None:
    """One order with its lines, parcels and shipments · 订单详情。"""
    from core.model import Order
    from sync import ops

    with opened() as runtime:
        view = ops.show_order(runtime, order, shop)
    shipments = [
        {
            "wanted": jsonlib.loads(item.wanted),
            "state": item.state,
            "reason": item.reason,
            "changed_at": item.changed_at,
        }
        for item in view.shipments
    ]
    if json:
        print_json({"revision": view.stored.revision, "order": jsonlib.loads(view.stored.body), "shipments": shipments})
        return
    found = Order.model_validate_json(view.stored.body)
    show_one(
        {
            "order": found.id,
            "shop": found.shop_id,
            "status": found.status.value,
            "hold": found.hold.value.value,
            "after_sale": found.after_sale.value.value,
            "pay_fen": found.money.pay,
            "receivable_fen": found.money.receivable,
            "created_at": found.created_at,
            "paid_at": found.paid_at,
            "ship_by": found.ship_by,
            "receiver": f"{found.receiver.province} {found.receiver.city} {found.receiver.detail.mask}",
            "revision": view.stored.revision,
            "warnings": "; ".join(found.warnings),
        },
        as_json=False,
    )
    show(
        [
            {
                "line": each.id,
                "code": each.merchant_code,
                "title": each.title,
                "quantity": each.quantity,
                "fen": each.unit_price,
            }
            for each in found.lines
        ],
        as_json=False,
    )
    if found.parcels:
        show([{"carrier": each.carrier_name, "tracking": each.tracking_no} for each in found.parcels], as_json=False)
    if shipments:
        show([{k: v for k, v in each.items() if k != "wanted"} for each in shipments], as_json=False)
