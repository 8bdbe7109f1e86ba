"""`qudao audit`: who used what needs a reason, and who was refused."""

from typing import Annotated

import typer

from commands.terminal import AsJson, instant, opened, show

app = typer.Typer(help="Who did what needs a reason, and who was refused · 审计日志。", no_args_is_help=True)


@app.command("list")
def list_audit(
    since: Annotated[str, typer.Option(help="From then on: 2026-11-11T20:00, 12h, 7d · 起始时间。")] = "",
    key: Annotated[str, typer.Option(help="Only this key, or cli · 只看该密钥。")] = "",
    action: Annotated[str, typer.Option(help="Only this scope or command · 只看该权限或命令。")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, help="The newest so many · 条数。")] = 200,
    json: AsJson = False,
) -> None:
    """The newest rows, the last one at the end · 最近的记录。"""
    from sync import keys

    with opened() as runtime:
        begin = instant(since, runtime.clock.now()) if since else None
        found = keys.used(runtime, since=begin, key=key, action=action, limit=limit)
    rows = [
        {
            "at": row.at,
            "key": row.key,
            "action": row.action,
            "outcome": row.outcome,
            "times": row.times,
            "shop": row.shop_id,
            "object": row.object_id,
            "purpose": row.purpose,
            "reason": row.reason,
        }
        for row in found
    ]
    show(rows, as_json=json, empty="nothing is written", empty_zh="暂无记录")
