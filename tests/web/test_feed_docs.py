"""docs/feed.md is true: its lines run, its codes and families are those there are."""

import json
import re
from pathlib import Path

import httpx
import pytest

from core.db import Database
from core.settings import Settings
from sync.envelope import FAMILIES
from tests.examples.test_integrating import Reader
from tests.web.conftest import code_of
from tests.web.test_feed import append
from web.catalogue import CATALOGUE
from web.feed import MOST_JSON, MOST_LINES

PAGE = (Path(__file__).parents[2] / "docs" / "feed.md").read_text()


@pytest.mark.slow
def test_every_line_works(
    server: str, key: str, erp: httpx.Client, database: Database, shop: str, tmp_path: Path
) -> None:
    append(database, 1, 2)
    reader = Reader(tmp_path, QUDAO=server, AUTH=f"Authorization: Bearer {key}", SHOP=shop)
    lines = [
        line
        for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    ]
    assert len(lines) > 12
    for line in lines:
        command = line.partition("  #")[0].strip().replace("wait=20", "wait=0")
        answer = reader.type(command)
        if "/v1/snapshot" in line:
            reader.variables["FEED"] = json.loads(answer)["feed"]
    assert code_of(erp.get("/v1/consumers/warehouse"), 404) == "unknown_consumer", "the last line of them deleted it"


def test_the_numbers_are_those_of_the_program() -> None:
    settings = Settings.model_fields
    assert f"kept | {settings['feed_keep_days'].default} days" in PAGE
    assert f"thinned out after {settings['feed_compact_days'].default} (" in PAGE
    assert f"JSON: up to {MOST_JSON:,} events. NDJSON: up to {MOST_LINES:,}" in PAGE


def test_every_family_and_every_code_of_the_page_exists() -> None:
    types = set(
        re.findall(r"`([a-z_]+)\.[a-z_*]+`", PAGE.partition("**What each type carries**")[2].partition("## Reading")[0])
    )
    assert types == set(FAMILIES)
    refusals = PAGE.partition("## Refusals")[2]
    found = {
        (int(status), code)
        for status, codes in re.findall(r"^\| (\d{3}) \| ([^|]+) \|", refusals, re.MULTILINE)
        for code in re.findall(r"`(\w+)`", codes)
    }
    assert found
    assert {(CATALOGUE[code].status, code) for _, code in found} == found
    assert {code for code in CATALOGUE if code.startswith(("cursor_", "consumer_"))} <= {code for _, code in found}
