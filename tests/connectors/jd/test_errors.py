"""Every refusal of the samples has its class, and a write that met trouble inside the platform stays unknown."""

from typing import Any

import pytest

from connectors.jd import wire
from connectors.jd.client import Verdict, verdict
from connectors.jd.errors import GATEWAY
from core import errors
from core.channel import PriceWrite, Scope, StockWrite, Window
from core.model import Memo, ParcelDraft, Price, Shipment, SkuKey
from tests.connectors.jd.kit import (
    NOW,
    ORDER_ID,
    SECRET,
    SKU_ID,
    TOKEN,
    Playback,
    Watch,
    booked,
    known,
    order_answer,
    sample,
    shop,
    wrapped,
)

EXPECTED = {
    "bad_app_key": errors.Denied,
    "bad_method": errors.Unsupported,
    "bad_sign": errors.Denied,
    "bad_timestamp": errors.Denied,
    "bad_token": errors.Reauthorize,
    "busy_66": errors.Unavailable,
    "missing_sign": errors.Denied,
    "missing_timestamp": errors.Denied,
    "missing_token": errors.Reauthorize,
    "no_permission": errors.Denied,
    "rate_limited": errors.Throttled,
    "timeout_65": errors.Unavailable,
}
MEMO = Memo(text="x")
SKU = SkuKey(listing_id="10001234567", sku_id=SKU_ID)


@pytest.mark.parametrize(("name", "kind"), EXPECTED.items())
def test_a_refused_read_raises_its_class_with_the_platforms_words(name: str, kind: Any) -> None:
    body = sample(f"error.{name}.response")
    with pytest.raises(errors.ChannelError) as caught:
        shop(Playback({wire.ORDER: body})).order(ORDER_ID)
    told = body["error_response"]
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.message) == (told["code"], told["zh_desc"])
    assert (caught.value.channel, caught.value.shop) == ("jd", "jd:10000001")
    assert caught.value.operation == "jingdong.pop.order.enGet"


@pytest.mark.parametrize(("name", "kind"), EXPECTED.items())
def test_a_refused_write_is_the_same_but_for_a_timeout_inside(name: str, kind: Any) -> None:
    outcome = shop(Playback({wire.SET_REMARK: sample(f"error.{name}.response")})).memo(ORDER_ID, MEMO)
    assert type(outcome.error) is (errors.OutcomeUnknown if name == "timeout_65" else kind)


def test_a_spent_quota_reaches_the_gate_without_a_moment() -> None:
    """The wire names none: one refusal must not stop a shop for a minute, nor a spent day be asked about for ever."""
    gate = Watch()
    with pytest.raises(errors.Throttled):
        shop(Playback({wire.ORDER: sample("error.rate_limited.response")}), gate).order(ORDER_ID)
    assert gate.refusals == [("jingdong.pop.order.enGet", None)]
    assert gate.reaches == [(Scope.APP, True)], "the quota is the app's"


def test_our_own_budgets_refusal_is_not_reported_as_the_platforms() -> None:
    gate = Watch()
    with pytest.raises(errors.Throttled):
        shop(Playback({wire.ORDER: errors.Throttled("budget", retry_after=9)}), gate).order(ORDER_ID)
    assert gate.refusals == []


def test_a_refused_search_is_an_error() -> None:
    with pytest.raises(errors.Rejected) as caught:
        list(shop(Playback({wire.ORDERS: sample("order.list.biz_error.response")})).orders(Window(NOW, NOW)))
    assert caught.value.code == "10100006"


def test_an_order_that_does_not_exist() -> None:
    with pytest.raises(errors.NotFound) as caught:
        shop(Playback({wire.ORDER: sample("order.get.not_found.response")})).order(ORDER_ID)
    assert caught.value.code == "10100012"


def test_an_answer_without_an_order_is_none_either() -> None:
    with pytest.raises(errors.NotFound):
        shop(Playback({wire.ORDER: wrapped(wire.ORDER, {"apiResult": {"success": "true"}})})).order(ORDER_ID)


@pytest.mark.parametrize("code", ["999999", "99999999"])
def test_a_retryable_refusal_of_a_write_does_not_mean_that_it_failed(code: str) -> None:
    answer = sample("order.ship.retryable.response")
    result = answer["jingdong_pop_order_shipment_responce"]["sopjosshipment_result"]
    assert result["errorCode"] == "999999"
    result["errorCode"] = code
    transport = Playback(
        {wire.COMPANIES: sample("logistics.company_list.response"), wire.ORDER: order_answer(), wire.SHIP: answer}
    )
    shipment = Shipment(order_id=ORDER_ID, parcels=(ParcelDraft(carrier="SF", tracking_no="SF1"),))
    assert type(shop(transport).ship(shipment, "key").error) is errors.OutcomeUnknown


SHAPES = [
    ({"apiResult": {"success": True, "numberCode": 0}}, Verdict(True)),
    ({"apiResult": {"success": "false", "numberCode": 7, "chineseErrCode": "x"}}, Verdict(False, "7", "x")),
    ({"success": "true", "errorCode": "0"}, Verdict(True)),
    ({"success": False, "errorCode": "8", "chineseErrCode": "x", "englishErrCode": "y"}, Verdict(False, "8", "x")),
    ({"success": False, "error_code": "8", "english_err_code": "y"}, Verdict(False, "8", "y")),
    ({"success": False, "errorCode": 9, "errorMsg": "x"}, Verdict(False, "9", "x")),
    ({"success": True, "code": 200, "msg": "ok"}, Verdict(True, "200", "ok")),
    ({"success": False, "code": "10", "msg": "x", "data": None}, Verdict(False, "10", "x")),
    ({"statusCode": 0, "statusMessage": "ok"}, Verdict(True, "", "ok")),
    ({"statusCode": "3", "statusMessage": "x"}, Verdict(False, "3", "x")),
    ({"code": 0, "msg": ""}, Verdict(True)),
    ({"code": "5", "requestId": "r", "message": "x"}, Verdict(False, "5", "x")),
    ({"success": False, "errorMessage": "x", "obj": None}, Verdict(False, "", "x")),
    ({"detailCode": "0", "detailMsg": ""}, Verdict(True)),
    ({"detailCode": "31", "detailMsg": "x"}, Verdict(False, "31", "x")),
    ({"api_jos_result": {"success": False, "result_code": "2", "result_describe": "x"}}, Verdict(False, "2", "x")),
    ({"success": False}, Verdict(False)),
    ({"data": []}, Verdict(None)),
]


@pytest.mark.parametrize(("result", "said"), SHAPES)
def test_every_documented_shape_of_yes_and_no(result: dict[str, Any], said: Verdict) -> None:
    assert verdict(result) == said


@pytest.mark.parametrize("key", ["_responce", "_response"])
def test_both_spellings_of_the_wrapper_are_read(key: str) -> None:
    wrapper = sample("order.get.response")["jingdong_pop_order_enGet_responce"]
    assert (
        shop(Playback({wire.ORDER: {f"jingdong_pop_order_enGet{key}": wrapper}})).order(ORDER_ID).value.id == ORDER_ID
    )


def test_a_wrapper_may_say_its_code_as_a_number_and_refuse_by_it() -> None:
    fine = order_answer()
    fine["jingdong_pop_order_enGet_responce"]["code"] = 0
    assert shop(Playback({wire.ORDER: fine})).order(ORDER_ID).value.id == ORDER_ID
    refused = {"jingdong_pop_order_enGet_responce": {"code": "19", "zh_desc": "x"}}
    with pytest.raises(errors.Reauthorize):
        shop(Playback({wire.ORDER: refused})).order(ORDER_ID)


@pytest.mark.parametrize(
    "body", [b'{"jingdong_pop_order_mod', b"[]", b"{}", b'{"x_responce":{"code":"0"}}', b'{"x_responce":[]}']
)
def test_a_write_with_an_unreadable_answer_is_unknown(body: bytes) -> None:
    assert type(shop(Playback({wire.SET_REMARK: body})).memo(ORDER_ID, MEMO).error) is errors.OutcomeUnknown


@pytest.mark.parametrize("body", [b'{"jingdong_pop_order_enG', b"[]", b"{}", b'{"x_responce":{"code":"0"}}'])
def test_a_read_with_an_unreadable_answer_is_malformed(body: bytes) -> None:
    with pytest.raises(errors.Malformed):
        shop(Playback({wire.ORDER: body})).order(ORDER_ID)


def test_a_write_whose_answer_says_neither_yes_nor_no_is_unknown() -> None:
    transport = Playback({wire.SKUS: known(SKU_ID), wire.SET_PRICE: wrapped(wire.SET_PRICE, {})})
    [outcome] = shop(transport).set_price([PriceWrite(SKU, Price(sale=100))])
    assert type(outcome.error) is errors.OutcomeUnknown


def test_a_code_nobody_listed_is_a_refusal() -> None:
    answer = {"error_response": {"code": "28", "zh_desc": "", "en_desc": "who knows"}}
    with pytest.raises(errors.Rejected) as caught:
        list(shop(Playback({wire.ORDERS: answer})).orders(Window(NOW, NOW)))
    assert (type(caught.value), caught.value.code, caught.value.message) == (errors.Rejected, "28", "who knows")


def test_the_table_lists_every_documented_code() -> None:
    documented = {2, 4, 5, 7, 8, 11, 12, 14, 15, 18, 19, 20, 21, 24, 33, 65, 66, 11100006}
    assert {int(code) for code in GATEWAY} >= documented


def test_a_failed_reading_before_a_stock_write_fails_its_items() -> None:
    transport = Playback({wire.SKUS: sample("error.bad_token.response")})
    outcomes = shop(transport).set_stock([StockWrite(SKU, 1), StockWrite(SKU, -1)])
    assert [type(outcome.error) for outcome in outcomes] == [errors.Reauthorize, errors.Invalid]
    assert transport.methods() == [wire.SKUS.name]


def test_once_the_platform_takes_no_more_the_rest_is_not_read() -> None:
    other = SkuKey(listing_id="10001234567", sku_id="2")
    transport = Playback({wire.SKUS: known(SKU_ID, "2"), wire.BOOKED: sample("error.rate_limited.response")})
    outcomes = shop(transport).set_stock([StockWrite(SKU, 1), StockWrite(other, 1)])
    assert [type(outcome.error) for outcome in outcomes] == [errors.Throttled, errors.Throttled]
    assert transport.methods() == [wire.SKUS.name, wire.BOOKED.name]


def test_a_refused_batch_is_halved_until_the_culprit_stands_alone() -> None:
    skus = [str(number) for number in range(1, 6)]

    def answer(business: dict[str, Any]) -> dict[str, Any]:
        rows = business["req"]["skuStocks"]
        if any(row["skuId"] == 3 for row in rows):
            return wrapped(wire.SET_STOCK, {"success": False, "errorMessage": "促销中", "obj": None})
        results = [{"data": row["skuId"], "success": True} for row in rows]
        return wrapped(wire.SET_STOCK, {"success": True, "obj": {"updateStockResult": results}})

    transport = Playback({wire.SKUS: known(*skus), wire.BOOKED: booked(0), wire.SET_STOCK: answer})
    batch = [StockWrite(SkuKey(listing_id="10001234567", sku_id=sku), 1) for sku in skus]
    outcomes = shop(transport).set_stock(batch)
    assert [outcome.item for outcome in outcomes] == batch
    assert [type(outcome.error).__name__ for outcome in outcomes if outcome.error] == ["Conflict"]
    assert outcomes[2].error is not None


def test_a_sku_that_the_answer_leaves_out_is_unknown() -> None:
    answer = wrapped(wire.SET_STOCK, {"success": True, "obj": {"updateStockResult": []}})
    transport = Playback({wire.SKUS: known(SKU_ID), wire.BOOKED: booked(0), wire.SET_STOCK: answer})
    [outcome] = shop(transport).set_stock([StockWrite(SKU, 1)])
    assert type(outcome.error) is errors.OutcomeUnknown
    assert (outcome.error.channel, outcome.error.shop) == ("jd", "jd:10000001")


def test_an_error_shows_no_secret() -> None:
    with pytest.raises(errors.Denied) as caught:
        shop(Playback({wire.ORDER: sample("error.bad_sign.response")})).order(ORDER_ID)
    for secret in (SECRET, TOKEN):
        assert secret not in repr(caught.value) + str(caught.value)
