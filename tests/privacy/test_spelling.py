"""What looks for people finds them."""

import base64
import json
from collections.abc import Callable
from functools import partial
from urllib.parse import quote

import pytest

from tests.privacy.spelling import found_in

NAME, PHONE, STREET = "赵一二", "17000000001", "示例路1号2栋303室"
PEOPLE = (NAME, PHONE, STREET)


def plain(text: str) -> bytes:
    return f"x{text}y".encode()


def in_json(text: str) -> bytes:
    return json.dumps({"a": f"to {text}!"}).encode()


def in_json_in_json(text: str) -> bytes:
    return json.dumps({"a": in_json(text).decode()}).encode()


def as_python_shows_it(text: str) -> bytes:
    return repr(f"to {text}".encode()).encode()


def in_url(text: str) -> bytes:
    return quote(f"to {text}").encode()


def in_base64(before: int, text: str) -> bytes:
    return base64.b64encode(b"a" * before + text.encode() + b"and more of it")


@pytest.mark.parametrize("text", PEOPLE)
@pytest.mark.parametrize(
    "written",
    [plain, in_json, in_json_in_json, as_python_shows_it, in_url, *(partial(in_base64, n) for n in range(3))],
)
def test_however_it_is_written(written: Callable[[str], bytes], text: str) -> None:
    assert found_in({"a": written(text), "b": b"nothing of it"}, PEOPLE) == [("a", text)]


def test_masks_are_no_find() -> None:
    masks = "赵** 170****0001 示例路*** 赵一"
    assert found_in({"a": masks.encode()}, PEOPLE) == []
