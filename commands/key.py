"""`qudao key`: keys to /v1."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.terminal import NO, USAGE, AsJson, Stop, cell, instant, opened, print_json, say, show, show_one

if TYPE_CHECKING:
    from core.db.keys import KeyRow

app = typer.Typer(help="Keys to /v1 for ERPs · ERP 接口密钥。", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="As in the list · 密钥编号。")]
RoleOption = Annotated[str, typer.Option(help="See `qudao key roles`; erp unless scopes are named · 角色。")]
ScopeOption = Annotated[
    list[str] | None, typer.Option("--scope", help="Beside the role, or alone; repeatable · 权限，可重复。")
]
ShopsOption = Annotated[
    list[str] | None, typer.Option("--shop", help="Only this shop; repeatable; none: all · 限定店铺，可重复。")
]
ExpiresOption = Annotated[str, typer.Option(help="When it ends: 90d, 12h, 2026-12-31 · 有效期。")]

LONGEST_LABEL = 64


@app.command()
def create(
    label: Annotated[str, typer.Argument(help="Who uses it · 用途。")] = "erp",
    role: RoleOption = "",
    scope: ScopeOption = None,
    shop: ShopsOption = None,
    expires: ExpiresOption = "",
    per_minute: Annotated[
        int, typer.Option(min=0, max=1_000_000, help="Requests a minute; 0: no limit · 每分钟请求数。")
    ] = 6000,
    json: AsJson = False,
) -> None:
    """Make a key; it is shown this once · 创建密钥，仅显示一次。"""
    from dataclasses import replace

    from sync import keys

    if not 0 < len(label) <= LONGEST_LABEL or not label.isprintable():
        raise Stop(
            f"a label is one line of at most {LONGEST_LABEL} characters", "名称须为一行且不超过 64 个字符", USAGE
        )
    with opened() as runtime:
        until = _ends(expires, runtime.clock.now())
        grant = replace(keys.granted(role, scope or (), shop or (), per_minute), expires_at=until)
        made = keys.create(runtime, label, grant)
    if json:
        print_json({"id": made.id, "label": label, "role": grant.role, "key": made.plain})
        return
    typer.echo(made.plain)
    say(f"{made.id} for {label}: keep it now, only its hash is stored", "请立即保存，系统只存哈希")


@app.command()
def change(
    key: Id,
    role: RoleOption = "",
    scope: ScopeOption = None,
    shop: ShopsOption = None,
    all_shops: Annotated[bool, typer.Option("--all-shops", help="Lift the restriction · 取消店铺限制。")] = False,
    expires: ExpiresOption = "",
    per_minute: Annotated[
        int,
        typer.Option(min=-1, max=1_000_000, help="Requests a minute; 0: no limit · 每分钟请求数。", show_default=False),
    ] = -1,
) -> None:
    """Give a key other rights; what is not named stays · 修改密钥的权限。"""
    from sync import keys

    if all_shops and shop:
        raise Stop("either --shop or --all-shops", "--shop 与 --all-shops 只能选一个", USAGE)
    if not (role or scope or shop or all_shops or expires or per_minute >= 0):
        raise Stop("name what shall change; `qudao key change --help` says what can", "请指明要修改的内容", USAGE)
    with opened() as runtime:
        changed = keys.change(
            runtime,
            key,
            rights=keys.granted(role, scope or ()) if role or scope else None,
            shop_ids=[] if all_shops else shop,
            expires_at=_ends(expires, runtime.clock.now()),
            per_minute=None if per_minute < 0 else per_minute,
        )
    if changed is None:
        raise Stop(f"there is no valid key {key}", "没有该有效密钥", NO)
    say(f"{key} is changed; it counts within a second", "已修改，一秒内生效")


@app.command()
def rotate(
    key: Id,
    keep: Annotated[str, typer.Option(help="How long the old one stays good: 24h, 7d · 旧密钥保留时长。")] = "24h",
    json: AsJson = False,
) -> None:
    """Make another key with the same rights; the old one ends a little later · 轮换密钥。"""
    from sync import keys

    with opened() as runtime:
        now = runtime.clock.now()
        until = _ends(keep, now) or now
        made = keys.rotate(runtime, key, until - now)
    if made is None:
        raise Stop(f"there is no valid key {key}", "没有该有效密钥", NO)
    if json:
        print_json({"id": made.id, "key": made.plain, "old": key, "old_expires_at": until})
        return
    typer.echo(made.plain)
    say(f"{made.id} takes the place of {key}, which ends {cell(until)}", "旧密钥到期后失效")


@app.command("list")
def list_keys(json: AsJson = False) -> None:
    """All keys, without what opens the door · 密钥列表。"""
    from sync import keys

    with opened() as runtime:
        rows, now = keys.every(runtime), runtime.clock.now()
    told = [_told(row, now) for row in rows]
    for each in told if not json else ():
        del each["scopes"]
        each["shops"] = ", ".join(each["shops"]) or "all"
    show(told, as_json=json, empty="no keys", empty_zh="暂无密钥")


@app.command("show")
def show_key(key: Id, json: AsJson = False) -> None:
    """What one key may do · 密钥详情。"""
    from sync import keys

    with opened() as runtime:
        row, now = keys.get(runtime, key), runtime.clock.now()
    if row is None:
        raise Stop(f"there is no key {key}", "没有该密钥", NO)
    told = _told(row, now)
    if not json:
        told |= {"scopes": ", ".join(told["scopes"]), "shops": ", ".join(told["shops"]) or "all"}
    show_one(told, as_json=json)


@app.command()
def roles(json: AsJson = False) -> None:
    """The roles and their scopes · 角色与权限。"""
    from core.access import PRIVILEGED, ROLES, KeyScope

    if json:
        named = {role: sorted(scopes) for role, scopes in ROLES.items()}
        print_json({"roles": named, "scopes": list(KeyScope), "privileged": sorted(PRIVILEGED)})
        return
    rows = [
        {"scope": scope.value + (" *" if scope in PRIVILEGED else "")}
        | {role: "yes" if scope in scopes else "" for role, scopes in ROLES.items()}
        for scope in KeyScope
    ]
    show(rows, as_json=False)
    say("* every use is in the audit log", "* 每次使用都写入审计日志")


@app.command()
def revoke(key: Id) -> None:
    """Close a key within a second · 吊销密钥。"""
    from sync import keys

    with opened() as runtime:
        if not keys.revoke(runtime, key):
            raise Stop(f"there is no valid key {key}", "没有该有效密钥", NO)
    say(f"{key} is revoked", "已吊销")


def _told(row: "KeyRow", now: datetime) -> dict[str, Any]:
    state = "revoked" if row.revoked_at else "good" if row.good(now) else "expired"
    return {
        "id": row.id,
        "label": row.label,
        "state": state,
        "role": row.role,
        "scopes": sorted(row.scopes),
        "shops": sorted(row.shops),
        "per_minute": row.per_minute,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "last_used_at": row.last_used_at,
        "revoked_at": row.revoked_at,
    }


def _ends(text: str, now: datetime) -> datetime | None:
    """So long from now, or at that time."""
    if not text:
        return None
    named = instant(text, now)
    until = now + (now - named) if text[:-1].isdecimal() else named
    if until <= now:
        raise Stop("a key must end later than now", "有效期必须晚于当前时间", USAGE)
    return until
