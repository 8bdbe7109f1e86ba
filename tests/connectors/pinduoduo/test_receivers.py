"""Receivers in plain text and searches for them: what leaves, what is made of the answers, what is never repeated."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.channel import Purpose, Recipient, Window
from core.errors import Conflict, Denied, Invalid, Rejected, Throttled
from core.model import Order
from tests.connectors.pinduoduo.kit import NOW, ORDER_SN, Playback, Watch, order_answer, sample, shop

TODAY = datetime.fromtimestamp(NOW, UTC)
DAY = Window(TODAY - timedelta(days=1), TODAY)
NAME, PHONE = "张三", "13800000000"


def read(**changes: Any) -> Order:
    """The samples' order."""
    return shop(Playback(order_information_get=order_answer(**changes))).order(ORDER_SN).value


SAMPLED = {"receiver_name": "~AgAAAAEXAMPLEnameCIPHERBASE64AAAAAAAAAAAA==~RXhhbXBsZUlkeA==~1~~",
           "receiver_phone": "$RXhhbXBsZVBo$AgAAAAEXAMPLEphoneCIPHERBASE64AAAAAAAAAA==$1$$",
           "receiver_address": ""}  # fmt: skip
"""The ciphertexts that the sample of the call opens."""


def opened(**changes: Any) -> dict[str, Any]:
    """The sample's answer with changes to every row."""
    answer: dict[str, Any] = sample("open.decrypt.batch.response")
    rows = answer["open_decrypt_batch_response"]["data_decrypt_list"]
    answer["open_decrypt_batch_response"]["data_decrypt_list"] = [{**row, **changes} for row in rows]
    return answer


def test_all_ciphertexts_are_opened_in_the_documented_call() -> None:
    transport = Playback(open_decrypt_batch=sample("open.decrypt.batch.response"))
    told = shop(transport).reveal(read(**SAMPLED), Purpose.SHIP, "keeper-3")
    assert told == Recipient("张三", "17000000000-0001", "", True)
    assert transport.asked == [sample("open.decrypt.batch.request")]
    assert not transport.requests[0].write


@pytest.mark.parametrize(
    ("row", "phone", "virtual"),
    [
        ({"decrypted_data": PHONE, "virtual_number_type": 0, "virtual_identify_number": ""}, PHONE, False),
        ({"decrypted_data": PHONE, "virtual_number_type": None, "virtual_identify_number": None}, PHONE, False),
        ({"decrypted_data": "$17000000000$#0001#"}, "17000000000-0001", True),
        ({"decrypted_data": "$95012345$#12345678#", "virtual_number_type": 0}, "95012345-12345678", True),
        ({"decrypted_data": "17000000000", "virtual_identify_number": ""}, "17000000000", True),
    ],
)
def test_a_number_is_told_as_it_must_be_printed(row: dict[str, Any], phone: str, virtual: bool) -> None:
    transport = Playback(open_decrypt_batch=opened(**row))
    told = shop(transport).reveal(read(**SAMPLED), Purpose.SHIP, "")
    assert (told.phone, told.virtual) == (phone, virtual)


def test_a_part_that_was_not_opened_is_empty() -> None:
    answer = opened()
    answer["open_decrypt_batch_response"]["data_decrypt_list"][0] |= {"error_code": 50001, "decrypted_data": "?"}
    told = shop(Playback(open_decrypt_batch=answer)).reveal(read(**SAMPLED), Purpose.SHIP, "")
    assert (told.name, told.phone) == ("", "17000000000-0001")


def test_a_refusal_of_every_row_is_one() -> None:
    transport = Playback(
        open_decrypt_batch=opened(error_code=50001, error_msg="data_tag与密文不匹配", decrypted_data="")
    )
    with pytest.raises(Rejected) as refusal:
        shop(transport).reveal(read(**SAMPLED), Purpose.SHIP, "")
    assert (refusal.value.sub_code, refusal.value.operation) == ("50001", "pdd.open.decrypt.batch")


def test_a_spent_allowance_comes_again_at_midnight_in_shanghai() -> None:
    transport = Playback(open_decrypt_batch=opened(error_code=1, error_msg="今日解密额度已用完", decrypted_data=""))
    with pytest.raises(Throttled) as refusal:
        shop(transport).reveal(read(**SAMPLED), Purpose.SHIP, "")
    assert refusal.value.retry_after is not None
    assert (TODAY + timedelta(seconds=refusal.value.retry_after, hours=8)).time().isoformat() == "00:00:00"


def test_an_order_that_shows_no_ciphertext_costs_no_call() -> None:
    transport = Playback()
    bare = read(receiver_name="", receiver_phone="", receiver_address="", address="", contact_mobile="")
    with pytest.raises(Rejected, match="waits to be shipped"):
        shop(transport).reveal(bare, Purpose.SHIP, "")
    assert transport.asked == []


def test_outside_the_cloud_the_platform_says_too_often() -> None:
    gate = Watch()
    transport = Playback(open_decrypt_batch=sample("error.throttled_caller"))
    with pytest.raises(Throttled):
        shop(transport, gate).reveal(read(**SAMPLED), Purpose.SHIP, "")
    assert [method for method, _ in gate.refusals] == ["pdd.open.decrypt.batch"]


def test_an_app_that_may_not_open_receivers_is_denied() -> None:
    with pytest.raises(Denied):
        shop(Playback(open_decrypt_batch=sample("error.no_permission"))).reveal(read(**SAMPLED), Purpose.SHIP, "")


class Platform:
    """Names the newest hundred of these orders that were created in the time asked for."""

    def __init__(self, *created: int) -> None:
        self.created = created
        self.asked: list[tuple[int, int]] = []

    def __call__(self, asked: dict[str, str]) -> dict[str, Any]:
        start, end = int(asked["start_created_at"]), int(asked["end_created_at"])
        self.asked.append((start, end))
        within = sorted((at, number) for number, at in enumerate(self.created) if start <= at <= end)
        return {"search_order_response": {"order_sn_list": [str(number) for _, number in reversed(within)][:100]}}


def test_a_search_is_one_call() -> None:
    transport = Playback(order_search_order=Platform(NOW - 10, NOW - 5))
    assert shop(transport).find_orders(DAY, name=NAME, phone=PHONE) == ["1", "0"]
    [asked] = transport.asked
    wanted = {
        "start_created_at": str(NOW - 86_400),
        "end_created_at": str(NOW),
        "receiver_name": NAME,
        "receiver_phone": PHONE,
    }
    assert {name: asked[name] for name in wanted} == wanted
    assert not transport.requests[0].write


def test_only_what_is_known_is_asked_with() -> None:
    transport = Playback(order_search_order=Platform())
    assert shop(transport).find_orders(DAY, phone=PHONE) == []
    assert "receiver_name" not in transport.asked[0]
    with pytest.raises(Invalid):
        shop(transport).find_orders(DAY)
    assert len(transport.asked) == 1


@pytest.mark.parametrize("count", [99, 100, 101, 350])
def test_nothing_beyond_a_hundred_is_lost(count: int) -> None:
    platform = Platform(*(NOW - 60 * number for number in range(count)))
    found = shop(Playback(order_search_order=platform)).find_orders(DAY, phone=PHONE)
    assert found == [str(number) for number in range(count)]
    assert (len(platform.asked) == 1) is (count < 100)


def test_a_hundred_within_seconds_are_found() -> None:
    platform = Platform(*[NOW - 5] * 60, *[NOW - 4] * 60)
    assert len(shop(Playback(order_search_order=platform)).find_orders(DAY, phone=PHONE)) == 120


def test_more_than_a_hundred_in_one_second_are_refused_not_lost() -> None:
    with pytest.raises(Conflict):
        shop(Playback(order_search_order=Platform(*[NOW - 5] * 101))).find_orders(DAY, phone=PHONE)


def test_what_the_platform_does_not_search_is_not_asked_for() -> None:
    platform = Platform()
    keeper = shop(Playback(order_search_order=platform))
    keeper.find_orders(Window(TODAY - timedelta(days=400), TODAY + timedelta(days=9)), phone=PHONE)
    assert platform.asked == [(NOW - 90 * 86_400, NOW)]
    assert keeper.find_orders(Window(TODAY - timedelta(days=400), TODAY - timedelta(days=91)), phone=PHONE) == []
    assert len(platform.asked) == 1


def test_a_refusal_does_not_repeat_whom_one_searched_for() -> None:
    told = {"error_response": {"error_code": 50001, "error_msg": "业务服务错误", "sub_msg": f"{NAME} {PHONE} 不合法"}}
    with pytest.raises(Rejected) as refusal:
        shop(Playback(order_search_order=told)).find_orders(DAY, name=NAME, phone=PHONE)
    assert refusal.value.message.endswith("不合法")
    assert [word for word in (NAME, PHONE) if word in f"{refusal.value!r} {refusal.value} {refusal.value.args}"] == []
