"""Pinduoduo's checks in their order, tokens, rate limits, faults."""

import httpx
import pytest

from sandbox.faults import FaultRule
from sandbox.gateway import NoAnswer
from sandbox.pinduoduo import signing
from sandbox.transport import mock_transport
from tests.sandbox.pdd_kit import ACCESS, REFRESH, Shopkeeper

MALL = "pdd.mall.info.get"


def _error(keeper: Shopkeeper, body: dict[str, str]) -> int:
    return int(keeper.post(body).json()["error_response"]["error_code"])


def test_checks_come_in_order() -> None:
    """Each step repairs one thing; the next error shows up."""
    keeper = Shopkeeper()
    body = {"client_id": "x", "timestamp": "1", "sign": "A", "access_token": "x"}
    assert _error(keeper, body) == 10001
    assert _error(keeper, body | {"type": "pdd.no.such"}) == 10017
    body |= {"type": MALL}
    assert _error(keeper, {name: value for name, value in body.items() if name != "sign"}) == 10001
    assert _error(keeper, body) == 10016
    body |= {"client_id": keeper.app.key}
    assert _error(keeper, body) == 10001
    body |= {"timestamp": str(int(keeper.world.now() * 1000))}
    assert _error(keeper, body) == 10001
    body |= {"timestamp": str(int(keeper.world.now()) - 599)}
    assert _error(keeper, body) == 20004
    keeper.world.change_settings({"allowed_ips": ["10.0.0.1"]})
    assert _error(keeper, body | {"sign": signing.sign(body, keeper.app.secret)}) == 20005
    keeper.world.change_settings({"allowed_ips": None})
    assert _error(keeper, body | {"sign": signing.sign(body, keeper.app.secret)}) == 20032
    keeper.shop.grant.access_expires = keeper.world.now()
    assert keeper.code(MALL) == 10019
    keeper.shop.grant.access_expires = keeper.world.now() + 1
    keeper.shop.scopes = frozenset({"pdd.order.list.get"})
    assert keeper.code(MALL) == 20031
    keeper.shop.scopes = None
    assert keeper.call(MALL)["mall_id"] == 100200300


def test_timestamp_outside_ten_minutes_is_refused() -> None:
    keeper = Shopkeeper()
    body = keeper.body(MALL)
    keeper.world.advance(601)
    answer = keeper.post(body).json()["error_response"]
    assert (answer["error_code"], answer["error_msg"]) == (10001, "公共参数错误:timestamp")


def test_broken_json_is_a_bad_parameter() -> None:
    keeper = Shopkeeper()
    transport = mock_transport(keeper.sandbox)
    answer = httpx.Client(transport=transport).post(
        "http://x/api/router", content=b"{", headers={"content-type": "application/json"}
    )
    assert answer.json()["error_response"]["error_code"] == 10000
    assert _error(keeper, keeper.body(MALL) | {"note": "\ud83d"}) == 10000


def test_refresh_replaces_both_tokens_and_the_old_access_token_counts_as_expired() -> None:
    keeper = Shopkeeper()
    answer = keeper.call("pdd.pop.auth.token.refresh", token=False, refresh_token=REFRESH)
    assert answer["access_token"] == keeper.shop.grant.access_token != ACCESS
    assert answer["owner_id"] == "100200300"
    body = {name: value for name, value in keeper.body(MALL).items() if name != "sign"} | {"access_token": ACCESS}
    assert _error(keeper, body | {"sign": signing.sign(body, keeper.app.secret)}) == 10019
    assert keeper.code("pdd.pop.auth.token.refresh", token=False, refresh_token=REFRESH) == 50001
    assert keeper.call(MALL)["mall_id"] == 100200300


def test_a_code_works_once_for_ten_minutes_and_voids_older_tokens() -> None:
    keeper = Shopkeeper()
    code = keeper.world.issue_code(keeper.shop)
    assert keeper.call("pdd.pop.auth.token.create", token=False, code=code)["access_token"] != ACCESS
    assert keeper.code("pdd.pop.auth.token.create", token=False, code=code) == 50001
    body = {name: value for name, value in keeper.body(MALL).items() if name != "sign"} | {"access_token": ACCESS}
    assert _error(keeper, body | {"sign": signing.sign(body, keeper.app.secret)}) == 20032
    late = keeper.world.issue_code(keeper.shop)
    keeper.world.advance(601)
    assert keeper.code("pdd.pop.auth.token.create", token=False, code=late) == 50001


def test_limits_are_windows_per_shop_app_and_api() -> None:
    limits = {"pinduoduo": {MALL: {"shop": (2, 10)}, "pdd.time.get": {"api": (1, 10)}}}
    keeper = Shopkeeper(rate_limits=limits)
    assert "error_code" not in keeper.call(MALL)
    assert "error_code" not in keeper.call(MALL)
    assert keeper.code(MALL) == 70031
    assert "error_code" not in keeper.call("pdd.time.get", token=False)
    assert keeper.code("pdd.time.get", token=False) == 52101
    keeper.world.advance(10)
    assert "error_code" not in keeper.call(MALL)
    assert keeper.world.calls["pinduoduo"][MALL] == {"count": 4, "throttled": 1}


def test_published_limit_of_the_refund_list() -> None:
    keeper = Shopkeeper()
    window = {
        "start_updated_at": 1767225000,
        "end_updated_at": 1767225600,
        "after_sales_type": 1,
        "after_sales_status": 2,
    }
    codes = [
        keeper.call("pdd.refund.list.increment.get", **window, page=1, page_size=100).get("error_code")
        for _ in range(101)
    ]
    assert codes == [None] * 100 + [70031]


def _fault(keeper: Shopkeeper, kind: str, **more: object) -> None:
    keeper.world.faults.add(FaultRule.model_validate({"kind": kind, "channel": "pinduoduo", "times": 1, **more}))


@pytest.mark.parametrize(
    ("kind", "more", "code"),
    [
        ("throttle", {}, 70031),
        ("throttle", {"code": 52101}, 52101),
        ("system_error", {}, 50000),
        ("system_error", {"code": 52102}, 52102),
        ("token_death", {}, 10019),
    ],
)
def test_faults_with_an_error_code(kind: str, more: dict[str, int], code: int) -> None:
    keeper = Shopkeeper()
    _fault(keeper, kind, method=MALL, **more)
    assert "error_code" not in keeper.call("pdd.time.get", token=False)
    assert keeper.code(MALL) == code


def test_faults_of_the_transport() -> None:
    keeper = Shopkeeper()
    _fault(keeper, "http_5xx", status=503)
    assert keeper.post(keeper.body(MALL)).status == 503
    _fault(keeper, "html")
    assert keeper.post(keeper.body(MALL)).headers["content-type"] == "text/html"
    _fault(keeper, "truncated")
    with pytest.raises(ValueError, match=r"Unterminated|Expecting|delimiter"):
        keeper.post(keeper.body(MALL)).json()
    assert keeper.call(MALL)["mall_id"] == 100200300


@pytest.mark.parametrize("kind", ["timeout_after", "truncated"])
def test_a_fault_may_spare_the_tokens(kind: str) -> None:
    """A lost answer of this call cannot be mended: the refresh token it replaced is dead."""
    keeper = Shopkeeper()
    rule = {"kind": kind, "channel": "pinduoduo"}
    keeper.world.faults.add(FaultRule.model_validate(rule | {"spare_tokens": True}))
    answer = keeper.call("pdd.pop.auth.token.refresh", token=False, refresh_token=REFRESH)
    assert answer["refresh_token"] == keeper.shop.grant.refresh_token != REFRESH
    with pytest.raises((NoAnswer, ValueError)):
        keeper.call(MALL)
    keeper.world.faults.clear()
    keeper.world.faults.add(FaultRule.model_validate(rule))
    with pytest.raises((NoAnswer, ValueError)):
        keeper.call("pdd.pop.auth.token.refresh", token=False, refresh_token=answer["refresh_token"])


def test_timeout_after_has_the_effect_and_timeout_before_has_not() -> None:
    keeper = Shopkeeper()
    first, second = keeper.place(), keeper.place()
    _fault(keeper, "timeout_before", method="pdd.logistics.online.send")
    with pytest.raises(NoAnswer):
        keeper.ship(first)
    assert first.ship_accepts == 0
    _fault(keeper, "timeout_after", method="pdd.logistics.online.send")
    with pytest.raises(NoAnswer):
        keeper.ship(second)
    assert second.ship_accepts == 1
    _fault(keeper, "timeout_after")
    client = httpx.Client(transport=mock_transport(keeper.sandbox))
    with pytest.raises(httpx.ReadTimeout):
        client.post("http://x/api/router", json=keeper.body(MALL))


def test_some_decrypt_rows_fail() -> None:
    keeper = Shopkeeper()
    order = keeper.place()
    shown = keeper.call("pdd.order.information.get", order_sn=order.order_id)["order_info"]
    rows = [
        {"data_tag": order.order_id, "encrypted_data": shown[name]}
        for name in ("receiver_name", "receiver_phone", "receiver_address")
    ]
    _fault(keeper, "partial_failure")
    outcomes = keeper.call("pdd.open.decrypt.batch", data_list=rows)["data_decrypt_list"]
    assert [row["error_code"] for row in outcomes] == [50001, 0, 0]
    assert [row["decrypted_data"] for row in outcomes] == ["", order.buyer.phone, order.buyer.address.detail]
    assert keeper.code("pdd.open.decrypt.batch", data_list=rows) == 70031, "outside the cloud: one call in ten seconds"
    masked = keeper.call("pdd.open.decrypt.mask.batch", data_list=rows)["data_decrypt_list"]
    assert masked[1]["decrypted_data"] == shown["receiver_phone_mask"]


def test_ciphertext_of_another_order_is_not_opened() -> None:
    keeper = Shopkeeper()
    one, other = keeper.place(), keeper.place()
    assert one.buyer != other.buyer
    shown = keeper.call("pdd.order.information.get", order_sn=one.order_id)["order_info"]
    row = {"data_tag": other.order_id, "encrypted_data": shown["receiver_phone"]}
    assert keeper.call("pdd.open.decrypt.mask.batch", data_list=[row])["data_decrypt_list"][0]["error_code"] != 0
