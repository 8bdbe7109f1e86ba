"""The published vectors, and that one changed byte breaks a signature."""

from typing import Any

import pytest

from connectors.douyin import signing
from tests.connectors.douyin.conftest import sample

VECTORS = sample("sign-vectors")


def of_kind(kind: str) -> list[object]:
    return [pytest.param(vector, id=vector["id"]) for vector in VECTORS if vector["kind"] == kind]


@pytest.mark.parametrize("vector", of_kind("api"))
def test_a_call_is_signed_as_published(vector: dict[str, str]) -> None:
    assert (
        signing.sign(
            vector["app_key"],
            vector["app_secret"],
            vector["method"],
            vector["timestamp"],
            vector["param_json"],
            vector["sign_method"],
        )
        == vector["sign"]
    )


@pytest.mark.parametrize("vector", of_kind("api"))
def test_the_parameters_become_the_canonical_text(vector: dict[str, Any]) -> None:
    """& < > ' and emoji literal, ids with all digits, U+2028 escaped, keys sorted at every depth."""
    assert signing.canonical(vector["params"]) == vector["param_json"]


@pytest.mark.parametrize("vector", of_kind("push"))
def test_a_push_is_signed_over_its_raw_bytes(vector: dict[str, str]) -> None:
    body = vector["body"].encode()
    key, secret, signature = vector["app_key"], vector["app_secret"], vector["sign"]
    assert signing.verify_push(key, secret, body, signature)
    assert signing.verify_push(key, secret, body, signature.upper())
    assert not signing.verify_push(key, secret, body + b" ", signature)
    assert not signing.verify_push(key, "another", body, signature)


def test_md5_counts_only_where_it_is_allowed() -> None:
    vector = next(vector for vector in VECTORS if vector["id"].startswith("push-01"))
    key, secret, body, signature = vector["app_key"], vector["app_secret"], vector["body"].encode(), vector["sign"]
    assert signing.verify_push(key, secret, body, signature)
    assert not signing.verify_push(key, secret, body, signature, allow_md5=False)


@pytest.mark.parametrize("signature", ["", "f" * 31, "f" * 40, "不是签名" * 8])
def test_anything_else_is_no_signature(signature: str) -> None:
    assert not signing.verify_push("key", "secret", b"[]", signature)
