"""The connector against the simulated gateway, over HTTP and back: two independent readings of one documentation."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from connectors.douyin.connector import DouyinConnector
from connectors.douyin.messages import DouyinReader
from connectors.http import Http
from core.channel import Credentials, ObjectKind, OpenGate, PriceWrite, Purpose, StockDelta, StockWrite, Window
from core.errors import (
    AlreadyDone,
    ChannelError,
    Conflict,
    Invalid,
    NotFound,
    NotYet,
    Reauthorize,
    Unavailable,
)
from core.model import Flag, Memo, Packed, ParcelDraft, Price, Shipment, SkuKey
from core.notices import Notice
from core.status import AfterSaleKind, AfterSaleStage, AfterSaleState, Closing, Fulfilment, Hold, OrderStatus, Shelf
from sandbox.clock import VirtualClock
from sandbox.douyin import Platform
from sandbox.faults import FaultRule
from sandbox.model import Order
from sandbox.sandbox import Sandbox
from sandbox.settings import Settings
from sandbox.transport import mock_transport

START = datetime(2026, 3, 1, 4, tzinfo=UTC)


class SandboxTime:
    """Our clock, showing what the sandbox's shows."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._sandbox.world.now(), UTC)


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(7, VirtualClock(START.timestamp()), settings=Settings(rate_limits_on=False))


@pytest.fixture
def shop(sandbox: Sandbox) -> Iterator[DouyinConnector]:
    app, seller = sandbox.world.apps["douyin"], sandbox.world.shop("douyin")
    credentials = Credentials(
        app.key, SecretStr(app.secret), SecretStr(seller.grant.access_token), SecretStr(seller.grant.refresh_token)
    )
    http = Http(OpenGate(), mock_transport(sandbox), sleep=lambda _: None)
    yield DouyinConnector(
        "douyin:1", seller.shop_id, credentials, http, OpenGate(), SandboxTime(sandbox), "https://gateway.example"
    )
    http.close()


def place(sandbox: Sandbox, variant: str = "plain", *, paid: bool = True, quantity: int = 1) -> Order:
    return sandbox.world.place(
        sandbox.world.shop("douyin"), variant=variant, paid=paid, quantity=quantity, restock=True
    )


def window(sandbox: Sandbox) -> Window:
    now = datetime.fromtimestamp(sandbox.world.now(), UTC)
    return Window(now - timedelta(hours=1), now)


def ship_all(order: Order, tracking_no: str = "SF1234567890123") -> Shipment:
    return Shipment(order_id=order.order_id, parcels=(ParcelDraft(carrier="SF", tracking_no=tracking_no),))


VARIANTS = ("plain", "coupons", "gift", "presale", "deposit", "risk", "group", "emoji", "several")


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_kind_of_order_is_read_whole_and_its_money_adds_up(
    shop: DouyinConnector, sandbox: Sandbox, variant: str
) -> None:
    placed = place(sandbox, variant)
    [page] = shop.orders(window(sandbox))
    assert (page.bad, page.expected) == ((), 1)
    order = page.items[0].value
    assert order == shop.order(placed.order_id).value
    assert order.id == placed.order_id
    assert order.warnings == ()
    assert order.money.pay == placed.pay_amount
    assert [line.quantity for line in order.lines] == [line.quantity for line in placed.lines]
    assert order.receiver.name.cipher
    assert order.receiver.province


def test_a_walk_is_complete(shop: DouyinConnector, sandbox: Sandbox) -> None:
    placed = set()
    for _ in range(230):
        placed.add(place(sandbox, "plain").order_id)
        sandbox.world.advance(1)
    pages = list(shop.orders(window(sandbox)))
    assert {item.value.id for page in pages for item in page.items} == placed
    assert pages[-1].expected == 230


@pytest.mark.parametrize(("variant", "hold"), [("risk", Hold.RISK), ("group", Hold.GROUP)])
def test_a_held_order_waits_and_cannot_be_shipped(
    shop: DouyinConnector, sandbox: Sandbox, variant: str, hold: Hold
) -> None:
    placed = place(sandbox, variant)
    order = shop.order(placed.order_id).value
    assert (order.status, order.hold.value) == (OrderStatus.ON_HOLD, hold)
    assert isinstance(shop.ship(ship_all(placed), "k").error, NotYet)


def test_shipping_a_whole_order_once(shop: DouyinConnector, sandbox: Sandbox) -> None:
    placed = place(sandbox)
    assert shop.ship(ship_all(placed), "k").error is None
    order = shop.order(placed.order_id).value
    assert order.status is OrderStatus.SHIPPED
    assert [(parcel.carrier, parcel.tracking_no) for parcel in order.parcels] == [("SF", "SF1234567890123")]
    assert isinstance(shop.ship(ship_all(placed), "k").error, AlreadyDone)
    changed = shop.change_tracking(placed.order_id, order.parcels[0], "ZTO", "75400000000001")
    assert changed.error is None
    [parcel] = shop.order(placed.order_id).value.parcels
    assert (parcel.carrier, parcel.tracking_no) == ("ZTO", "75400000000001")


def test_shipping_in_parts_and_then_the_rest(shop: DouyinConnector, sandbox: Sandbox) -> None:
    placed = place(sandbox, quantity=3)
    one = Packed(line_id=placed.lines[0].line_id, quantity=1)
    part = Shipment(
        order_id=placed.order_id, parcels=(ParcelDraft(carrier="SF", tracking_no="SF1234567890123", lines=(one,)),)
    )
    assert shop.ship(part, "k1").error is None
    assert shop.ship(part, "k1").error is None
    order = shop.order(placed.order_id).value
    assert order.fulfilment.value is Fulfilment.PART_SHIPPED
    assert [packed for parcel in order.parcels for packed in parcel.lines] == [one]
    assert shop.ship(ship_all(placed, "SF1234567890999"), "k2").error is None
    order = shop.order(placed.order_id).value
    assert order.fulfilment.value is Fulfilment.SHIPPED
    assert [packed.quantity for parcel in order.parcels for packed in parcel.lines] == [1, 2]
    changed = shop.change_tracking(placed.order_id, order.parcels[1], "SF", "SF1234567890777")
    assert changed.error is None
    assert shop.order(placed.order_id).value.parcels[1].tracking_no == "SF1234567890777"


def test_a_number_that_breaks_the_carriers_rule_is_invalid(shop: DouyinConnector, sandbox: Sandbox) -> None:
    assert isinstance(shop.ship(ship_all(place(sandbox), "x"), "k").error, Invalid)


def test_an_open_refund_stops_shipping_unless_it_is_to_be_refused(shop: DouyinConnector, sandbox: Sandbox) -> None:
    placed = place(sandbox)
    sandbox.world.request_refund(placed)
    order = shop.order(placed.order_id).value
    assert order.after_sale.value is AfterSaleState.REQUESTED
    assert isinstance(shop.ship(ship_all(placed), "k").error, Conflict)
    firm = ship_all(placed).model_copy(update={"refuse_refund": True})
    assert shop.ship(firm, "k").error is None


def test_an_after_sale_reads_the_same_from_list_and_detail_at_each_step(
    shop: DouyinConnector, sandbox: Sandbox
) -> None:
    world = sandbox.world
    placed = place(sandbox)
    shop.ship(ship_all(placed), "k")
    refund = world.request_refund(placed, kind="return")
    stages = []

    def look() -> None:
        [page] = shop.after_sales(window(sandbox))
        assert page.bad == ()
        [item] = page.items
        assert item.value == shop.after_sale(item.value.id).value
        assert item.value.kind is AfterSaleKind.RETURN
        assert item.value.line_ids == (placed.lines[0].line_id,)
        stages.append(item.value.stage.value)

    look()
    world.agree_return(refund)
    look()
    world.return_goods(refund, "SF", "SF1234567890111")
    look()
    world.agree_refund(refund)
    look()
    world.pay_back(refund)
    look()
    assert stages == [
        AfterSaleStage.REQUESTED,
        AfterSaleStage.TO_RETURN,
        AfterSaleStage.RETURNED,
        AfterSaleStage.REFUNDING,
        AfterSaleStage.REFUNDED,
    ]
    assert shop.order(placed.order_id).value.after_sale.value is AfterSaleState.REFUNDED


def test_what_does_not_exist_is_not_found(shop: DouyinConnector) -> None:
    for read in (shop.order, shop.after_sale, shop.listing):
        with pytest.raises(NotFound):
            read("6999999999999999999")


def test_listings_stock_and_prices(shop: DouyinConnector, sandbox: Sandbox) -> None:
    items = [item for page in shop.listings() for item in page.items]
    assert {item.value.shelf.value for item in items} <= {Shelf.ON, Shelf.OFF}
    listing = next(item.value for item in items if item.value.shelf.value is Shelf.ON)
    again = shop.listing(listing.id).value
    assert (again.title, again.skus) == (listing.title, listing.skus)
    key = SkuKey(listing_id=listing.id, sku_id=listing.skus[0].sku_id)
    nobody = SkuKey(listing_id=listing.id, sku_id="1")
    outcomes = shop.set_stock([StockWrite(key, 40), StockWrite(nobody, 1)])
    assert outcomes[0].error is None
    assert outcomes[1].error is not None
    for _ in range(2):
        [delta] = shop.adjust_stock([StockDelta(key, -3, "delta-1")])
        assert delta.error is None
    [level] = shop.stock_levels([key])
    assert level.sellable == 37
    [short] = shop.adjust_stock([StockDelta(key, -38, "delta-2")])
    assert isinstance(short.error, Conflict)
    [priced] = shop.set_price([PriceWrite(key, Price(sale=4321))])
    assert priced.error is None
    [sku] = [sku for sku in shop.listing(listing.id).value.skus if sku.sku_id == key.sku_id]
    assert sku.price is not None
    assert sku.price.sale == 4321


def test_the_memo_and_its_flag_are_read_back(shop: DouyinConnector, sandbox: Sandbox) -> None:
    placed = place(sandbox)
    memo = Memo(text="加急 & <走顺丰>😀", flag=Flag.CYAN)
    assert shop.memo(placed.order_id, memo).error is None
    assert shop.order(placed.order_id).value.memo == memo


def test_an_expired_token_is_cured_by_a_refresh(shop: DouyinConnector, sandbox: Sandbox) -> None:
    placed = place(sandbox)
    sandbox.world.advance(8 * 86_400)
    with pytest.raises(Reauthorize):
        shop.order(placed.order_id)
    fresh = shop.refresh()
    assert fresh.access_expires_at == SandboxTime(sandbox).now() + timedelta(days=7)
    renewed = DouyinConnector(
        shop.shop_id, shop.account, fresh, shop.transport, OpenGate(), SandboxTime(sandbox), shop.gateway
    )
    assert renewed.order(placed.order_id).value.id == placed.order_id


def lose_the_renewal(shop: DouyinConnector, sandbox: Sandbox) -> None:
    """The platform replaces an expired pair of tokens, and no answer ever comes."""
    sandbox.world.advance(8 * 86_400)
    faults = sandbox.world.faults
    faults.add(FaultRule(kind="timeout_after", channel="douyin", method="token.refresh"))
    faults.add(FaultRule(kind="timeout_before", channel="douyin", method="token.create"))
    before = sandbox.world.shop("douyin").grant.refresh_token
    with pytest.raises(ChannelError):
        shop.refresh()
    faults.clear()
    assert sandbox.world.shop("douyin").grant.refresh_token != before


def test_a_self_use_app_gets_over_a_renewal_whose_answer_was_lost(shop: DouyinConnector, sandbox: Sandbox) -> None:
    placed = place(sandbox)
    lose_the_renewal(shop, sandbox)
    sandbox.world.advance(86_400)
    fresh = shop.refresh()
    grant, now = sandbox.world.shop("douyin").grant, SandboxTime(sandbox).now()
    assert (fresh.access_token.get_secret_value(), fresh.refresh_token.get_secret_value()) == (
        grant.access_token,
        grant.refresh_token,
    )
    assert fresh.access_expires_at == now + timedelta(days=6)
    assert fresh.refresh_expires_at == now + timedelta(days=13)
    renewed = DouyinConnector(
        shop.shop_id, shop.account, fresh, shop.transport, OpenGate(), SandboxTime(sandbox), shop.gateway
    )
    assert renewed.order(placed.order_id).value.id == placed.order_id


def test_a_service_markets_app_needs_the_seller_after_such_a_loss(shop: DouyinConnector, sandbox: Sandbox) -> None:
    sandbox.world.change_settings({"self_use": False})
    lose_the_renewal(shop, sandbox)
    with pytest.raises(Reauthorize) as caught:
        shop.refresh()
    assert caught.value.sub_code == "dop.token-generate-failed:token-invalid"


def test_a_handing_out_that_fails_is_tried_again_and_pauses_nobody(shop: DouyinConnector, sandbox: Sandbox) -> None:
    lose_the_renewal(shop, sandbox)
    sandbox.world.faults.add(FaultRule(kind="timeout_before", channel="douyin", method="token.create"))
    with pytest.raises(Unavailable):
        shop.refresh()


def test_a_changed_price_of_an_unpaid_order_still_adds_up(shop: DouyinConnector, sandbox: Sandbox) -> None:
    placed = place(sandbox, paid=False)
    sandbox.world.change_amount(placed, -500)
    order = shop.order(placed.order_id).value
    assert (order.status, order.warnings, order.money.adjustment) == (OrderStatus.UNPAID, (), -500)
    assert order.money.payments == ()


def test_a_buyers_cancellation_and_a_refund_before_shipping_close_the_order(
    shop: DouyinConnector, sandbox: Sandbox
) -> None:
    unpaid, refunded = place(sandbox, paid=False), place(sandbox)
    sandbox.world.cancel(unpaid)
    refund = sandbox.world.request_refund(refunded)
    sandbox.world.agree_refund(refund)
    sandbox.world.pay_back(refund)
    assert shop.order(unpaid.order_id).value.closing.value is Closing.CLOSED_UNPAID
    order = shop.order(refunded.order_id).value
    assert (order.closing.value, order.after_sale.value) == (Closing.CLOSED_REFUNDED, AfterSaleState.REFUNDED)


@pytest.mark.parametrize("how", ["md5", "hmac-sha256"])
def test_the_pushes_of_the_simulated_platform_are_read(shop: DouyinConnector, sandbox: Sandbox, how: str) -> None:
    app = sandbox.world.apps["douyin"]
    reader = DouyinReader({app.key: SecretStr(app.secret)})
    sandbox.world.change_settings({"push_sign_method": how})
    callbacks = sandbox.platforms["douyin"].callbacks
    assert callbacks is not None
    callbacks.set_url("https://erp.example/hooks/douyin")
    placed = place(sandbox)
    sandbox.world.request_refund(placed)
    notices: list[Notice] = []
    while (batch := callbacks.take()) is not None:
        inbound = reader.read({name.lower(): value for name, value in batch.headers.items()}, batch.body)
        assert callbacks.settle(batch, inbound.ack.status, inbound.ack.body)
        notices += inbound.notices
    named = {(notice.kind, notice.object_id) for notice in notices}
    assert (ObjectKind.ORDER, placed.order_id) in named
    assert any(kind is ObjectKind.AFTER_SALE for kind, _ in named)
    assert {notice.account for notice in notices} == {shop.account}


def test_the_carriers_of_the_shop(shop: DouyinConnector) -> None:
    assert {"SF", "ZTO", "YTO"} <= {row.carrier for row in shop.carriers()}


def test_the_platform_knows_for_whom_a_receiver_was_opened(sandbox: Sandbox, shop: DouyinConnector) -> None:
    platform = sandbox.platforms["douyin"]
    assert isinstance(platform, Platform)
    placed = place(sandbox)
    told = shop.reveal(shop.order(placed.order_id).value, Purpose.SHIP, "keeper-3")
    assert {(entry.account_id, entry.order_id) for entry in platform.memory.opened} == {("keeper-3", placed.order_id)}
    assert told.expires_at == datetime.fromtimestamp(sandbox.world.now(), UTC) + timedelta(days=30)
    sandbox.world.change_settings({"douyin_virtual_phone": False})
    real = shop.reveal(shop.order(placed.order_id).value, Purpose.AFTER_SALE, "keeper-3")
    assert (real.phone, real.virtual, real.expires_at) == (placed.buyer.phone, False, None)
