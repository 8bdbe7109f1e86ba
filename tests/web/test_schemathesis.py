"""The whole API as its description promises it: every operation with examples, with everything the description allows
at its edges, with what it forbids, and in sequences, over a server that has real data.

Waiting readers and streams are sent home at once, so that the feed answers like the rest.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.access import KeyScope
from core.db import Database, keys
from core.db.keys import Grant
from sandbox.steps import STEPS
from tests.engine import engine as running
from tests.web.conftest import client, serving

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("QUDAO_TEST_EXAMPLES", "4"))
"""Of each operation and kind."""
IMPOSSIBLE = ["2xx", "401", "403", "404", "409", "410", "422", "429", "503"]
"""How a question that fits the description may be answered: 400 says that it does not fit."""
SETTINGS = f"""
[checks.positive_data_acceptance]
expected-statuses = {json.dumps(IMPOSSIBLE)}
"""


@pytest.fixture
def described(database: Database, redis_url: str, tmp_path: Path) -> Iterator[tuple[str, str, Path]]:
    """A server with orders, after-sales, listings, stock, a consumer, a subscription and a command; its address, a key
    that may do everything, and its description, whose examples name what there is."""
    with running(database, redis_url, tmp_path) as engine:
        engine.settle()
        order = engine.world.place(engine.world.shop("douyin"), variant="plain", restock=True)
        STEPS["request_refund"](engine.world, order)
        engine.run(60, step=20)
        allowed = {"webhook_allow_networks": (ip_network("203.0.113.0/24"),)}
        engine.runtime.settings = engine.runtime.settings.model_copy(update=allowed)
        now = engine.runtime.clock.now()
        with database.write() as connection:
            key = keys.create(connection, "tests", now, Grant(scopes=frozenset(KeyScope))).plain
        with serving(engine.runtime, patient=False) as url, client(url, Authorization=f"Bearer {key}") as erp:
            names = there_is(erp, engine.shops["douyin"], order.order_id)
            text = httpx.get(f"{url}/openapi.json").text
            for example, name in names.items():
                text = text.replace(f'"{example}"', json.dumps(name))
            path = tmp_path / "openapi.json"
            path.write_text(text)
            yield url, key, path


def there_is(erp: httpx.Client, shop: str, order_id: str) -> dict[str, str]:
    """What the description's examples are called here."""

    def made(method: str, path: str, body: Any) -> Any:
        answer = erp.request(method, path, json=body, headers={"Idempotency-Key": path})
        assert answer.status_code < 300, answer.text
        return answer.json()

    row = next(row for row in erp.get("/v1/stock", params={"shop": shop}).json()["items"] if row["sku"])
    after_sale = erp.get("/v1/after-sales").json()["items"][0]["after_sale"]["id"]
    made("PUT", "/v1/consumers/warehouse", {})
    subscription = made("POST", "/v1/subscriptions", {"url": "https://203.0.113.7/hooks"})["id"]
    command = made("PUT", "/v1/stock", {"items": [{"sku": row["sku"], "quantity": 7}]})["id"]
    return {
        "douyin:7012345": shop,
        "6920000000000000001": order_id,
        "7010000000000000001": after_sale,
        "3512345": row["listing_id"],
        "1712345": row["sku_id"],
        "TEA-250": row["sku"],
        "sub_5f0c9a1e7d3b2c4a6e8f0a1b": subscription,
        "cmd_6f1c8d0e9b3a4c5d8e7f60718293a4b5": command,
    }


def test_nothing_is_found(described: tuple[str, str, Path]) -> None:
    url, key, path = described
    (path.parent / "schemathesis.toml").write_text(SETTINGS)
    words = [
        *("run", str(path), "--url", url, "--header", f"Authorization: Bearer {key}", "--no-color"),
        *("--max-examples", str(EXAMPLES), "--generation-deterministic"),
        *("--request-timeout", "30", "--warnings", "off"),
    ]
    program = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"]
    done = subprocess.run([*program, *words], cwd=path.parent, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout[-20_000:]
    assert "No issues found" in done.stdout, done.stdout[-2000:]
