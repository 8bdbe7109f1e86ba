"""Group 8: a byte changed on the way, another secret, or a clock too far off is refused by the other side."""

from datetime import timedelta

import pytest
from pydantic import SecretStr

from core.channel import Capability, Push
from core.errors import BadSignature, ChannelError, Denied
from core.model import Memo
from tests.contract.bench import Bench
from tests.contract.channel import ChannelUnderTest
from tests.contract.channels import by_push
from tests.contract.skips import needs

MINUTE = timedelta(minutes=1)


@needs(Capability.MEMO)
def test_a_changed_byte_is_refused_and_does_nothing(bench: Bench) -> None:
    placed = bench.place()
    bench.wire.replace = (b"ship-on-monday", b"ship-on-sunday")
    outcome = bench.connector.memo(placed.order_id, Memo(text="ship-on-monday"))
    assert type(outcome.error) is Denied
    assert placed.memo == ""
    bench.wire.replace = None
    assert bench.connector.memo(placed.order_id, Memo(text="ship-on-monday")).error is None
    assert placed.memo == "ship-on-monday"


@needs(Capability.ORDER)
def test_a_changed_order_id_is_refused(bench: Bench) -> None:
    mine, other = bench.place(), bench.place()
    bench.wire.replace = (mine.order_id.encode(), other.order_id.encode())
    with pytest.raises(Denied):
        bench.read(mine)


@needs(Capability.ORDER)
def test_another_secret_is_refused(bench: Bench) -> None:
    placed = bench.place()
    real = bench.credentials()
    forged = type(real)(real.app_key, SecretStr("0" * 40), real.access_token, real.refresh_token)
    with pytest.raises(Denied):
        bench.connect(forged).order(placed.order_id)


@needs(Capability.ORDER)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_clock_beyond_the_tolerance_is_refused(bench: Bench, channel: ChannelUnderTest, sign: int) -> None:
    placed = bench.place()
    bench.clock.skew = sign * (channel.clock_tolerance + MINUTE)
    with pytest.raises(ChannelError) as caught:
        bench.read(placed)
    assert type(caught.value) is Denied


@needs(Capability.ORDER)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_clock_within_the_tolerance_is_good_enough(bench: Bench, channel: ChannelUnderTest, sign: int) -> None:
    placed = bench.place()
    bench.clock.skew = sign * (channel.clock_tolerance - MINUTE)
    assert bench.read(placed).id == placed.order_id


@needs(Capability.MEMO)
@pytest.mark.parametrize("text", ["a+b&c=d%20", '"\\/<>\u2028', "加急😀 @客服", "  two  spaces  ", "é\u0301"])
def test_what_is_signed_is_what_is_sent(bench: Bench, text: str) -> None:
    placed = bench.place()
    assert bench.connector.memo(placed.order_id, Memo(text=text)).error is None
    assert placed.memo == text


@pytest.mark.parametrize("channel", by_push(Push.CONNECTION), ids=lambda channel: channel.name)
def test_a_connection_signed_with_a_wrong_clock_or_secret_is_not_admitted(channel: ChannelUnderTest) -> None:
    bench = channel.bench()
    assert channel.admitted(bench, bench.app.secret)
    assert not channel.admitted(bench, "0" * 40)
    for sign in (1, -1):
        bench.clock.skew = sign * (channel.clock_tolerance + MINUTE)
        assert not channel.admitted(bench, bench.app.secret)
    bench.close()


@pytest.mark.parametrize("channel", by_push(Push.WEBHOOK), ids=lambda channel: channel.name)
def test_a_byte_changed_in_a_delivery_is_refused(channel: ChannelUnderTest) -> None:
    bench = channel.bench()
    listener = channel.listener(bench)
    bench.place()
    forged = [forgery for delivery in listener.due() for forgery in listener.forgeries(delivery)]
    assert forged
    for forgery in forged:
        with pytest.raises(BadSignature):
            listener.read(forgery)
    bench.close()
