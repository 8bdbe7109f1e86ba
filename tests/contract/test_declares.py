"""Group 1: what a channel declares is what its connector does."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

import connectors
from core.channel import Capability, Connector, Purpose, Push, StockDelta, StockWrite, Support
from core.errors import Unsupported
from core.model import Memo, Parcel, SkuKey
from tests.contract.bench import Bench
from tests.contract.channel import ChannelUnderTest
from tests.contract.channels import CHANNELS
from tests.contract.skips import skips

KEY = SkuKey(listing_id="1", sku_id="1")
PARCEL = Parcel(carrier_code="1", tracking_no="1")
OPERATIONS: Mapping[Capability, Callable[[Bench], Any]] = {
    Capability.ORDERS: lambda bench: bench.connector.orders(bench.window()),
    Capability.ORDER: lambda bench: bench.connector.order("1"),
    Capability.AFTER_SALES: lambda bench: bench.connector.after_sales(bench.window()),
    Capability.AFTER_SALE: lambda bench: bench.connector.after_sale("1", "1"),
    Capability.LISTINGS: lambda bench: bench.connector.listings(),
    Capability.LISTING: lambda bench: bench.connector.listing("1"),
    Capability.STOCK_LEVELS: lambda bench: bench.connector.stock_levels([KEY]),
    Capability.SET_STOCK: lambda bench: bench.connector.set_stock([StockWrite(KEY, 1)]),
    Capability.ADJUST_STOCK: lambda bench: bench.connector.adjust_stock([StockDelta(KEY, 1, "k")]),
    Capability.SET_PRICE: lambda bench: bench.connector.set_price([]),
    Capability.SHIP: lambda bench: bench.connector.ship(bench.shipment(bench.place()), "k"),
    Capability.CHANGE_TRACKING: lambda bench: bench.connector.change_tracking("1", PARCEL, "SF", "1"),
    Capability.MEMO: lambda bench: bench.connector.memo("1", Memo()),
    Capability.CARRIERS: lambda bench: bench.connector.carriers(),
    Capability.REFRESH: lambda bench: bench.connector.refresh(),
    Capability.SUBSCRIBE: lambda bench: bench.connector.subscribe(),
    Capability.SET_SHELF: lambda bench: bench.connector.set_shelf("1", on=True),
    Capability.CONFIRM_ADDRESS: lambda bench: bench.connector.confirm_address("1"),
    Capability.REVEAL: lambda bench: bench.connector.reveal(bench.read(bench.place()), Purpose.SHIP, "operator"),
    Capability.FIND_ORDERS: lambda bench: bench.connector.find_orders(bench.window(), phone="17000000000"),
}
"""Every capability that is an operation of the port."""


def test_every_operation_of_the_port_is_asked_about() -> None:
    public = {name for name in vars(Connector) if not name.startswith("_")} - {"channel"}
    assert {capability.value for capability in OPERATIONS} == public - set(Connector.__annotations__)


@pytest.mark.parametrize("capability", OPERATIONS)
def test_an_operation_is_implemented_exactly_where_it_is_declared(bench: Bench, capability: Capability) -> None:
    channel, made = bench.connector.channel, type(bench.connector)
    own = getattr(made, capability.value) is not getattr(Connector, capability.value)
    assert own == bool(channel.supports(capability))
    if not own:
        with pytest.raises(Unsupported) as refusal:
            OPERATIONS[capability](bench)
        assert refusal.value.message == channel.notes[capability]
        assert (refusal.value.channel, refusal.value.operation) == (channel.code, capability.value)


@pytest.mark.parametrize("capability", Capability)
def test_what_is_not_native_says_why(channel: ChannelUnderTest, capability: Capability) -> None:
    if channel.channel.supports(capability) is not Support.NATIVE:
        assert channel.channel.notes[capability]


def test_push_is_declared_where_there_is_something_to_read_it(channel: ChannelUnderTest) -> None:
    adapter, declared = channel.adapter, channel.channel
    assert bool(declared.supports(Capability.PUSH)) == (declared.push is not Push.NONE)
    assert (adapter.reader is not None) == (declared.push is Push.WEBHOOK)
    assert (adapter.session is not None) == (declared.push is Push.CONNECTION)


def test_a_channel_is_known_by_one_code(channel: ChannelUnderTest) -> None:
    assert channel.adapter.connector.channel is channel.channel
    assert channel.channel.code == channel.code
    assert channel.adapter.connector.__module__.endswith(".connector")
    assert connectors.CHANNELS[channel.code] is channel.adapter


def test_paging_is_declared_where_lists_of_changes_are(channel: ChannelUnderTest) -> None:
    declared = channel.channel
    for capability, paging in (
        (Capability.ORDERS, declared.orders),
        (Capability.AFTER_SALES, declared.after_sales),
    ):
        assert bool(declared.supports(capability)) == (paging is not None)
        if paging is not None:
            assert paging.window > paging.overlap


def test_file_names_are_the_same_in_every_connector(channel: ChannelUnderTest) -> None:
    """What a channel has beside them, tests/test_tree.py knows."""
    names = {path.stem for path in channel.folder.iterdir()}
    assert names >= {"__init__", "wire", "signing", "client", "mapping", "messages", "errors", "connector"}


def test_the_suite_covers_every_channel_of_the_registry() -> None:
    assert {channel.code for channel in CHANNELS} == set(connectors.CHANNELS)


def test_a_channel_leaves_out_only_what_it_declares_with_its_reason() -> None:
    for skip in skips():
        declared = connectors.CHANNELS[skip.channel].channel
        assert not declared.supports(skip.capability)
        assert declared.notes[skip.capability] in skip.reason
