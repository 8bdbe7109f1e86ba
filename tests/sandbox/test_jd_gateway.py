"""JD's front door: signatures, order of checks, error answers, faults, quota, OAuth."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sandbox.faults import FaultRule
from sandbox.gateway import NoAnswer, Request
from sandbox.jd import signing
from tests.sandbox.jd_kit import FIXTURES, REFRESH, TOKEN, Keeper, sample

VECTORS = [each for each in sample("sign-vectors") if each["gateway"] == "routerjson"]
REQUESTS = sorted(path.name.removesuffix(".json") for path in FIXTURES.glob("*.request.json"))
REQUESTS = [name for name in REQUESTS if "form" in sample(name)]
SHOP = "jingdong.vender.shop.query"
PROVINCES = "jingdong.areas.province.get"
ERRORS = {
    "bad_app_key": 21,
    "bad_method": 15,
    "bad_sign": 12,
    "bad_timestamp": 8,
    "bad_token": 19,
    "busy_66": 66,
    "missing_sign": 11,
    "missing_timestamp": 7,
    "missing_token": 18,
    "no_permission": 24,
    "rate_limited": 2,
    "timeout_65": 65,
}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda each: each["description"][:3])
def test_signature_vectors(vector: dict[str, Any]) -> None:
    fits = signing.sign(vector["params"], vector["app_secret"]) == vector["sign"]
    assert fits == (vector.get("rule") != "keep_empty")


@pytest.mark.parametrize("name", REQUESTS)
def test_request_samples_pass_the_gateway(name: str) -> None:
    """Ids of the samples do not exist here, so business refusals are fine; gateway refusals are not."""
    answer = Keeper().post(sample(name)["form"])
    assert list(answer) == [sample(name)["form"]["method"].replace(".", "_") + "_responce"]
    assert next(iter(answer.values()))["code"] == "0"


def test_checks_come_in_order() -> None:
    """Each fault repaired uncovers the next one."""
    keeper = Keeper()
    form = {"access_token": "x"}
    assert keeper.refused(form) == 20
    form["app_key"] = "x"
    assert keeper.refused(form) == 21
    form["app_key"] = keeper.app.key
    assert keeper.refused(form) == 14
    form["method"] = "jingdong.no.such"
    assert keeper.refused(form) == 7
    form["timestamp"] = "2026-03-15T10:20:30"
    assert keeper.refused(form) == 8
    form["timestamp"] = "2026-03-15 10:14:29"
    assert keeper.refused(form) == 8
    form["timestamp"] = "2026-03-15 10:14:30.000+0800"
    assert keeper.refused(form) == 4
    form["v"] = "1.0"
    assert keeper.refused(form) == 5
    form["v"] = "2.0"
    assert keeper.refused(form) == 11
    assert keeper.refused(form | {"sign": "0" * 32}) == 12
    assert keeper.refused(keeper.signed(form)) == 15
    form["method"] = SHOP
    assert keeper.refused(keeper.signed(form | {"access_token": ""})) == 18
    assert keeper.refused(keeper.signed(form)) == 19
    form["access_token"] = TOKEN
    keeper.shop.scopes = frozenset({"jingdong.pop.order.enGet"})
    assert keeper.refused(keeper.signed(form)) == 24
    keeper.shop.scopes = None
    keeper.world.faults.add(FaultRule(kind="throttle", channel="jd", times=1))
    assert keeper.refused(keeper.signed(form)) == 2
    assert "error_response" not in keeper.post(keeper.signed(form))


def test_lower_case_signature_and_empty_values() -> None:
    keeper = Keeper()
    form = keeper.form(PROVINCES, token=False)
    assert keeper.refused(form | {"sign": form["sign"].lower()}) == 12
    assert "error_response" not in keeper.post(form | {"access_token": ""}), "an empty value is not signed"


def test_query_and_form_are_one_set() -> None:
    keeper = Keeper()
    form = keeper.form(SHOP)
    body = {"360buy_param_json": form.pop("360buy_param_json")}
    assert "error_response" not in keeper.post(body, form)
    got = keeper.sandbox.handle(Request("GET", "/routerjson", list((form | body).items()))).json()
    assert "error_response" not in got


@pytest.mark.parametrize("name", ERRORS)
def test_error_samples(name: str) -> None:
    expected = sample(f"error.{name}.response")
    keeper = Keeper()
    form = keeper.form(SHOP)
    match name:
        case "bad_app_key":
            form["app_key"] = "0" * 32
        case "bad_method":
            form = keeper.form("jingdong.no.such")
        case "bad_sign":
            form["sign"] = "0" * 32
        case "bad_timestamp":
            keeper.world.advance(361)
        case "bad_token":
            keeper.world.faults.add(FaultRule(kind="token_death", channel="jd", times=1))
        case "busy_66":
            keeper.world.faults.add(FaultRule(kind="system_error", channel="jd"))
        case "missing_sign" | "missing_timestamp":
            del form[name.removeprefix("missing_")]
        case "missing_token":
            form = keeper.form(SHOP, token=False)
        case "no_permission":
            keeper.shop.scopes = frozenset()
        case "rate_limited":
            keeper.world.faults.add(FaultRule(kind="throttle", channel="jd"))
        case "timeout_65":
            keeper.world.faults.add(FaultRule(kind="system_error", channel="jd", code=65))
    assert keeper.post(form) == expected


def test_faults_of_a_broken_gateway() -> None:
    keeper = Keeper()
    for kind in ("html", "http_5xx", "truncated"):
        keeper.world.faults.add(FaultRule(kind=kind, channel="jd", times=1))
    html, broken, cut = (keeper.send(keeper.form(SHOP)) for _ in range(3))
    assert broken.status == 502 or html.status == 502
    assert sorted(each.headers["content-type"] for each in (html, broken)) == ["text/html", "text/plain"]
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        cut.json()


def test_a_call_that_took_effect_may_stay_unanswered() -> None:
    keeper = Keeper()
    order = keeper.order()
    keeper.world.faults.add(FaultRule(kind="timeout_after", channel="jd", times=1))
    with pytest.raises(NoAnswer):
        keeper.ship(order)
    assert keeper.state(order) == "WAIT_GOODS_RECEIVE_CONFIRM"


def test_quota_of_the_settings() -> None:
    keeper = Keeper(rate_limits={"jd": {SHOP: {"app": (2, 60)}}})
    codes = [keeper.post(keeper.form(SHOP)).get("error_response", {}).get("code") for _ in range(3)]
    assert codes == [None, None, "2"]
    assert keeper.world.calls["jd"][SHOP] == {"count": 3, "throttled": 1}


def test_broken_business_text() -> None:
    keeper = Keeper()
    form = keeper.form(SHOP)
    for text in ("{", "[]", "1", r'{"remark":"\ud83d"}'):
        assert keeper.refused(keeper.signed(form | {"360buy_param_json": text})) == 61


def _oauth(keeper: Keeper, step: str, **query: str) -> Any:
    return keeper.sandbox.handle(Request("GET", f"/oauth2/{step}", list(query.items())))


def test_authorising_from_the_redirect_to_the_first_call() -> None:
    keeper = Keeper()
    keeper.shop.authorised = False
    asked = sample("oauth.authorize.request")["query"]
    sent_back = _oauth(keeper, "to_login", **asked)
    assert sent_back.status == 302
    target = urlsplit(sent_back.headers["location"])
    values = parse_qs(target.query)
    assert (target.netloc, target.path, values["state"]) == ("erp.example.com", "/oauth/jd", [asked["state"]])
    query = sample("oauth.token.request")["query"] | {"code": values["code"][0]}
    tokens = _oauth(keeper, "access_token", **query).json()
    assert {name: type(value) for name, value in tokens.items()} == {
        name: type(value) for name, value in sample("oauth.token.response").items()
    }
    assert tokens["access_token"] == keeper.shop.grant.access_token != TOKEN
    assert tokens["expires_in"] == 31_535_999
    assert "error_response" not in keeper.post(keeper.form(SHOP))
    assert _oauth(keeper, "access_token", **query).json()["code"] == 402, "a code works once"


def test_a_refresh_prolongs_the_same_token() -> None:
    keeper = Keeper()
    query = sample("oauth.refresh.request")["query"]
    keeper.shop.grant.access_expires = keeper.world.now() - 1
    assert keeper.refused(keeper.form(SHOP)) == 19
    tokens = _oauth(keeper, "refresh_token", **query).json()
    assert (tokens["access_token"], tokens["refresh_token"], tokens["code"]) == (TOKEN, REFRESH, 0)
    assert "error_response" not in keeper.post(keeper.form(SHOP))
    keeper.world.change_settings({"jd_refresh_keeps_token": False})
    assert _oauth(keeper, "refresh_token", **query).json()["access_token"] != TOKEN


def test_oauth_refusals() -> None:
    keeper = Keeper()
    query = sample("oauth.refresh.request")["query"]
    for changed, code in (({"app_key": "x"}, 101), ({"app_secret": "x"}, 404), ({"refresh_token": "x"}, 403)):
        assert _oauth(keeper, "refresh_token", **(query | changed)).json()["code"] == code
    keeper.shop.authorised = False
    assert _oauth(keeper, "refresh_token", **query).json()["code"] == 403
    assert keeper.refused(keeper.form(SHOP)) == 19
