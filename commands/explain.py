"""`qudao explain`: how something came about, from the first input to the last event."""

import json as jsonlib
from typing import TYPE_CHECKING, Annotated

import typer

from commands.terminal import USAGE, AsJson, Stop, line, opened, plain, show

if TYPE_CHECKING:
    from sync.story import Step

app = typer.Typer(help="The whole story of a wish, an order or a SKU · 追溯来龙去脉。", no_args_is_help=True)

WHAT = {
    "command": "指令",
    "notice": "通知",
    "poll": "轮询",
    "rule": "规则",
    "wish": "意图",
    "call": "调用",
    "answer": "应答",
    "read_back": "回读",
    "decision": "裁决",
    "person": "人工",
    "event": "事件",
    "state": "状态",
}


@app.command()
def intent(
    number: Annotated[int, typer.Argument(metavar="ID", help="As in the feed, or intent-ID · 意图编号。")],
    json: AsJson = False,
) -> None:
    """One wish: who asked, every call and answer, what became of it · 一个意图的全过程。"""
    from sync import story

    with opened() as runtime:
        steps = story.of_intent(runtime, number)
    _print(steps, json=json)


@app.command()
def order(
    shop: Annotated[str, typer.Argument(metavar="SHOP", help="channel:account · 渠道:店铺 ID。")],
    number: Annotated[str, typer.Argument(metavar="ORDER", help="The channel's order id · 订单号。")],
    json: AsJson = False,
) -> None:
    """One order with its after-sales and shipments · 一个订单的全过程。"""
    from sync import story

    with opened() as runtime:
        steps = story.of_order(runtime, shop, number)
    _print(steps, json=json)


@app.command()
def sku(
    name: Annotated[str, typer.Argument(metavar="SKU@SHOP", help="e.g. TEA-250@douyin:7012345 · 商品编码@店铺。")],
    json: AsJson = False,
) -> None:
    """Stock and price of a SKU in one shop · 一个商品在某店铺的库存与价格。"""
    from sync import story

    code, separator, shop = name.rpartition("@")
    if not separator or not code or not shop:
        raise Stop("write SKU@SHOP, e.g. TEA-250@douyin:7012345", "请写成 商品编码@店铺", USAGE)
    with opened() as runtime:
        steps = story.of_sku(runtime, code, shop)
    _print(steps, json=json)


def _print(steps: list["Step"], *, json: bool) -> None:
    if json:
        show([{"at": each.at, "what": each.what, "words": each.words, **each.facts} for each in steps], as_json=True)
        return
    show(
        [
            {
                "at": each.at,
                "what": line(each.what.replace("_", " "), WHAT[each.what]),
                "words": each.words,
                "facts": _facts(each),
            }
            for each in steps
        ],
        as_json=False,
    )


def _facts(step: "Step") -> str:
    told = {name: plain(value) for name, value in step.facts.items() if value not in (None, "", [])}
    words = (
        f"{name}={value if isinstance(value, str) else jsonlib.dumps(value, ensure_ascii=False)}"
        for name, value in told.items()
    )
    return " ".join(words)
