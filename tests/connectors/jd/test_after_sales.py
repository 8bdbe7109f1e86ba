"""Refund applications and service orders: every sample as its value, the walks, and the traps on the way."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.jd import after_sales, wire
from connectors.jd.after_sales import APPLIED
from connectors.jd.client import verdict
from connectors.jd.connector import JdConnector
from core.channel import Page, Window
from core.clock import SHANGHAI
from core.errors import (
    ChannelError,
    Denied,
    Garbled,
    Invalid,
    Malformed,
    NotFound,
    Reauthorize,
    Rejected,
    Throttled,
    Unavailable,
)
from core.model import AfterSale
from core.status import AfterSaleKind, AfterSaleStage, Fact
from tests.connectors.jd import kit
from tests.connectors.jd.kit import Playback, sample, wrapped

SHOP = "jd:10000001"
NOW = datetime(2026, 3, 15, 10, 20, 30, tzinfo=SHANGHAI)
WINDOW = Window(NOW - timedelta(minutes=20), NOW)
Stage = Fact[AfterSaleStage]


def content(name: str) -> Any:
    """What stands under the wrapper and the result key of a sample answer."""
    [wrapper] = sample(f"{name}.response").values()
    return next(value for key, value in wrapper.items() if isinstance(value, dict))


APPLICATION = content("refund.get")["result"][0]
BRIEF = content("aftersale.sync_list")["data"][0]
BILL = content("aftersale.view")["data"]
REFUND = content("aftersale.refund_view")["data"][0]


def playback() -> Playback:
    """Empty lists; the samples by id."""
    return Playback(
        {
            wire.APPLICATIONS: queried([]),
            wire.APPLICATION: queried([APPLICATION]),
            wire.SERVICES: paged([]),
            wire.SERVICE: viewed(BILL),
            wire.SERVICE_REFUNDS: paged([REFUND]),
        }
    )


def shop(played: Playback) -> JdConnector:
    return kit.shop(played, options={"operator": "erp-user"})


def queried(rows: list[Any], total: int | None = None, **changes: Any) -> Any:
    """An answer about refund applications."""
    head = {"success": True, "errorCode": "", "errorMsg": "", "totalCount": len(rows) if total is None else total}
    return wrapped(wire.APPLICATIONS, {**head, "result": rows, **changes})


def paged(rows: list[Any], total: int | None = None, **changes: Any) -> Any:
    """An answer with service orders, or their refunds."""
    head = {"success": True, "code": "0", "msg": "", "totalCount": len(rows) if total is None else total}
    return wrapped(wire.SERVICES, {**head, "data": rows, **changes})


def viewed(data: Any, **changes: Any) -> Any:
    return wrapped(wire.SERVICE, {"success": True, "code": "0", "msg": "", "data": data, **changes})


def application(**changes: Any) -> AfterSale:
    played = playback()
    played.answers[wire.APPLICATION.name] = queried([{**APPLICATION, **changes}])
    return shop(played).after_sale("refund:40000000001").value


def service(refunds: list[Any] | None = None, **changes: Any) -> AfterSale:
    played = playback()
    played.answers[wire.SERVICE.name] = viewed({**deepcopy(BILL), **changes})
    played.answers[wire.SERVICE_REFUNDS.name] = paged([REFUND] if refunds is None else refunds)
    return shop(played).after_sale("service:900000000001", "301234560000").value


def walked(played: Playback, window: Window = WINDOW) -> tuple[list[AfterSale], list[Page[AfterSale]]]:
    pages = list(shop(played).after_sales(window))
    return [item.value for page in pages for item in page.items], pages


# The samples


LISTED_APPLICATION = AfterSale(
    shop_id=SHOP,
    id="refund:40000000001",
    order_id="301234567891",
    kind=AfterSaleKind.REFUND_ONLY,
    kind_raw="28",
    stage=Stage(value=AfterSaleStage.REQUESTED, raw="0", at=datetime(2026, 3, 15, 2, 8, tzinfo=UTC)),
    refund=9900,
    reason="不想要了",
    created_at=datetime(2026, 3, 15, 2, 8, tzinfo=UTC),
    updated_at=datetime(2026, 3, 15, 2, 8, tzinfo=UTC),
)
VIEWED_SERVICE = AfterSale(
    shop_id=SHOP,
    id="service:900000000001",
    order_id="301234560000",
    sku_id="100012345678",
    kind=AfterSaleKind.RETURN,
    kind_raw="10",
    stage=Stage(value=AfterSaleStage.TO_RETURN, raw="10005"),
    quantity=1,
    refund=7900,
    reason="商品问题",
    created_at=datetime.fromtimestamp(1773500000, UTC),
    updated_at=datetime.fromtimestamp(1773540100, UTC),
)


def test_the_sample_refund_application_by_id() -> None:
    played = playback()
    fetched = shop(played).after_sale("refund:40000000001")
    assert fetched.value == LISTED_APPLICATION
    assert json.loads(fetched.raw) == APPLICATION
    assert played.asked == [(wire.APPLICATION.name, sample("refund.get.request")["business"])]


def test_the_sample_refund_application_in_the_list() -> None:
    played = playback()
    played.answers[wire.APPLICATIONS.name] = sample("refund.list.response")
    found, pages = walked(played)
    assert found == [LISTED_APPLICATION]
    assert pages[-1].expected == 1


def test_the_sample_service_order_in_full() -> None:
    played = playback()
    fetched = shop(played).after_sale("service:900000000001", "301234560000")
    assert fetched.value == VIEWED_SERVICE
    assert json.loads(fetched.raw) == BILL
    assert played.asked == [(wire.SERVICE.name, sample("aftersale.view.request")["business"])]


@pytest.mark.parametrize("name", ["aftersale.sync_list", "aftersale.query_list"])
def test_the_sample_service_order_in_a_list(name: str) -> None:
    played = playback()
    played.answers[wire.SERVICES.name] = sample(f"{name}.response")
    found, pages = walked(played)
    assert found == [VIEWED_SERVICE]
    assert pages[-1].expected == 1


def test_the_sample_refund_of_a_service_order_proves_that_the_money_is_back() -> None:
    found = service(serviceStatus=10010)
    assert found.stage == Stage(value=AfterSaleStage.REFUNDED, raw="10010")
    assert (found.refunded, found.refund) == (True, 7900)


def test_the_lists_are_asked_as_documented() -> None:
    played = playback()
    walked(played, Window(NOW - timedelta(minutes=20, seconds=30), NOW - timedelta(minutes=10, seconds=31)))
    [applications] = played.business(wire.APPLICATIONS)
    assert applications == {
        "modifiedStart": "2026-03-15 10:00:00",
        "modifiedEnd": "2026-03-15 10:10:00",
        "pageIndex": 1,
        "pageSize": 50,
        "showSku": True,
    }
    assert played.business(wire.SERVICES) == [sample("aftersale.sync_list.request")["business"]]


def test_a_finished_service_order_asks_for_the_refunds_of_its_order() -> None:
    played = playback()
    played.answers[wire.SERVICE.name] = viewed({**BILL, "serviceStatus": 10010})
    fetched = shop(played).after_sale("service:900000000001", "301234560000")
    assert played.business(wire.SERVICE_REFUNDS) == [
        {"buId": "10000001", "orderId": 301234560000, "pageNumber": 1, "pageSize": 50}
    ]
    assert json.loads(fetched.raw)["refunds"] == [REFUND]


# Statuses and expectations


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        (0, AfterSaleStage.REQUESTED),
        (1, AfterSaleStage.REFUNDING),
        (2, AfterSaleStage.REFUSED),
        (3, AfterSaleStage.REFUNDED),
        (4, AfterSaleStage.CLOSED),
        (5, AfterSaleStage.REFUNDING),
        (6, AfterSaleStage.REFUNDING),
        (7, AfterSaleStage.REFUNDING),
        (8, AfterSaleStage.CLOSED),
        (9, AfterSaleStage.REFUNDING),
        (10, AfterSaleStage.REQUESTED),
        (11, AfterSaleStage.WITHDRAWN),
        (77, AfterSaleStage.UNKNOWN),
    ],
)
def test_every_status_of_a_refund_application(status: int, stage: AfterSaleStage) -> None:
    found = application(status=status, checkTime="2026-03-15 10:12:00")
    assert (found.stage.value, found.stage.raw) == (stage, str(status))
    assert found.refunded is (status == 3)


@pytest.mark.parametrize(
    ("status", "for_money", "for_goods"),
    [
        (10000, AfterSaleStage.REQUESTED, AfterSaleStage.REQUESTED),
        (10001, AfterSaleStage.REQUESTED, AfterSaleStage.REQUESTED),
        (10002, AfterSaleStage.REQUESTED, AfterSaleStage.REQUESTED),
        (10004, AfterSaleStage.REFUSED, AfterSaleStage.REFUSED),
        (10005, AfterSaleStage.TO_RETURN, AfterSaleStage.TO_RETURN),
        (10006, AfterSaleStage.RETURNED, AfterSaleStage.TO_REPLACE),
        (10007, AfterSaleStage.RETURNED, AfterSaleStage.TO_REPLACE),
        (10009, AfterSaleStage.REFUSED, AfterSaleStage.REPLACED),
        (10010, AfterSaleStage.CLOSED, AfterSaleStage.DONE),
        (10011, AfterSaleStage.WITHDRAWN, AfterSaleStage.WITHDRAWN),
        (10012, AfterSaleStage.REQUESTED, AfterSaleStage.REQUESTED),
        (10013, AfterSaleStage.REQUESTED, AfterSaleStage.REQUESTED),
        (10041, AfterSaleStage.REFUNDING, AfterSaleStage.REFUNDING),
        (12000, AfterSaleStage.RETURNED, AfterSaleStage.TO_REPLACE),
        (13000, AfterSaleStage.TO_RETURN, AfterSaleStage.TO_RETURN),
        (14000, AfterSaleStage.REQUESTED, AfterSaleStage.REQUESTED),
        (99999, AfterSaleStage.UNKNOWN, AfterSaleStage.UNKNOWN),
    ],
)
def test_every_status_of_a_service_order(status: int, for_money: AfterSaleStage, for_goods: AfterSaleStage) -> None:
    returned, exchanged = (service([], serviceStatus=status, customerExpect=wanted) for wanted in (10, 20))
    assert (returned.stage.value, exchanged.stage.value) == (for_money, for_goods)
    assert returned.stage.raw == exchanged.stage.raw == str(status)


@pytest.mark.parametrize(
    ("wanted", "kind"),
    [
        (1, AfterSaleKind.REFUND_UNSHIPPED),
        (10, AfterSaleKind.RETURN),
        (11, AfterSaleKind.REFUND_ONLY),
        (20, AfterSaleKind.EXCHANGE),
        (30, AfterSaleKind.REPAIR),
        (40, AfterSaleKind.UNKNOWN),
        (50, AfterSaleKind.UNKNOWN),
        (60, AfterSaleKind.UNKNOWN),
        (70, AfterSaleKind.REPAIR),
        (80, AfterSaleKind.RESEND),
        (90, AfterSaleKind.REFUND_ONLY),
        (100, AfterSaleKind.RETURN),
        (12345, AfterSaleKind.UNKNOWN),
    ],
)
def test_every_expectation_of_a_buyer(wanted: int, kind: AfterSaleKind) -> None:
    found = service(customerExpect=wanted)
    assert (found.kind, found.kind_raw) == (kind, str(wanted))
    wants_money = kind in (AfterSaleKind.REFUND_UNSHIPPED, AfterSaleKind.RETURN, AfterSaleKind.REFUND_ONLY)
    assert found.refund == (7900 if wants_money else 0)


# Traps of the values


def test_applications_count_fen_and_service_orders_yuan() -> None:
    assert application(applyRefundSum=7900.0).refund == service().refund == 7900


@pytest.mark.parametrize(
    ("told", "fen"), [(1.0, 1), ("9900.00", 9900), (None, 0), (9900, 9900), (1234567890.0, 1234567890)]
)
def test_the_amount_of_an_application_in_every_spelling(told: Any, fen: int) -> None:
    assert application(applyRefundSum=told).refund == fen


def test_an_application_that_was_decided_has_the_decision_as_its_version() -> None:
    found = application(status=2, checkTime="2026-03-15 10:12:00")
    assert found.updated_at == found.stage.at == datetime(2026, 3, 15, 2, 12, tzinfo=UTC)
    assert found.created_at == datetime(2026, 3, 15, 2, 8, tzinfo=UTC)


def test_a_withdrawn_application_that_nobody_decided_keeps_its_time() -> None:
    found = application(status=11, checkTime=None)
    assert (found.updated_at, found.stage.at) == (found.created_at, None)


@pytest.mark.parametrize("blank", ["0001-01-01 00:00:00", "1970-01-01 00:00:00", "", None])
def test_blank_times_of_a_check_are_none(blank: str | None) -> None:
    found = application(status=1, checkTime=blank)
    assert (found.updated_at, found.stage.at) == (found.created_at, None)


def test_the_goods_of_an_application_are_kept_as_they_came() -> None:
    goods = [{"anything": {"deep": ["礼物🎁"]}}]
    played = playback()
    played.answers[wire.APPLICATION.name] = queried([{**APPLICATION, "skuVoList": goods}])
    fetched = shop(played).after_sale("refund:40000000001")
    assert (fetched.value.line_ids, fetched.value.sku_id) == ((), "")
    assert json.loads(fetched.raw)["skuVoList"] == goods


def test_the_two_families_never_collide() -> None:
    played = playback()
    played.answers[wire.APPLICATIONS.name] = queried([{**APPLICATION, "id": 7}])
    played.answers[wire.SERVICES.name] = paged([{**BRIEF, "serviceId": 7}])
    played.answers[wire.SERVICE.name] = viewed({**BILL, "serviceId": 7})
    found, pages = walked(played)
    assert [each.id for each in found] == ["refund:7", "service:7"]
    assert pages[-1].expected == 2


def test_64_bit_ids_survive() -> None:
    big = 2**63 - 1
    assert application(id=big, orderId=str(big)).id == f"refund:{big}"
    assert service(serviceId=big, orderId=big).order_id == str(big)


def test_gifts_and_accessories_are_not_what_comes_back() -> None:
    [main] = BILL["serviceBillDetailList"]
    gift = {**main, "wareType": 20, "skuId": 1, "actualPayPrice": 0.0, "wareNum": 3}
    found = service(serviceBillDetailList=[gift, {**main, "wareNum": 2}])
    assert (found.sku_id, found.quantity, found.refund) == ("100012345678", 2, 7900)


def test_a_service_order_without_its_goods_counts_what_it_says() -> None:
    found = service(serviceBillDetailList=None, serviceCount=4)
    assert (found.sku_id, found.quantity, found.refund) == ("", 4, 0)


def test_what_the_buyer_wrote_freely_stays_in_the_raw_answer() -> None:
    found = service(questionDesc="请联系张三 13800000000")
    assert "张三" not in found.model_dump_json()


def test_service_orders_have_epoch_milliseconds_which_may_be_text_or_missing() -> None:
    found = service(applyTime="1773500000000", updateDate=None)
    assert (found.created_at, found.updated_at) == (
        datetime.fromtimestamp(1773500000, UTC),
        datetime.fromtimestamp(1773520000, UTC),
    )
    assert service(updateDate=0, approveDate=None).updated_at == datetime.fromtimestamp(1773500000, UTC)


def test_money_that_went_back_for_another_service_order_of_the_order_is_not_ours() -> None:
    other = {**REFUND, "sameOrderServiceBill": {**REFUND["sameOrderServiceBill"], "serviceId": 900000000002}}
    found = service([other], serviceStatus=10010)
    assert (found.stage.value, found.refunded) == (AfterSaleStage.CLOSED, False)


def test_a_refund_that_failed_is_none() -> None:
    found = service([{**REFUND, "status": 14}], serviceStatus=10010)
    assert (found.stage.value, found.refunded) == (AfterSaleStage.CLOSED, False)


def test_a_refund_of_another_amount_than_asked_is_the_one_that_counts() -> None:
    assert service([{**REFUND, "refoundAmount": 50.5}], serviceStatus=10010).refund == 5050


# The walks


def rows(count: int) -> list[dict[str, Any]]:
    return [{**APPLICATION, "id": number} for number in range(1, count + 1)]


def serving(held: list[dict[str, Any]], touch: Callable[[int], object] = lambda _: None) -> Callable[[Any], Any]:
    """Pages of what is held when they are asked for; `touch` runs after each."""

    def answer(asked: dict[str, Any]) -> Any:
        page = asked["pageIndex"]
        found = queried(held[(page - 1) * 50 : page * 50], len(held))
        touch(page)
        return deepcopy(found)

    return answer


def test_pages_are_read_from_the_last_to_the_first() -> None:
    played = playback()
    played.answers[wire.APPLICATIONS.name] = serving(rows(120))
    found, pages = walked(played)
    assert {each.id for each in found} == {f"refund:{number}" for number in range(1, 121)}
    assert [asked["pageIndex"] for asked in played.business(wire.APPLICATIONS)] == [1, 3, 2, 1, 3, 2, 1]
    assert pages[-1].expected == 120


def test_a_row_that_leaves_the_range_hides_no_other() -> None:
    held = rows(120)
    played = playback()
    played.answers[wire.APPLICATIONS.name] = serving(held, lambda _: held.pop(0) if len(held) > 110 else None)
    found, pages = walked(played)
    assert {f"refund:{row['id']}" for row in held} <= {each.id for each in found}
    assert pages[-1].expected == len({each.id for each in found})


def test_a_row_that_enters_at_the_front_while_another_leaves_hides_no_other() -> None:
    held = rows(120)

    def touch(page: int) -> None:
        if page == 3 and held[0]["id"] != 1000:
            held.insert(0, {**APPLICATION, "id": 1000})  # moves row 100 from page 2 to page 3, which was read already
            held.pop()

    played = playback()
    played.answers[wire.APPLICATIONS.name] = serving(held, touch)
    found, _ = walked(played)
    assert {f"refund:{row['id']}" for row in held} <= {each.id for each in found}


def test_rows_that_did_not_come_are_missed() -> None:
    played = playback()
    played.answers[wire.APPLICATIONS.name] = queried(rows(10), 12)
    found, pages = walked(played)
    assert (len(found), pages[-1].expected) == (10, 12)


def test_a_range_with_more_pages_than_are_served_is_halved() -> None:
    played = playback()
    asked_ranges = []

    def answer(asked: dict[str, Any]) -> Any:
        since, until = asked["modifiedStart"], asked["modifiedEnd"]
        asked_ranges.append((since[11:], until[11:]))
        return queried([], 5001) if (since[11:], until[11:]) == ("10:00:30", "10:20:31") else queried(rows(3))

    played.answers[wire.APPLICATIONS.name] = answer
    found, pages = walked(played)
    assert asked_ranges == [("10:00:30", "10:20:31"), ("10:00:30", "10:10:30"), ("10:10:30", "10:20:31")]
    assert pages[-1].expected == 3
    assert {each.id for each in found} == {"refund:1", "refund:2", "refund:3"}


def test_a_service_order_listed_once_per_sku_is_one() -> None:
    played = playback()
    played.answers[wire.SERVICES.name] = paged([BRIEF, {**BRIEF, "skuId": 100012345679}])
    found, pages = walked(played)
    assert found == [VIEWED_SERVICE]
    assert pages[-1].expected == 1
    assert len(played.business(wire.SERVICE)) == 1


def test_a_service_order_that_is_gone_when_it_is_read_is_left_out() -> None:
    played = playback()
    played.answers[wire.SERVICES.name] = paged([BRIEF])
    played.answers[wire.SERVICE.name] = viewed(None)
    found, pages = walked(played)
    assert (found, pages[-1].bad, pages[-1].expected) == ([], (), 0)


def test_bad_rows_are_put_aside_and_stop_nothing() -> None:
    played = playback()
    played.answers[wire.APPLICATIONS.name] = queried(
        [{**APPLICATION, "id": 1, "applyTime": "soon"}, {"id": 2}, APPLICATION]
    )
    played.answers[wire.SERVICES.name] = paged([{"serviceId": 9}, BRIEF])
    found, pages = walked(played)
    assert found == [LISTED_APPLICATION, VIEWED_SERVICE]
    bad = [row for page in pages for row in page.bad]
    assert [row.id for row in bad] == ["refund:1", "refund:2", "service:9"]
    assert "soon" not in "".join(row.reason for row in bad)
    assert pages[-1].expected == 5


@pytest.mark.parametrize("nothing", [[], None])
def test_empty_lists_are_a_complete_answer(nothing: Any) -> None:
    played = playback()
    played.answers[wire.APPLICATIONS.name] = queried([], result=nothing)
    played.answers[wire.SERVICES.name] = paged([], data=nothing, totalCount="0", pageSize="50", pageNumber="1")
    found, pages = walked(played)
    assert found == []
    assert pages[-1].expected == 0


def test_a_range_whose_ends_are_swapped_is_refused_before_any_call() -> None:
    played = playback()
    with pytest.raises(Invalid):
        walked(played, Window(NOW, NOW - timedelta(seconds=1)))
    assert played.asked == []


def test_status_changes_after_the_application_are_found_by_their_own_time() -> None:
    played = playback()
    walked(played)
    assert not {"applyTimeStart", "applyTimeEnd"} & played.business(wire.APPLICATIONS)[0].keys()


def test_without_times_of_change_the_range_reaches_back_over_open_applications(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(after_sales, "APPLICATION_TIMES", APPLIED)
    played = playback()
    walked(played)
    [asked] = played.business(wire.APPLICATIONS)
    assert (asked["applyTimeStart"], asked["applyTimeEnd"]) == ("2026-02-13 10:00:30", "2026-03-15 10:20:31")
    assert "modifiedStart" not in asked


# What says no


@pytest.mark.parametrize(
    ("name", "accepted", "code"),
    [("refund.agree", True, ""), ("refund.refuse", False, "-1"), ("aftersale.receive", True, "")],
)
def test_the_answers_to_decisions_say_yes_or_no(name: str, accepted: bool, code: str) -> None:
    said = verdict(content(name))
    assert (said.accepted, said.code) == (accepted, code)


@pytest.mark.parametrize("id_", ["40000000001", "refund:", "refund:x", "service:１", "order:1", ""])
def test_an_id_of_no_family_is_refused_before_any_call(id_: str) -> None:
    played = playback()
    with pytest.raises(Invalid):
        shop(played).after_sale(id_, "1")
    assert played.asked == []


def test_a_service_order_is_not_found_without_its_order() -> None:
    played = playback()
    with pytest.raises(Invalid):
        shop(played).after_sale("service:900000000001")
    assert played.asked == []


def test_what_is_not_there_is_not_found() -> None:
    played = playback()
    played.answers[wire.APPLICATION.name] = queried([])
    played.answers[wire.SERVICE.name] = viewed(None, success=False, code="10700002", msg="服务单不存在")
    with pytest.raises(NotFound):
        shop(played).after_sale("refund:1")
    with pytest.raises(NotFound):
        shop(played).after_sale("service:1", "1")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("bad_token", Reauthorize),
        ("missing_token", Reauthorize),
        ("no_permission", Denied),
        ("rate_limited", Throttled),
        ("busy_66", Unavailable),
        ("timeout_65", Unavailable),
    ],
)
@pytest.mark.parametrize("method", [wire.APPLICATIONS, wire.SERVICES], ids=lambda method: method.name)
def test_gateway_errors_end_the_walk(method: wire.Method[Any], name: str, kind: type[ChannelError]) -> None:
    played = playback()
    played.answers[method.name] = sample(f"error.{name}.response")
    with pytest.raises(kind):
        walked(played)


@pytest.mark.parametrize("refused", ["true", "false"])
def test_the_verdict_may_be_text(refused: str) -> None:
    played = playback()
    played.answers[wire.APPLICATIONS.name] = queried([], success=refused, errorCode="-1", errorMsg="参数错误")
    if refused == "true":
        walked(played)
    else:
        with pytest.raises(Rejected):
            walked(played)


def test_a_refusal_of_the_service_list() -> None:
    played = playback()
    played.answers[wire.SERVICES.name] = paged([], success=False, code="1", msg="参数错误")
    with pytest.raises(Rejected):
        walked(played)


def test_an_error_page_says_nothing_about_a_row() -> None:
    played = playback()
    played.answers[wire.SERVICES.name] = paged([BRIEF])
    played.answers[wire.SERVICE.name] = b"<html>502 Bad Gateway</html>"
    with pytest.raises(Garbled):
        walked(played)


def test_a_detail_that_is_not_the_documented_shape_is_malformed() -> None:
    for name in ("serviceStatus", "applyTime"):
        with pytest.raises(Malformed):
            service(**{name: None})
    with pytest.raises(Malformed) as caught:
        application(applyTime="明天")
    assert "明天" not in str(caught.value)
