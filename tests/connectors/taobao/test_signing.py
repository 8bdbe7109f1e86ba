"""Every documented signature, and the text of parameters."""

from typing import Any
from urllib.parse import parse_qsl

import pytest

from connectors.taobao import signing
from tests.connectors.taobao.kit import SECRET, sample

VECTORS = sample("sign-vectors")
EMPTY_SIGNED = "empty value, rule B"
REQUESTS = [
    "order.list", "order.detail", "order.memo_update", "stock.tmall.incremental", "price.tmall", "oaid.merge",
    "waybill.get", "refund.agree", "time", "auth.token_refresh",
]  # fmt: skip


@pytest.mark.parametrize("vector", [each for each in VECTORS if not each["description"].startswith(EMPTY_SIGNED)])
def test_vector(vector: dict[str, Any]) -> None:
    told = signing.sign(vector["params"], vector["app_secret"], vector["sign_method"], vector.get("body", ""))
    assert told == vector["sign"]


def test_an_empty_value_is_neither_signed_nor_sent() -> None:
    """The platform's clients disagree; leaving it out is right for both."""
    [other] = [each for each in VECTORS if each["description"].startswith(EMPTY_SIGNED)]
    assert signing.sign(other["params"], SECRET) != other["sign"]
    assert signing.sign(other["params"], SECRET) == signing.sign(
        {name: value for name, value in other["params"].items() if value}, SECRET
    )


@pytest.mark.parametrize("name", REQUESTS)
def test_a_sample_request_carries_our_signature(name: str) -> None:
    request = sample(f"{name}.request")
    assert signing.sign(request["form"], SECRET, request["form"]["sign_method"]) == request["form"]["sign"]
    assert dict(parse_qsl(request["body"])) == request["form"]


def test_a_value_that_starts_with_an_at_is_signed() -> None:
    """Some clients of the platform leave it out, as if it named a file."""
    plain = {"method": "taobao.trade.memo.update", "tid": "1"}
    assert signing.sign({**plain, "memo": "@张三"}, SECRET) != signing.sign(plain, SECRET)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match="sign method"):
        signing.sign({}, SECRET, "sha512")


@pytest.mark.parametrize(
    ("value", "told"),
    [(True, "true"), (False, "false"), (7, "7"), ("红", "红"), ([{"a": "红"}], '[{"a":"红"}]'), ({}, "{}")],
)
def test_the_text_of_a_parameter(value: signing.Param, told: str) -> None:
    assert signing.text(value) == told
