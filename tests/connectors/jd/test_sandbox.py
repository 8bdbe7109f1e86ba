"""Every operation against the simulated platform, over the real HTTP client: two readings of one documentation meet."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from pydantic import SecretStr

from connectors.http import Http
from connectors.jd.connector import JdConnector
from core import errors
from core.channel import Credentials, OpenGate, PriceWrite, Request, StockDelta, StockWrite, Transport, Window
from core.model import Flag, Memo, Order, Packed, ParcelDraft, Price, Shipment, SkuKey
from core.status import AfterSaleState, Closing, Fulfilment, Hold, OrderStatus, Payment
from sandbox.clock import VirtualClock
from sandbox.faults import FaultKind, FaultRule
from sandbox.model import Order as Placed
from sandbox.model import State
from sandbox.sandbox import Sandbox
from sandbox.transport import mock_transport


class World:
    """One simulated shop with our connector on it, both on one clock."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.sandbox = Sandbox(7, self.clock)
        self.world = self.sandbox.world
        self.shop = self.world.shop("jd")
        self.app = self.world.apps["jd"]
        self.http = Http(OpenGate(), mock_transport(self.sandbox), sleep=lambda _: None)
        self.connector = self.connect()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)

    def connect(self, transport: Transport | None = None) -> JdConnector:
        grant = self.shop.grant
        credentials = Credentials(
            self.app.key, SecretStr(self.app.secret), SecretStr(grant.access_token), SecretStr(grant.refresh_token)
        )
        shop_id = f"jd:{self.shop.shop_id}"
        gateway = "https://gateway.example"
        return JdConnector(shop_id, self.shop.shop_id, credentials, transport or self.http, OpenGate(), self, gateway)

    def place(self, variant: str = "plain", *, paid: bool = True, quantity: int | None = None) -> Placed:
        return self.world.place(self.shop, variant=variant, restock=True, paid=paid, quantity=quantity)

    def read(self, placed: Placed) -> Order:
        return self.connector.order(placed.order_id).value

    def walk(self) -> dict[str, Order]:
        """The last half hour, once every change in it may be seen."""
        self.clock.advance(5)
        pages = list(self.connector.orders(Window(self.now() - timedelta(minutes=30), self.now())))
        assert [row for page in pages for row in page.bad] == []
        found = {item.value.id: item.value for page in pages for item in page.items}
        assert pages[-1].expected == len(found)
        return found

    def keys(self, count: int = 1) -> list[SkuKey]:
        skus = (sku for item in self.shop.items.values() if item.on_shelf for sku in item.skus.values())
        return [SkuKey(listing_id=sku.item_id, sku_id=sku.sku_id) for sku, _ in zip(skus, range(count), strict=False)]


@pytest.fixture
def here() -> Iterator[World]:
    world = World()
    yield world
    world.http.close()


def ship(here: World, order_id: str, *parcels: tuple[str, str]) -> errors.ChannelError | None:
    drafts = tuple(ParcelDraft(carrier=carrier, tracking_no=number) for carrier, number in parcels)
    return here.connector.ship(Shipment(order_id=order_id, parcels=drafts), "key").error


VARIANTS = ["plain", "coupons", "gift", "presale", "emoji", "several", "cod", "prepaid", "overseas", "virtual"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_orders_of_every_kind_add_up(here: World, variant: str) -> None:
    placed = here.place(variant)
    order = here.walk()[placed.order_id]
    assert order.warnings == ()
    assert (order.payment.value, order.hold.value) == (Payment.PAID, Hold.NONE)
    assert abs(order.money.pay - placed.pay_amount) <= (50 if variant == "cod" else 0)
    assert sum(line.money.pay for line in order.lines) == order.money.pay - order.money.postage - order.money.fees
    assert here.read(placed) == order


@pytest.mark.parametrize(
    ("variant", "error"), [("risk", errors.NotYet), ("platform_stock", errors.Conflict), ("overseas", errors.Conflict)]
)
def test_what_must_not_be_shipped_is_not(here: World, variant: str, error: type[errors.ChannelError]) -> None:
    placed = here.place(variant)
    assert type(ship(here, placed.order_id, ("SF", "SF00001"))) is error
    assert placed.ship_accepts == 0


def test_unpaid_orders_are_there_with_their_money(here: World) -> None:
    paid, unpaid = here.place(), here.place(paid=False)
    found = here.walk()
    assert found.keys() == {paid.order_id, unpaid.order_id}
    order = found[unpaid.order_id]
    assert (order.status, order.money.pay) == (OrderStatus.UNPAID, unpaid.pay_amount)
    here.world.cancel(unpaid)
    assert here.walk()[unpaid.order_id].closing.value is Closing.CLOSED_UNPAID


def test_a_split_order_is_replaced_by_its_children(here: World) -> None:
    parent = here.place("split")
    found = here.walk()
    assert found[parent.order_id].closing.value is Closing.REPLACED
    children = {order.id for order in found.values() if order.lineage.parent_id == parent.order_id}
    assert len(children) > 1
    assert children == found.keys() - {parent.order_id}
    assert {found[child].status for child in children} == {OrderStatus.TO_SHIP}


def test_a_long_window_is_complete(here: World) -> None:
    placed = {here.place().order_id for _ in range(230)}
    assert here.walk().keys() == placed


def test_an_order_of_nobody_is_not_found(here: World) -> None:
    with pytest.raises(errors.NotFound):
        here.connector.order("999999999999")


def test_shipping_changing_and_repeating(here: World) -> None:
    placed = here.place()
    parcels = (("SF", "SF00001"), ("ZTO", "75400001"), ("SF", "SF00002"))
    assert ship(here, placed.order_id, *parcels) is None
    order = here.read(placed)
    assert order.fulfilment.value is Fulfilment.SHIPPED
    assert {(parcel.carrier, parcel.tracking_no) for parcel in order.parcels} == set(parcels)
    assert type(ship(here, placed.order_id, *parcels)) is errors.AlreadyDone
    assert type(ship(here, placed.order_id, ("SF", "SF99999"))) is errors.AlreadyDone
    assert placed.ship_accepts == 1
    for _ in range(2):
        old = next(parcel for parcel in here.read(placed).parcels if parcel.tracking_no in ("75400001", "YT00001"))
        assert here.connector.change_tracking(order.id, old, "YTO", "YT00001").error is None
    changed = {(parcel.carrier, parcel.tracking_no) for parcel in here.read(placed).parcels}
    assert changed == {("SF", "SF00001"), ("SF", "SF00002"), ("YTO", "YT00001")}


def test_a_part_is_shipped_then_the_rest_and_its_number_is_changed(here: World) -> None:
    placed = here.place(quantity=3)
    [line] = here.read(placed).lines
    part = ParcelDraft(carrier="SF", tracking_no="SF00001", lines=(Packed(line_id=line.id, quantity=1),))
    shipment = Shipment(order_id=placed.order_id, parcels=(part,))
    assert here.connector.ship(shipment, "a").error is None
    assert type(here.connector.ship(shipment, "a").error) is errors.AlreadyDone
    order = here.read(placed)
    assert (order.status, placed.ship_accepts) == (OrderStatus.PART_SHIPPED, 1)
    assert order.parcels[0].lines == part.lines
    assert ship(here, placed.order_id, ("JT", "JT00002")) is None
    order = here.read(placed)
    assert order.status is OrderStatus.SHIPPED
    assert [packed.quantity for parcel in order.parcels for packed in parcel.lines] == [1, 2]
    assert here.connector.change_tracking(order.id, order.parcels[1], "ZTO", "75400002").error is None
    changed = here.read(placed).parcels
    assert [(parcel.id, parcel.tracking_no) for parcel in changed] == [("1", "SF00001"), ("2", "75400002")]
    assert all(parcel.shipped_at for parcel in changed)


def test_a_bad_number_is_rejected_by_the_platform(here: World) -> None:
    assert isinstance(ship(here, here.place().order_id, ("SF", "?")), errors.Rejected)


def test_an_open_refund_locks_the_order_and_stops_the_parcel(here: World) -> None:
    placed = here.place()
    refund = here.world.request_refund(placed)
    order = here.walk()[placed.order_id]
    assert (order.hold.value, order.after_sale.value) == (Hold.PLATFORM_LOCK, AfterSaleState.REQUESTED)
    assert type(ship(here, placed.order_id, ("SF", "SF00001"))) is errors.Conflict
    here.world.agree_refund(refund)
    here.world.pay_back(refund)
    order = here.read(placed)
    assert (order.closing.value, order.after_sale.value) == (Closing.CLOSED_REFUNDED, AfterSaleState.REFUNDED)


def test_a_life_to_its_end(here: World) -> None:
    placed = here.place()
    here.world.ship(placed, "467", "SF00001")
    here.clock.advance(100)
    here.world.receive(placed)
    here.clock.advance(100)
    here.world.finish(placed)
    order = here.read(placed)
    assert placed.state is State.FINISHED
    assert (order.status, order.fulfilment.value) == (OrderStatus.FINISHED, Fulfilment.SIGNED)
    assert order.ended_at is not None


def test_listings_and_stock(here: World) -> None:
    here.place()
    pages = list(here.connector.listings())
    listings = {item.value.id: item.value for page in pages for item in page.items}
    assert set(listings) == set(here.shop.items)
    assert pages[-1].expected == len(listings)
    for listing in listings.values():
        for shown in listing.skus:
            sku = here.world.sku(here.shop, shown.sku_id)
            assert (shown.merchant_code, shown.sellable, shown.held) == (sku.code, sku.sellable, sku.held)
            assert shown.spec == sku.spec_text
            assert shown.price is not None
            assert shown.price.sale == sku.price.sale
    some = next(iter(listings))
    assert here.connector.listing(some).value == listings[some]
    with pytest.raises(errors.NotFound):
        here.connector.listing("1")


def test_stock_counts_on_top_of_what_is_booked(here: World) -> None:
    [key] = here.keys()
    sku = here.world.sku(here.shop, key.sku_id)
    here.world.place(here.shop, sku=sku, quantity=3, restock=True)
    [outcome] = here.connector.set_stock([StockWrite(key, 10)])
    assert outcome.error is None
    here.world.place(here.shop, sku=sku, quantity=2)
    [level] = here.connector.stock_levels([key])
    assert (level.sellable, level.held, sku.sellable) == (8, 5, 8)


SET_STOCK = "jingdong.ware.stock.sku.set"
BOOKINGS = "jingdong.ware.stock.sku.query"


class Meanwhile:
    """A transport in which something happens before each call of a method, as often as there are steps."""

    def __init__(self, here: World, method: str, *steps: Callable[[], object]) -> None:
        self._http, self._method, self._steps = here.http, method, list(steps)

    def send(self, request: Request) -> bytes:
        if request.call.method == self._method and self._steps:
            self._steps.pop(0)()
        return self._http.send(request)


def bought(here: World, key: SkuKey, *quantities: int) -> list[Callable[[], object]]:
    """Paid orders of a SKU, as the steps that ship them."""
    sku = here.world.sku(here.shop, key.sku_id)
    orders = [
        here.world.place(here.shop, sku=sku, quantity=quantity, variant="plain", restock=True)
        for quantity in quantities
    ]
    return [partial(here.world.ship, order, "SF", "SF00001") for order in orders]


def buying(here: World, key: SkuKey) -> Callable[[], object]:
    """The step of somebody who buys two."""
    sku = here.world.sku(here.shop, key.sku_id)
    return partial(here.world.place, here.shop, sku=sku, quantity=2, variant="plain", restock=True)


def calls(here: World, method: str) -> int:
    return here.world.calls["jd"][method]["count"]


def test_an_order_shipped_between_reading_and_write_leaves_no_more_for_sale_than_wished(here: World) -> None:
    [key] = here.keys()
    [ship_it, _] = bought(here, key, 3, 1)
    [outcome] = here.connect(Meanwhile(here, SET_STOCK, ship_it)).set_stock([StockWrite(key, 10)])
    sku = here.world.sku(here.shop, key.sku_id)
    assert (outcome.error, sku.sellable, sku.held) == (None, 10, 1)
    assert calls(here, SET_STOCK) == 2


def test_an_order_placed_between_reading_and_write_was_sold_since(here: World) -> None:
    [key] = here.keys()
    bought(here, key, 1)
    sku = here.world.sku(here.shop, key.sku_id)
    [outcome] = here.connect(Meanwhile(here, SET_STOCK, buying(here, key))).set_stock([StockWrite(key, 10)])
    assert (outcome.error, sku.sellable, sku.held) == (None, 8, 3)
    assert calls(here, SET_STOCK) == 1


def test_a_number_below_what_orders_booked_meanwhile_is_written_again(here: World) -> None:
    [key] = here.keys()
    bought(here, key, 1)
    sku = here.world.sku(here.shop, key.sku_id)
    [outcome] = here.connect(Meanwhile(here, SET_STOCK, buying(here, key))).set_stock([StockWrite(key, 0)])
    assert (outcome.error, sku.sellable, sku.held) == (None, 0, 3)
    assert calls(here, SET_STOCK) == 2


def test_a_number_refused_while_orders_go_on_waits_for_its_next_turn(here: World) -> None:
    [key] = here.keys()
    bought(here, key, 1)
    buys = [buying(here, key)] * 3
    [outcome] = here.connect(Meanwhile(here, SET_STOCK, *buys)).set_stock([StockWrite(key, 0)])
    assert type(outcome.error) is errors.NotYet


def test_a_number_that_orders_outrun_is_left_to_be_read_back(here: World) -> None:
    [key] = here.keys()
    steps = bought(here, key, 1, 1, 1, 1)
    connector = here.connect(Meanwhile(here, SET_STOCK, *steps[:3]))
    [outcome] = connector.set_stock([StockWrite(key, 10)])
    assert type(outcome.error) is errors.OutcomeUnknown
    assert calls(here, SET_STOCK) == 3
    assert connector.stock_levels([key])[0].sellable == 11
    assert connector.set_stock([StockWrite(key, 10)])[0].error is None
    assert connector.stock_levels([key])[0].sellable == 10


@pytest.mark.parametrize("kind", ["throttle", "http_5xx", "html", "truncated", "timeout_after", "token_death"])
def test_what_was_accepted_and_cannot_be_read_back_is_open(here: World, kind: FaultKind) -> None:
    first, second = here.keys(2)
    bought(here, first, 1)
    rule = FaultRule(kind=kind, channel="jd", method=BOOKINGS)
    steps = [lambda: None, lambda: None, lambda: here.world.faults.add(rule)]
    transport = Meanwhile(here, BOOKINGS, *steps)
    outcomes = here.connect(transport).set_stock([StockWrite(first, 10), StockWrite(second, 20)])
    assert [type(outcome.error) for outcome in outcomes] == [errors.OutcomeUnknown, type(None)]
    assert [here.world.sku(here.shop, key.sku_id).sellable for key in (first, second)] == [10, 20]


@pytest.mark.parametrize("kind", ["throttle", "system_error", "partial_failure", "truncated"])
def test_a_second_write_that_fails_leaves_the_first_one_open(here: World, kind: FaultKind) -> None:
    first, *others = here.keys(11)
    [ship_it, _] = bought(here, first, 2, 1)
    rule = FaultRule(kind=kind, channel="jd", method=SET_STOCK, times=1)
    transport = Meanwhile(here, SET_STOCK, ship_it, lambda: here.world.faults.add(rule))
    batch = [StockWrite(key, 10) for key in (first, *others)]
    outcomes = here.connect(transport).set_stock(batch)
    assert type(outcomes[0].error) is errors.OutcomeUnknown
    assert [outcome.error for outcome in outcomes[1:10]] == [None] * 9
    later = {"throttle": errors.Throttled, "system_error": errors.Unavailable}
    assert type(outcomes[10].error) is later.get(kind, type(None))


def test_a_promotion_keeps_what_was_set_too_high_and_the_outcome_open(here: World) -> None:
    [key] = here.keys()
    sku = here.world.sku(here.shop, key.sku_id)
    [ship_it, _] = bought(here, key, 2, 1)
    here.world.item(here.shop, key.listing_id).promoted = True
    connector = here.connect(Meanwhile(here, SET_STOCK, ship_it))
    wanted = sku.sellable + 10
    [outcome] = connector.set_stock([StockWrite(key, wanted)])
    assert (type(outcome.error), sku.sellable) == (errors.OutcomeUnknown, wanted + 2)
    assert type(connector.set_stock([StockWrite(key, wanted)])[0].error) is errors.Conflict


def test_only_what_was_booked_is_read_back(here: World) -> None:
    keys = here.keys(12)
    bought(here, keys[3], 1)
    bought(here, keys[10], 1)
    outcomes = here.connector.set_stock([StockWrite(key, 10) for key in keys])
    assert [outcome.error for outcome in outcomes] == [None] * 12
    assert (calls(here, BOOKINGS), calls(here, SET_STOCK)) == (14, 2)


def test_of_a_sku_written_twice_the_last_wish_counts(here: World) -> None:
    [key] = here.keys()
    [ship_it, _] = bought(here, key, 2, 1)
    transport = Meanwhile(here, SET_STOCK, ship_it)
    outcomes = here.connect(transport).set_stock([StockWrite(key, 4), StockWrite(key, 50)])
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert here.world.sku(here.shop, key.sku_id).sellable == 50


def test_stock_is_set_and_changed_item_by_item(here: World) -> None:
    first, second = here.keys(2)
    missing = SkuKey(listing_id=first.listing_id, sku_id="1")
    outcomes = here.connector.set_stock([StockWrite(first, 30), StockWrite(missing, 30), StockWrite(second, 0)])
    assert [type(outcome.error) for outcome in outcomes] == [type(None), errors.NotFound, type(None)]
    deltas = [StockDelta(first, -5, "a"), StockDelta(first, -5, "a"), StockDelta(first, -26, "b")]
    done, again, refused = here.connector.adjust_stock(deltas)
    assert (done.error, again.error) == (None, None)
    assert type(refused.error) is errors.Conflict
    assert [level.sellable for level in here.connector.stock_levels([first, missing, second])] == [25, 0]


def test_stock_of_a_promoted_listing_may_not_shrink(here: World) -> None:
    [key] = here.keys()
    here.world.item(here.shop, key.listing_id).promoted = True
    less, more = here.connector.set_stock([StockWrite(key, 1), StockWrite(key, 5000)])
    assert type(less.error) is errors.Conflict
    assert more.error is None


def test_a_price_is_set_at_once(here: World) -> None:
    [key] = here.keys()
    missing = SkuKey(listing_id=key.listing_id, sku_id="1")
    outcomes = here.connector.set_price(
        [PriceWrite(missing, Price(sale=1)), PriceWrite(key, Price(sale=1234)), PriceWrite(key, Price(sale=0))]
    )
    assert [type(outcome.error) for outcome in outcomes] == [errors.NotFound, type(None), errors.Invalid]
    assert here.world.sku(here.shop, key.sku_id).price.sale == 1234


@pytest.mark.parametrize("text", ["加急😀", "@客服 周末再送", 'a&b<c>"\\/+=%', "纯文本【x】"])
def test_a_memo_is_written_and_cleared(here: World, text: str) -> None:
    placed = here.place()
    for memo in (Memo(text="old", flag=Flag.GREEN), Memo(text=text, flag=Flag.BLUE)):
        assert here.connector.memo(placed.order_id, memo).error is None
        assert here.read(placed).memo == memo
    assert here.connector.memo(placed.order_id, Memo()).error is None
    assert here.read(placed).memo == Memo()


def test_carriers(here: World) -> None:
    assert {"SF", "ZTO", "YTO", "STO", "YUNDA", "JT", "EMS", "JD"} <= {row.carrier for row in here.connector.carriers()}


def test_a_refresh_prolongs_the_token(here: World) -> None:
    here.clock.advance(3600)
    fresh = here.connector.refresh()
    assert fresh.access_expires_at is not None
    assert fresh.access_expires_at > here.now()
    here.shop.authorised = False
    with pytest.raises(errors.Reauthorize):
        here.connector.refresh()


def test_a_dead_token_asks_for_another(here: World) -> None:
    here.world.faults.add(FaultRule(kind="token_death", channel="jd"))
    with pytest.raises(errors.Reauthorize):
        here.walk()


FAULTS: list[tuple[FaultKind, type[errors.ChannelError]]] = [
    ("throttle", errors.Throttled),
    ("timeout_after", errors.OutcomeUnknown),
    ("timeout_before", errors.OutcomeUnknown),
    ("http_5xx", errors.OutcomeUnknown),
    ("html", errors.OutcomeUnknown),
    ("truncated", errors.OutcomeUnknown),
    ("system_error", errors.Unavailable),
]


@pytest.mark.parametrize(("kind", "expected"), FAULTS)
@pytest.mark.parametrize("method", ["jingdong.ware.stock.sku.set", "jingdong.pop.order.shipment"])
def test_what_a_broken_platform_makes_of_a_write(
    here: World, kind: FaultKind, expected: type[errors.ChannelError], method: str
) -> None:
    here.world.faults.add(FaultRule(kind=kind, channel="jd", method=method))
    if method.endswith("shipment"):
        assert type(ship(here, here.place().order_id, ("SF", "SF00001"))) is expected
    else:
        [outcome] = here.connector.set_stock([StockWrite(here.keys()[0], 3)])
        assert type(outcome.error) is expected


@pytest.mark.parametrize("code", [33, 65, 999999, 99999999])
def test_an_error_from_inside_the_platform_leaves_a_write_open(here: World, code: int) -> None:
    rule = FaultRule(kind="system_error", channel="jd", method="jingdong.pop.order.shipment", code=code, times=1)
    here.world.faults.add(rule)
    placed = here.place()
    assert type(ship(here, placed.order_id, ("SF", "SF00001"))) is errors.OutcomeUnknown
    assert here.read(placed).parcels == ()
    assert ship(here, placed.order_id, ("SF", "SF00001")) is None


@pytest.mark.parametrize(("kind", "expected"), [("html", errors.Garbled), ("http_5xx", errors.Unavailable)])
def test_what_a_broken_platform_makes_of_a_read(
    here: World, kind: FaultKind, expected: type[errors.ChannelError]
) -> None:
    here.world.faults.add(FaultRule(kind=kind, channel="jd"))
    with pytest.raises(expected):
        here.walk()
