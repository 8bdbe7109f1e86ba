"""Every operation against the simulated platform, over the real HTTP client: two readings of one documentation meet."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal

import pytest
from pydantic import SecretStr

from connectors.http import Http
from connectors.taobao import CHANNEL
from connectors.taobao.connector import TaobaoConnector
from core import errors
from core.channel import Credentials, OpenGate, PriceWrite, Request, StockDelta, StockWrite, Transport, Window
from core.model import Flag, Memo, Packed, ParcelDraft, Price, Shipment, SkuKey
from core.status import AfterSaleKind, AfterSaleStage, AfterSaleState, Closing, Fulfilment, Hold, Payment
from sandbox.clock import VirtualClock
from sandbox.faults import FaultKind, FaultRule
from sandbox.model import Order as Placed
from sandbox.sandbox import Sandbox
from sandbox.settings import Settings
from sandbox.taobao.messages import TOPICS
from sandbox.transport import mock_transport

Kind = Literal["taobao", "tmall"]


class World:
    """One simulated shop with our connector on it, both on one clock."""

    def __init__(self, kind: Kind = "taobao", **settings: object) -> None:
        self.clock = VirtualClock()
        told = {"taobao_shop_kinds": [kind], "rate_limits_on": False, **settings}
        self.sandbox = Sandbox(7, self.clock, settings=Settings.model_validate(told))
        self.world = self.sandbox.world
        self.shop = self.world.shop("taobao")
        self.app = self.world.apps["taobao"]
        self.http = Http(OpenGate(), mock_transport(self.sandbox), sleep=lambda _: None)
        self.connector = self.connect()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)

    def connect(self, transport: Transport | None = None, **options: str) -> TaobaoConnector:
        grant = self.shop.grant
        credentials = Credentials(
            self.app.key, SecretStr(self.app.secret), SecretStr(grant.access_token), SecretStr(grant.refresh_token)
        )
        shop_id, gateway = f"taobao:{self.shop.shop_id}", CHANNEL.gateway
        account, way = self.shop.shop_id, transport or self.http
        return TaobaoConnector(shop_id, account, credentials, way, OpenGate(), self, gateway, options)

    def place(self, variant: str = "plain") -> Placed:
        return self.world.place(self.shop, variant=variant, restock=True)

    def window(self) -> Window:
        return Window(self.now() - timedelta(minutes=30), self.now())

    def key(self) -> SkuKey:
        item = next(iter(self.shop.items.values()))
        return SkuKey(listing_id=item.item_id, sku_id=next(iter(item.skus)))


@pytest.fixture(params=["taobao", "tmall"])
def here(request: pytest.FixtureRequest) -> World:
    return World(request.param)


def parcel(*line_ids: str, number: str = "YT0000000000001", carrier: str = "YTO") -> ParcelDraft:
    lines = tuple(Packed(line_id=line_id, quantity=1) for line_id in line_ids)
    return ParcelDraft(carrier=carrier, tracking_no=number, lines=lines)


def ship(here: World, order_id: str, *parcels: ParcelDraft) -> errors.ChannelError | None:
    return here.connector.ship(Shipment(order_id=order_id, parcels=parcels or (parcel(),)), "key").error


@pytest.mark.parametrize("method", ["md5", "hmac", "hmac-sha256"])
def test_every_sign_method_is_understood(method: str) -> None:
    here = World()
    placed = here.place()
    assert here.connect(sign_method=method).order(placed.order_id).value.id == placed.order_id


@pytest.mark.parametrize(
    "variant",
    ["plain", "coupons", "gift", "presale", "emoji", "several", "risk", "bundle", "cod", "service", "virtual",
     "overseas", "deposit", "group"],
)  # fmt: skip
def test_orders_of_every_kind_add_up(variant: str) -> None:
    here = World()
    placed = here.place(variant)
    pages = list(here.connector.orders(here.window()))
    found = {item.value.id: item.value for page in pages for item in page.items}
    assert [page.bad for page in pages if page.bad] == []
    assert pages[-1].expected == len(found)
    order = found[placed.order_id]
    assert order.warnings == ()
    assert order.money.pay == placed.pay_amount
    assert here.connector.order(placed.order_id).value == order
    assert order.receiver.oaid
    assert (order.hold.value is Hold.NONE) == (variant not in ("risk", "group"))
    assert [line.quantity for line in order.lines if not line.gift] == [
        line.quantity for line in placed.lines if not line.gift
    ]


def test_a_long_window_is_complete() -> None:
    here = World()
    placed = {here.place().order_id for _ in range(130)}
    pages = list(here.connector.orders(here.window()))
    assert {item.value.id for page in pages for item in page.items} == placed
    assert pages[-1].expected == 130


def test_an_order_of_nobody_is_not_found() -> None:
    with pytest.raises(errors.NotFound):
        World().connector.order("2150000000000009999")


def test_one_buyer_has_one_oaid_within_a_week() -> None:
    here = World()
    first = here.place()
    again = here.world.place(here.shop, variant="plain", restock=True, buyer=first.buyer)
    later = here.now() + timedelta(days=7)
    here.clock.advance(7 * 86400)
    third = here.world.place(here.shop, variant="plain", restock=True, buyer=first.buyer)
    oaids = [here.connector.order(each.order_id).value.receiver.oaid for each in (first, again, third)]
    assert here.now() == later
    assert oaids[0] == oaids[1] != oaids[2]


def test_shipping_changing_and_repeating(here: World) -> None:
    order_id = here.place().order_id
    assert ship(here, order_id) is None
    order = here.connector.order(order_id).value
    assert order.fulfilment.value is Fulfilment.SHIPPED
    assert [(each.carrier, each.tracking_no) for each in order.parcels] == [("YTO", "YT0000000000001")]
    assert type(ship(here, order_id)) is errors.AlreadyDone
    for _ in range(2):
        told = here.connector.change_tracking(order_id, order.parcels[0], "ZTO", "78000000000002")
        assert told.error is None
    [changed] = here.connector.order(order_id).value.parcels
    assert (changed.carrier, changed.tracking_no) == ("ZTO", "78000000000002")


def test_a_part_is_shipped_and_then_the_rest() -> None:
    here = World()
    placed = here.place("several")
    order = here.connector.order(placed.order_id).value
    first, second = order.lines
    part = ParcelDraft(
        carrier="YTO", tracking_no="YT0000000000001", lines=(Packed(line_id=first.id, quantity=first.quantity),)
    )
    assert ship(here, placed.order_id, part) is None
    halfway = here.connector.order(placed.order_id).value
    assert halfway.fulfilment.value is Fulfilment.PART_SHIPPED
    assert ship(here, placed.order_id, parcel(number="YT0000000000002")) is None
    done = here.connector.order(placed.order_id).value
    assert done.fulfilment.value is Fulfilment.SHIPPED
    packed = {each.tracking_no: [lying.line_id for lying in each.lines] for each in done.parcels}
    assert packed == {"YT0000000000001": [first.id], "YT0000000000002": [second.id]}
    [old] = [each for each in done.parcels if each.tracking_no == "YT0000000000002"]
    assert here.connector.change_tracking(placed.order_id, old, "YTO", "YT0000000000003").error is None
    numbers = {each.tracking_no for each in here.connector.order(placed.order_id).value.parcels}
    assert numbers == {"YT0000000000001", "YT0000000000003"}


@pytest.mark.parametrize("variant", ["cod", "virtual", "gift", "bundle"])
def test_every_kind_of_order_ships(variant: str) -> None:
    here = World()
    order_id = here.place(variant).order_id
    assert here.connector.order(order_id).value.payment.value is Payment.PAID
    assert ship(here, order_id) is None
    assert here.connector.order(order_id).value.fulfilment.value is Fulfilment.SHIPPED


def test_what_must_not_be_shipped_is_not() -> None:
    here = World()
    risky, refunded, cancelled, deposit = here.place("risk"), here.place(), here.place(), here.place("deposit")
    here.world.request_refund(refunded)
    here.world.cancel(cancelled)
    told = [type(ship(here, placed.order_id)) for placed in (risky, refunded, cancelled, deposit)]
    assert told == [errors.NotYet, errors.Conflict, errors.Conflict, errors.NotYet]


def test_a_bad_number_is_rejected_by_the_platform(here: World) -> None:
    assert isinstance(ship(here, here.place().order_id, parcel(number="?")), errors.Rejected)


def test_a_refund_before_shipping_closes_the_order(here: World) -> None:
    placed = here.place()
    refund = here.world.request_refund(placed)
    [found] = [item.value for page in here.connector.after_sales(here.window()) for item in page.items]
    assert (found.id, found.order_id, found.kind) == (
        refund.refund_id,
        placed.order_id,
        AfterSaleKind.REFUND_UNSHIPPED,
    )
    assert (found.stage.value, found.refund) == (AfterSaleStage.REQUESTED, refund.amount)
    assert here.connector.after_sale(found.id).value == found
    here.world.agree_refund(refund)
    here.world.pay_back(refund)
    after = here.connector.after_sale(found.id).value
    assert (after.stage.value, after.refunded) == (AfterSaleStage.REFUNDED, True)
    order = here.connector.order(placed.order_id).value
    assert (order.closing.value, order.after_sale.value) == (Closing.CLOSED_REFUNDED, AfterSaleState.REFUNDED)


def test_a_return_on_its_way() -> None:
    here = World()
    placed = here.place()
    assert ship(here, placed.order_id) is None
    refund = here.world.request_refund(placed, kind="return")
    here.world.agree_return(refund)
    here.world.return_goods(refund, "YTO", "YT0000000000009")
    found = here.connector.after_sale(refund.refund_id).value
    assert (found.kind, found.stage.value) == (AfterSaleKind.RETURN, AfterSaleStage.RETURNED)
    assert found.returned is not None
    assert found.returned.tracking_no == "YT0000000000009"


def test_listings_and_stock(here: World) -> None:
    pages = list(here.connector.listings())
    listings = {item.value.id: item.value for page in pages for item in page.items}
    assert set(listings) == set(here.shop.items)
    assert [page.bad for page in pages if page.bad] == []
    assert pages[-1].expected == len(listings)
    key = here.key()
    sku = here.world.sku(here.shop, key.sku_id)
    assert here.connector.listing(key.listing_id).value == listings[key.listing_id]
    shown = next(each for each in listings[key.listing_id].skus if each.sku_id == key.sku_id)
    assert (shown.merchant_code, shown.sellable, shown.price) == (sku.code, sku.sellable, Price(sale=sku.price.sale))
    [level] = here.connector.stock_levels([key])
    assert level.sellable == sku.sellable


@pytest.mark.parametrize("sub_stock", [1, 2])
def test_what_unpaid_orders_hold_is_never_sold_twice(sub_stock: int) -> None:
    here = World(taobao_sub_stock=sub_stock)
    key = here.key()
    sku = here.world.sku(here.shop, key.sku_id)
    here.world.place(here.shop, sku=sku, quantity=2, variant="plain", paid=False, restock=True)
    [outcome] = here.connector.set_stock([StockWrite(key, 30)])
    assert outcome.error is None
    assert sku.sellable == 30
    [level] = here.connector.stock_levels([key])
    assert level.sellable == 30


class Meanwhile:
    """A transport in which something happens before writes, or before calls of a method, once for each step."""

    def __init__(self, here: World, *steps: Callable[[], object], method: str = "") -> None:
        self._http, self._steps, self._method = here.http, list(steps), method
        self.writes = 0

    def send(self, request: Request) -> bytes:
        self.writes += request.write
        if (request.call.method == self._method if self._method else request.write) and self._steps:
            self._steps.pop(0)()
        return self._http.send(request)


def withholding(kind: Kind, *quantities: int) -> tuple[World, list[Placed]]:
    """A shop that takes stock off at payment, with unpaid orders of its first SKU."""
    here = World(kind, taobao_sub_stock=2)
    sku = here.world.sku(here.shop, here.key().sku_id)
    order = partial(here.world.place, here.shop, sku=sku, variant="plain", paid=False, restock=True)
    return here, [order(quantity=quantity) for quantity in quantities]


@pytest.mark.parametrize("kind", ["taobao", "tmall"])
@pytest.mark.parametrize("step", ["pay", "cancel"])
def test_an_order_that_ends_its_hold_between_reading_and_write_leaves_no_more_for_sale(kind: Kind, step: str) -> None:
    here, [order, _] = withholding(kind, 3, 1)
    transport = Meanwhile(here, lambda: getattr(here.world, step)(order))
    [outcome] = here.connect(transport).set_stock([StockWrite(here.key(), 30)])
    assert (outcome.error, here.world.sku(here.shop, here.key().sku_id).sellable) == (None, 30)
    assert transport.writes == 2


def test_an_order_placed_between_reading_and_write_was_sold_since() -> None:
    here, _ = withholding("taobao", 1)
    sku = here.world.sku(here.shop, here.key().sku_id)
    transport = Meanwhile(here, lambda: here.world.place(here.shop, sku=sku, quantity=2, variant="plain", paid=False))
    [outcome] = here.connect(transport).set_stock([StockWrite(here.key(), 30)])
    assert (outcome.error, sku.sellable, transport.writes) == (None, 28, 1)


def test_a_number_that_orders_outrun_is_left_to_be_read_back() -> None:
    here, orders = withholding("taobao", 1, 1, 1, 1)
    steps = [partial(here.world.pay, order) for order in orders[:3]]
    transport = Meanwhile(here, *steps)
    [outcome] = here.connect(transport).set_stock([StockWrite(here.key(), 30)])
    assert (type(outcome.error), transport.writes) == (errors.OutcomeUnknown, 3)
    assert here.world.sku(here.shop, here.key().sku_id).sellable == 31
    assert here.connector.set_stock([StockWrite(here.key(), 30)])[0].error is None
    assert here.world.sku(here.shop, here.key().sku_id).sellable == 30


@pytest.mark.parametrize("method", ["taobao.items.seller.list.get", "taobao.skus.quantity.update"])
def test_what_was_accepted_and_cannot_be_read_or_written_again_is_open(method: str) -> None:
    here, [order, _] = withholding("taobao", 3, 1)
    rule = FaultRule(kind="http_5xx", channel="taobao", method=method)
    reading = method.endswith("get")
    steps = [lambda: None if reading else here.world.pay(order), lambda: here.world.faults.add(rule)]
    [outcome] = here.connect(Meanwhile(here, *steps, method=method)).set_stock([StockWrite(here.key(), 30)])
    assert type(outcome.error) is errors.OutcomeUnknown
    assert here.world.sku(here.shop, here.key().sku_id).sellable == (30 if reading else 33)


def test_items_are_read_right_before_they_are_written() -> None:
    here = World()
    keys = [SkuKey(listing_id=item.item_id, sku_id=sku) for item in here.shop.items.values() for sku in item.skus]
    one_each = list({key.listing_id: key for key in keys}.values())[:12]
    assert len(one_each) == 12
    outcomes = here.connector.set_stock([StockWrite(key, 30) for key in one_each])
    assert [outcome.error for outcome in outcomes] == [None] * 12
    calls = here.world.calls["taobao"]
    assert calls["taobao.items.seller.list.get"]["count"] == 3


def test_stock_is_set_and_changed(here: World) -> None:
    key = here.key()
    missing = SkuKey(listing_id=key.listing_id, sku_id="1")
    outcomes = here.connector.set_stock([StockWrite(key, 30), StockWrite(missing, 30)])
    assert outcomes[0].error is None
    assert isinstance(outcomes[1].error, errors.Rejected)
    [done, refused] = here.connector.adjust_stock([StockDelta(key, -5, "a"), StockDelta(key, -26, "b")])
    assert done.error is None
    assert type(refused.error) is errors.Conflict
    assert here.connector.stock_levels([key])[0].sellable == 25


def test_a_tmall_delta_counts_once_under_its_key() -> None:
    here = World("tmall")
    key = here.key()
    here.connector.set_stock([StockWrite(key, 30)])
    for _ in range(2):
        [outcome] = here.connector.adjust_stock([StockDelta(key, -5, "a")])
        assert outcome.error is None
    assert here.connector.stock_levels([key])[0].sellable == 25


def test_a_price_is_set(here: World) -> None:
    key = here.key()
    for wanted in (here.world.sku(here.shop, key.sku_id).price.sale - 1, 1, 99_999_00):
        [outcome] = here.connector.set_price([PriceWrite(key, Price(sale=wanted))])
        assert (outcome.error, outcome.pending) == (None, False)
        assert here.world.sku(here.shop, key.sku_id).price.sale == wanted


def test_a_memo_is_written_and_cleared(here: World) -> None:
    order_id = here.place().order_id
    for memo in (Memo(text="@加急😀", flag=Flag.BLUE), Memo()):
        assert here.connector.memo(order_id, memo).error is None
        assert here.connector.order(order_id).value.memo == memo


def test_carriers(here: World) -> None:
    assert {"YTO", "SF", "ZTO"} <= {row.carrier for row in here.connector.carriers()}


def test_a_refreshed_token_replaces_the_old_one(here: World) -> None:
    order_id = here.place().order_id
    fresh = here.connector.refresh()
    assert fresh.access_expires_at is not None
    assert fresh.refresh_expires_at is None or fresh.refresh_expires_at > here.now()
    with pytest.raises(errors.Reauthorize):
        here.connector.order(order_id)
    here.connector = here.connect()
    assert here.connector.order(order_id).value.id == order_id


def test_a_token_that_cannot_be_refreshed_says_so() -> None:
    with pytest.raises(errors.Reauthorize, match="seller must authorize"):
        World(taobao_refreshable=False).connector.refresh()


def test_subscribing_twice_is_subscribing_once(here: World) -> None:
    for _ in range(2):
        here.connector.subscribe()
    assert here.shop.topics == TOPICS


def test_an_app_without_some_topic_gets_the_others(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    subscribed = TOPICS - {"taobao_item_ItemPunishCc"}
    monkeypatch.setattr("sandbox.taobao.queues.TOPICS", subscribed)
    here.connector.subscribe()
    assert here.shop.topics == subscribed


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("throttle", errors.Throttled),
        ("timeout_after", errors.OutcomeUnknown),
        ("timeout_before", errors.OutcomeUnknown),
        ("http_5xx", errors.OutcomeUnknown),
        ("html", errors.OutcomeUnknown),
        ("truncated", errors.OutcomeUnknown),
        ("system_error", errors.OutcomeUnknown),
    ],
)
def test_what_a_broken_platform_makes_of_a_write(kind: FaultKind, expected: type[errors.ChannelError]) -> None:
    here = World("tmall")
    here.world.faults.add(FaultRule(kind=kind, channel="taobao", method="tmall.item.quantity.update"))
    [outcome] = here.connector.set_stock([StockWrite(here.key(), 3)])
    assert type(outcome.error) is expected
