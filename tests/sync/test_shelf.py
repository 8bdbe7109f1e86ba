"""Listings that the ERP puts on sale and takes off, on the four simulated platforms."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.channel import ObjectKind
from core.conflict import Field
from core.db import Database, feed, intents
from core.db.intents import Attempt, Intent
from core.status import Shelf
from sandbox.faults import FaultRule
from sandbox.model import Item
from sync import conflicts, ops, resolve, story
from sync.shelf import ShelfItem, set_shelves
from sync.wishes import ItemResult
from tests.engine import Engine
from tests.engine import engine as running

CHANNELS = ("pinduoduo", "douyin", "taobao", "jd")
OFF = {
    "pinduoduo": "pdd.goods.sale.status.set",
    "douyin": "product.setOffline",
    "taobao": "taobao.item.update.delisting",
    "jd": "jingdong.ware.write.upOrDown",
}


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path, channels=CHANNELS) as started:
        started.settle()
        yield started


def item(engine: Engine, channel: str) -> Item:
    """A listing on sale that can be bought."""
    shop = engine.world.shop(channel)
    [row, *_] = [row for row in ops.list_mappings(engine.runtime, shop=engine.shops[channel]) if row.shelf == Shelf.ON]
    return engine.world.item(shop, row.key.listing_id)


def want(engine: Engine, channel: str, listing_id: str, *, on: bool) -> ItemResult:
    wanted = ShelfItem(shop=engine.shops[channel], listing_id=listing_id, on=on)
    with engine.runtime.database.write() as connection:
        [result] = set_shelves(connection, [wanted], engine.runtime.clock.now()).items
    return result


def wish(engine: Engine, channel: str, listing: Item) -> Intent:
    [found] = engine.intents("shelf", engine.shops[channel], listing.item_id)
    return found


def attempts(engine: Engine, channel: str, listing: Item) -> list[Attempt]:
    with engine.runtime.database.read() as connection:
        return intents.attempts(connection, wish(engine, channel, listing).id)


def told(engine: Engine, channel: str) -> list[str]:
    return [e.type for e in engine.events("shelf.") if e.shop_id == engine.shops[channel]]


def read(engine: Engine, channel: str, listing: Item) -> None:
    ops.reread(engine.runtime, engine.shops[channel], ObjectKind.LISTING, listing.item_id)


def test_a_listing_is_taken_off_sale_and_put_back(engine: Engine) -> None:
    listings = {channel: item(engine, channel) for channel in CHANNELS}
    for on in (False, True):
        for channel, listing in listings.items():
            assert want(engine, channel, listing.item_id, on=on).state == "queued"
        engine.run(120, step=60)
        for channel, listing in listings.items():
            assert listing.on_shelf is on, channel
            assert wish(engine, channel, listing).state == "done", channel
            read(engine, channel, listing)
        engine.run(120, step=60)
    for channel in CHANNELS:
        assert told(engine, channel) == ["shelf.accepted"] * 2, channel
        assert not resolve.list_conflicts(engine.runtime, shop=engine.shops[channel], field="shelf", state="")
    event = json.loads(engine.events("shelf.accepted")[0].data)
    assert (event["wanted"], event["outcome"]) == ("off", "accepted")
    assert event["listing_id"] in {listing.item_id for listing in listings.values()}


def test_a_lost_answer_is_settled_by_what_the_channel_shows(engine: Engine) -> None:
    for channel in CHANNELS:
        listing = item(engine, channel)
        rule = {"kind": "timeout_after", "channel": channel, "method": OFF[channel], "times": 1}
        engine.world.faults.add(FaultRule.model_validate(rule))
        want(engine, channel, listing.item_id, on=False)
        engine.run(60, step=5)
        [lost] = attempts(engine, channel, listing)
        assert (lost.state, lost.resolution) == ("accepted", "the channel shows off"), channel
        assert told(engine, channel) == ["shelf.accepted"], channel


def test_of_two_who_moved_the_channel_stands_and_the_erp_is_told(engine: Engine) -> None:
    channel, now = "douyin", engine.runtime.clock.now()
    listing, shop = item(engine, channel), engine.shops[channel]
    want(engine, channel, listing.item_id, on=False)
    with engine.runtime.database.write() as connection:
        vault, place = engine.runtime.vault, (shop, Field.SHELF, listing.item_id)
        done = conflicts.consider(connection, vault, *place, Shelf.BANNED.value, now, now)
        feed.append(connection, done.events)
    assert done.outcomes == {listing.item_id: "adopt"}
    assert (wish(engine, channel, listing).state, wish(engine, channel, listing).reason_code) == (
        "dismissed",
        "adopted",
    )
    [event] = [e for e in engine.events("shelf.") if e.shop_id == shop]
    data = json.loads(event.data)
    assert (event.type, data["before"], data["after"], data["wanted"]) == ("shelf.adopted", "on", "banned", "off")
    engine.run(60, step=30)
    assert listing.on_shelf, "nothing was sent"


def test_what_the_seller_did_is_taken_over_where_the_erp_wants_nothing_else(engine: Engine) -> None:
    channel = "pinduoduo"
    listing, shop = item(engine, channel), engine.world.shop(channel)
    want(engine, channel, listing.item_id, on=False)
    engine.run(120, step=60)
    engine.world.set_shelf(shop, listing, True)
    read(engine, channel, listing)
    assert told(engine, channel) == ["shelf.accepted"], "listing.updated says the rest"
    [row] = resolve.list_conflicts(engine.runtime, shop=engine.shops[channel], field="shelf", state="")
    assert (row.base, row.theirs, row.rule) == ("off", "on", "only_theirs")


def test_what_cannot_be_is_refused(engine: Engine) -> None:
    listing = item(engine, "jd")
    assert want(engine, "jd", "0", on=False).code == "unknown_listing"
    wanted = ShelfItem(shop="jd:0", listing_id=listing.item_id, on=False)
    with engine.runtime.database.write() as connection:
        [result] = set_shelves(connection, [wanted], engine.runtime.clock.now()).items
    assert result.code == "unknown_shop"


def test_the_story_tells_of_a_shelf(engine: Engine) -> None:
    listing = item(engine, "taobao")
    want(engine, "taobao", listing.item_id, on=False)
    engine.run(60, step=30)
    steps = story.of_intent(engine.runtime, wish(engine, "taobao", listing).id)
    assert {"wish", "call", "answer", "event", "state"} <= {step.what for step in steps}
    assert Field.SHELF.value in steps[0].words
