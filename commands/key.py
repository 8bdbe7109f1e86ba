"""`qudao key`: keys to /v1."""

from typing import Annotated

import typer

from commands.terminal import NO, AsJson, Stop, opened, print_json, say, show

app = typer.Typer(help="Keys to /v1 for ERPs · ERP 接口密钥。", no_args_is_help=True)


@app.command()
def create(label: Annotated[str, typer.Argument(help="Who uses it · 用途。")] = "erp", json: AsJson = False) -> None:
    """Make a key; it is shown this once · 创建密钥，仅显示一次。"""
    from sync import ops

    with opened() as runtime:
        made = ops.create_key(runtime, label)
    if json:
        print_json({"id": made.id, "label": label, "key": made.plain})
        return
    typer.echo(made.plain)
    say(f"{made.id} for {label}: keep it now, only its hash is stored", "请立即保存，系统只存哈希")


@app.command("list")
def list_keys(json: AsJson = False) -> None:
    """All keys, without what opens the door · 密钥列表。"""
    from sync import ops

    with opened() as runtime:
        rows = ops.list_keys(runtime)
    show(
        [
            {
                "id": row.id,
                "label": row.label,
                "created_at": row.created_at,
                "revoked_at": row.revoked_at,
            }
            for row in rows
        ],
        as_json=json,
        empty="no keys",
        empty_zh="暂无密钥",
    )


@app.command()
def revoke(key: Annotated[str, typer.Argument(metavar="ID", help="As in the list · 密钥编号。")]) -> None:
    """Close a key within a second · 吊销密钥。"""
    from sync import ops

    with opened() as runtime:
        if not ops.revoke_key(runtime, key):
            raise Stop(f"there is no valid key {key}", "没有该有效密钥", NO)
    say(f"{key} is revoked", "已吊销")
