"""Taobao's front door: the order of checks, error samples, bans, sessions, permissions, tokens, faults."""

import json
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import pytest

from sandbox.faults import FaultRule
from sandbox.gateway import NoAnswer, Request
from tests.sandbox.taobao_kit import FORM, Seller, differences, fixture, signed

LIST, NICK = "taobao.trades.sold.increment.get", "taobao.user.seller.get"


def _broken(seller: Seller, **changes: str | None) -> Any:
    """The error of a call with changed parameters (None removes one), signed again unless the sign is changed."""
    params = {name: value for name, value in seller.params(NICK, fields="nick").items() if name != "sign"}
    params = signed({name: value for name, value in (params | changes).items() if value}, seller.app.secret)
    for name in ("sign",):
        if name in changes:
            params[name] = changes[name] or ""
    return seller.send(params).json()["error_response"]


CHECKS: list[tuple[dict[str, str | None], int]] = [
    ({"format": None}, 23),
    ({"format": "xml"}, 23),
    ({"sign_method": None}, 40),
    ({"sign_method": "sha1"}, 41),
    ({"app_key": None}, 28),
    ({"sign": None}, 24),
    ({"method": None}, 21),
    ({"timestamp": None}, 30),
    ({"timestamp": "2024-03-15 10:19:59"}, 31),
    ({"timestamp": "15.03.2024"}, 31),
    ({"v": None}, 32),
    ({"v": "1.0"}, 33),
    ({"app_key": "1"}, 29),
    ({"method": "taobao.nothing.get"}, 22),
    ({"sign": "0" * 32}, 25),
    ({"session": None}, 26),
    ({"session": "6200"}, 27),
    ({"fields": None}, 40),
]


@pytest.mark.parametrize(("changes", "code"), CHECKS, ids=[f"{code} {next(iter(changes))}" for changes, code in CHECKS])
def test_each_check(changes: dict[str, str | None], code: int) -> None:
    assert _broken(Seller(), **changes)["code"] == code


PAIRS = [pair for pair in pairwise(CHECKS) if pair[0][0].keys() != pair[1][0].keys()]


@pytest.mark.parametrize(("earlier", "later"), PAIRS, ids=lambda check: f"{check[1]} {next(iter(check[0]))}")
def test_an_earlier_check_answers_first(earlier: tuple[Any, int], later: tuple[Any, int]) -> None:
    """Two faults at once: the earlier one is told."""
    assert _broken(Seller(), **(later[0] | earlier[0]))["code"] == earlier[1]


def test_error_samples() -> None:
    """Code, message and sub_code of every sampled gateway error."""
    seller = Seller(allowed_ips=["10.0.0.*"])
    found = {"ip_whitelist": seller.send(seller.params(NICK, fields="nick"), client_ip="192.0.2.10").json()}
    seller = Seller()
    found["missing_session"] = seller.answer(NICK, session=None, fields="nick")
    found["session_expired"] = seller.answer(NICK, session="6200", fields="nick")
    found["missing_argument"] = seller.answer(NICK)
    window = seller.window() | {"fields": "tid"}
    found["invalid_argument"] = seller.answer(LIST, **window, page_size="101")
    found["order_not_found"] = seller.answer("taobao.trade.fullinfo.get", fields="tid", tid="2150000000000000001")
    order = seller.order()
    found["oaid_field_miss"] = seller.answer(
        "taobao.trade.fullinfo.get", fields="tid", tid=order.order_id, include_oaid="true"
    )
    found["bad_mail_no"] = seller.answer("taobao.logistics.offline.send", **seller.ship(order, "X1"))
    seller.call("taobao.logistics.offline.send", **seller.ship(order))
    found["already_shipped"] = seller.answer("taobao.logistics.offline.send", **seller.ship(order))
    seller.shop.scopes = frozenset()
    found["permission"] = seller.answer(NICK, fields="nick")
    for name, answer in found.items():
        sample = fixture(f"error.{name}.response.json")["error_response"]
        answer["error_response"].pop("request_id")
        sample.pop("request_id")
        assert answer["error_response"] == sample, name


def test_epoch_milliseconds_are_a_timestamp_too() -> None:
    seller = Seller()
    params = seller.params("taobao.time.get", session=None) | {"timestamp": str(int(seller.world.now() * 1000))}
    params.pop("sign")
    assert "time_get_response" in seller.send(signed(params, seller.app.secret)).json()


def test_a_method_called_too_often_is_banned_for_a_while() -> None:
    seller = Seller(
        rate_limits_on=True, rate_limits={"taobao": {NICK: {"app": [2, 1]}}}, taobao_ban=5, taobao_default_limit=None
    )
    for _ in range(2):
        seller.call(NICK, fields="nick")
    error = seller.answer(NICK, fields="nick")["error_response"]
    assert (error["code"], error["sub_code"]) == (7, "accesscontrol.limited-by-app-api-access-count")
    assert error["sub_msg"] == "This ban will last for 5 more seconds"
    seller.world.advance(3)
    assert seller.answer(NICK, fields="nick")["error_response"]["sub_msg"] == "This ban will last for 2 more seconds"
    assert "time_get_response" in seller.answer("taobao.time.get", session=None), "other methods go on"
    seller.world.advance(2)
    seller.call(NICK, fields="nick")
    assert seller.world.calls["taobao"][NICK] == {"count": 5, "throttled": 2}


def test_a_window_of_the_whole_api_has_a_code_of_its_own() -> None:
    seller = Seller(rate_limits_on=True, rate_limits={"taobao": {"*": {"api": [1, 1]}}})
    seller.call(NICK, fields="nick")
    assert seller.refused(NICK, fields="nick") == "7 accesscontrol.limited-by-api-access-count"


def test_a_day_full_of_calls_bans_the_app_until_midnight() -> None:
    seller = Seller(rate_limits_on=True, taobao_calls_a_day=2)
    for _ in range(2):
        seller.call(NICK, fields="nick")
    error = seller.answer("taobao.time.get", session=None)["error_response"]
    assert error["sub_code"] == "accesscontrol.limited-by-app-access-count"
    assert error["sub_msg"] == "This ban will last for 48600 more seconds"
    seller.world.advance(48_600)
    seller.call(NICK, fields="nick")


def test_an_injected_throttle_bans_as_long_as_it_says() -> None:
    seller = Seller()
    rule = {"kind": "throttle", "channel": "taobao", "times": 1, "seconds": 37}
    rule["sub_code"] = "accesscontrol.limited-by-app-access-count"
    seller.world.faults.add(FaultRule.model_validate(rule))
    error = seller.answer(NICK, fields="nick")
    assert differences(fixture("error.rate_limited.app.response.json"), error) == []
    assert error["error_response"]["sub_msg"] == "This ban will last for 37 more seconds"


def test_system_errors_and_their_sub_codes() -> None:
    seller = Seller()
    seller.world.faults.add(FaultRule(kind="system_error", channel="taobao", times=1))
    sample = fixture("error.timeout_retryable.response.json")["error_response"]
    error = seller.answer(NICK, fields="nick")["error_response"]
    assert {**error, "request_id": ""} == {**sample, "request_id": ""}
    seller.world.faults.add(FaultRule(kind="system_error", channel="taobao", times=1, sub_code="isp.call-limited"))
    assert seller.refused(NICK, fields="nick") == "15 isp.call-limited"
    seller.call(NICK, fields="nick")


def test_a_timeout_after_the_call_leaves_its_effect() -> None:
    seller = Seller()
    order = seller.order()
    seller.world.faults.add(FaultRule(kind="timeout_after", channel="taobao", times=1))
    with pytest.raises(NoAnswer):
        seller.answer("taobao.logistics.offline.send", **seller.ship(order))
    refusal = seller.refused("taobao.logistics.offline.send", **seller.ship(order))
    assert refusal == "15 isv.logistics-offline-service-error:B04"
    assert order.ship_accepts == 1


@pytest.mark.parametrize("kind", ["timeout_after", "truncated"])
def test_a_fault_may_spare_the_tokens(kind: str) -> None:
    """A lost answer of this call cannot be mended: the refresh token it replaced is dead."""
    seller = Seller()
    rule = {"kind": kind, "channel": "taobao"}
    refresh = "taobao.top.auth.token.refresh"
    seller.world.faults.add(FaultRule.model_validate(rule | {"spare_tokens": True}))
    before = seller.shop.grant.refresh_token
    assert "token_result" in seller.call(refresh, session=None, refresh_token=before)
    assert seller.shop.grant.refresh_token != before
    with pytest.raises((NoAnswer, ValueError)):
        seller.call(NICK, fields="nick")
    seller.world.faults.clear()
    seller.world.faults.add(FaultRule.model_validate(rule))
    with pytest.raises((NoAnswer, ValueError)):
        seller.call(refresh, session=None, refresh_token=seller.shop.grant.refresh_token)


def test_sessions_end() -> None:
    seller = Seller(shops=2)
    other = seller.world.shops["taobao"]["2200112234"]
    assert seller.call(NICK, fields="user_id,type")["user"] == {"user_id": 2200112233, "type": "C"}
    assert seller.call(NICK, session=other.grant.access_token, fields="type")["user"] == {"type": "B"}
    seller.shop.authorised = False
    assert seller.refused(NICK, fields="nick") == "27 session-not-exist"
    seller.shop.authorised = True
    seller.world.faults.add(FaultRule(kind="token_death", channel="taobao", times=1))
    assert seller.refused(NICK, fields="nick") == "27 invalid-sessionkey"


def test_high_risk_calls_need_a_fresh_authorisation() -> None:
    seller = Seller(taobao_risky_life=1800)
    seller.world.advance(1801)
    assert seller.refused("taobao.rp.refunds.agree", refund_infos="x").startswith("42")
    seller.call(NICK, fields="nick")


def _token(seller: Seller, **form: str) -> Any:
    client = {"client_id": seller.app.key, "client_secret": seller.app.secret}
    body = urlencode(client | form).encode()
    return seller.sandbox.handle(Request("POST", "/token", [], FORM, body)).json()


def test_authorisation_from_the_page_to_a_refreshed_token() -> None:
    seller = Seller()
    back = "https://erp.example.com/oauth/taobao/callback"
    query = {"response_type": "code", "client_id": seller.app.key, "redirect_uri": back, "state": "s1", "view": "web"}
    page = seller.sandbox.handle(Request("GET", "/authorize", list(query.items())))
    assert page.status == 302
    answer = {name: value[0] for name, value in parse_qs(urlsplit(page.headers["location"]).query).items()}
    assert answer["state"] == "s1"
    grant = {"grant_type": "authorization_code", "code": answer["code"]}
    token = _token(seller, **grant, redirect_uri=back)
    assert differences(fixture("auth.token.response.json"), token) == []
    assert unquote(token["taobao_user_nick"]) == seller.shop.name
    assert token["expires_in"] == 7_776_000
    assert token["access_token"].startswith("6")
    assert token["access_token"].endswith(token["taobao_user_id"])
    again = _token(seller, **grant, redirect_uri=back)
    assert again == {"error": "invalid_grant", "error_description": "authorize code expire"}
    seller.call(NICK, session=token["access_token"], fields="nick")
    renewed = _token(seller, grant_type="refresh_token", refresh_token=token["refresh_token"])
    assert renewed["refresh_token"] != token["refresh_token"]
    assert seller.refused(NICK, session=token["access_token"], fields="nick") == "27 invalid-sessionkey"
    assert _token(seller, grant_type="refresh_token", refresh_token=token["refresh_token"])["error"] == "invalid_grant"


def test_what_the_token_endpoint_refuses() -> None:
    seller = Seller()
    code = seller.world.issue_code(seller.shop)
    assert _token(seller, client_secret="x")["error_description"] == "client_secret is invalidate"
    assert _token(seller, grant_type="password")["error"] == "unsupported_grant_type"
    wrong = _token(seller, grant_type="authorization_code", code=code)
    assert wrong["error_description"] == "redirect_uri is invalidate"
    late = seller.world.issue_code(seller.shop)
    seller.world.advance(1801)
    wrong = _token(seller, grant_type="authorization_code", code=late, redirect_uri="https://x.example.com")
    assert wrong["error_description"] == "authorize code expire"


@pytest.mark.parametrize("refreshable", [True, False])
def test_tokens_by_api(refreshable: bool) -> None:
    seller = Seller(taobao_refreshable=refreshable)
    create = "taobao.top.auth.token.create"
    found = seller.answer(create, session=None, code=seller.world.issue_code(seller.shop))
    sample = fixture("auth.token_create.response.json")
    assert differences(sample, found) == []
    fields = json.loads(found["top_auth_token_create_response"]["token_result"])
    assert differences(json.loads(sample["top_auth_token_create_response"]["token_result"]), fields) == []
    assert (fields["re_expires_in"] > 0) is refreshable
    refresh = "taobao.top.auth.token.refresh"
    renewed = seller.answer(refresh, session=None, refresh_token=fields["refresh_token"])
    if refreshable:
        assert differences(fixture("auth.token_refresh.response.json"), renewed) == []
    else:
        assert renewed["error_response"]["code"] == 15
    assert seller.refused(create, session=None, code="spent") == "15 isv.invalid-grant"


def test_http_methods_and_paths() -> None:
    seller = Seller()
    assert seller.sandbox.handle(Request("PUT", "/router/rest")).json()["error_response"]["code"] == 9
    assert seller.sandbox.handle(Request("POST", "/router/other")).status == 404
    assert seller.sandbox.handle(Request("GET", "/authorize")).status == 400
