"""Opening receivers and searching by them: what is asked, and what is made of every documented answer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.jd import wire
from core.channel import Purpose, Recipient, Window
from core.errors import Denied, Invalid, NotFound, Rejected, Throttled, Unsupported
from core.model import Order
from tests.connectors.jd.kit import NOW, ORDER_ID, Playback, order_answer, order_row, sample, shop, wrapped

OPENED = sample("privacy.oaid_decrypt.response")
OAID = "A1x3Z0000000000000000000000000000000000000000000000000000000000001"
NEWER = "A1newer"
PERSON = Recipient(name="张三", phone="13800000000", address="测试路1号")
NOTHING = wrapped(wire.OPEN, {"code": 0, "message": "success", "data": []})


def consignee(oaid: str = OAID, **changes: Any) -> dict[str, Any]:
    """The sample's order, going to the sample's receiver."""
    where = {"province": "浙江", "city": "杭州市", "county": "西湖区", "town": ""}
    return order_answer(consigneeInfo={**order_row()["consigneeInfo"], **where, "oaid": oaid, **changes})


def order(oaid: str = OAID, **changes: Any) -> Order:
    return shop(Playback({wire.ORDER: consignee(oaid, **changes)})).order(ORDER_ID).value


def opened(**changes: Any) -> dict[str, Any]:
    [row] = OPENED["jingdong_jos_order_oaid_decrypt_responce"]["response"]["data"]
    return wrapped(wire.OPEN, {"code": 0, "message": "success", "data": [row | changes]})


def found(*rows: Any) -> dict[str, Any]:
    rows = tuple(row if isinstance(row, dict) else {"orderId": row} for row in rows)
    return wrapped(wire.FIND, {"code": 0, "message": "success", "data": {"orderIdList": list(rows)}})


def asked(transport: Playback) -> list[dict[str, Any]]:
    return [each["getReceiverInfoListReqVO"] for each in transport.business(wire.OPEN)]


def test_the_documented_receiver() -> None:
    transport = Playback({wire.OPEN: OPENED})
    connector = shop(transport, options={"app_name": "测试ERP"})
    assert connector.reveal(order(), Purpose.SHIP, "operator-7") == PERSON
    assert transport.business(wire.OPEN) == [sample("privacy.oaid_decrypt.request")["business"]]


def test_the_answer_may_hang_under_the_key_of_another_source() -> None:
    answer = {"jingdong_jos_order_oaid_decrypt_responce": {"code": "0"}}
    content = OPENED["jingdong_jos_order_oaid_decrypt_responce"]["response"]
    answer["jingdong_jos_order_oaid_decrypt_responce"]["returnType"] = content
    assert shop(Playback({wire.OPEN: answer})).reveal(order(), Purpose.SHIP, "") == PERSON


@pytest.mark.parametrize(
    ("expiration", "ends"),
    [
        ("2026-04-14 10:20:30", datetime(2026, 4, 14, 2, 20, 30, tzinfo=UTC)),
        (1_776_133_230_000, datetime(2026, 4, 14, 2, 20, 30, tzinfo=UTC)),
        ("30天", None),
        (None, None),
    ],
)
def test_a_virtual_number_ends_when_that_is_understood(expiration: Any, ends: datetime | None) -> None:
    answer = opened(consMobilePhone="18400000000-1234", privacyProtection=True, expiration=expiration)
    told = shop(Playback({wire.OPEN: answer})).reveal(order(), Purpose.SHIP, "")
    assert (told.phone, told.virtual, told.expires_at) == ("18400000000-1234", True, ends)


@pytest.mark.parametrize(
    ("where", "address", "street"),
    [
        (("浙江", "杭州市", "西湖区", "三墩镇"), "浙江省杭州市西湖区三墩镇测试路1号", "测试路1号"),
        (("浙江", "杭州市", "西湖区", "三墩镇"), "浙江杭州市西湖区三墩镇测试路1号", "测试路1号"),
        (("北京", "朝阳区", "城区", ""), "北京朝阳区城区测试路1号", "测试路1号"),
        (("北京", "朝阳区", "城区", ""), "北京市朝阳区城区测试路1号", "测试路1号"),
        (("内蒙古", "呼和浩特市", "新城区", ""), "内蒙古自治区呼和浩特市新城区测试路1号", "测试路1号"),
        (("新疆", "乌鲁木齐市", "天山区", ""), "新疆维吾尔自治区乌鲁木齐市天山区测试路1号", "测试路1号"),
        (("浙江", "杭州市", "西湖区", ""), "测试路1号", "测试路1号"),
    ],
)
def test_regions_that_an_address_repeats_are_left_out(where: tuple[str, ...], address: str, street: str) -> None:
    read = order(**dict(zip(("province", "city", "county", "town"), where, strict=True)))
    assert shop(Playback({wire.OPEN: opened(address=address)})).reveal(read, Purpose.SHIP, "").address == street


@pytest.mark.parametrize(
    ("purpose", "options", "scene"),
    [
        (Purpose.SHIP, {}, 1),
        (Purpose.AFTER_SALE, {}, 2),
        (Purpose.AFTER_SALE, {"after_sale_scene": "7"}, 7),
        (Purpose.SHIP, {"ship_scene": "8"}, 8),
    ],
)
def test_the_scene_follows_from_the_purpose(purpose: Purpose, options: dict[str, str], scene: int) -> None:
    transport = Playback({wire.OPEN: OPENED})
    shop(transport, options=options).reveal(order(), purpose, "")
    assert asked(transport)[0]["scenesType"] == scene


def test_a_stale_oaid_is_read_again_once() -> None:
    transport = Playback({wire.OPEN: [NOTHING, OPENED], wire.ORDER: consignee(NEWER)})
    assert shop(transport).reveal(order("A1stale"), Purpose.SHIP, "") == PERSON
    assert [each["orderInfos"][0]["oaid"] for each in asked(transport)] == ["A1stale", NEWER]


@pytest.mark.parametrize(("before", "now", "asks"), [(OAID, NEWER, 2), (OAID, OAID, 1), ("", "", 0)])
def test_what_does_not_open_is_refused(before: str, now: str, asks: int) -> None:
    transport = Playback({wire.OPEN: NOTHING, wire.ORDER: consignee(now)})
    with pytest.raises(Rejected):
        shop(transport).reveal(order(before), Purpose.SHIP, "")
    assert len(asked(transport)) == asks


def test_another_orders_receiver_is_not_taken_for_this_one() -> None:
    transport = Playback({wire.OPEN: opened(orderId=301234567891), wire.ORDER: consignee(OAID)})
    with pytest.raises(Rejected):
        shop(transport).reveal(order(), Purpose.SHIP, "")


@pytest.mark.parametrize(
    "changes",
    [
        {"customerName": "张*"},
        {"consMobilePhone": "138****0000"},
        {"address": "浙江杭州市西湖区****"},
        {"customerName": "", "consMobilePhone": "", "address": ""},
    ],
)
def test_what_stays_masked_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(Rejected, match="masked"):
        shop(Playback({wire.OPEN: opened(**changes)})).reveal(order(), Purpose.SHIP, "")


DAY = Window(NOW - timedelta(days=1), NOW)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (sample("error.no_permission.response"), Unsupported),
        (sample("error.bad_sign.response"), Denied),
        (sample("error.rate_limited.response"), Throttled),
        (wrapped(wire.OPEN, {"code": 10700001, "message": "今日次数已达上限"}), Throttled),
        (wrapped(wire.OPEN, {"code": 10100012, "message": "订单不存在"}), NotFound),
        (wrapped(wire.OPEN, {"code": 1, "message": "不能解密"}), Rejected),
    ],
)
def test_refusals(answer: Any, kind: type[Exception]) -> None:
    """A missing permission is about these methods alone, and stops no shop."""
    connector = shop(Playback({wire.OPEN: answer, wire.FIND: answer}))
    for ask in (
        lambda: connector.reveal(order(), Purpose.SHIP, ""),
        lambda: connector.find_orders(DAY, phone="17000000001"),
    ):
        with pytest.raises(kind):
            ask()


# Searching


def test_what_is_searched_for() -> None:
    transport = Playback({wire.FIND: found(301000000001, {"orderId": 301000000002, "createDate": None})})
    ids = ["301000000001", "301000000002"]
    connector = shop(transport, options={"search_scene": "3"})
    assert connector.find_orders(DAY, name="赵一", phone="17000000001") == ids
    assert connector.find_orders(DAY, phone="17000000001") == ids
    times = {"startDate": "2026-03-14 10:20:30", "endDate": "2026-03-15 10:20:31", "sceneId": "3"}
    both, phone = (each["request"] for each in transport.business(wire.FIND))
    assert both == times | {"receiverName": "赵一", "receiverMobile": "17000000001"}
    assert phone == times | {"receiverMobile": "17000000001"}


def test_an_order_of_the_second_after_the_window_is_left_out() -> None:
    end = int(NOW.timestamp()) * 1000
    rows: list[Any] = [{"orderId": 1, "createDate": end}, {"orderId": 2, "createDate": end + 1000}]
    assert shop(Playback({wire.FIND: found(*rows)})).find_orders(DAY, name="赵一") == ["1"]
    rows = [{"orderId": 3, "createDate": "2026-03-15 10:20:31"}, {"orderId": 4, "createDate": "昨天"}]
    assert shop(Playback({wire.FIND: found(*rows)})).find_orders(DAY, name="赵一") == ["4"]


def test_a_long_time_is_asked_for_by_the_month() -> None:
    transport = Playback({wire.FIND: [found(1, 2), found(2, 3), found()]})
    assert shop(transport).find_orders(Window(NOW - timedelta(days=70), NOW), name="赵一") == ["1", "2", "3"]
    starts = [each["request"]["startDate"][:10] for each in transport.business(wire.FIND)]
    assert starts == ["2026-01-04", "2026-02-03", "2026-03-05"]


def test_an_empty_window_is_an_instant_and_nobody_is_no_search() -> None:
    transport = Playback({wire.FIND: wrapped(wire.FIND, {"code": 0, "message": "success"})})
    assert shop(transport).find_orders(Window(NOW, NOW), name="赵一") == []
    with pytest.raises(Invalid):
        shop(transport).find_orders(DAY)
    assert len(transport.asked) == 1


def test_a_refusal_does_not_repeat_whom_it_is_about() -> None:
    answer = wrapped(wire.FIND, {"code": 1, "message": "收件人赵一 057180000000 不合法"})
    with pytest.raises(Rejected) as refusal:
        shop(Playback({wire.FIND: answer})).find_orders(DAY, name="赵一", phone="057180000000")
    assert "赵一" not in repr(refusal.value) + str(refusal.value)
    assert "057180000000" not in repr(refusal.value) + str(refusal.value)
