"""`qudao resync`: read the channel again, or send ours again."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.reconcile import compare, finding, tell
from commands.terminal import NO, USAGE, AsJson, Stop, calling, instant, progress, say, show, show_one

if TYPE_CHECKING:
    from core.channel import Window
    from sync.runtime import Runtime

app = typer.Typer(help="Read a channel again, or send ours again · 重新同步。", no_args_is_help=True)

Shop = Annotated[str, typer.Option("--shop", help="channel:account · 渠道:店铺 ID。")]
Since = Annotated[str, typer.Option("--since", help="2026-11-11T20:00, or 90m, 12h, 7d ago · 起始时间。")]
Until = Annotated[str, typer.Option("--until", help="As --since; now when left out · 截止时间。")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change, write nothing · 只预览。")]
Push = Annotated[bool, typer.Option("--push", help="Send ours again instead of reading · 改为重新推送本方数据。")]


ShopArgument = Annotated[str, typer.Argument(metavar="SHOP", help="channel:account · 渠道:店铺 ID。")]
Rate = Annotated[float, typer.Option("--rate", min=0.1, max=50, help="Calls a second at most · 每秒最多调用数。")]
RATE = 5.0


@app.command()
def orders(
    shop: Shop, since: Since, until: Until = "0m", dry_run: DryRun = False, rate: Rate = RATE, json: AsJson = False
) -> None:
    """Orders changed in a time range · 时间段内有变更的订单。"""
    now = datetime.now(UTC)
    begin, end = instant(since, now), instant(until, now)
    if begin >= end:
        raise Stop("--since must lie before --until", "--since 须早于 --until", USAGE)
    _again(shop, ("orders",), begin, end, dry_run=dry_run, rate=rate, json=json)


@app.command("shop")
def whole_shop(
    shop: ShopArgument, since: Since = "3d", dry_run: DryRun = False, rate: Rate = RATE, json: AsJson = False
) -> None:
    """Everything of a shop: orders and after-sales since then, all known listings · 整个店铺。"""
    from sync.drift import PARTS

    now = datetime.now(UTC)
    _again(shop, PARTS, instant(since, now), now, dry_run=dry_run, rate=rate, json=json)


@app.command()
def resume(
    run: Annotated[int | None, typer.Argument(help="As told when it stopped, else the newest · 编号。")] = None,
    rate: Rate = RATE,
    json: AsJson = False,
) -> None:
    """Go on with one that was stopped, where it was · 继续被中断的同步。"""
    from sync import reconcile as work

    with calling() as runtime:
        left = work.stopped(runtime, run)
        plan = work.Plan(left.shop_id, left.parts, left.since, left.until)
        result = compare(runtime, plan, dry_run=False, bar=not json, origin="resync", going_on=left, rate=rate)
    tell([result], json=json)


def _again(
    shop: str, parts: tuple[str, ...], since: datetime, until: datetime, *, dry_run: bool, rate: float, json: bool
) -> None:
    from sync import reconcile as work

    plan = work.Plan(shop, parts, since.astimezone(UTC), until.astimezone(UTC))
    with calling() as runtime:
        result = compare(runtime, plan, dry_run=dry_run, bar=not json, origin="resync", rate=rate)
    tell([result], json=json)


@app.command()
def order(
    shop: ShopArgument,
    number: Annotated[str, typer.Argument(metavar="ORDER", help="The channel's order id · 订单号。")],
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """One order · 一个订单。"""
    _one(shop, "orders", number, dry_run=dry_run, json=json)


@app.command()
def listing(
    shop: ShopArgument,
    number: Annotated[str, typer.Argument(metavar="LISTING", help="The channel's listing id · 商品 ID。")],
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """One listing with its stock and prices · 一个商品。"""
    _one(shop, "shelf", number, dry_run=dry_run, json=json)


def _one(shop: str, part: str, number: str, *, dry_run: bool, json: bool) -> None:
    from sync import reconcile as work

    with calling() as runtime:
        found = work.one(runtime, shop, part, number, dry_run=dry_run)
    tell([{"shop": shop, "dry_run": dry_run, "findings": [finding(each) for each in found]}], json=json)


@app.command()
def listings(shop: Shop, dry_run: DryRun = False, push: Push = False, json: AsJson = False) -> None:
    """All listings, or with --push all prices the ERP ever set · 全部商品；--push 重推价格。"""
    from sync import ops

    _not_both(dry_run, push)
    with calling() as runtime:
        if push:
            _queued(ops.push_prices(runtime, shop), json=json)
            return
        now = datetime.now(UTC)
        summary = _read(runtime, shop, "listings", _window(now, now), dry_run=dry_run, bar=not json)
    _report(summary, json=json)


@app.command()
def stock(shop: Shop, dry_run: DryRun = False, push: Push = False, json: AsJson = False) -> None:
    """What the channel shows of stock now, or with --push the ERP's numbers again · 读取平台库存；--push 重推库存。"""
    from sync import ops

    _not_both(dry_run, push)
    with calling() as runtime:
        if push:
            _queued(ops.push_stock(runtime, shop), json=json)
            return
        total = len(ops.list_mappings(runtime, shop=shop))
        rows: list[Mapping[str, Any]] = []
        with progress(f"stock {shop}", total, shown=not json) as step:
            for batch in ops.resync_stock(runtime, shop, dry_run=dry_run):
                rows += [_reading(each) for each in batch]
                step(len(rows), f"{len(rows)} of {total}")
    show(rows, as_json=json, empty="the shop has no listing SKUs here yet", empty_zh="暂无商品规格")


def _reading(reading: Any) -> dict[str, Any]:
    return {
        "listing": reading.row.key.listing_id,
        "sku_id": reading.row.key.sku_id,
        "sku": reading.row.sku,
        "known": reading.row.sellable,
        "shown": reading.now.sellable if reading.now else None,
        "held": reading.now.held if reading.now else None,
        "wanted": reading.wanted,
    }


def _window(since: datetime, until: datetime) -> "Window":
    from core.channel import Window

    return Window(since.astimezone(UTC), until.astimezone(UTC))


def _read(runtime: "Runtime", shop: str, stream: str, window: "Window", *, dry_run: bool, bar: bool) -> dict[str, Any]:
    from sync import ops

    effects = {"created": 0, "updated": 0, "unchanged": 0}
    changed: list[dict[str, Any]] = []
    bad = pages = 0
    complete: dict[datetime, bool] = {}
    bad_of: dict[datetime, int] = {}
    seconds = (window.until - window.since).total_seconds()
    with progress(f"{stream} {shop}", seconds or None, shown=bar) as step:
        for walk, outcomes in ops.resync(runtime, shop, stream, window, dry_run=dry_run):
            pages += 1
            complete[walk.since] = walk.complete
            bad_of[walk.since] = bad_of.get(walk.since, 0) + walk.bad
            _count(outcomes, effects, changed)
            step((walk.until - window.since).total_seconds(), ", ".join(f"{n} {name}" for name, n in effects.items()))
    bad = sum(bad_of.values())
    return {
        "shop": shop,
        "stream": stream,
        "dry_run": dry_run,
        "pages": pages,
        **effects,
        "unreadable": bad,
        "complete": all(complete.values()),
        "changed": changed,
    }


def _count(outcomes: Iterable[Any], effects: dict[str, int], changed: list[dict[str, Any]]) -> None:
    for outcome in outcomes:
        effects[outcome.effect] += 1
        if outcome.effect != "unchanged":
            row = {"id": outcome.id, "effect": outcome.effect, "fields": list(outcome.changed)}
            if outcome.differences:
                row["changes"] = [
                    {"field": each.field, "before": each.before, "after": each.after} for each in outcome.differences
                ]
            changed.append(row)


def _report(summary: dict[str, Any], *, json: bool) -> None:
    if json:
        show_one(summary, as_json=True)
    else:
        show([row for each in summary["changed"][:50] for row in _lines(each)], as_json=False)
        show_one({name: value for name, value in summary.items() if name != "changed"}, as_json=False)
    if not summary["complete"]:
        raise Stop("the channel gave fewer items than it counted; run it again", "平台返回数量少于其计数，请重试", NO)


def _lines(changed: dict[str, Any]) -> list[dict[str, Any]]:
    """One line for each field that would change; one for a thing that did."""
    named = {"id": changed["id"], "effect": changed["effect"]}
    return [named | change for change in changed.get("changes", ())] or [
        named | {"field": ", ".join(changed["fields"]), "before": None, "after": None}
    ]


def _queued(count: int, *, json: bool) -> None:
    if json:
        show_one({"queued": count}, as_json=True)
    else:
        say(f"{count} listing SKUs are sent again", f"已重新排队 {count} 个商品规格")


def _not_both(dry_run: bool, push: bool) -> None:
    if dry_run and push:
        raise Stop("--dry-run only reads; leave --push out", "--dry-run 与 --push 不能同时使用", USAGE)
