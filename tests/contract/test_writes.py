"""Group 6: writes do once what they say, answer item by item, and a lost answer is cleared up by reading back."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from core.channel import Capability, Connector, Outcome, PriceWrite, StockDelta, StockWrite
from core.errors import AlreadyDone, Conflict, Invalid, NotFound, NotYet, OutcomeUnknown, Rejected, UnknownCarrier
from core.model import Flag, Memo, Packed, Price, SkuKey
from core.status import Fulfilment
from sandbox.faults import FaultKind
from sandbox.model import StockSet
from tests.contract.bench import STOCK, Bench, nobody
from tests.contract.channel import ChannelUnderTest
from tests.contract.lives import TEXTS
from tests.contract.skips import needs


@needs(Capability.SET_STOCK)
def test_setting_stock_twice_is_setting_it_once(bench: Bench) -> None:
    [key] = bench.keys(1)
    for _ in range(2):
        [outcome] = bench.connector.set_stock([StockWrite(key, 42)])
        assert outcome.error is None
    assert bench.sellable(key) == 42
    [level] = bench.connector.stock_levels([key])
    assert (level.key, level.sellable, level.held) == (key, 42, 0)
    assert level.read_at == bench.clock.now()


@needs(Capability.SET_STOCK)
@pytest.mark.parametrize("bad", [0, 2, 4])
def test_one_bad_sku_among_good_ones_has_its_own_outcome(bench: Bench, bad: int) -> None:
    keys = bench.keys(5)
    batch = [StockWrite(nobody(key) if n == bad else key, 10 + n) for n, key in enumerate(keys)]
    outcomes = bench.connector.set_stock(batch)
    assert [outcome.item for outcome in outcomes] == batch
    for n, outcome in enumerate(outcomes):
        if n == bad:
            assert isinstance(outcome.error, Rejected)
        else:
            assert outcome.error is None
            assert bench.sellable(keys[n]) == 10 + n


@needs(Capability.SET_STOCK)
def test_a_whole_batch_of_the_declared_size_is_written(bench: Bench) -> None:
    keys = bench.keys(bench.connector.channel.stock_batch)
    outcomes = bench.connector.set_stock([StockWrite(key, n) for n, key in enumerate(keys)])
    assert [outcome.error for outcome in outcomes] == [None] * len(keys)
    assert [bench.sellable(key) for key in keys] == list(range(len(keys)))


@needs(Capability.SET_STOCK)
def test_no_stock_is_a_number_and_less_is_invalid(bench: Bench) -> None:
    [key] = bench.keys(1)
    zero, negative = bench.connector.set_stock([StockWrite(key, 0), StockWrite(key, -1)])
    assert zero.error is None
    assert isinstance(negative.error, Invalid)
    assert bench.sellable(key) == 0


@needs(Capability.SET_STOCK)
def test_stock_of_a_promoted_listing_may_not_shrink(bench: Bench) -> None:
    [key] = bench.keys(1)
    bench.world.item(bench.shop, key.listing_id).promoted = True
    less, more = bench.connector.set_stock([StockWrite(key, 1), StockWrite(key, 5000)])
    assert isinstance(less.error, Conflict)
    assert more.error is None
    assert bench.sellable(key) == 5000


@needs(Capability.ADJUST_STOCK)
def test_a_delta_counts_from_what_is_there(bench: Bench) -> None:
    [key] = bench.keys(1)
    before = bench.sellable(key)
    plus, minus = bench.connector.adjust_stock([StockDelta(key, 7, "a"), StockDelta(key, -3, "b")])
    assert (plus.error, minus.error) == (None, None)
    assert bench.sellable(key) == before + 4
    [refused] = bench.connector.adjust_stock([StockDelta(key, -before - 5, "c")])
    assert isinstance(refused.error, Conflict)
    assert bench.sellable(key) == before + 4


@needs(Capability.ADJUST_ONCE)
def test_adjusting_twice_with_one_key_is_adjusting_once(bench: Bench) -> None:
    [key] = bench.keys(1)
    before = bench.sellable(key)
    for _ in range(2):
        [outcome] = bench.connector.adjust_stock([StockDelta(key, -3, "one-delta")])
        assert outcome.error is None
    assert bench.sellable(key) == before - 3


@needs(Capability.ADJUST_ONCE)
def test_a_delta_whose_answer_was_lost_may_be_repeated(bench: Bench, channel: ChannelUnderTest) -> None:
    [key] = bench.keys(1)
    before = bench.sellable(key)
    bench.fault("timeout_after", channel.delta_write, times=1)
    [lost] = bench.connector.adjust_stock([StockDelta(key, -3, "one-delta")])
    assert isinstance(lost.error, OutcomeUnknown)
    [again] = bench.connector.adjust_stock([StockDelta(key, -3, "one-delta")])
    assert again.error is None
    assert bench.sellable(key) == before - 3


@needs(Capability.SET_PRICE)
def test_a_price_is_set_and_read_back(bench: Bench) -> None:
    [key] = bench.keys(1)
    sku = bench.world.sku(bench.shop, key.sku_id)
    wanted = sku.price.sale - 1
    for _ in range(2):
        [outcome] = bench.connector.set_price([PriceWrite(key, Price(sale=wanted))])
        assert outcome.error is None
    assert outcome.pending == (sku.price.sale != wanted)
    bench.world.advance(bench.world.settings.review_delay)
    assert sku.price.sale == wanted
    shown = {each.sku_id: each.price for each in bench.connector.listing(key.listing_id).value.skus}
    price = shown[key.sku_id]
    assert price is not None
    assert price.sale == wanted


@needs(Capability.SET_PRICE)
def test_a_price_of_an_unknown_sku_or_of_nothing_is_rejected_alone(bench: Bench) -> None:
    good, other = bench.keys(2)
    wanted = bench.world.sku(bench.shop, good.sku_id).price.sale - 1
    batch = [
        PriceWrite(nobody(good), Price(sale=wanted)),
        PriceWrite(good, Price(sale=wanted)),
        PriceWrite(other, Price(sale=0)),
    ]
    unknown, fine, free = bench.connector.set_price(batch)
    assert isinstance(unknown.error, Rejected)
    assert fine.error is None
    assert isinstance(free.error, Invalid)
    bench.world.advance(bench.world.settings.review_delay)
    assert bench.world.sku(bench.shop, good.sku_id).price.sale == wanted


WRITES: dict[Capability, Callable[[Connector, SkuKey], Sequence[Outcome[Any]]]] = {
    Capability.SET_STOCK: lambda connector, key: connector.set_stock([StockWrite(key, 1)]),
    Capability.ADJUST_STOCK: lambda connector, key: connector.adjust_stock([StockDelta(key, 1, "k")]),
    Capability.SET_PRICE: lambda connector, key: connector.set_price([PriceWrite(key, Price(sale=1000))]),
}


@pytest.mark.parametrize("write", [pytest.param(each, marks=needs(each)) for each in WRITES])
def test_an_unknown_listing_is_rejected(bench: Bench, write: Capability) -> None:
    [key] = bench.keys(1)
    stranger = key.model_copy(update={"listing_id": str(int(key.listing_id) + 77)})
    [outcome] = WRITES[write](bench.connector, stranger)
    assert isinstance(outcome.error, Rejected)
    assert outcome.error.channel == bench.code


@needs(Capability.STOCK_LEVELS)
def test_levels_are_read_for_what_exists(bench: Bench, channel: ChannelUnderTest) -> None:
    keys = bench.keys(4)
    sku = bench.world.sku(bench.shop, keys[1].sku_id)
    bench.place(sku=sku, quantity=2)
    bench.place(sku=sku, quantity=3, paid=False)
    levels = bench.connector.stock_levels([keys[0], nobody(keys[0]), *keys[1:]])
    assert sorted(level.key.sku_id for level in levels) == sorted(key.sku_id for key in keys)
    told = {level.key: level for level in levels}
    assert (sku.held, told[keys[1]].held) == (5, channel.held(bench, sku))
    assert told[keys[1]].sellable == bench.sellable(keys[1]) == STOCK - 5


@needs(Capability.SHIP)
def test_shipping_twice_is_one_shipment(bench: Bench) -> None:
    placed = bench.place()
    shipment = bench.shipment(placed)
    assert bench.connector.ship(shipment, "key").error is None
    again = bench.connector.ship(shipment, "key")
    assert again.error is None or isinstance(again.error, AlreadyDone)
    assert placed.ship_accepts == 1
    assert [parcel.tracking_no for parcel in bench.read(placed).parcels] == ["SF1234567890123"]


@needs(Capability.SHIP)
def test_another_number_for_a_shipped_order_is_no_second_shipment(bench: Bench) -> None:
    placed = bench.place()
    assert bench.connector.ship(bench.shipment(placed), "one").error is None
    assert isinstance(bench.connector.ship(bench.shipment(placed, "SF9999999999999"), "two").error, AlreadyDone)
    assert placed.ship_accepts == 1


@needs(Capability.SHIP_LINES)
def test_a_part_is_shipped_and_then_the_rest(bench: Bench, channel: ChannelUnderTest) -> None:
    """One piece of three, or where lines travel whole, one line of two."""
    placed = bench.place("several" if channel.whole_lines else "plain", quantity=3)
    line = bench.read(placed).lines[0]
    pieces = line.quantity if channel.whole_lines else 1
    part = bench.shipment(placed, lines=(Packed(line_id=line.id, quantity=pieces),))
    for _ in range(2):
        repeated = bench.connector.ship(part, "part").error
        assert repeated is None or isinstance(repeated, AlreadyDone)
    assert bench.read(placed).fulfilment.value is Fulfilment.PART_SHIPPED
    assert (placed.ship_accepts, placed.lines[0].shipped) == (1, pieces)
    assert bench.connector.ship(bench.shipment(placed, "SF9999999999999"), "rest").error is None
    order = bench.read(placed)
    assert order.fulfilment.value is Fulfilment.SHIPPED
    assert [(parcel.tracking_no, packed.quantity) for parcel in order.parcels for packed in parcel.lines] == [
        ("SF1234567890123", pieces),
        ("SF9999999999999", sum(each.quantity for each in placed.lines) - pieces),
    ]


@needs(Capability.SHIP)
def test_parcels_name_lines_or_nothing_is_shipped(bench: Bench, channel: ChannelUnderTest) -> None:
    """Where lines can be named, another order's line is refused; where they cannot, what leaves something out."""
    placed, other = bench.place(quantity=2), bench.place()
    lines = bench.read(other if channel.channel.supports(Capability.SHIP_LINES) else placed).lines
    wrong = bench.shipment(placed, lines=(Packed(line_id=lines[0].id, quantity=1),))
    assert isinstance(bench.connector.ship(wrong, "key").error, Rejected)
    assert placed.ship_accepts == 0


@needs(Capability.SHIP)
def test_what_must_not_be_shipped_is_not(bench: Bench) -> None:
    risky, refunded, cancelled = bench.place("risk"), bench.place(), bench.place()
    bench.world.request_refund(refunded)
    bench.world.cancel(cancelled)
    assert isinstance(bench.connector.ship(bench.shipment(risky), "a").error, NotYet)
    assert isinstance(bench.connector.ship(bench.shipment(refunded), "b").error, Conflict)
    assert isinstance(bench.connector.ship(bench.shipment(cancelled), "c").error, Rejected)
    assert [each.ship_accepts for each in (risky, refunded, cancelled)] == [0, 0, 0]


@needs(Capability.SHIP)
def test_an_unknown_carrier_is_named_before_anything_is_written(bench: Bench, channel: ChannelUnderTest) -> None:
    placed = bench.place()
    shipment = bench.shipment(placed)
    [parcel] = shipment.parcels
    stray = shipment.model_copy(update={"parcels": (parcel.model_copy(update={"carrier": "NOBODY"}),)})
    assert type(bench.connector.ship(stray, "key").error) is UnknownCarrier
    assert channel.ship_write not in bench.world.calls[bench.code]


@needs(Capability.SHIP)
def test_an_order_of_nobody_cannot_be_shipped(bench: Bench) -> None:
    shipment = bench.shipment(bench.place())
    stranger = shipment.model_copy(update={"order_id": shipment.order_id[:-3] + "000"})
    assert isinstance(bench.connector.ship(stranger, "key").error, NotFound)


@needs(Capability.CHANGE_TRACKING)
def test_a_number_is_changed_and_changing_it_again_changes_nothing(bench: Bench) -> None:
    placed = bench.place()
    assert bench.connector.ship(bench.shipment(placed), "key").error is None
    for _ in range(2):
        old = bench.read(placed).parcels[0]
        assert bench.connector.change_tracking(placed.order_id, old, "ZTO", "75400000000001").error is None
    [parcel] = bench.read(placed).parcels
    assert (parcel.carrier, parcel.tracking_no) == ("ZTO", "75400000000001")
    assert placed.ship_accepts == 1


@needs(Capability.MEMO)
@pytest.mark.parametrize("text", [text for text in TEXTS if text])
def test_a_memo_is_written_as_it_is_and_overwrites(bench: Bench, text: str) -> None:
    placed = bench.place()
    for memo in (Memo(text="old", flag=Flag.GREEN), Memo(text=text, flag=Flag.RED)):
        assert bench.connector.memo(placed.order_id, memo).error is None
        assert bench.read(placed).memo == memo


@needs(Capability.MEMO)
def test_a_memo_can_be_emptied(bench: Bench) -> None:
    placed = bench.place()
    assert bench.connector.memo(placed.order_id, Memo(text="old")).error is None
    assert bench.connector.memo(placed.order_id, Memo()).error is None
    assert bench.read(placed).memo.text == ""


@needs(Capability.CARRIERS)
def test_carriers_are_listed_under_our_codes(bench: Bench) -> None:
    rows = bench.connector.carriers()
    assert {"SF", "ZTO", "YTO", "STO", "YUNDA", "JT", "EMS", "JD"} <= {row.carrier for row in rows}
    assert all(row.code and row.name for row in rows)
    assert len({row.code for row in rows}) == len(rows)


LOST: tuple[FaultKind, ...] = ("timeout_before", "timeout_after", "truncated", "http_5xx", "html")
DONE = {"timeout_after", "truncated"}
"""Faults after the effect; the others come before it."""


@needs(Capability.SET_STOCK, Capability.STOCK_LEVELS)
@pytest.mark.parametrize("kind", LOST)
def test_a_stock_write_with_a_lost_answer_is_cleared_up_by_reading(
    bench: Bench, channel: ChannelUnderTest, kind: FaultKind
) -> None:
    [key] = bench.keys(1)
    before = bench.sellable(key)
    bench.fault(kind, channel.stock_write, times=1)
    [lost] = bench.connector.set_stock([StockWrite(key, 42)])
    assert type(lost.error) is OutcomeUnknown
    [level] = bench.connector.stock_levels([key])
    assert level.sellable == (42 if kind in DONE else before)
    [again] = bench.connector.set_stock([StockWrite(key, 42)])
    assert again.error is None
    assert bench.sellable(key) == 42


@needs(Capability.SET_STOCK)
@pytest.mark.parametrize("kind", ["partial_failure", "throttle", "system_error", "token_death", *LOST])
def test_every_outcome_of_a_batch_is_true(bench: Bench, channel: ChannelUnderTest, kind: FaultKind) -> None:
    """Accepted means written, refused means not written; only a lost answer may leave it open."""
    keys = bench.keys(4)
    before = [bench.sellable(key) for key in keys]
    bench.fault(kind, channel.stock_write, times=1)
    outcomes = bench.connector.set_stock([StockWrite(key, 40 + n) for n, key in enumerate(keys)])
    for n, outcome in enumerate(outcomes):
        written = bench.sellable(keys[n]) == 40 + n
        assert written or bench.sellable(keys[n]) == before[n]
        if not isinstance(outcome.error, OutcomeUnknown):
            assert written == (outcome.error is None)


@needs(Capability.SHIP)
@pytest.mark.parametrize("kind", LOST)
def test_a_shipment_with_a_lost_answer_is_cleared_up_by_reading(
    bench: Bench, channel: ChannelUnderTest, kind: FaultKind
) -> None:
    placed = bench.place()
    shipment = bench.shipment(placed)
    bench.fault(kind, channel.ship_write, times=1)
    assert type(bench.connector.ship(shipment, "key").error) is OutcomeUnknown
    shown = [parcel.tracking_no for parcel in bench.read(placed).parcels]
    assert shown == (["SF1234567890123"] if kind in DONE else [])
    again = bench.connector.ship(shipment, "key").error
    assert isinstance(again, AlreadyDone) if kind in DONE else again is None
    assert placed.ship_accepts == 1


@needs(Capability.SET_STOCK)
def test_orders_taken_after_a_write_are_counted_on_top_of_it(bench: Bench, channel: ChannelUnderTest) -> None:
    """`sellable` is what may still be sold: running orders do not lower a number that was set after them."""
    [key] = bench.keys(1)
    sku = bench.world.sku(bench.shop, key.sku_id)
    bench.place(sku=sku, quantity=3)
    bench.place(sku=sku, quantity=4, paid=False)
    assert bench.connector.set_stock([StockWrite(key, 10)])[0].error is None
    bench.place(sku=sku, quantity=2)
    [level] = bench.connector.stock_levels([key])
    assert (level.sellable, level.held, sku.held) == (8, channel.held(bench, sku), 9)
    assert sku.last_set == StockSet(10, bench.world.now(), "set")
    bench.world.advance(timedelta(hours=12).total_seconds())
    assert bench.sellable(key) == 8
