"""Pushes: proof before content, every documented tag, and what the platform wants to hear."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.douyin import signing
from connectors.douyin.messages import DouyinReader
from core.channel import ObjectKind
from core.errors import BadSignature, Malformed
from core.notices import Inbound
from tests.connectors.douyin.conftest import APP_KEY, SAMPLES, SECRET, sample

READER = DouyinReader({APP_KEY: SecretStr(SECRET)})
PUSHES = sorted(path.stem for path in SAMPLES.glob("push.[1-9]*.json"))
KINDS = {"1": ObjectKind.ORDER, "2": ObjectKind.AFTER_SALE, "4": ObjectKind.LISTING}
IDS = {
    ObjectKind.ORDER: "6920000000000000001",
    ObjectKind.AFTER_SALE: "7010000000000000001",
    ObjectKind.LISTING: "3600000000000000457",
}


def read(messages: Any, *, how: str = signing.HMAC) -> Inbound:
    body = messages if isinstance(messages, bytes) else json.dumps(messages, ensure_ascii=False).encode()
    headers = {"app-id": APP_KEY, "event-sign": signing.sign_push(APP_KEY, SECRET, body, how)}
    return READER.read(headers, body)


@pytest.mark.parametrize("name", PUSHES)
@pytest.mark.parametrize("how", ["md5", "hmac"])
def test_every_push_sample_names_its_object(name: str, how: str) -> None:
    push = sample(name)
    headers = {key.lower(): value for key, value in push["headers"].items()}
    if how == "hmac":
        headers["event-sign"] = push["event_sign_hmac_sha256"]
    inbound = READER.read(headers, push["body_raw"].encode())
    [notice] = inbound.notices
    tag = name.split(".")[1]
    assert notice.topic == tag
    assert notice.kind is KINDS[tag[0]]
    assert notice.object_id == IDS[notice.kind]
    assert (notice.channel, notice.app_key, notice.account) == ("douyin", APP_KEY, "12345678")
    assert notice.parent_id == ("6920000000000000001" if notice.kind is ObjectKind.AFTER_SALE else "")
    assert notice.asks == ("address" if tag == "111" else "")
    assert json.loads(notice.raw)["tag"] == tag
    assert json.loads(inbound.ack.body) == push["expected_response"]
    assert inbound.ack.status == 200
    assert json.loads(inbound.nack.body)["code"] != 0


def test_saving_the_callback_url_wants_the_ack_and_brings_no_notice() -> None:
    push = sample("push.0.verify")
    headers = {key.lower(): value for key, value in push["headers"].items()}
    inbound = READER.read(headers, push["body_raw"].encode())
    assert inbound.notices == ()
    assert json.loads(inbound.ack.body) == {"code": 0, "msg": "success"}


def test_a_forged_or_foreign_push_is_refused_before_it_is_read() -> None:
    body = b"not even json"
    good = signing.sign_push(APP_KEY, SECRET, body)
    for headers in (
        {"app-id": APP_KEY, "event-sign": signing.sign_push(APP_KEY, "another", body)},
        {"app-id": "1", "event-sign": good},
        {"app-id": APP_KEY},
        {},
    ):
        with pytest.raises(BadSignature):
            READER.read(headers, body)
    with pytest.raises(Malformed):
        READER.read({"app-id": APP_KEY, "event-sign": good}, body)


def test_md5_is_refused_where_the_operator_forbids_it() -> None:
    strict = DouyinReader({APP_KEY: SecretStr(SECRET)}, allow_md5=False)
    push = sample("push.101.trade-paid")
    headers = {key.lower(): value for key, value in push["headers"].items()}
    with pytest.raises(BadSignature):
        strict.read(headers, push["body_raw"].encode())
    headers["event-sign"] = push["event_sign_hmac_sha256"]
    assert strict.read(headers, push["body_raw"].encode()).notices


def test_data_may_be_an_object_and_the_id_spelled_in_camel_case() -> None:
    order = {"p_id": 6920000000000000001, "shop_id": "12345678", "update_time": 1759999265}
    [as_object] = read([{"tag": "101", "msgId": "m1", "data": order}]).notices
    [as_text] = read([{"tag": 101, "msg_id": "m1", "data": json.dumps(order)}]).notices
    assert as_object.object_id == as_text.object_id == "6920000000000000001"
    assert as_object.dedup_key == as_text.dedup_key
    assert as_object.account == "12345678"


def test_a_batch_becomes_all_its_notices_and_a_redelivery_the_same_keys() -> None:
    batch = [
        {"tag": "100", "msg_id": "m1", "data": '{"p_id":1,"shop_id":2}'},
        {"tag": "101", "msg_id": "m1", "data": '{"p_id":1,"shop_id":2}'},
    ]
    keys = [notice.dedup_key for notice in read(batch).notices]
    assert len(set(keys)) == 2
    assert [notice.dedup_key for notice in read(batch).notices] == keys


def test_a_message_without_id_is_known_by_its_content() -> None:
    one, two = ({"tag": "100", "data": {"p_id": number, "shop_id": 2}} for number in (1, 2))
    keys = {notice.dedup_key for notice in read([one, two, one]).notices}
    assert len(keys) == 2


def test_times_are_seconds_in_orders_and_rfc_3339_in_after_sales() -> None:
    assert read([{"tag": "113", "msg_id": "1", "data": {"p_id": 1, "update_time": 1759999265}}]).notices[
        0
    ].source_at == datetime(2025, 10, 9, 8, 41, 5, tzinfo=UTC)
    after_sale = {"aftersale_id": 1, "p_id": 2, "update_time": "2022-09-02T10:27:50+08:00"}
    assert read([{"tag": "206", "msg_id": "2", "data": after_sale}]).notices[0].source_at == datetime(
        2022, 9, 2, 2, 27, 50, tzinfo=UTC
    )


@pytest.mark.parametrize("data", ["{", "", None, [1], {"shop_id": 5}])
def test_a_message_that_cannot_be_read_is_of_no_use_but_does_not_fail_its_batch(data: Any) -> None:
    good = {"tag": "101", "msg_id": "m2", "data": {"p_id": 7, "shop_id": 5}}
    inbound = read([{"tag": "101", "msg_id": "m1", "data": data}, good])
    assert [notice.kind for notice in inbound.notices] == [ObjectKind.OTHER, ObjectKind.ORDER]


@pytest.mark.parametrize("tag", ["137", "500", "9999"])
def test_an_unknown_tag_is_counted_and_acknowledged(tag: str) -> None:
    inbound = read([{"tag": tag, "msg_id": "m", "data": {"shop_id": 5}}])
    assert [notice.kind for notice in inbound.notices] == [ObjectKind.OTHER]
    assert json.loads(inbound.ack.body)["code"] == 0


def test_an_order_id_with_the_old_suffix_loses_it() -> None:
    [notice] = read([{"tag": "101", "msg_id": "m", "data": {"p_id": "4781320682406083640A", "shop_id": 5}}]).notices
    assert notice.object_id == "4781320682406083640"


def test_a_notice_does_not_show_its_content() -> None:
    [notice] = read([{"tag": "105", "msg_id": "m", "data": {"p_id": 1, "receiver_msg": {"name": "张三"}}}]).notices
    assert "张三" not in repr(notice)


def test_a_wish_without_an_order_asks_for_nothing() -> None:
    [notice] = read([{"tag": "111", "msg_id": "1", "data": '{"shop_id":12345678}'}]).notices
    assert (notice.kind, notice.asks) == (ObjectKind.OTHER, "")
