"""Listings go on and off the shelf: what was asked for is what the channel shows, and asking again changes nothing."""

from collections.abc import Callable

import pytest

from core.channel import Capability, Outcome
from core.errors import OutcomeUnknown, Rejected
from core.status import Shelf
from sandbox.model import Item
from tests.contract.bench import Bench
from tests.contract.channel import ChannelUnderTest
from tests.contract.skips import needs

pytestmark = [needs(Capability.SET_SHELF, Capability.LISTING)]


@pytest.fixture
def item(bench: Bench) -> Item:
    """A listing on sale."""
    return next(item for item in bench.shop.items.values() if item.on_shelf and bench_shelf(bench, item) is Shelf.ON)


def bench_shelf(bench: Bench, item: Item) -> Shelf:
    return bench.connector.listing(item.item_id).value.shelf.value


def accepted(outcome: Outcome[str]) -> bool:
    return outcome.error is None and not outcome.pending


def test_a_listing_goes_off_the_shelf_and_back(bench: Bench, item: Item) -> None:
    for on, shown in ((False, Shelf.OFF), (True, Shelf.ON)):
        outcome = bench.connector.set_shelf(item.item_id, on=on)
        assert accepted(outcome)
        assert outcome.item == item.item_id
        assert bench_shelf(bench, item) is shown
        assert item.on_shelf is on


def test_asking_for_what_is_there_already_succeeds(bench: Bench, item: Item) -> None:
    for on in (True, False, False, True, True):
        assert accepted(bench.connector.set_shelf(item.item_id, on=on))
        assert item.on_shelf is on


def test_its_stock_and_prices_stay(bench: Bench, item: Item) -> None:
    before = bench.connector.listing(item.item_id).value.skus
    bench.connector.set_shelf(item.item_id, on=False)
    bench.connector.set_shelf(item.item_id, on=True)
    assert bench.connector.listing(item.item_id).value.skus == before


def test_a_lost_answer_is_unknown_and_asking_again_is_harmless(
    bench: Bench, channel: ChannelUnderTest, item: Item
) -> None:
    bench.fault("timeout_after", channel.shelf_write, times=1)
    assert isinstance(bench.connector.set_shelf(item.item_id, on=False).error, OutcomeUnknown)
    assert item.on_shelf is False
    assert accepted(bench.connector.set_shelf(item.item_id, on=False))


@pytest.mark.parametrize("on", [True, False])
def test_a_listing_that_is_not_there_is_refused(bench: Bench, on: bool) -> None:
    assert isinstance(bench.connector.set_shelf("1", on=on).error, Rejected)


def deleted(bench: Bench, item: Item) -> None:
    bench.world.delete_item(bench.shop, item)


def rejected(bench: Bench, item: Item) -> None:
    """Its last edit did not pass the channel's review."""
    bench.connector.set_shelf(item.item_id, on=False)
    item.review = "rejected"


@pytest.mark.parametrize("spoil", [deleted, rejected])
def test_what_may_not_be_sold_stays_off_the_shelf(
    bench: Bench, item: Item, spoil: Callable[[Bench, Item], None]
) -> None:
    spoil(bench, item)
    outcome = bench.connector.set_shelf(item.item_id, on=True)
    assert isinstance(outcome.error, Rejected)
    assert outcome.error.message
    assert item.on_shelf is False
