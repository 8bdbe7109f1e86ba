"""TOP signatures against the vectors, and what the gateway accepts of them."""

from typing import Any
from urllib.parse import quote, urlencode

import pytest

from sandbox.gateway import Request
from sandbox.taobao import signing
from tests.sandbox.taobao_kit import FIXTURES, FORM, NOW, Seller, fixture

VECTORS = [each for each in fixture("sign-vectors.json") if each["kind"] == "top-request"]
REQUESTS = sorted(path.name for path in FIXTURES.glob("*.request.json"))
GATEWAY = frozenset({3, 7, 9, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 47})


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["description"][:40])
def test_vectors(vector: dict[str, Any]) -> None:
    params = vector["params"] | {"sign": vector["sign"]}
    assert signing.verify(params, vector["app_secret"], vector.get("body", ""))
    assert not signing.verify(params | {"sign": vector["sign"].lower()}, vector["app_secret"], vector.get("body", ""))
    assert not signing.verify(params | {"v": "2.1"}, vector["app_secret"], vector.get("body", ""))


def test_the_empty_value_vectors_differ_by_rule() -> None:
    rules = [vector for vector in VECTORS if "" in vector["params"].values()]
    assert len({vector["sign"] for vector in rules}) == len(rules) == 2


@pytest.mark.parametrize("name", REQUESTS)
def test_request_samples_pass_the_gateway(name: str) -> None:
    """Ids of the samples do not exist here, so business refusals are fine; gateway refusals are not."""
    seller, sample = Seller(kind="tmall"), fixture(name)
    if "sign" not in sample["form"]:
        answer = seller.sandbox.handle(Request("POST", "/token", [], FORM, urlencode(sample["form"]).encode())).json()
        assert answer == fixture("auth.token.error.response.json")
        return
    body = sample.get("body") or urlencode(sample["form"])
    answer = seller.sandbox.handle(Request("POST", "/router/rest", [], FORM, body.encode())).json()
    assert answer.get("error_response", {"code": 0})["code"] not in GATEWAY, answer


@pytest.mark.parametrize("how", ["query", "split", "multipart", "get"])
def test_parameters_may_travel_anywhere(how: str) -> None:
    seller = Seller()
    params = seller.params("taobao.user.seller.get", fields="nick")
    pairs = list(params.items())
    requests = {
        "query": Request("POST", "/router/rest", pairs, FORM, b""),
        "split": Request("POST", "/router/rest", pairs[:4], FORM, urlencode(pairs[4:]).encode()),
        "get": Request("GET", "/router/rest", pairs, {}, b""),
        "multipart": _multipart(params),
    }
    assert "user_seller_get_response" in seller.sandbox.handle(requests[how]).json()


def _multipart(params: dict[str, str]) -> Request:
    parts = [f'--XX\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{params[name]}\r\n' for name in params]
    file = '--XX\r\nContent-Disposition: form-data; name="proof"; filename="a.png"\r\n\r\n\x89bytes\r\n--XX--\r\n'
    kind = {"content-type": "multipart/form-data; boundary=XX"}
    return Request("POST", "/router/rest", [], kind, ("".join(parts) + file).encode())


@pytest.mark.parametrize("how", ["md5", "hmac", "hmac-sha256"])
def test_every_sign_method_is_accepted(how: str) -> None:
    seller = Seller()
    params = seller.params("taobao.time.get", session=None) | {
        "sign_method": how,
        "memo": "@值 A&B=C+D 100% 😀",
        "q": "",
    }
    params["sign"] = signing.sign(params, seller.app.secret, how)
    assert "time_get_response" in seller.send(params).json()
    assert seller.send(params | {"memo": "other"}).json() == fixture("error.bad_sign.response.json") | {
        "error_response": {"code": 25, "msg": "Invalid signature", "request_id": "15r72b2800002"}
    }
    assert seller.send({**params, "sign": params["sign"].lower()}).json()["error_response"]["code"] == 25


def test_a_raw_body_is_signed_behind_the_parameters() -> None:
    seller, body = Seller(), '{"remark":"张三"}'
    params = seller.params("taobao.time.get", session=None)
    params["sign"] = signing.sign(params, seller.app.secret, "md5", body)
    kind = {"content-type": "application/json"}
    request = Request("POST", "/router/rest", list(params.items()), kind, body.encode())
    assert "time_get_response" in seller.sandbox.handle(request).json()
    wrong = Request("POST", "/router/rest", list(params.items()), kind, body.encode() + b" ")
    assert seller.sandbox.handle(wrong).json()["error_response"]["code"] == 25


def test_text_that_is_not_utf8_is_an_encoding_error() -> None:
    seller = Seller()
    body = urlencode(seller.params("taobao.time.get", session=None)) + "&memo=" + quote("备注".encode("gbk"))
    answer = seller.sandbox.handle(Request("POST", "/router/rest", [], FORM, body.encode())).json()
    assert answer["error_response"]["code"] == 47
    assert seller.world.now() == NOW
