"""The Tryton example from beginning to end, as `make example-tryton` runs it."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_tryton_and_the_platforms_agree(tmp_path: Path) -> None:
    """Installs Tryton from the package index where that was not done yet; then its books alone."""
    done = subprocess.run(
        ["make", "example-tryton", "ORDERS=24"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=1200
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"killed between sale and acknowledgement: [1-9]\d* sold, [1-9]\d* events come again", done.stdout)
    assert "Tryton and the platforms agree." in done.stdout

    folder = tmp_path / "books"
    script = ROOT / "tests" / "examples" / "tryton_books.py"
    books = subprocess.run(
        [ROOT / ".example" / "venv" / "bin" / "python", script, folder],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert books.returncode == 0, books.stdout + books.stderr
    assert books.stdout.split()[-1] == "a_mapping_that_comes_later"


def test_the_requirements_are_pinned_with_hashes_and_name_no_host() -> None:
    text = (ROOT / "examples" / "tryton" / "requirements.txt").read_text()
    pins = re.findall(r"^([a-z0-9-]+)==\S+", text, re.MULTILINE)
    assert {"trytond", "trytond-web-shop", "httpx"} <= set(pins)
    assert len(re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)) - 1 == len(pins)
    assert all("--hash=sha256:" in entry for entry in re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:])
    assert "://" not in text
