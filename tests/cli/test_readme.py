"""The READMEs and the pages of docs/ say what the code does."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer

import cli
from commands import readme
from core.settings import Settings
from sandbox.settings import Settings as SandboxSettings

ROOT = Path(__file__).parents[2]
PAGES = [*readme.READMES, *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md"))]
ELSEWHERE = {"QUDAO_LANG", "QUDAO_APP_SECRET", "QUDAO_ACCESS_TOKEN", "QUDAO_REFRESH_TOKEN"}
"""What is read from the environment alone."""


@pytest.mark.parametrize("name", [*readme.READMES, readme.REMARKS])
def test_made_parts_are_up_to_date(name: str) -> None:
    text = (ROOT / name).read_text()
    assert text == readme.filled(name, text), "run `python -m commands.readme`"


def test_a_readme_without_marks_is_an_error() -> None:
    with pytest.raises(ValueError, match="capabilities"):
        readme.filled("README.md", "no marks")


def test_both_languages_show_the_same_commands() -> None:
    english, chinese = ((ROOT / name).read_text() for name in readme.READMES)
    command = re.compile(r"^(?:qudao|make|export|curl|  -d|  '\{).*?(?=\s+#|$)", re.MULTILINE)
    assert [re.sub('"(My shop|我的店)"', "…", line) for line in command.findall(english)] == [
        re.sub('"(My shop|我的店)"', "…", line) for line in command.findall(chinese)
    ]


def said(page: str) -> list[str]:
    """Every `qudao …` of a page, in a sentence or as a line of a block."""
    text = (ROOT / page).read_text()
    lines = re.findall(r"^qudao (.*?)(?:\s+#.*)?$", text, re.MULTILINE)
    return [*lines, *re.findall(r"(?:`|\$\()qudao ([a-z][^`)]*)[`)]", text)]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_option_exists(page: str) -> None:
    for words in said(page):
        found: Any = typer.main.get_command(cli.app)
        for word in words.split():
            if not hasattr(found, "commands") or not word.isalpha():
                break
            assert word in found.commands, words
            found = found.commands[word]
        options = {name for parameter in found.params for name in parameter.opts}
        assert set(re.findall(r"(?<!\S)--[a-z-]+", words)) <= options | {"--help"}, words


def test_commands_are_found() -> None:
    assert len([words for page in PAGES for words in said(page)]) > 100


def test_every_setting_is_told_with_its_default() -> None:
    rows = re.findall(r"^\| (`QUDAO_.*?) \| (.*?) \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)
    told = {
        name: default
        for names, defaults in rows
        for name, default in zip(re.findall(r"QUDAO_[A-Z<>_]+", names), defaults.split(", "), strict=False)
    }
    fields = {f"QUDAO_{name.upper()}": field for name, field in Settings.model_fields.items()}
    tables = {"QUDAO_GATEWAYS": "QUDAO_<CHANNEL>_GATEWAY", "QUDAO_PUSH_DATABASES": "QUDAO_<CHANNEL>_PUSH_DATABASE_URL"}
    assert {tables.get(name, name) for name in fields} == set(told) - ELSEWHERE
    for name, default in told.items():
        if default.startswith("`") and name in fields and (value := fields[name].default):
            assert default.strip("`") == str(value).lower(), name


def test_the_sandbox_tells_its_settings() -> None:
    told = (ROOT / "sandbox" / "README.md").read_text().partition("## Settings")[2].partition("\n## ")[0]
    named = {
        name
        for row in re.findall(r"^\| [^|]+ \| (`.*) \|$", told, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    assert named == set(SandboxSettings.model_fields)


@pytest.mark.parametrize("page", PAGES)
def test_no_page_names_a_setting_that_does_not_exist(page: str) -> None:
    known = {f"QUDAO_{name.upper()}" for name in Settings.model_fields} | ELSEWHERE
    per_channel = re.compile(r"QUDAO_[A-Z]+_(GATEWAY|PUSH_DATABASE_URL)")
    named = set(re.findall(r"QUDAO_[A-Z_]*[A-Z]", (ROOT / page).read_text()))
    assert {name for name in named - known if not per_channel.fullmatch(name)} - {"QUDAO_KEY"} == set()


@pytest.mark.parametrize("name", readme.READMES)
def test_links_lead_somewhere(name: str) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", (ROOT / name).read_text())
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []
