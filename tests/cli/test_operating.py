"""docs/operating.md names only what there is: commands, settings, the figures it quotes from the code."""

import re
from pathlib import Path
from typing import Any

import typer

import cli
from core.db.engine import ABANDONED_SECONDS, OVERFLOW, POOL_SIZE
from core.settings import Settings
from sync.beat import LEADER_SECONDS

PAGE = (Path(__file__).parents[2] / "docs" / "operating.md").read_text()


def test_every_command_exists() -> None:
    for words in re.findall(r"`qudao ([a-z][^`]*)`", PAGE):
        found: Any = typer.main.get_command(cli.app)
        for word in words.split():
            if not hasattr(found, "commands") or not word.isalpha():
                break
            assert word in found.commands, words
            found = found.commands[word]
        options = {name for parameter in found.params for name in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", words)) <= options, words


def test_every_setting_exists() -> None:
    known = {f"QUDAO_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"QUDAO_[A-Z_]+", PAGE)) <= known


def test_the_figures_are_those_of_the_code() -> None:
    defaults = Settings()
    assert f"(`QUDAO_LEASE_SECONDS`, {defaults.lease_seconds:g} s)" in PAGE
    assert f"another leads within {LEADER_SECONDS} s" in PAGE
    assert f"hears nothing for {ABANDONED_SECONDS} s" in PAGE
    assert f"{defaults.workers} processes each" in PAGE
    assert f"up to {POOL_SIZE + OVERFLOW} per web server" in PAGE
