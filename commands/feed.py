"""`qudao feed`: what ERPs read."""

import json as jsonlib
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.terminal import AsJson, ShopOption, Stop, cell, opened, print_json, say, show

if TYPE_CHECKING:
    from core.db.feed import FeedRow

app = typer.Typer(help="The event feed · 事件流。", no_args_is_help=True)

LOOK_SECONDS = 0.5


@app.command()
def tail(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep going until Ctrl-C · 持续输出。")] = False,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, help="How many of the newest first · 先显示最近几条。")
    ] = 10,
    after: Annotated[
        int, typer.Option(help="From this position instead · 从该位置开始。", min=-1, show_default=False)
    ] = -1,
    types: Annotated[
        list[str] | None, typer.Option("--type", help="e.g. order.created or order.*; repeatable · 事件类型。")
    ] = None,
    shop: ShopOption = "",
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line · 每行一个 JSON。")] = False,
) -> None:
    """The newest events, and with --follow the ones to come · 查看最新事件。"""
    from sync import ops

    shop_ids = [shop] if shop else []
    with opened() as runtime:
        head = ops.feed_head(runtime)
        if after > head:
            raise Stop(f"the feed ends at {head}, before {after}", "该位置超过了事件流的末尾")
        position = after if after >= 0 else max(0, head - lines)
        while True:
            events = ops.read_feed(runtime, position, 500, types=types or [], shop_ids=shop_ids)
            for event in events:
                typer.echo(jsonlib.dumps(entry(event), ensure_ascii=False) if json else sentence(event))
                position = event.position
            if len(events) == 500:
                continue
            if not follow:
                return
            time.sleep(LOOK_SECONDS)


@app.command()
def consumers(json: AsJson = False) -> None:
    """Who reads the feed by name, and how far behind each is · 查看消费者及其滞后。"""
    from sync.consumers import standings

    with opened() as runtime:
        rows = [
            {
                "name": each.consumer.name,
                "lag": f"{each.lag.events}+" if each.more and not json else each.lag.events,
                "waiting_since": each.lag.oldest,
                "acked_at": each.consumer.acked_at,
                "types": " ".join(each.consumer.types),
                "shops": " ".join(each.consumer.shops),
                "channels": " ".join(each.consumer.channels),
                "expired": each.expired,
            }
            for each in standings(runtime)
        ]
    show(rows, as_json=json, empty="no consumers", empty_zh="没有消费者")


@app.command()
def forget(
    name: Annotated[str, typer.Argument(help="As in the list of consumers · 消费者名称。")], json: AsJson = False
) -> None:
    """Drop a consumer and its place, so that it holds nothing back · 删除消费者及其位置。"""
    from sync import consumers

    with opened() as runtime:
        consumers.forget(runtime, name)
    if json:
        print_json({"name": name, "forgotten": True})
    else:
        say(f"{name} is forgotten", "已删除该消费者")


def entry(event: "FeedRow") -> dict[str, Any]:
    """An event as one JSON object."""
    return {
        "position": event.position,
        "id": event.id,
        "type": event.type,
        "shop": event.shop_id,
        "object": event.object_id,
        "at": event.at.isoformat(),
        "data": jsonlib.loads(event.data),
    }


def sentence(event: "FeedRow") -> str:
    """An event as one line for a person, without its data."""
    return (
        f"{event.position:>8}  {cell(event.at)}  {event.type:<20} {event.shop_id}  {event.object_id}  r{event.revision}"
    )
