"""Group 7: whatever goes wrong has the name of what to do about it."""

from collections.abc import Callable
from typing import Any

import pytest

from core.channel import Capability, StockWrite
from core.errors import ChannelError, Denied, Garbled, OutcomeUnknown, Reauthorize, Throttled, Unavailable
from sandbox.faults import FaultKind
from tests.contract.bench import Bench
from tests.contract.channel import ChannelUnderTest
from tests.contract.channels import CHANNELS
from tests.contract.skips import needs

pytestmark = needs(Capability.ORDERS)

READS: dict[str, Callable[[Bench, str], Any]] = {
    "orders": lambda bench, _: list(bench.connector.orders(bench.window())),
    "order": lambda bench, order_id: bench.connector.order(order_id),
    "after_sales": lambda bench, _: list(bench.connector.after_sales(bench.window())),
    "listings": lambda bench, _: list(bench.connector.listings()),
    "stock_levels": lambda bench, _: bench.connector.stock_levels(bench.keys(1)),
    "carriers": lambda bench, _: bench.connector.carriers(),
}
BROKEN_READS: dict[FaultKind, type[ChannelError]] = {
    "throttle": Throttled,
    "timeout_before": Unavailable,
    "timeout_after": Unavailable,
    "http_5xx": Unavailable,
    "html": Garbled,
    "truncated": Garbled,
    "system_error": Unavailable,
}


@pytest.mark.parametrize("read", [pytest.param(read, marks=needs(Capability(read))) for read in READS])
@pytest.mark.parametrize("kind", BROKEN_READS)
def test_a_read_that_breaks_says_what_to_do(bench: Bench, read: str, kind: FaultKind) -> None:
    placed = bench.place()
    bench.fault(kind)
    with pytest.raises(ChannelError) as caught:
        READS[read](bench, placed.order_id)
    assert type(caught.value) is BROKEN_READS[kind]
    assert (caught.value.channel, caught.value.shop) == (bench.code, bench.connector.shop_id)
    assert caught.value.operation
    bench.world.faults.clear()
    READS[read](bench, placed.order_id)


@pytest.mark.parametrize("kind", ["timeout_before", "http_5xx"])
def test_a_read_that_fails_on_the_way_is_tried_again(bench: Bench, kind: FaultKind) -> None:
    placed = bench.place()
    bench.fault(kind, times=2)
    assert bench.read(placed).id == placed.order_id


def test_the_gate_is_told_of_what_the_channel_refused(bench: Bench, channel: ChannelUnderTest) -> None:
    placed = bench.place()
    bench.fault("throttle", channel.order_detail)
    with pytest.raises(Throttled):
        bench.read(placed)
    [call] = bench.gate.refusals
    assert (call.channel, call.app_key, call.shop) == (bench.code, bench.app.key, bench.connector.shop_id)
    assert call.method == channel.order_detail


def test_the_channels_own_limit_is_a_throttle(bench: Bench, channel: ChannelUnderTest) -> None:
    placed = bench.place()
    limits = {channel.code: {channel.order_detail: {"shop": (3, 60.0)}}}
    bench.world.change_settings({"rate_limits_on": True, "rate_limits": limits})
    for _ in range(3):
        bench.read(placed)
    with pytest.raises(Throttled):
        bench.read(placed)
    assert len(bench.gate.refusals) == 1
    bench.world.advance(60)
    assert bench.read(placed).id == placed.order_id


@needs(Capability.SET_STOCK)
def test_a_throttled_batch_stops_and_says_so_for_the_rest(bench: Bench, channel: ChannelUnderTest) -> None:
    keys = bench.keys(4)
    bench.fault("throttle", channel.stock_write)
    outcomes = bench.connector.set_stock([StockWrite(key, 1) for key in keys])
    assert [type(outcome.error) for outcome in outcomes] == [Throttled] * 4
    assert bench.world.calls[bench.code][channel.stock_write] == {"count": 1, "throttled": 1}


@needs(Capability.SET_STOCK)
@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "http_5xx", "html", "truncated"])
def test_a_write_is_never_repeated_blindly(bench: Bench, channel: ChannelUnderTest, kind: FaultKind) -> None:
    [key] = bench.keys(1)
    bench.fault(kind, channel.stock_write)
    [outcome] = bench.connector.set_stock([StockWrite(key, 1)])
    assert type(outcome.error) is OutcomeUnknown
    assert bench.world.calls[bench.code][channel.stock_write]["count"] == 1


@needs(Capability.SET_STOCK)
def test_an_error_inside_an_http_200_is_an_error_of_a_write_too(bench: Bench, channel: ChannelUnderTest) -> None:
    [key] = bench.keys(1)
    bench.fault("system_error", channel.stock_write)
    [outcome] = bench.connector.set_stock([StockWrite(key, 1)])
    assert isinstance(outcome.error, Unavailable | OutcomeUnknown)
    assert outcome.error.code


@needs(Capability.REFRESH)
@pytest.mark.parametrize("how", ["time", "token_death"])
def test_an_expired_token_is_cured_by_a_refresh(bench: Bench, how: str) -> None:
    placed = bench.place()
    if how == "time":
        bench.shop.grant.access_expires = bench.world.now()  # the refresh token may live no longer than it would have
    else:
        bench.fault("token_death", times=1)
    with pytest.raises(Reauthorize):
        bench.read(placed)
    fresh = bench.connector.refresh()
    assert fresh.access_expires_at is not None
    assert fresh.access_expires_at > bench.clock.now()
    bench.connector = bench.connect(fresh)
    assert bench.read(placed).id == placed.order_id


@needs(Capability.REFRESH)
def test_a_refresh_in_time_lets_no_token_expire(bench: Bench) -> None:
    bench.world.advance(bench.world.settings.token_life[bench.code] - 60)
    bench.connector = bench.connect(bench.connector.refresh())
    bench.world.advance(120)
    placed = bench.place()
    assert bench.read(placed).id == placed.order_id


@needs(Capability.REFRESH)
def test_a_refresh_token_that_is_dead_asks_for_the_seller(bench: Bench) -> None:
    bench.world.change_settings({"self_use": False})  # the seller's own app is handed out new tokens on Douyin
    bench.world.advance(bench.shop.grant.refresh_expires - bench.world.now() + 1)
    with pytest.raises(Reauthorize):
        bench.connector.refresh()


def test_a_withdrawn_authorisation_pauses_the_shop(bench: Bench) -> None:
    placed = bench.place()
    bench.shop.authorised = False
    with pytest.raises((Reauthorize, Denied)):
        bench.read(placed)


def test_an_api_the_app_may_not_call_is_denied(bench: Bench) -> None:
    placed = bench.place()
    bench.shop.scopes = frozenset()
    with pytest.raises(Denied):
        bench.read(placed)


@pytest.mark.parametrize(
    "channel", [each for each in CHANNELS if each.knows_addresses], ids=lambda channel: channel.name
)
def test_an_address_that_is_not_allowed_is_denied(bench: Bench) -> None:
    placed = bench.place()
    bench.world.change_settings({"allowed_ips": ["203.0.113.9"]})
    with pytest.raises(Denied):
        bench.read(placed)


def test_an_order_that_is_not_indexed_yet_is_found_later(bench: Bench) -> None:
    bench.world.change_settings({"index_lag": {bench.code: 30}})
    placed = bench.place()
    assert bench.walk(bench.window()).seen == []
    bench.world.advance(31)
    assert bench.walk(bench.window()).seen == [placed.order_id]
