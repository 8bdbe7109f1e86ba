"""Pinduoduo's pushed messages: permits, frames, acks, redelivery, disturbances, and all of it over a real socket."""

import asyncio
import base64
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from sandbox.faults import FaultRule
from sandbox.pinduoduo import session, signing
from sandbox.sandbox import Sandbox
from sandbox.serve import create_app
from tests.sandbox.pdd_kit import Shopkeeper, sample


def _listening(**settings: Any) -> tuple[Shopkeeper, session.Session]:
    keeper = Shopkeeper(**settings)
    assert keeper.call("pdd.pmc.user.permit")["is_success"] is True
    return keeper, session.Session(keeper.world)


def _frames(connection: session.Session) -> list[dict[str, Any]]:
    return [json.loads(text) for text in connection.to_send()]


def _ack(frame: dict[str, Any], kind: str = "Ack") -> str:
    answer = {"id": frame["id"], "commandType": kind, "time": 1, "sendTime": frame["sendTime"]}
    return json.dumps(answer | {"type": frame["message"]["type"], "mallID": frame["message"]["mallID"]})


def _shape(value: Any) -> Any:
    return {key: _shape(each) for key, each in value.items()} if isinstance(value, dict) else type(value)


def test_nothing_is_pushed_without_permit() -> None:
    keeper = Shopkeeper()
    keeper.place()
    assert session.Session(keeper.world).to_send() == []


def test_only_permitted_topics_and_none_after_cancel() -> None:
    keeper, connection = _listening()
    keeper.call("pdd.pmc.user.permit", topics="pdd_trade_TradeSellerShip")
    order = keeper.place()
    assert _frames(connection) == []
    keeper.ship(order)
    assert [frame["message"]["type"] for frame in _frames(connection)] == ["pdd_trade_TradeSellerShip"]
    keeper.call("pdd.pmc.user.cancel", token=False, owner_id=keeper.shop.shop_id)
    keeper.world.receive(order)
    assert _frames(connection) == []
    assert keeper.code("pdd.pmc.user.permit", topics="pdd_no_Such") == 50001


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("trade.confirmed", "pdd_trade_TradeConfirmed"),
        ("trade.sellership", "pdd_trade_TradeSellerShip"),
        ("refund.created", "pdd_refund_RefundCreated"),
        ("goods.update", "pdd_goods_GoodsUpdate"),
    ],
)
def test_frames_look_like_the_samples(name: str, topic: str) -> None:
    keeper, connection = _listening()
    order, other = keeper.place(), keeper.place()
    keeper.ship(order)
    keeper.world.request_refund(other)
    keeper.world.touch_item(keeper.shop, next(iter(keeper.shop.items.values())))
    frame = next(each for each in _frames(connection) if each["message"]["type"] == topic)
    expected = sample(f"message.{name}.push")
    assert _shape(frame) == _shape(expected)
    assert _shape(json.loads(frame["message"]["content"])) == _shape(json.loads(expected["message"]["content"]))


def test_a_life_of_an_order_in_messages() -> None:
    keeper, connection = _listening()
    order = keeper.place()
    keeper.world.hold(order)
    keeper.world.release(order)
    keeper.world.set_memo(order, "😀", None)
    keeper.ship(order)
    keeper.world.finish(order)
    assert [frame["message"]["type"].rpartition("_")[2] for frame in _frames(connection)] == [
        "TradeConfirmed",
        "TradeRiskChanged",
        "TradeRiskChanged",
        "TradeMemoModified",
        "TradeSellerShip",
        "TradeSuccess",
    ]


def test_unacknowledged_and_failed_messages_come_again_acknowledged_ones_do_not() -> None:
    keeper, connection = _listening()
    for _ in range(3):
        keeper.place()
    silent, failed, acked = _frames(connection)
    connection.on_frame(_ack(failed, "Fail"))
    assert connection.on_frame(_ack(acked)) == []
    assert _frames(connection) == []
    keeper.world.advance(61)
    assert {frame["id"] for frame in _frames(connection)} == {silent["id"], failed["id"]}
    assert keeper.call("pdd.pmc.accrue.query", token=False)["number"] == 2
    keeper.world.advance(8 * 86_400)
    assert _frames(connection) == []


def test_an_ack_without_send_time_or_for_nothing_fails() -> None:
    keeper, connection = _listening()
    keeper.place()
    (frame,) = _frames(connection)
    bare = json.dumps({"id": frame["id"], "commandType": "Ack"})
    assert json.loads(connection.on_frame(bare)[0])["commandType"] == "Fail"
    assert json.loads(connection.on_frame("no json")[0])["commandType"] == "Fail"
    assert json.loads(connection.on_frame("[]")[0])["commandType"] == "Fail"
    assert json.loads(connection.on_frame(_ack(frame | {"id": 5}))[0])["commandType"] == "Fail"


@pytest.mark.parametrize(
    ("kind", "deliveries"), [("drop_push", 0), ("duplicate_push", 2), ("delay_push", 1), ("reorder_push", 1)]
)
def test_disturbed_pushes_are_marked(kind: str, deliveries: int) -> None:
    keeper, connection = _listening()
    rule = {"kind": kind, "channel": "pinduoduo", "times": 1, "seconds": 5, "method": "pdd_trade_TradeConfirmed"}
    keeper.world.faults.add(FaultRule.model_validate(rule))
    keeper.place()
    (push,) = keeper.world.outboxes["pinduoduo"].pushes
    sent = 0
    for _ in range(70):
        for frame in _frames(connection):
            sent += 1
            connection.on_frame(_ack(frame))
        keeper.world.advance(1)
    assert (sent, push.touched) == (deliveries, True)


def test_redelivery_may_have_a_new_id() -> None:
    keeper, connection = _listening(push_new_id_on_redelivery=True)
    keeper.place()
    (first,) = _frames(connection)
    keeper.world.advance(61)
    (second,) = _frames(connection)
    assert first["id"] != second["id"]
    connection.on_frame(_ack(first))
    assert keeper.world.outboxes["pinduoduo"].pushes[0].acked_at is not None


def test_handshake() -> None:
    keeper = Shopkeeper()
    key, secret, ms = keeper.app.key, keeper.app.secret, str(int(keeper.world.now() * 1000))
    good = f"/message/{key}/{ms}/{signing.digest(key, ms, secret)}"
    assert session.admits(keeper.world, good)
    assert session.admits(keeper.world, good.replace("=", "%3D"))
    assert not session.admits(keeper.world, good.replace(key, "0" * 32))
    assert not session.admits(keeper.world, f"/message/{key}/{ms}/{base64.b64encode(b'x' * 32).decode()}")
    assert not session.admits(keeper.world, f"/message/{key}")
    keeper.world.advance(601)
    assert not session.admits(keeper.world, good)


# A real socket


@pytest.fixture
def served() -> Iterator[tuple[Sandbox, str]]:
    """A sandbox on a free port, real clock."""
    sandbox = Sandbox(1)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(create_app(sandbox), log_level="error", ws="websockets-sansio", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    yield sandbox, f"127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listener.close()


def _address(sandbox: Sandbox, host: str, digest: str | None = None) -> str:
    app, ms = sandbox.world.apps["pinduoduo"], str(int(time.time() * 1000))
    return f"ws://{host}/message/{app.key}/{ms}/{digest or signing.digest(app.key, ms, app.secret)}"


async def _next(connection: ClientConnection) -> Any:
    return json.loads(await asyncio.wait_for(connection.recv(), 5))


def test_messages_over_a_socket(served: tuple[Sandbox, str]) -> None:
    sandbox, host = served
    sandbox.world.shop("pinduoduo").topics = frozenset({"pdd_trade_TradeConfirmed"})

    async def talk(control: httpx.AsyncClient) -> None:
        async with connect(_address(sandbox, host), proxy=None) as connection:
            await connection.send(json.dumps({"commandType": "HeartBeat", "time": 1}))
            assert (await _next(connection))["commandType"] == "HeartBeat"
            placed = (
                await control.post("/_sandbox/orders", json={"channel": "pinduoduo", "count": 3, "variant": "plain"})
            ).json()
            frames = [await _next(connection) for _ in range(3)]
            assert [json.loads(frame["message"]["content"])["tid"] for frame in frames] == placed["order_ids"]
            await connection.send(_ack(frames[0]))
            await connection.send(_ack(frames[1], "Fail"))
            await control.post("/_sandbox/clock", json={"advance": 61})
            again = {(await _next(connection))["id"] for _ in range(2)}
            assert again == {frames[1]["id"], frames[2]["id"]}

    async def main() -> None:
        async with httpx.AsyncClient(base_url=f"http://{host}", trust_env=False) as control:
            await talk(control)

    asyncio.run(main())


def test_a_bad_digest_is_refused_at_the_handshake(served: tuple[Sandbox, str]) -> None:
    sandbox, host = served

    async def main() -> None:
        with pytest.raises(InvalidStatus) as caught:
            async with connect(_address(sandbox, host, "bm9wZQ=="), proxy=None):
                pass
        assert caught.value.response.status_code == 401

    asyncio.run(main())


def test_an_injected_timeout_closes_the_connection_without_an_answer(served: tuple[Sandbox, str]) -> None:
    sandbox, host = served
    with httpx.Client(base_url=f"http://{host}", trust_env=False) as client:
        fault = {"kind": "timeout_after", "channel": "pinduoduo", "times": 1, "seconds": 0.05}
        client.post("/_sandbox/faults", json=fault).raise_for_status()
        app, shop = sandbox.world.apps["pinduoduo"], sandbox.world.shop("pinduoduo")
        body = {"type": "pdd.mall.info.get", "client_id": app.key, "timestamp": str(int(time.time()))}
        body |= {"access_token": shop.grant.access_token}
        body |= {"sign": signing.sign(body, app.secret)}
        with pytest.raises(httpx.RemoteProtocolError):
            client.post("/api/router", json=body)
        assert client.post("/api/router", json=body).json()["mall_info_get_response"]["mall_id"] == 100200300
