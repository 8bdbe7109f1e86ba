"""`qudao subscription`: addresses that are sent the feed as signed webhooks."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.terminal import USAGE, AsJson, Stop, cell, instant, opened, print_json, say, show, show_one

if TYPE_CHECKING:
    from core.db.deliveries import Attempt
    from sync.subscriptions import Shown, View

app = typer.Typer(help="Webhooks to ERPs · Webhook 订阅。", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="As in the list · 订阅编号。")]


@app.command("list")
def list_subscriptions(json: AsJson = False) -> None:
    """All subscriptions and how they fare · 订阅列表。"""
    from sync import subscriptions

    with opened() as runtime:
        views = subscriptions.every(runtime)
    rows = [
        {
            "id": view.row.id,
            "state": view.row.state.value,
            "url": view.row.url,
            "waiting": view.waiting,
            "failed": view.failed,
            "failing_since": view.row.failing_since,
            "delivered_at": view.row.delivered_at,
            "reason": view.row.reason,
        }
        for view in views
    ]
    show(rows, as_json=json, empty="no subscriptions", empty_zh="暂无订阅")
    if not json:
        for view in views:
            if view.row.state.value == "disabled":
                say(
                    f"{view.row.id} is disabled: {view.row.reason}; mend it, then `qudao subscription resume`",
                    "该订阅已停用，修复后请恢复",
                )


@app.command("show")
def show_subscription(subscription: Id, json: AsJson = False) -> None:
    """One subscription · 查看订阅。"""
    from sync import subscriptions

    with opened() as runtime:
        show_one(_told(subscriptions.show(runtime, subscription)), as_json=json)


@app.command()
def add(
    url: Annotated[str, typer.Argument(help="https://… · 接收地址。")],
    types: Annotated[
        list[str] | None, typer.Option("--type", help="e.g. order.*; repeatable; none: all · 事件类型，可重复。")
    ] = None,
    shops: Annotated[
        list[str] | None, typer.Option("--shop", help="Only this shop; repeatable · 限定店铺，可重复。")
    ] = None,
    channels: Annotated[
        list[str] | None, typer.Option("--channel", help="Only this channel; repeatable · 限定渠道，可重复。")
    ] = None,
    json: AsJson = False,
) -> None:
    """Subscribe to what comes from now on; the secret is shown this once · 新增订阅，密钥仅显示一次。"""
    import asyncio

    from core.db.subscriptions import Wanted
    from sync import subscriptions
    from sync.webhook_targets import Refused

    with opened() as runtime:
        try:
            asyncio.run(subscriptions.targets(runtime).check(url))
        except Refused as refused:
            raise Stop(f"refused: {refused}", "目标地址被拒绝") from None
        view, secret = subscriptions.add(runtime, Wanted(url, types or (), shops or (), channels or ()))
    if json:
        print_json({**_told(view), "secret": secret.plain})
        return
    typer.echo(secret.plain)
    say(f"{view.row.id}: keep the secret now, it is not shown again", "请立即保存签名密钥，不再显示")


@app.command()
def rotate(
    subscription: Id,
    keep: Annotated[
        int, typer.Option("--keep-hours", min=0, max=168, help="How long the old one stays valid · 旧密钥保留小时数。")
    ] = 24,
    json: AsJson = False,
) -> None:
    """A new secret, shown this once · 更换签名密钥。"""
    from sync import subscriptions

    with opened() as runtime:
        secret, until = subscriptions.rotate(runtime, subscription, timedelta(hours=keep))
    if json:
        print_json({"id": subscription, "secret": secret.plain, "previous_secret_until": until})
        return
    typer.echo(secret.plain)
    say(f"the old secret is valid as well until {cell(until)}", "旧密钥在此之前仍有效")


@app.command()
def pause(subscription: Id) -> None:
    """Send nothing until it is resumed; nothing is lost · 暂停推送。"""
    from sync import subscriptions

    with opened() as runtime:
        subscriptions.pause(runtime, subscription)
    say(f"{subscription} is paused", "已暂停")


@app.command()
def resume(
    subscription: Id,
    skip: Annotated[bool, typer.Option("--skip", help="Skip what waits; go on with what comes · 跳过积压。")] = False,
) -> None:
    """Go on, also after it was disabled · 恢复推送。"""
    from sync import subscriptions

    with opened() as runtime:
        view = subscriptions.resume(runtime, subscription, skip=skip)
    say(f"{subscription} is active, {view.waiting} wait to be sent", "已恢复")


@app.command("test")
def send_test(subscription: Id, json: AsJson = False) -> None:
    """Send a test event the way every event goes · 发送测试事件。"""
    from sync import subscriptions

    with opened() as runtime:
        event_id = subscriptions.send_test(runtime, subscription)
    if json:
        print_json({"event_id": event_id})
        return
    say(f"{event_id} is on its way; see `qudao subscription deliveries {subscription}`", "测试事件已发出")


@app.command()
def deliveries(
    subscription: Id,
    state: Annotated[str, typer.Option(help="due, delivered, failed or skipped · 状态。")] = "",
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=1000, help="How many · 条数。")] = 20,
    json: AsJson = False,
) -> None:
    """What was sent and is to be sent, the newest events first · 投递记录。"""
    from core.db.deliveries import State
    from sync import subscriptions

    if state and state not in list(State):
        raise Stop(f"{state!r} is no state; there are {', '.join(State)}", "状态不对", USAGE)
    with opened() as runtime:
        wanted = State(state) if state else None
        found = subscriptions.show_deliveries(runtime, subscription, state=wanted, limit=lines)
    if json:
        print_json([{**_line(shown), "attempts": [_attempt(each) for each in shown.attempts]} for shown in found])
        return
    show([_line(shown) for shown in found], as_json=False, empty="no deliveries", empty_zh="暂无投递")


@app.command()
def resend(
    subscription: Id, delivery: Annotated[int, typer.Argument(metavar="DELIVERY", help="Its number · 投递编号。")]
) -> None:
    """Send one delivery again · 重发一条。"""
    from sync import subscriptions

    with opened() as runtime:
        subscriptions.resend(runtime, subscription, delivery)
    say(f"delivery {delivery} is due", "已加入重发")


@app.command()
def recover(
    subscription: Id,
    since: Annotated[str, typer.Option(help="2026-11-11T20:00, or 90m, 12h, 7d ago · 起始时间。")],
    json: AsJson = False,
) -> None:
    """Send again what failed or was skipped since then, and what never became a delivery · 补发。"""
    from sync import subscriptions

    with opened() as runtime:
        again = subscriptions.recover(runtime, subscription, instant(since, runtime.clock.now()))
    if json:
        print_json({"again": again})
        return
    say(f"{again} are due again; what never became a delivery follows", "已加入补发")


@app.command()
def remove(subscription: Id) -> None:
    """Remove it with its log and all that waits · 删除订阅。"""
    from sync import subscriptions

    with opened() as runtime:
        subscriptions.remove(runtime, subscription)
    say(f"{subscription} is removed", "已删除")


def _told(view: "View") -> dict[str, Any]:
    row = view.row
    return {
        "id": row.id,
        "state": row.state.value,
        "reason": row.reason,
        "url": row.url,
        "types": ", ".join(row.types),
        "shops": ", ".join(row.shops or row.reach),
        "channels": ", ".join(row.channels),
        "waiting": view.waiting,
        "failed": view.failed,
        "behind": view.behind,
        "failing_since": row.failing_since,
        "delivered_at": row.delivered_at,
        "previous_secret_until": row.previous_until,
        "created_at": row.created_at,
    }


def _line(shown: "Shown") -> dict[str, Any]:
    row = shown.delivery
    return {
        "delivery": row.id,
        "event": row.event_id,
        "state": row.state.value,
        "calls": row.attempts,
        "status": row.status,
        "error": row.error,
        "next_try": row.not_before,
        "settled_at": row.settled_at,
    }


def _attempt(attempt: "Attempt") -> dict[str, Any]:
    return {
        "at": attempt.at,
        "status": attempt.status,
        "ms": attempt.ms,
        "error": attempt.error,
        "response": attempt.response.decode(errors="replace"),
    }
