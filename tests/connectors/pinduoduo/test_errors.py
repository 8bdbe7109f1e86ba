"""Every refusal of the samples has its class, and a write that met trouble inside the platform stays unknown."""

from typing import Any

import pytest

from connectors.pinduoduo.errors import ERRORS
from core import errors
from core.channel import Scope, StockWrite
from core.model import SkuKey
from tests.connectors.pinduoduo.kit import ORDER_SN, Playback, Watch, sample, shop

EXPECTED = {
    "bad_param": errors.Invalid,
    "bad_sign": errors.Denied,
    "busy": errors.Unavailable,
    "ip_not_allowed": errors.Denied,
    "no_permission": errors.Denied,
    "order_not_found": errors.NotFound,
    "public_param": errors.Denied,
    "system": errors.Unavailable,
    "throttled_api": errors.Throttled,
    "throttled_caller": errors.Throttled,
    "token_expired": errors.Reauthorize,
    "token_wrong": errors.Reauthorize,
}
WRITE = StockWrite(SkuKey(listing_id="700100200300", sku_id="900100200301"), 1)


@pytest.mark.parametrize(("name", "kind"), EXPECTED.items())
def test_a_refused_read_raises_its_class_with_the_platforms_words(name: str, kind: Any) -> None:
    body = sample(f"error.{name}")
    with pytest.raises(kind) as caught:
        shop(Playback(order_information_get=body)).order(ORDER_SN)
    told = body["error_response"]
    assert type(caught.value) is kind
    assert caught.value.code == str(told["error_code"])
    assert caught.value.request_id == told["request_id"]
    assert (caught.value.channel, caught.value.shop) == ("pinduoduo", "pinduoduo:100200300")
    assert caught.value.operation == "pdd.order.information.get"


@pytest.mark.parametrize("name", ["throttled_api", "throttled_caller"])
def test_a_throttle_code_reaches_the_gate(name: str) -> None:
    gate = Watch()
    with pytest.raises(errors.Throttled) as caught:
        shop(Playback(order_information_get=sample(f"error.{name}")), gate).order(ORDER_SN)
    assert gate.refusals == [("pdd.order.information.get", caught.value.retry_after)]
    assert gate.reaches == [(Scope.APP if name == "throttled_api" else Scope.SHOP, False)]
    assert caught.value.retry_after


def test_our_own_budgets_refusal_is_not_reported_as_the_platforms() -> None:
    gate = Watch()
    with pytest.raises(errors.Throttled):
        shop(Playback(order_information_get=errors.Throttled("budget", retry_after=9)), gate).order(ORDER_SN)
    assert gate.refusals == []


def test_a_write_that_met_a_system_error_is_unknown() -> None:
    answer = sample("error.system")
    [outcome] = shop(Playback(goods_quantity_update=answer)).set_stock([WRITE])
    assert type(outcome.error) is errors.OutcomeUnknown


def test_a_write_to_a_degraded_platform_was_not_done() -> None:
    [outcome] = shop(Playback(goods_quantity_update=sample("error.busy"))).set_stock([WRITE])
    assert type(outcome.error) is errors.Unavailable


@pytest.mark.parametrize("body", [b'{"goods_quantity_update_resp', b"[]", b'{"response":{}}', b"{}"])
def test_a_write_with_an_unreadable_answer_is_unknown(body: bytes) -> None:
    [outcome] = shop(Playback(goods_quantity_update=body)).set_stock([WRITE])
    assert type(outcome.error) is errors.OutcomeUnknown


@pytest.mark.parametrize("body", [b'{"order_info_get_resp', b"[]", b'{"order_info":{}}'])
def test_a_read_with_an_unreadable_answer_is_malformed(body: bytes) -> None:
    with pytest.raises(errors.Malformed):
        shop(Playback(order_information_get=body)).order(ORDER_SN)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"is_success": False}, errors.Conflict),
        ({"success": False, "error_code": 21001, "error_msg": "x"}, errors.Invalid),
        ({"result": {"succ": False, "message": "x"}}, errors.Conflict),
        ({"request_id": "1"}, errors.OutcomeUnknown),
    ],
)
def test_a_soft_failure_inside_a_success_is_a_failure(answer: dict[str, Any], kind: Any) -> None:
    [outcome] = shop(Playback(goods_quantity_update={"goods_quantity_update_response": answer})).set_stock([WRITE])
    assert type(outcome.error) is kind


def test_a_code_nobody_listed_is_a_refusal() -> None:
    answer = {"error_response": {"error_code": 99999, "error_msg": "?", "sub_code": None, "request_id": "1"}}
    with pytest.raises(errors.Rejected) as caught:
        shop(Playback(order_information_get=answer)).order(ORDER_SN)
    assert (type(caught.value), caught.value.code, caught.value.sub_code) == (errors.Rejected, "99999", "")


def test_the_table_lists_every_documented_code() -> None:
    codes = {int(code) for code, _ in ERRORS}
    assert codes >= {10000, 10001, 10016, 10017, 10018, 10019, 20004, 20005, 20031, 20032, 20034, 20035, 21001, 21002}
    assert codes >= {30000, 30001, 50000, 50001, 50002, 52001, 52002, 52004, 52101, 52102, 52103}
    assert codes >= {70031, 70032, 70033, 70034, 70035, 70036}


def test_an_error_shows_no_secret() -> None:
    with pytest.raises(errors.Denied) as caught:
        shop(Playback(order_information_get=sample("error.bad_sign"))).order(ORDER_SN)
    assert "5e1f0c7b" not in repr(caught.value) + str(caught.value)
    assert "a1b2c3d4" not in repr(caught.value) + str(caught.value)
