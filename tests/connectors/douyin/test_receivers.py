"""Receivers in plain text, searches for them, and answers to buyers who want another address: what leaves, what is made
of the answers, and what is never repeated.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.douyin.connector import DouyinConnector
from connectors.douyin.receivers import REASONS
from core.channel import Purpose, Recipient, Refusal, Window
from core.errors import (
    Conflict,
    Denied,
    Invalid,
    Malformed,
    NotFound,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unavailable,
    Unsupported,
)
from core.model import Order
from tests.connectors.douyin.conftest import SAMPLE_TIME, FakeTransport, RecordingGate, accepted, refused, sample

ORDER = "6920000000000000001"
DAY = Window(SAMPLE_TIME - timedelta(days=1), SAMPLE_TIME)
NAME, PHONE = "张三", "13800000000"


@pytest.fixture
def order(shop: DouyinConnector, transport: FakeTransport) -> Order:
    """The samples' order."""
    transport.on("order.orderDetail", sample("order.orderDetail.response"))
    return shop.order(ORDER).value


def rows(**changes: Any) -> list[dict[str, Any]]:
    """The sample's opened ciphertexts: phone, name, address; `changes` to all of them."""
    found: list[dict[str, Any]] = sample("order.batchDecrypt.response")["data"]["decrypt_infos"]
    return [{**row, **changes} for row in found]


def opened(found: list[dict[str, Any]]) -> dict[str, Any]:
    return accepted({"decrypt_infos": found, "custom_err": {"err_code": 300001, "err_msg": ""}})


# Opening


def test_all_ciphertexts_are_opened_in_one_call_in_the_operators_name(
    shop: DouyinConnector, transport: FakeTransport, order: Order
) -> None:
    transport.on("order.batchDecrypt", sample("order.batchDecrypt.response"))
    told = shop.reveal(order, Purpose.SHIP, "keeper-3")
    assert told == Recipient(
        "张三", "18400000000-7576", "示例路1号1幢101室", True, datetime.fromtimestamp(1762678860, UTC)
    )
    [sent] = transport.params("order.batchDecrypt")
    wanted = sample("order.batchDecrypt.request")["body"]["cipher_infos"]
    assert sorted(sent["cipher_infos"], key=str) == sorted(wanted, key=str)
    assert (sent["account_id"], sent["account_type"]) == ("keeper-3", "sub_account")
    assert sum(request.write for request in transport.sent) == 0


def test_a_part_that_was_not_opened_is_empty(shop: DouyinConnector, transport: FakeTransport, order: Order) -> None:
    transport.on("order.batchDecrypt", sample("order.batchDecrypt.partial.response"))
    told = shop.reveal(order, Purpose.SHIP, "keeper-3")
    assert told == Recipient(name="张三")


def test_a_real_number_has_no_end(shop: DouyinConnector, transport: FakeTransport, order: Order) -> None:
    real = {"is_virtual_tel": False, "phone_no_a": None, "phone_no_b": None, "expire_time": None}
    transport.on("order.batchDecrypt", opened([{**rows()[0], "decrypt_text": PHONE, **real}]))
    assert shop.reveal(order, Purpose.SHIP, "") == Recipient(phone=PHONE)


def test_a_virtual_number_in_parts_is_put_together(
    shop: DouyinConnector, transport: FakeTransport, order: Order
) -> None:
    transport.on("order.batchDecrypt", opened([{**rows()[0], "decrypt_text": ""}]))
    assert shop.reveal(order, Purpose.SHIP, "").phone == "18400000000-7576"


def test_a_refusal_of_every_row_is_one(shop: DouyinConnector, transport: FakeTransport, order: Order) -> None:
    transport.on("order.batchDecrypt", opened(rows(decrypt_text="", err_no=300003, err_msg="KMS解密错误")))
    with pytest.raises(Rejected) as refusal:
        shop.reveal(order, Purpose.SHIP, "")
    assert (refusal.value.message, refusal.value.sub_code) == ("KMS解密错误", "300003")
    assert refusal.value.operation == "order.batchDecrypt"


@pytest.mark.parametrize("spent", [1, 3])
def test_a_spent_allowance_comes_again_at_midnight_in_shanghai(
    shop: DouyinConnector, transport: FakeTransport, order: Order, spent: int
) -> None:
    """Even when it was spent by the first of the three, so that the receiver would be incomplete."""
    over = rows(decrypt_text="", err_no=300011, err_msg="今日解密额度已用完")[:spent]
    transport.on("order.batchDecrypt", opened(over + rows()[spent:]))
    with pytest.raises(Throttled) as refusal:
        shop.reveal(order, Purpose.SHIP, "")
    assert refusal.value.retry_after is not None
    again = SAMPLE_TIME + timedelta(seconds=refusal.value.retry_after)
    assert (again + timedelta(hours=8)).time().isoformat() == "00:00:00"
    assert timedelta() < again - SAMPLE_TIME <= timedelta(days=1)


@pytest.mark.parametrize("number", ["300001", "300003", "300008"])
def test_a_refused_call_opens_nothing(
    shop: DouyinConnector, transport: FakeTransport, order: Order, number: str
) -> None:
    transport.on("order.batchDecrypt", refused(50002, f"isv.business-failed:{number}", "解密错误"))
    with pytest.raises(Rejected):
        shop.reveal(order, Purpose.SHIP, "")


def test_what_a_partly_refused_call_opened_is_told(
    shop: DouyinConnector, transport: FakeTransport, order: Order
) -> None:
    data = sample("order.batchDecrypt.partial.response")["data"]
    transport.on("order.batchDecrypt", refused(50002, "isv.business-failed:300008", "部分失败") | {"data": data})
    assert shop.reveal(order, Purpose.SHIP, "") == Recipient(name="张三")


def test_an_order_without_ciphertexts_costs_no_call(
    shop: DouyinConnector, transport: FakeTransport, order: Order
) -> None:
    bare = order.model_copy(update={"receiver": order.receiver.model_copy(update=dict.fromkeys(
        ("name", "phone", "detail"), type(order.receiver.name)()
    ))})  # fmt: skip
    with pytest.raises(Rejected):
        shop.reveal(bare, Purpose.SHIP, "")
    assert transport.params("order.batchDecrypt") == []


def test_a_row_of_another_shape_does_not_show_its_person(
    shop: DouyinConnector, transport: FakeTransport, order: Order
) -> None:
    transport.on("order.batchDecrypt", opened([{**rows()[0], "decrypt_text": [NAME], "is_virtual_tel": NAME}]))
    with pytest.raises(Malformed) as refusal:
        shop.reveal(order, Purpose.SHIP, "")
    assert NAME not in f"{refusal.value!r} {refusal.value}"


# Searching


def found(*order_ids: str, total: int | None = None) -> dict[str, Any]:
    told = [{"order_id": order_id, "order_status": "2", "create_time": "1759999200"} for order_id in order_ids]
    return accepted({"page": 0, "size": 100, "total": len(told) if total is None else total, "shop_order_list": told})


def test_a_search_is_one_call(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("order.searchByReceiver", sample("order.searchByReceiver.response"))
    assert shop.find_orders(DAY, phone=PHONE) == [ORDER]
    [sent] = transport.params("order.searchByReceiver")
    wanted = sample("order.searchByReceiver.request")["body"]
    assert sent == {**wanted, "size": 100, "create_time_start": 1759913700, "create_time_end": 1760000100}


def test_a_name_and_a_number_are_two_searches(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("order.searchByReceiver", lambda asked: found(*(("1", "2"), ("2", "3"))[asked["post_type"]]))
    assert shop.find_orders(DAY, name=NAME, phone=PHONE) == ["2"]
    asked = [(sent["post_type"], sent["post_receiver"]) for sent in transport.params("order.searchByReceiver")]
    assert asked == [(0, PHONE), (1, NAME)]


def test_every_page_is_read(shop: DouyinConnector, transport: FakeTransport) -> None:
    everything = [str(number) for number in range(250)]
    transport.on(
        "order.searchByReceiver",
        lambda asked: found(*everything[asked["page"] * 100 : asked["page"] * 100 + 100], total=250),
    )
    assert shop.find_orders(DAY, phone=PHONE) == everything


def test_more_than_a_search_shows_is_refused_not_lost(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("order.searchByReceiver", found("1", total=1000))
    with pytest.raises(Invalid, match="shorter"):
        shop.find_orders(DAY, phone=PHONE)
    assert len(transport.sent) == 1


def test_what_the_platform_does_not_search_is_not_asked_for(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("order.searchByReceiver", found())
    shop.find_orders(Window(SAMPLE_TIME - timedelta(days=400), SAMPLE_TIME), phone=PHONE)
    [sent] = transport.params("order.searchByReceiver")
    assert SAMPLE_TIME - timedelta(days=90) < datetime.fromtimestamp(sent["create_time_start"], UTC)
    assert (
        shop.find_orders(Window(SAMPLE_TIME - timedelta(days=400), SAMPLE_TIME - timedelta(days=91)), name="张") == []
    )
    assert len(transport.sent) == 1


def test_risk_control_ends_the_searching_for_long(
    shop: DouyinConnector, transport: FakeTransport, gate: RecordingGate
) -> None:
    transport.on("order.searchByReceiver", refused(80000, "isv.risk-control-failed:20047", "风控拦截"))
    with pytest.raises(Throttled) as refusal:
        shop.find_orders(DAY, name=NAME, phone=PHONE)
    assert refusal.value.retry_after == 3600
    assert gate.refusals == [("order.searchByReceiver", 3600)]
    assert len(transport.sent) == 1


def test_a_refusal_does_not_repeat_whom_one_searched_for(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("order.searchByReceiver", refused(40004, "isv.parameter-invalid:20053", f"{NAME} {PHONE}不正确"))
    with pytest.raises(Invalid) as refusal:
        shop.find_orders(DAY, name=NAME, phone=PHONE)
    assert refusal.value.message.endswith("不正确")
    assert [word for word in (NAME, PHONE) if word in f"{refusal.value!r} {refusal.value} {refusal.value.args}"] == []


# Another address

GRANTED = refused(50002, "isv.business-failed:50040", "申请已同意")
REFUSED = refused(50002, "isv.business-failed:50041", "申请已拒绝")


@pytest.mark.parametrize("refusal", Refusal)
def test_every_reason_is_one_of_the_platforms(
    shop: DouyinConnector, transport: FakeTransport, refusal: Refusal
) -> None:
    transport.on("order.addressConfirm", sample("order.addressConfirm.response"))
    assert shop.confirm_address(f"{ORDER}A", refusal).error is None
    [sent] = transport.params("order.addressConfirm")
    assert sent == {"order_id": ORDER, "is_approved": REASONS[refusal]}
    assert 1001 <= sent["is_approved"] <= 1005


@pytest.mark.parametrize(
    ("answer", "refusal", "expected"),
    [
        (GRANTED, None, None),
        (GRANTED, Refusal.OTHER, Conflict),
        (REFUSED, Refusal.OTHER, None),
        (REFUSED, None, Conflict),
        (refused(40004, "isv.parameter-invalid:50038"), None, NotFound),
        (refused(40004, "isv.parameter-invalid:50039"), Refusal.OTHER, NotFound),
        (refused(50002, "isv.business-failed:50042"), None, Conflict),
        (refused(50002, "isv.business-failed:50036"), Refusal.OTHER, Conflict),
        (refused(50002, "isv.business-failed:20003"), None, Unavailable),
        (refused(30001, "isv.app-permissions-insufficient"), None, Denied),
        (refused(20001, "isp.service-error:1"), None, OutcomeUnknown),
    ],
)
def test_what_an_answer_to_a_buyer_becomes(
    shop: DouyinConnector, transport: FakeTransport, answer: Any, refusal: Refusal | None, expected: type | None
) -> None:
    transport.on("order.addressConfirm", answer)
    outcome = shop.confirm_address(ORDER, refusal)
    assert (outcome.error and type(outcome.error)) == expected
    assert outcome.request_id == "log-2"


# The shelf


@pytest.mark.parametrize(
    ("answer", "on", "expected"),
    [
        (refused(40004, "isv.parameter-invalid:2010021", "商品已上架"), True, None),
        (refused(40004, "isv.parameter-invalid:2010021", "商品已下架"), False, None),
        (refused(70000, "isp.api-service-off", "API已下线"), True, Rejected),
        (refused(70000, "isp.api-service-off", "API已下线"), False, Unsupported),
        (refused(50002, "isv.business-failed:2010041", "商品未通过审核"), True, Rejected),
        (refused(50002, "isv.business-failed:99", "请通过product.editV2重新提交"), True, Rejected),
        (refused(50002, "isv.business-failed:2010045", "商品正在参加平台活动"), False, Conflict),
        (refused(50002, "isv.business-failed:2010064"), False, NotFound),
        (refused(50002, "isv.business-failed:2010401"), True, Throttled),
        (refused(20001, "isp.service-error:1"), True, OutcomeUnknown),
    ],
)
def test_what_an_answer_of_the_shelf_becomes(
    shop: DouyinConnector, transport: FakeTransport, answer: Any, on: bool, expected: type | None
) -> None:
    transport.on("product.setOnline" if on else "product.setOffline", answer)
    outcome = shop.set_shelf("3600000000000000457", on=on)
    assert (outcome.error and type(outcome.error)) == expected
    if expected is Rejected:
        assert outcome.error is not None
        assert "must be edited and reviewed" in outcome.error.message


def test_a_listing_has_a_number(shop: DouyinConnector, transport: FakeTransport) -> None:
    assert isinstance(shop.set_shelf("shirt", on=True).error, Invalid)
    assert transport.sent == []
