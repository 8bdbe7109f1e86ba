"""The signature, against vectors that the platform's own clients confirm."""

import json
from typing import Any

import pytest

from connectors.jd import signing
from tests.connectors.jd.kit import KEY, SAMPLES, SECRET, sample

VECTORS = sample("sign-vectors")
ROUTER = [vector for vector in VECTORS if vector["gateway"] == "routerjson"]
KEPT = [vector for vector in ROUTER if vector["description"].startswith("9b")]
REQUESTS = sorted(path.stem for path in SAMPLES.glob("*.request.json") if not path.stem.startswith(("oauth", "spapi")))


@pytest.mark.parametrize("vector", [each for each in ROUTER if each not in KEPT], ids=lambda each: each["description"])
def test_a_call_is_signed_like_the_vector(vector: dict[str, Any]) -> None:
    assert signing.sign(vector["params"], vector["app_secret"]) == vector["sign"]


def test_all_vectors_of_this_gateway_are_here() -> None:
    assert (len(ROUTER), len(KEPT), len(VECTORS)) == (11, 1, 13)


def test_trap_an_empty_parameter_is_not_signed() -> None:
    """The platform's own clients disagree, so that the two vectors differ; an empty parameter is never sent."""
    [kept] = KEPT
    assert kept["sign"] != signing.sign(kept["params"], SECRET)


@pytest.mark.parametrize("name", REQUESTS)
def test_every_sample_request_is_signed_as_we_would(name: str) -> None:
    form = dict(sample(name)["form"])
    told = form.pop("sign")
    assert signing.sign(form, SECRET) == told
    assert form["app_key"] == KEY


@pytest.mark.parametrize("name", REQUESTS)
def test_every_sample_request_is_serialised_as_we_would(name: str) -> None:
    request = sample(name)
    assert signing.text(request["business"]) == request["form"]["360buy_param_json"]


def test_chinese_and_emoji_are_sent_as_they_are() -> None:
    assert signing.text({"remark": "发顺丰🚚"}) == '{"remark":"发顺丰🚚"}'


def test_a_value_that_begins_with_an_at_sign_is_signed_like_any_other() -> None:
    assert signing.sign({"v": "@2.0"}, SECRET) != signing.sign({}, SECRET)


def test_numbers_beyond_2_to_the_53_keep_every_digit() -> None:
    assert json.loads(signing.text({"skuId": 9007199254740993}))["skuId"] == 9007199254740993
