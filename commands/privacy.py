"""`qudao privacy`: what tells of people, and when it goes."""

from typing import Annotated

import typer

from commands.reasons import Reason
from commands.terminal import AsJson, opened, print_json, say

app = typer.Typer(help="Personal data: erase and retain · 个人信息的删除与保留期限。", no_args_is_help=True)


@app.command()
def erase(
    shop: Annotated[str, typer.Argument(help="e.g. douyin:7012345 · 店铺。")],
    order: Annotated[str, typer.Argument(help="The order's number · 订单号。")],
    reason: Reason,
) -> None:
    """Erase the people of an order that is over, for good · 永久删除已结束订单中的个人信息。"""
    from sync import privacy

    with opened() as runtime:
        privacy.erase(runtime, shop, order, reason)
    say(
        f"the order {order} tells of nobody any more; goods and money stay",
        "该订单的个人信息已删除，商品与金额保留",
    )


@app.command()
def retain(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many · 仅预览数量。")] = False,
    json: AsJson = False,
) -> None:
    """Erase now what QUDAO_PEOPLE_KEEP_DAYS says; runs every hour by itself · 立即执行保留期限清理。"""
    from sync import privacy

    with opened() as runtime:
        count = privacy.overdue(runtime) if dry_run else sum(privacy.retain(runtime))
    if json:
        print_json({"erased": 0 if dry_run else count, "due": count if dry_run else 0})
    elif dry_run:
        say(f"{count} orders and after-sales are due (at most 100 of each are counted)", "待删除数量（各最多计 100）")
    else:
        say(f"{count} orders and after-sales tell of nobody any more", "个人信息已删除")
