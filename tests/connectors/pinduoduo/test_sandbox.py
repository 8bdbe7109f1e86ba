"""Every operation against the simulated platform, over the real HTTP client: two readings of one documentation meet."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from connectors.http import Http
from connectors.pinduoduo import CHANNEL
from connectors.pinduoduo.connector import PinduoduoConnector
from connectors.pinduoduo.messages import PinduoduoSession
from core import errors
from core.channel import (
    Credentials,
    ObjectKind,
    OpenGate,
    PriceWrite,
    Purpose,
    Recipient,
    Scope,
    StockDelta,
    StockWrite,
    Window,
)
from core.model import Flag, Memo, ParcelDraft, Price, Shipment, SkuKey
from core.status import AfterSaleKind, AfterSaleStage, AfterSaleState, Closing, Fulfilment, Hold
from sandbox.clock import VirtualClock
from sandbox.faults import FaultKind, FaultRule
from sandbox.model import Order as Placed
from sandbox.pinduoduo import session as pushes
from sandbox.sandbox import Sandbox
from sandbox.transport import mock_transport


class World:
    """One simulated shop with our connector on it, both on one clock."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.sandbox = Sandbox(7, self.clock)
        self.world = self.sandbox.world
        self.shop = self.world.shop("pinduoduo")
        self.app = self.world.apps["pinduoduo"]
        self.http = Http(OpenGate(), mock_transport(self.sandbox), sleep=lambda _: None)
        self.connector = self.connect()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)

    def connect(self) -> PinduoduoConnector:
        grant = self.shop.grant
        credentials = Credentials(
            self.app.key, SecretStr(self.app.secret), SecretStr(grant.access_token), SecretStr(grant.refresh_token)
        )
        shop_id = f"pinduoduo:{self.shop.shop_id}"
        return PinduoduoConnector(shop_id, self.shop.shop_id, credentials, self.http, OpenGate(), self, CHANNEL.gateway)

    def place(self, variant: str = "plain") -> Placed:
        return self.world.place(self.shop, variant=variant, restock=True)

    def window(self) -> Window:
        return Window(self.now() - timedelta(minutes=30), self.now())

    def key(self) -> SkuKey:
        item = next(iter(self.shop.items.values()))
        return SkuKey(listing_id=item.item_id, sku_id=next(iter(item.skus)))


@pytest.fixture
def here() -> World:
    return World()


def ship(here: World, order_id: str, *numbers: str) -> errors.ChannelError | None:
    parcels = tuple(ParcelDraft(carrier="YTO", tracking_no=number) for number in numbers)
    return here.connector.ship(Shipment(order_id=order_id, parcels=parcels), "key").error


@pytest.mark.parametrize("variant", ["plain", "coupons", "gift", "presale", "emoji", "several", "lottery", "risk"])
def test_orders_of_every_kind_add_up(here: World, variant: str) -> None:
    placed = here.place(variant)
    pages = list(here.connector.orders(here.window()))
    found = {item.value.id: item.value for page in pages for item in page.items}
    assert sum(len(page.bad) for page in pages) == 0
    assert pages[-1].expected == len(found)
    order = found[placed.order_id]
    assert order.warnings == ()
    assert order.money.pay == placed.pay_amount
    assert order.hold.value is (Hold.RISK if variant == "risk" else Hold.NONE)
    assert here.connector.order(placed.order_id).value == order


def test_a_long_window_is_complete(here: World) -> None:
    placed = {here.place().order_id for _ in range(230)}
    pages = list(here.connector.orders(here.window()))
    found = {item.value.id for page in pages for item in page.items}
    assert found == placed
    assert pages[-1].expected == 230


def test_a_group_that_is_not_full_yet_may_not_ship(here: World) -> None:
    placed = here.place("group")
    assert here.connector.order(placed.order_id).value.hold.value is Hold.GROUP
    assert type(ship(here, placed.order_id, "YT00001")) is errors.NotYet


def test_an_order_of_nobody_is_not_found(here: World) -> None:
    with pytest.raises(errors.NotFound):
        here.connector.order("260101-000000000000000")


def test_shipping_changing_and_repeating(here: World) -> None:
    order_id = here.place().order_id
    assert ship(here, order_id, "YT00001", "YT00002") is None
    order = here.connector.order(order_id).value
    assert order.fulfilment.value is Fulfilment.SHIPPED
    assert [(parcel.carrier, parcel.tracking_no) for parcel in order.parcels] == [
        ("YTO", "YT00001"),
        ("YTO", "YT00002"),
    ]
    assert type(ship(here, order_id, "YT00001", "YT00002")) is errors.AlreadyDone
    assert here.connector.change_tracking(order_id, order.parcels[0], "SF", "SF00003").error is None
    changed = here.connector.order(order_id).value.parcels[0]
    assert (changed.carrier, changed.tracking_no) == ("SF", "SF00003")


def test_a_bad_number_is_rejected_by_the_platform(here: World) -> None:
    assert isinstance(ship(here, here.place().order_id, "?"), errors.Rejected)


def test_an_open_refund_stops_the_parcel(here: World) -> None:
    placed = here.place()
    here.world.request_refund(placed)
    assert type(ship(here, placed.order_id, "YT00001")) is errors.Conflict


def test_a_refund_before_shipping_closes_the_order(here: World) -> None:
    placed = here.place()
    refund = here.world.request_refund(placed)
    [found] = [item.value for page in here.connector.after_sales(here.window()) for item in page.items]
    assert (found.id, found.order_id, found.kind) == (refund.refund_id, placed.order_id, AfterSaleKind.REFUND_ONLY)
    assert (found.stage.value, found.refund) == (AfterSaleStage.REQUESTED, refund.amount)
    assert here.connector.after_sale(found.id, found.order_id).value == found
    here.world.agree_refund(refund)
    here.world.pay_back(refund)
    after = here.connector.after_sale(found.id, found.order_id).value
    assert (after.stage.value, after.refunded) == (AfterSaleStage.REFUNDED, True)
    order = here.connector.order(placed.order_id).value
    assert (order.closing.value, order.after_sale.value) == (Closing.CLOSED_REFUNDED, AfterSaleState.REFUNDED)


def test_a_return_on_its_way(here: World) -> None:
    placed = here.place()
    assert ship(here, placed.order_id, "YT00001") is None
    refund = here.world.request_refund(placed, kind="return")
    here.world.agree_return(refund)
    here.world.return_goods(refund, "85", "YT99999")
    found = here.connector.after_sale(refund.refund_id, placed.order_id).value
    assert found.kind is AfterSaleKind.RETURN
    assert found.stage.value is AfterSaleStage.RETURNED
    assert found.returned is not None
    assert found.returned.tracking_no == "YT99999"


def test_listings_and_stock(here: World) -> None:
    pages = list(here.connector.listings())
    listings = {item.value.id: item.value for page in pages for item in page.items}
    assert set(listings) == set(here.shop.items)
    assert pages[-1].expected == len(listings)
    key = here.key()
    sku = here.world.sku(here.shop, key.sku_id)
    shown = next(each for each in listings[key.listing_id].skus if each.sku_id == key.sku_id)
    assert (shown.merchant_code, shown.sellable, shown.held) == (sku.code, sku.sellable, sku.held)
    assert shown.price == Price(sale=sku.price.sale, single=sku.price.single, market=sku.price.market)
    [level] = here.connector.stock_levels([key])
    assert (level.sellable, level.held) == (sku.sellable, sku.held)


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


def test_a_price_waits_for_its_review_and_nothing_is_put_on_sale(here: World) -> None:
    key = here.key()
    item = here.world.item(here.shop, key.listing_id)
    here.world.set_shelf(here.shop, item, False)
    before = here.world.sku(here.shop, key.sku_id).price
    [outcome] = here.connector.set_price([PriceWrite(key, Price(sale=before.sale - 1))])
    assert (outcome.error, outcome.pending) == (None, True)
    assert here.world.sku(here.shop, key.sku_id).price == before
    here.clock.advance(60)
    here.world.run_due()
    after = here.world.sku(here.shop, key.sku_id).price
    assert (after.sale, after.single, after.market) == (before.sale - 1, before.single, before.market)
    assert not item.on_shelf


def test_a_memo_is_written_and_cleared(here: World) -> None:
    order_id = here.place().order_id
    assert here.connector.memo(order_id, Memo(text="加急😀", flag=Flag.BLUE)).error is None
    assert here.connector.order(order_id).value.memo == Memo(text="加急😀", flag=Flag.BLUE)
    assert here.connector.memo(order_id, Memo()).error is None
    assert here.connector.order(order_id).value.memo.text == ""


def test_carriers(here: World) -> None:
    assert {"YTO", "SF", "JT"} <= {row.carrier for row in here.connector.carriers()}


def test_a_refreshed_token_replaces_the_old_one(here: World) -> None:
    order_id = here.place().order_id
    fresh = here.connector.refresh()
    assert fresh.access_expires_at is not None
    with pytest.raises(errors.Reauthorize):
        here.connector.order(order_id)
    here.connector = here.connect()
    assert here.connector.order(order_id).value.id == order_id


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
def test_what_a_broken_platform_makes_of_a_write(
    here: World, kind: FaultKind, expected: type[errors.ChannelError]
) -> None:
    rule = FaultRule(kind=kind, channel="pinduoduo", method="pdd.goods.quantity.update")
    here.world.faults.add(rule)
    [outcome] = here.connector.set_stock([StockWrite(here.key(), 3)])
    assert type(outcome.error) is expected


def test_pushes_arrive_and_are_acknowledged(here: World) -> None:
    here.connector.subscribe()
    line = PinduoduoSession(self_app := here.app.key, SecretStr(here.app.secret), CHANNEL.push_gateway, here)
    path = line.address().removeprefix(CHANNEL.push_gateway)
    assert pushes.admits(here.world, path)
    peer = pushes.Session(here.world)
    for beat in line.on_open():
        for frame in peer.on_frame(beat):
            assert line.on_frame(frame).notices == ()
    order_id = here.place().order_id
    received = [line.on_frame(frame) for frame in peer.to_send()]
    notices = [notice for each in received for notice in each.notices]
    assert (ObjectKind.ORDER, order_id) in [(notice.kind, notice.object_id) for notice in notices]
    assert {notice.app_key for notice in notices} == {self_app}
    assert {notice.account for notice in notices} == {here.shop.shop_id}
    for each in received:
        for ack in each.acks:
            assert json.loads(ack)["commandType"] == "Ack"
            assert peer.on_frame(ack) == []
    assert here.world.outboxes["pinduoduo"].backlog() == 0


def test_a_receiver_is_opened_with_a_number_that_can_be_printed(here: World) -> None:
    here.world.change_settings({"pinduoduo_virtual_phone": True})
    placed = here.place()
    told = here.connector.reveal(here.connector.order(placed.order_id).value, Purpose.SHIP, "keeper-3")
    assert told == Recipient(
        name=placed.buyer.name,
        phone=f"18400000001-{placed.buyer.phone[-4:]}",
        address=placed.buyer.address.detail,
        virtual=True,
    )


def test_outside_the_cloud_the_next_receiver_waits_ten_seconds(here: World) -> None:
    order = here.connector.order(here.place().order_id).value
    here.connector.reveal(order, Purpose.SHIP, "keeper-3")
    with pytest.raises(errors.Throttled):
        here.connector.reveal(order, Purpose.SHIP, "keeper-3")
    here.world.advance(10)
    assert here.connector.reveal(order, Purpose.SHIP, "keeper-3").phone
    [limit] = [limit for limit in CHANNEL.limits if limit.method == "pdd.open.decrypt.batch"]
    assert (limit.calls, limit.seconds, limit.scope) == (1, 10, Scope.APP)
