"""The signature and the digest, against vectors that the official client's own classes confirm."""

from typing import Any

import pytest

from connectors.pinduoduo import signing
from tests.connectors.pinduoduo.kit import KEY, SECRET, sample

VECTORS = sample("sign-vectors")
CALLS = [vector for vector in VECTORS if "body" in vector]


@pytest.mark.parametrize("vector", CALLS, ids=lambda vector: vector["description"][:40])
def test_a_call_is_serialised_and_signed_like_the_vector(vector: dict[str, Any]) -> None:
    sent = {name: signing.text(value) for name, value in vector["params_before_serialisation"].items()}
    assert sent | {"sign": vector["sign"]} == vector["body"]
    assert signing.sign(sent, vector["app_secret"]) == vector["sign"]


def test_all_ten_vectors_are_here() -> None:
    assert (len(CALLS), len(VECTORS)) == (9, 10)


def test_the_digest_encodes_hex_text() -> None:
    vector = VECTORS[-1]
    milliseconds = int(vector["params_before_serialisation"]["timestamp_ms"])
    assert signing.digest(KEY, SECRET, milliseconds) == vector["sign"]


def test_a_boolean_is_written_in_lower_case() -> None:
    assert signing.text(True) == "true"


def test_numbers_beyond_2_to_the_53_keep_every_digit() -> None:
    assert signing.text([{"sku_id": 9007199254740993}]) == '[{"sku_id":9007199254740993}]'
