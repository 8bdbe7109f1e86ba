"""`qudao ship`: parcels of one order, as the ERP declares them."""

from typing import Annotated, Any

import typer

from commands.terminal import USAGE, AsJson, Stop, opened
from commands.wishes import DryRun, tell


def add_to(app: typer.Typer) -> None:
    app.command("ship")(ship)


def ship(
    shop: str,
    order: str,
    parcels: Annotated[
        list[str],
        typer.Argument(
            metavar="CARRIER:NUMBER[:LINE=QUANTITY,…]...",
            help="e.g. SF:SF1234567890123, or ZTO:753:L1=2,L2=1 · 快递公司:单号[:订单行=数量]。",
        ),
    ],
    refuse_refund: Annotated[
        bool, typer.Option("--refuse-refund", help="Ship although a refund is open · 有退款申请也发货。")
    ] = False,
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """Declare an order's parcels · 发货。"""
    from sync import by_hand

    drafts = [_parcel(each) for each in parcels]
    with opened() as runtime:
        result = by_hand.ship(runtime, shop, order, drafts, refuse_refund=refuse_refund, dry_run=dry_run)
    tell(result, what=order, dry_run=dry_run, json=json)


def _parcel(text: str) -> dict[str, Any]:
    carrier, _, rest = text.partition(":")
    number, _, lines = rest.partition(":")
    if not carrier or not number:
        raise Stop(f"{text} is no CARRIER:NUMBER", "格式应为 快递公司:单号", USAGE)
    packed = []
    for each in filter(None, lines.split(",")):
        line, _, quantity = each.rpartition("=")
        if not line or not quantity.isdecimal():
            raise Stop(f"{each} is no LINE=QUANTITY", "格式应为 订单行=数量", USAGE)
        packed.append({"line_id": line, "quantity": int(quantity)})
    return {"carrier": carrier, "tracking_no": number, "lines": tuple(packed)}
