"""Pinduoduo's wire: signatures, requests pass the gateway as in the samples, answers have their fields and types."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from sandbox.gateway import Request
from sandbox.model import Order
from sandbox.pinduoduo import signing
from sandbox.pinduoduo.apis import APIS
from tests.sandbox.pdd_kit import FIXTURES, REFRESH, Shopkeeper, sample

VECTORS = sample("sign-vectors")
REQUESTS = sorted(path.name.removesuffix(".request.json") for path in FIXTURES.glob("*.request.json"))


@pytest.mark.parametrize(
    "vector", [each for each in VECTORS if "body" in each], ids=lambda each: each["description"][:40]
)
def test_signature_vectors(vector: dict[str, Any]) -> None:
    assert signing.sign(vector["body"], vector["app_secret"]) == vector["sign"]
    assert signing.verify(vector["body"], vector["app_secret"])


def test_message_digest_vector() -> None:
    vector = VECTORS[-1]
    given = vector["params_before_serialisation"]
    assert signing.digest(given["client_id"], given["timestamp_ms"], vector["app_secret"]) == vector["sign"]


def test_empty_values_may_be_signed_or_left_out_and_case_matters() -> None:
    vector = next(each for each in VECTORS if "empty" in each["description"])
    body, secret = dict(vector["body"]), vector["app_secret"]
    without = signing.sign({name: value for name, value in body.items() if value}, secret)
    assert without != vector["sign"]
    assert signing.verify(body | {"sign": without}, secret)
    assert not signing.verify(body | {"sign": vector["sign"].lower()}, secret)


@pytest.mark.parametrize("name", REQUESTS)
def test_request_samples_pass_the_gateway(name: str) -> None:
    """Only the API's own rules may refuse a sample: its orders and items do not exist in this world."""
    keeper = Shopkeeper()
    request = sample(f"{name}.request")
    if name == "oauth.token.legacy":
        request["code"] = keeper.world.issue_code(keeper.shop)
        answer = keeper.post({key: value for key, value in request.items() if key != "_url"}, "/oauth/token").json()
        assert same_shape(answer, sample(f"{name}.response")) == []
        return
    answer = keeper.post(request).json()
    error = answer.get("error_response")
    assert error is None or error["error_code"] == 50001


@pytest.mark.parametrize("encoding", ["form", "multipart", "query", "json-numbers", "json-escaped"])
def test_encodings(encoding: str) -> None:
    keeper = Shopkeeper()
    order = keeper.place()
    body = keeper.body("pdd.order.note.update", order_sn=order.order_id, note="加急 a+b&c=d😀")
    if encoding == "form":
        request = Request(
            "POST", "/api/router", [], {"content-type": "application/x-www-form-urlencoded"}, urlencode(body).encode()
        )
    elif encoding == "query":
        request = Request("POST", "/api/router", list(body.items()), {}, b"")
    elif encoding == "multipart":
        parts = "".join(
            f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in body.items()
        )
        request = Request(
            "POST",
            "/api/router",
            [],
            {"content-type": "multipart/form-data; boundary=x"},
            (parts + "--x--\r\n").encode(),
        )
    else:
        numbers: dict[str, Any] = body | ({"timestamp": int(body["timestamp"])} if encoding == "json-numbers" else {})
        text = json.dumps(numbers, ensure_ascii=encoding == "json-escaped", indent=2)
        request = Request("POST", "/api/router", [], {"content-type": "application/json; charset=utf-8"}, text.encode())
    answer = keeper.sandbox.handle(request).json()
    assert answer["response"]["success"] is True
    assert order.memo == "加急 a+b&c=d😀"


def same_shape(answer: Any, expected: Any, at: str = "") -> list[str]:
    """Differences in keys and JSON types; `expected` is the sample. Null and empty lists match anything."""
    if answer is None or expected is None:
        return []
    if isinstance(expected, dict) and isinstance(answer, dict):
        problems = [f"{at}: keys {set(answer) ^ set(expected)}"] if set(answer) != set(expected) else []
        for key in set(answer) & set(expected):
            problems += same_shape(answer[key], expected[key], f"{at}.{key}")
        return problems
    if isinstance(expected, list) and isinstance(answer, list):
        return same_shape(answer[0], expected[0], f"{at}[0]") if answer and expected else []
    return (
        [] if type(answer) is type(expected) else [f"{at}: {type(answer).__name__}, sample {type(expected).__name__}"]
    )


def _cases(keeper: Shopkeeper, order: Order) -> dict[str, dict[str, Any]]:
    """Sample name -> business parameters that succeed in this world. Called in this order on one world."""
    now = int(keeper.world.now())
    line = order.lines[0]
    lists = {"order_status": 5, "refund_status": 5, "page": 1, "page_size": 100}
    increment = {**lists, "start_updated_at": now - 1800, "end_updated_at": now, "is_lucky_flag": 0}
    confirmed = {**lists, "start_confirm_at": now - 3600, "end_confirm_at": now}
    row = keeper.call("pdd.order.information.get", order_sn=order.order_id)["order_info"]
    secret_rows = [{"data_tag": order.order_id, "encrypted_data": row["receiver_name"]}]
    other = keeper.place(buyer=order.buyer)
    commit = keeper.call(
        "pdd.goods.sku.price.update",
        goods_id=line.item_id,
        sync_goods_operate=1,
        market_price=90000,
        sku_price_list=[{"sku_id": int(line.sku_id), "group_price": 5000, "single_price": 6000, "is_onsale": 1}],
    )["goods_commit_id"]
    return {
        "time": {},
        "mall.info": {},
        "logistics.companies": {},
        "logistics.address": {},
        "refund.address.list": {},
        "order.list": {**confirmed, "use_has_next": False},
        "order.basic.list": {**confirmed, "use_has_next": True},
        "order.number.list.increment": {**increment, "use_has_next": False},
        "order.number.list.increment.has_next": {**increment, "use_has_next": True},
        "order.information": {"order_sn": order.order_id},
        "order.status": {"order_sns": order.order_id},
        "order.merge.ship.order.group": {"order_list": [{"order_sn": order.order_id}, {"order_sn": other.order_id}]},
        "order.note.update": {"order_sn": order.order_id, "note": "好", "tag": 1, "tag_name": "加急"},
        "erp.order.sync": {"order_sn": order.order_id, "order_state": 1, "logistics_id": 85, "waybill_no": "YT1"},
        "open.decrypt.batch": {"data_list": secret_rows},
        "open.decrypt.mask.batch": {"data_list": secret_rows},
        "goods.list": {"page": 1, "page_size": 100, "is_onsale": 1},
        "goods.detail": {"goods_id": line.item_id},
        "goods.information": {"goods_id": line.item_id},
        "goods.skus": {"goods_id": line.item_id, "sku_id": line.sku_id},
        "goods.sale.status.set": {"goods_id": line.item_id, "is_onsale": 1},
        "goods.quantity.update": {"goods_id": line.item_id, "sku_id": line.sku_id, "quantity": 7, "update_type": 1},
        "goods.commit.status": {"goods_commit_id_list": [commit]},
        "logistics.online.send": {"order_sn": order.order_id, "logistics_id": 85, "tracking_number": "YT0000000000001"},
        "logistics.online.send.change": {
            "order_sn": order.order_id,
            "logistics_id": 115,
            "tracking_number": "750000000001",
            "redelivery_type": 2,
        },
        "logistics.ordertrace": {"company_code": "ZTO", "mail_no": "750000000001"},
        "order.upload.extra.logistics": {
            "order_sn": order.order_id,
            "extra_track_type": 1,
            "extra_track_list": [{"shipping_id": 115, "tracking_number": "75002"}],
        },
        "pmc.user.permit": {"topics": "pdd_trade_TradeConfirmed,pdd_refund_RefundCreated"},
        "pmc.user.get": {"owner_id": keeper.shop.shop_id},
        "pmc.accrue.query": {},
        "pmc.user.cancel": {"owner_id": keeper.shop.shop_id},
        "waybill.get": sample("waybill.get.request"),
        "waybill.cancel": {"wp_code": "YTO", "waybill_code": "YT0000000000002"},
        "pop.auth.token.refresh": {"refresh_token": REFRESH},
        "pop.auth.token.create": {"code": keeper.world.issue_code(keeper.shop)},
    }


def test_answers_have_the_fields_and_types_of_the_samples() -> None:
    keeper = Shopkeeper()
    order = keeper.place(variant="coupons")
    problems: list[str] = []
    for name, params in _cases(keeper, order).items():
        request, wanted = sample(f"{name}.request"), params
        if name == "waybill.get":
            text = params["param_waybill_cloud_print_apply_new_request"].replace(
                "260101-123456789012345", order.order_id
            )
            wanted = {"wp_code": "YTO", "param_waybill_cloud_print_apply_new_request": text}
        answer = keeper.post(keeper.body(request["type"], token="access_token" in request, **wanted)).json()
        problems += [f"{name}{problem}" for problem in same_shape(answer, sample(f"{name}.response"))]
    assert problems == []


def test_after_sale_answers_have_the_fields_and_types_of_the_samples() -> None:
    keeper = Shopkeeper()
    order, now = keeper.place(), int(keeper.world.now())
    refund = keeper.world.request_refund(order)
    key = {"order_sn": order.order_id, "after_sales_id": int(refund.refund_id)}
    window = {
        "start_updated_at": now - 60,
        "end_updated_at": now,
        "after_sales_type": 1,
        "after_sales_status": 2,
        "page": 1,
    }
    shipped = keeper.place()
    keeper.ship(shipped)
    returning = keeper.world.request_refund(shipped, kind="return")
    exchanged = keeper.place()
    keeper.ship(exchanged, "YT0000000000009")
    exchange = keeper.world.request_refund(exchanged, kind="exchange")
    keeper.world.agree_return(exchange)
    keeper.world.return_goods(exchange, "44", "SF1")
    cases: dict[str, dict[str, Any]] = {
        "refund.list.increment": {**window, "page_size": 100},
        "refund.information": key,
        "refund.status.check": {"order_sns": order.order_id},
        "refund.agree": {"request": {**key, "operate_desc": "同意"}},
        "refund.returngoods.agree": {
            "request": {
                "order_sn": shipped.order_id,
                "after_sales_id": int(returning.refund_id),
                "return_address_id": "20001",
            }
        },
        "refund.exchange.shipping": {
            "request": {
                "order_sn": exchanged.order_id,
                "after_sales_id": int(exchange.refund_id),
                "shipping_id": 44,
                "shipping_name": "顺丰快递",
                "tracking_number": "SF0000000000001",
            }
        },
    }
    problems = []
    for name, params in cases.items():
        answer = keeper.post(keeper.body(sample(f"{name}.request")["type"], **params)).json()
        problems += [f"{name}{problem}" for problem in same_shape(answer, sample(f"{name}.response"))]
    assert problems == []
    assert order.state == "cancelled"


def test_every_api_with_a_sample_is_known() -> None:
    types = {sample(f"{name}.request").get("type") for name in REQUESTS} - {None}
    assert types <= set(APIS)
