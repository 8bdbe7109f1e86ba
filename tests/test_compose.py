"""compose.yaml and Dockerfile hold together with the product: commands, settings, files, secrets. Nothing starts."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

import cli
from core.settings import Settings

ROOT = Path(__file__).parents[1]
SETTINGS = {f"QUDAO_{name.upper()}" for name in Settings.model_fields}
OURS = ("migrate", "web-1", "web-2", "worker-1", "worker-2", "beat", "listen", "webhooks")
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}


@cache
def compose() -> Any:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


@cache
def dockerfile() -> list[str]:
    """Its instructions, continued lines joined, comments left out."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")]
    return "\n".join(lines).replace("\\\n", " ").splitlines()


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"][name]
    return found


def words(instruction: str) -> list[str]:
    return [line.removeprefix(instruction).strip() for line in dockerfile() if line.startswith(instruction + " ")]


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_of_the_cli(name: str) -> None:
    command = service(name)["command"]
    group = typer.main.get_command(cli.app)
    found = group.commands[command[0]]  # type: ignore[attr-defined]  # a group, since it has many commands
    found.make_context(command[0], list(command[1:]), resilient_parsing=False)


def test_all_parts_are_there_and_nothing_else() -> None:
    assert set(compose()["services"]) == {"postgres", "valkey", *OURS}


def test_every_setting_exists() -> None:
    text = (ROOT / "compose.yaml").read_text() + (ROOT / "Dockerfile").read_text()
    assert set(re.findall(r"QUDAO_[A-Z_]+", text)) - SETTINGS == set()
    assert all("QUDAO_REDIS_URL" in service(name)["environment"] for name in OURS)


def test_what_is_waited_for_exists_and_can_be_waited_for() -> None:
    services = compose()["services"]
    for name, found in services.items():
        for other, how in found.get("depends_on", {}).items():
            assert how["condition"] in CONDITIONS, name
            assert "healthcheck" in services[other] or how["condition"] != "service_healthy", (name, other)
    assert all("migrate" in service(name)["depends_on"] for name in OURS if name != "migrate")


def test_secrets_and_volumes_are_declared_and_no_secret_is_written_down() -> None:
    for found in compose()["services"].values():
        assert set(found.get("secrets", ())) <= set(compose()["secrets"])
        for volume in found.get("volumes", ()):
            assert volume.partition(":")[0] in compose()["volumes"]
        for name, value in found.get("environment", {}).items():
            assert name.endswith("_FILE") or not re.search("PASSWORD|SECRET|KEY|TOKEN", name), (name, value)
    assert all(set(service(name)["secrets"]) == {"secret_key", "database_password"} for name in OURS)
    assert "/secrets/" in (ROOT / ".gitignore").read_text().split()


def test_images_name_no_registry_and_ours_runs_as_nobody_special() -> None:
    images = [found["image"] for found in compose()["services"].values()] + [line.split()[0] for line in words("FROM")]
    assert [image for image in images if "." in image.partition("/")[0].partition(":")[0]] == []
    assert words("USER") == ["qudao"]
    assert {service(name)["image"] for name in OURS} == {"qudao"}


def test_the_image_holds_all_that_is_shipped() -> None:
    shipped = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    copied = {word for line in words("COPY") if not line.startswith("--from") for word in line.split()[:-1]}
    kept = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    assert set(shipped["only-include"]) <= copied
    assert copied == kept
    assert [name for name in copied if not (ROOT / name).exists()] == []
