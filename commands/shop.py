"""`qudao shop`: the connected shops. Secrets come from options, the environment or a prompt, and are never printed."""

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.terminal import CHANNEL, NO, SETTINGS, USAGE, AsJson, Stop, opened, say, show, show_one

if TYPE_CHECKING:
    from sync.ops import ShopView
    from sync.runtime import Runtime

app = typer.Typer(help="Connect, list, pause and resume shops · 店铺接入与管理。", no_args_is_help=True)

Channel = Annotated[str, typer.Argument(help="The channel's code, e.g. douyin · 渠道代码。")]
Account = Annotated[str, typer.Argument(help="The shop's id on its channel · 平台上的店铺 ID。")]
ShopName = Annotated[str, typer.Argument(metavar="SHOP", help="channel:account · 渠道:店铺 ID。")]


@app.command()
def add(
    channel: Channel = "",
    account: Account = "",
    name: Annotated[str, typer.Option(help="What people call it · 店铺名称。")] = "",
    app_key: Annotated[str, typer.Option(help="The app's key (client_id) · 应用 Key。", envvar="QUDAO_APP_KEY")] = "",
    app_secret: Annotated[
        str, typer.Option(help="Asked for when left out · 应用密钥。", envvar="QUDAO_APP_SECRET", show_envvar=True)
    ] = "",
    access_token: Annotated[
        str, typer.Option(help="Asked for when left out · 访问令牌。", envvar="QUDAO_ACCESS_TOKEN", show_envvar=True)
    ] = "",
    refresh_token: Annotated[
        str, typer.Option(help="· 刷新令牌。", envvar="QUDAO_REFRESH_TOKEN", show_envvar=True)
    ] = "",
    option: Annotated[
        list[str],
        typer.Option(metavar="NAME=VALUE", help="A choice of the channel, see the README; repeatable · 渠道选项。"),
    ] = [],  # noqa: B006 - Typer copies it
    from_sandbox: Annotated[
        str, typer.Option(metavar="URL", help="Connect every shop of a running sandbox · 接入沙箱的全部店铺。")
    ] = "",
    json: AsJson = False,
) -> None:
    """Connect a shop, or renew its tokens · 接入店铺或更新令牌。"""
    from connectors import CHANNELS
    from sync import ops

    with opened() as runtime:
        if from_sandbox:
            added = add_from_sandbox(runtime, from_sandbox)
        else:
            if not channel or not account:
                raise Stop("name the channel and the account", "请给出渠道和店铺 ID", USAGE)
            if channel not in CHANNELS:
                raise Stop(
                    f"there is no channel {channel}; there are {', '.join(CHANNELS)}", f"没有渠道 {channel}", SETTINGS
                )
            app_key = app_key or typer.prompt("app key", err=True)
            app_secret = app_secret or _secret("app secret")
            access_token = access_token or _secret("access token")
            if not refresh_token and "QUDAO_REFRESH_TOKEN" not in os.environ:
                refresh_token = _secret("refresh token (may be empty)", default="")
            tokens = ops.credentials(app_key, app_secret, access_token, refresh_token)
            view = ops.connect_shop(
                runtime, channel=channel, account=account, name=name, credentials=tokens, options=_options(option)
            )
            added = [view]
    show([row(view) for view in added], as_json=json)


def _options(given: list[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in given]
    if any(not separator or not name for name, separator, _ in pairs):
        raise Stop("write an option as name=value", "选项请写成 名称=值", USAGE)
    return {name: value for name, _, value in pairs}


def add_from_sandbox(runtime: "Runtime", url: str) -> list["ShopView"]:
    """Connects every shop whose channel this installation knows."""
    from connectors import CHANNELS
    from examples.sandbox_control import ControlError, SandboxControl
    from sync import ops

    channels = None
    with SandboxControl(url) as sandbox:
        try:
            if sandbox.answers():
                channels = sandbox.credentials()["channels"]
        except (ControlError, ValueError, KeyError):
            pass  # something else answers there
    if channels is None:
        raise Stop(
            f"no sandbox answers at {url}; `qudao sandbox` starts one",
            "该地址没有沙箱应答，请先运行 `qudao sandbox`",
            CHANNEL,
        )
    return [
        ops.connect_shop(
            runtime,
            channel=code,
            account=each["shop_id"],
            name=each.get("name", ""),
            credentials=ops.credentials(
                found["app_key"], found["app_secret"], each["access_token"], each["refresh_token"]
            ),
        )
        for code, found in channels.items()
        if code in CHANNELS
        for each in found["shops"]
    ]


@app.command("list")
def list_shops(json: AsJson = False) -> None:
    """All shops · 店铺列表。"""
    from sync import ops

    with opened() as runtime:
        views = ops.list_shops(runtime)
    show(
        [row(view) for view in views],
        as_json=json,
        empty="no shops; `qudao shop add` connects one",
        empty_zh="尚无店铺",
    )


@app.command("show")
def show_shop(shop: ShopName, json: AsJson = False) -> None:
    """One shop · 店铺详情。"""
    from sync import ops

    with opened() as runtime:
        view = ops.show_shop(runtime, shop)
    show_one(row(view) | {"app_key": view.shop.app_key, "created_at": view.shop.created_at}, as_json=json)


@app.command()
def pause(shop: ShopName, reason: Annotated[str, typer.Option(help="Why · 原因。")] = "paused by an operator") -> None:
    """Stop all calls to a shop · 暂停店铺。"""
    from sync import ops

    with opened() as runtime:
        if not ops.pause_shop(runtime, shop, reason):
            raise Stop(f"{shop} is paused already", "店铺已处于暂停状态", NO)
    say(f"{shop} is paused", "已暂停")


@app.command()
def resume(shop: ShopName) -> None:
    """Let the work of a shop go on · 恢复店铺。"""
    from sync import ops

    with opened() as runtime:
        if not ops.resume_shop(runtime, shop):
            raise Stop(f"{shop} is not paused", "店铺并未暂停", NO)
    say(f"{shop} works again", "已恢复")


def row(view: "ShopView") -> dict[str, Any]:
    """A shop as it is printed."""
    return {
        "shop": view.shop.id,
        "name": view.shop.name,
        "state": view.shop.state,
        "options": ", ".join(f"{name}={value}" for name, value in view.shop.options.items()),
        "complete_through": view.complete_through,
        "token_until": view.access_expires_at,
        "parked": view.parked,
        "trouble": view.shop.reason or view.trouble,
    }


def _secret(title: str, default: str | None = None) -> str:
    answer: str = typer.prompt(title, default=default, hide_input=True, show_default=False, err=True)
    return answer
