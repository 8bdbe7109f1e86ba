"""Group 5: people pass through masked and encrypted, untouched; nothing secret or personal is ever shown or logged."""

import json
import logging
import traceback
from collections.abc import MutableMapping
from typing import Any

import pytest

from core.channel import Capability, PriceWrite, Push, StockDelta, StockWrite
from core.errors import BadSignature, ChannelError, Malformed
from core.model import Masked, Memo, Price
from sandbox.faults import FaultKind
from sandbox.model import Order as Placed
from tests.contract.bench import Bench, nobody, secrets
from tests.contract.channel import ChannelUnderTest
from tests.contract.channels import by_push
from tests.contract.lives import lead
from tests.contract.skips import needs

pytestmark = needs(Capability.ORDERS)

Logs = list[MutableMapping[str, Any]]
FAULTS: tuple[FaultKind, ...] = (
    "throttle", "http_5xx", "html", "truncated", "timeout_before", "timeout_after", "system_error", "token_death",
)  # fmt: skip


@pytest.fixture
def placed(bench: Bench, channel: ChannelUnderTest) -> list[Placed]:
    """Orders of several people, one of them with a refund, one moved to somebody else."""
    refunded = lead(bench, channel, ("plain", 1, True, [("request_refund", {})]))
    moved = lead(bench, channel, ("coupons", 2, True, [("change_address", {}), ("note", {"note": "请电话联系"})]))
    shipped = lead(bench, channel, ("plain", 1, True, [("ship", {"carrier": "", "tracking_no": "SF1234567890123"})]))
    return [bench.place(variant) for variant in ("plain", "gift", "emoji", "risk")] + [refunded, moved, shipped]


def shown(value: Any) -> str:
    """All that looking at a value shows."""
    if isinstance(value, BaseException):
        return "".join((repr(value), str(value), *traceback.format_exception(value)))
    return repr(value) + str(value)


def assert_hidden(text: str, known: set[str]) -> None:
    assert [secret for secret in known if secret and secret in text] == []


def test_people_stay_masked_and_encrypted(bench: Bench, channel: ChannelUnderTest, placed: list[Placed]) -> None:
    known = secrets(bench)
    for each in placed:
        order = bench.read(each)
        assert_hidden(order.model_dump_json(), known)
        for name in ("name", "phone", "detail"):
            part = getattr(order.receiver, name)
            assert isinstance(part, Masked)
            assert ("*" in part.mask) is (name in channel.masks)
        assert order.receiver.province
        assert each.buyer.address.province.startswith(order.receiver.province)  # some leave out what kind it is
        assert order.receiver.city == each.buyer.address.city


def test_ciphertexts_arrive_as_they_were_sent(bench: Bench, channel: ChannelUnderTest) -> None:
    fetched = bench.connector.order(bench.place().order_id)
    receiver = fetched.value.receiver
    sent = json.dumps(json.loads(fetched.raw), ensure_ascii=False)
    for name in ("name", "phone", "detail"):
        part = getattr(receiver, name)
        assert bool(part.cipher) == channel.has_ciphers
        assert part.cipher in sent
        assert bool(part.mask) is (name in channel.masks)
        assert part.mask in sent
    assert receiver.oaid
    assert receiver.oaid in sent


def test_one_person_is_recognised_without_being_known(bench: Bench, channel: ChannelUnderTest) -> None:
    first = bench.place()
    again, other = bench.place(buyer=first.buyer), bench.place()
    names = [channel.person(bench.read(each)) for each in (first, again, other)]
    assert names[0] == names[1] != names[2]


def test_nothing_personal_shows_when_values_are_looked_at(bench: Bench, placed: list[Placed]) -> None:
    known = secrets(bench)
    values: list[Any] = [bench.connector, bench.credentials(), bench.connector.credentials, bench.connector.refresh()]
    bench.connector = bench.connect()
    known |= secrets(bench)
    ciphers = set()
    for page in bench.connector.orders(bench.window()):
        values += [page, *page.items, *(item.value for item in page.items)]
        for item in page.items:
            receiver = item.value.receiver
            ciphers |= {receiver.name.cipher, receiver.phone.cipher, receiver.detail.cipher, receiver.oaid}
            ciphers |= {receiver.name.mask, receiver.phone.mask}
    values += list(bench.after_sales())
    values += list(bench.connector.listings())
    values += [bench.connector.ship(bench.shipment(placed[0]), "k"), bench.connector.memo(placed[0].order_id, Memo())]
    for value in values:
        assert_hidden(shown(value), known | ciphers)


@needs(Capability.PUSH)
def test_nothing_personal_shows_in_pushes(bench: Bench, channel: ChannelUnderTest) -> None:
    listener = channel.listener(bench)
    order = lead(bench, channel, ("plain", 1, True, [("change_address", {}), ("memo", {"memo": "加急"})]))
    bench.world.ship(order, channel.own_carrier, "SF1234567890123")
    notices = [notice for delivery in listener.due() for notice in listener.read(delivery)]
    assert notices
    assert_hidden("".join(map(shown, notices)), secrets(bench))


@pytest.mark.parametrize("kind", FAULTS)
def test_nothing_secret_shows_in_errors(bench: Bench, placed: list[Placed], kind: FaultKind) -> None:
    known = secrets(bench)
    key, order = bench.keys(1)[0], placed[0]
    bench.fault(kind)
    met: list[BaseException] = []
    for read in (
        lambda: list(bench.connector.orders(bench.window())),
        lambda: bench.connector.order(order.order_id),
        lambda: list(bench.connector.listings()),
    ):
        with pytest.raises(ChannelError) as caught:
            read()
        met.append(caught.value)
    outcomes: list[Any] = [
        *bench.connector.set_stock([StockWrite(key, 1)]),
        *bench.connector.set_price([PriceWrite(key, Price(sale=1000))]),
        bench.connector.ship(bench.shipment(order), "k"),
        bench.connector.memo(order.order_id, Memo(text="x")),
    ]
    if bench.connector.channel.supports(Capability.ADJUST_STOCK):
        outcomes += bench.connector.adjust_stock([StockDelta(key, 1, "k")])
    for outcome in outcomes:
        assert isinstance(outcome.error, ChannelError)
        met.append(outcome.error)
    assert_hidden("".join(map(shown, [*met, *outcomes])), known)


def test_a_row_that_cannot_be_read_does_not_show_its_person(bench: Bench, channel: ChannelUnderTest) -> None:
    order = bench.place()
    known = secrets(bench)

    def unmask(answer: Any) -> None:
        """Puts the plain name and number where a row of an order must be readable."""
        if isinstance(answer, dict):
            for name, value in answer.items():
                if name in channel.row_fields and channel.row_id in answer:
                    answer[name] = f"{order.buyer.name} {order.buyer.phone}"
                unmask(value)
        elif isinstance(answer, list):
            for value in answer:
                unmask(value)

    bench.wire.edit = unmask
    found = bench.walk(bench.window())
    assert [row.id for row in found.bad] == [order.order_id]
    assert_hidden(shown(found.bad), known)
    with pytest.raises(Malformed) as caught:
        bench.connector.order(order.order_id)
    assert_hidden(shown(caught.value), known)


def test_nothing_secret_is_logged(
    bench: Bench, channel: ChannelUnderTest, placed: list[Placed], logs: Logs, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither by us nor by the HTTP library, which would name addresses with tokens in them."""
    key = bench.keys(1)[0]
    with caplog.at_level(logging.DEBUG):
        bench.walk(bench.window())
        bench.connector.set_stock([StockWrite(key, 5), StockWrite(nobody(key), 5)])
        bench.connector.ship(bench.shipment(placed[0]), "k")
        bench.connector.refresh()
        for kind in FAULTS:
            bench.fault(kind, channel.order_detail, times=3)
            with pytest.raises(ChannelError):
                bench.connector.order(placed[0].order_id)
    assert logs
    assert {entry["channel"] for entry in logs if "channel" in entry} == {bench.code}
    assert_hidden(repr(logs) + caplog.text, secrets(bench))


@pytest.mark.parametrize("channel", by_push(Push.WEBHOOK), ids=lambda channel: channel.name)
def test_a_forged_push_is_refused_without_showing_it(bench: Bench, channel: ChannelUnderTest) -> None:
    listener = channel.listener(bench)
    order = bench.place()
    [delivery] = listener.due()
    for forgery in listener.forgeries(delivery):
        with pytest.raises(BadSignature) as caught:
            listener.read(forgery)
        assert_hidden(shown(caught.value), secrets(bench) | {order.order_id})
