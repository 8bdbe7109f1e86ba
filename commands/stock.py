"""`qudao stock`: the ERP's numbers and how far they have come."""

from typing import Annotated

import typer

from commands.terminal import NO, AsJson, ShopOption, Stop, opened, say, show

app = typer.Typer(help="Stock wanted and shown · 库存。", no_args_is_help=True)


@app.command("show")
def show_stock(
    sku: Annotated[str, typer.Argument(help="Only this SKU · 货品编码。")] = "",
    shop: ShopOption = "",
    json: AsJson = False,
) -> None:
    """What is wanted, what the channel last showed, and the state of the wish · 目标与平台库存。"""
    from sync import ops

    with opened() as runtime:
        views = ops.show_stock(runtime, shop=shop, sku=sku)
    show(
        [
            {
                "sku": view.row.sku or " ".join(f"{part.sku}:{part.quantity}" for part in view.row.components),
                "shop": view.row.shop_id,
                "listing": view.row.key.listing_id,
                "sku_id": view.row.key.sku_id,
                "wanted": view.wanted,
                "sellable": view.row.sellable,
                "held": view.row.held,
                "state": view.state,
                "reason": view.reason,
            }
            for view in views
        ],
        as_json=json,
        empty="no mapped listing SKUs",
        empty_zh="暂无已映射的商品规格",
    )


@app.command("set", context_settings={"ignore_unknown_options": True})  # so that -5 is a number, and refused as one
def set_stock(sku: str, quantity: Annotated[int, typer.Argument(min=0, max=99_999_999)]) -> None:
    """Want a number for a SKU in every shop, as the ERP does · 设置货品库存。"""
    from sync import ops

    with opened() as runtime:
        result = ops.set_stock(runtime, sku, quantity)
    if result.state == "refused":
        raise Stop(f"{result.code}: {result.message}", "未接受", NO)
    say(f"{sku} = {quantity}, queued for {len(result.intents)} listing SKUs", "已排队")
