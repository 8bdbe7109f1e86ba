"""`qudao schema`: the canonical models as JSON Schema."""

from typing import Annotated

import typer

from commands.terminal import USAGE, Stop, print_json


def add_to(app: typer.Typer) -> None:
    app.command()(schema)


def schema(name: Annotated[str, typer.Argument(help="Only this model · 只输出该模型。")] = "") -> None:
    """Print the published models as JSON Schema 2020-12 · 输出数据模型的 JSON Schema。"""
    from core.model import schemas

    published = dict(schemas())
    if not name:
        print_json(published)
    elif name in published:
        print_json(published[name])
    else:
        raise Stop(f"no model {name}; there are {', '.join(published)}", "没有这个模型", USAGE)
