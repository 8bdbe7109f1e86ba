"""docs/integrating.md is true: all its commands are run, in order, against a server with simulated shops behind it."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from sandbox.steps import STEPS
from tests.engine import Engine
from tests.vault import SECRET
from tests.web.conftest import serving

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "integrating.md").read_text()
DOCUMENTED = "http://127.0.0.1:8080"
CURL = """curl() { command curl --fail-with-body --max-time "${SECONDS_TO_WAIT:-30}" -w '\\n%{http_code}' "$@"; }"""


def commands() -> list[str]:
    """Each command of the page, its lines joined."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


class Reader:
    """Somebody who types what the page says; variables live on, as in a terminal."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self.variables = variables | {"PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"}

    def type(self, line: str) -> str:
        """What is answered; fails with it when the status is none of success."""
        kept = self.folder / "variables"
        streams = line.startswith("curl -sN")
        words = f"set -eo pipefail\n{CURL}\n{line}\nenv -0 > {kept}"
        limit = {"SECONDS_TO_WAIT": "2"} if streams else {}
        done = subprocess.run(
            ["bash", "-c", words],
            env=self.variables | limit,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == (28 if streams else 0), (line, done.stdout, done.stderr)
        if not streams:
            self.variables = dict(each.split("=", 1) for each in kept.read_text().split("\0") if each)
        if not line.startswith("curl"):
            return ""
        answer, _, status = done.stdout.rpartition("\n")
        assert status.startswith("2"), (line, done.stdout)
        self.remember(answer)
        return answer

    def remember(self, answer: str) -> None:
        """The page says where $CURSOR and $ID come from."""
        try:
            told = json.loads(answer)
        except ValueError:
            return
        for name in ("cursor", "id"):
            if told.get(name):
                self.variables[name.upper()] = told[name]


@pytest.mark.slow
def test_every_line_works(running: Engine, tmp_path: Path, redis_url: str) -> None:
    world, shop = running.world, running.shops["douyin"]
    place = world.shop("douyin")
    order = world.place(place, variant="plain", restock=True)
    running.settle()
    STEPS["want_address"](world, order)
    running.run(10)
    sku = next(sku for item in place.items.values() for sku in item.skus.values() if sku.code)
    settings = {
        "QUDAO_DATABASE_URL": str(running.runtime.database.url),
        "QUDAO_DATA_DIR": str(tmp_path),
        "QUDAO_REDIS_URL": redis_url,
        "QUDAO_SECRET_KEY": SECRET,
    }
    goods = {"SHOP": shop, "ORDER": order.order_id, "LISTING": sku.item_id, "SKU_ID": sku.sku_id, "SKU": sku.code}
    reader = Reader(tmp_path, **settings, **goods)
    lines = commands()
    assert lines[0].startswith(f"export QUDAO={DOCUMENTED} ")
    with serving(running.runtime) as url:
        for line in lines:
            answer = reader.type(line.replace(DOCUMENTED, url))
            if "/v1/orders?number=" in line:
                assert [item["order"]["id"] for item in json.loads(answer)["items"]] == [order.order_id]
            if '"items":[' in line:
                assert json.loads(answer)["items"][0]["state"] in ("queued", "unchanged"), line
            running.settle()
    assert order.packages[0].tracking_no == "75312345678901"
    assert order.memo == "Pack as a gift"


def test_the_page_names_what_there_is() -> None:
    targets = [target for target in re.findall(r"\]\(([^)#:]+)\)", PAGE) if not (ROOT / "docs" / target).exists()]
    assert targets == []
    for target in re.findall(r"^(make [a-z-]+)|`(make [a-z-]+)`", PAGE, re.MULTILINE):
        name = "".join(target).removeprefix("make ")
        assert re.search(rf"^{name}:", (ROOT / "Makefile").read_text(), re.MULTILINE), name
