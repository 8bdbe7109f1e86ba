"""Every curl line of docs/commands.md, sent as it stands: well-formed, whatever the shops it names are."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from core.access import KeyScope
from core.db import Database, keys
from core.db.keys import Grant
from tests.web.conftest import NOW, client

DOCS = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()
NOT_HERE = {"unknown_shop", "unknown_order", "unknown_sku", "unknown_command", "unknown_listing", "items_refused"}
"""What a line may be refused for where its shops are not connected."""


def lines() -> Iterator[list[str]]:
    """The words of each curl line."""
    for block in re.findall(r"```sh\n(.*?)```", DOCS, re.DOTALL):
        words: list[str] = []
        for word in shlex.split(block.replace("\\\n", " ")):
            if word in ("curl", "qudao") and words:
                yield words
                words = []
            words.append(word)
        yield words


CURL = [words for words in lines() if words[0] == "curl"]


@pytest.fixture
def erp(server: str, database: Database) -> Iterator[httpx.Client]:
    with database.write() as connection:
        key = keys.create(connection, "docs", NOW, Grant(scopes=frozenset(KeyScope))).plain
    with client(server, Authorization=f"Bearer {key}") as opened:
        yield opened


def test_the_lines_are_found() -> None:
    assert len(CURL) >= 10


@pytest.mark.parametrize("words", CURL, ids=lambda words: next(word for word in words if "$API" in word))
def test_a_documented_line_is_well_formed(erp: httpx.Client, words: list[str]) -> None:
    method, headers, body = "GET", {}, None
    rest = iter(words[1:])
    for word in rest:
        if word == "-sX":
            method = next(rest)
        elif word == "-H" and ": " in (header := next(rest)):
            name, _, value = header.partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(rest)
        elif word.startswith("$API"):
            path = word.replace("$API", "/v1")
    headers |= {"Content-Type": "application/json"} if body else {}
    answered = erp.request(method, path, content=body, headers=headers)
    if body:
        json.loads(body)
    assert answered.status_code in (200, 202) or answered.json()["code"] in NOT_HERE, answered.text
