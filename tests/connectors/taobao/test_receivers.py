"""Opening receivers and searching by them: what is asked, and what is made of every documented answer."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.channel import Purpose, Recipient, Window
from core.errors import Denied, Invalid, NotFound, Rejected, Throttled, Unsupported
from core.model import Order
from tests.connectors.taobao.kit import NOW, TID, Playback, Watch, refused, sample, shop, trade_answer, trade_row

OPENED = sample("oaid.decrypt.response")
MISMATCH = sample("oaid.decrypt.mismatch.response")
OAID = "1exampleOaidExampleOaidExampleOaidExampleOaid01ab"
NEWER = "1newerOaidNewerOaid"
PERSON = Recipient(
    name="张三",
    phone="18800000000-1234",
    address="示例大道示例路1号2幢303室",
    virtual=True,
    expires_at=datetime(2024, 4, 14, 2, 30, tzinfo=UTC),
)


def order(oaid: str = OAID) -> Order:
    return shop(Playback(trade_fullinfo_get=trade_answer(trade_row(oaid=oaid)))).order(TID).value


def opened(**changes: Any) -> dict[str, Any]:
    """The sample's answer, with changes; a None takes the field away."""
    [row] = OPENED["top_oaid_decrypt_response"]["receiver_list"]["receiver"]
    row = {field: value for field, value in {**row, **changes}.items() if value is not None}
    return {"top_oaid_decrypt_response": {"receiver_list": {"receiver": [row]}, "request_id": "1"}}


def found(*tids: str) -> dict[str, Any]:
    answer: dict[str, Any] = {"request_id": "1"}
    return {"trades_sold_query_response": answer | ({"tid_list": {"string": list(tids)}} if tids else {})}


def queries(transport: Playback) -> list[Any]:
    return [each for asked in transport.business() if "query_list" in asked for each in json.loads(asked["query_list"])]


def test_the_documented_receiver() -> None:
    transport = Playback(top_oaid_decrypt=OPENED)
    assert shop(transport).reveal(order(), Purpose.SHIP, "operator-7") == PERSON
    [asked] = transport.business()
    assert asked["query_list"] == sample("oaid.decrypt.request")["form"]["query_list"]
    assert not any("张三" in repr(request) for request in transport.requests)


def test_a_real_number_is_not_virtual() -> None:
    answer = opened(mobile="17000000001", privacy_protection=False, secret_no_expire_time=None)
    told = shop(Playback(top_oaid_decrypt=answer)).reveal(order(), Purpose.SHIP, "")
    assert (told.phone, told.virtual, told.expires_at) == ("17000000001", False, None)
    answer = opened(mobile="", phone="057180000000", privacy_protection=False)
    assert shop(Playback(top_oaid_decrypt=answer)).reveal(order(), Purpose.SHIP, "").phone == "057180000000"


@pytest.mark.parametrize(
    ("purpose", "options", "scene"),
    [
        (Purpose.SHIP, {}, "1006"),
        (Purpose.AFTER_SALE, {}, "2001"),
        (Purpose.SHIP, {"ship_scene": "1001"}, "1001"),
        (Purpose.AFTER_SALE, {"after_sale_scene": "2002"}, "2002"),
    ],
)
def test_the_scene_follows_from_the_purpose(purpose: Purpose, options: dict[str, str], scene: str) -> None:
    transport = Playback(top_oaid_decrypt=OPENED)
    shop(transport, None, **options).reveal(order(), purpose, "")
    assert queries(transport)[0]["scene"] == scene


def test_a_stale_oaid_is_read_again_once() -> None:
    transport = Playback(top_oaid_decrypt=[MISMATCH, OPENED], trade_fullinfo_get=trade_answer(trade_row(oaid=NEWER)))
    assert shop(transport).reveal(order("1stale"), Purpose.SHIP, "") == PERSON
    assert [query["oaid"] for query in queries(transport)] == ["1stale", NEWER]


@pytest.mark.parametrize(("now", "asks"), [(NEWER, 2), (OAID, 1)])
def test_an_oaid_that_never_fits_is_refused(now: str, asks: int) -> None:
    transport = Playback(top_oaid_decrypt=MISMATCH, trade_fullinfo_get=trade_answer(trade_row(oaid=now)))
    with pytest.raises(Rejected):
        shop(transport).reveal(order(), Purpose.SHIP, "")
    assert len(queries(transport)) == asks


def test_an_order_without_an_oaid_is_not_asked_for() -> None:
    bare = trade_answer(trade_row(oaid=None))
    transport = Playback(top_oaid_decrypt=OPENED, trade_fullinfo_get=bare)
    with pytest.raises(Rejected, match="makes no OAID"):
        shop(transport).reveal(order(""), Purpose.SHIP, "")
    assert queries(transport) == []
    transport = Playback(top_oaid_decrypt=OPENED, trade_fullinfo_get=trade_answer(trade_row(oaid=OAID)))
    assert shop(transport).reveal(order(""), Purpose.SHIP, "") == PERSON


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"desensitize_rule": "DECRYPTION_DISABLED_BY_ORDERCLOSED"}, "closed"),
        ({"name": "张**"}, "masked"),
        ({"mobile": "*******0000"}, "masked"),
        ({"address_detail": "示**道"}, "masked"),
        ({"tid": "2150000000000000002"}, "does not open"),
    ],
)
def test_what_stays_masked_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Rejected, match=reason) as refusal:
        shop(Playback(top_oaid_decrypt=opened(**changes))).reveal(order(), Purpose.SHIP, "")
    assert refusal.value.sub_code == changes.get("desensitize_rule", "")


def test_no_row_is_a_refusal() -> None:
    with pytest.raises(Rejected):
        shop(Playback(top_oaid_decrypt={"top_oaid_decrypt_response": {"request_id": "1"}})).reveal(
            order(), Purpose.SHIP, ""
        )


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(11, "isv.permission-api-package-limit", "scope ids is 381"), Unsupported),
        (refused(15, "isv.invalid-permission"), Unsupported),
        (refused(25), Denied),
        (refused(15, "isv.trade-not-exist"), NotFound),
    ],
)
def test_a_missing_package_stops_no_shop(answer: Any, kind: type[Exception]) -> None:
    connector = shop(Playback(top_oaid_decrypt=answer, trades_sold_query=answer))
    with pytest.raises(kind):
        connector.reveal(order(), Purpose.SHIP, "")
    with pytest.raises(kind):
        connector.find_orders(Window(NOW - timedelta(days=1), NOW), phone="17000000001")


def test_a_spent_quota_says_when_it_comes_back() -> None:
    ban = refused(7, "accesscontrol.limited-by-app-api-access-count", "This ban will last for 48600 more seconds")
    watch = Watch()
    with pytest.raises(Throttled) as refusal:
        shop(Playback(top_oaid_decrypt=ban), watch).reveal(order(), Purpose.SHIP, "")
    assert refusal.value.retry_after == 48600
    assert watch.refusals == [("taobao.top.oaid.decrypt", 48600)]


# Searching


DAY = Window(NOW - timedelta(days=1), NOW + timedelta(microseconds=999_999))


@pytest.mark.parametrize(
    ("who", "asked"),
    [
        ({"phone": "17000000001"}, {"receiver_mobile": "17000000001"}),
        ({"phone": "057180000000"}, {"receiver_phone": "057180000000"}),
        ({"phone": "15718000-12"}, {"receiver_phone": "15718000-12"}),
        ({"name": "赵一"}, {"receiver_name": "赵一"}),
        ({"name": "赵一", "phone": "17000000001"}, {"receiver_name": "赵一", "receiver_mobile": "17000000001"}),
    ],
)
def test_what_is_searched_for(who: dict[str, str], asked: dict[str, str]) -> None:
    transport = Playback(trades_sold_query=found("1", "2"))
    assert shop(transport).find_orders(DAY, **who) == ["1", "2"]
    times = {"start_created": "2024-03-14 10:30:00", "end_created": "2024-03-15 10:30:00"}
    assert queries(transport) == [asked | times]
    assert transport.asked[0]["scene"] == "1001"


def test_nobody_is_found_and_nobody_is_no_search() -> None:
    transport = Playback(trades_sold_query=found())
    assert shop(transport, search_scene="1002").find_orders(DAY, name="赵一") == []
    assert transport.asked[0]["scene"] == "1002"
    with pytest.raises(Invalid):
        shop(transport).find_orders(DAY)
    assert len(transport.asked) == 1


def test_a_full_answer_is_asked_for_in_halves() -> None:
    hundred = [str(number) for number in range(100)]
    transport = Playback(trades_sold_query=[found(*hundred), found("a", "b"), found("b", "c")])
    assert shop(transport).find_orders(DAY, name="赵一") == ["a", "b", "c"]
    ranges = [(query["start_created"], query["end_created"]) for query in queries(transport)]
    assert ranges == [
        ("2024-03-14 10:30:00", "2024-03-15 10:30:00"),
        ("2024-03-14 22:30:01", "2024-03-15 10:30:00"),
        ("2024-03-14 10:30:00", "2024-03-14 22:30:00"),
    ]


def test_a_full_second_cannot_be_told_completely() -> None:
    hundred = found(*(str(number) for number in range(100)))
    transport = Playback(trades_sold_query=hundred)
    with pytest.raises(Rejected):
        shop(transport).find_orders(Window(NOW, NOW + timedelta(seconds=5)), name="赵一")
    assert len(transport.asked) < 10


def test_a_refusal_does_not_repeat_whom_it_is_about() -> None:
    answer = refused(15, "isv.invalid-parameter:receiver_name", "收件人赵一 17000000001 057180000000 不合法")
    connector = shop(Playback(trades_sold_query=answer))
    for phone in ("17000000001", "057180000000"):
        with pytest.raises(Invalid) as refusal:
            connector.find_orders(DAY, name="赵一", phone=phone)
        assert "赵一" not in repr(refusal.value) + str(refusal.value)
        assert phone not in repr(refusal.value) + str(refusal.value)
