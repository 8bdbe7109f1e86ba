"""`qudao resync`: read the channel again, or send ours again."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

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


@app.command()
def orders(shop: Shop, since: Since, until: Until = "0m", dry_run: DryRun = False, json: AsJson = False) -> None:
    """Orders changed in a time range · 时间段内有变更的订单。"""
    now = datetime.now(UTC)
    begin, end = instant(since, now), instant(until, now)
    if begin >= end:
        raise Stop("--since must lie before --until", "--since 须早于 --until", USAGE)
    with calling() as runtime:
        summary = _read(runtime, shop, "orders", _window(begin, end), dry_run=dry_run, bar=not json)
    _report(summary, json=json)


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
            changed.append({"id": outcome.id, "effect": outcome.effect, "fields": list(outcome.changed)})


def _report(summary: dict[str, Any], *, json: bool) -> None:
    if json:
        show_one(summary, as_json=True)
    else:
        show([each | {"fields": ", ".join(each["fields"])} for each in summary["changed"][:50]], as_json=False)
        show_one({name: value for name, value in summary.items() if name != "changed"}, as_json=False)
    if not summary["complete"]:
        raise Stop("the channel gave fewer items than it counted; run it again", "平台返回数量少于其计数，请重试", NO)


def _queued(count: int, *, json: bool) -> None:
    if json:
        show_one({"queued": count}, as_json=True)
    else:
        say(f"{count} listing SKUs are sent again", f"已重新排队 {count} 个商品规格")


def _not_both(dry_run: bool, push: bool) -> None:
    if dry_run and push:
        raise Stop("--dry-run only reads; leave --push out", "--dry-run 与 --push 不能同时使用", USAGE)
