"""`qudao parked`: what stopped and waits for a person."""

from typing import Annotated

import typer

from commands.terminal import AsJson, ShopOption, calling, opened, say, show

app = typer.Typer(help="What waits for a person · 待人工处理。", no_args_is_help=True)

Refs = Annotated[
    list[str], typer.Argument(metavar="REF...", help="As in the list: intent-12, notice-7, row-3 · 编号。")
]


@app.command("list")
def list_parked(shop: ShopOption = "", json: AsJson = False) -> None:
    """Wishes, notices and rows that stopped, with the reason · 挂起列表。"""
    from sync import ops

    with opened() as runtime:
        found = ops.list_parked(runtime, shop=shop)
    show(
        [
            {
                "ref": item.ref,
                "kind": item.kind,
                "shop": item.shop_id,
                "object": item.object_id,
                "code": item.code,
                "reason": item.reason,
                "since": item.at,
            }
            for item in found
        ],
        as_json=json,
        empty="nothing is parked",
        empty_zh="没有待处理的项目",
    )


@app.command()
def retry(refs: Refs) -> None:
    """Try again; an unreadable row is read from its channel again now · 重试。"""
    from sync import ops

    with calling() if any(ref.startswith("row-") for ref in refs) else opened() as runtime:
        for ref in refs:
            item = ops.retry(runtime, ref)
            say(f"{ref}: {item.kind} {item.object_id} is tried again", "已重试")


@app.command()
def dismiss(refs: Refs, note: Annotated[str, typer.Option(help="Why · 备注。")] = "dismissed by an operator") -> None:
    """Give up, with a note · 放弃。"""
    from sync import ops

    with opened() as runtime:
        for ref in refs:
            item = ops.dismiss(runtime, ref, note)
            say(f"{ref}: {item.kind} {item.object_id} is dismissed", "已放弃")
