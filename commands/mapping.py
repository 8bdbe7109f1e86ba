"""`qudao map`: which listing SKU is which SKU of the ERP."""

from typing import Annotated

import typer

from commands.terminal import NO, USAGE, AsJson, ShopOption, Stop, opened, say, show

app = typer.Typer(help="Listing SKU to SKU · 商品规格与货品编码的映射。", no_args_is_help=True)


@app.command("list")
def list_mappings(
    shop: ShopOption = "",
    sku: Annotated[str, typer.Option(help="Only this SKU of the ERP · 只看该货品编码。")] = "",
    unmapped: Annotated[
        bool, typer.Option("--unmapped", help="Only those that nothing is written to · 只看未映射。")
    ] = False,
    json: AsJson = False,
) -> None:
    """Every listing SKU with its mapping · 映射列表。"""
    from sync import ops

    with opened() as runtime:
        rows = ops.list_mappings(runtime, shop=shop, sku=sku, unmapped=unmapped)
    show(
        [
            {
                "shop": row.shop_id,
                "listing": row.key.listing_id,
                "sku_id": row.key.sku_id,
                "code": row.merchant_code,
                "sku": row.sku,
                "origin": row.origin,
                "title": row.title,
                "spec": row.spec,
                "shelf": row.shelf,
            }
            for row in rows
        ],
        as_json=json,
        empty="no listing SKUs",
        empty_zh="暂无商品规格",
    )


@app.command("set")
def set_mapping(
    shop: Annotated[str, typer.Argument(help="channel:account")],
    listing: str,
    sku_id: str,
    sku: Annotated[str, typer.Argument(help="The ERP's SKU · 货品编码。")] = "",
    none: Annotated[bool, typer.Option("--none", help="It must not be mapped at all · 明确不映射。")] = False,
) -> None:
    """Map one listing SKU by hand · 手动映射。"""
    from sync import ops

    if bool(sku) == none:
        raise Stop("give a SKU, or --none", "请给出货品编码，或使用 --none", USAGE)
    with opened() as runtime:
        result = ops.set_mapping(runtime, shop, listing, sku_id, sku or None)
    if result.state == "refused":
        raise Stop(f"{result.code}: {result.message}", "未接受", NO)
    say(f"{listing}/{sku_id} → {sku or 'none'}", "已保存")
