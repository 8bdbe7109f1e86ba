"""Signing and canonical JSON of the simulated Douyin platform against the documented vectors."""

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.douyin import signing

FIXTURES = Path(__file__).parent.parent / "fixtures" / "douyin"
VECTORS = json.loads((FIXTURES / "sign-vectors.json").read_text(encoding="utf-8"))


def _of(kind: str) -> list[Any]:
    return [pytest.param(vector, id=vector["id"]) for vector in VECTORS if vector["kind"] == kind]


@pytest.mark.parametrize("vector", _of("api"))
def test_api_vectors(vector: dict[str, Any]) -> None:
    text = signing.string_to_sign(
        vector["app_secret"], vector["app_key"], vector["method"], vector["timestamp"], vector["param_json"]
    )
    assert text == vector["string_to_sign"]
    assert signing.digest(vector["app_secret"], text, vector["sign_method"]) == vector["sign"]


@pytest.mark.parametrize("vector", _of("api"))
def test_canonical_json_of_the_vectors(vector: dict[str, Any]) -> None:
    assert signing.canonical(vector["params"]) == vector["param_json"]
    assert signing.is_canonical(vector["param_json"])


@pytest.mark.parametrize("vector", _of("push"))
def test_push_vectors(vector: dict[str, Any]) -> None:
    sign = signing.sign_push(vector["app_secret"], vector["app_key"], vector["body"], vector["sign_method"])
    assert sign == vector["sign"]


@pytest.mark.parametrize(
    "text", ['{"b":1,"a":2}', '{"a": 1}', '{"a":"\\u4e2d"}', "{a}", '{"a":1,"a":1}', '{"a":"\u2028"}']
)
def test_texts_that_are_not_canonical(text: str) -> None:
    assert not signing.is_canonical(text)
