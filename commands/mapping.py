"""`qudao map`: which listing SKU is which SKU of the ERP."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.terminal import NO, USAGE, AsJson, ShopOption, Stop, opened, say, show

if TYPE_CHECKING:
    from core.stock import Part

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
                "components": _parts(row.components, json),
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


def _parts(components: "Iterable[Part]", as_json: bool) -> object:
    if as_json:
        return [{"sku": part.sku, "quantity": part.quantity} for part in components]
    return " ".join(f"{part.sku}:{part.quantity}" for part in components)


@app.command("history")
def show_history(
    shop: ShopOption = "",
    listing: Annotated[str, typer.Option(help="Only of this listing · 只看该商品。")] = "",
    sku_id: Annotated[str, typer.Option(help="Only this SKU of the channel's · 只看该规格。")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    json: AsJson = False,
) -> None:
    """Who mapped what, the last changes in their order · 映射变更记录。"""
    from sync import ops

    with opened() as runtime:
        changes = ops.mapping_history(runtime, shop=shop, listing_id=listing, sku_id=sku_id, limit=limit)
    show(
        [
            {
                "at": change.at,
                "by": change.by,
                "shop": change.shop_id,
                "listing": change.listing_id,
                "sku_id": change.sku_id,
                "before": change.before if json else _words(change.before),
                "after": change.after if json else _words(change.after),
            }
            for change in changes
        ],
        as_json=json,
        empty="no mapping was ever changed",
        empty_zh="暂无映射变更",
    )


def _words(mapped: dict[str, Any] | None) -> str:
    if mapped is None:
        return ""
    parts = [f"{part['sku']}:{part['quantity']}" for part in mapped["components"]]
    return mapped["sku"] or " ".join(parts) or "none"


@app.command("set")
def set_mapping(
    shop: Annotated[str, typer.Argument(help="channel:account")],
    listing: str,
    sku_id: str,
    sku: Annotated[str, typer.Argument(help="The ERP's SKU · 货品编码。")] = "",
    component: Annotated[
        list[str],
        typer.Option(help="A bundle's part as SKU:QUANTITY, once for each · 组合装的货品:数量，可重复。"),
    ] = [],  # noqa: B006  # typer reads it, nobody writes it
    none: Annotated[bool, typer.Option("--none", help="It must not be mapped at all · 明确不映射。")] = False,
) -> None:
    """Map one listing SKU by hand · 手动映射。"""
    from sync import ops

    if [bool(sku), bool(component), none].count(True) != 1:
        raise Stop("give a SKU, --component, or --none", "请给出货品编码、--component 或 --none", USAGE)
    parts = [_part(each) for each in component]
    with opened() as runtime:
        result = ops.set_mapping(runtime, shop, listing, sku_id, sku or None, parts)
    if result.state == "refused":
        raise Stop(f"{result.code}: {result.message}", "未接受", NO)
    say(f"{listing}/{sku_id} → {sku or _parts(parts, False) or 'none'}", "已保存")
    for warning in result.warnings:
        say(warning.message, "缺少库存数量，暂不发布")


def _part(text: str) -> "Part":
    from core.stock import Part

    sku, _, quantity = text.rpartition(":")
    if not sku or not quantity.isdecimal():
        raise Stop(f"write a component as SKU:QUANTITY, not {text}", "组合装请写作 货品:数量", USAGE)
    return Part(sku, int(quantity))
