"""The READMEs say what the code does."""

import re
from pathlib import Path

import pytest

from commands import readme

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("name", "language"), readme.READMES.items())
def test_made_parts_are_up_to_date(name: str, language: str) -> None:
    text = (ROOT / name).read_text()
    assert text == readme.filled(text, language), "run `python -m commands.readme`"


def test_a_readme_without_marks_is_an_error() -> None:
    with pytest.raises(ValueError, match="capabilities"):
        readme.filled("no marks", "en")


def test_both_languages_show_the_same_commands() -> None:
    english, chinese = ((ROOT / name).read_text() for name in readme.READMES)
    command = re.compile(r"^(?:qudao|make|export|curl|  -d|   +\"parcels).*?(?=\s+#|$)", re.MULTILINE)
    assert [re.sub('"(My shop|我的店)"', "…", line) for line in command.findall(english)] == [
        re.sub('"(My shop|我的店)"', "…", line) for line in command.findall(chinese)
    ]


@pytest.mark.parametrize("name", readme.READMES)
def test_links_lead_somewhere(name: str) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", (ROOT / name).read_text())
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []
