"""`qudao conflicts`: what both sides changed, who decides, and whose word counts from now on."""

import getpass
import json as texts
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.terminal import USAGE, AsJson, ShopOption, Stop, opened, say, show, show_one
from core.conflict import Field, Policy

if TYPE_CHECKING:
    from core.db.conflicts import DecisionRow

app = typer.Typer(help="What ERP and channel both changed · 两边都改过的数据。", no_args_is_help=True)

Number = Annotated[int, typer.Argument(metavar="ID", help="As in the list · 冲突编号。")]


@app.command("list")
def list_conflicts(
    shop: ShopOption = "",
    field: Annotated[str, typer.Option(help="stock, price, shelf, tracking, memo, address · 字段。")] = "",
    state: Annotated[str, typer.Option(help="open, decided, resolved, superseded, all · 状态。")] = "open",
    json: AsJson = False,
) -> None:
    """What waits for a decision, or was decided · 冲突列表。"""
    from sync import resolve as resolving

    if state not in (*resolving.FILTERS, "all"):
        raise Stop(f"no state {state}; there are {', '.join(resolving.FILTERS)} and all", "没有这个状态", USAGE)
    with opened() as runtime:
        rows = resolving.list_conflicts(
            runtime, shop=shop, field=_field(field).value if field else "", state="" if state == "all" else state
        )
    show(
        [_told(row) for row in rows],
        as_json=json,
        empty="no conflicts" if state == "all" else f"no {state} conflicts",
        empty_zh="没有冲突",
    )


@app.command("show")
def show_conflict(identity: Number, json: AsJson = False) -> None:
    """One decision with everything it was made of; a memo or address in plain text · 冲突详情。"""
    from sync import resolve as resolving

    with opened() as runtime:
        row = resolving.show_conflict(runtime, identity)
    more = {"rule": row.rule, "intent": row.intent_id, "ours_at": row.ours_at, "theirs_at": row.theirs_at}
    end = {"resolved_at": row.resolved_at, "resolution": row.resolution, "by": row.by, "note": row.note}
    show_one(_told(row) | more | end, as_json=json)


@app.command()
def resolve(
    identity: Number,
    choice: Annotated[str, typer.Argument(metavar="ours|theirs|value", help="· 以哪方为准。")],
    value: Annotated[str, typer.Argument(help="With `value`: pieces, or a price in fen · 件数或价格（分）。")] = "",
    note: Annotated[str, typer.Option(help="Why · 备注。")] = "",
) -> None:
    """Decide: send ours, let theirs stand, or want another value · 处理冲突。"""
    from sync import resolve as resolving

    with opened() as runtime:
        row = resolving.resolve(runtime, identity, choice, value=value, note=note, by=getpass.getuser())
    say(f"{row.field} of {row.object_id} in {row.shop_id}: {row.resolution}", "已处理")


@app.command("policy")
def policy(
    shop: Annotated[str, typer.Argument(help="channel:account, or `all` for the default · 店铺。")] = "all",
    field: Annotated[str, typer.Argument(help="stock, price, shelf, tracking, memo, address · 字段。")] = "",
    chosen: Annotated[str, typer.Argument(metavar="[erp|channel|newest|ask]", help="· 策略。")] = "",
    json: AsJson = False,
) -> None:
    """Show or set whose word counts when both sides changed a field · 冲突策略。"""
    from sync import resolve as resolving

    identity = "" if shop == "all" else shop
    with opened() as runtime:
        if chosen:
            resolving.set_policy(runtime, identity, _field(field), _policy(chosen))
            say(f"{field} in {shop}: {chosen}", "已设置")
            return
        views = resolving.list_policies(runtime, identity)
    wanted = _field(field) if field else None
    rows = [view for view in views if wanted in (None, view.field)]
    show([{"shop": shop, "field": view.field, "policy": view.policy, "own": view.own} for view in rows], as_json=json)


def _told(row: "DecisionRow") -> dict[str, Any]:
    return {
        "id": row.id,
        "shop": row.shop_id,
        "field": row.field,
        "object": row.object_id,
        "base": _short(row.base),
        "ours": _short(row.ours),
        "theirs": _short(row.theirs),
        "policy": row.policy,
        "outcome": row.outcome,
        "state": row.state,
        "reason": row.reason,
        "at": row.at,
    }


def _short(value: str) -> str:
    """A price as its sale price alone where it has no other; anything else as it is."""
    if not value.startswith("{"):
        return value
    named = {name: each for name, each in texts.loads(value).items() if each is not None}
    return " ".join(f"{name} {each}" for name, each in named.items())


def _field(name: str) -> Field:
    if name not in set(Field):
        raise Stop(f"no field {name!r}; there are {', '.join(Field)}", "没有这个字段", USAGE)
    return Field(name)


def _policy(name: str) -> Policy:
    if name not in set(Policy):
        raise Stop(f"no policy {name!r}; there are {', '.join(Policy)}", "没有这个策略", USAGE)
    return Policy(name)
