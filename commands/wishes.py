"""What commands that wish something have in common: how the answer to it is told."""

from typing import TYPE_CHECKING, Annotated

import typer

from commands.terminal import NO, Stop, print_json, say

if TYPE_CHECKING:
    from sync.wishes import ItemResult

DryRun = Annotated[bool, typer.Option("--dry-run", help="Check and answer, but change nothing · 只校验，不执行。")]


def tell(result: "ItemResult", *, what: str, dry_run: bool, json: bool) -> None:
    """One line and the warnings, or JSON. What is refused ends the command."""
    if json:
        warnings = [{"code": each.code, "detail": each.message} for each in result.warnings]
        print_json(
            {"state": result.state, "code": result.code, "detail": result.message, "warnings": warnings}
            | {"dry_run": dry_run, "intents": [identity for identity, _ in result.intents] if not dry_run else []}
        )
    for each in result.warnings:
        say(f"warning: {each.code}: {each.message}", f"提示：{each.code}")
    if result.state == "refused":
        raise Stop(f"{result.code}: {result.message}", "未接受", NO)
    if not json:
        trial = " (dry run: nothing was changed)" if dry_run else ""
        say(f"{what}: {result.state}{trial}", "试运行，未执行" if dry_run else "已排队")
