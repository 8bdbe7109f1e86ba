"""docs/reading.md: every curl line in it is answered, and its tables name what there is."""

import re
import shlex
from pathlib import Path

import httpx
import pytest

from core.access import KeyScope

PAGE = (Path(__file__).parents[2] / "docs" / "reading.md").read_text()
LINES = [
    line
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.replace("\\\n", " ").splitlines()
    if line.startswith("curl")
]


def test_there_are_lines() -> None:
    assert len(LINES) > 10


@pytest.mark.parametrize("line", LINES)
def test_a_documented_line_is_answered(erp: httpx.Client, shop: str, line: str) -> None:
    """Its listing SKU is the one that is there; its keys and addresses are this test's."""
    after = erp.get("/v1/orders", params={"limit": 1}).json()["cursor"]
    known = line.replace("douyin:7012345", shop).replace('"3512345"', '"L1"').replace('"1712345"', '"S1"')
    words = shlex.split(known.replace("$QUDAO", "").replace("$KEY", "key").replace("$CURSOR", after))[1:]
    told = [words[place + 1].split(": ", 1) for place, word in enumerate(words) if word == "-H"]
    headers = {name: value for name, value in told if name != "Authorization"}
    method = words[words.index("-X") + 1] if "-X" in words else "GET"
    content = words[words.index("-d") + 1] if "-d" in words else None
    answer = erp.request(method, words[-1], headers=headers, content=content)
    assert answer.status_code in (200, 202), answer.text


def test_the_tables_name_what_there_is(erp: httpx.Client) -> None:
    paths = erp.get("/openapi.json").json()["paths"]
    lists = re.findall(r"\| `GET (/v1/[a-z/-]+)` \| `([a-z_:]+)`", PAGE)
    rows = re.findall(r"^\| ([a-z/-]+) \| (`.*) \|$", PAGE, re.MULTILINE)
    assert len(lists) == len(rows) == 7
    for path, scope in lists:
        assert KeyScope(scope).value in str(paths[path]["get"]["security"]), path
    for name, filters in rows:
        known = {each["name"] for each in paths[f"/v1/{name}"]["get"]["parameters"]}
        told = set(re.findall(r"`([a-z_]+)`", re.sub(r"\([^)]*\)", "", filters)))
        assert told | {"shop", "channel", "after", "limit"} == known, name
