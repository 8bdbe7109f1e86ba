"""`qudao reconcile`: compare shops with their channels now, and see what comparisons found."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.terminal import NO, USAGE, AsJson, Stop, calling, opened, print_json, progress, say, show

if TYPE_CHECKING:
    from core.db.reconciliations import Counts, Run
    from sync.drift import Finding
    from sync.reconcile import Plan
    from sync.runtime import Runtime

Shop = Annotated[str, typer.Argument(metavar="[SHOP]", help="channel:account; all when left out · 渠道:店铺 ID。")]
Only = Annotated[str, typer.Option("--only", help="orders,after-sales,stock,price,shelf · 只核对这些。")]
Days = Annotated[float | None, typer.Option("--days", min=0.01, help="How far back orders are compared · 天数。")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change, write nothing · 只预览。")]
Listed = Annotated[bool, typer.Option("--list", help="What comparisons found, newest first · 历次核对结果。")]
SHOWN = 100


def add_to(app: typer.Typer) -> None:
    app.command("reconcile")(reconcile)


def reconcile(
    shop: Shop = "",
    only: Only = "",
    days: Days = None,
    dry_run: DryRun = False,
    listed: Listed = False,
    json: AsJson = False,
) -> None:
    """Compare orders, after-sales, stock, prices and shelves with the channel · 与平台核对。"""
    if listed:
        _list(shop, json=json)
        return
    from sync import reconcile as work

    parts = [part.strip() for part in only.split(",") if part.strip()]
    with calling() as runtime:
        chosen = [shop] if shop else _active(runtime)
        results = [
            compare(runtime, work.plan(runtime, each, parts, days), dry_run=dry_run, bar=not json) for each in chosen
        ]
    tell(results, json=json)


def _active(runtime: "Runtime") -> list[str]:
    from sync import ops

    found = [view.shop.id for view in ops.list_shops(runtime) if view.shop.active]
    if not found:
        raise Stop("no active shops; `qudao shop add` connects one", "没有可核对的店铺", USAGE)
    return found


def compare(
    runtime: "Runtime",
    plan: "Plan",
    *,
    dry_run: bool,
    bar: bool,
    origin: str = "asked",
    going_on: "Run | None" = None,
    rate: float | None = None,
) -> dict[str, Any]:
    """Does it with a progress bar; answers the row that `tell` prints."""
    from core.db.reconciliations import Counts
    from sync import reconcile as work

    counts, findings = Counts(), list["Finding"]()
    identity = 0
    with progress(f"{origin} {plan.shop_id}", 1.0, shown=bar) as step:
        pieces = work.here(runtime, plan, origin=origin, dry_run=dry_run, going_on=going_on, calls_per_second=rate)
        try:
            for run, piece in pieces:
                identity = run.id
                counts, findings = counts + piece.counts, findings + list(piece.findings)
                step(piece.share, f"{piece.stage}: {counts.compared} compared, {counts.differing} differ")
        except KeyboardInterrupt:
            if identity:
                again = f"`qudao resync resume {identity}`" if origin == "resync" else "the same command"
                say(f"stopped; {again} goes on where it was", f"已停止；{again} 可继续")
            raise
    return {"shop": plan.shop_id, "run": identity or None, "dry_run": dry_run, **_counts(counts)} | {
        "findings": [finding(each) for each in findings]
    }


def _counts(counts: "Counts") -> dict[str, int]:
    return {name: getattr(counts, name) for name in type(counts).__dataclass_fields__}


def finding(found: "Finding") -> dict[str, Any]:
    return {
        "part": found.part,
        "object": found.object_id,
        "outcome": found.outcome,
        "words": found.words,
        "changes": [{"field": each.field, "before": each.before, "after": each.after} for each in found.differences],
    }


def tell(results: list[dict[str, Any]], *, json: bool) -> None:
    """What was found, field by field, and the counts of each shop."""
    if json:
        print_json(results)
    else:
        _table(results)
    if any(found["outcome"] == "incomplete" for each in results for found in each["findings"]):
        raise Stop("the channel gave fewer items than it counted; run it again", "平台返回数量少于其计数，请重试", NO)


def _table(results: list[dict[str, Any]]) -> None:
    rows = [
        {
            "shop": each["shop"],
            "part": found["part"],
            "object": found["object"],
            "outcome": found["outcome"],
            "field": change["field"],
            "before": change["before"],
            "after": change["after"] if change["field"] else found["words"],
        }
        for each in results
        for found in each["findings"]
        for change in (found["changes"] or [{"field": "", "before": None, "after": None}])
    ]
    if rows:
        show(rows[:SHOWN], as_json=False)
        if len(rows) > SHOWN:
            say(f"{len(rows) - SHOWN} more; --json prints them all", f"另有 {len(rows) - SHOWN} 条，--json 可全部输出")
    else:
        say("everything agrees", "完全一致")
    show([{name: value for name, value in each.items() if name != "findings"} for each in results], as_json=False)
    if any(found["outcome"] == "waiting" for each in results for found in each["findings"]):
        say(
            "readings that wait are judged once the orders of that time are here; see `qudao conflicts list`",
            "待定的库存差异会在相关订单到齐后裁决，见 `qudao conflicts list`",
        )


def _list(shop: str, *, json: bool) -> None:
    from sync import reconcile as work

    with opened() as runtime:
        found = work.runs(runtime, shop=shop)
    show(
        [
            {
                "run": run.id,
                "shop": run.shop_id,
                "origin": run.origin,
                "parts": ",".join(run.parts),
                "started": run.started_at,
                "ended": run.ended_at,
                **_counts(run.counts),
                "reason": run.reason,
            }
            for run in found
        ],
        as_json=json,
        empty="no comparison yet",
        empty_zh="尚未核对",
    )
