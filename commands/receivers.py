"""`qudao orders address`, `reveal` and `search`: where orders go, and buyers who ask for another address."""

import sys
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from commands.reasons import Reason
from commands.terminal import USAGE, AsJson, Stop, calling, opened, print_json, say, show_one
from commands.wishes import DryRun, tell


class Answer(StrEnum):
    APPROVE = "approve"
    REFUSE = "refuse"


class For(StrEnum):
    SHIP = "ship"
    AFTER_SALE = "after_sale"


def add_to(app: typer.Typer) -> None:
    app.command("address")(answer_address)
    app.command("reveal")(reveal)
    app.command("search")(search)


def answer_address(
    shop: str,
    order: str,
    answer: Annotated[Answer, typer.Argument(help="approve · 同意；refuse · 拒绝。")],
    refusal: Annotated[str, typer.Option(help="shipped, packed, unreachable, cost or other · 拒绝原因。")] = "",
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """Answer a buyer who asks for another address · 答复买家改地址申请。"""
    from sync import by_hand

    approve = answer is Answer.APPROVE
    with opened() as runtime:
        result = by_hand.answer_address(runtime, shop, order, approve=approve, refusal=refusal, dry_run=dry_run)
    tell(result, what=f"{order} {answer.value}", dry_run=dry_run, json=json)


def reveal(
    shop: str,
    order: str,
    purpose: Annotated[For, typer.Option(help="ship or after_sale · 用途：发货或售后。")],
    reason: Reason,
    json: AsJson = False,
) -> None:
    """Show an order's receiver once, in plain text; written into the audit log · 查看收件人明文（记入审计）。"""
    from core.channel import Purpose
    from core.db import audit
    from sync import receivers

    with calling() as runtime:
        found = receivers.reveal(runtime, shop, order, Purpose(purpose.value), by=audit.CLI, reason=reason)
    say("personal data, shown once: keep it nowhere", "个人信息，仅显示一次，请勿保存")
    show_one(
        {
            "name": found.name,
            "phone": found.phone,
            "address": found.address,
            "virtual": found.virtual,
            "expires_at": found.expires_at,
        },
        as_json=json,
    )


def search(
    shop: str,
    reason: Reason,
    days: Annotated[int, typer.Option(min=1, max=90, help="Orders of so many days · 查询最近多少天。")] = 30,
    json: AsJson = False,
) -> None:
    """Find the orders of a receiver; the name or phone is asked for (or piped in), so that no shell keeps it ·
    按收件人查订单。
    """
    from core.channel import Window
    from core.db import audit
    from sync import receivers

    who = _asked()
    phone = who if who.lstrip("+").replace("-", "").isdecimal() else ""
    now = datetime.now(UTC)
    window = Window(now - timedelta(days=days), now)
    with calling() as runtime:
        found = receivers.search(
            runtime, shop, window, name="" if phone else who, phone=phone, by=audit.CLI, reason=reason
        )
    if json:
        print_json({"orders": found})
        return
    say(f"{len(found)} orders", f"{len(found)} 个订单")
    for order in found:
        typer.echo(order)


def _asked() -> str:
    """Typed without an echo, or the first line of what a program pipes in."""
    if sys.stdin.isatty():
        return str(typer.prompt("Name or phone · 姓名或电话", hide_input=True, err=True)).strip()
    if who := sys.stdin.readline().strip():
        return who
    raise Stop("no name or phone was given", "未输入姓名或电话", USAGE)
