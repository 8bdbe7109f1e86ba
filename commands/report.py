"""`qudao report`: tables to take away."""

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Annotated

import typer

from commands.reasons import Reason
from commands.terminal import USAGE, ShopOption, Stop, instant, opened, say

app = typer.Typer(help="Tables to take away · 导出报表。", no_args_is_help=True)


@app.command()
def orders(
    reason: Reason,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A CSV file; else standard output · 文件。")] = None,
    since: Annotated[str, typer.Option(help="Created then or later: 2026-11-11, 12h, 7d · 起始。")] = "",
    until: Annotated[str, typer.Option(help="Created before then · 截止。")] = "",
    shop: ShopOption = "",
) -> None:
    """Orders as CSV; each row carries who took it and when · 导出订单（每行带水印）。"""
    from core.db import audit, shops
    from core.db.items import Filter
    from sync import reports

    with ExitStack() as stack:
        runtime = stack.enter_context(opened())
        now = runtime.clock.now()
        created = tuple(instant(text, now) if text else None for text in (since, until))
        wanted = Filter(shops=[shop] if shop else (), created=(created[0], created[1]))
        if shop:
            with runtime.database.read() as connection:
                shops.get(connection, shop)
        file = sys.stdout if out is None else stack.enter_context(_private(out))
        file.writelines(reports.orders(runtime, wanted, key=audit.CLI, reason=reason))
    if out is not None:
        say(f"{out} is written; it is watermarked and noted in the audit log", "已导出，带水印并记入审计日志")


def _private(path: Path) -> IO[str]:
    """A file that its owner alone reads, opened before anything is noted as taken away. A pipe stays as it is."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        if path.is_file():
            os.fchmod(handle, 0o600)
    except OSError as error:
        raise Stop(f"{path} cannot be written: {error.strerror}", "无法写入该文件", USAGE) from None
    return os.fdopen(handle, "w", encoding="utf-8-sig", newline="")
