"""Orders that other systems lost, or took twice, on the way from a platform's list.

qihangerp's Pinduoduo pull asks for one page of 20 and moves its watermark to the window's end: the rest of a busy
window is lost in silence. airbyte#14732 and #80152 lose records at the boundary of two windows; airbyte#48492 and
#79653 hours around midnight, where a date alone, or a clock in another zone, says which day it is. WDT's own advice is
to page backwards, because an order that changes while one pages shifts all that follow.
"""

import re
import time
from importlib import import_module

import httpx
import pytest

from tests.contract.channel import ChannelUnderTest
from tests.field.ground import Ground, parameters

MIDNIGHT = 16 * 3600
"""Of the platforms; seconds after the world begins, which it does at one in UTC."""


def pages_of(channel: ChannelUnderTest, length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in channel.page_sizes:
        monkeypatch.setattr(import_module(module), name, length)


def test_qihang_pdd_pull_more_than_one_page_of_orders_in_a_window(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages_of(ground.channel, 20, monkeypatch)
    ground.deaf()
    ground.settle()
    before = ground.mark()
    ids = sorted(ground.place().order_id for _ in range(23))
    ground.world.advance(60)

    def next_pages_fail(method: str, _: httpx.Response) -> None:
        if method == ground.channel.order_list:
            ground.wire.after = lambda *_: None
            ground.fault("http_5xx", ground.channel.order_list)

    ground.wire.after = next_pages_fail
    ground.settle()
    assert ground.mark().complete_through == before.complete_through, "a window read in part proves nothing"
    assert ground.mark().tries > 0
    ground.world.faults.clear()
    ground.run(60, step=60)
    assert ground.created() == ids
    assert ground.mark().complete_through > before.complete_through


def test_airbyte_14732_two_orders_in_one_millisecond_at_the_boundary(ground: Ground) -> None:
    """Which is also airbyte#80152: one of them shows late, when the watermark has passed its very millisecond."""
    ground.deaf()
    ground.world.advance(0.125)
    ground.settle()
    boundary = ground.mark().complete_through
    ground.world.advance(1)
    seen = ground.place(at=boundary.timestamp())
    ground.pull()
    assert ground.told(seen) == ["order.created"]
    late = ground.place(at=boundary.timestamp())
    ground.pull()
    ground.run(120, step=60)
    for order in (seen, late):
        assert ground.told(order) == ["order.created"]


def test_airbyte_48492_a_channel_in_utc8_around_its_midnight(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """And airbyte#79653: no call narrows its window by a date alone."""
    dates: list[str] = []

    def look(_: str, request: httpx.Request) -> None:
        said = " ".join(parameters(request).values())
        dates.extend(re.findall(r"(?<![\d-])\d{4}-\d{2}-\d{2}(?![\dT +:-])(?! \d)", said))

    ground.wire.before = look
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    ground.deaf()
    ground.world.advance(MIDNIGHT - 60)
    ground.settle()
    placed = []
    for seconds in (15, 44.5, 0.5, 0.25, 30):
        ground.world.advance(seconds)
        placed.append(ground.place())
    ground.run(90, step=45)
    assert ground.created() == sorted(order.order_id for order in placed)
    for order in placed:
        assert ground.told(order) == ["order.created"]
        assert abs(ground.stored(order).created_at.timestamp() - order.created) < 1
    assert dates == []


def test_wdt_reverse_paging_an_order_modified_while_paging(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    pages_of(ground.channel, 3, monkeypatch)
    ground.deaf()
    ground.settle()
    ground.fault("modify_between_pages")
    placed = []
    for _ in range(14):
        placed.append(ground.place())
        ground.world.advance(2)
    ground.run(40, step=20)
    ground.world.faults.clear()
    ground.deaf()
    ground.run(60, step=60)
    assert ground.created() == sorted(order.order_id for order in placed)
