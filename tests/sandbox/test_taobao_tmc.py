"""Taobao's messages: frames byte for byte, permits, groups, polling, the long link, redelivery, and a real socket."""

import asyncio
import gzip
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
from websockets.exceptions import ConnectionClosed

from sandbox.faults import FaultRule
from sandbox.model import Item
from sandbox.sandbox import Sandbox
from sandbox.serve import create_app
from sandbox.taobao import signing
from sandbox.taobao.frames import BadFrame, Custom, Format, Frame, FrameType, decode, encode
from sandbox.taobao.longlink import LongLink
from sandbox.taobao.messages import TOPICS
from sandbox.world import World
from tests.sandbox.taobao_goods_kit import FIXTURES, Keeper, same_shape, sample

FRAMES = sample("tmc-frames")
CONTENTS = sample("tmc.contents") + [
    {"topic": row["topic"], "content": json.loads(row["content"])}
    for row in sample("tmc.consume.response")["tmc_messages_consume_response"]["messages"]["tmc_message"]
]
TRADE = "taobao_trade_"


def _frame(vector: dict[str, Any]) -> Frame:
    content = tuple(Custom(each["key"], Format[each["format"].upper()], each["value"]) for each in vector["content"])
    kind, code = FrameType(vector["message_type"]), vector["status_code"]
    return Frame(kind, content, vector["flag"], vector["token"], code, vector["status_phrase"])


@pytest.mark.parametrize("vector", FRAMES, ids=lambda vector: vector["description"][:30])
def test_frame_vectors_byte_for_byte(vector: dict[str, Any]) -> None:
    assert encode(_frame(vector)).hex() == vector["hex"]
    assert decode(bytes.fromhex(vector["hex"])) == _frame(vector)


@pytest.mark.parametrize(
    "value",
    [
        Custom("k", Format.VOID, None),
        Custom("k", Format.INT16, -2),
        Custom("k", Format.INT32, -(2**31)),
        Custom("k", Format.INT64, 2**63 - 1),
        Custom("k", Format.DATE, 1_710_469_800_000),
        Custom("k", Format.BYTES, b"\x00\xff"),
        Custom("名", Format.STR, "😀"),
    ],
)
def test_every_format_goes_there_and_back(value: Custom) -> None:
    frame = Frame(FrameType.SENDACK, (value,), flag=7)
    assert decode(encode(frame)) == frame


def test_broken_frames_are_refused() -> None:
    whole = bytes.fromhex(FRAMES[0]["hex"])
    broken = [whole[:n] for n in range(len(whole))]
    for data in (*broken, whole + b"\x00", b"\x01" + whole[1:], b"\x02\x09\x00\x00", b"\x02\x00\x09\x00\x00\x00"):
        with pytest.raises(BadFrame):
            decode(data)


# Permits, groups and the polled queue


def _consume(keeper: Keeper, **params: Any) -> list[dict[str, Any]]:
    rows = keeper.call("taobao.tmc.messages.consume", session=None, quantity="200", **params)
    return list(rows.get("messages", {}).get("tmc_message", []))


def _topics(rows: list[dict[str, Any]]) -> list[str]:
    return [row["topic"].rpartition("_")[2] for row in rows]


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("tmc.*.request.json")), ids=lambda path: path.name)
def test_samples_are_accepted_and_answered_as_sampled(path: Any) -> None:
    """The sample's nick is the shop's, its group exists."""
    keeper = Keeper()
    keeper.shop.name = "示例旗舰店"
    keeper.order()
    name = path.name.removesuffix(".request.json")
    answer = keeper.post(sample(f"{name}.request")["form"])
    assert same_shape(answer, sample(f"{name}.response")) == []


def test_an_empty_queue_has_no_messages_key() -> None:
    keeper = Keeper()
    answer = keeper.answer("taobao.tmc.messages.consume", session=None)
    assert same_shape(answer, sample("tmc.consume.empty.response")) == []
    assert list(answer["tmc_messages_consume_response"]) == ["request_id"]


def test_shops_are_permitted_from_the_start_and_a_permit_replaces_the_topics() -> None:
    keeper = Keeper()
    user = {"fields": "topics,is_valid,group_name", "nick": keeper.shop.name, "session": None}
    assert set(keeper.call("taobao.tmc.user.get", **user)["tmc_user"]["topics"]["string"]) == TOPICS
    keeper.call("taobao.tmc.user.permit", topics=f"{TRADE}TradeBuyerPay,{TRADE}TradeSellerShip")
    keeper.world.ship(keeper.order(), "YTO", "YT0000000000001")
    assert _topics(_consume(keeper)) == ["TradeBuyerPay", "TradeSellerShip"]
    told = keeper.call("taobao.tmc.user.get", **user)["tmc_user"]
    assert told["topics"]["string"] == [f"{TRADE}TradeBuyerPay", f"{TRADE}TradeSellerShip"]
    assert (told["is_valid"], told["group_name"], "user_id" in told) == (True, "default", False)
    assert keeper.refused("taobao.tmc.user.permit", topics="taobao_no_Such") == (15, "isv.invalid-parameter:topics")
    assert keeper.refused("taobao.tmc.user.permit", session=None)[0] == 26
    keeper.call("taobao.tmc.user.permit")
    assert keeper.shop.topics == TOPICS
    keeper.call("taobao.tmc.user.cancel", session=None, nick=keeper.shop.name)
    keeper.order()
    assert _consume(keeper) == []
    assert "tmc_user" not in keeper.call("taobao.tmc.user.get", **user)


def test_a_seller_whose_authorisation_ended_sends_nothing() -> None:
    keeper = Keeper()
    keeper.shop.authorised = False
    keeper.order()
    assert _consume(keeper) == []
    user = keeper.call("taobao.tmc.user.get", session=None, fields="is_valid", nick=keeper.shop.name)
    assert user["tmc_user"] == {"is_valid": False}


def test_groups_are_queues_of_their_own() -> None:
    keeper = Keeper(shops=2)
    world = keeper.world
    other = world.shop("taobao", "2200112234")
    keeper.call("taobao.tmc.group.add", session=None, group_name="erp_big", nicks=other.name)
    mine, theirs = keeper.order(), world.place(other, variant="plain")
    tids = {name: {json.loads(row["content"]).get("tid") for row in _consume(keeper, group_name=name)} - {None}
            for name in ("default", "erp_big")}  # fmt: skip
    assert tids == {"default": {int(mine.order_id)}, "erp_big": {int(theirs.order_id)}}
    queue = keeper.call("taobao.tmc.queue.get", session=None, group_name="erp_big")["datas"]["tmc_queue_info"]
    in_group = [push for push in world.outboxes["taobao"].pushes if push.shop_id == other.shop_id]
    assert [(row["name"], row["put_toal"], row["get_total"]) for row in queue] == [
        ("erp_big", len(in_group), len(in_group))
    ]
    assert keeper.refused("taobao.tmc.messages.consume", group_name="none") == (15, "isv.invalid-parameter:group_name")
    bad = {"group_name": "default2", "nicks": other.name}
    assert keeper.refused("taobao.tmc.group.add", **bad) == (41, "group_name")
    bad = {"group_name": "g", "nicks": "nobody"}
    assert keeper.refused("taobao.tmc.group.add", **bad) == (15, "isv.user-not-exist:invalid-nick")


def test_unconfirmed_messages_come_again_until_a_day_is_over() -> None:
    keeper = Keeper()
    keeper.order()
    first = _consume(keeper)
    assert _consume(keeper) == []
    confirmed, rest = first[0], {row["id"] for row in first[1:]}
    ids = f"{confirmed['id']},{2**62}"
    assert keeper.call("taobao.tmc.messages.confirm", session=None, s_message_ids=ids)["is_success"] is True
    keeper.world.advance(301)
    assert {row["id"] for row in _consume(keeper)} == rest
    keeper.world.advance(86_400)
    assert _consume(keeper) == []
    assert keeper.refused("taobao.tmc.messages.consume", quantity="9") == (41, "quantity")
    many = ",".join(str(n) for n in range(201))
    assert keeper.refused("taobao.tmc.messages.confirm", s_message_ids=many) == (41, "s_message_ids")
    assert keeper.refused("taobao.tmc.messages.confirm", s_message_ids="x") == (41, "s_message_ids")


# What is told


def _everything(keeper: Keeper) -> dict[str, list[dict[str, Any]]]:
    """Every message of a shop where a bit of everything happens; contents by topic."""
    world, shop = keeper.world, keeper.shop
    item: Item = next(iter(shop.items.values()))
    sku = next(iter(item.skus.values()))
    unpaid = keeper.order(paid=False)
    world.change_amount(unpaid, -10)
    world.cancel(unpaid)
    several = keeper.order("several")
    world.set_memo(several, "VIP", 3)
    world.set_buyer_note(several, "快")
    world.change_address(several, several.buyer)
    world.ship(several, "YTO", "YT0000000000001", {several.lines[0].line_id: several.lines[0].quantity})
    world.ship(several, "YTO", "YT0000000000002")
    refund = world.request_refund(several, line=several.lines[1], kind="return")
    world.modify_refund(refund, amount=100)
    world.refuse_refund(refund)
    world.arbitrate(refund)
    world.agree_refund(refund)
    world.refund_paid(refund)
    world.finish(several)
    dropped = keeper.order("several", paid=False)
    world.drop_line(dropped, dropped.lines[0])
    world.place(shop, variant="deposit")
    returned = keeper.order(quantity=2)
    world.ship(returned, "YTO", "YT0000000000003")
    back = world.request_refund(returned, kind="return")
    world.agree_return(back)
    world.return_goods(back, "YTO", "YT0000000000004")
    world.withdraw_refund(back)
    world.set_shelf(shop, item, False)
    world.set_shelf(shop, item, True)
    world.touch_item(shop, item)
    for each in item.skus.values():
        world.set_stock(shop, each, 0)
    world.set_stock(shop, sku, 5)
    told: dict[str, list[dict[str, Any]]] = {}
    for push in world.outboxes["taobao"].pushes:
        told.setdefault(push.topic, []).append(push.payload)
    return told


def test_contents_have_the_fields_and_types_of_the_samples() -> None:
    told = _everything(Keeper())
    problems = [
        f"{each['topic']}{problem}"
        for each in CONTENTS
        for problem in (same_shape(told[each["topic"]][0], each["content"]) if each["topic"] in told else [" missing"])
    ]
    assert problems == []


def test_the_life_of_an_order_in_messages() -> None:
    keeper = Keeper("taobao")
    _everything(keeper)
    pushes = [push for push in keeper.world.outboxes["taobao"].pushes if "_item_" not in push.topic]
    names = [push.topic.removeprefix("taobao_") for push in pushes]
    tid = pushes[5].payload["tid"]
    several = [name for name, push in zip(names, pushes, strict=True) if push.payload["tid"] == tid]
    assert several == [
        "trade_TradeCreate",
        "trade_TradeAlipayCreate",
        "trade_TradeBuyerPay",
        "trade_TradeMemoModified",
        "trade_TradeMemoModified",
        "trade_TradeLogisticsAddressChanged",
        "trade_TradePartlySellerShip",
        "logistics_LogsticDetailTrace",
        "trade_TradeSellerShip",
        "logistics_LogsticDetailTrace",
        "trade_TradeChanged",
        "refund_RefundCreated",
        "trade_TradeChanged",
        "refund_RefundBuyerModifyAgreement",
        "trade_TradeChanged",
        "refund_RefundSellerRefuseAgreement",
        "trade_TradeChanged",
        "refund_RefundCreateMessage",
        "trade_TradeChanged",
        "refund_RefundSellerAgreeAgreement",
        "trade_TradeChanged",
        "refund_RefundSuccess",
        "trade_TradePartlyRefund",
        "trade_TradeSuccess",
    ]
    assert {*names} >= {
        "trade_TradeModifyFee",
        "trade_TradeClose",
        "trade_TradeCloseAndModifyDetailOrder",
        "trade_TradeBuyerStepPay",
        "refund_RefundBuyerReturnGoods",
        "refund_RefundClosed",
    }


@pytest.mark.parametrize(("kind", "told_at"), [("taobao", "order"), ("tmall", "payment")])
def test_stock_messages_come_when_the_shop_deducts(kind: str, told_at: str) -> None:
    keeper = Keeper(kind)
    item = next(iter(keeper.shop.items.values()))
    sku = next(iter(item.skus.values()))
    for each in item.skus.values():
        keeper.world.set_stock(keeper.shop, each, 2 if each is sku else 0)
    _consume(keeper)
    order = keeper.order(sku=sku, quantity=2, paid=False)
    stock = [row for row in _consume(keeper) if "Stock" in row["topic"]]
    keeper.world.pay(order)
    later = [row for row in _consume(keeper) if "Stock" in row["topic"]]
    rows, others = (stock, later) if told_at == "order" else (later, stock)
    assert others == []
    assert _topics(rows) == ["ItemStockChanged", "ItemSkuZeroStock", "ItemZeroStock"]
    content = json.loads(rows[0]["content"])
    assert (content["sku_num"], content["num"], content["increment"]) == (0, 0, -2)


# The long link


def _connecting(world: World, group: str = "default", **changed: Any) -> bytes:
    app = world.apps["taobao"]
    signed = {"app_key": app.key, "group_name": group, "timestamp": str(int(world.now() * 1000))}
    values = signed | {"sign": signing.sign(signed, app.secret), "sdk": "test-1.0", "intranet_ip": "10.0.0.8"} | changed
    return encode(Frame(FrameType.CONNECT, tuple(Custom(k, Format.STR, v) for k, v in values.items()), flag=1))


def _saying(token: str, kind: int, *more: Custom) -> bytes:
    return encode(Frame(FrameType.SEND, (Custom("__kind", Format.BYTE, kind), *more), token=token))


def _with_id(frame: Frame) -> Custom:
    value = frame.get("id")
    assert isinstance(value, int)
    return Custom("id", Format.INT64, value)


class Linked:
    """A connection that was accepted."""

    def __init__(self, keeper: Keeper, group: str = "default") -> None:
        self.link = LongLink(keeper.world)
        (answer,) = map(decode, self.link.on_frame(_connecting(keeper.world, group)))
        assert answer.type is FrameType.CONNECTACK
        assert (answer.flag, answer.status_code) == (1, 0)
        assert answer.token
        self.token = answer.token

    def say(self, kind: int, *more: Custom) -> list[Frame]:
        """Send and read the answers."""
        return [decode(data) for data in self.link.on_frame(_saying(self.token, kind, *more))]

    def data(self) -> list[Frame]:
        """What the platform sends now."""
        return [decode(data) for data in self.link.to_send()]


def test_connecting_checks_the_sample_frame() -> None:
    """The sampled CONNECT is signed with the demo app's secret and dated at the tests' clock."""
    keeper = Keeper()
    link = LongLink(keeper.world)
    (answer,) = map(decode, link.on_frame(bytes.fromhex(FRAMES[0]["hex"])))
    assert (answer.type, answer.flag, answer.status_code) == (FrameType.CONNECTACK, 1, 0)
    keeper.world.advance(601)
    (late,) = map(decode, LongLink(keeper.world).on_frame(bytes.fromhex(FRAMES[0]["hex"])))
    assert (late.status_code, late.status_phrase, late.token, late.flag) == (101, "sign check failed", None, 1)


@pytest.mark.parametrize(
    ("group", "changed"),
    [
        ("default", {"sign": "0" * 32}),
        ("default", {"app_key": "1"}),
        ("default", {"timestamp": "x"}),
        ("default", {"token": "wrong"}),
        ("nobody", {}),
    ],
)
def test_connecting_is_refused(group: str, changed: dict[str, str]) -> None:
    keeper = Keeper()
    keeper.order()
    link = LongLink(keeper.world)
    (answer,) = map(decode, link.on_frame(_connecting(keeper.world, group, **changed)))
    assert (answer.type, answer.token) == (FrameType.CONNECTACK, None)
    assert answer.status_code
    assert answer.status_phrase
    assert link.to_send() == []


def test_a_connection_may_bring_the_token_of_auth_get() -> None:
    keeper = Keeper()
    token = keeper.call("taobao.tmc.auth.get", session=None, group="default")["result"]
    (answer,) = map(decode, LongLink(keeper.world).on_frame(_connecting(keeper.world, token=token)))
    assert answer.token


def test_nothing_flows_before_a_pull_and_data_looks_like_the_sample() -> None:
    keeper = Keeper()
    keeper.call("taobao.tmc.user.permit", topics=f"{TRADE}TradeBuyerPay")
    linked = Linked(keeper)
    order = keeper.order()
    assert linked.data() == []
    assert linked.say(1) == []
    (frame,) = linked.data()
    wanted = _frame(FRAMES[4])
    assert [(each.key, each.format) for each in frame.content] == [(each.key, each.format) for each in wanted.content]
    assert frame.token == linked.token
    assert (frame.get("dataid"), frame.get("userid")) == (int(order.order_id), int(keeper.shop.shop_id))
    assert (frame.get("retried"), frame.get("nick")) == (0, keeper.shop.name)
    assert json.loads(str(frame.get("content")))["tid"] == int(order.order_id)
    keeper.order()
    assert len(linked.data()) == 1


def test_with_pull_only_every_batch_is_asked_for() -> None:
    keeper = Keeper(tmc_only_on_pull=True, tmc_gzip_over=100)
    keeper.call("taobao.tmc.user.permit", topics=f"{TRADE}TradeBuyerPay")
    linked = Linked(keeper)
    linked.say(1)
    keeper.order()
    (frame,) = linked.data()
    content = frame.get("content")
    assert isinstance(content, bytes)
    assert json.loads(gzip.decompress(content))["status"] == "WAIT_SELLER_SEND_GOODS"
    keeper.order()
    assert linked.data() == []
    linked.say(1)
    assert len(linked.data()) == 1


def test_unconfirmed_and_failed_messages_come_again_with_their_id() -> None:
    keeper = Keeper(push_retry={"taobao": [20]})
    keeper.call("taobao.tmc.user.permit", topics=f"{TRADE}TradeBuyerPay")
    linked = Linked(keeper)
    linked.say(1)
    for _ in range(3):
        keeper.order()
    silent, failed, confirmed = linked.data()
    assert linked.say(20, _with_id(failed), Custom("msg", Format.STR, "db busy")) == []
    assert linked.say(2, _with_id(confirmed)) == []
    assert linked.data() == []
    keeper.world.advance(21)
    again = linked.data()
    assert {frame.get("id") for frame in again} == {silent.get("id"), failed.get("id")}
    assert {frame.get("retried") for frame in again} == {1}
    truth = {push.wire_id: push.acked_at for push in keeper.world.outboxes["taobao"].pushes}
    assert truth[str(confirmed.get("id"))] is not None
    assert truth[str(failed.get("id"))] is None


def test_polling_and_the_link_share_a_queue() -> None:
    keeper = Keeper()
    keeper.call("taobao.tmc.user.permit", topics=f"{TRADE}TradeBuyerPay")
    linked = Linked(keeper)
    linked.say(1)
    keeper.order()
    assert len(_consume(keeper)) == 1
    assert linked.data() == []


def test_a_group_has_its_own_link() -> None:
    keeper = Keeper()
    keeper.call("taobao.tmc.group.add", session=None, group_name="erp", nicks=keeper.shop.name)
    keeper.call("taobao.tmc.user.permit", topics=f"{TRADE}TradeBuyerPay")
    common, own = Linked(keeper), Linked(keeper, "erp")
    common.say(1)
    own.say(1)
    keeper.order()
    assert (len(common.data()), len(own.data())) == (0, 1)


def test_without_a_token_or_with_a_message_of_its_own_a_client_is_refused() -> None:
    keeper = Keeper()
    link = LongLink(keeper.world)
    (answer,) = map(decode, link.on_frame(_saying("x", 1)))
    assert (answer.type, answer.status_code) == (FrameType.SENDACK, 104)
    linked = Linked(keeper)
    published = Frame(FrameType.SEND, (Custom("__kind", Format.BYTE, 3),), flag=9, token=linked.token)
    (answer,) = map(decode, linked.link.on_frame(encode(published)))
    assert (answer.type, answer.flag, answer.status_code) == (FrameType.SENDACK, 9, 105)
    with pytest.raises(BadFrame):
        link.on_frame("text")


@pytest.mark.parametrize(
    ("kind", "deliveries"), [("drop_push", 0), ("duplicate_push", 2), ("delay_push", 1), ("reorder_push", 1)]
)
def test_disturbed_messages_are_marked(kind: str, deliveries: int) -> None:
    keeper = Keeper()
    keeper.call("taobao.tmc.user.permit", topics=f"{TRADE}TradeBuyerPay")
    rule = {"kind": kind, "channel": "taobao", "times": 1, "seconds": 5, "method": f"{TRADE}TradeBuyerPay"}
    keeper.world.faults.add(FaultRule.model_validate(rule))
    linked = Linked(keeper)
    linked.say(1)
    keeper.order()
    (push,) = keeper.world.outboxes["taobao"].pushes
    sent = 0
    for _ in range(12):
        for frame in linked.data():
            sent += 1
            linked.say(2, _with_id(frame))
        keeper.world.advance(1)
    assert (sent, push.touched) == (deliveries, True)


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


async def _next(connection: ClientConnection) -> Frame:
    data = await asyncio.wait_for(connection.recv(), 5)
    assert isinstance(data, bytes)
    return decode(data)


def test_messages_over_a_socket(served: tuple[Sandbox, str]) -> None:
    sandbox, host = served
    shop = sandbox.world.shop("taobao")
    shop.topics = frozenset({f"{TRADE}TradeBuyerPay"})

    async def talk(control: httpx.AsyncClient) -> None:
        async with connect(f"ws://{host}/", proxy=None) as connection:
            await connection.send(_connecting(sandbox.world))
            token = (await _next(connection)).token
            assert token
            await asyncio.wait_for(await connection.ping(), 5)
            await connection.send(_saying(token, 1))
            wanted = {"channel": "taobao", "count": 3, "variant": "plain"}
            placed = (await control.post("/_sandbox/orders", json=wanted)).json()
            frames = [await _next(connection) for _ in range(3)]
            assert [str(frame.get("dataid")) for frame in frames] == placed["order_ids"]
            await connection.send(_saying(token, 2, _with_id(frames[0])))
            await control.post("/_sandbox/clock", json={"advance": 301})
            again = {(await _next(connection)).get("id") for _ in range(2)}
            assert again == {frames[1].get("id"), frames[2].get("id")}
        truth = (await control.get("/_sandbox/truth", params={"channel": "taobao"})).json()
        pushes = truth["channels"]["taobao"]["pushes"]
        assert [len(push["deliveries"]) for push in pushes] == [1, 2, 2]
        assert [push["acked_at"] is not None for push in pushes] == [True, False, False]

    async def main() -> None:
        async with httpx.AsyncClient(base_url=f"http://{host}", trust_env=False) as control:
            await talk(control)

    asyncio.run(main())


@pytest.mark.parametrize("garbage", [b"\x02\x00", "text"])
def test_what_is_no_frame_ends_the_connection(served: tuple[Sandbox, str], garbage: bytes | str) -> None:
    _, host = served

    async def main() -> None:
        async with connect(f"ws://{host}/", proxy=None) as connection:
            await connection.send(garbage)
            with pytest.raises(ConnectionClosed) as caught:
                await asyncio.wait_for(connection.recv(), 5)
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == 1002

    asyncio.run(main())
