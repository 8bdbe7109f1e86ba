"""docs/webhooks.md is true: its lines run, its numbers are those of the program."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from core.db import subscriptions
from core.settings import Settings
from sync import webhook_calls, webhooks
from sync.runtime import Runtime
from tests.examples.test_integrating import Reader
from tests.web.conftest import connect
from tests.web.test_subscriptions import happen, send

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()


@pytest.mark.slow
def test_every_line_works(server: str, key: str, erp: httpx.Client, runtime: Runtime, tmp_path: Path) -> None:
    connect(runtime, "douyin:7012345")
    reader = Reader(tmp_path, QUDAO=server, AUTH=f"Authorization: Bearer {key}")
    lines = [line for line in PAGE.splitlines() if line.startswith("curl ")]
    assert len(lines) == 10
    identity = ""
    for line in lines:
        command = line.partition("  #")[0].strip().replace("2026-11-11T00:00:00Z", datetime.now(UTC).isoformat())
        if "deliveries/42" in command:
            happen(runtime, "o1", shop="douyin:7012345")
            send(runtime)  # the name has no address, so it is tried again
            [waiting] = erp.get(f"/v1/subscriptions/{identity}/deliveries").json()["items"][:1]
            command = command.replace("/42:", f"/{waiting['id']}:")
        answer = reader.type(command)
        identity = identity or json.loads(answer)["id"]
        reader.variables["ID"] = identity
        assert "urn:qudao:problem" not in answer, (line, answer)
    assert erp.get("/v1/subscriptions").json() == {"items": []}


def test_the_numbers_are_those_of_the_program() -> None:
    words = {1: "s", 60: "min", 3600: "h"}
    steps = []
    for seconds in webhook_calls.STEPS:
        unit = max(each for each in words if seconds % each == 0 and (seconds >= each or each == 1))
        steps.append(f"{seconds // unit} {words[unit]}")
    assert f"| schedule | {', '.join(steps)}, each ±{webhook_calls.SPREAD:.0%}: {len(steps)} tries" in PAGE
    assert f"within {webhook_calls.TIMEOUT_SECONDS:.0f} s" in PAGE
    assert f"the first {webhook_calls.KEPT_BYTES:,} bytes" in PAGE
    assert f"up to {webhooks.AT_ONCE} are sent at once" in PAGE
    assert f"after {webhooks.DISABLED_AFTER.days} days in which every try failed" in PAGE
    assert f"more than {subscriptions.QUIET.days} days between tries" in PAGE
    assert f"for {Settings.model_fields['webhook_keep_days'].default} days (`QUDAO_WEBHOOK_KEEP_DAYS`)" in PAGE


def test_every_word_for_a_failure_is_explained() -> None:
    source = Path(webhook_calls.__file__).read_text().partition("def _word(")[2]
    said = PAGE.partition("Why there was no answer")[2]
    words = set(re.findall(r'return "(\w+)"', source)) | {"status", "redirect", "unresolved", "broken_off"}
    assert {f"`{word}`" for word in words} == set(re.findall(r"`[a-z_]+`", said)) - {"`error`"}
