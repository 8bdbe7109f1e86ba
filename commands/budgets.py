"""`qudao budgets`: what every app and shop may still ask its channel."""

from datetime import timedelta

import typer

from commands.terminal import AsJson, opened, show


def add_to(app: typer.Typer) -> None:
    app.command()(budgets)


def budgets(json: AsJson = False) -> None:
    """Rates per app, shop and method: declared, learned from refusals, used, held back · 调用配额与限流。"""
    with opened() as runtime:
        found = runtime.gate.budgets()
        now = runtime.clock.now()

    show(
        [
            {
                "channel": each.channel,
                "app": each.app_key,
                "shop": each.shop,
                "method": each.method,
                "used_per_s": round(each.used, 2),
                "allowed_per_s": None if each.rate is None else round(each.rate, 2),
                "declared_per_s": None if each.declared is None else round(each.declared, 2),
                "learned": round(each.learned, 2),
                "held_until": now + timedelta(seconds=each.held) if each.held else None,
            }
            for each in found
        ],
        as_json=json,
        empty="no call was made or refused lately",
        empty_zh="近期没有调用，也没有被限流",
    )
