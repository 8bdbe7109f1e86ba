"""The command `qudao`. Every noun is a module in `commands/`; errors end here, in one line and an exit code."""

import sys
from importlib import metadata
from typing import Annotated

import typer

from commands import (
    audit,
    budgets,
    conflicts,
    demo,
    doctor,
    explain,
    feed,
    gaps,
    key,
    mapping,
    orders,
    parked,
    parts,
    privacy,
    reconcile,
    report,
    resync,
    schema,
    secret,
    shelf,
    ship,
    shop,
    stock,
    subscription,
    up,
)
from commands.terminal import INTERRUPTED, meaning

EPILOG = (
    "Exit codes · 退出码: 0 done 完成 · 1 the answer is no 结果为否 · 2 wrong usage 用法错误 · "
    "3 a setting to change 需改配置 · 4 database or Redis away 数据库或 Redis 不可用 · "
    "5 a channel said no 平台拒绝 · 130 interrupted 已中断. "
    "Settings · 配置: QUDAO_* or qudao.toml. Language · 语言: QUDAO_LANG=en|zh."
)

app = typer.Typer(
    name="qudao",
    help="Shops on Chinese marketplaces, one feed for the ERP. · 多平台店铺，一个事件流。",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for module in (up, parts, demo, doctor, budgets, reconcile, schema, ship, shelf):
    module.add_to(app)
for name, module in (
    ("shop", shop),
    ("resync", resync),
    ("orders", orders),
    ("map", mapping),
    ("stock", stock),
    ("feed", feed),
    ("parked", parked),
    ("conflicts", conflicts),
    ("gaps", gaps),
    ("explain", explain),
    ("key", key),
    ("secret", secret),
    ("privacy", privacy),
    ("report", report),
    ("audit", audit),
    ("subscription", subscription),
):
    app.add_typer(module.app, name=name)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", is_eager=True, help="Print the version · 显示版本。")] = False,
) -> None:
    if version:
        typer.echo(f"qudao {metadata.version('qudao')}")
        raise typer.Exit


def main() -> None:
    """The entry point. A defect of ours still shows its traceback; everything else is one line."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:
        told = meaning(error)
        if told is None:
            raise
        text, code = told
        if text:
            typer.echo(text, err=True)
        sys.exit(code)


if __name__ == "__main__":
    main()
