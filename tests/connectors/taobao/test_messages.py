"""Taobao's messages: the connection's dialogue, the queue, and what every documented message names."""

import gzip
import json
import urllib.parse
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.taobao.frames import Custom, Format, Frame, FrameType, Value, decode, encode
from connectors.taobao.messages import TOPICS, TaobaoSession, TaobaoSource
from core.channel import ObjectKind, OpenGate, Request
from core.clock import ManualClock
from core.errors import ChannelError, Malformed, Throttled, Unavailable
from core.notices import AppAccess, Notice, Polled, Received
from tests.connectors.taobao.kit import KEY, SECRET, TID, sample

USER = "2200112233"
REFUND = "160000000000000001"
GATEWAY = "ws://mc.api.taobao.com"

CONNECT, ACCEPTED, REFUSED, PULL, DATA, CONFIRM, _FAILED = (bytes.fromhex(each["hex"]) for each in sample("tmc-frames"))
CONTENTS = {each["topic"]: each["content"] for each in sample("tmc.contents")}


def clock_at(milliseconds: int) -> ManualClock:
    clock = ManualClock(datetime.fromtimestamp(milliseconds // 1000, UTC))
    clock.advance(milliseconds % 1000 / 1000)
    return clock


def session(clock: ManualClock | None = None) -> TaobaoSession:
    return TaobaoSession(KEY, SecretStr(SECRET), GATEWAY, clock or clock_at(1710469800000))


def accepted(clock: ManualClock | None = None) -> TaobaoSession:
    """A session whose connection is up."""
    line = session(clock)
    line.on_open()
    line.on_frame(ACCEPTED)
    return line


def data(topic: Value = "taobao_trade_TradeChanged", content: Value = None, **changes: Value) -> bytes:
    """A message as the connection sends it."""
    text = json.dumps({"tid": int(TID)}) if content is None else content
    told: dict[str, Value] = {"topic": topic, "content": text, "id": 7, "userid": int(USER), **changes}
    formats = {int: Format.INT64, str: Format.TEXT, bytes: Format.BYTES, type(None): Format.VOID}
    custom = [Custom(key, formats[type(value)], value) for key, value in told.items()]
    return encode(Frame(FrameType.SEND, content=(Custom("__kind", Format.BYTE, 3), *custom)))


def only(received: Received) -> Notice:
    [notice] = received.notices
    return notice


# The connection


def test_the_first_frame_carries_the_signature_of_the_vector() -> None:
    [first] = session(clock_at(1710469800000)).on_open()
    assert isinstance(first, bytes)
    ours, wanted = decode(first), decode(CONNECT)
    assert (ours.type, ours.flag, ours.token) == (wanted.type, wanted.flag, "")
    assert [each.key for each in ours.content] == [each.key for each in wanted.content]
    assert ours.content[:4] == wanted.content[:4]


def test_the_address_has_nothing_to_sign() -> None:
    assert session().address() == "ws://mc.api.taobao.com/"


def test_messages_are_asked_for_at_once_and_then_every_five_seconds() -> None:
    clock = ManualClock()
    line = session(clock)
    line.on_open()
    assert line.on_frame(ACCEPTED) == Received(reply=(PULL,))
    sent = []
    for _ in range(12):
        clock.advance(1)
        sent.append(list(line.tick()))
    assert [position for position, frames in enumerate(sent, 1) if frames == [PULL]] == [5, 10]
    assert sum(map(len, sent)) == 2


def test_a_refused_connection_is_unavailable_and_says_the_code() -> None:
    line = session()
    line.on_open()
    with pytest.raises(Unavailable) as caught:
        line.on_frame(REFUSED)
    assert (caught.value.code, caught.value.message) == ("101", "sign check failed")


def test_an_acceptance_without_a_token_is_none() -> None:
    with pytest.raises(Unavailable):
        session().on_frame(encode(Frame(FrameType.CONNECT_ACK, flag=1)))


def test_no_answer_within_five_seconds_ends_the_connection() -> None:
    clock = ManualClock()
    line = session(clock)
    clock.advance(60)  # the way there took long; the wait starts with the first frame
    line.on_open()
    clock.advance(4.9)
    assert line.tick() == []
    clock.advance(0.1)
    with pytest.raises(Unavailable):
        line.tick()


def test_an_accepted_connection_may_be_silent_for_hours() -> None:
    clock = ManualClock()
    line = accepted(clock)
    clock.advance(7200)
    assert line.tick() == [PULL]


def test_a_frame_of_ours_that_is_refused_ends_the_connection() -> None:
    with pytest.raises(Unavailable):
        accepted().on_frame(encode(Frame(FrameType.SEND_ACK, status=7, phrase="token invalid")))


def test_the_message_of_the_vector() -> None:
    line = accepted()
    received = line.on_frame(DATA)
    assert received.reply == ()
    assert received.acks == (CONFIRM,)
    content = decode(DATA).get("content")
    assert isinstance(content, str)
    assert received.notices == (
        Notice(
            channel="taobao",
            app_key=KEY,
            account=USER,
            topic="taobao_trade_TradeBuyerPay",
            kind=ObjectKind.ORDER,
            object_id=TID,
            dedup_key=f"{USER}:taobao_trade_TradeBuyerPay:{TID}:2151800080537681931",
            source_at=datetime.fromtimestamp(1710469799.321, UTC),
            raw=content.encode(),
        ),
    )


def test_a_new_connection_has_a_token_of_its_own() -> None:
    other = encode(Frame(FrameType.CONNECT_ACK, flag=1, token="second"))
    accepted()
    again = session()
    again.on_open()
    received = again.on_frame(other)
    [ack] = again.on_frame(DATA).acks
    for frame in (*received.reply, ack):
        assert isinstance(frame, bytes)
        assert decode(frame).token == "second"


def test_a_message_before_the_acceptance_is_malformed() -> None:
    line = session()
    line.on_open()
    with pytest.raises(Malformed):
        line.on_frame(DATA)


@pytest.mark.parametrize(
    "frame",
    [
        Frame(FrameType.SEND_ACK, flag=4),
        Frame(FrameType.SEND, content=(Custom("__kind", Format.BYTE, 1),)),
        Frame(FrameType.SEND, content=(Custom("id", Format.INT64, 4),)),
        Frame(99),
    ],
)
def test_only_data_frames_name_something_and_are_confirmed(frame: Frame) -> None:
    assert accepted().on_frame(encode(frame)) == Received()


@pytest.mark.parametrize("frame", ["", "text", b"", b"\x02", b'{"no":"frame"}', DATA[:-1]])
def test_what_is_no_frame_is_malformed(frame: str | bytes) -> None:
    with pytest.raises(Malformed):
        accepted().on_frame(frame)


def test_packed_content_reads_like_text() -> None:
    text = json.dumps({"tid": int(TID), "seller_memo": "勿提前 😀"}, ensure_ascii=False)
    plain, packed = (
        only(accepted().on_frame(data(content=content))) for content in (text, gzip.compress(text.encode()))
    )
    assert plain == packed
    assert packed.raw == text.encode()


def test_packed_content_is_never_unpacked_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.taobao.messages.LARGEST_CONTENT", 1000)
    bomb = gzip.compress(b'{"tid":1,"x":"' + b"0" * 1_000_000 + b'"}')
    notice = only(accepted().on_frame(data(content=bomb)))
    assert (notice.kind, len(notice.raw)) == (ObjectKind.OTHER, 1000)


@pytest.mark.parametrize(
    "frame",
    [
        data(topic="taobao_trade_TradeRated"),
        data(topic="taobao_never_HeardOf"),
        data(content=""),
        data(content="not json"),
        data(content="[]"),
        data(content='{"tid":null}'),
        data(content=b"\x1f\x8bnot packed"),
        data(content=b"\xff\xfe"),
        data(content=7),
        data(time=2**62),
        data(userid=None, topic="taobao_never_HeardOf", time="yesterday"),
    ],
)
def test_what_names_nothing_is_counted_and_confirmed(frame: bytes) -> None:
    received = accepted().on_frame(frame)
    expected = ObjectKind.ORDER if decode(frame).get("time") == 2**62 else ObjectKind.OTHER
    assert only(received).kind is expected
    assert only(received).source_at is None
    assert len(received.acks) == 1


INTEGERS = st.integers(-(2**63), 2**63 - 1)
VALUES = st.none() | INTEGERS | st.text("07a 红😀{", max_size=5) | st.binary(max_size=5)
INNER = st.dictionaries(
    st.sampled_from(["tid", "refund_id", "num_iid"]),
    st.none() | st.booleans() | INTEGERS | st.floats() | st.text("07a", max_size=3) | st.just([1]),
    max_size=2,
)
TOPIC = st.sampled_from([topic for topics in TOPICS.values() for topic in topics])


@given(TOPIC | VALUES, INNER.map(json.dumps) | VALUES, VALUES, VALUES, VALUES)
def test_no_value_of_a_message_can_break_the_connection(
    topic: Value, content: Value, number: Value, user: Value, at: Value
) -> None:
    received = accepted().on_frame(data(topic, content, id=number, userid=user, time=at))
    assert (only(received).kind is ObjectKind.OTHER) == (only(received).object_id == "")
    assert len(received.acks) == isinstance(number, int)


def test_extra_keys_change_nothing() -> None:
    assert only(accepted().on_frame(data(born_time=1, data_id="x"))) == only(accepted().on_frame(data()))


def test_a_message_without_an_id_cannot_be_confirmed_but_counts() -> None:
    first, second = (
        accepted().on_frame(data(id=None, content=json.dumps({"tid": int(TID), "payment": pay}))) for pay in ("1", "2")
    )
    assert first.acks == ()
    assert only(first).object_id == TID
    assert only(first).dedup_key != only(second).dedup_key


def test_a_redelivery_is_the_same_message() -> None:
    line = accepted()
    keys = {only(line.on_frame(data(retried=count, outtime=count))).dedup_key for count in (1, 2)}
    assert len(keys) == 1


def test_two_changes_of_one_order_are_two_messages() -> None:
    line = accepted()
    assert len({only(line.on_frame(data(id=number))).dedup_key for number in (1, 2)}) == 2


# What the messages name

ITEM = "610000000001"
NAMED = {
    "taobao_trade_TradeSellerShip": (ObjectKind.ORDER, TID, ""),
    "taobao_trade_TradePartlySellerShip": (ObjectKind.ORDER, TID, ""),
    "taobao_trade_TradeSuccess": (ObjectKind.ORDER, TID, ""),
    "taobao_trade_TradeClose": (ObjectKind.ORDER, "2150000000000000201", ""),
    "taobao_trade_TradeCloseAndModifyDetailOrder": (ObjectKind.ORDER, TID, ""),
    "taobao_trade_TradeChanged": (ObjectKind.ORDER, TID, ""),
    "taobao_trade_TradeModifyFee": (ObjectKind.ORDER, TID, ""),
    "taobao_trade_TradeMemoModified": (ObjectKind.ORDER, TID, ""),
    "taobao_trade_TradeLogisticsAddressChanged": (ObjectKind.ORDER, TID, ""),
    "taobao_trade_TradePartlyRefund": (ObjectKind.ORDER, TID, ""),
    "taobao_trade_TradeBuyerStepPay": (ObjectKind.ORDER, "2150000000000000101", ""),
    "taobao_refund_RefundSuccess": (ObjectKind.AFTER_SALE, REFUND, TID),
    "taobao_item_ItemUpshelf": (ObjectKind.LISTING, "610000000005", ""),
    "taobao_item_ItemDownshelf": (ObjectKind.LISTING, "610000000005", ""),
    "taobao_item_ItemUpdate": (ObjectKind.LISTING, ITEM, ""),
    "taobao_item_ItemSkuZeroStock": (ObjectKind.LISTING, ITEM, ""),
    "taobao_item_ItemZeroStock": (ObjectKind.LISTING, ITEM, ""),
    "taobao_logistics_LogsticDetailTrace": (ObjectKind.OTHER, "", ""),
}


def test_every_documented_content_has_its_meaning_here() -> None:
    assert set(NAMED) == set(CONTENTS)


@pytest.mark.parametrize("topic", NAMED)
def test_what_a_documented_content_names(topic: str) -> None:
    received = accepted().on_frame(data(topic, json.dumps(CONTENTS[topic], ensure_ascii=False)))
    notice = only(received)
    assert (notice.kind, notice.object_id, notice.parent_id) == NAMED[topic]
    assert (notice.topic, notice.account, len(received.acks)) == (topic, USER, 1)


def test_the_echo_of_an_own_memo_is_a_notice_like_any_other() -> None:
    content = {**CONTENTS["taobao_trade_TradeMemoModified"], "action_type": "seller", "seller_memo": "@仓库 😀"}
    notice = only(accepted().on_frame(data("taobao_trade_TradeMemoModified", json.dumps(content))))
    assert (notice.kind, notice.object_id) == (ObjectKind.ORDER, TID)


def test_messages_are_routed_by_user_id_and_never_by_nick() -> None:
    first, renamed = (only(accepted().on_frame(data(nick=nick))) for nick in ("示例旗舰店", "示例旗舰店:客服"))
    assert first == renamed
    assert first.account == USER


def test_the_permitted_topics_are_complete_and_said_once() -> None:
    topics = [topic for each in TOPICS.values() for topic in each]
    assert len(topics) == len(set(topics))
    named = {topic for topic, (kind, _, _) in NAMED.items() if kind is not ObjectKind.OTHER}
    assert named < set(topics)


def test_neither_notices_nor_errors_show_names() -> None:
    line = accepted()
    shown = repr(line.on_frame(DATA).notices) + repr(line)
    with pytest.raises(Malformed) as caught:
        line.on_frame(DATA[:-40])
    assert "示例" not in shown + str(caught.value)
    assert SECRET not in shown


# The queue


class Queue:
    """A transport that plays answers one after the other, the last one for ever."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, str]] = []

    def send(self, request: Request) -> bytes:
        sent = urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True)
        self.asked.append({**request.query, **dict(sent)})
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, ChannelError):
            raise answer
        return json.dumps(answer, ensure_ascii=False).encode()


def source(queue: Queue) -> TaobaoSource:
    clock = clock_at(1710469800000)
    access = AppAccess(KEY, SecretStr(SECRET), "https://eco.taobao.com", None, queue, OpenGate(), clock)
    return TaobaoSource(access)


def queued(count: int) -> Any:
    rows = [
        {"id": number, "user_id": int(USER), "topic": "taobao_trade_TradeChanged", "content": f'{{"tid":{number}}}'}
        for number in range(1, count + 1)
    ]
    return {"tmc_messages_consume_response": {"messages": {"tmc_message": rows}}}


def unsigned(form: dict[str, str]) -> dict[str, str]:
    """A request without what only proves it; the signature's own tests hold that."""
    return {name: value for name, value in form.items() if name not in ("sign", "sign_method")}


def test_the_queue_of_the_sample() -> None:
    queue = Queue(sample("tmc.consume.response"))
    polled = source(queue).poll("")
    assert [(each.topic, each.kind, each.object_id, each.parent_id) for each in polled.notices] == [
        ("taobao_trade_TradeCreate", ObjectKind.ORDER, TID, ""),
        ("taobao_trade_TradeBuyerPay", ObjectKind.ORDER, TID, ""),
        ("taobao_refund_RefundCreated", ObjectKind.AFTER_SALE, REFUND, TID),
        ("taobao_item_ItemStockChanged", ObjectKind.LISTING, ITEM, ""),
    ]
    assert {each.account for each in polled.notices} == {USER}
    assert polled.notices[0].source_at == datetime(2024, 3, 15, 2, 5, 11, tzinfo=UTC)
    assert polled.notices[0].dedup_key == f"{USER}:taobao_trade_TradeCreate:{TID}:7150000000000000001"
    assert polled.acks == tuple(f"715000000000000000{number}" for number in (1, 2, 3, 4))
    assert (polled.more, polled.cursor) == (False, "")


def test_the_requests_are_those_of_the_samples() -> None:
    queue = Queue(sample("tmc.consume.response"), sample("tmc.confirm.response"))
    line = source(queue)
    line.confirm(line.poll("").acks)
    wanted = [sample(f"tmc.{name}.request")["form"] for name in ("consume", "confirm")]
    assert [unsigned(each) for each in queue.asked] == [unsigned(each) for each in wanted]


def test_an_empty_queue_has_no_messages_key() -> None:
    assert source(Queue(sample("tmc.consume.empty.response"))).poll("x") == Polled(cursor="x")


def test_a_full_answer_says_that_there_may_be_more() -> None:
    assert source(Queue(queued(100))).poll("").more
    assert not source(Queue(queued(99))).poll("").more


def test_confirmations_go_in_batches_of_two_hundred() -> None:
    queue = Queue(sample("tmc.confirm.response"))
    source(queue).confirm([str(number) for number in range(401)])
    assert [each["s_message_ids"].count(",") + 1 for each in queue.asked] == [200, 200, 1]
    source(queue).confirm([])
    assert len(queue.asked) == 3


def test_the_connection_and_the_queue_tell_the_same_message_alike() -> None:
    row = sample("tmc.consume.response")["tmc_messages_consume_response"]["messages"]["tmc_message"][2]
    frame = data(row["topic"], row["content"], id=row["id"], time=1710469301000)
    assert only(accepted().on_frame(frame)) == source(Queue(sample("tmc.consume.response"))).poll("").notices[2]


def test_a_row_that_names_nothing_never_blocks_the_queue() -> None:
    answer = queued(2)
    rows = answer["tmc_messages_consume_response"]["messages"]["tmc_message"]
    rows[:0] = [{"id": 50, "topic": None, "content": "{"}, {"pub_time": 5, "user_id": {}}]
    polled = source(Queue(answer)).poll("")
    assert [each.kind for each in polled.notices] == [ObjectKind.OTHER] * 2 + [ObjectKind.ORDER] * 2
    assert polled.acks == ("50", "1", "2")


def test_a_throttled_queue_says_how_long() -> None:
    with pytest.raises(Throttled) as caught:
        source(Queue(sample("error.rate_limited.api.response"))).poll("")
    assert caught.value.retry_after == 1
    assert (caught.value.channel, caught.value.operation) == ("taobao", "taobao.tmc.messages.consume")


def test_a_confirmation_that_is_not_taken_is_no_success() -> None:
    queue = Queue({"tmc_messages_confirm_response": {"is_success": False, "request_id": "1"}})
    with pytest.raises(ChannelError):
        source(queue).confirm(["1"])
