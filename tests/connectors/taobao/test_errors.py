"""Every documented error becomes the class that says what to do about it."""

from typing import Any

import pytest

from connectors.taobao import wire
from connectors.taobao.client import classify
from core import errors
from core.channel import Scope, StockDelta
from core.errors import ChannelError
from core.model import Memo, SkuKey
from tests.connectors.taobao.kit import SESSION, TID, WINDOW, Playback, Watch, refused, sample, shop

SAMPLES: dict[str, type[ChannelError]] = {
    "error.bad_sign": errors.Denied,
    "error.bad_timestamp": errors.Denied,
    "error.invalid_app_key": errors.Denied,
    "error.invalid_argument": errors.Invalid,
    "error.invalid_method": errors.Unsupported,
    "error.ip_whitelist": errors.Denied,
    "error.item_deleted": errors.NotFound,
    "error.missing_argument": errors.Invalid,
    "error.missing_session": errors.Reauthorize,
    "error.oaid_field_miss": errors.Invalid,
    "error.order_not_found": errors.NotFound,
    "error.permission": errors.Denied,
    "error.rate_limited.api": errors.Throttled,
    "error.rate_limited.app": errors.Throttled,
    "error.session_expired": errors.Reauthorize,
    "error.stock_below_withhold": errors.Conflict,
    "error.timeout_retryable": errors.Unavailable,
    "error.already_shipped": errors.AlreadyDone,
    "error.bad_mail_no": errors.Invalid,
}


@pytest.mark.parametrize(("name", "kind"), SAMPLES.items())
def test_sample(name: str, kind: type[ChannelError]) -> None:
    answer = sample(f"{name}.response")
    with pytest.raises(kind) as raised:
        shop(Playback(trade_fullinfo_get=answer)).order(TID)
    told = answer["error_response"]
    error = raised.value
    assert type(error) is kind
    assert (error.code, error.sub_code) == (str(told["code"]), told.get("sub_code", ""))
    assert error.request_id == "16qz9y8x7w6v5"
    assert (error.channel, error.shop) == ("taobao", "taobao:2200112233")
    assert error.operation == "taobao.trade.fullinfo.get"
    assert error.message == told.get("sub_msg", told["msg"])
    assert SESSION not in str(error)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (4, errors.Throttled), (5, errors.Throttled), (6, errors.Throttled), (7, errors.Throttled),
        (8, errors.Throttled), (3, errors.Invalid), (9, errors.Invalid), (10, errors.Unavailable),
        (12, errors.Denied), (13, errors.Denied), (21, errors.Invalid), (23, errors.Invalid), (24, errors.Denied),
        (28, errors.Denied), (30, errors.Denied), (32, errors.Invalid), (33, errors.Invalid), (34, errors.Invalid),
        (42, errors.Reauthorize), (43, errors.Invalid), (44, errors.Denied), (47, errors.Invalid),
        (52, errors.Unavailable), (53, errors.Reauthorize), (520, errors.Unavailable), (530, errors.Unavailable),
        (15, errors.Rejected), (50, errors.Rejected), (614, errors.Rejected),
    ],
)  # fmt: skip
def test_every_code_alone(code: int, kind: type[ChannelError]) -> None:
    assert classify(str(code), "", "", write=False) is kind


@pytest.mark.parametrize(
    ("sub_code", "kind"),
    [
        ("isp.top-remote-connection-timeout", errors.Unavailable),
        ("isp.remote-service-error", errors.Unavailable),
        ("isp.item-service-unavailable", errors.Unavailable),
        ("isp.system-busy", errors.Unavailable),
        ("isp.unknown-error", errors.Unavailable),
        ("isp.call-limited", errors.Throttled),
        ("isp.top-parse-error", errors.Rejected),
        ("isp.top-mapping-parse-error", errors.Rejected),
        ("isv.item-service-rejection", errors.Unavailable),
        ("accesscontrol.limited-by-dynamic-access-count", errors.Throttled),
        ("isv.user-not-exist:invalid-nick", errors.NotFound),
        ("isv.shop-not-exist", errors.NotFound),
        ("isv.invalid-parameter:closereason_wrong", errors.Invalid),
        ("isv.invalid-parameter:tid", errors.Invalid),
        ("isv.invalid-parameter:seller_nick:P17", errors.NotFound),
        ("isv.missing-parameter:fields", errors.Invalid),
        ("isv.invalid-permission", errors.Denied),
        ("subuser.has-no-permission", errors.Denied),
        ("CLOSE_TRADE_TOO_FAST", errors.NotYet),
        ("session-not-exist", errors.Reauthorize),
        ("isv.item-not-exist:invalid-numIid-or-iid", errors.NotFound),
        ("isv.item-not-exist:invalid-numIid-or-iid-tmall", errors.NotFound),
        ("isv.invalid-parameter:sku-properties", errors.NotFound),
        ("isv.invalid-parameter:quantity", errors.Invalid),
        ("isv.item-quantity-item-update-service-error-tmall", errors.Conflict),
        ("isv.item-quantity-sku-update-service-error", errors.Conflict),
        ("isv.item-is-presale:invalid-presale-tags-id", errors.Conflict),
        ("isv.item-listing-service-error:QUANTITY_ITEM_CAT_TOO_LARGE", errors.Conflict),
        ("isv.something-new", errors.Rejected),
    ],
)
@pytest.mark.parametrize("code", ["15", "50"])
def test_every_sub_code(code: str, sub_code: str, kind: type[ChannelError]) -> None:
    assert classify(code, sub_code, "", write=False) is kind


@pytest.mark.parametrize(
    ("family", "words", "kind"),
    [
        ("offline", "B01 P02 P17", errors.NotFound),
        ("offline", "B02 B55 B05 B98 CD01 CD86 CD19 P05 P06 P08", errors.Conflict),
        ("online", "B04 B27", errors.AlreadyDone),
        ("offline", "B56", errors.UnknownCarrier),
        ("offline", "B06 B57 B58 B59 B60 P10 B52 B105 B79 B86 B101 P01 P22 P25 P38 CD22 CD31 F F01 F06",
         errors.Invalid),
        ("dummy", "B150", errors.NotYet),
        ("online", "S01", errors.Unavailable),
        ("offline", "P03", errors.Reauthorize),
        ("confirm", "P03", errors.Invalid),
        ("order-cancel", "X99", errors.Rejected),
    ],
)  # fmt: skip
def test_every_logistics_word(family: str, words: str, kind: type[ChannelError]) -> None:
    for word in words.split():
        sub_code = f"isv.logistics-{family}-service-error:{word}"
        assert classify("15", sub_code, "", write=False) is kind, word


def test_a_logistics_word_may_carry_its_meaning_behind_it() -> None:
    assert classify("15", "isv.logistics-offline-service-error:CD01#发货方式不匹配", "", write=False) is errors.Conflict


@pytest.mark.parametrize(
    ("word", "kind"),
    [("P07", errors.AlreadyDone), ("CD19", errors.Conflict), ("P03", errors.Invalid), ("P10", errors.Invalid)],
)
def test_a_changed_number_has_its_own_family(word: str, kind: type[ChannelError]) -> None:
    assert classify("15", f"isv.logistics-update-company-or-mailno-error:{word}", "", write=False) is kind


@pytest.mark.parametrize("words", ["库存中心服务正忙，请稍后", "数据存储服务正在维护中", "服务不可用"])
def test_a_busy_platform_says_so_in_words(words: str) -> None:
    assert classify("15", "isv.unknown", words, write=False) is errors.Unavailable


@pytest.mark.parametrize(
    ("sub_msg", "wait"),
    [
        ("This ban will last for 37 more seconds", 37.0),
        ("This ban will last for 31062 more seconds", 31062.0),
        ("This ban will last for 1 more second", 1.0),
        ("", 1.0),
    ],
)
def test_a_ban_says_how_long_it_lasts_and_the_gate_is_told(sub_msg: str, wait: float) -> None:
    gate = Watch()
    answer = refused(7, "accesscontrol.limited-by-app-access-count", sub_msg)
    with pytest.raises(errors.Throttled) as raised:
        shop(Playback(trade_fullinfo_get=answer), gate).order(TID)
    assert raised.value.retry_after == wait
    assert gate.refusals == [("taobao.trade.fullinfo.get", wait)]


@pytest.mark.parametrize(
    ("sub_code", "reach"),
    [
        ("accesscontrol.limited-by-app-access-count", (Scope.APP, True)),
        ("accesscontrol.limited-by-app-api-access-count", (Scope.APP, False)),
        ("accesscontrol.limited-by-api-access-count", (Scope.APP, False)),
        ("accesscontrol.limited-by-dynamic-access-count", (Scope.SHOP, False)),
        ("isp.call-limited", (Scope.SHOP, False)),
    ],
)
def test_a_ban_is_about_all_shops_or_one_and_all_methods_or_one(sub_code: str, reach: tuple[Scope, bool]) -> None:
    gate = Watch()
    answer = refused(7, sub_code, "This ban will last for 2 more seconds")
    with pytest.raises(errors.Throttled):
        shop(Playback(trade_fullinfo_get=answer), gate).order(TID)
    assert gate.reaches == [reach]


def test_our_own_budget_is_not_the_channels_refusal() -> None:
    gate = Watch()
    ours = errors.Throttled("our rate budget is used up", retry_after=3.0)
    with pytest.raises(errors.Throttled):
        shop(Playback(trade_fullinfo_get=ours), gate).order(TID)
    assert gate.refusals == []


@pytest.mark.parametrize(
    ("code", "sub_code", "kind"),
    [
        (15, "isp.remote-service-timeout", errors.OutcomeUnknown),
        (15, "isp.logistics-online-service-error:S01", errors.OutcomeUnknown),
        (10, "", errors.OutcomeUnknown),
        (520, "", errors.OutcomeUnknown),
        (15, "isv.trade-service-rejection", errors.Unavailable),
        (7, "accesscontrol.limited-by-api-access-count", errors.Throttled),
    ],
)
def test_a_platform_fault_proves_nothing_about_a_write(code: int, sub_code: str, kind: type[ChannelError]) -> None:
    outcome = shop(Playback(trade_memo_update=refused(code, sub_code))).memo(TID, Memo(text="x"))
    assert type(outcome.error) is kind


@pytest.mark.parametrize("body", [b"<html>502</html>", b'{"trade_fullinfo_get_response":{"trade":{"ti', b"[1]"])
def test_what_is_no_answer(body: bytes) -> None:
    read = shop(Playback(trade_fullinfo_get=body))
    with pytest.raises(errors.Malformed):
        read.order(TID)
    outcome = shop(Playback(trade_memo_update=body)).memo(TID, Memo(text="x"))
    assert type(outcome.error) is errors.OutcomeUnknown


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"other_response": {"total_results": 0}},
        {"trades_sold_increment_get_response": {"request_id": "1"}},
        {"trades_sold_increment_get_response": {"total_results": 1, "trades": {"trade": "none"}}},
    ],
)
def test_a_list_that_is_not_one_is_never_an_empty_list(answer: dict[str, Any]) -> None:
    with pytest.raises(errors.Malformed):
        list(shop(Playback(trades_sold_increment_get=answer)).orders(WINDOW))


def test_a_success_that_says_no() -> None:
    no = {"tmc_user_permit_response": {"is_success": False, "request_id": "1"}}
    with pytest.raises(errors.Rejected):
        shop(Playback(tmc_user_permit=no)).subscribe()
    with pytest.raises(errors.OutcomeUnknown):
        shop(Playback(tmc_user_permit={"tmc_user_permit_response": {"request_id": "1"}})).subscribe()


def test_a_dead_token_stops_the_batch() -> None:
    transport = Playback(tmall_item_quantity_update=sample("error.session_expired.response"))
    key = SkuKey(listing_id="1", sku_id="2")
    batch = [StockDelta(key, 1, str(n)) for n in range(3)]
    outcomes = shop(transport, write_api="tmall").adjust_stock(batch)
    assert [type(outcome.error) for outcome in outcomes] == [errors.Reauthorize] * 3
    assert len(transport.asked) == 1


def test_a_token_answer_that_is_none() -> None:
    broken = {"top_auth_token_refresh_response": {"token_result": "no json"}}
    with pytest.raises(errors.Malformed):
        shop(Playback(top_auth_token_refresh=broken)).refresh()


def test_the_token_endpoints_own_error_names_no_tokens() -> None:
    """`/token` is asked by the operator's browser only; its error is not one of the router."""
    told = sample("auth.token.error.response")
    assert set(told) == {"error", "error_description"}
    for name in ("auth.token.response", "auth.token_create.response"):
        answer = sample(name)
        text = answer.get("top_auth_token_create_response", {}).get("token_result")
        tokens = wire.TokenAnswer(token_result=text).tokens() if text else wire.Tokens.model_validate(answer)
        assert (tokens.taobao_user_id, tokens.expires_in, tokens.re_expires_in) == ("2200112233", 86400, 0)
        assert tokens.access_token == SESSION
        assert SESSION not in repr(tokens)
