"""`qudao gaps`: time ranges that are not proven complete, and streams that stand still."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.terminal import (
    NO,
    USAGE,
    AsJson,
    ShopOption,
    Stop,
    calling,
    instant,
    opened,
    print_json,
    progress,
    say,
    show,
)

if TYPE_CHECKING:
    from core.db.watermarks import Walk
    from sync.gaps import GapView, Repair

app = typer.Typer(help="What is not proven to be here · 数据缺口。", no_args_is_help=True)

StreamOption = Annotated[str, typer.Option("--stream", help="orders, after_sales or listings · 数据流。")]


@app.command("list")
def list_gaps(
    shop: ShopOption = "",
    stream: StreamOption = "",
    since: Annotated[str, typer.Option(help="Tried since then: 2026-11-11T20:00, 12h, 7d · 起始时间。")] = "",
    json: AsJson = False,
) -> None:
    """Windows that brought fewer ids than the channel counted, and watermarks that stand · 缺口与停滞的数据流。"""
    from sync import gaps

    with opened() as runtime:
        begin = instant(since, runtime.clock.now()) if since else None
        found, standing = gaps.find(runtime, shop=shop, stream=stream, since=begin)
    rows = [_row(each) for each in found]
    stands = [
        {
            "stream": each.stream,
            "shop": each.shop_id,
            "complete_through": each.complete_through,
            "last_walk": each.last_walk,
            "tries": each.tries,
            "why": each.why,
        }
        for each in standing
    ]
    if json:
        print_json({"gaps": rows, "standing": stands})
        return
    if rows or not stands:
        show(
            [row | {"missing": _ids(row["missing"])} for row in rows],
            as_json=False,
            empty="no gaps",
            empty_zh="没有缺口",
        )
    if stands:
        say("these watermarks stand still", "以下数据流停滞")
        show(stands, as_json=False)


def _row(view: "GapView") -> dict[str, Any]:
    gap = view.gap
    return {
        "gap": gap.id,
        "shop": gap.shop_id,
        "stream": gap.stream,
        "since": gap.since,
        "until": gap.until,
        "expected": gap.expected,
        "received": gap.received,
        "tries": gap.tries,
        "why": view.why,
        "missing": [{"id": each.id, "why": each.why} for each in view.missing],
    }


def _ids(missing: list[dict[str, str]]) -> str:
    return "; ".join(f"{each['id']}: {each['why']}" for each in missing)


@app.command()
def repair(
    gap: Annotated[list[int] | None, typer.Argument(metavar="[GAP]...", help="As in the list · 缺口编号。")] = None,
    shop: ShopOption = "",
    stream: StreamOption = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, write nothing · 只预览。")] = False,
    json: AsJson = False,
) -> None:
    """Walk a gap again, within the rate budget; without numbers, every gap of a shop · 重新拉取缺口。"""
    from sync import gaps

    if bool(gap) == bool(shop):
        raise Stop("name gaps, or a shop with --shop", "请给出缺口编号，或用 --shop 指定店铺", USAGE)
    done = []
    with calling() as runtime:
        chosen = (
            [gaps.get(runtime, each) for each in gap]
            if gap
            else [view.gap for view in gaps.find(runtime, shop=shop, stream=stream)[0]]
        )
        for each in chosen:
            whole = (each.until - each.since).total_seconds()
            with progress(f"{each.stream} {each.shop_id}", whole, shown=not json) as step:
                walked = partial(_step, step, each.since)
                done.append(gaps.repair(runtime, each, dry_run=dry_run, walked=walked))
    _told(done, dry_run=dry_run, json=json)


def _step(step: Callable[[float, str], None], since: datetime, walk: "Walk") -> None:
    step((walk.until - since).total_seconds(), f"{walk.received} ids")


def _told(done: list["Repair"], *, dry_run: bool, json: bool) -> None:
    rows = [
        {
            "gap": each.gap.id,
            "shop": each.gap.shop_id,
            "stream": each.gap.stream,
            "closed": each.closed and not dry_run,
            "complete": each.closed,
            "expected": each.expected,
            "received": each.received,
            "changed": [{"id": one.id, "effect": one.effect, "fields": list(one.changed)} for one in each.changed],
            "missing": [{"id": one.id, "why": one.why} for one in each.missing],
        }
        for each in done
    ]
    shown = rows
    if not json:
        shown = [
            row
            | {
                "changed": ", ".join(f"{one.id} {one.effect}" for one in each.changed),
                "missing": "; ".join(f"{one.id}: {one.why}" for one in each.missing),
            }
            for row, each in zip(rows, done, strict=True)
        ]
    show(shown, as_json=json, empty="no gaps", empty_zh="没有缺口")
    if not all(each.closed for each in done):
        raise Stop(
            "the channel still gives fewer items than it counts; what is missing is named above",
            "平台返回数量仍少于其计数，缺失项见上",
            NO,
        )
