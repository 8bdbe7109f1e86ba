"""`qudao report`: tables to take away."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from commands.terminal import ShopOption, Stop, instant, opened, say

app = typer.Typer(help="Tables to take away · 导出报表。", no_args_is_help=True)


@app.command()
def orders(
    reason: Annotated[str, typer.Option(help="What for; goes into the audit log · 用途，记入审计日志。")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A CSV file; else standard output · 文件。")] = None,
    since: Annotated[str, typer.Option(help="Created then or later: 2026-11-11, 12h, 7d · 起始。")] = "",
    until: Annotated[str, typer.Option(help="Created before then · 截止。")] = "",
    shop: ShopOption = "",
) -> None:
    """Orders as CSV; each row carries who took it and when · 导出订单（每行带水印）。"""
    from core.db import audit
    from core.db.items import Filter
    from sync import reports

    with opened() as runtime:
        now = runtime.clock.now()
        created = tuple(instant(text, now) if text else None for text in (since, until))
        wanted = Filter(shops=[shop] if shop else (), created=(created[0], created[1]))
        try:
            parts = reports.orders(runtime, wanted, key=audit.CLI, reason=reason)
        except ValueError as error:
            raise Stop(str(error), "原因须简短且不得包含个人信息") from None
        if out is None:
            sys.stdout.writelines(parts)
            return
        with out.open("w", encoding="utf-8-sig", newline="") as file:
            out.chmod(0o600)
            file.writelines(parts)
    say(f"{out} is written; it is watermarked and noted in the audit log", "已导出，带水印并记入审计日志")
