"""`qudao secret`: the key that everything secret and personal is encrypted with."""

from typing import Annotated

import typer

from commands.terminal import AsJson, opened, print_json, say, show

app = typer.Typer(help="The key that data is encrypted with · 加密密钥。", no_args_is_help=True)


@app.command()
def rotate(
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted one, make no new key · 继续上次未完成的轮换。")
    ] = False,
    json: AsJson = False,
) -> None:
    """Make a new key and encrypt everything anew, while everything runs · 更换密钥并重新加密，无需停机。"""
    from sync import secrets

    counts: dict[str, int] = {}
    with opened() as runtime:
        for place, renewed in secrets.renew(runtime) if resume else secrets.rotate(runtime):
            counts[place] = counts.get(place, 0) + renewed
    if json:
        print_json(counts)
        return
    say(
        f"{sum(counts.values())} values are under the newest key; back it up, then `qudao secret forget-old`",
        "已全部改用新密钥；请先备份新密钥，再执行 `qudao secret forget-old`",
    )


@app.command()
def status(json: AsJson = False) -> None:
    """What is still under an older key · 仍使用旧密钥的数据。"""
    from sync import secrets

    with opened() as runtime:
        left = secrets.outstanding(runtime)
    rows = [{"place": place, "values": count} for place, count in left.items()]
    show(rows, as_json=json, empty="everything is under the newest key", empty_zh="全部数据均使用最新密钥")


@app.command("forget-old")
def forget_old() -> None:
    """Throw away all keys but the newest; refused while anything needs one · 删除旧密钥。"""
    from sync import secrets

    with opened() as runtime:
        count = secrets.forget_old(runtime)
    say(f"{count} old keys are gone; backups made before need them", "旧密钥已删除；此前的备份仍需旧密钥才能读取")
