"""After-sales against the simulated platform, over the real HTTP client: list and detail agree at each step."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from connectors.http import Http
from connectors.jd import CHANNEL
from connectors.jd.connector import JdConnector
from core.channel import Credentials, OpenGate, Window
from core.errors import NotFound
from core.model import AfterSale
from core.status import AfterSaleKind, AfterSaleStage, Closing, Hold
from sandbox.clock import VirtualClock
from sandbox.jd.desk import application_id
from sandbox.model import Order, Refund, RefundKind
from sandbox.sandbox import Sandbox
from sandbox.transport import mock_transport


class World:
    """One simulated JD shop with our connector on it, both on one clock."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.sandbox = Sandbox(7, self.clock)
        self.world = self.sandbox.world
        self.shop = self.world.shop("jd")
        self.http = Http(OpenGate(), mock_transport(self.sandbox), sleep=lambda _: None)
        app, grant = self.world.apps["jd"], self.shop.grant
        credentials = Credentials(
            app.key, SecretStr(app.secret), SecretStr(grant.access_token), SecretStr(grant.refresh_token)
        )
        identity = f"jd:{self.shop.shop_id}"
        self.connector = JdConnector(
            identity, self.shop.shop_id, credentials, self.http, OpenGate(), self, CHANNEL.gateway
        )

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)

    def placed(self, *, shipped: bool = False, received: bool = False) -> Order:
        order = self.world.place(self.shop, variant="plain", restock=True)
        if shipped or received:
            self.world.ship(order, "467", "SF1234567890123")
        if received:
            self.world.receive(order)
        return order

    def listed(self, minutes: float = 20) -> list[AfterSale]:
        """What changed, each at its newest, proven to be complete."""
        window = Window(self.now() - timedelta(minutes=minutes), self.now())
        pages = list(self.connector.after_sales(window))
        found = {item.value.id: item.value for page in pages for item in page.items}
        assert not [row for page in pages for row in page.bad]
        assert len(found) == pages[-1].expected
        return list(found.values())

    def steps(self, name: str, order: Order, *steps: Callable[[], object]) -> list[AfterSaleStage]:
        """The stage after each step, told alike by list and detail."""
        stages = []
        for step in steps:
            step()
            self.world.advance(1)
            told = {each.id: each for each in self.listed()}[name]
            assert told == self.connector.after_sale(name, order.order_id).value
            stages.append(told.stage.value)
        return stages


@pytest.fixture
def here() -> Iterator[World]:
    world = World()
    yield world
    world.http.close()


def refund_id(refund: Refund) -> str:
    return f"refund:{application_id(refund)}"


def test_a_refund_application_locks_its_order_and_ends_it(here: World) -> None:
    order = here.placed()
    refund = here.world.request_refund(order)
    held = here.connector.order(order.order_id).value
    assert (held.hold.value, held.closing.value) == (Hold.PLATFORM_LOCK, Closing.OPEN)
    stages = here.steps(
        refund_id(refund),
        order,
        lambda: None,
        lambda: here.world.agree_refund(refund),
        lambda: here.world.refund_paid(refund),
    )
    assert stages == [AfterSaleStage.REQUESTED, AfterSaleStage.REFUNDING, AfterSaleStage.REFUNDED]
    found = here.connector.after_sale(refund_id(refund)).value
    assert (found.refund, found.refunded, found.order_id) == (refund.amount, True, order.order_id)
    assert here.connector.order(order.order_id).value.closing.value is Closing.CLOSED_REFUNDED


def test_a_withdrawn_application_unlocks_its_order(here: World) -> None:
    order = here.placed()
    refund = here.world.request_refund(order)
    here.world.advance(60)
    stages = here.steps(refund_id(refund), order, lambda: here.world.withdraw_refund(refund))
    assert stages == [AfterSaleStage.WITHDRAWN]
    assert here.connector.order(order.order_id).value.hold.value is Hold.NONE


def test_a_status_that_changes_long_after_the_application_is_found(here: World) -> None:
    order = here.placed()
    refund = here.world.request_refund(order)
    here.world.advance(3 * 3600)
    assert here.listed() == []
    here.world.refuse_refund(refund, "商品已在配送途中")
    [found] = here.listed()
    assert (found.id, found.stage.value) == (refund_id(refund), AfterSaleStage.REFUSED)
    assert found.updated_at - found.created_at == timedelta(hours=3)


def test_a_return_from_its_request_to_the_money(here: World) -> None:
    order = here.placed(received=True)
    refund = here.world.request_refund(order, kind=RefundKind.RETURN)
    name = f"service:{refund.refund_id}"
    stages = here.steps(
        name,
        order,
        lambda: None,
        lambda: here.world.agree_return(refund),
        lambda: here.world.return_goods(refund, "圆通", "YT0000000000099"),
        lambda: here.world.register_return(refund),
        lambda: here.world.agree_refund(refund),
        lambda: here.world.refund_paid(refund),
    )
    assert stages[:2] == [AfterSaleStage.REQUESTED, AfterSaleStage.TO_RETURN]
    assert stages[-2:] == [AfterSaleStage.REFUNDING, AfterSaleStage.REFUNDED]
    found = here.connector.after_sale(name, order.order_id).value
    assert (found.refunded, found.refund, found.kind) == (True, refund.amount, AfterSaleKind.RETURN)
    money = here.connector.after_sale(refund_id(refund)).value
    assert (money.stage.value, money.refund) == (AfterSaleStage.REFUNDED, refund.amount)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (RefundKind.RETURN, AfterSaleKind.RETURN),
        (RefundKind.REFUND_ONLY, AfterSaleKind.REFUND_ONLY),
        (RefundKind.EXCHANGE, AfterSaleKind.EXCHANGE),
        (RefundKind.REPAIR, AfterSaleKind.REPAIR),
        (RefundKind.RESEND, AfterSaleKind.RESEND),
    ],
)
def test_every_kind_of_service_order(here: World, kind: RefundKind, told: AfterSaleKind) -> None:
    order = here.placed(received=True)
    refund = here.world.request_refund(order, kind=kind)
    [found] = here.listed()
    assert (found.id, found.order_id) == (f"service:{refund.refund_id}", order.order_id)
    assert (found.kind, found.sku_id) == (told, order.line(refund.line_id).sku_id)


def test_an_exchange_ends_without_money(here: World) -> None:
    order = here.placed(received=True)
    refund = here.world.request_refund(order, kind=RefundKind.EXCHANGE)
    stages = here.steps(
        f"service:{refund.refund_id}",
        order,
        lambda: here.world.agree_return(refund),
        lambda: here.world.return_goods(refund, "圆通", "YT0000000000099"),
        lambda: here.world.register_return(refund),
        lambda: here.world.send_replacement(refund, "467", "SF1234567890124"),
        lambda: here.world.confirm_replacement(refund),
    )
    assert stages[0] is AfterSaleStage.TO_RETURN
    assert stages[2:] == [AfterSaleStage.TO_REPLACE, AfterSaleStage.REPLACED, AfterSaleStage.DONE]


def test_many_of_both_families_in_one_walk(here: World) -> None:
    applications = [here.world.request_refund(here.placed()) for _ in range(60)]
    services = [here.world.request_refund(here.placed(received=True), kind=RefundKind.RETURN) for _ in range(55)]
    wanted = {refund_id(refund) for refund in applications} | {f"service:{refund.refund_id}" for refund in services}
    assert {found.id for found in here.listed()} == wanted


@pytest.mark.parametrize("name", ["refund:1", "service:1"])
def test_what_the_shop_does_not_have_is_not_found(here: World, name: str) -> None:
    with pytest.raises(NotFound):
        here.connector.after_sale(name, here.placed().order_id)
