"""`qudao doctor`: what is wrong, and what to do about it."""

from typing import Annotated

import typer

from commands.terminal import NO, AsJson, Stop, line, opened, print_json, show


def add_to(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(
    gateways: Annotated[bool, typer.Option(help="Ask every shop's channel too · 是否检查平台网关。")] = True,
    json: AsJson = False,
) -> None:
    """Check database, Redis, key, clocks, tokens, gateways, lag · 全面检查并给出处理建议。"""
    from sync.health import State, examine

    with opened() as runtime:
        findings = list(examine(runtime, gateways=gateways))
    bad = sum(finding.state is State.BAD for finding in findings)
    if json:
        print_json({"ok": not bad, "findings": findings})
    else:
        rows = [
            {
                "": finding.state.value,
                "what": finding.what,
                "found": finding.detail,
                "do": line(finding.advice, finding.advice_zh) if finding.advice else "",
            }
            for finding in findings
        ]
        show(rows, as_json=False)
    if bad:
        raise Stop(f"{bad} {'finding needs' if bad == 1 else 'findings need'} you", f"有 {bad} 项需要处理", NO)
