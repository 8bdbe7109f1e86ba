"""The message connection: address, heartbeats, silence, notices and acknowledgements."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.pinduoduo.messages import PinduoduoSession
from core.channel import ObjectKind
from core.clock import ManualClock
from core.errors import Malformed, Unavailable
from core.notices import Notice
from tests.connectors.pinduoduo.kit import KEY, ORDER_SN, SAMPLES, SECRET, sample

GATEWAY = "wss://message-api.pinduoduo.com"


def session(clock: ManualClock | None = None) -> PinduoduoSession:
    return PinduoduoSession(KEY, SecretStr(SECRET), GATEWAY, clock or ManualClock())


def frame(name: str) -> str:
    return (SAMPLES / f"message.{name}.json").read_text(encoding="utf-8")


def push(topic: str, **content: object) -> str:
    message = {"type": topic, "mallID": 100200300, "content": json.dumps(content)}
    return json.dumps({"id": 1, "appId": 1, "commandType": "Common", "time": 2, "sendTime": 3, "message": message})


def test_the_address_carries_the_digest_of_the_vector() -> None:
    clock = ManualClock(datetime.fromtimestamp(1767225600, UTC))
    clock.advance(0.123)
    assert session(clock).address() == sample("sign-vectors")[-1]["url"]


def test_a_heartbeat_goes_out_at_once_and_then_every_five_seconds() -> None:
    clock = ManualClock(datetime.fromtimestamp(1767232806, UTC))
    line = session(clock)
    [first] = line.on_open()
    wanted = sample("message.heartbeat.client")
    assert json.loads(first) == {name: wanted[name] for name in ("id", "commandType", "time")}
    sent = []
    for _ in range(12):
        clock.advance(1)
        sent.append(len(line.tick()))
    assert sent == [0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0]


def test_three_minutes_of_silence_end_the_connection() -> None:
    clock = ManualClock()
    line = session(clock)
    line.on_open()
    clock.advance(179)
    line.tick()
    line.on_frame(frame("heartbeat.server"))
    clock.advance(179)
    line.tick()
    clock.advance(1)
    with pytest.raises(Unavailable):
        line.tick()


def test_a_new_order() -> None:
    clock = ManualClock(datetime.fromtimestamp(1767232806, UTC))
    clock.advance(0.2)
    text = frame("trade.confirmed.push")
    received = session(clock).on_frame(text)
    assert received.reply == ()
    assert [json.loads(ack) for ack in received.acks] == [sample("message.ack.client")]
    assert received.notices == (
        Notice(
            channel="pinduoduo",
            app_key=KEY,
            account="100200300",
            topic="pdd_trade_TradeConfirmed",
            kind=ObjectKind.ORDER,
            object_id=ORDER_SN,
            dedup_key=f"100200300:pdd_trade_TradeConfirmed:{ORDER_SN}:",
            source_at=datetime.fromtimestamp(1767232806.001, UTC),
            raw=text.encode(),
        ),
    )


def test_an_after_sale_names_its_order_too() -> None:
    [notice] = session().on_frame(frame("refund.created.push")).notices
    assert (notice.kind, notice.object_id, notice.parent_id) == (ObjectKind.AFTER_SALE, "987654321012", ORDER_SN)
    assert notice.source_at == datetime.fromtimestamp(1767233400.016, UTC)
    assert notice.dedup_key.endswith(":987654321012:1767233400016")


@pytest.mark.parametrize(
    ("name", "kind", "object_id"),
    [
        ("trade.sellership", ObjectKind.ORDER, ORDER_SN),
        ("goods.update", ObjectKind.LISTING, "700100200300"),
    ],
)
def test_other_pushes_of_the_samples(name: str, kind: Any, object_id: str) -> None:
    [notice] = session().on_frame(frame(f"{name}.push")).notices
    assert (notice.kind, notice.object_id) == (kind, object_id)


def test_a_redelivery_with_another_frame_id_is_the_same_message() -> None:
    first = json.loads(frame("trade.confirmed.push"))
    again = {**first, "id": 77, "time": first["time"] + 60000, "sendTime": first["sendTime"] + 60000}
    line = session()
    notices = [line.on_frame(json.dumps(each)).notices[0] for each in (first, again)]
    assert notices[0].dedup_key == notices[1].dedup_key


def test_two_changes_of_one_after_sale_are_two_messages() -> None:
    line = session()
    keys = {
        line.on_frame(push("pdd_refund_RefundCreateMessage", tid="1", refund_id=2, modified=stamp)).notices[0].dedup_key
        for stamp in (1767233400016, 1767233400017)
    }
    assert len(keys) == 2


@pytest.mark.parametrize(
    "text",
    [
        push("pdd_chat_OrderPromise", promise_id=5),
        push("pdd_trade_NeverHeardOf", tid="1"),
        push("pdd_trade_TradeConfirmed"),
        push("pdd_trade_TradeConfirmed").replace("{}", "not json"),
    ],
)
def test_an_unknown_topic_or_content_is_counted_and_acknowledged(text: str) -> None:
    received = session().on_frame(text)
    assert [notice.kind for notice in received.notices] == [ObjectKind.OTHER]
    assert len(received.acks) == 1


def test_frames_that_are_not_pushes_name_nothing() -> None:
    line = session()
    for text in (frame("heartbeat.server"), '{"commandType":"Fail","time":1,"message":"unknown message"}'):
        received = line.on_frame(text.encode())
        assert (received.notices, received.acks, received.reply) == ((), (), ())


@pytest.mark.parametrize("text", ["", "hello", "[]", "{}", '{"commandType":"Common","message":"x"}'])
def test_what_is_no_frame_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        session().on_frame(text)


def test_message_ids_beyond_2_to_the_53_are_echoed_exactly() -> None:
    received = session().on_frame(frame("refund.created.push"))
    assert '"id":4500000000000000003' in str(received.acks[0])
