"""`qudao parked`: what stopped and waits for a person, why, and what to do about it."""

from collections.abc import Callable
from datetime import datetime
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
    line,
    meaning,
    opened,
    say,
    show,
    show_one,
)

if TYPE_CHECKING:
    from core.db.parked import Parked
    from sync.runtime import Runtime

app = typer.Typer(help="What waits for a person · 待人工处理。", no_args_is_help=True)

Refs = Annotated[
    list[str] | None, typer.Argument(metavar="[REF]...", help="As in the list: intent-12, notice-7, row-3 · 编号。")
]
KindOption = Annotated[
    str, typer.Option("--kind", help="ship, stock, price, memo, order, after_sale, listing · 类别。")
]
CodeOption = Annotated[str, typer.Option("--code", help="The reason code, as in the list · 原因代码。")]
OlderThan = Annotated[str, typer.Option("--older-than", help="Parked longer ago: 90m, 12h, 7d · 早于。")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only name what would be done · 只预览。")]


@app.command("list")
def list_parked(
    shop: ShopOption = "",
    kind: KindOption = "",
    code: CodeOption = "",
    older_than: OlderThan = "",
    json: AsJson = False,
) -> None:
    """Wishes, notices and rows that stopped, with the reason and what to do · 挂起列表：原因与建议。"""
    with opened() as runtime:
        found = _chosen(runtime, shop, kind, code, older_than)
    rows = [_row(item, json=json) for item in found]
    show(rows, as_json=json, empty="nothing is parked", empty_zh="没有待处理的项目")


@app.command("show")
def show_parked(
    ref: Annotated[str, typer.Argument(help="As in the list: intent-12, notice-7, row-3 · 编号。")],
    json: AsJson = False,
) -> None:
    """One of them, and what was done about it before · 详情与处理记录。"""
    from sync import ops

    with opened() as runtime:
        item, done = ops.show_parked(runtime, ref)
    row = _row(item, json=json)
    before = [
        {"at": each.at, "action": each.action, "code": each.code, "reason": each.reason, "note": each.note}
        for each in done
    ]
    if json:
        show_one(row | {"before": before}, as_json=True)
        return
    show_one(row, as_json=False)
    if before:
        show(before, as_json=False)


@app.command()
def retry(
    refs: Refs = None,
    shop: ShopOption = "",
    kind: KindOption = "",
    code: CodeOption = "",
    older_than: OlderThan = "",
    dry_run: DryRun = False,
) -> None:
    """Try again, one or all that a filter finds; an unreadable row is read from its channel now · 重试。"""
    from sync import ops

    with opened() as runtime:
        chosen = _named(runtime, refs, shop, kind, code, older_than)
    if dry_run:
        _would(chosen, "retried", "重试")
        return
    with calling() if any(item.ref.startswith("row-") for item in chosen) else opened() as runtime:
        _each(chosen, lambda item: ops.retry(runtime, item.ref), "is tried again", "已重试")


@app.command()
def dismiss(
    refs: Refs = None,
    note: Annotated[str, typer.Option(help="Why; it is kept · 备注，会保留。")] = "dismissed by an operator",
    shop: ShopOption = "",
    kind: KindOption = "",
    code: CodeOption = "",
    older_than: OlderThan = "",
    dry_run: DryRun = False,
) -> None:
    """Give up, one or all that a filter finds, with a note · 放弃。"""
    from sync import ops

    with opened() as runtime:
        chosen = _named(runtime, refs, shop, kind, code, older_than)
        if dry_run:
            _would(chosen, "dismissed", "放弃")
        else:
            _each(chosen, lambda item: ops.dismiss(runtime, item.ref, note), "is dismissed", "已放弃")


def _chosen(runtime: "Runtime", shop: str, kind: str, code: str, older_than: str) -> list["Parked"]:
    from sync import ops

    before: datetime | None = instant(older_than, runtime.clock.now()) if older_than else None
    limit = ops.MOST_AT_ONCE if kind or code or before else 200
    return ops.list_parked(runtime, shop=shop, kind=kind, code=code, before=before, limit=limit)


def _named(
    runtime: "Runtime", refs: list[str] | None, shop: str, kind: str, code: str, older_than: str
) -> list["Parked"]:
    from sync import ops

    filtered = bool(shop or kind or code or older_than)
    if bool(refs) == filtered:
        raise Stop(
            "name what to do it to, or choose with --shop, --kind, --code, --older-than",
            "请给出编号，或用 --shop、--kind、--code、--older-than 筛选",
            USAGE,
        )
    if refs:
        return [ops.show_parked(runtime, ref)[0] for ref in refs]
    return _chosen(runtime, shop, kind, code, older_than)


def _row(item: "Parked", *, json: bool) -> dict[str, Any]:
    from sync.advice import advise

    advice = advise(item)
    row = {
        "ref": item.ref,
        "kind": item.kind,
        "shop": item.shop_id,
        "object": item.object_id,
        "code": item.code,
        "reason": item.reason,
        "since": item.at,
    }
    if json:
        return row | {"advice": advice.english, "advice_zh": advice.chinese}
    return row | {"what_to_do": line(advice.english, advice.chinese)}


def _would(chosen: list["Parked"], english: str, chinese: str) -> None:
    for item in chosen:
        say(f"{item.ref}: {item.kind} {item.object_id} would be {english} ({item.reason})", f"将{chinese}")
    say(f"{len(chosen)} would be {english}", f"共 {len(chosen)} 项")


def _each(chosen: list["Parked"], do: Callable[["Parked"], object], english: str, chinese: str) -> None:
    """One that cannot be helped stops none of the others."""
    from core.errors import QudaoError

    failed = 0
    last: QudaoError | None = None
    for item in chosen:
        try:
            do(item)
        except QudaoError as error:
            if len(chosen) == 1:
                raise
            failed, last = failed + 1, error
            told = meaning(error)
            say(f"{item.ref}: {told[0] if told else error}")
        else:
            say(f"{item.ref}: {item.kind} {item.object_id} {english}", chinese)
    if not chosen:
        say("nothing is parked", "没有待处理的项目")
    if last is not None:
        raise Stop(f"{failed} of {len(chosen)} could not be helped", f"{len(chosen)} 项中有 {failed} 项失败", NO)
