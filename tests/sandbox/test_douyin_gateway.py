"""The simulated Douyin gateway: what is checked in which order, envelopes, tokens, rate limits, injected faults."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from sandbox.douyin import Platform
from sandbox.faults import FaultRule
from sandbox.gateway import NoAnswer, Request
from sandbox.platforms import profiles
from sandbox.world import World
from tests.sandbox.douyin_kit import FIXTURES, NOW, Shop, fixture

LIST = "order.logisticsCompanyList"


def codes(answer: Any) -> tuple[int, str]:
    return answer["code"], answer["sub_code"]


@pytest.mark.parametrize(
    "method", ["order.list", "product.list", "trade.refundListSearch", "order.searchlist", "order.nothing"]
)
def test_retired_and_unknown_methods_are_offline_even_without_a_signature(method: str) -> None:
    assert codes(Shop().send(method, "{}", sign=None)) == (70000, "isp.api-service-off")


@pytest.mark.parametrize(
    ("removed", "sub_code"),
    [
        ("sign", "isv.signature-missing"),
        ("app_key", "isv.app-id-missing"),
        ("timestamp", "isv.parameter-missing"),
        ("v", "isv.parameter-missing"),
        ("access_token", "isv.access-token-missing"),
    ],
)
def test_missing_system_parameters(removed: str, sub_code: str) -> None:
    shop = Shop()
    app = shop.platform.app
    text = f"{app.secret}app_key{app.key}method{LIST}param_json{{}}timestamp{int(NOW)}v2{app.secret}"
    query = {
        "app_key": app.key, "method": LIST, "access_token": shop.shop.grant.access_token, "timestamp": str(int(NOW)),
        "v": "2", "sign": hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(),
    }  # fmt: skip
    del query[removed]
    answer = shop.platform.handle(Request("POST", "/order/logisticsCompanyList", list(query.items()), {}, b"{}")).json()
    assert codes(answer) == (40001, sub_code)


def test_checks_come_in_the_documented_order() -> None:
    """Everything is wrong at first; each repair uncovers the next refusal."""
    shop = Shop()
    wrong: dict[str, Any] = {"timestamp": "yesterday", "app_key": "1", "sign": "0", "access_token": "t"}
    seen = []
    for name, right in (("timestamp", str(int(NOW) - 601)), ("timestamp", None), ("app_key", None), ("sign", None)):
        seen.append(codes(shop.send(LIST, "{}", **wrong))[1])
        if right is None:
            del wrong[name]
        else:
            wrong[name] = right
    seen.append(codes(shop.send(LIST, "{}", **wrong))[1])
    assert seen == [
        "isv.timestamp-format-error", "isv.timestamp-invalid", "isv.app-id-invalid", "isv.signature-invalid",
        "isv.access-token-no-existed",
    ]  # fmt: skip


def test_throttling_comes_before_the_token() -> None:
    shop = Shop()
    shop.world.faults.add(FaultRule(kind="throttle", channel="douyin", times=1))
    assert codes(shop.send(LIST, "{}", access_token="unknown")) == (60000, "isv.traffic-limited")
    assert codes(shop.send(LIST, "{}", access_token="unknown")) == (40003, "isv.access-token-no-existed")
    assert shop.world.calls["douyin"][LIST] == {"count": 2, "throttled": 1}


def test_permission_then_ip_then_business() -> None:
    shop = Shop()
    shop.shop.authorised = False
    shop.world.change_settings({"allowed_ips": ["10.0.0.1"]})
    assert shop.refused("order.orderDetail") == (30001, "dop.authorization-closed")
    shop.shop.authorised = True
    shop.shop.scopes = frozenset({LIST})
    assert shop.refused("order.orderDetail") == (30001, "isv.app-permissions-insufficient")
    shop.shop.scopes = None
    assert shop.refused("order.orderDetail") == (30002, "isv.invalid_ip")
    shop.world.change_settings({"allowed_ips": None})
    assert shop.refused("order.orderDetail") == (40002, "isv.missing-parameter:20000")


def test_envelopes_with_and_without_the_old_error_code() -> None:
    shop = Shop()
    with_old = {"from": "sdk"}
    good, bad = shop.send(LIST, "{}", with_old), shop.send(LIST, "{}", with_old, access_token="x" * 36)
    assert good.keys() == fixture("envelope.legacy-success.json").keys()
    assert bad.keys() == fixture("envelope.legacy-error.json").keys()
    assert (good["err_no"], good["message"]) == (0, "success")
    assert (bad["code"], bad["err_no"]) == (40003, 30005)
    assert shop.send(LIST, "{}", access_token="x" * 36).keys() == fixture("error.access-token-no-existed.json").keys()
    refused = shop.call("order.searchList", page=501, size=100, update_time_start=1)
    assert refused.keys() == fixture("error.order-page-50000.json").keys()
    assert refused["data"] is None


def test_the_signature_covers_the_bytes_as_sent() -> None:
    shop = Shop()
    for body in ('{ "b": 1, "a": "\\u4e2d" }', '{"a":"中"}', "{}"):
        assert shop.send(LIST, body)["code"] == 10000
    shop.world.change_settings({"strict_canonical": True})
    assert codes(shop.send(LIST, '{"b":1,"a":2}')) == (40003, "isv.signature-invalid")
    assert shop.send(LIST, '{"a":2,"b":1}')["code"] == 10000
    assert codes(shop.send(LIST, "[]")) == (40003, "isv.parameter-format-invalid")


@pytest.mark.parametrize("timestamp", ["2025-10-09 16:55:00", "2025/10/09 16:55:00", "1760000100"])
def test_accepted_timestamps(timestamp: str) -> None:
    assert Shop().send(LIST, "{}", timestamp=timestamp)["code"] == 10000


@pytest.mark.parametrize("place", ["form", "query"])
def test_legacy_param_json_signed_with_md5_by_default(place: str) -> None:
    shop = Shop()
    app, method, body = shop.platform.app, "order.orderDetail", '{"shop_order_id":"1"}'
    text = f"{app.secret}app_key{app.key}method{method}param_json{body}timestamp{int(NOW)}v2{app.secret}"
    query = {
        "app_key": app.key, "method": method, "access_token": shop.shop.grant.access_token, "timestamp": str(int(NOW)),
        "v": "2", "sign": hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(),
    }  # fmt: skip
    form = place == "form"
    if not form:
        query["param_json"] = body
    kind = {"content-type": "application/x-www-form-urlencoded"}
    sent = urlencode({"param_json": body}).encode() if form else b""
    verb = "POST" if form else "GET"
    answer = shop.platform.handle(Request(verb, "/order/orderDetail", list(query.items()), kind, sent)).json()
    assert codes(answer) == (40004, "isv.parameter-invalid:20014")


def test_numbers_as_texts_and_nulls_as_absent() -> None:
    shop = Shop()
    order = shop.order()
    data = shop.data("order.searchList", update_time_start="1", page="0", size="100", order_asc="true", product=None)
    assert [row["order_id"] for row in data["shop_order_list"]] == [order.order_id]


def test_rate_limit_refills_with_the_clock() -> None:
    shop = Shop(rate_limits_on=True)
    answers = [shop.call(LIST)["code"] for _ in range(22)]
    assert answers == [10000] * 20 + [60000] * 2
    shop.world.advance(1)
    assert shop.call(LIST)["code"] == 10000
    shop.world.change_settings({"rate_limits": {"douyin": {LIST: {"shop": [1, 60]}}}})
    shop.world.advance(60)
    assert [shop.call(LIST)["code"] for _ in range(2)] == [10000, 60000]


def test_token_by_code_is_single_use_and_ages() -> None:
    shop = Shop()
    code = shop.world.issue_code(shop.shop)
    data = shop.data("token.create", grant_type="authorization_code", code=code)
    assert data["access_token"] == shop.shop.grant.access_token
    assert shop.refused("token.create", grant_type="authorization_code", code=code)[0] == 50001
    late = shop.world.issue_code(shop.shop)
    shop.world.advance(601)
    failed = (50001, "dop.token-generate-failed:code-invalid")
    assert shop.refused("token.create", grant_type="authorization_code", code=late) == failed


def test_self_use_token_needs_a_self_use_app_and_the_grant() -> None:
    shop = Shop()
    shop.world.change_settings({"self_use": False})
    wanted = {"grant_type": "authorization_self", "code": "", "shop_id": shop.shop.shop_id}
    assert shop.refused("token.create", **wanted) == (50002, "isv.business-failed:4")
    shop.world.change_settings({"self_use": True})
    assert shop.data("token.create", **wanted)["shop_id"] == int(shop.shop.shop_id)
    shop.shop.authorised = False
    assert shop.refused("token.create", **wanted) == (50001, "dop.token-generate-failed:no-authorization")


def refresh(shop: Shop, token: str) -> Any:
    return shop.call("token.refresh", grant_type="refresh_token", refresh_token=token)


def test_refresh_long_before_expiry_changes_nothing() -> None:
    shop = Shop()
    grant = shop.shop.grant
    shop.world.advance(604_800 - 3601)
    data = refresh(shop, grant.refresh_token)["data"]
    assert (data["access_token"], data["expires_in"]) == (grant.access_token, 3601)


def test_refresh_in_the_last_hour_keeps_the_old_token_an_hour() -> None:
    shop = Shop()
    old = shop.shop.grant
    shop.world.advance(604_800 - 1800)
    new = refresh(shop, old.refresh_token)["data"]
    assert new["access_token"] != old.access_token
    assert refresh(shop, old.refresh_token)["data"]["access_token"] == new["access_token"]
    shop.world.advance(3599)
    assert shop.send(LIST, "{}", access_token=old.access_token)["code"] == 10000
    shop.world.advance(2)
    assert codes(shop.send(LIST, "{}", access_token=old.access_token)) == (40003, "isv.access-token-expired")
    assert shop.send(LIST, "{}", access_token=new["access_token"])["code"] == 10000


def test_refresh_after_expiry_kills_the_old_pair_at_once() -> None:
    shop = Shop()
    old = shop.shop.grant
    shop.world.advance(604_801)
    assert shop.refused(LIST) == (40003, "isv.access-token-expired")
    assert refresh(shop, old.refresh_token)["code"] == 10000
    assert codes(shop.send(LIST, "{}", access_token=old.access_token)) == (40003, "isv.access-token-no-existed")
    assert codes(refresh(shop, old.refresh_token)) == (50001, "dop.token-generate-failed:token-invalid")
    shop.world.advance(1_209_601)
    expired = (50001, "dop.token-generate-failed:token-expired")
    assert codes(refresh(shop, shop.shop.grant.refresh_token)) == expired


@pytest.mark.parametrize("kind", ["timeout_after", "truncated"])
def test_a_fault_may_spare_the_tokens(kind: str) -> None:
    shop = Shop()
    rule = {"kind": kind, "channel": "douyin"}
    shop.world.faults.add(FaultRule.model_validate(rule | {"spare_tokens": True}))
    assert refresh(shop, shop.shop.grant.refresh_token)["data"]["access_token"] == shop.shop.grant.access_token
    with pytest.raises((NoAnswer, ValueError)):
        shop.data(LIST)
    shop.world.faults.clear()
    shop.world.faults.add(FaultRule.model_validate(rule))
    with pytest.raises((NoAnswer, ValueError)):
        refresh(shop, shop.shop.grant.refresh_token)


def test_faults_at_the_gateway() -> None:
    shop = Shop()
    order = shop.order()

    def strike(kind: str, **more: Any) -> None:
        shop.world.faults.clear()
        shop.world.faults.add(FaultRule.model_validate({"kind": kind, "channel": "douyin", "times": 1} | more))

    strike("token_death")
    assert shop.refused(LIST) == (40003, "isv.access-token-expired")
    shop.world.renew(shop.shop)
    strike("system_error")
    assert shop.refused(LIST) == (20000, "isp.service-error:20005")
    strike("timeout_before", method="order.addOrderRemark")
    with pytest.raises(NoAnswer):
        shop.call("order.addOrderRemark", order_id=order.order_id, remark="a")
    assert order.memo == ""
    strike("timeout_after", method="order.addOrderRemark")
    with pytest.raises(NoAnswer):
        shop.call("order.addOrderRemark", order_id=order.order_id, remark="a")
    assert order.memo == "a"
    strike("truncated")
    with pytest.raises(json.JSONDecodeError):
        shop.call(LIST)
    strike("html")
    with pytest.raises(json.JSONDecodeError):
        shop.call(LIST)
    strike("partial_failure", method="token.refresh")
    assert codes(refresh(shop, shop.shop.grant.refresh_token)) == (50002, "isv.business-failed:31012")


def test_paths_of_the_platform() -> None:
    platform = Platform(World(profiles(), 1))
    assert platform.matches("/order/searchList")
    assert platform.matches("/product/list")
    assert not platform.matches("/api/router")
    assert not platform.matches("/_sandbox/truth")


JUNK: tuple[Any, ...] = (
    None,
    "",
    "x",
    "1e5",
    -1,
    0,
    10**20,
    1.5,
    True,
    [],
    {},
    [None],
    [1],
    ["x"],
    [{}],
    {"a": []},
    "9" * 400,
)


def mutations(value: Any) -> Iterator[Any]:
    """`value` with each of its parts, at any depth, replaced by each piece of junk."""
    yield from JUNK
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        for other in mutations(part):
            copy = value.copy()
            copy[key] = other
            yield copy


BODIES: list[Any] = [
    pytest.param(sample["query"]["method"], sample["body"], id=path.name)
    for path in sorted(FIXTURES.glob("*.request.json"))
    for sample in [fixture(path.name)]
] + [
    (
        "order.searchList",
        {
            "create_time_start": NOW - 9,
            "combine_status": [{"order_status": "2", "main_status": "3"}],
            "product": "1",
            "tracking_no": "1",
            "after_sale_status_desc": "refund",
            "abnormal_order": 1,
            "presell_type": 2,
            "trade_type": 1,
        },
    ),
    (
        "afterSale.List",
        {"standard_aftersale_status": [6], "start_time": 1, "end_time": 2, "amount_start": 1, "order_id": "1"},
    ),
    ("afterSale.timeExtend", {"aftersale_id": "1"}),
    ("afterSale.fillLogistics", {"aftersale_id": "1", "company_code": "yunda", "tracking_no": "1"}),
    ("afterSale.returnGoodsToWareHouseSuccess", {"aftersale_id": "1", "tracking_no": "1"}),
    ("afterSale.addOrderRemark", {"after_sale_id": "1", "order_id": "1", "remark": "x"}),
    ("product.listV2", {"use_cursor": True, "cursor_id": "MQ==", "product_id": ["1"], "sku_codes": ["A"], "name": "x"}),
    ("sku.detail", {"code": "SKU-0001"}),
    ("warehouse.edit", {"out_warehouse_id": "A", "warehouse_location": {"address_id1": 1}}),
    ("warehouse.setAddrBatch", {"out_warehouse_id": "A", "addr_list": [{"addr_id1": 1}]}),
    ("warehouse.setPriority", {"priorities": {"A": 1}}),
    ("order.batchEncrypt", {"batch_encrypt_list": [{"plain_text": "x", "encrypt_type": 3, "auth_id": "1"}]}),
    ("order.getSearchIndex", {"plain_text": "x", "encrypt_type": 3}),
]


@pytest.mark.parametrize(("method", "sample"), BODIES)
def test_malformed_business_parameters_are_refused_not_crashed_on(method: str, sample: dict[str, Any]) -> None:
    shop = Shop()
    order = shop.order(variant="several")
    shop.data("warehouse.createV2", out_warehouse_id="A", name="A")
    refund = shop.world.request_refund(order, line=order.lines[1]).refund_id
    known = {
        "order_id": order.order_id,
        "product_id": int(order.lines[0].item_id),
        "sku_id": int(order.lines[0].sku_id),
        "aftersale_id": refund,
        "after_sale_id": refund,
    }
    body = sample | {key: value for key, value in known.items() if key in sample}
    for params in mutations(body):
        if isinstance(params, dict):
            answer = shop.call(method, **params)
            assert answer["code"] in (10000, 20000, 30001, 40002, 40003, 40004, 50001, 50002, 80000), (params, answer)
