"""Push messages of the simulated Douyin shop: what is sent, signed how, again when; and over a real socket."""

import asyncio
import hashlib
import hmac
import json
from typing import Any

import pytest

from sandbox.callbacks import Batch, deliver
from sandbox.faults import FaultRule
from sandbox.pushes import Push
from tests.sandbox.douyin_kit import Shop, fixture

OK = b'{"code":0,"msg":"success"}'


def listening(**settings: Any) -> Shop:
    """A shop whose callback URL is saved and verified."""
    shop = Shop(**settings)
    shop.platform.callbacks.set_url("http://127.0.0.1:9/hooks/douyin")
    first = shop.platform.callbacks.take()
    assert first is not None
    assert shop.platform.callbacks.settle(first, 200, OK)
    return shop


def take(shop: Shop) -> Batch:
    batch = shop.platform.callbacks.take()
    assert batch is not None
    return batch


def tags(batch: Batch) -> list[str]:
    return [message["tag"] for message in json.loads(batch.body)]


def pushed(shop: Shop) -> list[Push]:
    return shop.world.outboxes["douyin"].pushes


def test_saving_a_url_sends_the_verification_until_it_is_acknowledged() -> None:
    shop = Shop()
    calls = shop.platform.callbacks
    shop.order()
    assert calls.take() is None
    assert pushed(shop) == []
    calls.set_url("http://127.0.0.1:9/hooks")
    verification = take(shop)
    assert tags(verification) == ["0"]
    assert json.loads(verification.body)[0].keys() == json.loads(fixture("push.0.verify.json")["body_raw"])[0].keys()
    assert not calls.settle(verification, 500, b"")
    shop.order()
    assert calls.take() is None
    shop.world.advance(5)
    assert calls.settle(take(shop), 200, OK)
    assert tags(take(shop)) == ["100", "101"]
    with pytest.raises(ValueError, match="URL"):
        calls.set_url("ftp://x")


def test_the_signature_is_over_the_bytes_sent() -> None:
    shop = listening()
    order = shop.order()
    shop.world.set_memo(order, "加急😀", 1)
    for how in ("md5", "hmac-sha256"):
        shop.world.change_settings({"push_sign_method": how})
        batch = take(shop)
        app = shop.platform.app
        text = app.key.encode() + batch.body + app.secret.encode()
        good = (
            hashlib.md5(text, usedforsecurity=False).hexdigest()
            if how == "md5"
            else hmac.new(app.secret.encode(), text, "sha256").hexdigest()
        )
        assert (batch.headers["app-id"], batch.headers["event-sign"]) == (app.key, good)
        shop.platform.callbacks.settle(batch, 200, OK)
        shop.world.set_memo(order, "again", 2)


@pytest.mark.parametrize("answer", [b'{"code":1,"msg":"fail"}', b"ok", b'{"code":false}', b'{"msg":"success"}', b"[]"])
def test_anything_but_code_zero_fails_the_whole_batch(answer: bytes) -> None:
    shop = listening()
    shop.order()
    batch = take(shop)
    assert not shop.platform.callbacks.settle(batch, 200, answer)
    shop.world.advance(10)
    assert json.loads(take(shop).body) == json.loads(batch.body)


def test_retry_schedule_then_drop() -> None:
    shop = listening()
    shop.order()
    attempts = []
    start = shop.world.now()
    for _ in range(5000):
        batch = shop.platform.callbacks.take()
        if batch is not None:
            attempts.append(shop.world.now() - start)
            shop.platform.callbacks.settle(batch, None)
        shop.world.advance(1)
    assert attempts == [0, 10, 70, 670, 4270]
    assert {push.acked_at for push in pushed(shop)} == {None}


def test_an_acknowledged_message_is_not_sent_again() -> None:
    shop = listening()
    shop.order()
    assert shop.platform.callbacks.settle(take(shop), 200, OK)
    shop.world.advance(100_000)
    assert shop.platform.callbacks.take() is None
    assert all(push.acked_at is not None and len(push.deliveries) == 1 for push in pushed(shop))


def test_disturbances_are_marked() -> None:
    shop = listening()
    for kind in ("drop_push", "duplicate_push", "delay_push"):
        shop.world.faults.add(FaultRule(kind=kind, channel="douyin", method="100", times=1, seconds=60))
        shop.order(paid=False)
    shop.world.advance(5)
    first = take(shop)
    assert tags(first) == ["100", "100"]
    shop.platform.callbacks.settle(first, 200, OK)
    shop.world.advance(60)
    late = take(shop)
    assert tags(late) == ["100"]
    assert [push.touched or push.dropped for push in pushed(shop)] == [True, True, True]


def test_withdrawn_shops_and_unsubscribed_tags_are_silent() -> None:
    shop = listening()
    shop.platform.callbacks.tags = frozenset({"101"})
    shop.order()
    assert [push.topic for push in pushed(shop)] == ["101"]
    shop.shop.authorised = False
    shop.order()
    assert len(pushed(shop)) == 1


def test_life_of_an_order_in_tags() -> None:
    shop = listening()
    order = shop.order(variant="risk")
    shop.world.advance(3601)
    shop.data("order.logisticsAdd", order_id=order.order_id, company_code="yunda", logistics_code="430000000000001")
    refund = shop.world.request_refund(order)
    shop.call("afterSale.operate", type=201, items=[{"aftersale_id": refund.refund_id}])
    shop.world.finish(order)
    assert [push.topic for push in pushed(shop)] == ["100", "110", "101", "102", "200", "201", "206", "103"]
    assert [push.payload["order_status"] for push in pushed(shop)[:4]] == [1, 105, 2, 3]
    assert {push.object_id for push in pushed(shop)} == {order.order_id, refund.refund_id}


class Receiver:
    """A tiny HTTP server: refuses the first batch of messages, keeps everything it got."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.refused = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
                )
                messages = json.loads(await reader.readexactly(length))
                self.bodies.append(messages)
                refuse = messages[0]["tag"] != "0" and not self.refused
                self.refused += refuse
                body = b'{"code":1,"msg":"fail"}' if refuse else OK
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


def test_over_a_real_socket() -> None:
    """Verification, a refused batch, its repetition after ten world seconds, everything acknowledged in the end."""

    async def run() -> tuple[Shop, Receiver]:
        shop, receiver = Shop(), Receiver()
        server = await asyncio.start_server(receiver.answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        sender = asyncio.create_task(deliver(shop.world, shop.platform.callbacks))
        shop.platform.callbacks.set_url(f"http://127.0.0.1:{port}/hooks/douyin")
        await until(lambda: shop.platform.callbacks.verified)
        shop.order()
        await until(lambda: bool(receiver.refused))
        await asyncio.sleep(0.05)
        shop.world.advance(11)
        await until(lambda: all(push.acked_at is not None for push in pushed(shop)))
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)
        server.close()
        return shop, receiver

    async def until(done: Any) -> None:
        for _ in range(400):
            if done():
                return
            await asyncio.sleep(0.01)
        raise AssertionError("did not happen within four seconds")

    shop, receiver = asyncio.run(run())
    assert [message["tag"] for message in receiver.bodies[0]] == ["0"]
    got = [message["msg_id"] for body in receiver.bodies[1:] for message in body]
    assert sorted(set(got)) == sorted(push.wire_id for push in pushed(shop))
    assert len(got) > len(set(got))
