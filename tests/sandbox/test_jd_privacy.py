"""Searching orders by receiver, the quotas of opening and searching, and the audit of both."""

from typing import Any

import pytest

from sandbox.jd import receiver
from sandbox.jd.call import Opened
from sandbox.jd.gateway import Platform
from sandbox.jd.order_wire import when
from tests.sandbox.jd_kit import Keeper

FIND, OPEN = "jingdong.jos.order.oaid.search", "jingdong.jos.order.oaid.decrypt"
DAY = 86_400


def asked(keeper: Keeper, **changes: Any) -> dict[str, Any]:
    now = keeper.world.now()
    return {"startDate": when(now - DAY), "endDate": when(now), "sceneId": 1, **changes}


def found(keeper: Keeper, **changes: Any) -> list[str]:
    told = keeper.call(FIND, request=asked(keeper, **changes))["response"]
    assert (told["code"], told["message"]) == (0, "success")
    return [str(row["orderId"]) for row in told["data"]["orderIdList"]]


def audit(keeper: Keeper) -> list[Opened]:
    platform = keeper.sandbox.platforms["jd"]
    assert isinstance(platform, Platform)
    return platform.audit


def opening(keeper: Keeper, order: Any) -> dict[str, Any]:
    infos = [{"orderId": int(order.order_id), "oaid": receiver.oaid(order)}]
    told: dict[str, Any] = keeper.call(OPEN, getReceiverInfoListReqVO={"orderInfos": infos, "scenesType": 1})
    response: dict[str, Any] = told["response"]
    return response


def test_orders_are_found_by_their_receiver_and_time() -> None:
    keeper = Keeper()
    first, other = keeper.order(), keeper.order()
    second = keeper.order(buyer=first.buyer)
    name, phone = first.buyer.name, first.buyer.phone
    assert found(keeper, receiverName=name, receiverMobile=phone) == [first.order_id, second.order_id]
    assert first.order_id in found(keeper, receiverMobile=phone)
    assert found(keeper, receiverName=name, receiverMobile=other.buyer.phone) == []
    early = when(keeper.world.now() - 3600)
    assert found(keeper, receiverMobile=phone, endDate=early) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"receiverName": ""},
        {"startDate": "yesterday"},
        {"startDate": "2020-01-01 00:00:00"},
        {"startDate": "2099-01-01 00:00:00"},
        {"sceneId": ""},
    ],
)
def test_wrong_searches(wrong: dict[str, Any]) -> None:
    keeper = Keeper()
    told = keeper.call(FIND, request=asked(keeper, receiverName="x") | wrong)["response"]
    assert told["code"] == 10100001


def test_opening_and_searching_have_quotas_of_a_day_and_an_audit() -> None:
    keeper = Keeper(reveals_a_day={"jd": 2}, searches_a_day={"jd": 1})
    order = keeper.order()
    assert [opening(keeper, order)["code"] for _ in range(3)] == [0, 0, 10700001]
    found(keeper, receiverName=order.buyer.name)
    told = keeper.call(FIND, request=asked(keeper, receiverName=order.buyer.name))["response"]
    assert told["code"] == 10700001
    assert [(each.method, each.order_id) for each in audit(keeper)] == [
        (OPEN, order.order_id),
        (OPEN, order.order_id),
        (FIND, ""),
    ]
    assert order.buyer.name not in repr(audit(keeper))
    keeper.world.advance(DAY)
    assert opening(keeper, order)["code"] == 0


def test_a_cancelled_order_is_not_opened() -> None:
    keeper = Keeper()
    order = keeper.order()
    keeper.world.cancel(order)
    assert opening(keeper, order)["data"] == []


def test_searching_needs_the_permission_too() -> None:
    keeper = Keeper(jd_oaid_permission=False)
    assert keeper.refused(keeper.form(FIND, {"request": asked(keeper, receiverName="x")})) == 24
