"""`qudao shelf`: put a listing on sale, or take it off."""

from enum import StrEnum
from typing import Annotated

import typer

from commands.terminal import AsJson, opened
from commands.wishes import DryRun, tell


class Where(StrEnum):
    ON = "on"
    OFF = "off"


def add_to(app: typer.Typer) -> None:
    app.command("shelf")(shelf)


def shelf(
    shop: str,
    listing: str,
    where: Annotated[Where, typer.Argument(help="on: for sale · 上架；off: not · 下架。")],
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """Put a listing on sale or take it off · 上下架。"""
    from sync import by_hand

    with opened() as runtime:
        result = by_hand.set_shelf(runtime, shop, listing, on=where is Where.ON, dry_run=dry_run)
    tell(result, what=f"{listing} {where.value}", dry_run=dry_run, json=json)
